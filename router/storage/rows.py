"""How does a value become rows?

Rows of a value that is there already are changed only where they differ, so saving the same value twice leaves the
same rows, the same `version` and the same `updated_at`. The parts of a value (a person's phones, a desk's members, an
account's deputies, the week of hours) become exactly what the value says; an account's numbers live on their own.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import groupby, islice
from typing import Any, TypeVar, assert_never

from sqlalchemy import Boolean, Table, bindparam, delete, or_, select, text, tuple_

from router.routing.callers import CallerRow
from router.routing.model import Account, Desk, Hours, Job, Line, Person, Rule
from router.routing.table import Change, Noun, Put, PutAlias, PutNumbers, Remove, RemoveAlias, RemoveNumbers
from router.storage import schema
from router.storage.database import Transaction

AT_ONCE = 500  # rows in one statement: few enough that preparing them doesn't hold up the loop for more than 2 ms

Entity = Person | Desk | Line | Account | Job | Rule | Hours
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
        shape = _SHAPES[_NOUNS[kind]]
        for some in _by(AT_ONCE, alike):
            await _put_alike(transaction, shape, some, now)
        await _never_use_ids_twice(transaction, shape.table)
        if shape.parts_have_ids and shape.parts is not None:
            await _never_use_ids_twice(transaction, shape.parts)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """In which tables a kind of value lives: its own, and that of its parts, whose column `key` says whose they are."""

    table: Table
    parts: Table | None = None
    key: str = ""
    parts_have_ids: bool = False


_NOUNS: Mapping[type[Entity], Noun] = {
    Person: Noun.PERSON,
    Desk: Noun.DESK,
    Line: Noun.LINE,
    Account: Noun.ACCOUNT,
    Job: Noun.JOB,
    Rule: Noun.RULE,
    Hours: Noun.HOURS,
}
_SHAPES: Mapping[Noun, _Shape] = {
    Noun.PERSON: _Shape(table=schema.people, parts=schema.phones, key="person", parts_have_ids=True),
    Noun.DESK: _Shape(table=schema.desks, parts=schema.desk_members, key="desk"),
    Noun.LINE: _Shape(table=schema.lines),
    Noun.ACCOUNT: _Shape(table=schema.accounts, parts=schema.deputies, key="account"),
    Noun.JOB: _Shape(table=schema.jobs),
    Noun.RULE: _Shape(table=schema.rules),
    Noun.HOURS: _Shape(table=schema.hours, parts=schema.hours_week, key="hours"),
}
_PARTS = frozenset({"phones", "members", "deputies", "week"})  # fields that live in a table of their own


def _own_row(value: object) -> dict[str, Any]:
    """A value's fields are the columns of its table, save those that are rows themselves."""
    return {field.name: getattr(value, field.name) for field in fields(value) if field.name not in _PARTS}  # type: ignore[arg-type]


def _part_rows(entity: Entity) -> Rows:
    match entity:
        case Person():
            return [{**_own_row(phone), "person": entity.id} for phone in entity.phones]
        case Desk():
            return [
                {"desk": entity.id, "person": person, "position": position}
                for position, person in enumerate(entity.members, 1)
            ]
        case Account():
            return [
                {"account": entity.id, "position": position, "person": person}
                for position, person in enumerate(entity.deputies, 1)
            ]
        case Hours():
            return [{"hours": entity.id, **_own_row(opening)} for opening in entity.week]
        case Line() | Job() | Rule():
            return []
        case _:
            assert_never(entity)


async def _put_alike(transaction: Transaction, shape: _Shape, entities: Sequence[Entity], now: datetime) -> None:
    rows = [_own_row(entity) for entity in entities]
    if shape.parts is None:
        await _upsert(transaction, shape.table, rows, now)
        return
    wanted = {entity.id: _part_rows(entity) for entity in entities}
    changed = await _whose_parts_differ(transaction, shape.parts, shape.key, wanted)
    await _upsert(transaction, shape.table, rows, now, touched=changed)
    if not changed:
        return
    parts = [row for identity in changed for row in wanted[identity]]
    outdated = delete(shape.parts).where(shape.parts.c[shape.key].in_(changed))
    if shape.parts_have_ids:
        await transaction.run(outdated.where(shape.parts.c.id.not_in([row["id"] for row in parts])))
        await _upsert(transaction, shape.parts, parts, now)
    else:
        await transaction.run(outdated)
        if parts:
            await transaction.run(shape.parts.insert(), parts)


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


async def _never_use_ids_twice(transaction: Transaction, table: Table) -> None:
    """Move PostgreSQL's counter past the ids that were given; SQLite's AUTOINCREMENT does it by itself."""
    if transaction.speaks_postgresql:
        counter = f"pg_get_serial_sequence('{table.name}', 'id')"
        highest = f"(SELECT max(id) FROM {table.name})"
        await transaction.run(text(f"SELECT setval({counter}, greatest({highest}, nextval({counter})))"))


async def _remove(transaction: Transaction, noun: Noun, identity: int) -> None:
    shape = _SHAPES[noun]
    if shape.parts is not None:
        await transaction.run(delete(shape.parts).where(shape.parts.c[shape.key] == identity))
    await transaction.run(delete(shape.table).where(shape.table.c.id == identity))


async def _remove_numbers(transaction: Transaction, keys: Iterable[tuple[int, bool]]) -> None:
    table = schema.account_numbers
    for some in _by(AT_ONCE, keys):
        await transaction.run(delete(table).where(tuple_(table.c.number, table.c.is_prefix).in_(some)))


def _by(size: int, things: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(things)
    while some := list(islice(rest, size)):
        yield some
