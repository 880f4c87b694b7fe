"""What is everything that is kept of a noun, at once?

For those who look at a whole company (an import, an export). They do so in a process of their own: a hundred thousand
rows hold up whoever reads them for longer than a call may wait.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, Select, select

from router.routing.configuration import Noun
from router.storage import schema
from router.storage.database import Transaction
from router.storage.kept import Kept
from router.storage.shapes import SHAPES, Parts
from router.storage.values import value_from

PART = 5_000  # rows at a time: the database's limits hold for each part


async def kept_all(look: Transaction, noun: Noun) -> list[Kept]:
    """Every object of this noun, in the order of their ids. Raises StorageError."""
    shape = SHAPES[noun]
    of_each = [await _parts(look, parts) for parts in shape.parts]
    name, more = await _more_beside(look, noun)
    found = []
    async for rows in look.parts(select(shape.table).order_by(shape.table.c.id), PART):
        for row in rows:
            beside = {column: row._mapping[column] for column in shape.beside}
            if name:
                beside[name] = tuple(more.get(row.id, ()))
            value = value_from(noun, row, [of_one.get(row.id, ()) for of_one in of_each])
            found.append(Kept(entity=value, version=row.version, updated_at=row.updated_at, beside=beside))
    return found


async def _parts(look: Transaction, parts: Parts) -> Mapping[int, Sequence[Row[Any]]]:
    table = parts.table
    query = select(table).order_by(*table.primary_key.columns)
    if "position" in table.c:
        query = select(table).order_by(table.c[parts.key], table.c.position)
    found: dict[int, list[Row[Any]]] = defaultdict(list)
    async for rows in look.parts(query, PART):
        for row in rows:
            found[row._mapping[parts.key]].append(row)
    return found


async def _more_beside(look: Transaction, noun: Noun) -> tuple[str, Mapping[int, Sequence[Any]]]:
    """What lives on its own beside the values of this noun: its name, and what each object has of it, in order."""
    found: dict[int, list[Any]] = defaultdict(list)
    match noun:
        case Noun.LINE:
            aliases = schema.line_aliases
            async for rows in look.parts(select(aliases), PART):
                for row in rows:
                    found[row.line].append(row.dialled)
            return "aliases", {line: sorted(dialled) for line, dialled in found.items()}
        case Noun.ACCOUNT:
            numbers = schema.account_numbers
            query: Select[Any] = select(numbers).order_by(*numbers.primary_key.columns)
            async for rows in look.parts(query, PART):
                for row in rows:
                    found[row.account].append((row.number, row.is_prefix))
            return "numbers", found
        case _:
            return "", {}
