"""Who leaves, and who takes over what?"""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from router.changes.fields import Instant
from router.changes.handing_on import Settled
from router.changes.leaving import Agreed, Leavings
from router.changes.places import naming_of, said_of
from router.changes.successors import Kind, Successors
from router.commitments.facts import person_name
from router.storage.access_schema import Role
from router.storage.leaving_schema import LeavingState
from router.storage.leavings import KeptLeaving
from router.web.admission import needs
from router.web.api.nouns import Identity, asked_by
from router.web.parts import Parts, parts
from router.web.problems import DeadEnd, Problem

endpoints = APIRouter(prefix="/people/{id}/leave", tags=["people"])

PartsHere = Annotated[Parts, Depends(parts)]

_PLACE: dict[str, Any] = {
    "kind": "accounts",
    "noun": "accounts",
    "id": 12,
    "field": "manager_id",
    "name": "Birch & Sons",
    "to_id": 5,
    "settled": "kind",
    "sentence": "the account Birch & Sons → Lena",
}
_SUCCESSORS: dict[str, Any] = {"all": 7, "accounts": 5, "each": [{"kind": "jobs", "id": 3, "to": 8}]}
_LEAVES: dict[str, Any] = {
    "person_id": 4,
    "state": "planned",
    "at": "2026-03-31T16:00:00Z",
    "successors": _SUCCESSORS,
    "asked_at": "2026-03-02T09:00:00Z",
    "asked_by": "hr",
    "left_behind": [],
}


class LeaveBody(BaseModel):
    """When somebody leaves, and who takes over. Without `at`: now."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"at": "2026-03-31T16:00:00Z", "successors": _SUCCESSORS}}
    )

    at: Instant | None = None
    successors: Successors = Successors()


class PlaceTold(BaseModel):
    """One place in which they act, and where it goes; `settled` null: nobody is found, so it would be left behind."""

    kind: Kind
    noun: str
    id: int
    field: str
    name: str
    to_id: int | None = Field(description="Who acts there afterwards; null: nobody.")
    settled: Settled | None = Field(description="By what it is known: said of each, its kind, all; or suggested.")
    sentence: str


class LeaveTold(BaseModel):
    """Where everything goes. `nowhere`: which callers would be without a person then; with any, it is refused."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "person_id": 4,
                "state": "planned",
                "at": "2026-03-31T16:00:00Z",
                "places": [_PLACE],
                "left_behind": 0,
                "nowhere": [],
            }
        }
    )

    person_id: int
    state: LeavingState
    at: datetime
    places: list[PlaceTold]
    left_behind: int = Field(description="How many places nobody is found for; with any, it is refused.")
    nowhere: list[DeadEnd]


class LeavingTold(BaseModel):
    """That somebody leaves, or has left: with which successors, as who asked for it said."""

    model_config = ConfigDict(json_schema_extra={"example": _LEAVES})

    person_id: int
    state: LeavingState
    at: datetime = Field(description="As it was agreed; putting it off is a change of the person's leaves_at.")
    successors: Successors
    asked_at: datetime
    asked_by: str
    left_behind: list[str] = Field(description="What had come in meanwhile and nobody was found for, in words.")


@endpoints.get(
    "",
    operation_id="read_leave",
    summary="Read when somebody leaves",
    responses={404: {"model": Problem}, 409: {"model": Problem}},
    **needs(Role.VIEWER),
)
async def read(parts: PartsHere, id: Identity) -> LeavingTold:
    """When they leave or have left, and who takes over."""
    return _told(await _leavings(parts).newest(id))


@endpoints.post(
    "/preview",
    operation_id="preview_leave",
    summary="Preview what leaving would hand over",
    responses={404: {"model": Problem}, 409: {"model": Problem}},
    **needs(Role.EDITOR),
)
async def preview(request: Request, parts: PartsHere, id: Identity, body: LeaveBody) -> LeaveTold:
    """Everything that names them, and where each goes; nothing is changed."""
    agreed = await _leavings(parts).preview(id, body.at, body.successors, asked_by(request), parts.now())
    return _agreed(agreed, parts)


@endpoints.post(
    "",
    operation_id="leave",
    summary="Let somebody leave",
    responses={404: {"model": Problem}, 409: {"model": Problem}},
    **needs(Role.EDITOR),
)
async def leave(request: Request, parts: PartsHere, id: Identity, body: LeaveBody) -> LeaveTold:
    """Let them leave, now or at that time, as one change: refused until nothing is left behind."""
    agreed = await _leavings(parts).leave(id, body.at, body.successors, asked_by(request), parts.now())
    return _agreed(agreed, parts)


@endpoints.post(
    "/undo",
    operation_id="undo_leave",
    summary="Let somebody stay after all",
    responses={404: {"model": Problem}, 409: {"model": Problem}},
    **needs(Role.EDITOR),
)
async def undo(request: Request, parts: PartsHere, id: Identity) -> LeavingTold:
    """They stay after all: everything is as it was before, also what they owed, as far as nobody has seen to it."""
    return _told(await _leavings(parts).undo(id, asked_by(request), parts.now()))


def _leavings(parts: Parts) -> Leavings:
    return Leavings(parts.db, parts.door)


def _agreed(agreed: Agreed, parts: Parts) -> LeaveTold:
    table = parts.table()

    def name_of(person: int) -> str:
        return person_name(person, table) if table else f"person {person}"

    return LeaveTold(
        person_id=agreed.person,
        state=agreed.state,
        at=agreed.at,
        places=_places(agreed, name_of),
        left_behind=sum(place.settled is None for place in agreed.places),
        nowhere=[DeadEnd(sentence=one.sentence, path=list(one.path)) for one in agreed.nowhere],
    )


def _places(agreed: Agreed, name_of: Callable[[int], str]) -> list[PlaceTold]:
    return [
        PlaceTold(
            kind=place.kind,
            noun=naming_of(place).plural,
            id=place.id,
            field=naming_of(place).field,
            name=place.name,
            to_id=place.to,
            settled=place.settled,
            sentence=said_of(place, name_of),
        )
        for place in agreed.places
    ]


def _told(leaving: KeptLeaving) -> LeavingTold:
    return LeavingTold(
        person_id=leaving.person,
        state=leaving.state,
        at=leaving.at,
        successors=Successors.model_validate(leaving.successors),
        asked_at=leaving.asked_at,
        asked_by=str(leaving.asked_by["actor"]),
        left_behind=list(leaving.left_behind),
    )
