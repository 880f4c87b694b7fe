"""Who answers for somebody in the end, and do the covers contradict each other?"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import assert_never

from router.routing.model import Cover, CoverScope

# Cover of cover: Anna's cover is ill and covered as well. Who is third in such a row hardly knows Anna's customers;
# then those who do (account manager, deputies, desk) come first.
MOST_COVERS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """The covers from somebody to who answers: `person`, or `desk`; neither, when they lead in a circle or too far."""

    covers: tuple[Cover, ...]
    person: int | None = None
    desk: int | None = None


def follow(person: int, cover_of: Callable[[int], Cover | None]) -> Chain:
    """Ask for the cover of this person, then for the cover's own, at most MOST_COVERS times. Raises nothing."""
    covers: list[Cover] = []
    seen = {person}
    at: int | None = person
    while at is not None and (cover := cover_of(at)) is not None:
        if len(covers) == MOST_COVERS or cover.by_person in seen:
            return Chain(covers=tuple(covers))
        covers.append(cover)
        at = cover.by_person
        if at is None:
            return Chain(covers=tuple(covers), desk=cover.by_desk)
        seen.add(at)
    return Chain(covers=tuple(covers), person=at)


# ── What can't be saved ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlapping:
    """Two covers of one person for the same thing at the same time: who of the two would answer?"""

    first: Cover
    second: Cover


@dataclass(frozen=True, slots=True, kw_only=True)
class Circle:
    """At some instant these covers lead from one to the next and back to the first: nobody would answer."""

    covers: tuple[Cover, ...]


Contradiction = Overlapping | Circle


def contradictions(covers: Iterable[Cover]) -> tuple[Contradiction, ...]:
    """All overlaps among these covers; where there is none, all circles. Instants are aware. Raises nothing.

    Without overlaps somebody has one cover at a time, so the ways to go from one to the next stay few.
    """
    of_person: dict[int, list[Cover]] = {}
    for cover in sorted(covers, key=lambda cover: cover.id):
        of_person.setdefault(cover.person, []).append(cover)
    pairs = (pair for theirs in of_person.values() for pair in combinations(theirs, 2))
    overlaps = tuple([Overlapping(first=one, second=other) for one, other in pairs if _together((one, other))])
    return overlaps or tuple(_circles(of_person))


def say(contradiction: Contradiction, names: Mapping[int, str]) -> str:
    """The contradiction and what to do about it, as one sentence; `names` are those of people, by id."""

    def name(person: int | None) -> str:
        return names.get(person, f"person {person}") if person is not None else "a desk"

    match contradiction:
        case Overlapping(first=one, second=other):
            later = max(one.starts_at, other.starts_at)
            return (
                f"covers {one.id} and {other.id} of {name(one.person)} overlap from {later:%Y-%m-%d %H:%M} UTC on:"
                " let one end before the other begins, or give them different scopes"
            )
        case Circle(covers=covers):
            round_trip = " to ".join(name(person) for person in (*(c.person for c in covers), covers[0].person))
            return f"covers lead in a circle, from {round_trip}: let somebody else answer for one of them"
        case _:
            assert_never(contradiction)


def _circles(of_person: Mapping[int, list[Cover]]) -> Iterator[Circle]:
    told: set[frozenset[int]] = set()
    for theirs in of_person.values():
        for cover in theirs:
            for circle in _ways_back(cover.person, (cover,), of_person):
                members = frozenset(c.id for c in circle)
                if members not in told:
                    told.add(members)
                    yield Circle(covers=circle)


def _ways_back(start: int, way: tuple[Cover, ...], of_person: Mapping[int, list[Cover]]) -> Iterator[tuple[Cover, ...]]:
    """The ways on from here, all of whose covers hold together at some time, that come back to the start."""
    if way[-1].by_person == start:
        yield way
        return
    for cover in of_person.get(way[-1].by_person or 0, ()):
        passed_before = any(cover.person == earlier.person for earlier in way)
        if not passed_before and _together((*way, cover)):
            yield from _ways_back(start, (*way, cover), of_person)


def _together(covers: tuple[Cover, ...]) -> bool:
    """Whether there is an instant and something to answer for at which all of them hold."""
    ends = [cover.ends_at for cover in covers if cover.ends_at is not None]
    in_time = not ends or max(cover.starts_at for cover in covers) < min(ends)
    return in_time and len({cover.scope for cover in covers} - {CoverScope.ALL}) < 2
