"""Who answers on an external phone: a person who pressed 1, or nobody?"""

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from router.calls.events import LegResult
from router.lab.asterisk import PrivateAsterisk
from router.lab.configuration import OUTSIDE_PREFIX
from router.lab.stand import Stand
from router.lab.witness import Evidence, Heard
from tests.asterisk.conftest import phones_port, slips
from tests.asterisk.outside import (
    BEHAVIOURS,
    CASES,
    COMPANY,
    COORDINATORS,
    NOT_ALLOWED,
    Case,
    call,
    case_of,
    desk_phone,
    mobile,
)
from tests.asterisk.reckoning import Record, assert_owed, assert_records_agree, reckon
from tests.proof import SEED, Proof, many

pytestmark = pytest.mark.asterisk

EACH = many(1, 10)
MIXED = many(12, 500)
RATE = 4.0  # calls a second
STAMPS_DIFFER = timedelta(seconds=0.1)  # SIPp stamps a message after sending it; a busy machine lets it wait for that
LET_GO_WITHIN = 0.5  # seconds after which no external phone is asked any more whether it takes a call that is taken


@pytest.fixture
def stand(pbx: PrivateAsterisk, folder: Path) -> Iterator[Stand]:
    stand = Stand(
        folder,
        pbx,
        f"sqlite:///{folder}/router.db",
        COMPANY,
        phones_port=phones_port(pbx),
        outside_port=pbx.lab.outside_port,
        behaviours=BEHAVIOURS,
        settings={
            "ROUTER_EXTERNAL_PREFIXES": f"{OUTSIDE_PREFIX},{NOT_ALLOWED}",
            "ROUTER_COMMITMENT_GAVE_UP_SECONDS": "0",
        },
    )
    with stand:
        yield stand
    assert slips(stand.router.log_file) == []


def test_only_a_person_who_presses_one_gets_the_caller(stand: Stand, quiet: list[str], proof: Proof) -> None:
    calls = [call(case, number) for number in range(EACH) for case in CASES]

    stand.place(calls, RATE)

    assert_told_rightly(stand, "external phones, each case", len(calls), proof)


def test_in_any_mixture_no_call_ends_at_a_mailbox(stand: Stand, quiet: list[str], proof: Proof) -> None:
    draw = random.Random(SEED)
    drawn = [draw.choice(CASES) for _ in range(MIXED)]
    calls = [call(case, drawn[:place].count(case)) for place, case in enumerate(drawn)]

    stand.place(calls, RATE)

    assert_told_rightly(stand, "external phones, mixed", len(calls), proof)


def assert_told_rightly(stand: Stand, story: str, count: int, proof: Proof) -> None:
    records = {record["caller"]: record for record in stand.wait_until_recorded(count)}
    seen = stand.seen()
    reckon(story, seen, proof)
    assert_records_agree(seen, list(records.values()))
    assert_owed(stand.database, list(records.values()))  # who gave up in the prompt, and nobody else
    assert [wrong for one in seen.calls if (wrong := astray(one, records[one.caller]))] == []
    assert private_digits_towards_callers(seen) == []


def astray(one: Heard, record: Record) -> str | None:
    """What is wrong with this call, as its case should be; None when nothing is."""
    case = case_of(one.caller)
    mobiles = [mobile(case, place) for place in range(len(case.mobiles))]
    if case.gives_up:
        if one.answered_by:
            return f"{case.name}: answered by {one.answered_by}"
    elif case.taken_by is not None:
        if one.answered_by != (mobiles[case.taken_by],):
            return f"{case.name}: answered by {one.answered_by}"
    elif case.desk_phone is not None:
        if one.answered_by != (desk_phone(case),):
            return f"{case.name}: answered by {one.answered_by}"
    elif len(one.answered_by) != 1 or one.answered_by[0] not in COORDINATORS:
        return f"{case.name}: answered by {one.answered_by}"
    if case.taken_by is not None and answered_too_soon(one, mobiles[case.taken_by]):
        return f"{case.name}: the caller was answered before a key was pressed"
    results = results_of(record, mobiles)
    if case.results and results != list(zip(case.results, case.maybe_machine or [False] * len(mobiles), strict=True)):
        return f"{case.name}: {results}"
    return let_go_late(one, case)


def results_of(record: Record, mobiles: list[str]) -> list[tuple[LegResult, bool]]:
    legs = {leg["phone"]: leg for leg in record["legs"]}
    return [(LegResult(legs[number]["result"]), legs[number]["maybe_machine"]) for number in mobiles if number in legs]


def answered_too_soon(one: Heard, taker: str) -> bool:
    """Whether the caller's 200 came before the person's key, by more than the clocks of two logs may differ."""
    leg = next(leg for leg in one.rung if leg.phone == taker)
    keys = [message for message in leg.messages if message.method == "INFO" and "Signal=1" in message.text]
    return one.placed.answered_at is None or not keys or one.placed.answered_at < keys[0].at - STAMPS_DIFFER


def let_go_late(one: Heard, case: Case) -> str | None:
    """A far end that was still asked long after the caller was answered, or had gone."""
    over = one.placed.answered_at or one.placed.ended_at
    for leg in one.rung:
        if not leg.phone.startswith("+") or leg.phone in one.answered_by or over is None:
            continue
        if leg.ended_at is None or (leg.ended_at - over).total_seconds() > LET_GO_WITHIN:
            return f"{case.name}: {leg.phone} was let go at {leg.ended_at}, the call was over at {over}"
    return None


def private_digits_towards_callers(seen: Evidence) -> list[str]:
    """Messages to callers that carry the number of an external phone, or the name of a phone that answered."""
    private = [OUTSIDE_PREFIX.lstrip("+"), NOT_ALLOWED.lstrip("+"), *COORDINATORS]
    return [
        f"{one.caller}: {message.text}"
        for one in seen.calls
        for message in one.placed.messages
        if not message.sent and any(digits in message.text for digits in private)
    ]
