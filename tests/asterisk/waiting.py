"""Which company are the stories of waiting callers told of?

One with a line and a desk for each way of waiting, so that all of them can be told side by side. What takes half a
minute or half an hour is shortened by the very settings that an administrator has.
"""

from pathlib import Path

from router.lab.asterisk import PrivateAsterisk
from router.lab.configuration import OUTSIDE_PREFIX
from router.lab.scenarios import BUSY, Answers, Behaviour, NeverAnswers
from router.lab.stand import Stand
from router.routing.model import Account, ClosedBy, Desk, Hours, Line, LineKind, Person, Phone, PhoneKind
from router.storage.company import Company

UNANSWERED = 3  # seconds that a desk rings before we answer the caller
WAIT_AT_MOST = 8  # seconds that a caller waits when nobody is anywhere
SENTENCE_EVERY = 4  # seconds
SAYS = "says.log"  # where this PBX writes what it plays
EXTRA = {
    "extensions.conf": (
        f"[globals](+)\nROUTER_UNANSWERED={UNANSWERED}\nROUTER_WAIT_AT_MOST={WAIT_AT_MOST}\n"
        f"ROUTER_SENTENCE_EVERY={SENTENCE_EVERY}\n"
    ),
    "router_waiting.conf": (
        f"periodic-announce-frequency={SENTENCE_EVERY // 2}\nperiodic-announce-startdelay={SENTENCE_EVERY}\n"
    ),
    "logger.conf": f"{SAYS} => verbose(3)\n",
}

LAST_RESORT, COLLEAGUE, MANAGER, DEPUTY = (f"{OUTSIDE_PREFIX}{number}" for number in (6001, 6002, 6003, 6004))
SLOW, DEAF, NOBODY_LISTENS, BESIDE = "sami", "dora", "nina", "bert"
IN_TURN = "tess"  # the one coordinator of a desk where callers wait for each other
BUSY_PHONES = ("bea", "bob")
ALONE = "wanda"  # the one coordinator of the desk that things happen to

_DESK_PHONES = (IN_TURN, SLOW, DEAF, NOBODY_LISTENS, BESIDE, *BUSY_PHONES, ALONE)
_MOBILES = (COLLEAGUE, MANAGER, DEPUTY)
_IDS = {name: number for number, name in enumerate((*_DESK_PHONES, *_MOBILES), 1)}

# A desk each, by what happens there, with whoever sits at it
DESKS: dict[str, tuple[str, ...]] = {
    "in turn": (IN_TURN,),
    "somebody free": (SLOW,),
    "gives up": (DEAF,),
    "asks for a call": (NOBODY_LISTENS,),
    "outside": (BESIDE, COLLEAGUE),
    "empty": (),
    "empty as well": (),
    "all busy": BUSY_PHONES,
    "alone": (ALONE,),
    "closed": (DEAF,),
}
NET = len(DESKS) + 1
LINES = {name: f"+1212555{3000 + place}" for place, name in enumerate(DESKS, 1)}
STRANGERS = "+1202556"  # and four digits
KEY_ACCOUNT = "+17185556001"
HAS_MANAGER = "+17185556002"  # whose manager and deputy are outside


def _person(name: str) -> Person:
    id = _IDS[name]
    if name.startswith("+"):
        phone = Phone(id=id, person=id, kind=PhoneKind.EXTERNAL, number=name, ring_seconds=2 if name == MANAGER else 10)
    else:
        phone = Phone(id=id, person=id, kind=PhoneKind.DESK, endpoint=name)
    return Person(id=id, name=name.title(), phones=(phone,))


COMPANY = Company(
    hours=(Hours(id=1, name="never", time_zone="UTC"),),
    people=tuple(_person(name) for name in _IDS),
    desks=(
        *(
            Desk(
                id=place,
                name=name,
                slot=20 + place,
                members=tuple(_IDS[member] for member in members),
                next_desk=place + 1 if name == "empty" else None,
            )
            for place, (name, members) in enumerate(DESKS.items(), 1)
        ),
        Desk(id=NET, name="net", slot=40, safety_net=True, last_resort=LAST_RESORT),
    ),
    lines=tuple(
        Line(
            id=place,
            number=LINES[name],
            label=name,
            kind=LineKind.BUSINESS,
            desk=place,
            hours=1 if name == "closed" else None,
            closed_by=ClosedBy.PROMISE,
        )
        for place, name in enumerate(DESKS, 1)
    ),
    accounts=(
        Account(id=1, name="Key", priority=9),
        Account(id=2, name="Muster", manager=_IDS[MANAGER], deputies=(_IDS[DEPUTY],)),
    ),
    numbers=((int(KEY_ACCOUNT), True, 1), (int(HAS_MANAGER), True, 2)),
)

BEHAVIOURS: dict[str, Behaviour] = {
    IN_TURN: Answers(after=0.2, talks=1.5),
    SLOW: Answers(after=1.2, talks=1.0),
    DEAF: NeverAnswers(),
    NOBODY_LISTENS: NeverAnswers(),
    BESIDE: NeverAnswers(),
    **dict.fromkeys(BUSY_PHONES, BUSY),
    ALONE: Answers(after=0.2, talks=1.5),
    COLLEAGUE: Answers(after=1.0, keys="1", talks=1.0),
    MANAGER: NeverAnswers(),
    DEPUTY: Answers(after=0.5, keys="1", talks=1.0),
    LAST_RESORT: Answers(after=0.5, keys="1", talks=1.0),
}


def told(pbx: PrivateAsterisk, folder: Path, manners: dict[str, Behaviour] | None = None) -> Stand:
    """The company, with a router; `manners` say where its phones behave unlike BEHAVIOURS."""
    return Stand(
        folder,
        pbx,
        f"sqlite:///{folder}/router.db",
        COMPANY,
        phones_port=next(iter(pbx.lab.phones.values())),
        outside_port=pbx.lab.outside_port,
        behaviours=BEHAVIOURS | (manners or {}),
        settings={"ROUTER_EXTERNAL_PREFIXES": OUTSIDE_PREFIX},
    )
