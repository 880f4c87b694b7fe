"""How much longer does a phone take to ring while a big company is imported, and how long does the import take?

The same calls twice at the same rate, steered by this router: with nothing else going on, and while `router import`
writes accounts into its database: first so many new ones, then the same again, each of them changed, for as long as
calls are placed. Only the calls that were placed during an import count, or just after it, when the router takes the
new table over.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.bench.company import MANAGERS, REGION, TIME_ZONE, Size
from tests.bench.intercept import Delays, delays_of
from tests.bench.mechanisms import steered_by
from tests.bench.traffic import Exchange

Say = Callable[[str], None]

RATE = 20.0  # calls per second
WARM_UP_CALLS = 20  # after a start, uncounted: the first calls fill caches on both sides
BEGINS_AFTER = 3.0  # seconds of calls before an import begins
TAKEN_OVER_WITHIN = timedelta(seconds=2)  # after an import: the table is read, and calls are decided by it
WITHIN = 300.0  # seconds for an import, after which it has failed
IMPORTED_NUMBERS = 4_931_000_000_000  # +49 31 …: none that the company's customers have already

THERE = Size(numbers=20_000, rules=500)  # the company before the import


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How many accounts, with two numbers each, and for how many seconds calls are placed in either half."""

    accounts: int
    seconds: float


FULL = Extent(accounts=100_000, seconds=75.0)
QUICK = Extent(accounts=2_000, seconds=8.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportFigures:
    """`import_s` from the command's start to its end, of the first of `imports`; `meanwhile` are calls during any."""

    accounts: int
    numbers: int
    import_s: float
    imports: int
    without: Delays
    meanwhile: Delays


class ImportFailed(Exception):
    """The command refused, or took too long; the message is the end of what it said."""


def measure(exchange: Exchange, url: str, login: str, extent: Extent, folder: Path, say: Say) -> ImportFigures:
    """Place the calls of both halves. Raises ImportFailed, ControllerFailed."""
    count = round(RATE * extent.seconds)
    with steered_by("router", exchange, url, login, folder):
        exchange.place("router", RATE, WARM_UP_CALLS, THERE, seed=1)
        without = exchange.place("router", RATE, count, THERE, seed=2)
        say(f"{RATE:g} calls/s, nothing else going on: {_told(delays_of([without]))}")
        imports = _Imports(folder / "accounts.csv", extent.accounts, url)
        imports.start()
        placed = exchange.place("router", RATE, count, THERE, seed=3)
        spans = imports.ended()
    meanwhile = placed.during([(begun, ended + TAKEN_OVER_WITHIN) for begun, ended in spans])
    took = (spans[0][1] - spans[0][0]).total_seconds()
    say(f"… while {extent.accounts:,} accounts are imported in {took:.1f} s: {_told(delays_of([meanwhile]))}")
    return ImportFigures(
        accounts=extent.accounts,
        numbers=2 * extent.accounts,
        import_s=took,
        imports=len(spans),
        without=delays_of([without]),
        meanwhile=delays_of([meanwhile]),
    )


def accounts(count: int, time: int = 1) -> str:
    """So many customers, each with a manager, a deputy and two numbers; the next time each has another name."""
    rows = ["ref,name,manager,deputies,numbers"]
    for nth in range(count):
        number = IMPORTED_NUMBERS + 2 * nth
        manager, deputy = f"Manager {nth % MANAGERS + 1}", f"Manager {(nth + 1) % MANAGERS + 1}"
        rows.append(f"crm-{nth},Imported {nth} ({time}),{manager},{deputy},+{number}; +{number + 1}")
    return "\r\n".join(rows) + "\r\n"


class _Imports(threading.Thread):
    """`router import` a moment after calls have begun, and again until they are over."""

    def __init__(self, file: Path, count: int, url: str) -> None:
        super().__init__(name="imports", daemon=True)
        self._file = file
        self._count = count
        self._command = [sys.executable, "-m", "router", "import", str(file)]
        settings = {"ROUTER_DATABASE": url, "ROUTER_REGION": REGION, "ROUTER_TIME_ZONE": TIME_ZONE}
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ROUTER_")}
        self._environment: Mapping[str, str] = inherited | settings
        self._calls_are_over = threading.Event()
        self._spans: list[tuple[datetime, datetime]] = []
        self._said = ""

    def run(self) -> None:
        while not self._calls_are_over.wait(BEGINS_AFTER) or not self._spans:
            self._file.write_text(accounts(self._count, len(self._spans) + 1), encoding="utf-8", newline="")
            began = datetime.now(UTC)
            try:
                ended = subprocess.run(
                    self._command, env=self._environment, capture_output=True, text=True, timeout=WITHIN, check=False
                )
            except subprocess.TimeoutExpired:
                self._said = f"it was not done within {WITHIN:g} s"
                return
            if ended.returncode != 0:
                self._said = ended.stdout + ended.stderr
                return
            self._spans.append((began, datetime.now(UTC)))

    def ended(self) -> list[tuple[datetime, datetime]]:
        """From when to when each import took, now that calls are over; at least one. Raises ImportFailed."""
        self._calls_are_over.set()
        self.join(2 * WITHIN)
        if self._said or not self._spans:
            raise ImportFailed(self._said[-1500:])
        return self._spans


def _told(delays: Delays) -> str:
    return f"median {delays.p50_ms:.1f}, 99 % {delays.p99_ms:.1f} ms, {delays.failed} failed"
