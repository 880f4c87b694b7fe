"""Does a number that comes into the router in any way reach its log in clear?"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from router.lab.asterisk import PrivateAsterisk
from router.lab.configuration import OUTSIDE_PREFIX
from router.lab.process import RouterFailed
from router.lab.scenarios import Answers, NeverAnswers, PlacedCall
from router.lab.stand import Stand
from router.routing.model import Desk, Lead, Line, LineKind, Person, Phone, PhoneKind, Rule
from router.storage.company import Company
from tests.asterisk.company import COORDINATORS
from tests.asterisk.conftest import phones_port
from tests.asterisk.reckoning import reckon
from tests.canaries import (
    ASKED_FOR,
    CALLER,
    CANARIES,
    DIALLED,
    FELL_BACK,
    GAVE_UP,
    MOBILE,
    NATIONAL,
    REFUSED,
    look_through,
)
from tests.proof import Proof

pytestmark = pytest.mark.asterisk

LINE, TO_MOBILE, TO_DEAF = "+12125550410", "+12125550411", "+12125550412"
HELPER, DEAF = COORDINATORS[:2]

COMPANY = Company(
    people=(
        Person(id=1, name="Helper", phones=(Phone(id=1, person=1, kind=PhoneKind.DESK, endpoint=HELPER),)),
        Person(id=2, name="Out", phones=(Phone(id=2, person=2, kind=PhoneKind.EXTERNAL, number=MOBILE),)),
        Person(id=3, name="Deaf", phones=(Phone(id=3, person=3, kind=PhoneKind.DESK, endpoint=DEAF),)),
    ),
    desks=(
        Desk(id=1, name="Helpers", slot=60, safety_net=True, members=(1,)),
        Desk(id=2, name="Deaf", slot=61, members=(3,)),
    ),
    lines=tuple(
        Line(id=place, number=number, label=number[-2:], kind=LineKind.BUSINESS, desk=desk)
        for place, (number, desk) in enumerate(((LINE, 1), (TO_MOBILE, 1), (TO_DEAF, 2)), 1)
    ),
    rules=(Rule(id=1, priority=1, label="to the mobile", line=2, then=Lead.PERSON, person=2),),
)
REFUSES = (
    f"CREATE TRIGGER refuses BEFORE INSERT ON calls WHEN new.caller = '{REFUSED}'"
    f" BEGIN SELECT RAISE(ABORT, 'no record of {REFUSED}'); END"
)


@pytest.fixture
def stand(pbx: PrivateAsterisk, folder: Path) -> Iterator[Stand]:
    stand = Stand(
        folder,
        pbx,
        f"sqlite:///{folder}/router.db",
        COMPANY,
        phones_port=phones_port(pbx),
        outside_port=pbx.lab.outside_port,
        behaviours={HELPER: Answers(after=0.1), DEAF: NeverAnswers(), MOBILE: Answers(after=0.6, keys="1")},
        settings={
            "ROUTER_EXTERNAL_PREFIXES": OUTSIDE_PREFIX,
            "ROUTER_COMMITMENT_GAVE_UP_SECONDS": "0",
            "ROUTER_LOG_LEVEL": "debug",
            "ROUTER_REGION": "US",
        },
    )
    with stand:
        yield stand


def test_every_number_that_comes_in_is_in_the_log_without_its_end(stand: Stand, folder: Path, proof: Proof) -> None:
    calls = [
        PlacedCall(caller=CALLER, dialled=TO_MOBILE, talks=1.0),
        PlacedCall(caller=GAVE_UP, dialled=TO_DEAF, gives_up=0.5),
        PlacedCall(caller=NATIONAL, dialled=LINE),
        PlacedCall(caller="+13475559901", dialled=DIALLED),
    ]
    stand.place(calls, 1.0)
    stand.wait_until_recorded(len(calls))
    stand.router.get(f"/api/v1/accounts?number=%2B{ASKED_FOR[1:]}")
    with pytest.raises(RouterFailed, match="404"):
        stand.router.get(f"/api/v1/calls/pbx:{ASKED_FOR}")
    stand.router.post("/api/v1/explain", {"caller": ASKED_FOR, "line": LINE})
    refuse_records(folder / "router.db")
    stand.router.freeze()
    stand.place([PlacedCall(caller=FELL_BACK, dialled=LINE), PlacedCall(caller=REFUSED, dialled=LINE)], 1.0)
    stand.router.thaw()
    stand.wait_until_recorded(len(calls) + 1)

    reckon("canary numbers", stand.seen(), proof)
    stand.router.stop()
    found = look_through(folder, [])
    assert found.faults(whole_run=True) == []
    assert (found.files, found.hidden) == (2, frozenset(CANARIES))


def refuse_records(file: Path) -> None:
    """The database will take no record of that one caller, and repeats the number while it says so."""
    with sqlite3.connect(file, timeout=10.0) as connection:
        connection.execute(REFUSES)
    connection.close()
