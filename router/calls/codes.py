"""What does somebody who dialled a code become, and what are they told?"""

from dataclasses import dataclass
from datetime import datetime, time
from typing import assert_never
from zoneinfo import ZoneInfo

from router.calls.events import Code, CodeDialled
from router.calls.orders import Word
from router.calls.presence import (
    MOST_PAUSE_MINUTES,
    PAUSE_MINUTES,
    Presence,
    Presences,
    may_go_away,
    pause,
    presence_of,
    resume,
    sign_in,
    sign_out,
    takeovers,
    whereabouts,
    why_not_there,
)
from router.routing.hours import next_time
from router.routing.model import Person
from router.routing.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """They are this from now on, and hear this word."""

    presence: Presence
    word: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class GoesAway:
    """The table has to say that they are away until then, or back (None); only then they are told."""

    person: Person
    until: datetime | None


def read_code(event: CodeDialled, table: Table, presences: Presences) -> Said | GoesAway | None:
    """What the owner of this phone wants to be; None when it is nobody's phone, or can't be done. Raises nothing."""
    person = table.person_of_endpoint(event.phone)
    if person is None:
        return None
    before, now = presence_of(person.id, presences, event.at), event.at
    match event.code:
        case Code.SIGN_IN:
            return Said(presence=sign_in(before, now), word=Word.SIGNED_IN)
        case Code.SIGN_OUT:
            return Said(presence=sign_out(before, now), word=Word.SIGNED_OUT)
        case Code.PAUSE:
            return _pause(before, event.digits, now)
        case Code.AWAY:
            return _away(person, event.digits, table, now)
        case _:
            assert_never(event.code)


def shown(person: Person, table: Table, presences: Presences, now: datetime) -> str:
    """What the phone of this person shows: how they stand, and which desk takes over where nobody is left."""
    why = why_not_there(person, table, presences, now)
    where = whereabouts(why, ZoneInfo(table.time_zone), now)
    return " ".join((f"{person.name} {where}.", *takeovers(person.id, table, presences, now)))


def _pause(before: Presence, digits: str, now: datetime) -> Said | None:
    if not before.signed_in:
        return Said(presence=before, word=Word.SIGNED_OUT)
    if not digits and before.paused_until is not None:
        return Said(presence=resume(before, now), word=Word.RESUMED)
    minutes = int(digits) if digits else PAUSE_MINUTES
    if not 0 < minutes <= MOST_PAUSE_MINUTES:
        return None
    return Said(presence=pause(before, minutes, now), word=Word.PAUSED)


def _away(person: Person, digits: str, table: Table, now: datetime) -> GoesAway | None:
    if not may_go_away(person):
        return None
    if not digits:
        return GoesAway(person=person, until=None)
    hour, minute = int(digits[:2]), int(digits[2:] or 0)
    if len(digits) != 4 or hour > 23 or minute > 59:
        return None
    return GoesAway(person=person, until=next_time(time(hour, minute), table.time_zone, now))
