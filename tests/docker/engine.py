"""Where does a container engine come from, and how does the machine look as before when it has gone?

An engine that is reached already (DOCKER_HOST, or its usual socket) is used as it is. Else root starts one of Debian's
packages with everything of its own in one folder, which also keeps what takes long: base images and layers.
"""

import fcntl
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.docker.traces import Traces

PROGRAMS = {"dockerd": "docker.io", "docker": "docker.io", "docker-compose": "docker-compose", "iptables": "iptables"}

START_WITHIN = 60.0  # seconds; 2 are usual, and layers of a run that was killed are looked through first
STOP_WITHIN = 60.0  # seconds; it stops its containers, which may take 20 s each side by side
ANSWER_WITHIN = 60.0  # seconds for one word to the engine; less than one is usual
LOOK_EVERY = 0.05  # seconds between two looks at something that has no event to wait for


class NoEngine(Exception):
    """No container engine can run here; the message is one sentence that says what is missing."""


class EngineFailed(Exception):
    """The engine didn't do what it was told; the message carries its own words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """One that runs. `host` is its address as DOCKER_HOST has it ("": the client's own choice), `own`: it is ours."""

    host: str
    own: bool
    environment: Mapping[str, str] = field(default_factory=dict)

    def docker(self, *words: str, within: float = ANSWER_WITHIN) -> str:
        """What `docker` prints. Raises EngineFailed."""
        return self.told(["docker", *words], within=within)

    def told(
        self,
        command: Sequence[str],
        *,
        within: float = ANSWER_WITHIN,
        folder: Path | None = None,
        more: Mapping[str, str] | None = None,
    ) -> str:
        """What a client of this engine prints, with `more` in its environment. Raises EngineFailed."""
        environment = {**os.environ, **self.environment, **(more or {})}
        if self.host:
            environment["DOCKER_HOST"] = self.host
        try:
            done = subprocess.run(
                command,
                env=environment,
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=within,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except subprocess.TimeoutExpired as late:
            raise EngineFailed(f"{' '.join(command)} took longer than {within:.0f} s: {late.stderr!r}") from None
        if done.returncode:
            raise EngineFailed(f"{' '.join(command)} ended with {done.returncode}: {_end(done.stdout + done.stderr)}")
        return done.stdout


@contextmanager
def engine(folder: Path) -> Iterator[Engine]:
    """An engine, for as long as the block lasts. Raises NoEngine."""
    found = Engine(host="", own=False)
    try:
        found.docker("version")
    except (EngineFailed, FileNotFoundError):
        with _own_engine(folder) as found:
            yield found
    else:
        yield found


@contextmanager
def _own_engine(folder: Path) -> Iterator[Engine]:
    missing = sorted({package for program, package in PROGRAMS.items() if shutil.which(program) is None})
    if missing:
        raise NoEngine(f"no container engine can run here: {', '.join(missing)} not installed (Debian's packages)")
    if os.geteuid() != 0:
        raise NoEngine("no container engine can run here: only root starts one (or name one that runs, by DOCKER_HOST)")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise NoEngine(f"no container engine can run here: another run uses {folder}") from None
        _end_a_forgotten_one(folder)
        before = Traces.found()
        # not below `folder`: the name of a socket may have no more than 107 letters
        runtime = Path(tempfile.mkdtemp(prefix="router-engine-"))
        try:
            with _started(folder, runtime) as found:
                yield found
        finally:
            shutil.rmtree(runtime, ignore_errors=True)
            left = before.restore()
            if left:
                raise EngineFailed(f"the engine has gone, and left behind: {left}")


@contextmanager
def _started(folder: Path, runtime: Path) -> Iterator[Engine]:
    address = f"unix://{runtime}/engine.sock"
    log = folder / "engine.log"
    for settings in ("engine.json", "client/config.json"):  # of nobody's: the machine's own are not for here
        (runtime / settings).parent.mkdir(exist_ok=True)
        (runtime / settings).write_text("{}")
    with log.open("wb") as out:
        process = subprocess.Popen(
            _command(folder, runtime, address),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for us; we stop it in order
        )
    found = Engine(host=address, own=True, environment={"DOCKER_CONFIG": str(runtime / "client")})
    try:
        _wait_until_it_answers(found, process, log)
        # of a run that was killed
        found.docker("container", "prune", "-f")
        found.docker("volume", "prune", "-f")
        found.docker("network", "prune", "-f")
        yield found
    finally:
        _stop(process)


def _command(folder: Path, runtime: Path, address: str) -> list[str]:
    return [
        "dockerd", "--data-root", str(folder / "data"), "--exec-root", str(runtime / "exec"),
        "--pidfile", str(folder / "pid"), "--config-file", str(runtime / "engine.json"), "-H", address,
    ]  # fmt: skip


def _wait_until_it_answers(found: Engine, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_WITHIN
    while True:
        with suppress(EngineFailed):
            found.docker("version")
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise NoEngine(f"no container engine can run here: {_end(log.read_text(errors='replace'), 400)}")
        time.sleep(LOOK_EVERY)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(STOP_WITHIN)


def _end_a_forgotten_one(folder: Path) -> None:
    """A run that was killed leaves its engine running, which holds the folder."""
    try:
        pid = int((folder / "pid").read_text())
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except (OSError, ValueError):
        return
    if not re.search(r"(^|/)dockerd$", words[0]) or str(folder / "data") not in words:
        return
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_WITHIN
    while Path(f"/proc/{pid}").exists():
        if time.monotonic() > deadline:
            raise NoEngine(f"no container engine can run here: one of an earlier run doesn't end ({shlex.join(words)})")
        time.sleep(LOOK_EVERY)


def _end(text: str, length: int = 3000) -> str:
    return " | ".join(line.strip() for line in text.splitlines() if line.strip())[-length:]
