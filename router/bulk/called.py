"""Whom does a cell mean that names a person, a desk, a line, an account or hours?

By its own reference, its name or its number, as people write them; capitals don't matter. Never a guess: where two fit,
neither is meant. `id:12` is always the one with this id, for those that nothing else tells apart.
"""

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches

from router.routing.configuration import Entity, Noun
from router.routing.model import Line, Person
from router.storage.kept import Kept

NEAR_AMONG = 5_000  # names: looking for those that come near takes a second among more
NEAR_SOUGHT = 50  # times; who has more rows with wrong names has one fault in all of them
MOST_TOLD = 5  # candidates: more are no help

_BY_ID = re.compile(r"id:\s*([0-9]{1,10})").fullmatch


class NobodyMeant(ValueError):
    """Nothing, or more than one, is called that; the message says what comes near and what to do."""


class Called:
    """All of one noun, by everything they are called. `normal` makes one form of the many a number is written in."""

    def __init__(self, noun: Noun, normal: Callable[[str], str] | None = None) -> None:
        self._noun = noun
        self._normal = normal
        self._names: dict[int, tuple[str, ...]] = {}
        self._ids: dict[str, int | tuple[int, ...]] = {}
        self._sought = 0

    def add(self, identity: int, names: Iterable[str | None]) -> None:
        """This one is called so; the name that is told first stands first."""
        own = self._names[identity] = tuple(dict.fromkeys(name for name in names if name and name.strip()))
        for key in {name.strip().casefold() for name in own}:
            there = self._ids.get(key)
            if there is None:
                self._ids[key] = identity
            else:
                self._ids[key] = (*((there,) if isinstance(there, int) else there), identity)

    def meant(self, text: str) -> int:
        """The id of the one that is called so. Raises NobodyMeant."""
        by_id = _BY_ID(text.strip())
        if by_id:
            if int(by_id[1]) in self._names:
                return int(by_id[1])
            raise NobodyMeant(f"there is no {self._noun.value} with the id {by_id[1]}")
        found = self._ids.get(text.strip().casefold())
        if found is None and self._normal is not None:
            found = self._ids.get(self._normal(text))
        if isinstance(found, int):
            return found
        if found is None:
            raise NobodyMeant(f"no {self._noun.value} is called {text.strip()!r}{self._near(text)}")
        told = ", ".join(f"id:{one} ({', '.join(self._names[one])})" for one in found[:MOST_TOLD])
        more = f" and {len(found) - MOST_TOLD} more" if len(found) > MOST_TOLD else ""
        raise NobodyMeant(f"several are called {text.strip()!r}: {told}{more}; write which, as id:{found[0]}")

    def name_of(self, identity: int, *, without: str = "") -> str:
        """What this one is called and no other is; none of these characters is in it."""
        for name in self._names.get(identity, ()):
            alone = self._ids.get(name.strip().casefold()) == identity
            if alone and not _BY_ID(name.strip()) and not any(one in name for one in without):
                return name
        return f"id:{identity}"

    def _near(self, text: str) -> str:
        self._sought += 1
        if len(self._ids) > NEAR_AMONG or self._sought > NEAR_SOUGHT:
            return ""
        near = get_close_matches(text.strip().casefold(), self._ids, MOST_TOLD)
        known: dict[str, str] = {}
        for name in (name for names in self._names.values() for name in names):
            known.setdefault(name.strip().casefold(), name)
        return f"; do you mean {' or '.join(known[one] for one in near)}?" if near else ""


def names_of(kept: Kept) -> tuple[str | None, ...]:
    """Everything by which this object is called, the surest first."""
    return kept.beside.get("ref"), *_own_names(kept.entity), *_numbers(kept)


def _own_names(entity: Entity) -> tuple[str | None, ...]:
    match entity:
        case Line(number=number, label=label):
            return number, label
        case Person(name=name, short_number=short_number, phones=phones):
            return name, short_number, *(phone.endpoint or phone.number for phone in phones)
        case _:
            return (getattr(entity, "name", None),)


def _numbers(kept: Kept) -> Iterable[str]:
    return (f"+{number}" for number, is_prefix in kept.beside.get("numbers", ()) if not is_prefix)
