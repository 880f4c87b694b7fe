"""Which columns has a noun's file, and what does each cell mean?

A column has the name of the field that it holds. Cells become what the API takes as JSON, and are checked as that; they
are written so that reading them gives the same again. An empty cell is an empty field; a column that isn't there leaves
the field as it is.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from router.bulk.called import Called, NobodyMeant
from router.bulk.spoilt import Mended, Unreadable, mended_digits, mended_number, mended_number_or_block
from router.changes.fields import Fields
from router.changes.nouns import ACCOUNTS, JOBS, LINES, PEOPLE, Declared
from router.changes.people import PhoneFields
from router.routing.configuration import Noun
from router.routing.model import PhoneKind
from router.routing.numbers import read_number

IMPORTED: tuple[Declared, ...] = (PEOPLE, LINES, ACCOUNTS, JOBS)  # who is referred to comes first

BETWEEN = "; "  # several in one cell
SEPARATORS = re.compile(r"[;|\n]")
_PHONE = re.compile(r"(?:(desk|external)\s*:\s*)?(.+?)\s*(?:\(([^()]*[a-z][^()]*)\))?", re.I | re.S).fullmatch
HIDDEN = "hidden"  # stands for a number that the reader may not see

COLUMNS: Mapping[Noun, tuple[str, ...]] = {
    Noun.PERSON: (
        "id", "ref", "name", "state", "away_until", "leaves_at", "email", "hours", "short_number", "phones",
    ),
    Noun.LINE: (
        "id", "ref", "number", "label", "kind", "person", "desk", "hours", "closed_by", "duty_desk", "aliases",
    ),
    Noun.ACCOUNT: ("id", "ref", "name", "manager", "desk", "priority", "deputies", "numbers"),
    Noun.JOB: ("id", "ref", "account", "title", "manager", "salesperson", "state", "starts_on", "ends_on"),
}  # fmt: skip


class CellFault(ValueError):
    """What is wrong with a cell; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """The value for the API, None for an empty field, and what had to be put right to get it."""

    value: Any
    remarks: tuple[str, ...] = ()


class Columns:
    """Reads and writes the cells of one noun; `called` knows who is meant by which name."""

    def __init__(self, declared: Declared, called: Mapping[Noun, Called], region: str) -> None:
        self._declared = declared
        self._called = called
        self._region = region
        self._references = {reference.field: reference for reference in declared.references}
        self.names = tuple(name for name in COLUMNS[declared.noun] if name != "id")
        self.written = {name: declared.written(name) for name in self.names}
        self._readers: Mapping[str, Callable[[str], Read]] = {
            "number": self._number,
            "numbers": self._numbers,
            "aliases": _aliases,
            "priority": _whole,
            "short_number": _digits,
        }

    def read(self, name: str, cell: str, phones: Sequence[Any] = ()) -> Read:
        """What this cell means for the column of this name; `phones` are those the person has. Raises CellFault."""
        if not cell.strip():
            return Read(value=None)
        try:
            if name in self._references:
                return Read(value=self._meant(name, cell))
            if name == "phones":
                return self._phones(cell, phones)
            reader = self._readers.get(name)
            return reader(cell) if reader else Read(value=cell)
        except (NobodyMeant, Unreadable) as fault:
            raise CellFault(str(fault)) from None

    def write(self, fields: Fields, *, private: bool = True) -> dict[str, str]:
        """The cells of this object; without `private` the numbers of external phones are hidden."""
        return {name: self._written(name, getattr(fields, name), private) for name in self.names}

    def _meant(self, name: str, cell: str) -> Any:
        reference = self._references[name]
        called = self._called[reference.to]
        if reference.several:
            return [called.meant(one) for one in SEPARATORS.split(cell) if one.strip()]
        return called.meant(cell)

    def _number(self, cell: str) -> Read:
        return _mended([mended_number(cell, self._region)], lambda values: values[0])

    def _numbers(self, cell: str) -> Read:
        mended = [mended_number_or_block(one, self._region) for one in _several(cell)]
        return _mended(mended, lambda values: sorted(values, key=lambda one: (int(one.rstrip("*")), one[-1] == "*")))

    def _phones(self, cell: str, phones: Sequence[Any]) -> Read:
        parts, remarks = [], list[str]()
        for one in SEPARATORS.split(cell):
            if one.strip():
                part, remark = self._phone(one.strip())
                parts.append(part)
                remarks += [remark] if remark else []
        given = {part.get("number") for part in parts}
        unseen = iter([one.id for one in phones if one.kind is PhoneKind.EXTERNAL and one.number not in given])
        for part in parts:
            if part.get("number") == HIDDEN:
                del part["number"]
                part["id"] = next(unseen, None)
                if part["id"] is None:
                    raise CellFault("this person has no such phone whose number could be kept: write the number")
        return Read(value=parts, remarks=tuple(remarks))

    def _phone(self, written: str) -> tuple[dict[str, Any], str]:
        found = _PHONE(written)
        if found is None:
            raise CellFault(
                f"{written!r} is no phone: write desk:anna, external:+12025550111, or desk:anna (15 s, off)"
            )
        kind, reached, options = (found[1] or "").lower(), found[2], found[3] or ""
        if not kind and reached.startswith("+"):
            kind = PhoneKind.EXTERNAL.value
        elif not kind and read_number(reached, self._region).e164:
            raise CellFault(f"{reached!r} can be a number or a name of the PBX: write external:… or desk:…")
        part: dict[str, Any] = {"kind": kind or PhoneKind.DESK.value} | _options(options)
        if part["kind"] == PhoneKind.DESK.value:
            return part | {"endpoint": reached}, ""
        if reached == HIDDEN:
            return part | {"number": HIDDEN}, ""
        mended = mended_number(reached, self._region)
        return part | {"number": mended.value}, mended.remark

    def _written(self, name: str, value: Any, private: bool) -> str:
        if value is None:
            return ""
        if name in self._references:
            reference = self._references[name]
            called = self._called[reference.to]
            if reference.several:
                return BETWEEN.join(called.name_of(one, without=";|\n") for one in value)
            return called.name_of(value)
        match value:
            case tuple():
                parts = sorted(value) if name == "aliases" else value
                return BETWEEN.join(_phone_written(one, private) if name == "phones" else one for one in parts)
            case StrEnum():
                return value.value
            case datetime():
                return value.isoformat().replace("+00:00", "Z")
            case date():
                return value.isoformat()
            case _:
                return str(value)


