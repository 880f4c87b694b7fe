"""What became of the calls?"""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from router.calls.call import Ending
from router.calls.events import How, LegResult, Presented, Promised
from router.calls.events import Path as Way
from router.routing.model import CallerKind
from router.storage import records
from router.storage.records import PAGE_AT_MOST, BadCursor, recent_calls, recorded_call
from router.storage.schema import Role
from router.web.admission import key_of, needs
from router.web.parts import Parts, parts
from router.web.problems import FieldError, Problem, Refusal

endpoints = APIRouter(tags=["calls"])

CallId = Annotated[str, Path(max_length=200, pattern=r"^[\x21-\x7e]+$", examples=["pbx:1763759123.7"])]

EXTERNAL = "external"  # what stands in place of a private number

PAGE = 50  # records when nobody says how many: a screen or two


class LegRecord(BaseModel):
    """One phone that was rung, with its result; `cause` is the Q.850 hang-up cause.

    `maybe_machine`: an external phone that answered at once, or answered and pressed nothing.
    """

    model_config = ConfigDict(from_attributes=True)

    leg: str
    step: int
    phone: str
    person: int | None
    began_at: datetime
    ended_at: datetime | None
    result: LegResult | None
    cause: int | None
    maybe_machine: bool


class PassingRecord(BaseModel):
    """One hand-over: from whose phone, to whom ("" is back to the giver), by an order or by the phone's transfer key.

    `sentence` says who was to ring and why, where a router was asked.
    """

    model_config = ConfigDict(from_attributes=True)

    at: datetime
    phone: str
    person: int | None
    to: str
    how: How
    sentence: str


CALL: dict[str, Any] = {
    "call_id": "pbx:1763759123.7",
    "dialled": "+12125550100",
    "line": 1,
    "caller": "+12025550111",
    "presented": "number",
    "caller_kind": "known",
    "account": 1,
    "job": None,
    "arrived_at": "2026-03-02T09:00:00Z",
    "table_version": 12,
    "path": "plan",
    "why": "plan",
    "decision": {"sentence": "Anna Albers, then desk Coordinators: account manager of Birch & Sons"},
    "taken_phone": "anna",
    "taken_by": 1,
    "taken_at": "2026-03-02T09:00:04Z",
    "owner_phone": "anna",
    "owner": 1,
    "ended_at": "2026-03-02T09:02:10Z",
    "ended": "answered",
    "promise": None,
    "is_test": False,
    "legs": [
        {
            "leg": "1763759123.8",
            "step": 1,
            "phone": "anna",
            "person": 1,
            "began_at": "2026-03-02T09:00:00Z",
            "ended_at": "2026-03-02T09:02:10Z",
            "result": "answered",
            "cause": 16,
            "maybe_machine": False,
        }
    ],
    "passings": [],
}


class CallRecord(BaseModel):
    """One call: who dialled what, what was decided and why, which phones rang, who took it, and how it ended."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"example": CALL})

    call_id: str
    dialled: str
    line: int | None
    caller: str
    presented: Presented
    caller_kind: CallerKind | None
    account: int | None
    job: int | None
    arrived_at: datetime
    table_version: int | None
    path: Way | None
    why: str
    decision: dict[str, Any] | None
    taken_phone: str | None
    taken_by: int | None
    taken_at: datetime | None
    owner_phone: str | None = Field(description="Who took it last: another one than `taken_phone` after a hand-over.")
    owner: int | None
    ended_at: datetime | None
    ended: Ending | None
    promise: Promised | None = Field(description="Why the caller was let go with a promise to be called back.")
    is_test: bool
    legs: list[LegRecord]
    passings: list[PassingRecord] = Field(description="Who handed the call over, and to whom, in order.")


class CallPage(BaseModel):
    model_config = ConfigDict(json_schema_extra={"example": {"items": [CALL], "next": None}})

    items: list[CallRecord]
    next: str | None = Field(description="Send it as `cursor` to get what follows; null at the end.")


@endpoints.get("/calls", operation_id="list_call", summary="List calls", **needs(Role.VIEWER))
async def list_calls(
    request: Request,
    parts: Annotated[Parts, Depends(parts)],
    limit: Annotated[int, Query(ge=1, le=PAGE_AT_MOST)] = PAGE,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> CallPage:
    """The calls on record, newest first."""
    try:
        page = await recent_calls(parts.db, limit, cursor)
    except BadCursor as fault:
        errors = [FieldError(pointer="/query/cursor", detail=str(fault))]
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", str(fault), errors=errors) from None
    items = [_told(record, sees_private=key_of(request).sees_private) for record in page.records]
    return CallPage(items=items, next=page.next_cursor)


@endpoints.get(
    "/calls/{call_id}",
    operation_id="read_call",
    summary="Read a call",
    responses={404: {"model": Problem}},
    **needs(Role.VIEWER),
)
async def read_call(request: Request, call_id: CallId, parts: Annotated[Parts, Depends(parts)]) -> CallRecord:
    """One call, by its id."""
    record = await recorded_call(parts.db, call_id)
    if record is None:
        detail = f"there is no record of a call {call_id}: GET /api/v1/calls lists them"
        raise Refusal(HTTPStatus.NOT_FOUND, "unknown-call", detail)
    return _told(record, sees_private=key_of(request).sees_private)


def _told(kept: records.CallRecord, *, sees_private: bool) -> CallRecord:
    """An external phone is known by its number, which is private: without that right it is just EXTERNAL."""
    told = CallRecord.model_validate(kept)
    if sees_private:
        return told
    return told.model_copy(
        update={
            "taken_phone": _without_number(told.taken_phone),
            "owner_phone": _without_number(told.owner_phone),
            "legs": [leg.model_copy(update={"phone": _without_number(leg.phone)}) for leg in told.legs],
            "passings": [one.model_copy(update={"phone": _without_number(one.phone)}) for one in told.passings],
        }
    )


def _without_number(phone: str | None) -> str | None:
    return EXTERNAL if phone is not None and phone.startswith("+") else phone
