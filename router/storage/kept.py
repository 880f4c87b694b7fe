"""What is kept of one noun: by id, by the customer's own reference, and page by page?"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, or_, select, text, tuple_

from router.routing.configuration import Entity, Noun
from router.storage import schema
from router.storage.database import Transaction
from router.storage.paging import cursor_after, in_order
from router.storage.searching import contains
from router.storage.shapes import SHAPES, Parts, Shape
from router.storage.values import values_from

AT_ONCE = 500  # objects that one query names; either database takes some 30,000
PAGE_AT_MOST = 200  # objects in one answer: of each some hundred bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A value as it stands in the rows, with what is kept beside it.

    `beside` has `ref`, of a person `email`, of a line `aliases`, of an account `numbers` as (number, is_prefix).
    """

    entity: Entity
    version: int
    updated_at: datetime
    beside: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which objects, in which order. `order` is a column that is never empty, with - in front for the reverse.

    `equal` compares columns, `having` the people in a table of parts (`members`, `deputies`), `number` any number or
    endpoint by which one is reached, `search` any of the columns in `search_in`.
    """

    limit: int
    order: str = "id"
    cursor: str | None = None
    equal: Mapping[str, Any] = field(default_factory=dict)
    having: Mapping[str, int] = field(default_factory=dict)
    number: str | None = None
    updated_since: datetime | None = None
    search: str | None = None
    search_in: Sequence[str] = ()
    private: bool = True  # whether `number` looks at people's external phones as well


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPage:
    """Some of them, and the cursor of those that follow, None at the end."""

    kept: tuple[Kept, ...]
    next_cursor: str | None


async def kept_of(look: Transaction, noun: Noun, identity: int) -> Kept | None:
    """One object, None when there is none. Raises StorageError."""
    found = await _found(look, noun, select(SHAPES[noun].table).where(SHAPES[noun].table.c.id == identity))
    return found[0] if found else None


async def kept_by_ref(look: Transaction, noun: Noun, ref: str) -> Kept | None:
    """The object with this reference of the customer's own, None when there is none. Raises StorageError."""
    found = await _found(look, noun, select(SHAPES[noun].table).where(SHAPES[noun].table.c.ref == ref))
    return found[0] if found else None


async def kept_among(look: Transaction, noun: Noun, ids: Sequence[int]) -> list[Kept]:
    """Those of them that are there, in the order of their ids. Raises StorageError."""
    own, in_order, found = SHAPES[noun].table, sorted(ids), []
    for first in range(0, len(in_order), AT_ONCE):
        some = in_order[first : first + AT_ONCE]
        found += await _found(look, noun, select(own).where(own.c.id.in_(some)).order_by(own.c.id))
    return found


async def kept_page(look: Transaction, noun: Noun, wanted: Wanted) -> KeptPage:
    """The objects that are wanted, at most PAGE_AT_MOST. Raises BadCursor, and StorageError."""
    shape = SHAPES[noun]
    limit = max(1, min(wanted.limit, PAGE_AT_MOST))
    query = select(shape.table).where(*_conditions(noun, shape, wanted)).limit(limit + 1)
    name = wanted.order.removeprefix("-")
    found = await _found(
        look, noun, in_order(query, wanted.order, shape.table.c[name], shape.table.c.id, wanted.cursor)
    )
    kept = tuple(found[:limit])
    if len(found) <= limit:
        return KeptPage(kept=kept, next_cursor=None)
    last = kept[-1].updated_at if name == "updated_at" else getattr(kept[-1].entity, name)
    return KeptPage(kept=kept, next_cursor=cursor_after(wanted.order, last, kept[-1].entity.id))


async def missing(look: Transaction, noun: Noun, ids: Sequence[int]) -> set[int]:
    """Which of these ids nothing has. Raises StorageError."""
    table = SHAPES[noun].table
    there = {row.id for row in await look.rows(select(table.c.id).where(table.c.id.in_(ids)))}
    return set(ids) - there


