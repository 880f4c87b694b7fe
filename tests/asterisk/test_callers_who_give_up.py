"""Is a caller who gave up owed a call back, once, also when the router was dead? And nobody else?"""

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from router.lab.asterisk import PrivateAsterisk
from router.lab.scenarios import Answers, Behaviour, NeverAnswers, PlacedCall
from router.lab.stand import Stand
from tests.asterisk.company import BEHAVIOURS, COMPANY, COORDINATORS, LINE, MANAGER, callers
from tests.asterisk.conftest import phones_port, slips
from tests.asterisk.reckoning import assert_owed, assert_records_agree, reckon
from tests.proof import SEED, Proof, many

pytestmark = pytest.mark.asterisk

EACH = many(3, 50)  # of customers and of strangers, with the router alive and with it dead
ANSWERED = many(2, 10)
RATE = 8.0  # calls a second
STRANGERS = "+1347555"
PATIENT = 2.5  # seconds after which a coordinator answers
GIVES_UP = (0.1, 1.8)  # seconds: sooner than anybody answers

SLOW: dict[str, Behaviour] = {
    **BEHAVIOURS,
    MANAGER: NeverAnswers(),
    **dict.fromkeys(COORDINATORS, Answers(after=PATIENT)),
}


@pytest.fixture
def stand(pbx: PrivateAsterisk, folder: Path) -> Iterator[Stand]:
    stand = Stand(
        folder, pbx, f"sqlite:///{folder}/router.db", COMPANY,
        phones_port=phones_port(pbx), behaviours=SLOW, settings={"ROUTER_COMMITMENT_GAVE_UP_SECONDS": "0"},
    )  # fmt: skip
    with stand:
        yield stand
    assert slips(stand.router.log_file) == []


def test_each_caller_who_gives_up_stands_on_one_open_commitment_and_nobody_else_does(
    stand: Stand, quiet: list[str], proof: Proof
) -> None:
    draw = random.Random(SEED)

    stand.place([*strangers(ANSWERED, first=9000), *giving_up(0, draw)], RATE)
    stand.router.kill()  # before it can have written down the last of them
    stand.place([*strangers(ANSWERED, first=9100), *giving_up(1000, draw)], RATE)
    stand.router.start()
    records = stand.wait_until_recorded(4 * EACH + 2 * ANSWERED)

    seen = stand.seen()
    entries = assert_owed(stand.database, records)
    given_up = [record for record in records if record["ended"] == "gave_up"]
    reckon("callers who give up", seen, proof, commitments=len(entries), unanswered=len(given_up))
    assert_records_agree(seen, records)
    assert len(given_up) == 4 * EACH

    (customers,) = [entry.commitment for entry in entries if entry.commitment.account == 1]
    others = [entry.commitment for entry in entries if entry.commitment.account is None]
    assert (customers.owner, customers.urgency) == (1, 2 * EACH), "one account is owed one call, the more urgent"
    assert {(one.owner, one.desk, one.urgency) for one in others} == {(None, 1, 1)}
    assert len(others) == 2 * EACH


def giving_up(first: int, draw: random.Random) -> list[PlacedCall]:
    """Customers, for whom their manager's phone rings, and strangers at the desk; each at a moment of its own."""
    calls = [*callers(EACH, first), *strangers(EACH, first)]
    return [replace(call, gives_up=draw.uniform(*GIVES_UP)) for call in calls]


def strangers(count: int, first: int) -> list[PlacedCall]:
    """Calls of people whom nobody knows, each with a number of its own."""
    return [
        PlacedCall(caller=f"{STRANGERS}{number:04}", dialled=LINE, talks=0.1) for number in range(first, first + count)
    ]
