"""How much later does a phone ring because somebody had to be asked, and how many calls does that cost?

Static dialplan, this router, FastAGI and ARI take turns on one private Asterisk, in another order each round. Only one
controller runs at a time: an idle one would still be told of the others' calls.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.bench.company import Size
from tests.bench.figures import percentile
from tests.bench.mechanisms import NAMES, Controller, cpu_seconds, steered_by
from tests.bench.rates import COARSE, FINE, highest_rate, ladder
from tests.bench.traffic import Exchange, Seen

Say = Callable[[str], None]

RATES = (20, 100)  # calls per second at which the delays are told
P99_WITHIN = 100.0  # milliseconds: a rate holds while 99 of 100 calls are steered in less, and none fails
REALLY_PLACED = 0.97  # of a rate: below that the callers themselves couldn't keep up
FEWEST_CALLS = 60  # in one run, so that its p99 isn't decided by a single call
FIRST_GUESS = 150.0  # calls per second at which the first search begins
WARM_UP_CALLS = 20  # after a start, uncounted: the first calls fill caches on both sides


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long to measure: seconds of calls for each figure, and rounds."""

    rounds: int
    delay_seconds: Mapping[int, float]
    probe_seconds: float
    step: float


FULL = Effort(rounds=3, delay_seconds={20: 5.0, 100: 4.0}, probe_seconds=2.0, step=FINE)
QUICK = Effort(rounds=1, delay_seconds={20: 1.0, 100: 0.6}, probe_seconds=0.5, step=COARSE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """Milliseconds from INVITE in to INVITE out, of all calls of all rounds; `failed` of `offered` never got there."""

    p50_ms: float
    p95_ms: float
    p99_ms: float
    offered: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InterceptFigures:
    """One mechanism. CPU times are per call, at the highest of RATES; `max_calls_per_s` is the median of the rounds."""

    delays: Mapping[int, Delays]
    max_calls_per_s: float
    max_calls_per_s_by_round: Sequence[float]
    controller_cpu_ms_per_call: float
    asterisk_cpu_ms_per_call: float


def measure(
    exchange: Exchange, url: str, login: str, size: Size, effort: Effort, folder: Path, say: Say
) -> Mapping[str, InterceptFigures]:
    """Let the mechanisms take turns, and say each result as it comes. Raises ControllerFailed."""
    notes = {name: _Notes() for name in NAMES}
    for turn in range(effort.rounds):
        for name in (*NAMES[turn % len(NAMES) :], *NAMES[: turn % len(NAMES)]):
            with steered_by(name, exchange, url, login, folder) as controller:
                _Turn(name, exchange, controller, size, effort, turn, notes[name]).run()
            say(f"round {turn + 1} of {effort.rounds}  {name:<8} {notes[name].last_words()}")
    return {name: notes[name].figures() for name in NAMES}


class _Notes:
    """What has been seen of one mechanism in all rounds so far."""

    def __init__(self) -> None:
        self.seen: dict[int, list[Seen]] = defaultdict(list)
        self.highest: list[float] = []
        self.controller_ms: list[float] = []
        self.asterisk_ms: list[float] = []

    def figures(self) -> InterceptFigures:
        return InterceptFigures(
            delays={rate: delays_of(runs) for rate, runs in self.seen.items()},
            max_calls_per_s=median(self.highest),
            max_calls_per_s_by_round=tuple(self.highest),
            controller_cpu_ms_per_call=median(self.controller_ms),
            asterisk_cpu_ms_per_call=median(self.asterisk_ms),
        )

    def last_words(self) -> str:
        by_rate = ((rate, delays_of([runs[-1]])) for rate, runs in self.seen.items())
        told = "  ".join(
            f"{rate}/s: {one.p50_ms:6.1f} {one.p99_ms:6.1f} ms, {one.failed} failed" for rate, one in by_rate
        )
        return f"median, p99 at {told}  up to {self.highest[-1]:.0f}/s"


class _Turn:
    """One mechanism in one round."""

    def __init__(
        self,
        name: str,
        exchange: Exchange,
        controller: Controller,
        size: Size,
        effort: Effort,
        turn: int,
        notes: _Notes,
    ) -> None:
        self._name = name
        self._exchange = exchange
        self._controller = controller
        self._size = size
        self._effort = effort
        self._seed = turn * 1_000  # the same customers call in the same order, whoever steers them
        self._notes = notes

    def run(self) -> None:
        self._place(RATES[0], WARM_UP_CALLS)
        for rate in RATES:
            asterisk, controller = self._cpu_seconds()
            seen = self._place(rate, round(rate * self._effort.delay_seconds[rate]))
            asterisk_now, controller_now = self._cpu_seconds()
            self._notes.seen[rate].append(seen)
            if rate == max(RATES):  # at the lower one, what a process does by the clock would count more than calls
                self._notes.asterisk_ms.append((asterisk_now - asterisk) * 1e3 / seen.offered)
                self._notes.controller_ms.append((controller_now - controller) * 1e3 / seen.offered)
        start = self._notes.highest[-1] if self._notes.highest else FIRST_GUESS
        self._notes.highest.append(highest_rate(self._holds, ladder(self._effort.step), start))

    def _cpu_seconds(self) -> tuple[float, float]:
        return cpu_seconds(self._exchange.pbx.pid), self._controller.cpu_seconds()

    def _holds(self, rate: float) -> bool:
        seen = self._place(rate, max(round(rate * self._effort.probe_seconds), FEWEST_CALLS))
        return seen.failed == 0 and seen.per_second >= rate * REALLY_PLACED and percentile(seen.delays, 99) < P99_WITHIN

    def _place(self, rate: float, count: int) -> Seen:
        self._seed += 1
        return self._exchange.place(self._name, rate, count, self._size, self._seed)


def delays_of(runs: Sequence[Seen]) -> Delays:
    """Of several runs together. Calls that never reached a phone count as failed, not as slow."""
    delays = [delay for seen in runs for delay in seen.delays] or [float("inf")]
    return Delays(
        p50_ms=percentile(delays, 50),
        p95_ms=percentile(delays, 95),
        p99_ms=percentile(delays, 99),
        offered=sum(seen.offered for seen in runs),
        failed=sum(seen.failed for seen in runs),
    )
