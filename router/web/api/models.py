"""How is a noun described to those who ask over HTTP: its bodies, its filters, its answers?"""

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal, Optional

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.fields import FieldInfo

from router.changes.fields import PRINTABLE, Fields
from router.changes.nouns import Declared
from router.routing.configuration import Noun
from router.storage.kept import Wanted
from router.web.api.lists import ISO, PageQuery, QueryId, QueryNumber
from router.web.problems import Problem


class ListQuery(PageQuery):
    """What every list of a noun takes; its filters are added for each."""

    ref: Annotated[str, Field(max_length=200, pattern=PRINTABLE)] | None = Field(
        default=None, description="Your own key."
    )

    def wanted(self, declared: Declared, *, sees_private: bool) -> Wanted:
        """The same for the rows."""
        filters = [(one.field, one.several) for one in declared.references]
        filters += [(name, False) for name in (*declared.choices, "ref")]
        given = {name: (getattr(self, name), several) for name, several in filters if getattr(self, name) is not None}
        return Wanted(
            limit=self.limit,
            cursor=self.cursor,
            order=getattr(self, "order"),  # noqa: B009
            equal={name: value for name, (value, several) in given.items() if not several},
            having={name: value for name, (value, several) in given.items() if several},
            number=getattr(self, "number", None),
            updated_since=self.updated_since,
            search=self.search,
            search_in=declared.search,
            private=sees_private,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """The shapes of one noun: what is sent, what is asked for, what is answered."""

    declared: Declared
    body: type[Fields]
    patch: type[BaseModel]
    query: type[ListQuery]
    record: type[BaseModel]
    page: type[BaseModel]

    def answers(self, *statuses: int) -> dict[int | str, dict[str, Any]]:
        """What each of these statuses brings; the record for those of success."""
        of_record = {"model": self.record, "content": {"application/json": {"example": self.example()}}}
        return {
            status: {**of_record, "headers": _ETAG} if status < 300 else {"model": Problem, **_says(status)}
            for status in statuses
        }

    def page_answers(self) -> dict[int | str, dict[str, Any]]:
        example = {"items": [self.example()], "next": "WyJpZCIsIDEsIDFd"}
        return {200: {"model": self.page, "content": {"application/json": {"example": example}}}}

    def example(self) -> dict[str, Any]:
        """The example as it is read after it was written."""
        fields = self.body.model_validate(self.declared.example)
        given: dict[str, Any] = {"id": 1, "version": 1, "updated_at": ISO}
        if self.declared.noun is Noun.DESK:
            given["slot"] = 1
        return given | fields.model_dump(mode="json", by_alias=True)


class Given(BaseModel):
    """What the router gives to every object."""

    id: int
    version: int = Field(description="Goes up with every change; it is the ETag.")
    updated_at: datetime


class GivenDesk(Given):
    slot: int = Field(description="Which queue of its strategy it has in the PBX.")


def models_of(declared: Declared) -> Models:
    """Made of what is declared of the noun."""
    name = declared.noun.value.title()
    config = ConfigDict(json_schema_extra={"example": dict(declared.example)})
    body = create_model(f"{name}Body", __base__=declared.fields, __doc__=declared.fields.__doc__, __config__=None)
    body.model_config = ConfigDict(**{**declared.fields.model_config, **config})
    body.model_rebuild(force=True)
    given = GivenDesk if declared.noun is Noun.DESK else Given
    record = create_model(name, __base__=(declared.fields, given), __doc__=declared.fields.__doc__)
    return Models(
        declared=declared,
        body=body,
        patch=_patch_of(declared, name),
        query=_query_of(declared, name),
        record=record,
        page=create_model(f"{name}Page", items=(list[record], ...), next=(Optional[str], None)),  # type: ignore[valid-type]  # noqa: UP045
    )


def said_of_one(noun: Noun) -> str:
    """One of them in a sentence: `an account`, `opening hours`."""
    if noun is Noun.HOURS:
        return "opening hours"
    return f"{'an' if noun.value[0] in 'aeiou' else 'a'} {noun.value}"


def _patch_of(declared: Declared, name: str) -> type[BaseModel]:
    fields: dict[str, Any] = {
        field: (_perhaps(known), Field(default=None, alias=known.alias, description=known.description))
        for field, known in declared.fields.model_fields.items()
    }
    first = next(field for field in declared.example)
    config = ConfigDict(extra="forbid", json_schema_extra={"example": {first: declared.example[first]}})
    return create_model(
        f"{name}Patch", __config__=config, __doc__=f"What shall change of {said_of_one(declared.noun)}.", **fields
    )


def _perhaps(field: FieldInfo) -> Any:
    annotation: Any = field.annotation
    for marker in field.metadata:
        annotation = Annotated[annotation, marker]
    return Optional[annotation]  # noqa: UP045


def _query_of(declared: Declared, name: str) -> type[ListQuery]:
    orders = tuple([sign + order for order in declared.orders for sign in ("", "-")])
    filters: dict[str, Any] = {
        "order": (Literal[orders], Field(default=orders[0], description="With - in front the other way round.")),
    }
    for one in declared.references:
        written = one.written.removesuffix("s") if one.several else one.written
        says = f"The id of {said_of_one(one.to)}."
        filters[one.field] = (Optional[QueryId], Field(default=None, alias=written, description=says))  # noqa: UP045
    for field, kind in declared.choices.items():
        filters[field] = (Optional[kind], Field(default=None))  # noqa: UP045
    if declared.has_numbers:
        filters["number"] = (Optional[QueryNumber], Field(default=None, examples=["+12125550100"]))  # noqa: UP045
    return create_model(f"{name}Query", __base__=ListQuery, **filters)


_ETAG = {"ETag": {"description": "The version, to be sent as If-Match.", "schema": {"type": "string"}}}


def _says(status: int) -> dict[str, Any]:
    return {"description": HTTPStatus(status).phrase}
