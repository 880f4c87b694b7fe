"""Can this person be rung now, and on which phones?"""

from datetime import datetime

from router.routing.hours import Spell
from router.routing.model import Desk, Person, PersonState, Phone, PhoneKind
from router.routing.plan import MOST_PHONES
from router.routing.reasons import ExternalNotAllowed, NoUsablePhone, PersonAway, PersonLeft, PersonOffHours

LONGEST_RING = 20  # seconds for one person; by then a carrier's mailbox would answer on a mobile, and callers give up

ROOM_FOR_A_KEY = 12  # seconds more that an external phone's step lasts: whoever answers last must be able to press 1

Unreachable = PersonAway | PersonLeft | PersonOffHours | NoUsablePhone | ExternalNotAllowed


def why_unreachable(
    person: Person, spell: Spell | None, prefixes: tuple[str, ...], now: datetime
) -> Unreachable | None:
    """The reason to skip this person at once, or None; `spell` is that of their hours (None: they have none).

    `prefixes` begin the external numbers that may be called.
    """
    if absence := why_absent(person, now):
        return absence
    if spell is not None and not spell.open:
        return PersonOffHours(person=person.id, name=person.name, until=spell.opens_next, occasion=spell.occasion)
    if not usable_phones(person, prefixes):
        if any(phone.enabled for phone in person.phones):
            return ExternalNotAllowed(person=person.id, name=person.name)
        return NoUsablePhone(person=person.id, name=person.name)
    return None


def why_absent(person: Person, now: datetime) -> PersonAway | PersonLeft | None:
    """Whether this person is away or has left: who is leaving works until then, an absence that is over is over."""
    match person.state:
        case PersonState.ACTIVE:
            return None
        case PersonState.AWAY:
            if person.away_until is not None and person.away_until <= now:
                return None
            return PersonAway(person=person.id, name=person.name, until=person.away_until)
        case PersonState.LEAVING:
            if person.leaves_at is None or person.leaves_at > now:
                return None
            return PersonLeft(person=person.id, name=person.name)
        case PersonState.LEFT:
            return PersonLeft(person=person.id, name=person.name)


def usable_phones(person: Person, prefixes: tuple[str, ...]) -> tuple[Phone, ...]:
    """The phones that ring for this person, at most MOST_PHONES: of this PBX, and external ones that may be called."""
    usable = tuple(phone for phone in person.phones if phone.enabled and _may_ring(phone, prefixes))
    return usable[:MOST_PHONES]


def _may_ring(phone: Phone, prefixes: tuple[str, ...]) -> bool:
    if phone.kind is PhoneKind.DESK:
        return bool(phone.endpoint)
    return bool(phone.number) and phone.number is not None and phone.number.startswith(prefixes)


def ring_seconds(phones: tuple[Phone, ...]) -> int:
    """How long these phones of one person ring together: as long as the most patient of them, within limits."""
    return max(1, min(LONGEST_RING, max(phone.ring_seconds for phone in phones)))


def lasts(phones: tuple[Phone, ...], seconds: int) -> int:
    """For how many seconds a caller may hear ringing while these phones ring for `seconds`."""
    return seconds + ROOM_FOR_A_KEY if any(phone.kind is PhoneKind.EXTERNAL for phone in phones) else seconds


def last_resort(safety_net: Desk, prefixes: tuple[str, ...]) -> str | None:
    """The external number to ring when nobody is at any desk, if there is one that may be called."""
    number = safety_net.last_resort
    return number if number and number.startswith(prefixes) else None
