"""Who steers the calls? Each mechanism's controller is one process, alone while it is measured."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.company import COORDINATORS, REGION, TIME_ZONE
from tests.bench.traffic import Exchange

NAMES = ("static", "router", "fastagi", "ari")

READY_WITHIN = 60.0  # seconds to load a million numbers and log in; about 4 are usual
STOP_WITHIN = 15.0  # seconds; the router takes up to 10 for its last records
CALM_WITHIN = 60.0  # seconds until it has caught up with what happened before it started; the router reads a journal
CALM_FOR = 0.5  # seconds in which it does next to nothing
CALM_CPU = 0.03  # seconds of CPU time in that: heartbeats and polls
LOOK_EVERY = 0.05  # seconds between two looks at something that has no event to wait for

DESK_QUEUE = "router-ringall-01"


class ControllerFailed(Exception):
    """A controller didn't start; the message carries the end of what it said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Controller:
    """A running controller; `pid` is None for the static dialplan, which has none."""

    pid: int | None

    def cpu_seconds(self) -> float:
        """What it has used so far, all its threads together."""
        return 0.0 if self.pid is None else cpu_seconds(self.pid)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, in steps of the kernel's clock tick (10 ms)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def steered_by(name: str, exchange: Exchange, url: str, login: str, folder: Path) -> Iterator[Controller]:
    """Run that mechanism's controller until the end of the block. Raises ControllerFailed."""
    pbx = exchange.pbx
    match name:
        case "static":
            yield Controller(pid=None)
            return
        case "router":
            command, settings = ["-m", "router", "serve"], _router_settings(exchange, url)
        case "fastagi":
            command, settings = ["-m", "tests.bench.controllers.fastagi", url, str(exchange.agi_port)], {}
        case _:
            command, settings = ["-m", "tests.bench.controllers.ari", url, str(pbx.http_port), login], {}
    said = folder / f"{name}.log"
    with said.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, *command],
            env={**{key: value for key, value in os.environ.items() if not key.startswith("ROUTER_")}, **settings},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for us; we stop it in order
        )
    try:
        _wait_until_ready(name, process, exchange, said)
        controller = Controller(pid=process.pid)
        _wait_until_calm(controller)
        yield controller
    finally:
        _stop(process)


def _router_settings(exchange: Exchange, url: str) -> Mapping[str, str]:
    return {
        "ROUTER_AMI_PORT": str(exchange.pbx.ami_port),
        "ROUTER_AMI_SECRET": exchange.pbx.lab.ami_secret,
        "ROUTER_DATABASE": url,
        "ROUTER_REGION": REGION,
        "ROUTER_TIME_ZONE": TIME_ZONE,
        "ROUTER_HTTP_PORT": "0",
    }


def _wait_until_ready(name: str, process: subprocess.Popen[bytes], exchange: Exchange, said: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while not _ready(name, exchange, said):
        if process.poll() is not None or time.monotonic() > deadline:
            raise ControllerFailed(f"{name} isn't ready: {said.read_text(errors='replace')[-1500:]}")
        time.sleep(LOOK_EVERY)


def _wait_until_calm(controller: Controller) -> None:
    deadline = time.monotonic() + CALM_WITHIN
    used = controller.cpu_seconds()
    while time.monotonic() < deadline:
        time.sleep(CALM_FOR)
        before, used = used, controller.cpu_seconds()
        if used - before <= CALM_CPU:
            return


def _ready(name: str, exchange: Exchange, said: Path) -> bool:
    if name != "router":
        return "ready" in said.read_text(errors="replace")
    # Asked in Asterisk: it is ready when its heart beats there and it has staffed the desk.
    globals_set = exchange.pbx.cli("dialplan show globals")
    beat = next((line for line in globals_set.splitlines() if "ROUTER_BEAT=" in line), "=0")
    fresh = time.time() - float(beat.rpartition("=")[2] or 0) < 3
    return fresh and COORDINATORS[0] in exchange.pbx.cli(f"queue show {DESK_QUEUE}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    ends: Sequence[signal.Signals] = (signal.SIGTERM, signal.SIGKILL)
    for end in ends:
        process.send_signal(end)
        try:
            process.wait(STOP_WITHIN)
            return
        except subprocess.TimeoutExpired:
            continue