async def next_id(look: Transaction, noun: Noun, *, part: int | None = None) -> int:
    """An id that was never given, for an object or for the nth of its tables of parts. Under the change lock only."""
    table = SHAPES[noun].table if part is None else SHAPES[noun].parts[part].table
    if look.speaks_postgresql:
        drawn = await look.run(text(f"SELECT nextval(pg_get_serial_sequence('{table.name}', 'id'))"))
        return int(drawn.scalar_one())
    highest = await look.run(text("SELECT seq FROM sqlite_sequence WHERE name = :name").bindparams(name=table.name))
    return int(highest.scalar() or 0) + 1


async def slots_taken(look: Transaction) -> set[tuple[str, int]]:
    """Which queues of the PBX's pool belong to a desk: strategy and slot. Raises StorageError."""
    rows = await look.rows(select(schema.desks.c.strategy, schema.desks.c.slot))
    return {(row.strategy, row.slot) for row in rows}


def _conditions(noun: Noun, shape: Shape, wanted: Wanted) -> list[ColumnElement[bool]]:
    own = shape.table.c
    found: list[ColumnElement[bool]] = [own[name] == value for name, value in wanted.equal.items()]
    for name, person in wanted.having.items():
        (parts,) = [one for one in shape.parts if one.table.name in (name, f"desk_{name}")]
        found.append(_any_part(shape, parts, parts.table.c.person == person))
    if wanted.updated_since is not None:
        found.append(own.updated_at >= wanted.updated_since)
    if wanted.search:
        found.append(or_(*(contains(own[name], wanted.search) for name in wanted.search_in)))
    if wanted.number is not None:
        found.append(_reached_at(noun, shape, wanted.number, wanted.private))
    return found


def _reached_at(noun: Noun, shape: Shape, number: str, private: bool) -> ColumnElement[bool]:
    own = shape.table.c
    match noun:
        case Noun.PERSON:
            (phones,) = shape.parts
            reached: ColumnElement[bool] = phones.table.c.endpoint == number
            if private:
                reached = or_(reached, phones.table.c.number == number)
            return or_(own.short_number == number, _any_part(shape, phones, reached))
        case Noun.LINE:
            aliases = schema.line_aliases.c
            return or_(own.number == number, exists().where(aliases.line == own.id, aliases.dialled == number))
        case Noun.ACCOUNT:
            numbers = schema.account_numbers.c
            digits = number.removeprefix("+")
            if not (digits.isascii() and digits.isdigit() and len(digits) <= 15):
                return own.id.is_(None)
            exactly = (int(digits), False)
            blocks = [(int(digits[:length]), True) for length in range(1, len(digits) + 1)]
            holds = tuple_(numbers.number, numbers.is_prefix).in_([exactly, *blocks])
            return exists().where(numbers.account == own.id, holds)
        case _:
            return own["caller" if noun is Noun.RULE else "number"] == number


def _any_part(shape: Shape, parts: Parts, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(parts.table.c[parts.key] == shape.table.c.id, condition)


async def _found(look: Transaction, noun: Noun, query: Select[Any]) -> list[Kept]:
    rows = await look.rows(query)
    values = await values_from(look, noun, rows)
    more = await _more_beside(look, noun, [row.id for row in rows])
    return [
        Kept(
            entity=value,
            version=row.version,
            updated_at=row.updated_at,
            beside={**{name: row._mapping[name] for name in SHAPES[noun].beside}, **more(row.id)},
        )
        for row, value in zip(rows, values, strict=True)
    ]


async def _more_beside(look: Transaction, noun: Noun, ids: Sequence[int]) -> Any:
    of_each: dict[int, list[Any]] = defaultdict(list)
    match noun:
        case Noun.LINE:
            aliases = schema.line_aliases
            for row in await look.rows(select(aliases).where(aliases.c.line.in_(ids)).order_by(aliases.c.dialled)):
                of_each[row.line].append(row.dialled)
            return lambda identity: {"aliases": tuple(of_each[identity])}
        case Noun.ACCOUNT:
            numbers = schema.account_numbers
            sorted_ = select(numbers).where(numbers.c.account.in_(ids)).order_by(*numbers.primary_key.columns)
            for row in await look.rows(sorted_):
                of_each[row.account].append((row.number, row.is_prefix))
            return lambda identity: {"numbers": tuple(of_each[identity])}
        case _:
            return lambda _: {}
