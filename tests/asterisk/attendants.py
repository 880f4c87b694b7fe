"""Which company are the stories of signing in and out told of?

Three desks in a row, Front, Back and the safety net; two that want time after a call; one where nobody wants to answer.
"""

from router.lab.scenarios import Answers, Behaviour, Refuses
from router.routing.model import Desk, Line, LineKind, Person, Phone, PhoneKind, Strategy
from router.storage.company import Company

FRONT_LINE, WRAP_LINE, LONG_LINE, SHY_LINE = (f"+1212555017{number}" for number in range(4))
BLOCK = "+1718556"  # callers

FRONT, BACK, NET, WRAP, LONG, SHY = range(1, 7)
WRAP_UP = 3  # seconds at the desk Wrap-up

RITA, SARA, TOM, UMA, WENDY, XENA, VERA, WALT, YARA, ZOE = range(1, 11)
NAMES = {
    RITA: "rita",
    SARA: "sara",
    TOM: "tom",
    UMA: "uma",
    WENDY: "wendy",
    XENA: "xena",
    VERA: "vera",
    WALT: "walt",
    YARA: "yara",
    ZOE: "zoe",
}
HALL = "hall"  # a phone of the PBX that is nobody's


def _person(id_: int) -> Person:
    name = NAMES[id_]
    phone = Phone(id=id_, person=id_, kind=PhoneKind.DESK, endpoint=name)
    return Person(id=id_, name=name.title(), short_number=str(10 + id_), phones=(phone,))


def _line(id_: int, number: str, desk: int) -> Line:
    return Line(id=id_, number=number, label=f"Line {id_}", kind=LineKind.BUSINESS, desk=desk)


COMPANY = Company(
    people=tuple(_person(id_) for id_ in NAMES),
    desks=(
        Desk(id=FRONT, name="Front", slot=11, members=(RITA, SARA), next_desk=BACK),
        Desk(id=BACK, name="Back", slot=12, members=(TOM,), next_desk=NET),
        Desk(id=NET, name="Net", slot=13, safety_net=True, members=(UMA,)),
        Desk(id=WRAP, name="Wrap-up", slot=14, members=(WENDY, XENA), wrap_up_seconds=WRAP_UP),
        Desk(id=LONG, name="Long", slot=15, strategy=Strategy.ROUND_ROBIN, members=(VERA, WALT), wrap_up_seconds=600),
        Desk(id=SHY, name="Shy", slot=16, members=(YARA, ZOE), next_desk=BACK),
    ),
    lines=(_line(4, SHY_LINE, SHY), _line(1, FRONT_LINE, FRONT), _line(2, WRAP_LINE, WRAP), _line(3, LONG_LINE, LONG)),
)

# Who is second at a desk picks up so late that the first one is seen to ring first, or not at all.
BEHAVIOURS: dict[str, Behaviour] = {
    **{name: Answers(after=0.8 if id_ in (SARA, XENA) else 0.2) for id_, name in NAMES.items()},
    **{NAMES[shy]: Refuses(code=480, after=1.0) for shy in (YARA, ZOE)},
}
