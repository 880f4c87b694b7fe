"""What is on record of the calls?"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select

from router.calls.call import Call, Ending, Leg, Passing, Phase
from router.calls.events import Path, Presented, Promised
from router.routing.model import CallerKind
from router.storage.call_schema import call_legs, call_passings, calls
from router.storage.columns import UtcTime
from router.storage.database import Database, Transaction
from router.storage.paging import cursor_after, in_order
from router.storage.schema import accounts, people
from router.storage.searching import contains

PAGE_AT_MOST = 200  # records in one answer: about 1 MB with their decisions
ADOPT_AT_MOST = 10_000  # calls without an end that are taken over at a start, the newest first: far more than can live


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
    updated_at: datetime
    legs: tuple[Leg, ...]
    passings: tuple[Passing, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some records and the cursor of those that follow, None at the end."""

    records: tuple[CallRecord, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsWanted:
    """Which calls, in which order. `order` is arrived_at or updated_at, with - in front for the newest first.

    `equal` compares columns, `numbers` are the forms in which a caller's or a dialled number may be on record,
    `search` is a part of either, or of the name of the account or of who had the call last.
    """

    limit: int
    order: str = "-arrived_at"
    cursor: str | None = None
    still_open: bool | None = None
    equal: Mapping[str, Any] = field(default_factory=dict)
    numbers: Sequence[str] = ()
    arrived_from: datetime | None = None
    arrived_before: datetime | None = None
    updated_since: datetime | None = None
    search: str | None = None


async def recent_calls(db: Database, limit: int, cursor: str | None = None, *, still_open: bool = False) -> Page:
    """The calls on record, newest first, at most `limit` of them (and PAGE_AT_MOST); or only those that live.

    Raises BadCursor for a cursor that isn't ours, and StorageError.
    """
    return await calls_page(db, CallsWanted(limit=limit, cursor=cursor, still_open=still_open or None))


async def calls_page(db: Database, wanted: CallsWanted) -> Page:
    """The calls that are wanted, at most PAGE_AT_MOST. Raises BadCursor for a cursor that isn't ours, StorageError."""
    limit = max(1, min(wanted.limit, PAGE_AT_MOST))
    name = wanted.order.removeprefix("-")
    query = select(calls).where(*_conditions(wanted)).limit(limit + 1)
    async with db.reading() as look:
        rows = await look.rows(in_order(query, wanted.order, calls.c[name], calls.c.id, wanted.cursor))
        found = await _with_parts(look, rows[:limit])
    if len(rows) <= limit:
        return Page(records=found, next_cursor=None)
    after = cursor_after(wanted.order, getattr(found[-1], name), found[-1].call_id)
    return Page(records=found, next_cursor=after)


async def calls_by_id(look: Transaction, ids: Sequence[str]) -> tuple[CallRecord, ...]:
    """The records of these calls, the first that arrived first; those that aren't there are left out.

    Raises StorageError.
    """
    query = select(calls).where(calls.c.id.in_(ids)).order_by(calls.c.arrived_at, calls.c.id)
    return await _with_parts(look, await look.rows(query))


async def recorded_call(db: Database, call_id: str) -> CallRecord | None:
    """The record of one call, None when there is none. Raises StorageError."""
    async with db.reading() as look:
        found = await calls_by_id(look, [call_id])
    return found[0] if found else None


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


def _conditions(wanted: CallsWanted) -> list[ColumnElement[bool]]:
    own = calls.c
    found: list[ColumnElement[bool]] = [own[name] == value for name, value in wanted.equal.items()]
    if wanted.still_open is not None:
        found.append(own.ended_at.is_(None) if wanted.still_open else own.ended_at.is_not(None))
    if wanted.numbers:
        found.append(or_(own.caller.in_(wanted.numbers), own.dialled.in_(wanted.numbers)))
    if wanted.arrived_from is not None:
        found.append(own.arrived_at >= wanted.arrived_from)
    if wanted.arrived_before is not None:
        found.append(own.arrived_at < wanted.arrived_before)
    if wanted.updated_since is not None:
        found.append(own.updated_at >= wanted.updated_since)
    if wanted.search:
        named = own.account.in_(select(accounts.c.id).where(contains(accounts.c.name, wanted.search)))
        had = own.owner.in_(select(people.c.id).where(contains(people.c.name, wanted.search)))
        found.append(or_(contains(own.caller, wanted.search), contains(own.dialled, wanted.search), named, had))
    return found


async def _with_parts(look: Transaction, rows: Sequence[Row[Any]]) -> tuple[CallRecord, ...]:
    ids = [row.id for row in rows]
    legs = await _legs_of(look, select(call_legs).where(call_legs.c.call.in_(ids)))
    passings = await _passings_of(look, select(call_passings).where(call_passings.c.call.in_(ids)))
    return tuple([_record(row, legs, passings) for row in rows])


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
