"""What if external phones sit at a desk, are too many at once, or give no sign of life?"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from router.lab.asterisk import PrivateAsterisk
from router.lab.configuration import OUTSIDE_MOST, OUTSIDE_PREFIX
from router.lab.scenarios import BUSY, Answers, Behaviour, Mute, NeverAnswers, PlacedCall
from router.lab.stand import Stand
from router.routing.model import Account, Desk, Line, LineKind, Person, Phone, PhoneKind, Strategy
from router.storage.company import Company
from tests.asterisk.conftest import phones_port, slips
from tests.asterisk.reckoning import Record, reckon
from tests.proof import Proof, many

pytestmark = pytest.mark.asterisk

CALLS = many(1, 10)
RACES = many(4, 50)
TALKS = 1.5  # seconds: long enough to see which phones share the talk
LINES = {strategy: f"+121255502{place}0" for place, strategy in enumerate(Strategy, 1)}
MOBILE, MAILBOX, SILENT, LEFT, RIGHT = (f"{OUTSIDE_PREFIX}{number}" for number in range(7001, 7006))
KEEPER = "keeper1"  # the one desk phone
MANAGER_LINE = "+12125550240"
HAS_PERSON = "+17185557001"  # an account whose manager has the mobile
HAS_SILENT = "+17185557003"  # one whose manager's mobile gives no sign of life
HAS_TWO = "+17185557004"  # one whose manager has a mobile in each hand


def external(id: int, person: int, number: str, ring_seconds: int = 5) -> Phone:
    return Phone(id=id, person=person, kind=PhoneKind.EXTERNAL, number=number, ring_seconds=ring_seconds)


COMPANY = Company(
    people=(
        Person(id=1, name="Keeper", phones=(Phone(id=1, person=1, kind=PhoneKind.DESK, endpoint=KEEPER),)),
        Person(id=2, name="Out", phones=(external(2, 2, MOBILE),)),
        Person(id=3, name="Asleep", phones=(external(3, 3, MAILBOX),)),
        Person(id=5, name="Dark", phones=(external(5, 5, SILENT, ring_seconds=20),)),
        Person(id=6, name="Both", phones=(external(6, 6, LEFT), external(7, 6, RIGHT))),
    ),
    desks=(
        *(
            Desk(id=place, name=strategy.value, slot=9 + place, strategy=strategy, members=(1, 2, 3))
            for place, strategy in enumerate(Strategy, 1)
        ),
        Desk(id=9, name="Keepers", slot=20, safety_net=True, members=(1,)),
    ),
    lines=(
        *(
            Line(id=place, number=LINES[strategy], label=strategy.value, kind=LineKind.BUSINESS, desk=place)
            for place, strategy in enumerate(Strategy, 1)
        ),
        Line(id=9, number=MANAGER_LINE, label="Managers", kind=LineKind.BUSINESS, desk=9),
    ),
    accounts=(
        Account(id=1, name="Muster", manager=2),
        Account(id=3, name="Dunkel", manager=5),
        Account(id=4, name="Beide", manager=6),
    ),
    numbers=(
        (int(HAS_PERSON), True, 1),
        (int(HAS_SILENT), True, 3),
        (int(HAS_TWO), True, 4),
    ),
)
USUALLY: dict[str, Behaviour] = {
    KEEPER: Answers(after=0.05),
    MOBILE: Answers(after=0.6, keys="1"),
    MAILBOX: Answers(after=0.2),
    SILENT: Mute(),
    LEFT: Answers(after=0.6, keys="1"),
    RIGHT: Answers(after=0.6, keys="1"),
}


def told(pbx: PrivateAsterisk, folder: Path, **manners: Behaviour) -> Stand:
    """The company, with a router; `manners` say where its phones behave unlike USUALLY."""
    return Stand(
        folder,
        pbx,
        f"sqlite:///{folder}/router.db",
        COMPANY,
        phones_port=phones_port(pbx),
        outside_port=pbx.lab.outside_port,
        behaviours=USUALLY | manners,
        settings={"ROUTER_EXTERNAL_PREFIXES": OUTSIDE_PREFIX},
    )


@pytest.fixture
def few(pbx: PrivateAsterisk) -> Iterator[int]:
    """Only so many external legs at once."""
    pbx.cli(f"dialplan set global {OUTSIDE_MOST} 2")
    yield 2
    pbx.cli(f"dialplan set global {OUTSIDE_MOST} 200")


@pytest.mark.parametrize(
    ("strategy", "keeper"),
    # in turn, a desk phone that only rings would have its 20 s first
    [(Strategy.ALL, NeverAnswers()), *((strategy, BUSY) for strategy in Strategy)],
    ids=lambda value: value.value if isinstance(value, Strategy) else type(value).__name__,
)
def test_a_coordinator_on_an_external_phone_takes_the_call_of_a_desk(
    strategy: Strategy, keeper: Behaviour, pbx: PrivateAsterisk, folder: Path, quiet: list[str], proof: Proof
) -> None:
    with told(pbx, folder, keeper1=keeper) as stand:
        for number in range(CALLS):
            stand.place([PlacedCall(caller=f"+1202555{number:04}", dialled=LINES[strategy], talks=TALKS)])
        records = stand.wait_until_recorded(CALLS)
        seen = stand.seen()
    reckon(f"desk, {strategy.value}, keeper {type(keeper).__name__}", seen, proof)
    assert {one.answered_by for one in seen.calls} == {(MOBILE,)}
    assert {record["taken_phone"] for record in records} == {MOBILE}
    assert {record["taken_by_id"] for record in records} == {2}
    assert {result_of(record, MOBILE) for record in records} == {"answered"}
    assert slips(stand.router.log_file) == []


def test_external_phones_beyond_the_limit_do_not_ring_and_no_call_is_lost(
    few: int, pbx: PrivateAsterisk, folder: Path, quiet: list[str], proof: Proof
) -> None:
    with told(pbx, folder) as stand:
        calls = [PlacedCall(caller=f"{HAS_PERSON}{number:02}", dialled=MANAGER_LINE, talks=4.0) for number in range(4)]
        stand.place(calls, 4.0)
        records = stand.wait_until_recorded(len(calls))
        seen = stand.seen()
    reckon("external phones, capped", seen, proof)
    results = [result_of(record, MOBILE) for record in records]
    assert results.count("answered") == few
    assert results.count("capped") == len(calls) - few
    assert slips(stand.router.log_file) == []


def test_the_same_caller_may_call_again_while_an_external_phone_has_the_first_call(
    pbx: PrivateAsterisk, folder: Path, quiet: list[str], proof: Proof
) -> None:
    caller = f"{HAS_PERSON}50"
    again = caller.lstrip("+")
    with told(pbx, folder) as stand:
        first = PlacedCall(caller=caller, dialled=MANAGER_LINE, talks=6.0)
        stand.place([first, PlacedCall(caller=again, dialled=LINES[Strategy.ALL], talks=TALKS)], 0.3)
        stand.wait_until_recorded(2)
        seen = stand.seen()
    reckon("the same caller again", seen, proof)
    assert seen.of(caller).answered_by == (MOBILE,)
    assert seen.of(again).answered_by == (KEEPER,)


def test_of_two_who_press_one_at_once_one_has_the_caller_and_the_other_is_let_go(
    pbx: PrivateAsterisk, folder: Path, quiet: list[str], proof: Proof
) -> None:
    with told(pbx, folder) as stand:
        calls = [
            PlacedCall(caller=f"{HAS_TWO}{number:02}", dialled=MANAGER_LINE, talks=TALKS) for number in range(RACES)
        ]
        stand.place(calls, 4.0)
        records = stand.wait_until_recorded(RACES)
        seen = stand.seen()
    reckon("two press 1 at once", seen, proof)
    losers = Counter(result_of(record, RIGHT if record["taken_phone"] == LEFT else LEFT) for record in records)
    assert {len(one.answered_by) for one in seen.calls} == {1}
    assert set(losers) <= {"too_late", "cancelled"}
    assert losers.total() == RACES


def test_a_mobile_without_a_sign_of_life_is_not_waited_for_to_the_end(
    pbx: PrivateAsterisk, folder: Path, quiet: list[str], proof: Proof
) -> None:
    # The last story of this Asterisk: for half a minute more it repeats its INVITE, which the next phones would hear.
    with told(pbx, folder) as stand:
        stand.place([PlacedCall(caller=f"{HAS_SILENT}00", dialled=MANAGER_LINE, talks=TALKS)])
        (record,) = stand.wait_until_recorded(1)
        seen = stand.seen()
    reckon("external phone without a sign of life", seen, proof)
    assert record["taken_phone"] == KEEPER
    assert result_of(record, SILENT) == "unreachable"
    waited = datetime.fromisoformat(record["taken_at"]) - datetime.fromisoformat(record["arrived_at"])
    assert timedelta(seconds=8) <= waited < timedelta(seconds=15)


def result_of(record: Record, phone: str) -> str:
    """How the last leg to this phone ended; nothing when there was none."""
    return next((str(leg["result"]) for leg in reversed(record["legs"]) if leg["phone"] == phone), "")
