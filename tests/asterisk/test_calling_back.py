"""Is a customer called back by whoever owes them a call, and what becomes of what we owe?"""

import asyncio
import itertools
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from router.commitments.commitment import Commitment, Party, State, Terms
from router.commitments.events import HandedOver, Promised
from router.commitments.ledger import Changed
from router.commitments.owner import Owner
from router.lab.asterisk import PrivateAsterisk
from router.lab.configuration import OUTSIDE_PREFIX
from router.lab.process import RouterFailed
from router.lab.scenarios import BUSY, Answers, Behaviour, NeverAnswers
from router.lab.stand import Stand
from router.lab.witness import Rung, legs
from router.routing.model import Account, Desk, Line, LineKind, Person, Phone, PhoneKind
from router.routing.table import Table
from router.storage.commitments import Keeper, commitment_of
from router.storage.company import Company
from router.storage.database import Database
from router.storage.tables import load_configuration
from tests.asterisk.conftest import phones_port, slips
from tests.asterisk.outside import COORDINATORS
from tests.proof import Proof, Tally, many

pytestmark = pytest.mark.asterisk

LINE, SALES_LINE = "+12125550160", "+19295550161"
KEEPS_AFTER = many(2, 20)  # seconds of talk; 20 unless it is set otherwise
ENDED_WITHIN = 45.0 + KEEPS_AFTER
LOOK_EVERY = 0.1

DESK, SLOW = COORDINATORS[:2]  # endpoints that this PBX knows


def outside(number: int) -> str:
    return f"{OUTSIDE_PREFIX}7{number:03}"


OWN_MOBILE = outside(900)
TALKS, NEVER, IS_BUSY, HANGS_UP_SOON, NOT_CALLED = (outside(number) for number in range(1, 6))
FORBIDDEN = "+13055550102"  # the router may call it, the PBX may not

ANNA, FELIX, LENA = 1, 2, 3
PEOPLE = (
    Person(
        id=ANNA, name="Anna", phones=(Phone(id=1, person=ANNA, kind=PhoneKind.DESK, endpoint=DESK, call_waiting=True),)
    ),
    Person(id=FELIX, name="Felix", phones=(Phone(id=2, person=FELIX, kind=PhoneKind.EXTERNAL, number=OWN_MOBILE),)),
    Person(
        id=LENA, name="Lena", phones=(Phone(id=3, person=LENA, kind=PhoneKind.DESK, endpoint=SLOW, ring_seconds=2),)
    ),
)
COMPANY = Company(
    people=PEOPLE,
    desks=(Desk(id=1, name="Coordinators", slot=7, safety_net=True, members=(ANNA,)),),
    lines=(
        Line(id=1, number=SALES_LINE, label="Sales Felix", kind=LineKind.SALESPERSON, person=FELIX, desk=1),
        Line(id=2, number=LINE, label="Business line", kind=LineKind.BUSINESS, desk=1),
    ),
    accounts=(Account(id=1, name="Birch", manager=FELIX),),
    numbers=((int(TALKS), False, 1),),
)
BEHAVIOURS: dict[str, Behaviour] = {
    DESK: Answers(after=0.2),
    SLOW: NeverAnswers(),
    OWN_MOBILE: Answers(after=1.2, keys="1"),
    TALKS: Answers(after=0.3, talks=KEEPS_AFTER + 1.0),
    NEVER: NeverAnswers(),
    IS_BUSY: BUSY,
    HANGS_UP_SOON: Answers(after=0.1, talks=0.5),
}


