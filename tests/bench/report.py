"""What is printed, what is written, and which targets are hit?"""

import os
import platform
import resource
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

from rich.console import Console
from rich.table import Table as Grid

from tests.bench.decisions import DecideFigures
from tests.bench.importing import RATE, ImportFigures
from tests.bench.intercept import RATES, InterceptFigures
from tests.bench.looking_ahead import ProblemsFigures
from tests.bench.mechanisms import NAMES

QUIET = 10.0  # percent of the machine that others may use; the kernel's own work for our packets counts among them


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    cpu: str
    cores: int
    python: str
    asterisk: str
    kernel: str
    load_before: float  # processes that wanted to run in the minute before: above 0.5 somebody else was busy as well


class Others:
    """How much of the machine went to processes that are not ours (and to the host's others, as stolen time)."""

    def __init__(self) -> None:
        self._began, self._busy, self._own = monotonic(), _busy_seconds(), _own_seconds()

    def percent(self) -> float:
        """Of all cores since the beginning. Only processes of ours that have ended count as ours."""
        others = _busy_seconds() - self._busy - (_own_seconds() - self._own)
        possible = (monotonic() - self._began) * len(os.sched_getaffinity(0))
        return max(round(100 * others / possible, 1), 0.0) if possible else 0.0


def _busy_seconds() -> float:
    user, nice, system, _idle, _waiting, *rest = Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
    return sum(map(int, (user, nice, system, *rest))) / os.sysconf("SC_CLK_TCK")


