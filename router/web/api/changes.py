"""How are several changes made as one, and what would they lead to?"""

from http import HTTPStatus
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator

from router.changes.fields import LARGEST, Ref
from router.changes.nouns import DECLARED
from router.changes.showing import shown, without_private
from router.changes.wishes import Done, Item, Verb
from router.storage.audit import entries_of_version
from router.storage.schema import Action, Role
from router.web.admission import key_of, needs
from router.web.api.audit import AuditPage, take_back
from router.web.api.nouns import asked_by
from router.web.parts import Parts, parts
from router.web.problems import DeadEnd, Problem, Refusal

endpoints = APIRouter(prefix="/changes", tags=["changes"])

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
_REFUSALS: dict[int | str, dict[str, Any]] = {status: {"model": Problem} for status in (404, 409, 412)}
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


class MadeChange(BaseModel):
    noun: str
    id: int
    action: Action
    object: dict[str, Any] | None = Field(description="As it is now; null when it was removed.")


MADE: dict[str, Any] = {
    "version": 12,
    "items": [
        {"noun": "people", "id": 90, "action": "created", "object": {"id": 90, "version": 1, "name": "Paula"}},
        {"noun": "accounts", "id": 1, "action": "changed", "object": {"id": 1, "version": 2, "deputy_ids": [90]}},
    ],
}


class MadeChanges(BaseModel):
    """What became of each item. `version` is the table that they made; undo it with POST /changes/{version}/undo."""

    model_config = ConfigDict(json_schema_extra={"example": MADE})

    version: int | None
    items: list[MadeChange]


class ExampleCall(BaseModel):
    """A call to ask /explain about."""

    caller: str
    line: str
    at: str


class Led(BaseModel):
    steps: list[str]
    sentence: str


class MovedCalls(BaseModel):
    """Calls that go the same way before, and the same way after."""

    sentence: str
    callers: list[str]
    lines: list[str]
    when: list[str]
    kinds_of_call: int = Field(description="How many kinds of call were found to; each may be many calls.")
    alike: int = Field(description="For how many lines or accounts one of them was asked about.")
    example: ExampleCall
    before: Led
    after: Led


_MOVE = "Birch & Sons on Business line (+12125550100), now: Anna for 20 s, then … → Ben for 20 s, then …."
PREVIEWED: dict[str, Any] = {
    "sentences": [_MOVE],
    "moves": [
        {
            "sentence": _MOVE,
            "callers": ["Birch & Sons"],
            "lines": ["Business line (+12125550100)"],
            "when": ["now"],
            "kinds_of_call": 1,
            "alike": 1,
            "example": {"caller": "+12025550111", "line": "+12125550100", "at": "2026-03-02T17:00:00Z"},
            "before": {"steps": ["Anna", "Coordinators"], "sentence": "Anna (account manager) for 20 s, then …"},
            "after": {"steps": ["Ben", "Coordinators"], "sentence": "Ben (account manager) for 20 s, then …"},
        }
    ],
    "moves_in_all": 1,
    "appear": [],
    "vanish": [],
    "refused": [],
}


class Previewed(BaseModel):
    """What would become of calls. Nothing was changed."""

    model_config = ConfigDict(json_schema_extra={"example": PREVIEWED})

    sentences: list[str] = Field(description="All that follows, in words.")
    moves: list[MovedCalls]
    moves_in_all: int
    appear: list[dict[str, Any]] = Field(description="Problems and warnings that are not there now.")
    vanish: list[dict[str, Any]]
    refused: list[DeadEnd] = Field(description="Why it would be refused; empty when it would be made.")


@endpoints.post(
    "/preview",
    operation_id="preview_changes",
    summary="Foresee several changes",
    responses=_REFUSALS,
    **needs(Role.EDITOR),
)
async def preview(wanted: ChangeList, parts: Annotated[Parts, Depends(parts)]) -> Previewed:
    """Which calls would go elsewhere, and which problems appear or vanish, if these changes were made as one?

    Every kind of call of the coming year is asked about. What is wrong with the list itself is refused as POST
    /changes refuses it.
    """
    found = await parts.door.preview(wanted.wishes(), parts.now())
    more = found.moves_in_all - len(found.moves)
    return Previewed(
        sentences=[
            *(move["sentence"] for move in found.moves),
            *([f"{more} more kinds of call go elsewhere."] if more else []),
            *([] if found.moves else ["No call goes elsewhere."]),
            *(f"It would be refused: {one['sentence']}." for one in found.refused),
            *(f"Appears: {one['sentence']}." for one in found.appear),
            *(f"Vanishes: {one['sentence']}." for one in found.vanish),
        ],
        moves=[MovedCalls.model_validate(move) for move in found.moves],
        moves_in_all=found.moves_in_all,
        appear=found.appear,
        vanish=found.vanish,
        refused=[DeadEnd.model_validate(one) for one in found.refused],
    )


@endpoints.post(
    "", operation_id="make_changes", summary="Make several changes as one", responses=_REFUSALS, **needs(Role.EDITOR)
)
async def make(request: Request, wanted: ChangeList, parts: Annotated[Parts, Depends(parts)]) -> MadeChanges:
    """Make these changes as one, in this order, all or none; calls are decided by them before the answer comes."""
    done = await parts.door.do(wanted.wishes(), asked_by(request), parts.now())
    sees_private = key_of(request).sees_private
    items = [_made(one, sees_private=sees_private) for one in done]
    return MadeChanges(version=done[0].version, items=items)


@endpoints.post(
    "/{version}/undo",
    operation_id="undo_changes",
    summary="Take several changes back",
    responses=_REFUSALS,
    **needs(Role.ADMIN),
)
async def undo(
    request: Request,
    version: Annotated[int, Path(ge=1, le=LARGEST, examples=[2])],
    parts: Annotated[Parts, Depends(parts)],
) -> AuditPage:
    """Take back all that was changed with this version of the table; the answer is what was put on record for it."""
    async with parts.db.reading() as look:
        entries = await entries_of_version(look, version)
    if not entries:
        detail = f"nothing on record made version {version}: GET /api/v1/audit lists what was changed"
        raise Refusal(HTTPStatus.NOT_FOUND, "unknown", detail)
    return await take_back(request, parts, entries[0].id)


def _made(done: Done, *, sees_private: bool) -> MadeChange:
    found = None if done.after is None else shown(done.declared, done.after)
    return MadeChange(
        noun=done.declared.plural,
        id=done.kept.entity.id,
        action=done.action,
        object=found if found is None or sees_private else without_private(found),
    )
