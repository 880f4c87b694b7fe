"""Which company are the stories of external phones told of?

For each thing that can happen on a mobile there is one account, whose manager has a mobile to which just that happens.
Whatever it is, the coordinators' desk is behind it.
"""

from dataclasses import dataclass

from router.calls.events import LegResult
from router.lab.configuration import OUTSIDE_PREFIX
from router.lab.scenarios import BUSY, DECLINES, Answers, Behaviour, NeverAnswers, PlacedCall, Refuses
from router.routing.model import Account, Desk, Line, LineKind, Person, Phone, PhoneKind, Strategy
from router.storage.company import Company

LINE = "+12125550160"
BLOCK = "+1718555"  # callers: this, two digits for the case, two for the call
RING_SECONDS = 3
COORDINATORS = tuple(f"keeper{number}" for number in range(1, 13))
TALKS = 1.5  # seconds a caller talks: long enough to see which phones share the talk

MAILBOX = Answers(after=0.2)  # picks up, talks, and never presses a key
NOT_ALLOWED = "+13055550101"  # the router may call it, the PBX may not


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What happens on the external phones of one manager, and how each of their legs must end on record.

    `desk_phone`: how a phone of the PBX that rings beside them behaves. `taken_by` is the place of the external phone
    that gets the caller, None for another phone. `gives_up`: the caller hangs up that long after the last sign of life.
    """

    name: str
    mobiles: tuple[Behaviour, ...]
    results: tuple[LegResult, ...]
    maybe_machine: tuple[bool, ...] = ()
    desk_phone: Behaviour | None = None
    taken_by: int | None = None
    gives_up: float | None = None
    number: str | None = None


CASES = (
    Case(name="mailbox answers and talks", mobiles=(MAILBOX,), results=(LegResult.NO_KEY,), maybe_machine=(True,)),
    Case(
        name="mailbox hangs up in the prompt",
        mobiles=(Answers(after=0.2, talks=0.8),),
        results=(LegResult.HUNG_UP_IN_PROMPT,),
        maybe_machine=(True,),
    ),
    Case(
        name="person presses 1",
        mobiles=(Answers(after=1.2, keys="1"),),
        results=(LegResult.ANSWERED,),
        taken_by=0,
    ),
    Case(name="person presses 2", mobiles=(Answers(after=1.2, keys="2"),), results=(LegResult.REFUSED,)),
    Case(
        name="wrong key, then silence",
        mobiles=(Answers(after=1.2, keys="7"),),
        results=(LegResult.NO_KEY,),
        maybe_machine=(True,),
    ),
    Case(
        name="wrong key, then 1",
        mobiles=(Answers(after=1.2, keys="71"),),
        results=(LegResult.ANSWERED,),
        taken_by=0,
    ),
    Case(
        name="person presses 1 after five seconds",
        mobiles=(Answers(after=1.2, keys="1", key_after=5.5),),
        results=(LegResult.ANSWERED,),
        taken_by=0,
    ),
    Case(
        name="caller hangs up in the prompt",
        mobiles=(MAILBOX,),
        results=(LegResult.CANCELLED,),
        maybe_machine=(True,),
        gives_up=1.5,
    ),
    Case(
        name="mailbox beside a person",
        mobiles=(MAILBOX,),
        desk_phone=Answers(after=2.0),
        results=(LegResult.CANCELLED,),
        maybe_machine=(True,),
    ),
    Case(
        name="mailbox beside a person who presses 1",
        mobiles=(MAILBOX, Answers(after=1.2, keys="1")),
        results=(LegResult.CANCELLED, LegResult.ANSWERED),
        maybe_machine=(True, False),
        taken_by=1,
    ),
    Case(
        name="only mailboxes, then the desk",
        mobiles=(MAILBOX, Answers(after=0.3)),
        results=(LegResult.NO_KEY, LegResult.NO_KEY),
        maybe_machine=(True, True),
    ),
    Case(
        name="redirected to a mailbox",
        mobiles=(Refuses(code=302, after=0.2, to=f"{OUTSIDE_PREFIX}9999"),),
        results=(LegResult.REFUSED,),
    ),
    Case(
        name="mailbox with early media",
        mobiles=(Answers(after=1.2, early=True),),
        results=(LegResult.NO_KEY,),
        maybe_machine=(True,),
    ),
    Case(
        name="answers at the very ring time-out",
        mobiles=(Answers(after=RING_SECONDS - 0.02),),
        results=(),  # either side of the time-out is right, and neither loses the call
    ),
    Case(name="unreachable", mobiles=(Refuses(code=503),), results=(LegResult.UNREACHABLE,)),
    Case(name="busy", mobiles=(BUSY,), results=(LegResult.BUSY,)),
    Case(name="declined", mobiles=(DECLINES,), results=(LegResult.REFUSED,)),
    Case(name="rings out", mobiles=(NeverAnswers(),), results=(LegResult.NO_ANSWER,)),
    Case(
        name="a number that the PBX may not call",
        mobiles=(MAILBOX,),
        number=NOT_ALLOWED,
        results=(LegResult.FORBIDDEN,),
    ),
)


def mobile(case: Case, place: int = 0) -> str:
    """The number of one of the case's external phones."""
    return case.number or f"{OUTSIDE_PREFIX}{CASES.index(case):02}{place:02}"


