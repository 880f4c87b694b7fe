"""How does a value become rows?

Rows of a value that is there already are changed only where they differ, so saving the same value twice leaves the
same rows, the same `version` and the same `updated_at`. The parts of a value (a person's phones, a desk's members, an
account's deputies, the week of hours) become exactly what the value says; an account's numbers live on their own.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from itertools import groupby, islice
from types import MappingProxyType
from typing import Any, TypeVar, assert_never

from sqlalchemy import Boolean, Table, bindparam, delete, or_, select, text, tuple_

from router.routing.callers import CallerRow
from router.routing.configuration import (
    Change,
    Entity,
    Noun,
    Put,
    PutAlias,
    PutNumbers,
    Remove,
    RemoveAlias,
    RemoveNumbers,
)
from router.routing.model import Account, Cover, Desk, Hours, Job, Line, Override, Person, Rule
from router.storage import schema
from router.storage.database import Transaction
from router.storage.shapes import NOUNS, SHAPES, Parts, Shape

AT_ONCE = 500  # rows in one statement: few enough that preparing them doesn't hold up the loop for more than 2 ms

Rows = list[dict[str, Any]]
T = TypeVar("T")


async def write(transaction: Transaction, change: Change, now: datetime) -> None:
    """Bring one change into the rows. Raises StorageError; Conflict when something still refers to what is removed."""
    match change:
        case Put(entity=entity):
            await put(transaction, [entity], now)
        case Remove(noun=noun, id=identity):
            await _remove(transaction, noun, identity)
        case PutAlias(dialled=dialled, line=line):
            await put_aliases(transaction, {dialled: line})
        case RemoveAlias(dialled=dialled):
            await transaction.run(delete(schema.line_aliases).where(schema.line_aliases.c.dialled == dialled))
        case PutNumbers(rows=numbers):
            await put_numbers(transaction, numbers)
        case RemoveNumbers(rows=keys):
            await _remove_numbers(transaction, keys)
        case _:
            assert_never(change)


async def put(transaction: Transaction, entities: Iterable[Entity], now: datetime) -> None:
    """Insert or change these values in this order, each with its parts. Raises StorageError."""
    for kind, alike in groupby(entities, type):
        shape = SHAPES[NOUNS[kind]]
        for some in _by(AT_ONCE, alike):
            await _put_alike(transaction, shape, some, now)
        await _never_use_ids_again(transaction, shape)


async def put_with(
    transaction: Transaction, entity: Entity, beside: Mapping[str, Any], now: datetime, *, touched: bool = False
) -> None:
    """As `put`, with columns that no value has: `ref`, a person's `email`. Raises StorageError.

    `touched`: something that lives on its own (numbers, aliases) changes with it, so its version goes up in any case.
    """
    shape = SHAPES[NOUNS[type(entity)]]
    await _put_alike(transaction, shape, [entity], now, beside, touched=touched)
    await _never_use_ids_again(transaction, shape)


def rows_of(entity: Entity) -> tuple[dict[str, Any], tuple[Rows, ...]]:
    """The row of a value, and those of its parts for each table of parts that its shape names."""
    return _own_row(entity), _part_rows(entity)


async def put_aliases(transaction: Transaction, aliases: Mapping[str, int]) -> None:
    """Say which line a number is, in the form in which a trunk delivers it. Raises StorageError."""
    statement = transaction.insert(schema.line_aliases)
    upsert = statement.on_conflict_do_update(index_elements=["dialled"], set_={"line": statement.excluded.line})
    for some in _by(AT_ONCE, aliases.items()):
        await transaction.run(upsert, [{"dialled": dialled, "line": line} for dialled, line in some])


async def put_numbers(transaction: Transaction, numbers: Iterable[CallerRow]) -> None:
    """Give numbers to accounts, or to other accounts; numbers not named stay as they are. Raises StorageError."""
    table = schema.account_numbers
    statement = transaction.insert(table)
    upsert = statement.on_conflict_do_update(
        index_elements=["number", "is_prefix"],
        set_={"account": statement.excluded.account},
        where=table.c.account != statement.excluded.account,
    )
    for some in _by(AT_ONCE, numbers):
        rows = [{"number": number, "is_prefix": prefix, "account": account} for number, prefix, account in some]
        await transaction.run(upsert, rows)


_PARTS = frozenset({"phones", "members", "deputies", "week", "days"})  # fields that live in a table of their own


def _own_row(value: object) -> dict[str, Any]:
    """A value's fields are the columns of its table, save those that are rows themselves."""
    return {field.name: getattr(value, field.name) for field in fields(value) if field.name not in _PARTS}  # type: ignore[arg-type]


def _part_rows(entity: Entity) -> tuple[Rows, ...]:
    """The rows of a value's parts, for each table of parts that its shape names."""
    match entity:
        case Person():
            return ([{**_own_row(phone), "person": entity.id} for phone in entity.phones],)
        case Desk():
            members = enumerate(entity.members, 1)
            return ([{"desk": entity.id, "person": person, "position": position} for position, person in members],)
        case Account():
            deputies = enumerate(entity.deputies, 1)
            return ([{"account": entity.id, "position": position, "person": person} for position, person in deputies],)
        case Hours():
            week = [{"hours": entity.id, **_own_row(opening)} for opening in entity.week]
            special = enumerate(entity.days, 1)
            return week, [{"hours": entity.id, "position": position, **_own_row(days)} for position, days in special]
        case Line() | Job() | Rule() | Cover() | Override():
            return ()
        case _:
            assert_never(entity)


