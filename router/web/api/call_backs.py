"""How is a customer called back for what we owe them, and what became of it?"""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from router.changes.fields import LARGEST
from router.commitments.calling_back import Became
from router.storage import call_backs
from router.storage.access_schema import Role
from router.storage.call_backs import ask_call_back, attempt_of, attempts_of
from router.storage.commitments import NoSuchCommitment
from router.web.admission import key_of, needs
from router.web.parts import Parts, parts
from router.web.problems import FieldError, Problem, Refusal

endpoints = APIRouter(tags=["call-backs"])

EXTERNAL = "external"  # what stands in place of a private number

PartsHere = Annotated[Parts, Depends(parts)]
CommitmentId = Annotated[int, Path(ge=1, le=LARGEST, examples=[7])]
CallBackId = Annotated[int, Path(ge=1, le=LARGEST, examples=[12])]


class Wish(BaseModel):
    """Who calls back; whoever owns the commitment, when nobody is named."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"person_id": 3}})

    person_id: Annotated[int, Field(ge=1, le=LARGEST)] | None = None


class CallBack(BaseModel):
    """One attempt to call back: whose phone rang, who was called and saw which number, and when each happened.

    An instant is null for what has not happened; `became` is null while it is under way, and `sentence` tells it. An
    external phone shows its number only to a key that may see private numbers.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": 12,
                "commitment_id": 7,
                "call_id": "pbx:router-callback-1772470800.12",
                "person_id": 3,
                "phone": "ida",
                "number": "+12025550111",
                "shown": "+12125550100",
                "asked_by": "desk panel",
                "asked_at": "2026-03-02T17:00:00Z",
                "placed_at": "2026-03-02T17:00:00.1Z",
                "taken_at": "2026-03-02T17:00:04Z",
                "called_at": "2026-03-02T17:00:04.1Z",
                "talked_at": "2026-03-02T17:00:09Z",
                "ended_at": "2026-03-02T17:01:09Z",
                "became": "talked",
                "sentence": "Ida talked to Birch & Sons for 60 s, so commitment 7 is kept",
            }
        }
    )

    id: int
    commitment_id: int
    call_id: str | None
    person_id: int | None
    phone: str | None
    number: str
    shown: str
    asked_by: str
    asked_at: datetime
    placed_at: datetime | None
    taken_at: datetime | None
    called_at: datetime | None
    talked_at: datetime | None
    ended_at: datetime | None
    became: Became | None
    sentence: str


class CallBacks(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={"example": {"items": [CallBack.model_json_schema()["example"]]}},
    )

    items: list[CallBack]


@endpoints.post(
    "/commitments/{id}/call-back",
    status_code=202,
    summary="Call a customer back now",
    responses={404: {"model": Problem}, 409: {"model": Problem}},
    **needs(Role.COORDINATOR),
)
async def call_back(
    id: CommitmentId,
    request: Request,
    response: Response,
    parts: PartsHere,
    wish: Annotated[Wish | None, Body(examples=[{"person_id": 3}])] = None,
) -> CallBack:
    """The person's phone rings; when they have taken it, the customer's does, and sees the business line's number.

    Taken in is not done: read what became of it where `Location` says. While the same commitment is being called back
    already, it is a 409.
    """
    person = wish.person_id if wish else None
    if person is not None and ((table := parts.table()) is None or person not in table.people):
        errors = [FieldError(pointer="/body/person_id", detail=f"there is no person {person}")]
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", f"there is no person {person}", errors=errors)
    try:
        asked_by = key_of(request).name[:100]
        order = await ask_call_back(parts.db, parts.pbx, id, person, asked_by=asked_by, now=parts.now())
    except call_backs.CalledAlready as already:
        location = {"Location": _location(request, already.order)}
        raise Refusal(HTTPStatus.CONFLICT, "under-way", str(already), headers=location) from None
    except NoSuchCommitment:
        raise _unknown(f"there is no commitment {id}") from None
    response.headers["Location"] = _location(request, order)
    return await _read(order, request, parts)


@endpoints.get(
    "/commitments/{id}/call-backs",
    summary="List a commitment's call-backs",
    responses={404: {"model": Problem}},
    **needs(Role.VIEWER),
)
async def list_call_backs(id: CommitmentId, request: Request, parts: PartsHere) -> CallBacks:
    """What was tried so far, the latest first."""
    try:
        attempts = await attempts_of(parts.db, id)
    except NoSuchCommitment:
        raise _unknown(f"there is no commitment {id}") from None
    return CallBacks(items=[_shown(request, attempt) for attempt in attempts])


@endpoints.get(
    "/call-backs/{id}", summary="Read a call-back", responses={404: {"model": Problem}}, **needs(Role.VIEWER)
)
async def read_call_back(id: CallBackId, request: Request, parts: PartsHere) -> CallBack:
    """How far it has come, and what became of it."""
    return await _read(id, request, parts)


async def _read(order: int, request: Request, parts: Parts) -> CallBack:
    attempt = await attempt_of(parts.db, order)
    if attempt is None:
        raise _unknown(f"there is no call-back {order}")
    return _shown(request, attempt)


def _shown(request: Request, attempt: call_backs.Attempt) -> CallBack:
    phone = attempt.phone
    if phone is not None and phone.startswith("+") and not key_of(request).sees_private:
        phone = EXTERNAL
    return CallBack(
        id=attempt.id,
        commitment_id=attempt.commitment,
        call_id=attempt.call_id,
        person_id=attempt.person,
        phone=phone,
        number=attempt.number,
        shown=attempt.shown,
        asked_by=attempt.asked_by,
        asked_at=attempt.asked_at,
        placed_at=attempt.placed_at,
        taken_at=attempt.taken_at,
        called_at=attempt.called_at,
        talked_at=attempt.talked_at,
        ended_at=attempt.ended_at,
        became=attempt.became,
        sentence=attempt.sentence,
    )


def _location(request: Request, order: int) -> str:
    return str(request.app.url_path_for("read_call_back", id=order))


def _unknown(detail: str) -> Refusal:
    return Refusal(HTTPStatus.NOT_FOUND, "unknown", detail)