def desk_phone(case: Case) -> str:
    return f"manager{CASES.index(case):02}"


def call(case: Case, number: int) -> PlacedCall:
    """A call for the manager of this case, from a number of its own."""
    talks = None if case.gives_up else TALKS
    return PlacedCall(
        caller=f"{BLOCK}{CASES.index(case):02}{number:02}", dialled=LINE, talks=talks, gives_up=case.gives_up
    )


def case_of(caller: str) -> Case:
    """The case that this caller's call is about."""
    return CASES[int(caller.removeprefix(BLOCK)[:2])]


def _manager(case: Case) -> Person:
    person = 100 + CASES.index(case)
    phones = [
        Phone(
            id=person * 10 + place,
            person=person,
            kind=PhoneKind.EXTERNAL,
            number=mobile(case, place),
            ring_seconds=RING_SECONDS,
        )
        for place in range(len(case.mobiles))
    ]
    if case.desk_phone is not None:
        endpoint = desk_phone(case)
        # call waiting: the stories call one manager several times at once
        phones.append(
            Phone(
                id=person * 10 + 9,
                person=person,
                kind=PhoneKind.DESK,
                endpoint=endpoint,
                ring_seconds=RING_SECONDS,
                call_waiting=True,
            )
        )
    return Person(id=person, name=f"Manager {CASES.index(case):02}", phones=tuple(phones))


COMPANY = Company(
    people=(
        *(_manager(case) for case in CASES),
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
            slot=5,
            strategy=Strategy.ROUND_ROBIN,
            safety_net=True,
            members=tuple(range(1, len(COORDINATORS) + 1)),
        ),
    ),
    lines=(Line(id=1, number=LINE, label="Sales", kind=LineKind.BUSINESS, desk=1),),
    accounts=tuple(
        Account(id=number, name=case.name.title(), manager=100 + place)
        for number, (place, case) in enumerate(enumerate(CASES), 1)
    ),
    numbers=tuple((int(f"{BLOCK}{place:02}"), True, place + 1) for place in range(len(CASES))),
)

BEHAVIOURS: dict[str, Behaviour] = {
    **{name: Answers(after=0.03 + 0.02 * place) for place, name in enumerate(COORDINATORS)},
    **{mobile(case, place): manner for case in CASES for place, manner in enumerate(case.mobiles)},
    **{desk_phone(case): case.desk_phone for case in CASES if case.desk_phone is not None},
    f"{OUTSIDE_PREFIX}9999": Answers(after=0.0),  # the mailbox that a redirection leads to
}