def _mended(mended: Sequence[Mended], put: Callable[[list[str]], Any]) -> Read:
    return Read(value=put([one.value for one in mended]), remarks=tuple(one.remark for one in mended if one.remark))


def _several(cell: str) -> list[str]:
    """Numbers never contain a comma, save those that a spreadsheet made an amount of."""
    pieces = [piece for part in SEPARATORS.split(cell) for piece in ([part] if _is_amount(part) else part.split(","))]
    return [piece for piece in pieces if piece.strip()]


def _is_amount(piece: str) -> bool:
    return bool(re.fullmatch(r"\s*'?\d+,(0+|\d*[eE]\+?\d+)\s*", piece))


def _aliases(cell: str) -> Read:
    return _mended([mended_digits(one) for one in _several(cell)], sorted)


def _digits(cell: str) -> Read:
    return _mended([mended_digits(cell)], lambda values: values[0])


def _whole(cell: str) -> Read:
    mended = mended_digits(cell.strip().removeprefix("-"))
    if not re.fullmatch(r"[0-9]{1,10}", mended.value, re.ASCII):
        raise Unreadable(f"{cell.strip()!r} is no whole number")
    value = int(mended.value)
    return Read(value=-value if cell.strip().startswith("-") else value)


def _options(written: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for option in (one.strip().lower() for one in written.split(",")):
        seconds = re.fullmatch(r"([0-9]{1,4}) ?s", option)
        if seconds:
            found["ring_seconds"] = int(seconds[1])
        elif option == "call waiting":
            found["call_waiting"] = True
        elif option == "off":
            found["enabled"] = False
        elif option:
            raise CellFault(f"{option!r} says nothing of a phone: there are 15 s, call waiting, and off")
    return found


def _phone_written(phone: PhoneFields, private: bool) -> str:
    reached = phone.endpoint if phone.kind is PhoneKind.DESK else phone.number if private else HIDDEN
    options = [
        *([f"{phone.ring_seconds} s"] if phone.ring_seconds != 20 else []),
        *(["call waiting"] if phone.call_waiting else []),
        *([] if phone.enabled else ["off"]),
    ]
    return f"{phone.kind.value}:{reached}" + (f" ({', '.join(options)})" if options else "")
