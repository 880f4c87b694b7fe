"""Does a caller who is handed over reach whom they were handed to, and if not, somebody? And what do they learn?"""

import asyncio
import random
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from router.calls.events import How
from router.lab.asterisk import PrivateAsterisk
from router.lab.configuration import OUTSIDE_PREFIX, Lab
from router.lab.installation import AsteriskFiles
from router.lab.scenarios import Answers, Behaviour
from router.lab.stand import Stand, endpoints_of
from router.lab.witness import Evidence, Heard
from router.storage.call_schema import OrderKind, OrderState
from router.storage.database import Database
from router.storage.orders import Outcome, ask, wait_for
from tests.asterisk.conftest import SHIPPED, phones_port, slips
from tests.asterisk.handing import (
    BEHAVIOURS,
    CASES,
    COMPANY,
    SILENT,
    TAKER,
    Case,
    Taken,
    Where,
    call,
    case_of,
    givers,
    hands_over,
    takers,
)
from tests.asterisk.reckoning import Record, reckon
from tests.asterisk.scripted import Scripted
from tests.proof import Proof, many

pytestmark = pytest.mark.asterisk

EACH = many(1, 10)
TIMES = many(1, 5)  # what the lab's phones remember of callers has room for some hundreds of calls, so begin anew
FEW = many(3, 50)
RATE = many(5, 2)  # calls a second; in the full run each case has its phones for itself most of the time
AT_ONCE = 20.0  # calls a second
TAKEN_WITHIN = 10.0  # seconds
TALKS_FOR = 0.8  # seconds before the order: the phones' own logs tell a talk from a prompt by that
LOOK_EVERY = 0.1  # seconds between two looks at the records
REVEALING = (
    "\n[trunk](+type=endpoint)\nsend_pai = yes\nsend_rpid = yes\nsend_diversion = yes\ntrust_id_outbound = yes\n"
)


@pytest.fixture(scope="module")
def pbx(files: AsteriskFiles, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateAsterisk]:
    """A private Asterisk whose trunk is told everything that Asterisk would ever tell a trunk."""
    asterisk = PrivateAsterisk(tmp_path_factory.mktemp("pbx"), files, SHIPPED, Lab())
    port = asterisk.ports.one()
    asterisk.lab = Lab(
        phones=dict.fromkeys(endpoints_of(COMPANY), port),
        outside_port=asterisk.ports.one(),
        extra={"pjsip.conf": REVEALING},
    )
    with asterisk:
        yield asterisk


def told(pbx: PrivateAsterisk, folder: Path, manners: dict[str, Behaviour] | None = None) -> Stand:
    """The company, with a router; `manners` say where its phones behave unlike BEHAVIOURS."""
    return Stand(
        folder,
        pbx,
        f"sqlite:///{folder}/router.db",
        COMPANY,
        phones_port=phones_port(pbx),
        outside_port=pbx.lab.outside_port,
        behaviours=BEHAVIOURS | (manners or {}),
        settings={"ROUTER_EXTERNAL_PREFIXES": OUTSIDE_PREFIX},
    )


@pytest.mark.parametrize("time_of", range(1, TIMES + 1))
def test_a_caller_is_handed_over_by_order_or_by_key_and_somebody_always_takes_them(
    time_of: int, pbx: PrivateAsterisk, folder: Path, quiet: list[str], proof: Proof
) -> None:
    calls = [call(case, number) for number in range(EACH) for case in CASES]
    with told(pbx, folder) as stand:
        callers = stand.start_calls(calls, RATE)
        by_order = {one.caller: case_of(one.caller) for one in calls if case_of(one.caller).how is How.ORDER}
        outcomes = hand_over_all(stand, by_order)
        callers.wait()
        pbx.wait_until_quiet()
        records = {record["caller"]: record for record in stand.wait_until_recorded(len(calls))}
        seen = stand.seen()
    reckon(
        f"handed over, each case, {time_of} of {TIMES}",
        seen,
        proof,
        by_order=len(by_order),
        by_key=len(calls) - len(by_order),
    )
    assert [outcome for outcome in outcomes if outcome.state is not OrderState.DONE] == []
    assert [wrong for one in seen.calls if (wrong := astray(one, records[one.caller]))] == []
    assert private_towards_callers(seen) == []
    assert shown_wrongly(seen, records) == []
    assert slips(stand.router.log_file) == []