async def _put_alike(
    transaction: Transaction,
    shape: Shape,
    entities: Sequence[Entity],
    now: datetime,
    beside: Mapping[str, Any] = MappingProxyType({}),
    *,
    touched: bool = False,
) -> None:
    rows = [{**_own_row(entity), **beside} for entity in entities]
    wanted = {entity.id: _part_rows(entity) for entity in entities}
    replaced: list[tuple[Parts, list[int], Rows]] = []
    for nth, parts in enumerate(shape.parts):
        of_each = {identity: rows_of[nth] for identity, rows_of in wanted.items()}
        changed = await _whose_parts_differ(transaction, parts.table, parts.key, of_each)
        replaced.append((parts, changed, [row for identity in changed for row in of_each[identity]]))
    changed_parts = frozenset(identity for _, changed, _ in replaced for identity in changed)
    await _upsert(transaction, shape.table, rows, now, touched=wanted if touched else changed_parts)
    for parts, changed, part_rows in replaced:
        if changed:
            await _replace_parts(transaction, parts, changed, part_rows, now)


async def _replace_parts(
    transaction: Transaction, parts: Parts, changed: Sequence[int], rows: Rows, now: datetime
) -> None:
    outdated = delete(parts.table).where(parts.table.c[parts.key].in_(changed))
    if parts.have_ids:
        await transaction.run(outdated.where(parts.table.c.id.not_in([row["id"] for row in rows])))
        await _upsert(transaction, parts.table, rows, now)
    else:
        await transaction.run(outdated)
        if rows:
            await transaction.run(parts.table.insert(), rows)


async def _upsert(
    transaction: Transaction, table: Table, rows: Rows, now: datetime, *, touched: Container[int] = ()
) -> None:
    """Insert rows, or change those that differ; `touched` are ids whose version goes up even if their row is alike."""
    if not rows:
        return
    statement = transaction.insert(table)
    named = [name for name in rows[0] if name != "id"]
    differs = [table.c[name].is_distinct_from(statement.excluded[name]) for name in named]
    upsert = statement.on_conflict_do_update(
        index_elements=["id"],
        set_={
            **{name: statement.excluded[name] for name in named},
            "version": table.c.version + 1,
            "updated_at": statement.excluded.updated_at,
        },
        where=or_(*differs, bindparam("_touched", type_=Boolean)),
    )
    beside = {"version": 1, "updated_at": now}
    await transaction.run(upsert, [{**row, **beside, "_touched": row["id"] in touched} for row in rows])


async def _whose_parts_differ(
    transaction: Transaction, parts: Table, key: str, wanted: Mapping[int, Rows]
) -> list[int]:
    names = [name for rows in wanted.values() for row in rows for name in row] or [key]
    columns = [parts.c[name] for name in dict.fromkeys(names)]
    seen: dict[int, set[tuple[Any, ...]]] = {identity: set() for identity in wanted}
    for row in await transaction.rows(select(parts.c[key].label("_whose"), *columns).where(parts.c[key].in_(wanted))):
        seen[row[0]].add(tuple(row[1:]))
    return [
        identity
        for identity, rows in wanted.items()
        if seen[identity] != {tuple(row[column.name] for column in columns) for row in rows}
    ]


async def _never_use_ids_again(transaction: Transaction, shape: Shape) -> None:
    """Move PostgreSQL's counters past the ids that were given; SQLite's AUTOINCREMENT does it by itself."""
    if not transaction.speaks_postgresql:
        return
    for table in (shape.table, *(parts.table for parts in shape.parts if parts.have_ids)):
        counter = f"pg_get_serial_sequence('{table.name}', 'id')"
        highest = f"(SELECT max(id) FROM {table.name})"
        await transaction.run(text(f"SELECT setval({counter}, greatest({highest}, nextval({counter})))"))


async def _remove(transaction: Transaction, noun: Noun, identity: int) -> None:
    shape = SHAPES[noun]
    for parts in shape.parts:
        await transaction.run(delete(parts.table).where(parts.table.c[parts.key] == identity))
    if noun is Noun.PERSON:  # what they said of themselves goes with them
        await transaction.run(delete(schema.presence).where(schema.presence.c.person == identity))
    await transaction.run(delete(shape.table).where(shape.table.c.id == identity))


async def _remove_numbers(transaction: Transaction, keys: Iterable[tuple[int, bool]]) -> None:
    table = schema.account_numbers
    for some in _by(AT_ONCE, keys):
        await transaction.run(delete(table).where(tuple_(table.c.number, table.c.is_prefix).in_(some)))


def _by(size: int, things: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(things)
    while some := list(islice(rest, size)):
        yield some
