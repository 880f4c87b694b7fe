"""Which company are the failure stories told of?

One where the path that a call took is seen from who answered it: by plan the account's manager, who answers every call
(call waiting); without a plan one of the coordinators, who take turns so that no call waits for another's phone.
"""

from router.lab.scenarios import Answers, Behaviour, PlacedCall
from router.routing.model import Account, Desk, Line, LineKind, Person, Phone, PhoneKind, Strategy
from router.storage.company import Company

LINE = "+12125550150"
BLOCK = "+1646555"  # every number that begins so belongs to the one account
MANAGER = "max"
COORDINATORS = tuple(f"coordinator{number}" for number in range(1, 17))
SLOT = 2

_PEOPLE = (MANAGER, *COORDINATORS)

COMPANY = Company(
    people=tuple(
        Person(
            id=number,
            name=name.title(),
            phones=(Phone(id=number, person=number, kind=PhoneKind.DESK, endpoint=name, call_waiting=name == MANAGER),),
        )
        for number, name in enumerate(_PEOPLE, 1)
    ),
    desks=(
        Desk(
            id=1,
            name="Coordinators",
            slot=SLOT,
            strategy=Strategy.ROUND_ROBIN,
            safety_net=True,
            members=tuple(range(2, len(_PEOPLE) + 1)),
        ),
    ),
    lines=(Line(id=1, number=LINE, label="Sales", kind=LineKind.BUSINESS, desk=1),),
    accounts=(Account(id=1, name="Muster", manager=1),),
    numbers=((int(BLOCK), True, 1),),
)

BEHAVIOURS: dict[str, Behaviour] = {
    # one a little after the other: when several ring at once, people don't lift their receivers in the same instant
    name: Answers(after=0.03 + 0.02 * place)
    for place, name in enumerate(_PEOPLE)
}
KNOWS_LINE = PlacedCall(caller=f"{BLOCK}9999", dialled=LINE, talks=0.1)  # after one call the PBX knows the line's desk


def callers(count: int, first: int = 0, talks: float = 0.1) -> list[PlacedCall]:
    """Calls of the account to the line, each with a number of its own."""
    return [
        PlacedCall(caller=f"{BLOCK}{number:04}", dialled=LINE, talks=talks) for number in range(first, first + count)
    ]
