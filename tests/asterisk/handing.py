"""Which company are the stories of hand-overs told of?

For each way in which a call can be handed over there is somebody who does just that: on a desk phone that rings for an
account's manager, at a desk of its own, or on a mobile. Whoever it is handed to is the same for all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from router.calls.events import How
from router.lab.configuration import OUTSIDE_PREFIX
from router.lab.scenarios import Answers, Behaviour, NeverAnswers, PlacedCall
from router.routing.model import Account, Desk, Line, LineKind, Person, Phone, PhoneKind, Strategy
from router.storage.company import Company

LINE = "+12125550170"  # the line whose desk is the keepers'
BLOCK = "+1845555"  # callers: this, two digits for the case, two for the call
TAKER, SILENT = "jonas", "silas"
MOBILE = f"{OUTSIDE_PREFIX}8000"  # who takes calls over on a mobile
KEEPERS = tuple(f"guard{number}" for number in range(1, 9))
AT_A_DESK = 4  # who hand over at a desk, so that several calls can be told at a time
RINGS = 2  # seconds for one phone: nobody here waits for long


class Taken(StrEnum):
    """Who has the caller in the end."""

    TARGET = "the target"
    MOBILE = "the target, on a mobile"
    GIVER = "the giver, since the target doesn't answer"
    DESK = "the desk, since neither does"


class Where(StrEnum):
    """Where somebody has the caller who hands them over."""

    PHONE = "phone"
    DESK = "desk"
    MOBILE = "mobile"


# The person named, by short number, and how long the caller stays on the line after the first answer (seconds)
NAMED: Mapping[Taken, tuple[str, float]] = {
    Taken.TARGET: ("41", 4.0),
    Taken.MOBILE: ("43", 7.0),
    Taken.GIVER: ("42", 7.0),
    Taken.DESK: ("42", 17.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    where: Where
    how: How
    taken: Taken

    @property
    def name(self) -> str:
        return f"from a {self.where.value} by {self.how.value}, to {self.taken.value}"

    @property
    def short_number(self) -> str:
        return NAMED[self.taken][0]


CASES = tuple(
    Case(where=where, how=how, taken=taken)
    for where in Where
    for how in How
    for taken in Taken
    if where is not Where.MOBILE or how is How.ORDER  # a mobile has no transfer key of ours
)


def number_of(case: Case) -> int:
    return CASES.index(case) + 1


def givers(case: Case) -> tuple[str, ...]:
    """The phones on which this case's calls are taken first."""
    number = number_of(case)
    match case.where:
        case Where.PHONE:
            return (f"giver{number:02}",)
        case Where.DESK:
            return tuple(f"giver{number:02}x{place}" for place in range(1, AT_A_DESK + 1))
        case Where.MOBILE:
            return (f"{OUTSIDE_PREFIX}81{number:02}",)


def line_of(case: Case) -> str:
    return f"+121255518{number_of(case):02}"


def call(case: Case, number: int) -> PlacedCall:
    """A call that is taken, and then handed over, as this case says."""
    return PlacedCall(
        caller=f"{BLOCK}{number_of(case):02}{number:02}", dialled=line_of(case), talks=NAMED[case.taken][1]
    )


def case_of(caller: str) -> Case:
    return CASES[int(caller.removeprefix(BLOCK)[:2]) - 1]


def takers(case: Case) -> tuple[str, ...]:
    """Any of these may have the caller in the end."""
    return {
        Taken.TARGET: (TAKER,),
        Taken.MOBILE: (MOBILE,),
        Taken.GIVER: givers(case),
        # the desk of who sits at one is that one: a colleague there takes it
        Taken.DESK: (*KEEPERS, *(givers(case) if case.where is Where.DESK else ())),
    }[case.taken]


def _phone(id: int, person: int, name: str) -> Phone:
    if name.startswith("+"):
        return Phone(id=id, person=person, kind=PhoneKind.EXTERNAL, number=name, ring_seconds=RINGS + 2)
    # call waiting: one person has several calls of a story at once
    return Phone(id=id, person=person, kind=PhoneKind.DESK, endpoint=name, ring_seconds=RINGS, call_waiting=True)


def _person(id: int, name: str, phone: str, short_number: str | None = None) -> Person:
    return Person(id=id, name=name, short_number=short_number, phones=(_phone(id, id, phone),))


def _of(case: Case) -> range:
    """The ids of who hands over in this case."""
    first = 100 * number_of(case)
    return range(first, first + len(givers(case)))


COMPANY = Company(
    people=(
        _person(1, "Jonas", TAKER, "41"),
        _person(2, "Silas", SILENT, "42"),
        _person(3, "Max", MOBILE, "43"),
        *(_person(10 + place, name.title(), name) for place, name in enumerate(KEEPERS)),
        *(
            _person(id, f"Giver {id}", phone)
            for case in CASES
            for id, phone in zip(_of(case), givers(case), strict=True)
        ),
    ),
    desks=(
        Desk(
            id=1,
            name="Keepers",
            slot=40,
            strategy=Strategy.ROUND_ROBIN,
            safety_net=True,
            members=tuple(range(10, 10 + len(KEEPERS))),
        ),
        *(
            Desk(
                id=1 + number_of(case),
                name=f"Desk {number_of(case)}",
                slot=40 + number_of(case),
                strategy=Strategy.LONGEST_IDLE,
                ring_seconds=3 if case.taken is Taken.DESK else 60,
                members=tuple(_of(case)),
            )
            for case in CASES
            if case.where is Where.DESK
        ),
    ),
    lines=(
        Line(id=100, number=LINE, label="Sales", kind=LineKind.BUSINESS, desk=1),
        *(
            Line(
                id=number_of(case),
                number=line_of(case),
                label=f"Line {number_of(case)}",
                kind=LineKind.BUSINESS,
                desk=1 + number_of(case) if case.where is Where.DESK and case.taken is not Taken.DESK else 1,
            )
            for case in CASES
        ),
    ),
    accounts=tuple(
        Account(
            id=number_of(case),
            name=f"Account {number_of(case)}",
            manager=None if case.where is Where.DESK else _of(case)[0],
            # calls of this account ring its desk; what is behind it, when nobody takes them, is the line's
            desk=1 + number_of(case) if case.where is Where.DESK else None,
        )
        for case in CASES
    ),
    numbers=tuple((int(f"{BLOCK}{number_of(case):02}"), True, number_of(case)) for case in CASES),
)


def hands_over(case: Case) -> Answers:
    """Takes a call and hands it over; the same call a second time is kept, or not answered."""
    keys = "1" if case.where is Where.MOBILE else ""
    again = NeverAnswers() if case.taken is Taken.DESK else Answers(after=0.2, keys=keys)
    return Answers(
        after=0.1,
        keys=keys,
        transfers_to=case.short_number if case.how is How.KEY else "",
        again=again,
    )


BEHAVIOURS: dict[str, Behaviour] = {
    TAKER: Answers(after=0.1),
    SILENT: NeverAnswers(),
    MOBILE: Answers(after=0.6, keys="1"),
    **{name: Answers(after=0.03) for name in KEEPERS},
    **{phone: hands_over(case) for case in CASES for phone in givers(case)},
}
