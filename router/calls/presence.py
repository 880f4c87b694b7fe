"""Who is there to answer at a desk, and who isn't, until when?

Presence is state, no part of the table: it is never refused and has no versions. What the table says (away, left, off
duty, covered) comes first. Instants are aware and in UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import assert_never

from router.routing.model import Cover, Desk, Person, PersonState
from router.routing.reach import Unreachable
from router.routing.reasons import ExternalNotAllowed, NoUsablePhone, PersonAway, PersonLeft, PersonOffHours
from router.routing.seats import why_not_seated
from router.routing.table import Table

PAUSE_MINUTES = 60  # of a pause whose end nobody says: a forgotten one must not last until the next day
NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # since when somebody is signed in who has said nothing yet
MOST_PAUSE_MINUTES = 720  # half a day; who is gone for longer signs out, or is away


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """Whether somebody is signed in, until when they pause, and since when that is so."""

    person: int
    signed_in: bool = True
    paused_until: datetime | None = None
    since: datetime


# By person. Who isn't among them has never said anything and counts as signed in: a new company works at once.
Presences = Mapping[int, Presence]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedOut:
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Pausing:
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CoveredFor:
    """Somebody else answers for them what comes by a line, and a desk's calls do."""

    until: datetime | None


NotThere = SignedOut | Pausing | CoveredFor | Unreachable


def presence_of(person: int, presences: Presences, now: datetime) -> Presence:
    """What they last said; who never said anything is signed in. A pause that is over is none any more."""
    presence = presences.get(person) or Presence(person=person, since=NEVER)
    if presence.paused_until is not None and presence.paused_until <= now:
        return replace(presence, paused_until=None, since=presence.paused_until)
    return presence


def sign_in(before: Presence, now: datetime) -> Presence:
    """Signed in, and not pausing."""
    return _changed(before, replace(before, signed_in=True, paused_until=None), now)


def sign_out(before: Presence, now: datetime) -> Presence:
    return _changed(before, replace(before, signed_in=False, paused_until=None), now)


def pause(before: Presence, minutes: int, now: datetime) -> Presence:
    """Pausing from now on for so many minutes; who is signed out stays that."""
    if not before.signed_in:
        return before
    return _changed(before, replace(before, paused_until=now + timedelta(minutes=minutes)), now)


def resume(before: Presence, now: datetime) -> Presence:
    """Not pausing; who is signed out stays that."""
    return _changed(before, replace(before, paused_until=None), now)


def may_go_away(person: Person) -> bool:
    """Whether the table can say of this person that they are away: not of one who left, or whose leaving it tells."""
    return person.state in (PersonState.ACTIVE, PersonState.AWAY)


def away(person: Person, until: datetime | None) -> Person:
    """The person as the table has them while they are away until then, or (None) back."""
    state = PersonState.AWAY if until else PersonState.ACTIVE
    return replace(person, state=state, away_until=until)


def why_not_there(person: Person, table: Table, presences: Presences, now: datetime) -> NotThere | None:
    """Why this person answers at no desk now, or None when they do. Raises nothing."""
    match why_not_seated(person, table, now):
        case None:
            pass
        case Cover(ends_at=until):
            return CoveredFor(until=until)
        case unreachable:
            return unreachable
    presence = presence_of(person.id, presences, now)
    if not presence.signed_in:
        return SignedOut(since=presence.since)
    if presence.paused_until is not None:
        return Pausing(until=presence.paused_until)
    return None


def who_is_at(desk: Desk, table: Table, presences: Presences, now: datetime) -> tuple[Person, ...]:
    """The members of this desk who are there now, in their order. Raises nothing."""
    members = (table.people.get(member) for member in desk.members)
    return tuple([m for m in members if m is not None and why_not_there(m, table, presences, now) is None])


def desks_of(person: int, table: Table) -> tuple[Desk, ...]:
    """The desks that this person is a member of, in the order of their ids."""
    return tuple([desk for _, desk in sorted(table.desks.items()) if person in desk.members])


def next_due(table: Table, presences: Presences, now: datetime) -> datetime | None:
    """The next instant at which somebody may come or go without saying anything; None when there is none in sight.

    Before it nobody needs to be asked about again: walking through a large company takes milliseconds.
    """
    hours = {person.hours for person in table.people.values() if person.hours is not None}
    edges = (
        *(presence.paused_until for presence in presences.values()),
        *(edge for person in table.people.values() for edge in (person.away_until, person.leaves_at)),
        *(edge for cover in table.covers.values() for edge in (cover.starts_at, cover.ends_at)),
        *(spell.ends for one in hours if (spell := table.spell_of(one, now)) is not None),
    )
    return min((edge for edge in edges if edge is not None and edge > now), default=None)


# ── How it is said ───────────────────────────────────────────────────────────────────────────────────────────────────


def whereabouts(why: NotThere | None, zone: tzinfo, now: datetime) -> str:
    """The rest of a sentence that begins with the name: `pauses until 14:30`. Times are told in `zone`."""
    match why:
        case None:
            return "is there"
        case SignedOut(since=since):
            return f"is signed out since {_time(since, zone, now)}"
        case Pausing(until=until):
            return f"pauses until {_time(until, zone, now)}"
        case CoveredFor(until=until):
            return f"is covered{_until(until, zone, now)}"
        case PersonAway(until=until):
            return f"is away{_until(until, zone, now)}"
        case PersonOffHours(until=until):
            return f"is off duty{_until(until, zone, now)}"
        case PersonLeft():
            return "no longer works here"
        case NoUsablePhone():
            return "has no phone that can be rung"
        case ExternalNotAllowed():
            return "has external phones only, at numbers that ROUTER_EXTERNAL_PREFIXES doesn't allow"
        case _:
            assert_never(why)


def takeover(desk: Desk, table: Table, presences: Presences, now: datetime) -> str:
    """Who takes the calls of this desk while nobody is there: a sentence, or nothing when somebody is.

    The next desk where somebody is, the safety net as the last; then the number of last resort; then nobody.
    """
    if who_is_at(desk, table, presences, now):
        return ""
    chain = [table.desks[step.desk] for step in table.tail_of(desk.id)]
    for after in chain:
        if after.id != desk.id and who_is_at(after, table, presences, now):
            return f"Nobody is at the desk {desk.name} now: desk {after.name} takes over."
    number = next((one.last_resort for one in (desk, *chain) if one.last_resort), None)
    if number is not None and number.startswith(table.external_prefixes):
        return f"Nobody is at the desk {desk.name} now, nor at any after it: {number} is rung, the last resort."
    return f"Nobody is at the desk {desk.name} now, nor at any after it: callers wait until somebody is."


def takeovers(person: int, table: Table, presences: Presences, now: datetime) -> tuple[str, ...]:
    """A sentence for each desk of this person that nobody is at."""
    sentences = [takeover(desk, table, presences, now) for desk in desks_of(person, table)]
    return tuple([sentence for sentence in sentences if sentence])


def _until(until: datetime | None, zone: tzinfo, now: datetime) -> str:
    return f" until {_time(until, zone, now)}" if until else ""


def _time(instant: datetime, zone: tzinfo, now: datetime) -> str:
    """The time of day; with the day, when that isn't today."""
    local = instant.astimezone(zone)
    return local.strftime("%H:%M" if local.date() == now.astimezone(zone).date() else "%a %d %b %Y %H:%M")


def _changed(before: Presence, after: Presence, now: datetime) -> Presence:
    """`since` moves only when something else does, and always forward: whoever is newest knows best."""
    return before if after == before else replace(after, since=max(now, before.since + timedelta(microseconds=1)))