def _own_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All figures of one run; a part that was left out is None."""

    machine: Machine
    others_percent: float
    at: datetime
    numbers: int
    rules: int
    intercept: Mapping[str, InterceptFigures] | None
    decide: DecideFigures | None
    problems: ProblemsFigures | None = None
    imported: ImportFigures | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    says: str
    measured: float
    limit: float
    unit: str
    at_least: bool = False

    @property
    def hit(self) -> bool:
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit


def this_machine(asterisk: str) -> Machine:
    """What the figures depend on."""
    models = (line.partition(":")[2] for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line)
    return Machine(
        cpu=" ".join(next(models, platform.machine()).split()),
        cores=len(os.sched_getaffinity(0)),
        python=platform.python_version(),
        asterisk=asterisk,
        kernel=platform.release(),
        load_before=round(os.getloadavg()[0], 2),
    )


def targets(report: Report) -> Iterator[Target]:
    """What the router promises, against what was measured."""
    if report.intercept is not None:
        yield from _intercept_targets(report.intercept)
    if report.decide is not None:
        decide = report.decide
        yield Target(says="decide, median", measured=decide.p50_us, limit=20, unit="µs")
        yield Target(says="decide, p99", measured=decide.p99_us, limit=100, unit="µs")
        yield Target(says="memory of the numbers", measured=decide.numbers_mb, limit=100, unit="MB")
        yield Target(says="loaded from SQLite", measured=decide.load_s, limit=15, unit="s")
        yield Target(says="one change visible", measured=decide.publish_ms, limit=100, unit="ms")
    if report.problems is not None:
        yield Target(says="all problems of a big table", measured=report.problems.seconds, limit=10, unit="s")
        preview = report.problems.preview_seconds
        yield Target(says="preview of one rule more in it", measured=preview, limit=3, unit="s")
    if report.imported is not None:
        yield from _import_targets(report.imported)


def _import_targets(imported: ImportFigures) -> Iterator[Target]:
    later = imported.meanwhile.p50_ms - imported.without.p50_ms
    later_p99 = imported.meanwhile.p99_ms - imported.without.p99_ms
    yield Target(says=f"{imported.accounts:,} accounts imported", measured=imported.import_s, limit=120, unit="s")
    yield Target(says="median later while importing", measured=later, limit=1, unit="ms")
    yield Target(says="p99 later while importing", measured=later_p99, limit=15, unit="ms")
    yield Target(says="calls failed while importing", measured=imported.meanwhile.failed, limit=0, unit="")


def _intercept_targets(intercept: Mapping[str, InterceptFigures]) -> Iterator[Target]:
    router, static = intercept["router"], intercept["static"]
    for rate in RATES:
        median = router.delays[rate].p50_ms
        over = median - static.delays[rate].p50_ms
        yield Target(says=f"median over static at {rate}/s", measured=over, limit=2, unit="ms")
        for other in ("fastagi", "ari"):
            yield Target(
                says=f"median at {rate}/s, not above {other}",
                measured=median,
                limit=intercept[other].delays[rate].p50_ms,
                unit="ms",
            )
    share = router.max_calls_per_s / static.max_calls_per_s if static.max_calls_per_s else 0.0
    yield Target(says="highest rate, share of static's", measured=share, limit=0.95, unit="", at_least=True)


def as_json(report: Report) -> dict[str, Any]:
    """The whole report; `intercept` and `decide` have the names that other tools look for."""
    told: dict[str, Any] = {
        "at": report.at.astimezone(UTC).isoformat(timespec="seconds"),
        "machine": {**asdict(report.machine), "others_percent": report.others_percent},
        "company": {"numbers": report.numbers, "rules": report.rules},
    }
    if report.intercept is not None:
        told["intercept"] = {name: _mechanism_as_json(figures) for name, figures in report.intercept.items()}
    if report.decide is not None:
        told["decide"] = _rounded(asdict(report.decide))
    if report.problems is not None:
        told["problems"] = _rounded(asdict(report.problems))
    if report.imported is not None:
        told["import"] = _rounded(asdict(report.imported))
    told["targets"] = [_rounded({**asdict(target), "hit": target.hit}) for target in targets(report)]
    return told


def _mechanism_as_json(figures: InterceptFigures) -> dict[str, Any]:
    told = asdict(figures)
    by_rate = {str(rate): _rounded(one) for rate, one in told.pop("delays").items()}
    return {**by_rate, **{name: _rounded(value) for name, value in told.items()}}


def _rounded(value: Any) -> Any:
    match value:
        case bool() | int() | str() | None:
            return value
        case float():
            return round(value, 3)
        case Mapping():
            return {key: _rounded(one) for key, one in value.items()}
        case _:
            return [_rounded(one) for one in value]


def show(report: Report, console: Console) -> None:
    machine = report.machine
    console.print(
        f"{machine.cpu}, {machine.cores} cores · Linux {machine.kernel} · Python {machine.python}"
        f" · Asterisk {machine.asterisk} · load before {machine.load_before}"
    )
    console.print(f"{report.numbers:,} account numbers, {report.rules:,} rules")
    disturbed = ": measure again when it is quiet" if report.others_percent > QUIET else ""
    console.print(f"others used {report.others_percent:.0f} % of the machine meanwhile{disturbed}\n")
    if report.intercept is not None:
        console.print(_intercept_grid(report.intercept))
    if report.decide is not None:
        console.print(_decide_grid(report.decide))
    if report.problems is not None:
        console.print(_problems_grid(report.problems))
    if report.imported is not None:
        console.print(_import_grid(report.imported))
    console.print(_targets_grid(report))


def _intercept_grid(intercept: Mapping[str, InterceptFigures]) -> Grid:
    heads = [*(f"at {rate}/s" for rate in RATES), "failed", "highest", "by round", "controller", "Asterisk"]
    rows = [
        (
            name,
            *(f"{d.p50_ms:.1f} / {d.p95_ms:.1f} / {d.p99_ms:.1f}" for d in (one.delays[rate] for rate in RATES)),
            str(sum(delays.failed for delays in one.delays.values())),
            f"{one.max_calls_per_s:.0f}",
            " ".join(f"{rate:.0f}" for rate in one.max_calls_per_s_by_round),
            f"{one.controller_cpu_ms_per_call:.2f}",
            f"{one.asterisk_cpu_ms_per_call:.2f}",
        )
        for name in NAMES
        for one in (intercept[name],)
    ]
    told = "ms: median / 95 % / 99 %; highest rate in calls/s; CPU of controller and Asterisk in ms per call"
    return _grid("From INVITE in to INVITE out", ["steered by", *heads], rows, told)


def _decide_grid(decide: DecideFigures) -> Grid:
    heads = ["median µs", "99 % µs", "numbers MB", "loaded s", *decide.publish_ms_by_change]
    row = (
        f"{decide.p50_us:.1f}",
        f"{decide.p99_us:.1f}",
        f"{decide.numbers_mb:.0f}",
        f"{decide.load_s:.1f}",
        *(f"{took:.1f}" for took in decide.publish_ms_by_change.values()),
    )
    return _grid(
        "Deciding, without Asterisk", heads, [row], "the last columns: ms until a change of one such row counts"
    )


def _problems_grid(problems: ProblemsFigures) -> Grid:
    counts = (problems.lines, problems.people, problems.desks, problems.accounts)
    seconds = f"{problems.seconds:.1f}", f"{problems.preview_seconds:.1f}"
    row = (*(f"{count:,}" for count in counts), str(problems.found), *seconds)
    heads = ["lines", "people", "desks", "accounts", "found", "seconds", "preview, s"]
    return _grid("All problems of a table, for a year ahead", heads, [row], None)


def _import_grid(imported: ImportFigures) -> Grid:
    rows = [
        (name, f"{one.p50_ms:.1f}", f"{one.p95_ms:.1f}", f"{one.p99_ms:.1f}", str(one.offered), str(one.failed))
        for name, one in (("nothing else", imported.without), ("an import", imported.meanwhile))
    ]
    told = (
        f"{imported.accounts:,} accounts with {imported.numbers:,} numbers imported in {imported.import_s:.1f} s,"
        f" {imported.imports} times in all; only calls placed meanwhile count"
    )
    title = f"From INVITE in to INVITE out at {RATE:g} calls/s, ms"
    return _grid(title, ["meanwhile", "median", "95 %", "99 %", "calls", "failed"], rows, told)


def _targets_grid(report: Report) -> Grid:
    rows = [
        (
            target.says,
            f"{target.measured:.2f} {target.unit}",
            f"{'≥' if target.at_least else '≤'} {target.limit:.2f} {target.unit}",
            "[green]hit[/green]" if target.hit else "[red]missed[/red]",
        )
        for target in targets(report)
    ]
    return _grid("Targets", ["", "measured", "target", ""], rows, None)


def _grid(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]], told: str | None) -> Grid:
    grid = Grid(title=title, title_justify="left", caption=told, caption_justify="left")
    for nth, head in enumerate(heads):
        grid.add_column(head, justify="left" if nth == 0 else "right", no_wrap=True)
    for row in rows:
        grid.add_row(*row)
    return grid
