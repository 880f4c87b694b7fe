"""What if somebody says wrong things to the PBX in the router's name? Nobody is led astray."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import pytest

from router.ami.dialplan import VAR_PLAN
from router.ami.outbound import encode_plan
from router.lab.asterisk import PrivateAsterisk
from router.lab.stand import Stand
from router.routing.decide import CallFacts, decide
from router.routing.numbers import read_number
from router.routing.table import Table
from router.storage.database import Database
from router.storage.tables import load_configuration
from tests.asterisk.company import BEHAVIOURS, COMPANY, COORDINATORS, KNOWS_LINE, LINE, MANAGER, callers
from tests.asterisk.conftest import phones_port, slips
from tests.asterisk.reckoning import assert_records_agree, reckon
from tests.asterisk.scripted import Answer, Said, Scripted
from tests.proof import Proof, many

pytestmark = pytest.mark.asterisk

CALLS = many(8, 50)
RATE = 10.0  # calls a second
TEMPLATE = "1700000000.1"  # a call that is none of ours; its plan is a template
AROUND_CALLS = many(80, 2000)
AROUND_RATE = 40.0  # calls a second
AROUND = 0.006  # seconds either side of the deadline
PROBES = 20  # calls that tell when the deadline really is: 1.5 s, and what a busy machine adds to 128 short waits

GARBAGE = (
    "2~{call}",
    "2~{call}~k=~n=~l=~a=0~r=20=d.max",  # ends at no desk
    "1~{call}~k=~n=~q=ringall-01=300",  # of the version before
    "2~{call}~k=~n=~l=~a=0~q=ringall-01=300~",
    "2~{call}~k=~n=~l=~a=0~p=closed~q=ringall-01=300",  # goes on after a promise
    "2~{call}~k=~n=~l=~a=0~r=20=d.max&PJSIP/max~q=ringall-01=300",
    "2~{call}~k=~n=~l=~a=0~r=20=d.${{EXTEN}}~q=ringall-01=300",
    "2~{call}~k=~n=~l=+1&PJSIP/max~a=0~q=ringall-01=300",
    '2~{call}~k=~n="]~l=~a=0~q=ringall-01=300',
    "nonsense",
    "~~~~",
    "\" $ # {{ ] \\ ' %",
    "x" * 900,
)


@pytest.fixture
def stand(pbx: PrivateAsterisk, folder: Path) -> Stand:
    """The company, its phones and its database. The router doesn't run now; it did, for one call."""
    stand = Stand(
        folder, pbx, f"sqlite:///{folder}/router.db", COMPANY, phones_port=phones_port(pbx), behaviours=BEHAVIOURS
    )
    with stand:
        stand.place([KNOWS_LINE])
        stand.wait_until_recorded(1)
    stand.begin()
    return stand


def valid_plan(database: str, call: str) -> str:
    """The plan that the router would send for a call of the account."""

    async def load() -> Table:
        db = Database(database)
        try:
            return Table.build(*await load_configuration(db, "US", "UTC"))
        finally:
            await db.close()

    facts = CallFacts(dialled=LINE, caller=read_number(callers(1)[0].caller, "US"))
    return encode_plan(decide(facts, asyncio.run(load()), datetime.now(UTC)).plan, call)


def tell(stand: Stand, story: str, answer: Answer, proof: Proof, *, path: set[str]) -> None:
    """Let calls come in while `answer` is all the PBX hears; then the router comes back and records them."""
    with stand.phones, Scripted(stand.pbx, answer=answer) as speaker:
        stand.place(callers(CALLS), RATE)
        assert len(speaker.events("RouterArrived")) == CALLS
        with stand.router:
            records = stand.wait_until_recorded(CALLS)
    seen = stand.seen()
    reckon(story, seen, proof, fallback=sum(1 for record in records if record["path"] != "plan"))
    assert_records_agree(seen, records)
    assert {record["path"] for record in records} <= path
    assert all(call.answered_by[0] in COORDINATORS for call in seen.calls)
    assert slips(stand.router.log_file) == []


