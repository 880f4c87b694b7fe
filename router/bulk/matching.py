"""Which object does each row mean, one that is there or a new one?

By the customer's own reference where a row has one; else by what people tell them apart by: the name of people and
accounts, the number of lines, account and title of jobs. An `id` counts before all of it: it is for those that nothing
else tells apart. No two rows may mean the same.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from router.bulk.called import Called, NobodyMeant
from router.bulk.company import OfNoun
from router.bulk.sheets import Sheet, SheetRow
from router.bulk.spoilt import Unreadable, mended_number
from router.changes.nouns import Declared
from router.routing.configuration import Noun
from router.routing.model import Account, Job, Line, Person
from router.storage.kept import Kept

MOST_TOLD = 5  # candidates

Key = tuple[object, ...]

NATURAL: Mapping[Noun, tuple[str, ...]] = {
    Noun.PERSON: ("name",),
    Noun.LINE: ("number",),
    Noun.ACCOUNT: ("name",),
    Noun.JOB: ("account", "title"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """A row, the id of its object, and the object if it is there already."""

    row: SheetRow
    id: int
    before: Kept | None


def natural_key(kept: Kept) -> Key:
    """What people tell this object from others of its noun by."""
    match kept.entity:
        case Person(name=name) | Account(name=name):
            return (name,)
        case Line(number=number):
            return (number,)
        case Job(account=account, title=title):
            return account, title
        case _:
            raise ValueError(f"a {type(kept.entity).__name__} is not imported")


class Matching:
    """Finds what the rows of one sheet mean; new objects get ids from `first_new` on."""

    def __init__(self, declared: Declared, there: OfNoun, first_new: int, accounts: Called | None, region: str) -> None:
        self._noun = declared.noun
        self._plural = declared.plural
        self._there = there
        self._next = first_new
        self._accounts = accounts
        self._region = region
        self._by_ref = {kept.beside["ref"]: kept for kept in there.values() if kept.beside["ref"] is not None}
        self._by_key: dict[Key, list[Kept]] = defaultdict(list)
        for kept in there.values():
            self._by_key[natural_key(kept)].append(kept)
        self._alike = {_folded(key): kept for key, (kept, *_) in self._by_key.items()}

    def match(self, sheet: Sheet) -> list[Matched]:
        """What each row means; rows of which that can't be said are faults of the sheet, and left out."""
        natural = NATURAL[self._noun]
        if sheet.columns and not {"id", "ref"} & set(sheet.columns) and not set(natural) <= set(sheet.columns):
            sheet.fault(f"there is nothing to tell them apart by: a column ref, or {' and '.join(natural)}", 1)
            return []
        found: list[Matched] = []
        rows_of: dict[object, int] = {}
        for row in sheet.rows:
            try:
                before, key = self._meant(row)
            except _Unmatched as fault:
                sheet.fault(fault.sentence, row.number, fault.column)
                continue
            whose: Any = before.entity.id if before else key
            if whose in rows_of:
                sheet.fault(f"row {rows_of[whose]} means the same: leave one out, or give each a ref", row.number)
                continue
            rows_of[whose] = row.number
            found.append(Matched(row=row, id=before.entity.id if before else self._next, before=before))
            self._next += before is None
        return found

    def _meant(self, row: SheetRow) -> tuple[Kept | None, object]:
        identity, ref = row.cells.get("id", "").strip(), row.cells.get("ref", "")
        if identity:
            there = self._there.get(int(identity)) if identity.isascii() and identity.isdigit() else None
            if there is None:
                raise _Unmatched("id", f"there is no {self._noun.value} {identity}: leave the id out to make a new one")
            return there, None
        if ref.strip():
            return self._by_ref.get(ref), ("ref", ref)
        key = self._key(row)
        there_all = self._by_key.get(key, [])
        column = NATURAL[self._noun][-1]
        if len(there_all) > 1:
            told = ", ".join(f"id {kept.entity.id}" for kept in there_all[:MOST_TOLD])
            raise _Unmatched(column, f"{len(there_all)} {self._plural} are called so ({told}): give the ref, or the id")
        if not there_all and (near := self._alike.get(_folded(key))) is not None:
            told = " ".join(repr(part) for part in natural_key(near) if isinstance(part, str))
            raise _Unmatched(column, f"is that {told} (id {near.entity.id})? Write it just so, or give it a ref")
        return (there_all[0] if there_all else None), key

    def _key(self, row: SheetRow) -> Key:
        parts: list[object] = []
        for column in NATURAL[self._noun]:
            cell = row.cells.get(column, "")
            if not cell.strip():
                raise _Unmatched(column, "without it, and without a ref, nobody knows which is meant")
            parts.append(self._part(column, cell))
        return tuple(parts)

    def _part(self, column: str, cell: str) -> object:
        try:
            match column:
                case "number":
                    return mended_number(cell, self._region).value
                case "account":
                    assert self._accounts is not None
                    return self._accounts.meant(cell)
                case _:
                    return cell
        except (NobodyMeant, Unreadable) as fault:
            raise _Unmatched(column, str(fault)) from None


class _Unmatched(Exception):
    def __init__(self, column: str, sentence: str) -> None:
        super().__init__(sentence)
        self.column, self.sentence = column, sentence


def _folded(key: Key) -> Key:
    return tuple(" ".join(part.casefold().split()) if isinstance(part, str) else part for part in key)


def ambiguous(there: OfNoun) -> set[int]:
    """The ids of those that neither a reference nor what they are called tells from each other."""
    holders: dict[Key, list[Kept]] = defaultdict(list)
    for kept in there.values():
        holders[natural_key(kept)].append(kept)
    return {
        kept.entity.id
        for key, alike in holders.items()
        if len(alike) > 1 or _is_blank(key)
        for kept in alike
        if not _has_ref(kept)
    }


def _is_blank(key: Key) -> bool:
    return any(isinstance(part, str) and not part.strip() for part in key)


def _has_ref(kept: Kept) -> bool:
    return bool((kept.beside["ref"] or "").strip())
