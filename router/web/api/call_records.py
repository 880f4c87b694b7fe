"""How is a call on record told to who asks over HTTP?"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from router.calls.call import Ending
from router.calls.differences import Difference, Happened, decided_steps, differences, kind_of, sentence_of
from router.calls.events import How, LegResult, Presented, Promised
from router.calls.events import Path as Way
from router.routing.model import CallerKind, PhoneKind
from router.routing.table import Table
from router.storage import records

EXTERNAL = "external"  # what stands in place of a private number


class LegRecord(BaseModel):
    """One phone that was rung, with its result; `cause` is the Q.850 hang-up cause.

    `maybe_machine`: an external phone that answered at once, or answered and pressed nothing.
    """

    model_config = ConfigDict(from_attributes=True)

    leg: str
    step: int
    phone: str
    person_id: int | None = Field(validation_alias="person")
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
    person_id: int | None = Field(validation_alias="person")
    to: str
    how: How
    sentence: str


CALL: dict[str, Any] = {
    "call_id": "pbx:1763759123.7",
    "dialled": "+12125550100",
    "line_id": 1,
    "caller": "+12025550111",
    "presented": "number",
    "caller_kind": "known",
    "account_id": 1,
    "job_id": None,
    "arrived_at": "2026-03-02T09:00:00Z",
    "table_version": 12,
    "path": "plan",
    "why": "plan",
    "decision": {"sentence": "Anna Albers, then desk Coordinators: account manager of Birch & Sons"},
    "taken_phone": "anna",
    "taken_by_id": 1,
    "taken_at": "2026-03-02T09:00:04Z",
    "owner_phone": "anna",
    "owner_id": 1,
    "ended_at": "2026-03-02T09:02:10Z",
    "ended": "answered",
    "promise": None,
    "is_test": False,
    "updated_at": "2026-03-02T09:02:10Z",
    "legs": [
        {
            "leg": "1763759123.8",
            "step": 1,
            "phone": "anna",
            "person_id": 1,
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
    line_id: int | None = Field(validation_alias="line")
    caller: str
    presented: Presented
    caller_kind: CallerKind | None
    account_id: int | None = Field(validation_alias="account")
    job_id: int | None = Field(validation_alias="job")
    arrived_at: datetime
    table_version: int | None
    path: Way | None
    why: str
    decision: dict[str, Any] | None
    taken_phone: str | None
    taken_by_id: int | None = Field(validation_alias="taken_by")
    taken_at: datetime | None
    owner_phone: str | None = Field(description="Who took it last: another one than `taken_phone` after a hand-over.")
    owner_id: int | None = Field(validation_alias="owner")
    ended_at: datetime | None
    ended: Ending | None
    promise: Promised | None = Field(description="Why the caller was let go with a promise to be called back.")
    is_test: bool
    updated_at: datetime
    legs: list[LegRecord]
    passings: list[PassingRecord] = Field(description="Who handed the call over, and to whom, in order.")


class CallPage(BaseModel):
    model_config = ConfigDict(json_schema_extra={"example": {"items": [CALL], "next": None}})

    items: list[CallRecord]
    next: str | None = Field(description="Send it as `cursor` to get what follows; null at the end.")


class DifferenceRecord(BaseModel):
    """One thing that went otherwise than it was decided."""

    kind: str = Field(description="What kind of thing, for programs.", examples=["did_not_take"])
    sentence: str


class CallStory(CallRecord):
    """The record of one call, and where what happened differs from what was decided."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"example": {**CALL, "differences": []}})

    differences: list[DifferenceRecord] = Field(description="In the order in which the call met them.")


def told(kept: records.CallRecord, *, sees_private: bool) -> CallRecord:
    """An external phone is known by its number, which is private: without that right it is just EXTERNAL."""
    whole = CallRecord.model_validate(kept)
    return whole if sees_private else whole.model_copy(update=_without_numbers(whole))


def story_of(kept: records.CallRecord, table: Table | None, *, sees_private: bool) -> CallStory:
    """The same with the differences; `table` tells who sits at a desk, if it is the one that decided the call."""
    members: Mapping[int, tuple[str, ...]] = {}
    if table is not None and table.version == kept.table_version:
        members = {desk.id: _phones_at(desk.members, table) for desk in table.desks.values()}
    happened = Happened(
        path=kept.path,
        legs=kept.legs,
        taken_by=kept.taken_by,
        taken_phone=kept.taken_phone,
        passings=kept.passings,
        ending=kept.ended,
        promise=kept.promise,
        members=members,
    )
    found = differences(decided_steps(kept.decision or {}), happened)
    whole = told(kept, sees_private=sees_private)
    said = [_difference(one, sees_private=sees_private) for one in found]
    return CallStory.model_construct(
        **{name: getattr(whole, name) for name in CallRecord.model_fields}, differences=said
    )


def _difference(one: Difference, *, sees_private: bool) -> DifferenceRecord:
    sentence = sentence_of(one) if sees_private else sentence_of(one, lambda phone: _without_number(phone) or "")
    return DifferenceRecord(kind=kind_of(one), sentence=sentence)


def _phones_at(members: Sequence[int], table: Table) -> tuple[str, ...]:
    people = [table.people[member] for member in members if member in table.people]
    return tuple(
        phone.endpoint
        for person in people
        for phone in person.phones
        if phone.kind is PhoneKind.DESK and phone.enabled and phone.endpoint
    )


def _without_numbers(whole: CallRecord) -> dict[str, Any]:
    return {
        "taken_phone": _without_number(whole.taken_phone),
        "owner_phone": _without_number(whole.owner_phone),
        "legs": [leg.model_copy(update={"phone": _without_number(leg.phone)}) for leg in whole.legs],
        "passings": [one.model_copy(update={"phone": _without_number(one.phone)}) for one in whole.passings],
    }


def _without_number(phone: str | None) -> str | None:
    return EXTERNAL if phone is not None and phone.startswith("+") else phone
