"""Whom does somebody mean who types a name, a short number or a phone; or which desk?"""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TypeVar

from router.routing.model import Desk, Person
from router.routing.table import Table

MOST_TOLD = 8  # candidates: more are no help


_Named = TypeVar("_Named", Person, Desk)


class NobodyMeant(ValueError):
    """Nobody, or more than one person, is called that; the message says who comes near and how to name one of them."""


def person_meant(text: str, table: Table) -> Person:
    """The one person of this name, short number or phone (endpoint or number); capitals don't matter.

    Never a guess: raises NobodyMeant, also where only a part of a name fits.
    """
    wanted = text.strip().casefold()
    meant = [person for person in table.people.values() if wanted in _called(person)]
    if len(meant) == 1:
        return meant[0]
    if meant:
        raise NobodyMeant(f"several people are called {text!r}: {_told(meant)}; give a short number or a phone")
    near = _near(wanted, table.people.values())
    hint = f"; do you mean {_told(near)}?" if near else "; `router presence list` shows everybody"
    raise NobodyMeant(f"nobody has the name, the short number or the phone {text!r}{hint}")


def desk_meant(text: str, table: Table) -> Desk:
    """The desk of this name; capitals don't matter. Never a guess: raises NobodyMeant, also where only a part fits."""
    wanted = text.strip().casefold()
    meant = [desk for desk in table.desks.values() if desk.name.casefold() == wanted]
    if len(meant) == 1:
        return meant[0]
    near = meant or _near(wanted, table.desks.values()) or sorted(table.desks.values(), key=lambda desk: desk.name)
    raise NobodyMeant(f"no desk is called {text!r}; do you mean {_listed([desk.name for desk in near])}?")


def _called(person: Person) -> set[str]:
    phones = [name for phone in person.phones for name in (phone.endpoint, phone.number) if name]
    return {name.casefold() for name in (person.name, person.short_number or person.name, *phones)}


def _near(wanted: str, among: Iterable[_Named]) -> list[_Named]:
    names = {one.name.casefold(): one for one in among}
    alike = [one for name, one in sorted(names.items()) if wanted and wanted in name]
    return alike or [names[name] for name in get_close_matches(wanted, names)]


def _told(people: list[Person]) -> str:
    known = [f"{person.name} ({', '.join(marks)})" if (marks := _marks(person)) else person.name for person in people]
    return _listed(known)


def _listed(known: list[str]) -> str:
    return ", ".join(known[:MOST_TOLD]) + (" …" if len(known) > MOST_TOLD else "")


def _marks(person: Person) -> list[str]:
    phones = [phone.endpoint or phone.number or "" for phone in person.phones]
    return [mark for mark in (person.short_number or "", *phones) if mark]
