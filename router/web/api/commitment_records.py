"""How is a commitment told to who asks over HTTP?"""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from router.commitments.commitment import Commitment, State, Why
from router.commitments.facts import facts_of
from router.commitments.notice import NoticeKind
from router.routing.table import Table
from router.storage.owed import Owed, Told
from router.web.api.call_records import CALL, CallRecord

COMMITMENT: dict[str, Any] = {
    "id": 7,
    "version": 2,
    "updated_at": "2026-03-02T09:05:00Z",
    "state": "claimed",
    "why": "gave_up",
    "who": "Birch & Sons",
    "sentence": "Birch & Sons gave up waiting, Business line: Anna Albers calls back by 2026-03-02T09:31:00Z.",
    "account_id": 1,
    "caller": "+12025550111",
    "line_id": 1,
    "owner_id": 1,
    "desk_id": 1,
    "claimed_by_id": 1,
    "opened_at": "2026-03-02T09:01:00Z",
    "opened_by_call": "pbx:1763759123.7",
    "due_at": "2026-03-02T09:31:00Z",
    "late": False,
    "urgency": 1,
    "attempts": 0,
    "try_again_at": None,
    "kept_by_call": None,
    "void_reason": "",
    "note": "",
    "closed_at": None,
    "call_ids": ["pbx:1763759123.7"],
}
HISTORY: dict[str, Any] = {"at": "2026-03-02T09:01:00Z", "kind": "opened", "owner": "Anna Albers", "urgency": 1}


class CommitmentRecord(BaseModel):
    """What we owe a caller: until when, by whom, why, and how it stands."""

    model_config = ConfigDict(json_schema_extra={"example": COMMITMENT})

    id: int
    version: int
    updated_at: datetime
    state: State
    why: Why
    who: str = Field(description="The account's name, or the number, or that nobody knows it.")
    sentence: str
    account_id: int | None
    caller: str
    line_id: int | None
    owner_id: int | None = Field(description="The person who owns it; null: the desk does.")
    desk_id: int
    claimed_by_id: int | None
    opened_at: datetime
    opened_by_call: str | None
    due_at: datetime
    late: bool
    urgency: int = Field(description="How many calls and promises are in it.")
    attempts: int = Field(description="How often somebody called and reached nobody.")
    try_again_at: datetime | None
    kept_by_call: str | None
    void_reason: str
    note: str
    closed_at: datetime | None
    call_ids: list[str] = Field(description="The calls in it.")


class CommitmentPage(BaseModel):
    model_config = ConfigDict(json_schema_extra={"example": {"items": [COMMITMENT], "next": None}})

    items: list[CommitmentRecord]
    next: str | None = Field(description="Send it as `cursor` to get what follows; null at the end.")


class Happening(BaseModel):
    """One thing that happened to it, and how it stood then."""

    at: datetime
    kind: NoticeKind
    owner: str
    urgency: int


class CommitmentStory(CommitmentRecord):
    """A commitment with its latest 200 calls, and all that happened to it."""

    model_config = ConfigDict(json_schema_extra={"example": {**COMMITMENT, "calls": [CALL], "history": [HISTORY]}})

    calls: list[CallRecord]
    history: list[Happening]


def record_of(owed: Owed, table: Table, now: datetime) -> CommitmentRecord:
    """The commitment in the names of this table."""
    return CommitmentRecord(**_fields(owed, table, now))


def story_of(
    owed: Owed, calls: list[CallRecord], history: tuple[Told, ...], table: Table, now: datetime
) -> CommitmentStory:
    """The same with its calls and what happened to it."""
    happened = [
        Happening(
            at=one.at,
            kind=one.kind,
            owner=str(one.facts.get("owner", "")),
            urgency=int(one.facts.get("urgency", 1)),
        )
        for one in history
    ]
    return CommitmentStory(**_fields(owed, table, now), calls=calls, history=happened)


def as_kept(commitment: Commitment) -> dict[str, Any]:
    """What is put on record of a commitment that somebody changed."""
    return {
        "id": commitment.id,
        "state": commitment.state.value,
        "owner_id": commitment.owner,
        "desk_id": commitment.desk,
        "claimed_by_id": commitment.claimed_by,
        "due_at": commitment.due_at.isoformat().replace("+00:00", "Z"),
        "attempts": commitment.attempts,
        "kept_by_call": commitment.kept_by_call,
        "void_reason": commitment.void_reason,
        "note": commitment.note,
    }


def _fields(owed: Owed, table: Table, now: datetime) -> dict[str, Any]:
    one = owed.commitment
    facts = facts_of(one, table)
    by = one.due_at.isoformat().replace("+00:00", "Z")
    ends = f"it is {one.state.value}" if one.over else f"{facts.owner} calls back by {by}"
    return {
        "id": one.id,
        "version": owed.version,
        "updated_at": owed.updated_at,
        "state": one.state,
        "why": one.why,
        "who": facts.who,
        "sentence": f"{facts.who} {facts.why}, {facts.line}: {ends}.",
        "account_id": one.account,
        "caller": one.caller,
        "line_id": one.line,
        "owner_id": one.owner,
        "desk_id": one.desk,
        "claimed_by_id": one.claimed_by,
        "opened_at": one.opened_at,
        "opened_by_call": one.opened_by_call,
        "due_at": one.due_at,
        "late": not one.over and one.due_at <= now,
        "urgency": one.urgency,
        "attempts": one.attempts,
        "try_again_at": one.try_again_at,
        "kept_by_call": one.kept_by_call,
        "void_reason": one.void_reason,
        "note": one.note,
        "closed_at": one.closed_at,
        "call_ids": list(owed.calls),
    }
