"""What ties rows together: who refers to this one, and who has already what only one may have?

Both are read off the schema's own foreign keys and unique constraints, so none can be forgotten here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, UniqueConstraint, and_, select

from router.routing.configuration import Entity, Noun
from router.storage import schema
from router.storage.database import Transaction
from router.storage.rows import rows_of
from router.storage.shapes import NOUNS, SHAPES

NAMED_AT_MOST = 100  # who refer to one row: enough to see what it is about

_OWNERS: Mapping[str, tuple[Noun, str]] = {
    **{shape.table.name: (noun, "id") for noun, shape in SHAPES.items()},
    **{parts.table.name: (noun, parts.key) for noun, shape in SHAPES.items() for parts in shape.parts},
    schema.account_numbers.name: (Noun.ACCOUNT, "account"),
    schema.line_aliases.name: (Noun.LINE, "line"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Referrer:
    """An object whose column `by` names another one."""

    noun: Noun
    id: int
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """Somebody else has these values already; `part` is the place among its parts that wants them."""

    columns: tuple[str, ...]
    holder: int
    part: int | None = None


async def referrers(look: Transaction, noun: Noun, identity: int) -> list[Referrer]:
    """Who would be left pointing at nothing if this were gone; at most NAMED_AT_MOST of each. Raises StorageError."""
    there = SHAPES[noun].table
    found = []
    for table in schema.metadata.sorted_tables:
        if table.name not in _OWNERS:
            continue
        whose, key = _OWNERS[table.name]
        for column in table.columns:
            if not any(foreign.column.table is there for foreign in column.foreign_keys):
                continue
            if whose is noun and column.name == key:
                continue  # a part of it, which goes with it
            query = select(table.c[key]).where(column == identity).order_by(table.c[key]).limit(NAMED_AT_MOST)
            ids = {row[0] for row in await look.rows(query)}
            others = sorted(ids - {identity} if whose is noun else ids)
            found += [Referrer(noun=whose, id=one, by=column.name) for one in others]
    return found


async def clashes(look: Transaction, entity: Entity, ref: str | None) -> list[Clash]:
    """Which values of this object somebody else has that only one may have. Raises StorageError."""
    noun = NOUNS[type(entity)]
    shape = SHAPES[noun]
    own, parts = rows_of(entity)
    row = {**own, "ref": ref}
    found = []
    for columns in unique_columns(shape.table):
        holder = await _holder(look, shape.table, "id", columns, row, entity.id)
        if holder is not None:
            found.append(Clash(columns=columns, holder=holder))
    for of_noun, rows in zip(shape.parts, parts, strict=True):
        if not of_noun.have_ids:
            continue
        for columns in unique_columns(of_noun.table):
            for place, part in enumerate(rows):
                holder = await _holder(look, of_noun.table, of_noun.key, columns, part, entity.id)
                if holder is not None:
                    found.append(Clash(columns=columns, holder=holder, part=place))
    return found


async def holders_of_numbers(look: Transaction, numbers: Iterable[tuple[int, bool]]) -> dict[tuple[int, bool], int]:
    """Which accounts have these numbers and prefixes already. Raises StorageError."""
    table = schema.account_numbers
    found = {}
    for number, is_prefix in numbers:
        at = and_(table.c.number == number, table.c.is_prefix == is_prefix)
        for row in await look.rows(select(table.c.account).where(at)):
            found[number, is_prefix] = row.account
    return found


async def holders_of_aliases(look: Transaction, aliases: Sequence[str]) -> dict[str, int]:
    """Which lines are delivered in these forms already. Raises StorageError."""
    table = schema.line_aliases
    return {row.dialled: row.line for row in await look.rows(select(table).where(table.c.dialled.in_(aliases)))}


def unique_columns(table: Table) -> list[tuple[str, ...]]:
    """The columns of which no two rows may have the same values."""
    several = [
        tuple(column.name for column in constraint.columns)
        for constraint in table.constraints
        if isinstance(constraint, UniqueConstraint)
    ]
    return sorted(several)


async def _holder(
    look: Transaction, table: Table, key: str, columns: Sequence[str], row: Mapping[str, Any], but: int
) -> int | None:
    if any(row.get(name) is None for name in columns):
        return None
    alike = and_(*(table.c[name] == row[name] for name in columns), table.c[key] != but)
    rows = await look.rows(select(table.c[key]).where(alike).limit(1))
    return None if not rows else int(rows[0][0])
