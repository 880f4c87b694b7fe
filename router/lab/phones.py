"""Who rings and who answers? Phones and callers played by SIPp, whose message logs are the witnesses."""

import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from router.lab.configuration import TRUNK_ADDRESS
from router.lab.installation import AsteriskFiles
from router.lab.ports import LOOPBACK, Ports
from router.lab.scenarios import Behaviour, PlacedCall, callers_scenario, phones_scenario

READY_WITHIN = 5.0  # seconds until SIPp has its port; 0.05 is usual
STOP_WITHIN = 5.0  # seconds for SIPp to write its logs and end
LOOK_EVERY = 0.02  # seconds between two looks at something that has no event to wait for
CALLS_TAKE_AT_MOST = 120.0  # seconds beyond the time in which the calls are placed: ringing and talking
MOST_AT_ONCE = 10_000  # calls that live at a time; SIPp's own limit would slow the rate down


class PhonesFailed(Exception):
    """SIPp didn't do its part; the message carries the end of its log."""


class Phones:
    """Desk phones that share one port; each answers to its name as its behaviour says.

        with Phones(folder, files, ports, {"anna": Answers(after=0.2), "bert": BUSY}, port=5070):
            ...

    Their messages lie in `folder/messages.log`. Without `port` one of `ports` is taken. `address` is this machine's.
    """

    def __init__(
        self,
        folder: Path,
        files: AsteriskFiles,
        ports: Ports,
        phones: Mapping[str, Behaviour],
        port: int | None = None,
        address: str = LOOPBACK,
    ) -> None:
        self.port = ports.one() if port is None else port
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "scenario.xml").write_text(phones_scenario(phones))
        self._sipp = _Sipp(folder, files, address, self.port, ports, [])

    @property
    def messages(self) -> Path:
        return self._sipp.messages

    def __enter__(self) -> Self:
        self._sipp.start()
        self._sipp.wait_for_port()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Switch the phones off; their log is whole afterwards."""
        self._sipp.stop()


class Callers:
    """Calls from outside, placed in order at a steady rate.

        callers = Callers(folder, files, ports, calls, to_port=pbx.sip_port, per_second=20)
        callers.start()
        callers.wait()

    Their messages lie in `folder/messages.log`. They call from `address`, and the PBX is at `to_address`.
    """

    def __init__(
        self,
        folder: Path,
        files: AsteriskFiles,
        ports: Ports,
        calls: Sequence[PlacedCall],
        *,
        to_port: int,
        per_second: float = 20.0,
        address: str = TRUNK_ADDRESS,
        to_address: str = LOOPBACK,
    ) -> None:
        self.calls = tuple(calls)
        folder.mkdir(parents=True, exist_ok=True)
        scenario, lines = callers_scenario(calls, address)
        (folder / "scenario.xml").write_text(scenario)
        (folder / "calls.csv").write_bytes(lines)
        self._within = len(calls) / per_second + CALLS_TAKE_AT_MOST
        # SIPp takes whole calls per period: below one a second the period is stretched instead
        rate = (per_second, 1000) if per_second >= 1 else (1, round(1000 / per_second))
        arguments = [
            f"{to_address}:{to_port}", "-inf", str(folder / "calls.csv"),
            "-m", str(len(calls)), "-l", str(MOST_AT_ONCE), "-r", f"{rate[0]:g}", "-rp", str(rate[1]),
        ]  # fmt: skip
        self._sipp = _Sipp(folder, files, address, ports.passing(), ports, arguments)

    @property
    def messages(self) -> Path:
        return self._sipp.messages

    def start(self) -> None:
        self._sipp.start()

    @property
    def done(self) -> bool:
        """All calls are over."""
        return not self._sipp.alive

    def wait(self, within: float | None = None) -> None:
        """Wait until all calls are over, however they ended. Raises PhonesFailed when that takes longer than `within`
        seconds, or when a call went a way that no telephone goes."""
        self._sipp.wait(self._within if within is None else within)

    def stop(self) -> None:
        """Let go of the calls that are left."""
        self._sipp.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _Sipp:
    """One SIPp process in a folder of its own."""

    def __init__(
        self, folder: Path, files: AsteriskFiles, address: str, port: int, ports: Ports, arguments: Sequence[str]
    ) -> None:
        self._folder = folder.absolute()
        self.messages = self._folder / "messages.log"
        self._port = port
        media = ports.passing()
        self._command = [
            *files.command("usr/bin/sipp"), "-sf", "scenario.xml", "-i", address, "-p", str(port),
            "-mi", address, "-min_rtp_port", str(media), "-max_rtp_port", str(media + 1),
            "-cp", str(ports.passing()), "-nostdin", "-skip_rlimit", "-aa", "-f", "600",
            "-trace_msg", "-message_file", str(self.messages), "-trace_err", "-error_file", "errors.log",
            *arguments,
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        with (self._folder / "screen.log").open("wb") as screen:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=screen,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                start_new_session=True,
            )

    def wait_for_port(self) -> None:
        """Wait until the kernel lists our port as open."""
        deadline = time.monotonic() + READY_WITHIN
        wanted = f":{self._port:04X} "
        while wanted not in Path("/proc/net/udp").read_text():
            if not self.alive or time.monotonic() > deadline:
                raise PhonesFailed(f"SIPp didn't start: {self._last_words()}")
            time.sleep(LOOK_EVERY)

    def wait(self, within: float) -> None:
        if self._process is None:
            return
        try:
            code = self._process.wait(within)
        except subprocess.TimeoutExpired:
            self.stop()
            raise PhonesFailed(f"calls were still going on after {within:.0f} s: {self._last_words()}") from None
        if code:
            raise PhonesFailed(f"a call went a way that no telephone goes (SIPp said {code}): {self._last_words()}")

    def stop(self) -> None:
        if self._process is None:
            return
        for end in (signal.SIGTERM, signal.SIGKILL):
            if self.alive:
                self._process.send_signal(end)
            try:
                self._process.wait(STOP_WITHIN)
                return
            except subprocess.TimeoutExpired:
                continue

    def _last_words(self) -> str:
        paths = [self._folder / "errors.log", self._folder / "screen.log"]
        lines = [line for path in paths if path.exists() for line in path.read_text(errors="replace").splitlines()[-8:]]
        return " | ".join(line.strip() for line in lines if line.strip())[-1500:]