def test_a_giver_who_hangs_up_at_once_after_the_order_loses_nobody(
    pbx: PrivateAsterisk, folder: Path, quiet: list[str], proof: Proof
) -> None:
    case = case_for(Where.PHONE, How.ORDER, Taken.TARGET)
    (giver,) = givers(case)
    talks = 2.0  # seconds; then the phone hangs up
    hangs_up = Answers(after=0.1, talks=talks, again=Answers(after=0.1))
    calls = [call(case, number) for number in range(FEW)]
    with told(pbx, folder, {giver: hangs_up}) as stand:
        callers = stand.start_calls(calls, RATE)
        due = {one.caller: talks - random.Random(one.caller).uniform(0.01, 0.45) for one in calls}
        outcomes = hand_over_all(stand, dict.fromkeys(due, case), due)
        callers.wait()
        pbx.wait_until_quiet()
        records = {record["caller"]: record for record in stand.wait_until_recorded(len(calls))}
        seen = stand.seen()
    reckon("handed over, and the giver hangs up at once", seen, proof)
    assert {outcome.state for outcome in outcomes} == {OrderState.DONE}
    assert {one.answered_by for one in seen.calls} == {(giver, TAKER)}
    assert [one.caller for one in seen.calls if not one.placed.hung_up] == []
    assert {record["owner_phone"] for record in records.values()} == {TAKER}
    assert private_towards_callers(seen) == []
    assert slips(stand.router.log_file) == []


@pytest.mark.parametrize("where", [Where.PHONE, Where.DESK])
def test_a_transfer_key_without_a_router_brings_the_caller_back_to_who_pressed_it(
    where: Where, pbx: PrivateAsterisk, folder: Path, quiet: list[str], proof: Proof
) -> None:
    case = case_for(where, How.KEY, Taken.TARGET)
    count = min(FEW, len(givers(case))) if where is Where.DESK else FEW
    # seconds after the answer: when all calls are taken and on record, and the router is dead, on a busy machine too
    presses = 4.0 + count / AT_ONCE
    late = {phone: replace(hands_over(case), transfers_after=presses) for phone in givers(case)}
    calls = [replace(call(case, number), talks=presses + 4.0) for number in range(count)]
    with told(pbx, folder, dict(late)) as stand:
        callers = stand.start_calls(calls, AT_ONCE)
        wait_until_taken(stand, len(calls))
        stand.router.kill()
        callers.wait()
        pbx.wait_until_quiet()
        stand.router.start()
        records = {record["caller"]: record for record in stand.wait_until_recorded(len(calls))}
        seen = stand.seen()
    reckon(f"transfer key without a router, from a {where.value}", seen, proof)
    assert [one.caller for one in seen.calls if not one.placed.hung_up] == []
    assert all(len(one.answered_by) == 2 and len(set(one.answered_by)) == 1 for one in seen.calls)
    for record in records.values():
        assert record["owner_phone"] == record["taken_phone"]
        assert record["ended"] == "answered"
    assert private_towards_callers(seen) == []


def test_a_caller_who_hangs_up_while_they_are_handed_over_was_answered_by_the_giver(
    pbx: PrivateAsterisk, folder: Path, quiet: list[str], proof: Proof
) -> None:
    case = case_for(Where.PHONE, How.KEY, Taken.GIVER)
    (giver,) = givers(case)
    calls = [replace(call(case, number), talks=1.3) for number in range(FEW)]
    with told(pbx, folder) as stand:
        stand.place(calls, float(RATE))
        records = stand.wait_until_recorded(len(calls))
        seen = stand.seen()
    reckon("the caller hangs up while they are handed over", seen, proof)
    assert {one.phones for one in seen.calls} == {(giver, SILENT)}
    assert {one.answered_by for one in seen.calls} == {(giver,)}
    assert {(record["ended"], record["owner_phone"]) for record in records} == {("answered", giver)}
    assert {tuple(leg["result"] for leg in record["legs"]) for record in records} == {("answered", "cancelled")}
    assert slips(stand.router.log_file) == []


def test_a_key_with_a_number_that_nobody_has_brings_the_caller_back(
    pbx: PrivateAsterisk, folder: Path, quiet: list[str], proof: Proof
) -> None:
    dialled = ("99", "*", "*99", "voicemail", "s", "41" * 9)
    cases = [case for case in CASES if case.where is Where.PHONE][: len(dialled)]
    manners: dict[str, Behaviour] = {
        givers(case)[0]: Answers(after=0.1, transfers_to=number, again=Answers(after=0.1))
        for case, number in zip(cases, dialled, strict=True)
    }
    with told(pbx, folder, manners) as stand:
        stand.place([replace(call(case, 1), talks=2.5) for case in cases])
        stand.wait_until_recorded(len(cases))
        seen = stand.seen()
    reckon("transfer key and a number that nobody has", seen, proof)
    assert [one.answered_by for one in seen.calls] == [givers(case) * 2 for case in cases]
    assert [one.caller for one in seen.calls if not one.placed.hung_up] == []
    assert slips(stand.router.log_file) == []


