"""Which values do the rows of a noun make?"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Row, select

from router.routing.configuration import Entity, Noun
from router.routing.model import Account, Cover, Desk, Hours, Job, Line, Opening, Override, Person, Phone, Rule
from router.routing.model import SpecialDays as Days
from router.storage.database import Transaction
from router.storage.shapes import SHAPES, Parts, Shape

Value = TypeVar("Value", bound=Entity)

_Rows = Sequence[Row[Any]]


async def values_of(look: Transaction, noun: Noun, kind: type[Value]) -> tuple[Value, ...]:
    """Every value of this noun, whose kind it is, in the order of their ids. For nouns that are few."""
    shape = SHAPES[noun]
    rows = await look.rows(select(shape.table).order_by(shape.table.c.id))
    values = await values_from(look, noun, rows, all_of_them=True)
    return tuple([value for value in values if isinstance(value, kind)])


async def values_from(look: Transaction, noun: Noun, rows: _Rows, *, all_of_them: bool = False) -> list[Entity]:
    """The values of these rows of the noun's own table, in their order; their parts are fetched."""
    shape = SHAPES[noun]
    parts = [await _parts(look, one, None if all_of_them else [row.id for row in rows]) for one in shape.parts]
    return [value_from(noun, row, [of_each.get(row.id, ()) for of_each in parts]) for row in rows]


async def _parts(look: Transaction, parts: Parts, of: Sequence[int] | None) -> Mapping[int, _Rows]:
    query = select(parts.table).order_by(*parts.table.primary_key.columns)
    if "position" in parts.table.c:
        query = query.order_by(None).order_by(parts.table.c[parts.key], parts.table.c.position)
    if of is not None:
        query = query.where(parts.table.c[parts.key].in_(of))
    found: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in await look.rows(query):
        found[row._mapping[parts.key]].append(row)
    return found


def value_from(noun: Noun, row: Row[Any], parts: Sequence[_Rows]) -> Entity:
    """The value of this row of the noun's own table and of its parts, for each table of parts that its shape names."""
    own = _columns(row, SHAPES[noun])
    match noun:
        case Noun.PERSON:
            return Person(**own, phones=tuple([Phone(**_columns(row)) for row in parts[0]]))
        case Noun.DESK:
            return Desk(**own, members=tuple([row.person for row in parts[0]]))
        case Noun.LINE:
            return Line(**own)
        case Noun.ACCOUNT:
            return Account(**own, deputies=tuple([row.person for row in parts[0]]))
        case Noun.JOB:
            return Job(**own)
        case Noun.RULE:
            return Rule(**own)
        case Noun.HOURS:
            week = tuple([Opening(**_columns(row, but=("hours",))) for row in parts[0]])
            return Hours(**own, week=week, days=tuple([Days(**_columns(row, but=_WHERE)) for row in parts[1]]))
        case Noun.COVER:
            return Cover(**own)
        case Noun.OVERRIDE:
            return Override(**own)


_BOOK_KEEPING = ("version", "ref", "updated_at")
_WHERE = ("hours", "position")


def _columns(row: Row[Any], shape: Shape | None = None, *, but: Sequence[str] = ()) -> dict[str, Any]:
    """A row's columns are the fields of its value, save those that only serve keeping them."""
    kept_beside = (*_BOOK_KEEPING, *(shape.beside if shape else ()), *but)
    return {name: value for name, value in row._mapping.items() if name not in kept_beside}
