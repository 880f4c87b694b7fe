"""How is one run carried out: calls at a rate, faults by their schedule, and everything that was seen of both?"""

import asyncio
import hashlib
import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from router.lab.asterisk import PrivateAsterisk
from router.lab.configuration import Lab
from router.lab.installation import AsteriskFiles
from router.lab.phones import Callers, PhonesFailed
from router.lab.postgres import PrivatePostgres
from router.lab.process import RouterFailed
from router.lab.scenarios import PlacedCall
from router.lab.stand import Stand, endpoints_of
from router.lab.witness import Placed, Rung, call_of, joined, leg_of
from router.storage.commitments import Entry, list_entries
from router.storage.database import Database, StorageError
from tests.asterisk.conftest import EXPECTED_WARNINGS, proxy_to, slips
from tests.asterisk.reckoning import Record
from tests.chaos.company import BEHAVIOURS, COMPANY, SETTINGS
from tests.chaos.faults import Striker, World
from tests.chaos.following import Following
from tests.chaos.schedule import Fault, schedule
from tests.chaos.traffic import PATIENCE, calls
from tests.chaos.verdict import Outcome, Owed

Say = Callable[[str], None]

SHIPPED = Path(__file__).parents[2] / "dialplan"
# A reload that takes all globals away, heartbeat and token among them, as it does wherever an administrator says so
FORGETFUL_RELOAD = "\n[general](+)\nclearglobalvars = yes\n"

BATCH = 10.0  # seconds of calls that one SIPp places: so long it may take to stop early
LOOK_EVERY = 0.1  # seconds between two looks at callers and clock
TELL_EVERY = 5.0  # seconds between two lines of progress
CALLS_END_WITHIN = PATIENCE + 30.0  # seconds after the last call was placed; then what goes on is no call any more
QUIET_WITHIN = 30.0  # seconds until Asterisk has put away the last channel
RECORDED_WITHIN = 60.0  # seconds until the last record is written
LOOK_AT_RECORDS_EVERY = 0.5  # seconds; a look reads all of them
MOST_OWED = 10_000  # commitments: an hour's, at 10 calls/s
TROUBLE_AT_MOST = 20  # lines of one log; they tell as much as a thousand

