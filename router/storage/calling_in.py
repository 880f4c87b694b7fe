"""Which test calls were asked for, and how far has each come?

A test call is an order and, as soon as the PBX has begun it, a call on record: nothing else is kept, so nothing stays
open when a router dies in between.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil
from typing import Any

from sqlalchemy import Row, select, text, update

from router.calls.calling_in import call_in_id
from router.storage.call_schema import OrderKind, OrderState, orders
from router.storage.database import Conflict, Database, Transaction
from router.storage.orders import write_down
from router.storage.records import CallRecord, calls_by_id

COUNT_LOCK = 0x63616C6C2D696E  # "call-in": PostgreSQL's advisory lock, so that two who ask at once are counted as two
AN_HOUR = timedelta(hours=1)
LISTED = 50  # test calls in a list: a night's worth, each with its call
# A PBX that has our context tells within milliseconds that a call has arrived; then its record must be written.
BEGINS_WITHIN = timedelta(seconds=10)
PLACED_WITHIN = timedelta(seconds=20)  # an order expires after 10 s; the PBX is asked for 5 s at most

UNHEARD = "no router that speaks for the PBX took it in time: is one up?"
NEVER_BEGAN = "the PBX took it and never began: does its dialplan have [router-test]? See `router check --pbx`"
NOT_PLACED = "the router ended before it could ask the PBX"


class State(StrEnum):
    """asked: no router has taken it yet · under_way: phones ring, or somebody has it · over · not_placed."""

    ASKED = "asked"
    UNDER_WAY = "under_way"
    OVER = "over"
    NOT_PLACED = "not_placed"


class TooManyTests(Conflict):
    """As many test calls as an hour may have; `wait` are the seconds until there is room again."""

    def __init__(self, per_hour: int, wait: float) -> None:
        super().__init__(f"{per_hour} test calls an hour are all that ROUTER_TEST_CALLS_PER_HOUR allows")
        self.wait = wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Who calls which line, for how long at most, and whether phones outside the company may ring."""

    caller: str
    line: str
    seconds: int
    external: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTested:
    """One test call: what was asked, what `explain` said when it was placed, and the call that came of it.

    `id` is that of its order. `sentence` says why it was not placed, else it is "".
    """

    id: int
    call_id: str
    wanted: Wanted
    asked_by: str
    asked_at: datetime
    placed_at: datetime | None
    explained: Mapping[str, Any] | None
    record: CallRecord | None
    state: State
    sentence: str


async def ask_call_in(db: Database, pbx: str, wanted: Wanted, *, per_hour: int, asked_by: str, now: datetime) -> int:
    """Ask for a test call, and return the order's number. Raises TooManyTests and other StorageErrors."""
    async with db.writing() as work:
        if work.speaks_postgresql:  # SQLite has one writer at a time
            await work.run(text(f"SELECT pg_advisory_xact_lock({COUNT_LOCK})"))
        recent = select(orders.c.asked_at).where(
            orders.c.kind == OrderKind.TEST_CALL, orders.c.asked_at > now - AN_HOUR
        )
        # the newest that still fill the hour: when the oldest of them is an hour old there is room for one more
        filling = [row.asked_at for row in await work.rows(recent.order_by(orders.c.id.desc()).limit(max(per_hour, 1)))]
        if len(filling) >= per_hour:
            wait = (filling[-1] + AN_HOUR - now if filling and per_hour else AN_HOUR).total_seconds()
            raise TooManyTests(per_hour, max(1, ceil(wait)))
        payload = {
            "caller": wanted.caller,
            "line": wanted.line,
            "seconds": wanted.seconds,
            "external": wanted.external,
        }
        return await write_down(work, pbx, OrderKind.TEST_CALL, payload, asked_by=asked_by, now=now)


async def place(db: Database, order: int, explained: Mapping[str, Any], now: datetime) -> None:
    """Before the PBX is asked: what is explained of it now. Raises StorageError."""
    async with db.writing() as work:
        (row,) = await work.rows(select(orders.c.payload).where(orders.c.id == order))
        payload = {**row.payload, "explained": dict(explained), "placed_at": now.isoformat()}
        await work.run(update(orders).where(orders.c.id == order).values(payload=payload))


async def call_in_of(db: Database, order: int, now: datetime) -> CallTested | None:
    """The test call that this order asked for, None when it asked for none. Raises StorageError."""
    query = select(orders).where(orders.c.id == order, orders.c.kind == OrderKind.TEST_CALL)
    async with db.reading() as look:
        found = await _with_records(look, await look.rows(query), now)
    return found[0] if found else None


async def call_ins(db: Database, now: datetime) -> tuple[CallTested, ...]:
    """The latest LISTED test calls, the newest first. Raises StorageError."""
    query = select(orders).where(orders.c.kind == OrderKind.TEST_CALL).order_by(orders.c.id.desc()).limit(LISTED)
    async with db.reading() as look:
        return await _with_records(look, await look.rows(query), now)


def wanted_in(payload: Mapping[str, Any]) -> Wanted:
    """What this order asks for. Raises KeyError for an order of another form."""
    return Wanted(
        caller=payload["caller"], line=payload["line"], seconds=payload["seconds"], external=payload["external"]
    )


async def _with_records(look: Transaction, rows: Any, now: datetime) -> tuple[CallTested, ...]:
    ids = [call_in_id(row.pbx, row.id, row.asked_at) for row in rows]
    records = {record.call_id: record for record in await calls_by_id(look, ids)}
    return tuple([_told(row, records.get(call_id), call_id, now) for row, call_id in zip(rows, ids, strict=True)])


def _told(row: Row[Any], record: CallRecord | None, call_id: str, now: datetime) -> CallTested:
    placed = row.payload.get("placed_at")
    placed_at = datetime.fromisoformat(placed) if placed else None
    state, sentence = _state(row, record, placed_at, now)
    return CallTested(
        id=row.id,
        call_id=call_id,
        wanted=wanted_in(row.payload),
        asked_by=row.asked_by,
        asked_at=row.asked_at,
        placed_at=placed_at,
        explained=row.payload.get("explained"),
        record=record,
        state=state,
        sentence=sentence,
    )


def _state(row: Row[Any], record: CallRecord | None, placed_at: datetime | None, now: datetime) -> tuple[State, str]:
    if record is not None:
        return (State.UNDER_WAY, "") if record.ended_at is None else (State.OVER, "")
    match row.state:
        case OrderState.REFUSED:
            return State.NOT_PLACED, row.result
        case OrderState.EXPIRED:
            return State.NOT_PLACED, UNHEARD
        case OrderState.ASKED:
            return (State.NOT_PLACED, UNHEARD) if now >= row.expires_at else (State.ASKED, "")
        case _ if placed_at is None:
            return (State.NOT_PLACED, NOT_PLACED) if now >= row.asked_at + PLACED_WITHIN else (State.ASKED, "")
        case _:
            return (State.NOT_PLACED, NEVER_BEGAN) if now >= placed_at + BEGINS_WITHIN else (State.UNDER_WAY, "")
