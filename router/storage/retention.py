"""How do old records lose the ends of their numbers, without anybody waiting for it?

Each kind of record is gone through in an order in which nothing comes in behind, so it is enough to remember how far
it has got: no row is looked at twice, and an hour's work is an hour's records. A few rows at a time are changed in a
transaction of their own. Of several routers on one database one does it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any, assert_never

from sqlalchemy import ColumnElement, Row, Select, Table, and_, or_, select, update

from router.routing.configuration import Noun
from router.routing.hiding import end_hidden, without_ends
from router.storage.access_schema import audit
from router.storage.call_schema import call_legs, call_passings, calls, orders
from router.storage.database import Database, Transaction
from router.storage.fading import (
    AUDIT,
    CALL_BACKS,
    CALLS,
    COMMITMENTS,
    IMPORTS,
    LEGS,
    NOTICES,
    ORDERS,
    OUTBOX,
    PASSINGS,
    Holder,
    Values,
)
from router.storage.import_schema import imports
from router.storage.owed_schema import OVER, call_backs, commitments
from router.storage.retention_schema import Kind, retention
from router.storage.told_schema import notices, outbox

EVERY = timedelta(hours=1)  # an hour more or less is nothing beside days
AT_ONCE = 10  # rows with what belongs to them: a call's record waits for SQLite's write lock a few ms at most
# The PBX's journal tells of calls for a week; what is told so late must not come in behind the place reached.
FEWEST_DAYS = 8

OWN_LINES = Noun.LINE.value  # published numbers of our own, which are nobody's secret

_TIMES = {
    Kind.CALLS: "arrived_at",
    Kind.COMMITMENTS: "closed_at",
    Kind.ORDERS: "asked_at",
    Kind.AUDIT: "at",
    Kind.IMPORTS: "asked_at",
}


async def due_kinds(db: Database, now: datetime) -> tuple[Kind, ...]:
    """What is to be gone through now, and by us: who asks next is told nothing for EVERY. Raises StorageError."""
    async with db.reading() as look:
        later = await look.rows(select(retention.c.kind).where(retention.c.next_at > now))
    open_to_us = [kind for kind in Kind if kind not in {row.kind for row in later}]
    ours = []
    for kind in open_to_us:
        async with db.writing() as transaction:
            first = transaction.insert(retention).on_conflict_do_nothing(index_elements=["kind"])
            begun = await transaction.run(first.values(kind=kind, reached="", next_at=now + EVERY))
            again = update(retention).where(retention.c.kind == kind, retention.c.next_at <= now)
            if begun.rowcount > 0 or (await transaction.run(again.values(next_at=now + EVERY))).rowcount:
                ours.append(kind)
    return tuple(ours)


async def fade_some(db: Database, kind: Kind, before: datetime, now: datetime) -> int:
    """Go through the next AT_ONCE records of this kind from before then; returns how many it were, 0 at the end.

    Raises StorageError.
    """
    async with db.writing() as transaction:
        (reached,) = await transaction.rows(select(retention).where(retention.c.kind == kind))
        rows = await _next(transaction, kind, before, reached)
        if not rows:
            return 0
        await _fade(transaction, kind, rows, now)
        place = {"reached_at": _time_of(kind, rows[-1]), "reached": str(rows[-1].id)}
        await transaction.run(update(retention).where(retention.c.kind == kind).values(place))
    return len(rows)


async def _next(transaction: Transaction, kind: Kind, before: datetime, reached: Row[Any]) -> Sequence[Row[Any]]:
    match kind:
        case Kind.CALLS:
            return await transaction.rows(
                _by_time(calls, "arrived_at", reached, reached.reached).where(calls.c.arrived_at < before)
            )
        case Kind.COMMITMENTS:
            query = _by_time(commitments, "closed_at", reached, int(reached.reached or 0)).where(OVER)
            return await transaction.rows(query.where(commitments.c.closed_at < before))
        case Kind.ORDERS | Kind.AUDIT | Kind.IMPORTS:
            table = {Kind.ORDERS: orders, Kind.AUDIT: audit, Kind.IMPORTS: imports}[kind]
            query = select(table).where(table.c.id > int(reached.reached or 0)).order_by(table.c.id).limit(AT_ONCE)
            rows = await transaction.rows(query)
            return list(takewhile(lambda row: _time_of(kind, row) < before, rows))
        case _:
            assert_never(kind)


def _by_time(table: Table, column: str, reached: Row[Any], place: str | int) -> Select[Any]:
    """The next rows in the order of an index on time and id."""
    at, identity = table.c[column], table.c.id
    query = select(table).order_by(at, identity).limit(AT_ONCE)
    if reached.reached_at is None:
        return query
    # the first condition says no more than the second, but the index can begin at it
    behind = or_(at > reached.reached_at, and_(at == reached.reached_at, identity > place))
    return query.where(at >= reached.reached_at, behind)


def _time_of(kind: Kind, row: Row[Any]) -> datetime:
    found: datetime = row._mapping[_TIMES[kind]]
    return found


async def _fade(transaction: Transaction, kind: Kind, rows: Sequence[Row[Any]], now: datetime) -> None:
    ids = [row.id for row in rows]
    match kind:
        case Kind.CALLS:
            # who follows what changes isn't told of every call a second time
            changed = [(row, new) for row in rows if (new := _faded_call(row))]
            await CALLS.write(transaction, changed, updated_at=calls.c.updated_at)
            await _fade_rows(transaction, LEGS, select(call_legs).where(call_legs.c.call.in_(ids)))
            await _fade_rows(transaction, PASSINGS, select(call_passings).where(call_passings.c.call.in_(ids)))
            await _fade_told(transaction, notices.c.call.in_(ids))
        case Kind.COMMITMENTS:
            # whoever has read it before must look again
            also = {"version": commitments.c.version + 1, "updated_at": commitments.c.updated_at}
            await COMMITMENTS.write(transaction, _faded(COMMITMENTS, rows), **also)
            await _fade_rows(transaction, CALL_BACKS, select(call_backs).where(call_backs.c.commitment.in_(ids)))
            await _fade_told(transaction, notices.c.commitment.in_(ids))
        case Kind.ORDERS:
            await ORDERS.write(transaction, _faded(ORDERS, rows))
        case Kind.IMPORTS:
            await IMPORTS.write(transaction, _faded(IMPORTS, rows))
        case Kind.AUDIT:
            others = [row for row in rows if row.kind != OWN_LINES]
            await AUDIT.write(transaction, _faded(AUDIT, others), hidden_at=now)
        case _:
            assert_never(kind)


async def _fade_told(transaction: Transaction, of_these: ColumnElement[bool]) -> None:
    told = select(notices).where(of_these)
    await _fade_rows(transaction, NOTICES, told)
    sent = outbox.c.notice.in_(told.with_only_columns(notices.c.id))
    await _fade_rows(transaction, OUTBOX, select(outbox).where(sent))


async def _fade_rows(transaction: Transaction, holder: Holder, query: Select[Any]) -> None:
    await holder.write(transaction, _faded(holder, await transaction.rows(query)))


def _faded(holder: Holder, rows: Sequence[Row[Any]]) -> list[tuple[Row[Any], Values]]:
    return [(row, new) for row in rows if (new := holder.changed(row, end_hidden, without_ends))]


def _faded_call(row: Row[Any]) -> Values:
    """What was dialled stays when it is a published number of ours: without its end it would be another one's."""
    decision = row.decision or {}
    line = decision.get("line") or {}
    ours = frozenset({line.get("number", ""), row.dialled} if row.line is not None else ())
    return CALLS.changed(
        row,
        lambda number: number if number in ours else end_hidden(number),
        lambda text: without_ends(text, spare=ours),
    )
