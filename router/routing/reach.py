"""Can this person be rung now, and on which phones?"""

from datetime import datetime

from router.routing.hours import Spell
from router.routing.model import Person, PersonState, Phone, PhoneKind
from router.routing.plan import MOST_PHONES
from router.routing.reasons import ExternalNotAllowed, NoUsablePhone, PersonAway, PersonLeft, PersonOffHours

LONGEST_RING = 20  # seconds for one person; by then a carrier's mailbox would answer on a mobile, and callers give up

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