EXPECTED = (
    *EXPECTED_WARNINGS,
    r"Session already DISCONNECTED",  # a caller's CANCEL crossed an answer: chan_pjsip says so, and nothing follows
    r"PJSIP_EMISSINGHDR.*\s+To",  # SIPp on a busy machine repeats an ACK and forgets whom it is for
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What shall happen in one run. The same for the same seed, minutes, rate and `each`."""

    seed: int
    seconds: float
    rate: float
    each: int
    faults: tuple[Fault, ...]
    calls: tuple[PlacedCall, ...]
    spare: tuple[PlacedCall, ...]  # placed only while faults of the schedule are still to come

    @property
    def hash(self) -> str:
        """By which two runs know that they had the same plan."""
        told = [f"{fault.begins} {fault.ends} {fault.kind}" for fault in self.faults]
        told += [f"{call.caller} {call.dialled} {call.gives_up} {call.talks}" for call in self.calls + self.spare]
        return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]


def plan(seed: int, seconds: float, rate: float, each: int) -> Plan:
    """Draw faults and calls. Raises TooShort when each kind of fault can't strike so often in that time."""
    drawn = calls(seed, seconds, rate, spare=seconds)
    count = round(seconds * rate)
    return Plan(
        seed=seed,
        seconds=seconds,
        rate=rate,
        each=each,
        faults=schedule(seed, seconds, each),
        calls=drawn[:count],
        spare=drawn[count:],
    )


def carry_out(plan: Plan, folder: Path, files: AsteriskFiles, postgres: PrivatePostgres, say: Say) -> Outcome:
    """Run it, and tell what was seen. Ctrl-C ends it early: no more calls and faults, and the same account."""
    folder = folder.absolute()
    with ExitStack() as stack:
        pbx = PrivateAsterisk(folder / "pbx", files, SHIPPED, Lab())
        pbx.lab = Lab(
            phones=dict.fromkeys(endpoints_of(COMPANY), pbx.ports.one()),
            outside_port=pbx.ports.one(),
            extra={"extensions.conf": FORGETFUL_RELOAD},
        )
        stack.enter_context(pbx)
        proxy = stack.enter_context(proxy_to(pbx))
        stand = Stand(
            folder / "stand", pbx, postgres.create(f"chaos_{time.monotonic_ns()}"), COMPANY,
            phones_port=next(iter(pbx.lab.phones.values())), outside_port=pbx.lab.outside_port,
            behaviours=BEHAVIOURS, ami_port=proxy.port, settings=SETTINGS,
        )  # fmt: skip
        stack.enter_context(stand)
        world = World(pbx=pbx, stand=stand, proxy=proxy, postgres=postgres)
        return _Run(plan, world, say).outcome()


class _Run:
    def __init__(self, plan: Plan, world: World, say: Say) -> None:
        self._plan = plan
        self._world = world
        self._say_to = say
        self._began = time.monotonic()
        self._began_at = datetime.now(UTC)
        self._striker = Striker(plan.faults, world, self._say)
        self._batches: list[tuple[Callers, Following[Placed]]] = []
        self._placed: list[Placed] = []  # of callers who have all ended
        phones = [world.stand.phones, *([world.stand.outside] if world.stand.outside else [])]
        self._phones = [Following[Rung](one.messages, leg_of) for one in phones]
        self._trouble: list[str] = []
        self._notes: list[str] = []
        self._let_go = 0  # batches of callers of which some call was
        self._all_calls = plan.calls + plan.spare
        self._stopped_early = False

    def outcome(self) -> Outcome:
        try:
            self._place_calls_and_strike()
        except KeyboardInterrupt:
            self._stopped_early = True
            self._say("stopping: no more calls and faults; again to leave the calls that are still going on")
        finally:
            self._striker.stop()
        try:
            self._wait_for_callers()
        except KeyboardInterrupt:
            self._stopped_early = True
        records = self._records()
        self._put_down_the_phones()
        if self._striker.failed:
            self._trouble.append(self._striker.failed)
        return Outcome(
            planned=len(self._plan.calls),
            seconds=self._plan.seconds,
            each=self._plan.each,
            began_at=self._began_at,
            patient=frozenset(call.caller for call in self._all_calls if call.gives_up == PATIENCE),
            seen=joined(self._placed, [leg for phones in self._phones for leg in phones.over]),
            records=records,
            owed=self._owed(),
            struck=tuple(self._striker.struck),
            trouble=tuple(self._trouble),
            notes=tuple(self._notes),
            stopped_early=self._stopped_early,
        )

    def _place_calls_and_strike(self) -> None:
        self._began, self._began_at = time.monotonic(), datetime.now(UTC)
        self._striker.start()
        plan, tell = self._plan, _every(TELL_EVERY)
        size = max(1, round(BATCH * plan.rate))
        first = 0
        while first < len(self._all_calls):
            while time.monotonic() < self._began + first / plan.rate:
                self._look(next(tell))
                if self._striker.failed:
                    return
            spare = first >= len(plan.calls)
            if spare and self._striker.done:
                return
            until = first + size if spare else min(first + size, len(plan.calls))
            self._start(self._all_calls[first:until])
            first = until

    def _start(self, some: tuple[PlacedCall, ...]) -> None:
        callers = self._world.stand.start_calls(some, self._plan.rate)
        self._batches.append((callers, Following(callers.messages, call_of)))

    def _wait_for_callers(self) -> None:
        deadline = time.monotonic() + CALLS_END_WITHIN
        tell = _every(TELL_EVERY)
        try:
            while self._batches and time.monotonic() < deadline:
                self._look(next(tell))
        finally:
            for callers, following in self._batches:
                self._trouble.append(f"{len(following.living())} calls were still going on and were let go")
                callers.stop()
                self._end(callers, following)
            self._batches.clear()

    def _look(self, tell: bool) -> None:
        """One look at the callers; now and then at everything, told in a line."""
        for batch in [batch for batch in self._batches if batch[0].done]:
            self._batches.remove(batch)
            try:
                batch[0].wait(0)
            except PhonesFailed:
                # A message crossed another one, and SIPp let that call go. What it had seen until then is in its log,
                # and counts: were the call lost by it, nobody would have answered it or given it up.
                self._let_go += 1
                self._notes.append(f"SIPp let a call go in {batch[0].messages.parent.name}: see its errors.log")
            self._end(*batch)
        if tell:
            for phones in self._phones:
                phones.read()
            self._tell()
        time.sleep(LOOK_EVERY)

    def _end(self, callers: Callers, following: Following[Placed]) -> None:
        following.finish()
        self._placed += following.over
        callers.messages.unlink(missing_ok=True)

    def _tell(self) -> None:
        living = []
        for _, following in self._batches:
            following.read()
            living += [*following.living(), *following.over]
        everybody = self._placed + living
        answered = sum(1 for call in everybody if call.answered_at is not None)
        still_open = sum(1 for call in living if call.ended_at is None)
        gave_up = sum(1 for call in everybody if call.hung_up and call.answered_at is None)
        self._say(
            f"{self._striker.now or 'no fault':<18} offered {len(everybody):>5}  answered {answered:>5}"
            f"  gave up {gave_up:>5}  open {still_open:>3}"
        )

    def _say(self, text: str) -> None:
        self._say_to(f"{time.monotonic() - self._began:6.1f} s  {text}")

    def _records(self) -> list[Record]:
        """The records, once all that the callers placed are there with their ends, or the time for that is up."""
        pbx, router = self._world.pbx, self._world.stand.router
        try:
            left = pbx.wait_until_quiet(QUIET_WITHIN)
            if left and self._let_go:
                # A caller whom SIPp let go of vanished without a word, as in a power cut: the PBX has to end that call.
                self._notes.append(f"{self._let_go} callers vanished; ended for them: {', '.join(left)}")
                pbx.cli("channel request hangup all")
                left = pbx.wait_until_quiet(QUIET_WITHIN)
            if left:
                self._trouble.append(f"{len(left)} channels are left in Asterisk: {', '.join(left[:8])}")
            router.wait_until_ready()
            deadline = time.monotonic() + RECORDED_WITHIN
            while True:
                records = list(_without_decisions(router.get))
                ended = sum(1 for one in records if one["ended_at"] and all(leg["result"] for leg in one["legs"]))
                if ended == len(records) == len(self._placed) or time.monotonic() > deadline:
                    break
                time.sleep(LOOK_AT_RECORDS_EVERY)
        except (RouterFailed, OSError) as why:
            self._trouble.append(f"the records can't be read: {why}")
            return []
        self._trouble += [f"the router logged {line}" for line in slips(router.log_file)[:TROUBLE_AT_MOST]]
        warnings = pbx.unexpected_warnings(EXPECTED)
        self._trouble += [f"Asterisk logged {warning}" for warning in warnings[:TROUBLE_AT_MOST]]
        return records

    def _owed(self) -> tuple[Owed, ...]:
        try:
            entries = asyncio.run(_entries(self._world.stand.database))
        except StorageError as why:
            self._trouble.append(f"the commitments can't be read: {why}")
            return ()
        return tuple(
            [Owed(calls=one.calls, closed=one.commitment.over, kept_by=one.commitment.kept_by_call) for one in entries]
        )

    def _put_down_the_phones(self) -> None:
        for phones in (self._world.stand.phones, self._world.stand.outside):
            if phones is not None:
                phones.stop()
        for following in self._phones:
            following.finish()


async def _entries(database: str) -> tuple[Entry, ...]:
    db = Database(database)
    try:
        return await list_entries(db, over=True, at_most=MOST_OWED)
    finally:
        await db.close()


def _without_decisions(get: Callable[[str], Any]) -> Iterator[Record]:
    """Every record, without the decision, which is most of it."""
    cursor = ""
    while True:
        page = get(f"/api/v1/calls?limit=200{cursor}")
        for record in page["items"]:
            del record["decision"]
            yield record
        if not page.get("next"):
            return
        cursor = f"&cursor={page['next']}"


def _every(seconds: float) -> Iterator[bool]:
    """True at most every so many seconds."""
    last = time.monotonic()
    for _ in itertools.count():
        now = time.monotonic()
        yield now - last >= seconds
        if now - last >= seconds:
            last = now