def test_a_trunk_that_asks_for_a_transfer_leads_our_phone_nowhere(
    pbx: PrivateAsterisk, folder: Path, quiet: list[str], proof: Proof
) -> None:
    case = case_for(Where.PHONE, How.ORDER, Taken.TARGET)
    with told(pbx, folder) as stand, Scripted(pbx, beats=False) as ami:
        callers = stand.start_calls([call(case, 1)])
        wait_until_taken(stand, 1)
        phone, trunk = (
            next(one for one in pbx.channels() if one.startswith(f"PJSIP/{name}")) for name in ("giver", "trunk")
        )
        # what a REFER of the trunk does: our phone's channel goes where it says, and knows who said so
        ami.send(Action="Setvar", Channel=phone, Variable="BLINDTRANSFER", Value=trunk)
        ami.send(Action="Redirect", Channel=phone, Context="router-transfer", Exten="41", Priority="1")
        callers.wait()
        assert pbx.wait_until_quiet() == []
        (one,) = stand.seen().calls
    assert one.phones == givers(case)
    assert ami.events("RouterTransfer") == []


def case_for(where: Where, how: How, taken: Taken) -> Case:
    return next(case for case in CASES if (case.where, case.how, case.taken) == (where, how, taken))


def wait_until_taken(stand: Stand, count: int) -> None:
    deadline = time.monotonic() + TAKEN_WITHIN
    while sum(1 for record in stand.records() if record["taken_at"]) < count:
        assert time.monotonic() < deadline, "nobody took the calls"
        time.sleep(LOOK_EVERY)


def astray(one: Heard, record: Record) -> str | None:
    """What is wrong with this call, as its case should be; None when nothing is."""
    case = case_of(one.caller)
    by = one.answered_by
    # who sits at a desk has colleagues there, and each of them hands it over once more
    more = case.where is Where.DESK and case.taken is Taken.DESK and case.how is How.KEY
    if len(by) < 2 or (len(by) > 2 and not more) or by[0] not in givers(case) or by[-1] not in takers(case):
        return f"{case.name}: {one.phones}, answered by {by}"
    if not one.placed.hung_up:
        return f"{case.name}: we hung up on the caller"
    if record["taken_phone"] != by[0] or record["owner_phone"] != by[-1] or record["ended"] != "answered":
        return f"{case.name}: recorded {record['taken_phone']}, then {record['owner_phone']}"
    passing = record["passings"][0]
    if passing["phone"] != by[0] or passing["how"] != case.how or not passing["sentence"].endswith(passing["to"]):
        return f"{case.name}: {passing}"
    rang = sorted(one.phones)
    legs = sorted(leg["phone"] for leg in record["legs"])
    return None if rang == legs else f"{case.name}: rang {rang}, recorded {legs}"


def hand_over_all(stand: Stand, cases: dict[str, Case], due: dict[str, float] | None = None) -> list[Outcome]:
    """Give the order for each of these callers, so many seconds after somebody has taken them."""
    return asyncio.run(_hand_over_all(stand, cases, due or {}))


async def _hand_over_all(stand: Stand, cases: dict[str, Case], due: dict[str, float]) -> list[Outcome]:
    db = Database(stand.database)
    waiting = dict(cases)
    outcomes: list[Outcome] = []
    deadline = time.monotonic() + len(cases) + TAKEN_WITHIN
    try:
        async with asyncio.TaskGroup() as giving:
            tasks = []
            while waiting and time.monotonic() < deadline:
                for record in await asyncio.to_thread(stand.records):
                    case = waiting.get(record["caller"])
                    if case is not None and record["taken_at"]:
                        del waiting[record["caller"]]
                        wait = due.get(record["caller"], TALKS_FOR) - since(record["taken_at"])
                        order = _order(db, record["call_id"], person=case.short_number, wait=wait)
                        tasks.append(giving.create_task(order))
                await asyncio.sleep(LOOK_EVERY)
        outcomes = [task.result() for task in tasks]
    finally:
        await db.close()
    assert waiting == {}, "nobody ever had them"
    return outcomes


def since(instant: str) -> float:
    """Seconds."""
    return (datetime.now(UTC) - datetime.fromisoformat(instant)).total_seconds()


async def _order(db: Database, call_id: str, *, person: str, wait: float) -> Outcome:
    await asyncio.sleep(max(wait, 0.0))
    payload = {"call": call_id, "person": person}
    order = await ask(db, "pbx", OrderKind.HAND_OVER, payload, asked_by="a story", now=datetime.now(UTC))
    return await wait_for(db, order, 5.0)


def private_towards_callers(seen: Evidence) -> list[str]:
    """Messages to callers that carry the number of an external phone, or the name of a phone of ours."""
    private = [OUTSIDE_PREFIX.lstrip("+"), *endpoints_of(COMPANY)]
    return [
        f"{one.caller}: {message.text}"
        for one in seen.calls
        for message in one.placed.messages
        if not message.sent and any(digits in message.text for digits in private)
    ]


def shown_wrongly(seen: Evidence, records: dict[str, Record]) -> list[str]:
    """Phones that showed another caller or another line than the one that was dialled, also after a hand-over."""
    return [
        f"{rung.phone}: {rung.display} {rung.caller}"
        for one in seen.calls
        for rung in one.rung
        if not rung.phone.startswith("+") and rung.display != records[one.caller]["decision"]["display"]
    ]
