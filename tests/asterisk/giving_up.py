"""Which company are the stories of callers who give up told of, and in which place was a caller when it gave up?

Nobody there answers but those at one desk: one person's phone rings for ever, another's mobile is answered by a mailbox
that presses no key, and at two desks callers wait. Where a caller was is read from what the phones saw, and from
nothing else.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from random import Random

from router.lab.configuration import OUTSIDE_PREFIX
from router.lab.scenarios import BUSY, Answers, Behaviour, NeverAnswers, PlacedCall
from router.lab.witness import Heard
from router.routing.model import Account, Desk, Lead, Line, LineKind, Person, Phone, PhoneKind, Rule, Strategy
from router.storage.company import Company


class Place(StrEnum):
    """Where a caller can be who has not reached a person."""

    RINGING = "ringing"  # a phone rings
    PROMPT = "prompt"  # an external phone was answered, and whoever did it is asked for a key
    WAITING = "waiting"  # we have answered, and nobody is free
    FALLBACK = "fallback"  # the router is dead: the desk rings, or the caller waits
    NOWHERE = "nowhere"  # none of these


RINGER, MAILBOX = "gwen", f"{OUTSIDE_PREFIX}6101"
DEAF = ("deaf1", "deaf2", "deaf3")
BUSY_ONE = "busy1"
HELPERS = tuple(f"helper{number}" for number in range(1, 9))

_NAMES = (RINGER, MAILBOX, *DEAF, BUSY_ONE, *HELPERS)
_IDS = {name: number for number, name in enumerate(_NAMES, 1)}
TO_RINGER, TO_MAILBOX, TO_DEAF, TO_BUSY, TO_HELPERS = (f"+121255532{place:02}" for place in range(5))
CUSTOMERS = {RINGER: "+164655601", MAILBOX: "+164655602"}  # and two digits: accounts whose manager that is
STRANGERS = "+1347556"  # and four digits


def _person(name: str) -> Person:
    id = _IDS[name]
    if name.startswith("+"):
        phone = Phone(id=id, person=id, kind=PhoneKind.EXTERNAL, number=name)
    else:
        phone = Phone(id=id, person=id, kind=PhoneKind.DESK, endpoint=name, call_waiting=name == RINGER)
    return Person(id=id, name=name.title(), phones=(phone,))


def _desk(id: int, name: str, members: Sequence[str], **how: bool | Strategy) -> Desk:
    return Desk(id=id, name=name, slot=44 + id, members=tuple(_IDS[member] for member in members), **how)  # type: ignore[arg-type]


COMPANY = Company(
    people=tuple(_person(name) for name in _NAMES),
    desks=(
        _desk(1, "deaf", DEAF),
        _desk(2, "busy", (BUSY_ONE,)),
        _desk(3, "helpers", HELPERS, strategy=Strategy.ROUND_ROBIN, safety_net=True),
    ),
    lines=tuple(
        Line(id=place, number=number, label=label, kind=LineKind.BUSINESS, desk=desk)
        for place, (number, label, desk) in enumerate(
            (
                (TO_RINGER, "ringer", 1),
                (TO_MAILBOX, "mailbox", 1),
                (TO_DEAF, "deaf", 1),
                (TO_BUSY, "busy", 2),
                (TO_HELPERS, "helpers", 3),
            ),
            1,
        )
    ),
    accounts=tuple(Account(id=place, name=name.title(), manager=_IDS[name]) for place, name in enumerate(CUSTOMERS, 1)),
    numbers=tuple((int(block), True, place) for place, block in enumerate(CUSTOMERS.values(), 1)),
    rules=tuple(
        Rule(id=line, priority=line, label=name, line=line, then=Lead.PERSON, person=_IDS[name])
        for line, name in ((1, RINGER), (2, MAILBOX))
    ),
)
BEHAVIOURS: dict[str, Behaviour] = {
    RINGER: NeverAnswers(),
    MAILBOX: Answers(after=0.1),
    **dict.fromkeys(DEAF, NeverAnswers()),
    BUSY_ONE: BUSY,
    **{name: Answers(after=0.03 + 0.02 * place) for place, name in enumerate(HELPERS)},
}

# Seconds from the last sign of life, or from our answer, until the caller has had enough: whoever is to be asked for a
# key has picked up by then, and is asked for ten seconds.
RINGS, ASKED, WAITS = (0.1, 4.0), (1.0, 6.0), (0.2, 4.0)


def calls_to(place: Place, count: int, first: int, draw: Random) -> list[PlacedCall]:
    """So many callers who give up in that place, each at a moment of its own; every second is a stranger.

    For the fallback the router has to be dead.
    """
    return [_call(place, number, first + number, draw) for number in range(count)]


def _call(place: Place, number: int, ours: int, draw: Random) -> PlacedCall:
    stranger = f"{STRANGERS}{ours:04}"
    match place:
        case Place.RINGING:
            caller = stranger if number % 2 else f"{CUSTOMERS[RINGER]}{number:02}"
            return PlacedCall(caller=caller, dialled=TO_RINGER, gives_up=draw.uniform(*RINGS), talks=None)
        case Place.PROMPT:
            caller = stranger if number % 2 else f"{CUSTOMERS[MAILBOX]}{number:02}"
            return PlacedCall(caller=caller, dialled=TO_MAILBOX, gives_up=draw.uniform(*ASKED), talks=None)
        case Place.WAITING:
            return PlacedCall(caller=stranger, dialled=draw.choice((TO_DEAF, TO_BUSY)), talks=draw.uniform(*WAITS))
        case Place.FALLBACK:
            dialled = draw.choice((TO_RINGER, TO_MAILBOX, TO_DEAF, TO_BUSY))
            rings, waits = draw.uniform(*RINGS), draw.uniform(*WAITS)
            return PlacedCall(caller=stranger, dialled=dialled, gives_up=rings, talks=waits)
        case _:
            raise ValueError(f"nobody can be sent {place}")


def helped(count: int, first: int) -> list[PlacedCall]:
    """Callers whom somebody answers."""
    return [
        PlacedCall(caller=f"{STRANGERS}{number:04}", dialled=TO_HELPERS, talks=0.1)
        for number in range(first, first + count)
    ]


def place_of(heard: Heard, stale_at: datetime, started_at: datetime) -> Place:
    """Where this caller was when it hung up, as the phones saw it.

    Between the two instants the router was dead, and nobody waited for it any more.
    """
    left = next((m.at for m in heard.placed.messages if m.sent and m.method in ("CANCEL", "BYE")), None)
    if left is None or heard.answered_by:
        return Place.NOWHERE
    waited = heard.placed.answered_at is not None and heard.placed.answered_at < left
    if stale_at < heard.placed.invited_at and left < started_at:
        # by plan two of the four lines ring these; without one their desk rings, or has nobody free
        by_plan = any(rung.phone in (RINGER, MAILBOX) for rung in heard.rung)
        tells = waited or heard.placed.rang_at is not None
        return Place.FALLBACK if tells and not by_plan else Place.NOWHERE
    if waited:
        return Place.WAITING
    asked = [rung for rung in heard.rung if rung.phone == MAILBOX and rung.answered_at and rung.answered_at < left]
    if any(rung.ended_at is None or left <= rung.ended_at for rung in asked):
        return Place.PROMPT
    rang = any(rung.rang_at is not None and rung.rang_at < left for rung in heard.rung)
    return Place.RINGING if rang else Place.NOWHERE
