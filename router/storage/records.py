"""What is on record of the calls?"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, and_, func, or_, select

from router.calls.call import Call, Ending, Leg, Passing, Phase
from router.calls.events import Path, Presented, Promised
from router.routing.model import CallerKind
from router.storage.call_schema import call_legs, call_passings, calls
from router.storage.columns import UtcTime
from router.storage.database import Database, StorageError, Transaction

PAGE_AT_MOST = 200  # records in one answer: about 1 MB with their decisions
ADOPT_AT_MOST = 10_000  # calls without an end that are taken over at a start, the newest first: far more than can live


class BadCursor(StorageError):
    """A cursor that no answer of ours contained; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """One call as it stands in the records. `decision` is what `explain.as_json` made of it, None when there was none.

    `line`, `account`, `job`, `taken_by` and `owner` are ids, whose rows may be gone: their names stand in the decision.
    """

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
    path: Path | None
    why: str
    decision: dict[str, Any] | None
    taken_phone: str | None
    taken_by: int | None
    taken_at: datetime | None
    owner_phone: str | None
    owner: int | None
    ended_at: datetime | None
    ended: Ending | None
    promise: Promised | None
    is_test: bool
    legs: tuple[Leg, ...]
    passings: tuple[Passing, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some records and the cursor of those that follow, None at the end."""

    records: tuple[CallRecord, ...]
    next_cursor: str | None


async def recent_calls(db: Database, limit: int, cursor: str | None = None, *, still_open: bool = False) -> Page:
    """The calls on record, newest first, at most `limit` of them (and PAGE_AT_MOST); or only those that live.

    Raises BadCursor for a cursor that isn't ours, and StorageError.
    """
    limit = max(1, min(limit, PAGE_AT_MOST))
    newest_first = select(calls).order_by(calls.c.arrived_at.desc(), calls.c.id.desc()).limit(limit + 1)
    if still_open:
        newest_first = newest_first.where(calls.c.ended_at.is_(None))
    if cursor is not None:
        newest_first = newest_first.where(_before(*_read_cursor(cursor)))
    async with db.reading() as look:
        rows = await look.rows(newest_first)
        ids = [row.id for row in rows]
        legs = await _legs_of(look, select(call_legs).where(call_legs.c.call.in_(ids)))
        passings = await _passings_of(look, select(call_passings).where(call_passings.c.call.in_(ids)))
    records = tuple([_record(row, legs, passings) for row in rows[:limit]])
    return Page(records=records, next_cursor=_cursor(records[-1]) if len(rows) > limit else None)


async def recorded_call(db: Database, call_id: str) -> CallRecord | None:
    """The record of one call, None when there is none. Raises StorageError."""
    async with db.reading() as look:
        rows = await look.rows(select(calls).where(calls.c.id == call_id))
        legs = await _legs_of(look, select(call_legs).where(call_legs.c.call == call_id))
        passings = await _passings_of(look, select(call_passings).where(call_passings.c.call == call_id))
    return _record(rows[0], legs, passings) if rows else None


async def open_calls(db: Database, pbx: str) -> tuple[Call, ...]:
    """The calls of this PBX that have no end yet, to be taken over after a restart, newest first.

    They bring no decision; what the records know of it is kept when they are written again. Raises StorageError.
    """
    still_open = and_(calls.c.ended_at.is_(None), calls.c.id.startswith(f"{pbx}:", autoescape=True))
    newest_first = select(calls).where(still_open).order_by(calls.c.arrived_at.desc()).limit(ADOPT_AT_MOST)
    async with db.reading() as look:
        rows = await look.rows(newest_first)
        legs = await _legs_of(look, select(call_legs).join(calls, calls.c.id == call_legs.c.call).where(still_open))
        theirs = select(call_passings).join(calls, calls.c.id == call_passings.c.call).where(still_open)
        passings = await _passings_of(look, theirs)
    return tuple([_call(_record(row, legs, passings)) for row in rows])


async def newest_end(db: Database, pbx: str) -> datetime | None:
    """When the last call of this PBX ended that is on record with its end; None when none is.

    Looks among those that arrived last: one that lasted for longer and ended later only makes it too early. Ends are
    written in the order in which they happened, so those before are on record as well. Raises StorageError.
    """
    ours = and_(calls.c.ended_at.is_not(None), calls.c.id.startswith(f"{pbx}:", autoescape=True))
    latest = select(calls.c.ended_at).where(ours).order_by(calls.c.arrived_at.desc(), calls.c.id.desc())
    among = latest.limit(PAGE_AT_MOST).subquery()
    async with db.reading() as look:
        (row,) = await look.rows(select(func.max(among.c.ended_at, type_=UtcTime)))
    end: datetime | None = row[0]
    return end


async def _legs_of(look: Transaction, query: Select[Any]) -> dict[str, list[Leg]]:
    legs = defaultdict(list)
    for row in await look.rows(query.order_by(call_legs.c.call, call_legs.c.position)):
        fields = {name: value for name, value in row._mapping.items() if name not in ("call", "position")}
        legs[row.call].append(Leg(**fields))
    return legs


async def _passings_of(look: Transaction, query: Select[Any]) -> dict[str, list[Passing]]:
    passings = defaultdict(list)
    for row in await look.rows(query.order_by(call_passings.c.call, call_passings.c.at)):
        fields = {name: value for name, value in row._mapping.items() if name != "call"}
        passings[row.call].append(Passing(**fields))
    return passings


def _record(row: Row[Any], legs: dict[str, list[Leg]], passings: dict[str, list[Passing]]) -> CallRecord:
    fields = dict(row._mapping)
    call_id = fields.pop("id")
    return CallRecord(
        call_id=call_id, **fields, legs=tuple(legs.get(call_id, ())), passings=tuple(passings.get(call_id, ()))
    )


def _call(record: CallRecord) -> Call:
    return Call(
        call_id=record.call_id,
        line=record.line,
        account=record.account,
        phase=_phase(record),
        dialled=record.dialled,
        caller=record.caller,
        presented=record.presented,
        arrived_at=record.arrived_at,
        path=record.path,
        why=record.why,
        legs=record.legs,
        taken_phone=record.taken_phone,
        taken_by=record.taken_by,
        taken_at=record.taken_at,
        owner_phone=record.owner_phone,
        owner=record.owner,
        owner_since=record.taken_at,
        passings=record.passings,
        promise=record.promise,
        ended_at=record.ended_at,
        ending=record.ended,
    )


def _phase(record: CallRecord) -> Phase:
    if record.ended_at is not None:
        return Phase.OVER
    if record.taken_at is not None:
        return Phase.TALKING
    return Phase.RINGING if record.legs else Phase.ARRIVED


def _before(arrived_at: datetime, call_id: str) -> Any:
    return or_(calls.c.arrived_at < arrived_at, and_(calls.c.arrived_at == arrived_at, calls.c.id < call_id))


def _cursor(last: CallRecord) -> str:
    return urlsafe_b64encode(f"{last.arrived_at.isoformat()} {last.call_id}".encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[datetime, str]:
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        arrived_at, _, call_id = text.partition(" ")
        instant = datetime.fromisoformat(arrived_at)
    except (ValueError, binascii.Error):
        instant, call_id = None, ""
    if instant is None or instant.tzinfo is None:
        raise BadCursor("this cursor is none of ours: begin without one, and take the next from the answer")
    return instant, call_id
