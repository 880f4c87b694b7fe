"""To whom may a call be handed over, and how do people name them?"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from router.routing.model import Desk, Person
from router.routing.table import Table

# What a phone's transfer key may be followed by, besides somebody's short number (which comes first).
LINE_DESK = "0"
MANAGER = "00"

MOST_CANDIDATES = 5  # named in one sentence; who has more of them has to say more of the name


@dataclass(frozen=True, slots=True, kw_only=True)
class ToPerson:
    person: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ToDesk:
    desk: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ToManager:
    """Whoever manages the caller's running job or account; the call's usual desk, where nobody does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToUsualDesk:
    """The desk that ends this call's plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Back:
    """To who gave it: nobody has the short number that was `dialled`."""

    dialled: str


Target = ToPerson | ToDesk | ToManager | ToUsualDesk | Back


@dataclass(frozen=True, slots=True, kw_only=True)
class Giver:
    """Who had the caller: their phone (an endpoint, or an external number), and the person, if the table knows it."""

    phone: str
    person: Person | None

    @property
    def name(self) -> str:
        """What to call them."""
        return self.person.name if self.person else self.phone


@dataclass(frozen=True, slots=True, kw_only=True)
class NotFound:
    """Nobody is meant by that name, or too many; the sentence says what to do."""

    sentence: str


def by_short_number(dialled: str, table: Table) -> Target:
    """Who is meant by what followed a phone's transfer key. Raises nothing."""
    person = next((one for one in table.people.values() if one.short_number and one.short_number == dialled), None)
    if person is not None:
        return ToPerson(person=person.id)
    if dialled == LINE_DESK:
        return ToUsualDesk()
    return ToManager() if dialled == MANAGER else Back(dialled=dialled)


def person_named(name: str, table: Table) -> ToPerson | NotFound:
    """The person of this name, or short number, or the only one whose name has it in it. Raises nothing."""
    by_number = [one for one in table.people.values() if one.short_number and one.short_number == name]
    found = by_number or _named(name, table.people.values())
    if len(found) == 1:
        return ToPerson(person=found[0].id)
    return NotFound(sentence=_say("person", name, found, table.people.values()))


def desk_named(name: str, table: Table) -> ToDesk | NotFound:
    """The desk of this name, or the only one whose name has it in it. Raises nothing."""
    found = _named(name, table.desks.values())
    if len(found) == 1:
        return ToDesk(desk=found[0].id)
    return NotFound(sentence=_say("desk", name, found, table.desks.values()))


_Named = TypeVar("_Named", Person, Desk)


def _named(name: str, among: Iterable[_Named]) -> list[_Named]:
    wanted = name.strip().casefold()
    some = [one for one in among if wanted and wanted in one.name.casefold()]
    return [one for one in some if one.name.casefold() == wanted] or some


def _say(noun: str, name: str, found: list[_Named], among: Iterable[_Named]) -> str:
    if found:
        which = ", ".join(f"{one.name}{_number(one)}" for one in found[:MOST_CANDIDATES])
        more = " …" if len(found) > MOST_CANDIDATES else ""
        return f"{name!r} fits {len(found)} of them: {which}{more}. Say more of the name"
    there = ", ".join(sorted(one.name for one in among)[:MOST_CANDIDATES])
    return f"there is no {noun} {name!r}; there are for example: {there}"


def _number(one: Person | Desk) -> str:
    return f" ({one.short_number})" if isinstance(one, Person) and one.short_number else ""