@pytest.fixture(scope="module")
def stand(pbx: PrivateAsterisk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    folder = tmp_path_factory.mktemp("calling-back")
    stand = Stand(
        folder,
        pbx,
        f"sqlite:///{folder}/router.db",
        COMPANY,
        phones_port=phones_port(pbx),
        outside_port=pbx.lab.outside_port,
        behaviours=BEHAVIOURS,
        settings={
            "ROUTER_EXTERNAL_PREFIXES": f"{OUTSIDE_PREFIX},+1305",
            "ROUTER_COMMITMENT_TALK_SECONDS": str(KEEPS_AFTER),
            "ROUTER_ORIGINATE_SECRET": pbx.lab.originate_secret,
        },
    )
    with stand:
        yield stand
    assert slips(stand.router.log_file) == []


def test_what_was_owed_is_kept_by_a_talk_and_an_attempt_that_reached_nobody_is_counted(
    pbx: PrivateAsterisk, stand: Stand, quiet: list[str], proof: Proof
) -> None:
    pbx.cli("dialplan set global ROUTER_CALLBACK_RINGS 3")  # seconds; 45 in life
    owed_to = {number: owed(stand, number) for number in (NEVER, IS_BUSY, HANGS_UP_SOON, FORBIDDEN, NOT_CALLED)}
    owed_to[TALKS] = owed(stand, TALKS, line=1)

    orders = {
        NEVER: call_back(stand, owed_to[NEVER], ANNA),
        IS_BUSY: call_back(stand, owed_to[IS_BUSY], ANNA),
        HANGS_UP_SOON: call_back(stand, owed_to[HANGS_UP_SOON], ANNA),
        FORBIDDEN: call_back(stand, owed_to[FORBIDDEN], ANNA),
        NOT_CALLED: call_back(stand, owed_to[NOT_CALLED], LENA),
    }
    command = commanded(stand, "call", str(owed_to[TALKS]))  # Felix, who manages the account, on his mobile
    orders[TALKS] = wait_for(lambda: attempts(stand, owed_to[TALKS]))[0]["id"]
    with pytest.raises(RouterFailed, match=f"409 .*is being called back already: see call-back {orders[TALKS]}"):
        call_back(stand, owed_to[TALKS], ANNA)
    became = {number: wait_for(partial(ended, stand, order)) for number, order in orders.items()}

    assert {number: attempt["became"] for number, attempt in became.items()} == {
        NEVER: "customer_not_reached",
        IS_BUSY: "customer_not_reached",
        HANGS_UP_SOON: "talked",
        FORBIDDEN: "not_placed",
        NOT_CALLED: "owner_not_reached",
        TALKS: "talked",
    }
    told, complaint = command.communicate(timeout=ENDED_WITHIN)
    assert (command.returncode, complaint) == (0, "")
    said = {number: attempt["sentence"] for number, attempt in became.items()}
    steps = ["rings Felix …", "Felix has it …", f"rings Birch, who sees {LINE} …", "they talk", said[TALKS]]
    assert told.splitlines() == steps
    assert said[TALKS].endswith(f"so commitment {owed_to[TALKS]} is kept")
    assert "the customer's phone was busy; that is attempt 1, and the next is planned" in said[IS_BUSY]
    assert "too short to keep" in said[HANGS_UP_SOON]
    assert "[router-outside] has no pattern" in said[FORBIDDEN]
    assert "Lena didn't take it" in said[NOT_CALLED]

    after = {number: commitment(stand, owed_to[number]) for number in owed_to}
    assert (after[TALKS].state, after[TALKS].kept_by_call) == (State.KEPT, became[TALKS]["call_id"])
    assert {number for number, one in after.items() if one.state is State.OPEN} == owed_to.keys() - {TALKS}
    assert {number for number, one in after.items() if one.attempts} == {NEVER, IS_BUSY, NOT_CALLED}
    assert {one.attempts for one in after.values()} == {0, 1}
    assert all(one.try_again_at for one in after.values() if one.attempts)
    assert stand.records() == [], "a call-back is none of the calls"
    assert [figure for figure, value in stand.router.figures().items() if value and COUNTED.match(figure)] == []

    rung = called(stand)
    customers = [leg for leg in rung if leg.phone in (TALKS, NEVER, IS_BUSY, HANGS_UP_SOON)]
    assert sorted(leg.phone for leg in customers) == sorted((TALKS, NEVER, IS_BUSY, HANGS_UP_SOON))
    assert {leg.caller for leg in customers} == {LINE}, "the business line's number, also where Felix's was dialled"
    assert what_shows_whose_phone(customers) == []
    proof.add(
        Tally(story="call-backs: customers who talked, and who were not reached", offered=len(customers),
              answered=2, given_up=2)
    )  # fmt: skip


def test_a_router_killed_while_they_talk_learns_what_became_of_it(
    stand: Stand, pbx: PrivateAsterisk, quiet: list[str]
) -> None:
    rung = len(called(stand))
    talks = owed(stand, TALKS)
    order = call_back(stand, talks, ANNA)
    wait_for(lambda: stand.router.get(f"/api/v1/call-backs/{order}")["talked_at"])

    stand.router.kill()
    pbx.wait_until_quiet(ENDED_WITHIN)
    stand.router.start()

    attempt = wait_for(partial(ended, stand, order))
    assert attempt["became"] == "talked"
    kept = commitment(stand, talks)
    assert (kept.state, kept.kept_by_call, kept.attempts) == (State.KEPT, attempt["call_id"], 0)
    assert [leg.phone for leg in called(stand)[rung:]] == [DESK, TALKS], "and nobody was called twice"


GOOD = f"c={TALKS}~l={LINE}~n=~r=5=d.{DESK}"


@pytest.mark.parametrize(
    "written",
    [
        GOOD.replace("d.", "d.${SHELL(id)}"),
        GOOD.replace(TALKS, f"{TALKS}&PJSIP/{DESK}"),
        GOOD.replace(TALKS, TALKS.lstrip("+")),
        GOOD.replace(TALKS, f"{TALKS}@outside"),
        GOOD.replace(f"l={LINE}", "l="),
        f"{GOOD}=x.+1900|System(id)",
        f"{GOOD}~q=ringall-01=300",
        "",
    ],
)
def test_what_is_not_of_the_one_form_rings_nobody(pbx: PrivateAsterisk, quiet: list[str], written: str) -> None:
    uniqueid = f"router-callback-1763759123.{next(NUMBERS)}"

    answer = originate(pbx, uniqueid, f"1~{uniqueid}~{written}")

    assert "Success" in answer
    assert wait_for(lambda: not pbx.channels())
    assert pbx.cli(f"database show router-ended-{datetime.now(UTC):%w}").count(uniqueid) == 0


NUMBERS = itertools.count(1)
COUNTED = re.compile(r"router_(calls_(arrived|taken|ended|open)|events_unknown|legs_ended|slips)")


def originate(pbx: PrivateAsterisk, uniqueid: str, value: str) -> str:
    """What the PBX answers to the user that places calls, whoever has its secret."""
    fields = {
        "Action": "Originate", "Channel": "Local/owner@router-callback/n", "Context": "router-callback",
        "Exten": "customer", "Priority": "1", "Async": "true", "OtherChannelId": uniqueid,
        "ChannelId": f"lab-{uniqueid}", "Variable": f"ROUTER_CALLBACK={value}",
    }  # fmt: skip
    login = {"Action": "Login", "Username": "router-originate", "Secret": pbx.lab.originate_secret, "Events": "off"}
    with socket.create_connection(("127.0.0.1", pbx.ami_port), timeout=5.0) as wire:
        for action in (login, fields, {"Action": "Logoff"}):
            wire.sendall("".join(f"{key}: {said}\r\n" for key, said in action.items()).encode() + b"\r\n")
        heard = b""
        while more := wire.recv(4096):
            heard += more
    return heard.decode().partition("Authentication accepted")[2]


def what_shows_whose_phone(customers: list[Rung]) -> list[str]:
    """Messages to customers that carry the number or the name of a phone of who called back."""
    private = (OWN_MOBILE.lstrip("+"), SALES_LINE.lstrip("+"), DESK, SLOW, "Felix", "Anna")
    received = [message.text for leg in customers for message in leg.messages if not message.sent]
    return [text for text in received if any(word in text for word in private)]


def call_back(stand: Stand, commitment: int, person: int | None) -> int:
    """Ask for it over the API; the order's number."""
    return int(stand.router.post(f"/api/v1/commitments/{commitment}/call-back", {"person_id": person})["id"])


def commanded(stand: Stand, *arguments: str) -> subprocess.Popen[str]:
    """`router commitments …`, begun."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("ROUTER_")}
    return subprocess.Popen(
        [sys.executable, "-m", "router", "commitments", *arguments],
        env=others | {"ROUTER_DATABASE": stand.database, "ROUTER_EXTERNAL_PREFIXES": OUTSIDE_PREFIX},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def owed(stand: Stand, caller: str, line: int = 2) -> int:
    """The number of a new commitment towards this caller: Anna has promised something."""

    async def work(db: Database) -> Commitment:
        configuration, version = await load_configuration(db, "US", "UTC")
        party = Party(account=1 if caller == TALKS else None, caller=caller, line=line)
        event = Promised(call_id=None, party=party, by=ANNA, due_at=None, note="", at=datetime.now(UTC))
        outcome = await Keeper(terms=Terms()).promise(db, event, Table.build(configuration, version))
        assert isinstance(outcome, Changed)
        if caller == TALKS:  # of an account everything belongs to who manages it
            by_felix = HandedOver(to=Owner(person=FELIX, desk=1), at=datetime.now(UTC))
            assert outcome.commitment.id is not None
            await Keeper(terms=Terms()).do(db, outcome.commitment.id, by_felix, Table.build(configuration, version))
        return outcome.commitment

    number = asyncio.run(with_database(stand, work)).id
    assert number is not None
    return number


def commitment(stand: Stand, number: int) -> Commitment:
    async def work(db: Database) -> Commitment:
        async with db.reading() as look:
            return await commitment_of(look, number)

    return asyncio.run(with_database(stand, work))


async def with_database(stand: Stand, work: Callable[[Database], Awaitable[Commitment]]) -> Commitment:
    db = Database(stand.database)
    try:
        return await work(db)
    finally:
        await db.close()


def attempts(stand: Stand, number: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stand.router.get(f"/api/v1/commitments/{number}/call-backs")["items"]
    return found


def ended(stand: Stand, order: int) -> dict[str, Any] | None:
    attempt: dict[str, Any] = stand.router.get(f"/api/v1/call-backs/{order}")
    return attempt if attempt["ended_at"] else None


def wait_for(what: Callable[[], Any], within: float = ENDED_WITHIN) -> Any:
    deadline = time.monotonic() + within
    while not (found := what()):
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(LOOK_EVERY)
    return found


def called(stand: Stand) -> list[Rung]:
    """Every phone that rang, inside and outside, in order."""
    assert stand.outside is not None
    rung = [*legs(stand.phones.messages), *legs(stand.outside.messages)]
    return sorted(rung, key=lambda leg: leg.invited_at)
