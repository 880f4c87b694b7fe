"""How does one number go out of all records, and where does it have to stay?

Every record is looked at, a stretch of rows at a time, since a number may stand in a note as well as in a column; each
that holds it is changed in a transaction of a few. What is owed to it keeps it until it is closed, a call that lives
until it has ended, and the table for as long as somebody has it there: whoever forgets it is told.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Text, and_, cast, false, func, or_, select

from router.routing.hiding import without_number
from router.storage.call_schema import OrderState, call_legs, call_passings, calls, orders
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
)
from router.storage.import_schema import ImportState, imports
from router.storage.owed_schema import OVER, OWED, call_backs, commitments
from router.storage.schema import account_numbers, accounts, desks, line_aliases, lines, people, phones, rules
from router.storage.told_schema import notices, outbox

STRETCH = 2000  # rows looked through by one query: some ms, also where each of them has a decision
AT_ONCE = 20  # rows changed in one transaction, so that no call's record waits long
TELLING = 7  # of a number's last digits: enough to leave out most rows before their texts are read

_ENDED = select(calls.c.id).where(calls.c.ended_at.is_not(None))
_CLOSED = select(commitments.c.id).where(OVER)
_TOLD_OF_WHAT_IS_OVER = or_(notices.c.commitment.in_(_CLOSED), notices.c.call.in_(_ENDED))
_UNDER_WAY = (OrderState.ASKED, OrderState.TAKEN)

# Each kind of record with its name, and which of its rows may forget.
_RECORDS: tuple[tuple[str, Holder, ColumnElement[bool] | None], ...] = (
    ("calls", CALLS, calls.c.ended_at.is_not(None)),
    ("phones rung", LEGS, call_legs.c.call.in_(_ENDED)),
    ("hand-overs", PASSINGS, call_passings.c.call.in_(_ENDED)),
    ("commitments", COMMITMENTS, commitments.c.id.in_(_CLOSED)),
    ("call-backs", CALL_BACKS, call_backs.c.commitment.in_(_CLOSED)),
    ("notices", NOTICES, _TOLD_OF_WHAT_IS_OVER),
    ("mails", OUTBOX, outbox.c.notice.in_(select(notices.c.id).where(_TOLD_OF_WHAT_IS_OVER))),
    ("orders", ORDERS, orders.c.state.not_in(_UNDER_WAY)),
    ("imports", IMPORTS, imports.c.state.not_in((ImportState.WAITING, ImportState.RUNNING))),
    ("entries of the audit", AUDIT, None),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """How many records of each kind it was in; and where it stays: in commitments not closed, and calls that live."""

    records: Mapping[str, int]
    owed: tuple[int, ...]
    living: tuple[str, ...]


async def forget(db: Database, number: str, region: str, now: datetime) -> Forgotten:
    """Take this number (E.164) out of all records, however it is written there, in the national forms of `region` too.

    Doing it twice is doing it once; what had to stay goes with the next time. Raises StorageError.
    """
    found = {name: await _forget_in(db, holder, may, number, region, now) for name, holder, may in _RECORDS}
    async with db.reading() as look:
        owed = await _held_by(look, COMMITMENTS, select(commitments).where(OWED), number, region)
        living = await _held_by(look, CALLS, select(calls).where(calls.c.ended_at.is_(None)), number, region)
    return Forgotten(records={name: count for name, count in found.items() if count}, owed=owed, living=living)


async def stands_in_table(db: Database, number: str) -> tuple[str, ...]:
    """Who has this number (E.164) in the table, which is no record: each as words. Raises StorageError."""
    same_account = and_(account_numbers.c.account == accounts.c.id, account_numbers.c.number == int(number))
    same_phone = and_(phones.c.person == people.c.id, phones.c.number == number)
    same_alias = and_(line_aliases.c.line == lines.c.id, line_aliases.c.dialled == number)
    queries: tuple[tuple[str, Select[Any]], ...] = (
        ("account {0.name} (accounts/{0.id})", select(accounts).join(account_numbers, same_account)),
        ("a phone of {0.name} (people/{0.id})", select(people).join(phones, same_phone)),
        ("line {0.label} (lines/{0.id})", select(lines).where(lines.c.number == number)),
        ("an alias of line {0.label} (lines/{0.id})", select(lines).join(line_aliases, same_alias)),
        ("rule {0.label} (rules/{0.id})", select(rules).where(rules.c.caller == number)),
        ("last resort of desk {0.name} (desks/{0.id})", select(desks).where(desks.c.last_resort == number)),
    )
    async with db.reading() as look:
        return tuple([words.format(row) for words, query in queries for row in await look.rows(query)])


async def _forget_in(
    db: Database, holder: Holder, may: ColumnElement[bool] | None, number: str, region: str, now: datetime
) -> int:
    change = partial(without_number, number=number, region=region)
    also: dict[str, Any] = {}
    if holder is COMMITMENTS:
        also = {"version": commitments.c.version + 1}  # whoever has read it before must look again
    if holder is AUDIT:
        also = {"hidden_at": now}
    count = 0
    async for some in _perhaps_holding(db, holder, number):
        query = select(holder.table).where(or_(false(), *[_is(holder, key) for key in some]))
        async with db.writing() as transaction:
            rows = await transaction.rows(query if may is None else query.where(may))
            changed = [(row, new) for row in rows if (new := holder.changed(row, change, change))]
            count += await holder.write(transaction, changed, **also)
    return count


async def _perhaps_holding(db: Database, holder: Holder, number: str) -> AsyncIterator[Sequence[Row[Any]]]:
    """The keys of rows in which the number's digits stand one behind the other, with whatever between them."""
    first = holder.table.c[holder.key[0]]
    keys = [holder.table.c[name] for name in holder.key]
    last: Any = None
    while True:
        beyond = [] if last is None else [first > last]
        stretch = select(first).where(*beyond).order_by(first).limit(STRETCH).subquery()
        async with db.reading() as look:
            (end,) = await look.rows(select(func.max(stretch.c[0])))
            if end[0] is None:
                return
            candidates = select(*keys).where(*beyond, first <= end[0], _may_hold(holder, number))
            rows = await look.rows(candidates)
        for begin in range(0, len(rows), AT_ONCE):
            yield rows[begin : begin + AT_ONCE]
        last = end[0]


def _may_hold(holder: Holder, number: str) -> ColumnElement[bool]:
    pattern = f"%{'%'.join(number[-TELLING:])}%"
    return or_(*[cast(column, Text).like(pattern) for column in holder.columns])


async def _held_by(look: Transaction, holder: Holder, query: Select[Any], number: str, region: str) -> tuple[Any, ...]:
    change = partial(without_number, number=number, region=region)
    rows = await look.rows(query.where(_may_hold(holder, number)))
    return tuple([row.id for row in rows if holder.changed(row, change, change)])


def _is(holder: Holder, key: Row[Any]) -> ColumnElement[bool]:
    return and_(*[holder.table.c[name] == key._mapping[name] for name in holder.key])
