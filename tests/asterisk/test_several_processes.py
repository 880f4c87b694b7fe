"""Do two processes of `calls` on one Asterisk and one PostgreSQL lose a call when the one that leads dies?"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from router.lab.asterisk import PrivateAsterisk
from router.lab.phones import Callers
from router.lab.ports import LOOPBACK
from router.lab.postgres import USER, PrivatePostgres
from router.lab.process import RouterFailed, RouterProcess
from router.lab.scenarios import PlacedCall
from router.lab.stand import Stand
from tests.asterisk.company import BEHAVIOURS, COMPANY, MANAGER, callers
from tests.asterisk.conftest import Proxy, phones_port, proxy_to, slips
from tests.asterisk.reckoning import assert_records_agree, reckon
from tests.proof import PROVE, Proof, many

pytestmark = [pytest.mark.asterisk, pytest.mark.postgresql]

RATE = 20.0  # calls a second
SECONDS = many(16, 130)
FIRST_STRIKE, THEN_EVERY = many(2, 20), many(3, 20)  # seconds; a strike waits until the one before is mended
MORE_SECONDS = 3  # seconds of calls more, as often as it takes, where strikes take longer than they should
LONG_TALK, EVERY = 3.0, 20  # seconds that one of so many callers talks: through a hand-over
LEADS_WITHIN = 15.0  # seconds; a frozen leader's beat is stale after 6 to 7
MENDED_WITHIN = 30.0  # seconds until a process is ready again
LOOK_EVERY = 0.02  # seconds

Record = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Half:
    """One process of `calls`, and its own wire to the database."""

    router: RouterProcess
    database: Proxy

    def role(self) -> str:
        try:
            return str(self.router.get("/readyz")["speaker"]["role"])
        except (OSError, RouterFailed):
            return "away"


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """What happens to the one that leads, and how it is mended once the other leads."""

    name: str
    begin: Callable[[Half], None]
    mend: Callable[[Half], None]


KILLED = Strike(name="killed", begin=lambda half: half.router.kill(), mend=lambda half: half.router.start())
FROZEN = Strike(name="frozen", begin=lambda half: half.router.freeze(), mend=lambda half: half.router.thaw())
CUT_OFF = Strike(
    name="database cut",
    begin=lambda half: half.database.do(half.database.proxy.refuse),
    mend=lambda half: half.database.do(half.database.proxy.mend),
)
STOPPED = Strike(name="stopped", begin=lambda half: half.router.stop(), mend=lambda half: half.router.start())
STRIKES = (FROZEN, CUT_OFF, KILLED, STOPPED) if not PROVE else (KILLED, FROZEN, KILLED, CUT_OFF, KILLED, STOPPED)


@dataclass(slots=True)
class Pair:
    """Two of them; whichever leads is struck."""

    halves: list[Half] = field(default_factory=list)
    struck: list[tuple[str, datetime]] = field(default_factory=list)

    def strike(self, strike: Strike) -> None:
        """Let it happen, and return when the other leads and the one that was struck stands by."""
        leader, other = self.leader_first()
        self.struck.append((strike.name, datetime.now(UTC)))
        strike.begin(leader)
        wait_until(lambda: other.role() == "leader", LEADS_WITHIN, f"nobody leads: {strike.name}")
        strike.mend(leader)
        wait_until(lambda: leader.role() == "standby", MENDED_WITHIN, f"it doesn't stand by: {strike.name}")

    def strike_each(self, strikes: Sequence[Strike]) -> None:
        """One after the other, each at its time or as soon as the one before is mended."""
        began = time.monotonic()
        for number, strike in enumerate(strikes):
            time.sleep(max(0.0, began + FIRST_STRIKE + number * THEN_EVERY - time.monotonic()))
            self.strike(strike)

    def leader_first(self) -> list[Half]:
        ordered = sorted(self.halves, key=lambda half: half.role() != "leader")
        assert [half.role() for half in ordered] == ["leader", "standby"]
        return ordered


@contextmanager
def pair_beside(stand: Stand, postgres: PrivatePostgres, database: str) -> Iterator[Pair]:
    with ExitStack() as stack:
        pair = Pair()
        for name in ("one", "two"):
            proxy = stack.enter_context(proxy_to(postgres))
            url = f"postgresql://{USER}@{LOOPBACK}:{proxy.port}/{database}"
            router = RouterProcess(
                stand.folder / name,
                {**stand.environment, "ROUTER_DATABASE": url},
                http_port=stand.pbx.ports.passing(),
                key=stand.key,
                only="calls",
            )
            pair.halves.append(Half(router=stack.enter_context(router), database=proxy))
        yield pair


def test_whichever_leads_is_killed_frozen_or_cut_off_and_no_call_is_lost(
    pbx: PrivateAsterisk, postgres: PrivatePostgres, folder: Path, quiet: list[str], proof: Proof
) -> None:
    url = postgres.create("pair")
    with Stand(
        folder, pbx, url, COMPANY, phones_port=phones_port(pbx), behaviours=BEHAVIOURS, only="web"
    ) as stand, pair_beside(stand, postgres, "pair") as pair:  # fmt: skip
        with ThreadPoolExecutor(1) as beside:
            striking = beside.submit(pair.strike_each, STRIKES)
            offered = place_while(striking, stand)
        striking.result()
        pbx.wait_until_quiet()
        records = stand.wait_until_recorded(offered, within=MENDED_WITHIN)
        roles = sorted(half.role() for half in pair.halves)

        seen = stand.seen()
        reckon(
            f"two processes, {RATE:g} calls/s: the leader {', '.join(strike.name for strike in STRIKES)}",
            seen,
            proof,
            fallback=sum(record["path"] == "fallback" for record in records),
            **pauses(pair.struck, records),
        )
        assert_records_agree(seen, records)
        # who was routed by two would have rung the manager, and then the coordinators, or the other way round
        assert [call.caller for call in seen.calls if MANAGER in call.phones and len(set(call.phones)) > 1] == []
        assert pauses(pair.struck, records)[f"pause_{len(STRIKES)}_stopped_ms"] == 0, (
            "who stops in order makes way first"
        )
        assert roles == ["leader", "standby"]
    for half in pair.halves:
        assert slips(half.router.log_file) == []
    assert slips(stand.router.log_file) == []


def place_while(striking: Future[None], stand: Stand) -> int:
    """Place calls for SECONDS, and on a slow machine until the last strike is mended; returns how many."""
    placing: list[Callers] = []
    offered, seconds = 0, SECONDS
    while not placing or not striking.done():
        calls = some_talk_long(callers(round(RATE * seconds), first=offered))
        placing.append(stand.start_calls(calls, RATE))
        time.sleep(seconds)
        offered, seconds = offered + len(calls), MORE_SECONDS
    for batch in placing:
        batch.wait()
    return offered


def some_talk_long(calls: list[PlacedCall]) -> list[PlacedCall]:
    return [
        PlacedCall(caller=call.caller, dialled=call.dialled, talks=call.talks if number % EVERY else LONG_TALK)
        for number, call in enumerate(calls)
    ]


def pauses(struck: list[tuple[str, datetime]], records: list[Record]) -> dict[str, int]:
    """For how long calls were not decided after each strike: from it to the first one after the last on the fallback.

    Raises AssertionError when no call was decided again.
    """
    ends = [at for _, at in struck[1:]] + [datetime.max.replace(tzinfo=UTC)]
    found: dict[str, int] = {}
    for number, ((name, at), end) in enumerate(zip(struck, ends, strict=True), 1):
        # who arrived just before had not been decided yet
        since = at - timedelta(seconds=1)
        arrived = [
            (arrival, record["path"])
            for record in records
            if since < (arrival := datetime.fromisoformat(record["arrived_at"])) < end
        ]
        missed = [arrival for arrival, path in arrived if path != "plan"]
        last = max(missed, default=at)
        again = min(arrival for arrival, path in arrived if path == "plan" and arrival > last)
        found[f"pause_{number}_{name.replace(' ', '_')}_ms"] = (
            round((again - at).total_seconds() * 1000) if missed else 0
        )
    return found


def wait_until(condition: Callable[[], bool], within: float, otherwise: str) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, otherwise
        time.sleep(LOOK_EVERY)
