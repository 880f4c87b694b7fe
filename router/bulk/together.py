"""Does what the import would make go together, and is it not more than was meant?"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from router.bulk.called import Called
from router.bulk.columns import COLUMNS
from router.bulk.company import OfNoun
from router.bulk.remarks import Remark
from router.bulk.sheets import Sheet
from router.bulk.steps import Step
from router.changes.nouns import DECLARED, OF_NOUN, Declared
from router.routing.configuration import Noun
from router.storage.kept import Kept
from router.storage.rows import rows_of
from router.storage.shapes import SHAPES
from router.storage.ties import unique_columns

# A file that was cut off in the middle names some of what there is. More than that is hardly ever meant: a company of
# 1,000 accounts loses some in a week, not 100; and 20 can still be read through one by one in the difference.
REMOVED_AT_MOST = 20  # objects of a noun
REMOVED_SHARE = 0.10  # of all there are

MOST_TOLD = 5  # of those who still name what shall go

Where = Mapping[tuple[Noun, int], tuple[str, int]]
"""In which file and row each object stands."""


def refuse_mass_removal(
    sheet: Sheet, declared: Declared, gone: Sequence[Step], there: int, remove_up_to: int | None
) -> None:
    """More than the guard allows is a fault of the file that leaves so much out."""
    allowed = min(REMOVED_AT_MOST, int(there * REMOVED_SHARE)) if remove_up_to is None else remove_up_to
    if len(gone) > allowed:
        sheet.fault(
            f"it leaves out {len(gone):,} of {there:,} {declared.plural}, and {allowed:,} at most would be removed: is"
            f" it whole? If all of them shall go, allow it: remove-up-to {len(gone)}"
        )


def refuse_left_behind(
    going: Sequence[Step],
    after: Mapping[Noun, OfNoun],
    sheets: Mapping[Noun, Sheet],
    called: Mapping[Noun, Called],
) -> None:
    """What others still name can't go: that is a fault of the file that leaves it out."""
    gone = {(step.declared.noun, step.id): step for step in going}
    if not gone:
        return
    by: dict[tuple[Noun, int], list[str]] = defaultdict(list)
    for declared in DECLARED:
        for identity, kept in after[declared.noun].items():
            for noun, named, field in _named_by(declared, kept):
                if (noun, named) in gone:
                    by[noun, named].append(f"{declared.plural}/{identity} ({field})")
    for at, names in by.items():
        step = gone[at]
        more = f" and {len(names) - MOST_TOLD} more" if len(names) > MOST_TOLD else ""
        told = f"{', '.join(names[:MOST_TOLD])}{more} still name it: let them name another first"
        sheets[at[0]].fault(f"{display(step.declared, step.before)} would be removed, but {told}")


def refuse_clashes(
    steps: Sequence[Step], after: Mapping[Noun, OfNoun], sheets: Mapping[Noun, Sheet], where: Where
) -> list[Remark]:
    """What two would have and only one may have. Each with the row that claims it."""
    touched = {(step.declared.noun, step.id) for step in steps if step.after is not None}
    found: list[Remark] = []
    for noun in COLUMNS:
        if noun not in sheets and not any(step.declared.noun is noun for step in steps):
            continue
        holders: dict[tuple[object, ...], int] = {}
        for identity, kept in after[noun].items():
            for column, what, value in _only_one_has(noun, kept):
                holder = holders.setdefault((what, value), identity)
                if holder == identity:
                    continue
                claims, has = (holder, identity) if (noun, identity) not in touched else (identity, holder)
                file, row = where.get((noun, claims), (OF_NOUN[noun].plural, 0))
                its = display(OF_NOUN[noun], after[noun][has])
                sentence = f"{value} is that of {its} as well: only one may have it"
                found.append(Remark(file=file, row=row, column=column, sentence=sentence))
    return found


def display(declared: Declared, kept: Kept | None, *, is_new: bool = False) -> str:
    """How an object is told to people; a new one has no id that anybody knows."""
    assert kept is not None
    named = next((getattr(kept.entity, name) for name in ("name", "label", "title") if hasattr(kept.entity, name)), "")
    known_by = kept.beside.get("ref") or ("" if is_new else f"id {kept.entity.id}")
    return f"{declared.noun.value} {named!r}" + (f" ({known_by})" if known_by else "")


def _only_one_has(noun: Noun, kept: Kept) -> Iterator[tuple[str, str, Any]]:
    """The column, the kind of value, and the value, of all that nobody else may have; read off the schema."""
    shape = SHAPES[noun]
    own, parts = rows_of(kept.entity)
    row = {**own, **kept.beside}
    for columns in unique_columns(shape.table):
        value = tuple(row[name] for name in columns)
        if None not in value:
            yield columns[-1], columns[-1], value[0] if len(value) == 1 else value
    for of_noun, rows in zip(shape.parts, parts, strict=True):
        if of_noun.have_ids:
            for columns in unique_columns(of_noun.table):
                for part in rows:
                    value = tuple(part.get(name) for name in columns)
                    if None not in value:
                        yield of_noun.table.name, columns[-1], value[0] if len(value) == 1 else value
    for number, is_prefix in kept.beside.get("numbers", ()):
        yield "numbers", "numbers", f"+{number}*" if is_prefix else f"+{number}"
    for alias in kept.beside.get("aliases", ()):
        yield "aliases", "aliases", alias


def _named_by(declared: Declared, kept: Kept) -> Iterator[tuple[Noun, int, str]]:
    for reference in declared.references:
        value = getattr(kept.entity, reference.field)
        for one in value if reference.several else (value,):
            if one is not None:
                yield reference.to, one, reference.written
