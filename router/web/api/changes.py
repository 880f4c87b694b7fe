"""How are several changes made as one, and what would they lead to?"""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from router.changes.fields import LARGEST
from router.changes.listed import ChangeList
from router.changes.showing import shown, without_private
from router.changes.wishes import Done
from router.storage.access_schema import Action, Role
from router.storage.audit import entries_of_version
from router.web.admission import key_of, needs
from router.web.api.audit import AuditPage, take_back
from router.web.api.nouns import asked_by
from router.web.parts import Parts, parts
from router.web.problems import DeadEnd, Problem, Refusal

endpoints = APIRouter(prefix="/changes", tags=["changes"])

_REFUSALS: dict[int | str, dict[str, Any]] = {status: {"model": Problem} for status in (404, 409, 412)}


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
    return Previewed(
        sentences=found.sentences,
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
