"""Which company lives through the chaos? One where every way to answer, or not to, is somebody's manner.

Each account's manager has a manner of their own; behind all of them is one desk, with more coordinators than there are
calls at a time even when no call has a plan: a caller who is patient must be answered, whatever fails.
"""

from dataclasses import dataclass

from router.lab.configuration import OUTSIDE_PREFIX
from router.lab.scenarios import DECLINES, Answers, Behaviour, NeverAnswers
from router.routing.model import Account, Desk, Line, LineKind, Person, Phone, PhoneKind, Strategy
from router.storage.company import Company

LINE = "+12125550170"
SALES_LINE = "+12125550171"
ACCOUNT_NUMBERS = "+1646"  # callers of an account: this, the account's digit, six digits for the call
OTHER_NUMBERS = "+1718"  # callers whom nobody knows: this and seven digits

COORDINATORS = tuple(f"keeper{number}" for number in range(1, 49))
SLOT = 7
RING_SECONDS = 2  # for which a manager who doesn't answer is rung before the desk


@dataclass(frozen=True, slots=True, kw_only=True)
class Manager:
    """How one account's manager answers. `share` of all calls are from that account."""

    name: str
    manner: Behaviour
    share: float
    external: bool = False
    ring_seconds: int = 20


MANAGERS = (
    Manager(name="swift", manner=Answers(after=0.1), share=0.30),
    Manager(name="slow", manner=Answers(after=2.0), share=0.15),
    Manager(name="silent", manner=NeverAnswers(), share=0.10, ring_seconds=RING_SECONDS),
    Manager(name="mobile", manner=Answers(after=0.3, keys="1"), share=0.10, external=True),
    # ten seconds of prompts that nobody hears, and then the desk
    Manager(name="mailbox", manner=Answers(after=0.3), share=0.02, external=True),
)

_FIRST_MANAGER, _SELLER = 101, 100


def phone_of(place: int) -> str:
    """The endpoint or number of the manager at this place."""
    return f"{OUTSIDE_PREFIX}{place:04}" if MANAGERS[place].external else f"manager-{MANAGERS[place].name}"


def _manager(place: int) -> Person:
    person, manager = _FIRST_MANAGER + place, MANAGERS[place]
    return Person(
        id=person,
        name=manager.name.title(),
        phones=(
            Phone(
                id=person,
                person=person,
                kind=PhoneKind.EXTERNAL if manager.external else PhoneKind.DESK,
                endpoint=None if manager.external else phone_of(place),
                number=phone_of(place) if manager.external else None,
                ring_seconds=manager.ring_seconds,
                call_waiting=not manager.external,  # many of the account's callers have one at the same time
            ),
        ),
    )


COMPANY = Company(
    people=(
        *(_manager(place) for place in range(len(MANAGERS))),
        Person(id=_SELLER, name="Seller"),
        *(
            Person(
                id=number,
                name=name.title(),
                phones=(Phone(id=number, person=number, kind=PhoneKind.DESK, endpoint=name),),
            )
            for number, name in enumerate(COORDINATORS, 1)
        ),
    ),
    desks=(
        Desk(
            id=1,
            name="Coordinators",
            slot=SLOT,
            strategy=Strategy.ROUND_ROBIN,
            safety_net=True,
            members=tuple(range(1, len(COORDINATORS) + 1)),
        ),
    ),
    lines=(
        Line(id=1, number=LINE, label="Main", kind=LineKind.BUSINESS, desk=1),
        Line(id=2, number=SALES_LINE, label="Sales", kind=LineKind.SALESPERSON, desk=1, person=_SELLER),
    ),
    accounts=tuple(
        Account(id=place + 1, name=manager.name.title(), manager=_FIRST_MANAGER + place)
        for place, manager in enumerate(MANAGERS)
    ),
    numbers=tuple((int(f"{ACCOUNT_NUMBERS}{place}"), True, place + 1) for place in range(len(MANAGERS))),
)


def _coordinator(place: int) -> Behaviour:
    if place == 0:
        return DECLINES
    # Some lift the receiver soon and some late, and some end the talk themselves. They do so before any caller does:
    # SIPp lets go of a call in which the other side's BYE crosses its own.
    return Answers(after=0.1 + 0.05 * (place % 20), talks=0.7 if place % 10 == 5 else None)


BEHAVIOURS: dict[str, Behaviour] = {
    **{phone_of(place): manager.manner for place, manager in enumerate(MANAGERS)},
    **{name: _coordinator(place) for place, name in enumerate(COORDINATORS)},
}
GAVE_UP_SECONDS = 0.3  # who hangs up sooner is owed nothing; short, so that many callers are owed something
SETTINGS = {
    "ROUTER_EXTERNAL_PREFIXES": OUTSIDE_PREFIX,
    "ROUTER_COMMITMENT_GAVE_UP_SECONDS": str(GAVE_UP_SECONDS),
}


def account_of(caller: str) -> int | None:
    """The account that this caller's number belongs to."""
    if not caller.startswith(ACCOUNT_NUMBERS):
        return None
    return int(caller[len(ACCOUNT_NUMBERS)]) + 1