def test_a_garbage_plan_leads_to_the_desk(stand: Stand, proof: Proof, quiet: list[str]) -> None:
    quiet.append(r"ast_expr2|func_strings")  # what Asterisk says of a quote that doesn't close
    turn = iter(range(CALLS))

    def garbage(arrived: Said) -> tuple[float, str]:
        return 0.0, GARBAGE[next(turn) % len(GARBAGE)].format(call=arrived["Call"])

    tell(stand, "garbage plans", garbage, proof, path={"invalid", "fallback"})


def test_another_calls_plan_leads_to_the_desk(stand: Stand, proof: Proof, quiet: list[str]) -> None:
    other = valid_plan(stand.database, TEMPLATE)
    tell(stand, "another call's plan", lambda arrived: (0.0, other), proof, path={"fallback"})


def test_a_global_named_like_the_plan_steers_nobody(stand: Stand, proof: Proof, quiet: list[str]) -> None:
    with global_plan(stand):
        tell(stand, "a global named like the plan", lambda arrived: None, proof, path={"fallback"})


def test_with_a_global_named_like_the_plan_the_router_still_steers(stand: Stand, quiet: list[str]) -> None:
    with global_plan(stand), stand:
        stand.place(callers(CALLS), RATE)
        records = stand.wait_until_recorded(CALLS)
    assert {record["path"] for record in records} == {"plan"}
    assert {call.answered_by for call in stand.seen().calls} == {(MANAGER,)}


@contextmanager
def global_plan(stand: Stand) -> Iterator[None]:
    """A global that every channel sees as its own plan variable as long as it has none."""
    with Scripted(stand.pbx, beats=False) as speaker:
        speaker.set_global(VAR_PLAN, valid_plan(stand.database, TEMPLATE))
        yield
        speaker.set_global(VAR_PLAN, "")


def test_a_decision_around_the_deadline_is_taken_or_not_and_never_half(
    stand: Stand, proof: Proof, quiet: list[str]
) -> None:
    template = valid_plan(stand.database, TEMPLATE)
    turn = iter(range(AROUND_CALLS))
    deadline = 0.0

    def late(arrived: Said) -> tuple[float, str] | None:
        if not deadline:
            return None
        share = (next(turn) * 0.618034) % 1.0  # evenly spread, in no order
        return deadline - AROUND + 2 * AROUND * share, template.replace(TEMPLATE, arrived["Call"])

    with stand.phones, Scripted(stand.pbx, answer=late) as speaker:
        stand.place(callers(PROBES, first=5000), AROUND_RATE)
        deadline = waits(speaker)
        stand.place(callers(AROUND_CALLS), AROUND_RATE)
        with stand.router:
            records = stand.wait_until_recorded(PROBES + AROUND_CALLS, within=60.0)
    seen = stand.seen()
    by_plan = sum(1 for record in records if record["path"] == "plan")
    reckon(
        "a decision around the deadline", seen, proof,
        plan=by_plan, fallback=PROBES + AROUND_CALLS - by_plan, deadline_ms=round(deadline * 1000, 1),
    )  # fmt: skip
    assert_records_agree(seen, records)
    assert 0 < by_plan < AROUND_CALLS, "both sides of the deadline were hit"
    paths = {record["caller"]: record["path"] for record in records}
    assert all((call.answered_by == (MANAGER,)) == (paths[call.caller] == "plan") for call in seen.calls)


def waits(speaker: Scripted) -> float:
    """Seconds that a caller waits for a plan that never comes: the median, by the PBX's own clock."""
    arrived = {one["Call"]: float(one["At"]) for one in speaker.events("RouterArrived")}
    return median(float(one["At"]) - arrived[one["Call"]] for one in speaker.events("RouterPath"))
