"""What becomes of callers when the router, its link or its database fails? A person answers."""

import statistics
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from router.lab.asterisk import PrivateAsterisk
from router.lab.stand import Stand
from router.lab.witness import Evidence, Heard
from tests.asterisk.company import BEHAVIOURS, COMPANY, MANAGER, callers
from tests.asterisk.conftest import Proxy, phones_port, proxy_to, slips
from tests.asterisk.reckoning import assert_records_agree, reckon
from tests.proof import Proof, many

pytestmark = pytest.mark.asterisk

RATE = 5.0  # calls a second
CALLS = many(12, 50)  # while the fault lasts
LASTS = 9.0  # seconds; the heartbeat turns stale in 6 to 7
BEFORE = 5  # calls before the fault, to know what is normal
STALE_AFTER = 6.5  # seconds after which nobody waits for the router any more
DEADLINE = 1500.0  # ms; [router-arrive] waits no longer
SLACK = 300.0  # ms
STEERS_AGAIN_WITHIN = 2.0  # seconds


@dataclass(slots=True, kw_only=True)
class World:
    """What a fault can be done to."""

    pbx: PrivateAsterisk
    stand: Stand
    proxy: Proxy


Fault = Callable[[World], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A fault, how it is mended, and for how long it is looked at."""

    name: str
    begin: Fault
    mend: Fault


def restart(world: World) -> None:
    world.stand.router.start()  # it has returned when it says that it is ready


def start_with_a_wrong_secret(world: World) -> None:
    world.stand.router.stop()
    world.stand.router.start(wait=False, changed={"ROUTER_AMI_SECRET": "not-the-secret"})


def start_with_the_right_secret(world: World) -> None:
    assert not world.stand.router.ready()
    world.stand.router.stop()
    world.stand.router.start()


FAILURES = (
    Failure(name="router killed", begin=lambda w: w.stand.router.kill(), mend=restart),
    Failure(name="router frozen", begin=lambda w: w.stand.router.freeze(), mend=lambda w: w.stand.router.thaw()),
    Failure(
        name="AMI port closed",
        begin=lambda w: w.proxy.do(w.proxy.proxy.refuse),
        mend=lambda w: w.proxy.do(w.proxy.proxy.mend),
    ),
    Failure(
        name="AMI blackholed",
        begin=lambda w: w.proxy.do(w.proxy.proxy.swallow),
        mend=lambda w: w.proxy.do(w.proxy.proxy.mend),
    ),
    Failure(name="wrong AMI secret", begin=start_with_a_wrong_secret, mend=start_with_the_right_secret),
)


@contextmanager
def world_of(pbx: PrivateAsterisk, folder: Path, settings: dict[str, str] | None = None) -> Iterator[World]:
    with ExitStack() as stack:
        proxy = stack.enter_context(proxy_to(pbx))
        stand = Stand(
            folder, pbx, f"sqlite:///{folder}/router.db", COMPANY,
            phones_port=phones_port(pbx), behaviours=BEHAVIOURS, ami_port=proxy.port, settings=settings,
        )  # fmt: skip
        stack.enter_context(stand)
        yield World(pbx=pbx, stand=stand, proxy=proxy)


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.name)
def test_every_caller_reaches_a_person_while_the_router_is_away(
    failure: Failure, pbx: PrivateAsterisk, folder: Path, quiet: list[str], proof: Proof
) -> None:
    with world_of(pbx, folder) as world:
        stand = world.stand
        stand.place(callers(BEFORE), RATE)
        normal = statistics.median(waited(call) for call in stand.seen().calls)

        began = datetime.now(UTC)
        failure.begin(world)
        stand.place(callers(CALLS, first=100), CALLS / LASTS)
        failure.mend(world)
        mended = datetime.now(UTC)
        stand.place(callers(BEFORE * 6, first=1000), 10.0)
        stand.router.wait_until_ready()
        records = stand.wait_until_recorded(BEFORE + CALLS + BEFORE * 6)

        seen = stand.seen()
        fallback = [record for record in records if record["path"] == "fallback"]
        reckon(failure.name, seen, proof, fallback=len(fallback), normal_ms=round(normal, 1))
        assert_records_agree(seen, records)
        assert {(record["line_id"], record["account_id"]) for record in records} == {(1, 1)}, (
            "also of those we heard of later"
        )
        during = [call for call in seen.calls if began < call.placed.invited_at < mended]
        assert len(fallback) >= len(during) > 0, "the fault bit"
        assert max(waited(call) for call in during) <= normal + DEADLINE + SLACK
        stale = [call for call in during if call.placed.invited_at > began + timedelta(seconds=STALE_AFTER)]
        assert stale
        assert max(waited(call) for call in stale) <= normal + SLACK
        assert steered_again(seen, mended) <= timedelta(seconds=STEERS_AGAIN_WITHIN)
        assert sessions(pbx) == 1
    assert slips(stand.router.log_file) == []


def test_without_any_fault_no_call_falls_back(
    pbx: PrivateAsterisk, folder: Path, quiet: list[str], proof: Proof
) -> None:
    with world_of(pbx, folder) as world:
        world.stand.place(callers(CALLS), RATE * 2)
        records = world.stand.wait_until_recorded(CALLS)
        seen = world.stand.seen()
        reckon("no fault (control)", seen, proof, fallback=0)
        assert_records_agree(seen, records)
        assert {record["path"] for record in records} == {"plan"}
        assert {call.answered_by for call in seen.calls} == {(MANAGER,)}
    assert slips(world.stand.router.log_file) == []


def waited(call: Heard) -> float:
    """Milliseconds from the caller's INVITE to the first phone's."""
    assert call.intercept_ms is not None, f"{call.caller} rang nobody"
    return call.intercept_ms


def steered_again(seen: Evidence, since: datetime) -> timedelta:
    """How long after `since` the last call came in that the manager didn't get: from then on every call is steered."""
    after = [call for call in seen.calls if call.placed.invited_at >= since]
    missed = [call.placed.invited_at for call in after if call.answered_by != (MANAGER,)]
    assert len(missed) < len(after), "no call was steered again"
    return max(missed, default=since) - since


def sessions(pbx: PrivateAsterisk) -> int:
    """How many AMI sessions of the router's user there are."""
    return sum(1 for line in pbx.cli("manager show connected").splitlines() if line.split()[:1] == ["router"])
