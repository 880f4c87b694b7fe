"""How is a list of changes written that are made as one?"""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from router.changes.faults import FieldFault, Invalid
from router.changes.fields import LARGEST, Ref
from router.changes.nouns import DECLARED
from router.changes.saying import in_words
from router.changes.showing import pointer
from router.changes.wishes import Item, Verb

CHANGES_AT_MOST = 500  # in one list, each some milliseconds under the change lock; more of them are an import

_OF_PLURAL = {one.plural: one for one in DECLARED}
_EXAMPLE: dict[str, Any] = {
    "changes": [
        {"noun": "people", "action": "make", "ref": "hr-90", "body": {"name": "Paula", "phones": []}},
        {
            "noun": "accounts",
            "action": "merge",
            "id": 1,
            "version": 1,
            "body": {"deputy_ids": [{"ref": "hr-90"}]},
        },
    ]
}
Plural = Literal["people", "desks", "lines", "accounts", "jobs", "rules", "hours", "covers", "overrides"]


class ChangeItem(BaseModel):
    """One change of a list: make (as POST), replace (PUT, by its reference), merge (PATCH), remove (DELETE).

    In `body` an object may be named by your own key instead of its id, as {"ref": "hr-90"}: also one that is made
    before in the same list.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": _EXAMPLE["changes"][1]})

    noun: Plural
    action: Verb
    id: Annotated[int, Field(strict=True, ge=1, le=LARGEST)] | None = None
    ref: Ref | None = Field(default=None, description="Your own key, instead of the id.")
    version: Annotated[int, Field(strict=True, ge=1, le=LARGEST)] | Literal["*"] | None = Field(
        default=None, description="What was read, as in If-Match; merge and remove want it. * is any."
    )
    body: dict[str, Any] | None = None

    @model_validator(mode="after")
    def goes_together(self) -> Self:
        if self.action is Verb.MAKE and self.id is not None:
            raise ValueError("what is made gets its id: leave it out")
        if self.action is Verb.REPLACE and (self.ref is None or self.id is not None):
            raise ValueError("replace goes by ref, and without id")
        if self.action in (Verb.MERGE, Verb.REMOVE):
            if (self.id is None) == (self.ref is None):
                raise ValueError("name the object either by id or by ref")
            if self.version is None:
                raise ValueError('say the version that you have read, so that nobody\'s change is lost, or "*"')
        if (self.body is None) != (self.action is Verb.REMOVE):
            raise ValueError("everything but remove has a body")
        return self

    def wish(self, place: int) -> Item:
        """The same for the door."""
        return Item(
            at=f"/changes/{place}",
            declared=_OF_PLURAL[self.noun],
            verb=self.action,
            id=self.id,
            ref=self.ref,
            only_if=frozenset({self.version}) if isinstance(self.version, int) else None,
            body=self.body or {},
        )


class ChangeList(BaseModel):
    """Changes that are made as one, in this order, all or none."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": _EXAMPLE})

    changes: Annotated[list[ChangeItem], Field(min_length=1, max_length=CHANGES_AT_MOST)]

    def wishes(self) -> list[Item]:
        return [item.wish(place) for place, item in enumerate(self.changes)]


def read_list(written: object) -> ChangeList:
    """Check what was written. Raises Invalid, with a pointer for each fault."""
    try:
        return ChangeList.model_validate(written)
    except ValidationError as fault:
        found = [FieldFault(pointer=pointer(one["loc"]), sentence=in_words(one)) for one in fault.errors()]
        raise Invalid(found) from None
