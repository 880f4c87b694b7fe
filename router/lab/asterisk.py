"""How does a private Asterisk run on loopback, made of the very files that an administrator installs?"""

import logging
import os
import re
import resource
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from router.lab.configuration import TRUNK_ADDRESS, Lab, files_of
from router.lab.installation import ANSWER_WITHIN, AsteriskFailed, AsteriskFiles
from router.lab.names import IMPATIENT, slow_own_name
from router.lab.ports import Ports

BOOT_WITHIN = 30.0  # seconds; 1 is usual, but two cores may be shared with a whole test run
STOP_WITHIN = 5.0  # seconds for `core stop now`, then for SIGTERM; then it is killed
LOOK_EVERY = 0.02  # seconds between two looks at something that has no event to wait for
SOCKET_PATH_LIMIT = 100  # bytes; the kernel allows 107 for a socket's path, and -rx adds nothing

MUTE = "it didn't answer in time"
ENOUGH_FILES = 4_096  # open files for 800 channels; with fewer, say so: 1,024 end at 140 channels

log = logging.getLogger(__name__)


class PrivateAsterisk:
    """One Asterisk of our own below `folder`, as a child of this process.

    `shipped` is the folder of files that an administrator installs, or None for a bare one. Several may run at a time,
    each with a folder of its own.

        with PrivateAsterisk(folder, files, Path("dialplan"), Lab(phones={"anna": 5070})) as pbx:
            print(pbx.ami_port, pbx.cli("core show version"))
    """

    def __init__(self, folder: Path, files: AsteriskFiles, shipped: Path | None, lab: Lab | None = None) -> None:
        self.folder = folder.absolute()
        self.files = files
        self.lab = lab or Lab()  # may be replaced until start(), when the ports are known
        self.ports = Ports()
        self.sip_port = self.ports.one()
        self.ami_port = self.ports.one()
        self.http_port = self.ports.one()
        self.etc = self.folder / "etc"
        self.log_file = self.folder / "log" / "messages.log"
        self._shipped = shipped
        self._process: subprocess.Popen[bytes] | None = None
        self._short: Path | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        return self._running().pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Write all files and start; returns when every module is loaded. Raises AsteriskFailed.

        After stop() or kill() it starts again with the same ports and the same database.
        """
        if self.alive:
            raise AsteriskFailed("this private Asterisk runs already")
        self._end_leftover()
        self.install()
        self._warn()
        with (self.folder / "console.log").open("ab") as console:
            self._process = subprocess.Popen(
                self._asterisk("-f"),
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env={**os.environ, **IMPATIENT},
                start_new_session=True,  # Ctrl-C is for us; we stop it in order
            )
        (self.folder / "pid").write_text(str(self._process.pid))
        deadline = time.monotonic() + BOOT_WITHIN
        while "fully booted" not in self._ask("core waitfullybooted", deadline - time.monotonic()):
            if not self.alive:
                raise AsteriskFailed(f"Asterisk ended while starting: {self._last_words()}")
            if time.monotonic() > deadline:
                self.kill()
                raise AsteriskFailed(f"Asterisk didn't start within {BOOT_WITHIN:.0f} s: {self._last_words()}")
            time.sleep(LOOK_EVERY)

    def install(self) -> None:
        """Write the lab's files and copy the shipped ones into etc/; a running Asterisk reads them at reload()."""
        self._make_folders()
        texts = files_of(self.lab, self._shipped, self._values())
        for target, text in texts.items():
            path = self.etc / target
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)  # the secret is nobody else's
            path.write_text(text)

    def cli(self, command: str, within: float = ANSWER_WITHIN) -> str:
        """What Asterisk's console answers within so many seconds.

        Raises AsteriskFailed when it doesn't, also for a command that it doesn't know.
        """
        answer = self._ask(command, within)
        # it exits with 0 in every case
        if (
            answer == MUTE
            or answer.startswith("No such command")
            or "Unable to connect to remote asterisk" in answer
            or not self.alive
        ):
            raise AsteriskFailed(f"`{command}`: {answer.strip() or self._last_words()}")
        return answer

    def reload(self, module: str = "") -> None:
        """Read the files of etc/ again: of one module, or of all."""
        self.cli(f"module reload {module}".strip())

    def channels(self) -> list[str]:
        """The names of all channels that exist now."""
        lines = self.cli("core show channels concise").splitlines()
        return [line.split("!")[0] for line in lines if line.count("!") > 8]

    def wait_until_quiet(self, within: float = ANSWER_WITHIN) -> list[str]:
        """Wait, at most `within` seconds, until no channel is left; returns those that are."""
        deadline = time.monotonic() + within
        while (left := self.channels()) and time.monotonic() < deadline:
            time.sleep(LOOK_EVERY)
        return left

    def stop(self) -> None:
        """End it in order; harder when it doesn't listen. Its folder and ports stay for the next start()."""
        if self._process is None:
            return
        self.thaw()
        if self.alive:
            self._ask("core stop now", STOP_WITHIN)
        for end in (None, signal.SIGTERM, signal.SIGKILL):
            if end is not None and self.alive:
                self._process.send_signal(end)
            try:
                self._process.wait(STOP_WITHIN)
                break
            except subprocess.TimeoutExpired:
                continue
        self._process = None

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_WITHIN)
            self._process = None

    def freeze(self) -> None:
        self._running().send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        if self.alive:
            self._running().send_signal(signal.SIGCONT)

    def close(self) -> None:
        """Stop, and give the ports back."""
        self.stop()
        self.ports.close()
        if self._short is not None:
            shutil.rmtree(self._short, ignore_errors=True)
            self._short = None

    def log_position(self) -> int:
        """How long the log is now, in bytes: where a story begins."""
        return self.log_file.stat().st_size if self.log_file.exists() else 0

    def unexpected_warnings(self, expected: Sequence[str] = (), since: int = 0) -> list[str]:
        """The warnings and errors logged after byte `since` that no regular expression of `expected` finds."""
        if not self.log_file.exists():
            return []
        with self.log_file.open("rb") as lines:
            lines.seek(since)
            text = lines.read().decode(errors="replace")
        # an entry begins with its time; what follows without one belongs to it
        entries = re.split(r"\n(?=\[\d{4}-)", text)
        complaints = [entry.strip() for entry in entries if re.match(r"\[[^]]+\] (WARNING|ERROR)\[", entry)]
        return [entry for entry in complaints if not any(re.search(pattern, entry) for pattern in expected)]

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise AsteriskFailed("this private Asterisk doesn't run")
        return self._process

    def _asterisk(self, *arguments: str) -> list[str]:
        return [*self.files.command("usr/sbin/asterisk"), "-C", str(self.etc / "asterisk.conf"), *arguments]

    def _ask(self, command: str, within: float) -> str:
        try:
            done = subprocess.run(
                self._asterisk("-rx", command),
                capture_output=True,
                stdin=subprocess.DEVNULL,
                timeout=max(within, 0.1),
                check=False,
                cwd=self.folder,
            )
        except subprocess.TimeoutExpired:
            return MUTE
        return (done.stdout + done.stderr).decode(errors="replace")

    def _warn(self) -> None:
        """Say what of this machine will make Asterisk slow or short of room."""
        slow = slow_own_name()
        if slow is not None:
            log.warning(slow)
        if _open_files() < ENOUGH_FILES:
            log.warning("this machine allows %d open files (`ulimit -Hn`): about 5 per call", _open_files())

    def _end_leftover(self) -> None:
        """End the Asterisk of a run in this folder that was killed before it could."""
        try:
            pid = int((self.folder / "pid").read_text())
        except (OSError, ValueError):
            return
        ours = os.fsencode(self.etc / "asterisk.conf")  # the pid may long be somebody else's
        if ours in _command_line(pid):
            os.kill(pid, signal.SIGKILL)
            deadline = time.monotonic() + STOP_WITHIN
            while ours in _command_line(pid) and time.monotonic() < deadline:
                time.sleep(LOOK_EVERY)

    def _make_folders(self) -> None:
        for name in ("etc", "var", "spool", "log", "data/sounds"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        for path in self.files.data.iterdir():
            if path.name != "sounds":
                _link(self.folder / "data" / path.name, path)
        for path in (self.files.data / "sounds").iterdir():
            _link(self.folder / "data/sounds" / path.name, path)
            # Debian names each folder of prompts by its speaker; Asterisk looks for the language
            _link(self.folder / "data/sounds" / path.name[:2], path)
        self._run.mkdir(parents=True, exist_ok=True)

    @property
    def _run(self) -> Path:
        """Where the control socket lies."""
        run = self.folder / "run"
        if len(os.fsencode(run / "asterisk.ctl")) <= SOCKET_PATH_LIMIT:
            return run
        if self._short is None:
            self._short = Path(tempfile.mkdtemp(prefix="router-pbx-"))
        return self._short

    def _values(self) -> Mapping[str, str | int]:
        return {
            "etc": str(self.etc),
            "modules": str(self.files.modules),
            "var": str(self.folder / "var"),
            "data": str(self.folder / "data"),
            "spool": str(self.folder / "spool"),
            "run": str(self._run),
            "log": str(self.folder / "log"),
            "sbin": str(self.files.root / "usr/sbin"),
            "max_files": _open_files(),
            # any address will do, as long as it isn't read from a network card that may not be there
            "entity_id": ":".join(["02", *(f"{byte:02x}" for byte in secrets.token_bytes(5))]),
            "sip_port": self.sip_port,
            "ami_port": self.ami_port,
            "http_port": self.http_port,
            "http_enabled": "yes" if self.lab.http else "no",
            "rtp_start": self.ports.rtp[0],
            "rtp_end": self.ports.rtp[1],
            "trunk_address": TRUNK_ADDRESS,
            "phones_context": self.lab.phones_context,
            "trunk_context": self.lab.trunk_context,
        }

    def _last_words(self) -> str:
        paths = [path for path in (self.log_file, self.folder / "console.log") if path.exists()]
        lines = [line for path in paths for line in path.read_text(errors="replace").splitlines()[-6:]]
        return " | ".join(lines)[-1500:]


def _open_files() -> int:
    """How many open files Asterisk may have here: as many as the machine allows, up to what any test needs."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 32_768 if hard == resource.RLIM_INFINITY else min(hard, 32_768)


def _command_line(pid: int) -> list[bytes]:
    """What a process was started with; empty once it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return []


def _link(path: Path, target: Path) -> None:
    if not path.is_symlink():
        path.symlink_to(target)
