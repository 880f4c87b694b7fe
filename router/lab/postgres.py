"""Where does a private PostgreSQL come from, for tests that need a real one?

An installed server is used, else Debian's package unpacked into an ignored folder; either way it runs as an ordinary
user on a unix socket in a folder of its own, keeps nothing, and is gone with the block that started it.
"""

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from router.lab.packages import Say, fetch, multiarch

START_WITHIN = 20.0  # seconds; it takes 0.2, and a busy machine a few
STOP_WITHIN = 10.0  # seconds for the fast shutdown; then it is killed, nothing of it is kept
INITDB_WITHIN = 60.0  # seconds; it takes 0.8
CREATE_WITHIN = 20.0  # seconds for one statement of an administrator
NOBODY = 65534  # the user id that owns nothing; PostgreSQL refuses to run as root
USER = "router"
MEMORY = Path("/dev/shm")
ROOM = 2 * 1024**3  # bytes; a server with a million account numbers has 300 MB, and others want memory as well
FORGETFUL = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")  # the data dies with the test anyway
QUIET = ("autovacuum=off", "max_connections=50", "shared_buffers=64MB", "jit=off")


class PostgresFailed(Exception):
    """The private PostgreSQL can't be had, or doesn't do what it was asked; the message carries its own words."""


class PrivatePostgres:
    """One server with its own data. `url` leads to its first database; `create` makes further ones in it."""

    def __init__(self, programs: Path, libraries: Sequence[Path], home: Path) -> None:
        self._programs = programs
        self._home = home
        self._owner = NOBODY if os.geteuid() == 0 else None
        self._environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"}
        if libraries:
            self._environment["LD_LIBRARY_PATH"] = os.pathsep.join(str(folder) for folder in libraries)
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return self.url_of("postgres")

    @property
    def socket(self) -> Path:
        """Where it listens, for a proxy before it."""
        return self._home / ".s.PGSQL.5432"

    def url_of(self, database: str) -> str:
        """The address of one database of this server, as SQLAlchemy and libpq read it."""
        return f"postgresql://{USER}@/{database}?host={self._home}"

    def create_data(self) -> None:
        """Make the data folder. Raises PostgresFailed with initdb's own words."""
        if self._owner is not None:
            os.chown(self._home, self._owner, self._owner)
        words = ["--pgdata", str(self._data), "--username", USER, "--auth", "trust", "--encoding", "UTF8", "--no-sync"]
        made = self._run("initdb", *words, "--locale", "C", within=INITDB_WITHIN)
        if made.returncode != 0:
            raise PostgresFailed(f"initdb failed: {made.stderr.decode(errors='replace').strip()}")

    def start(self) -> None:
        """Start the server and wait until it accepts connections. Raises PostgresFailed when it doesn't in time."""
        options = [word for option in (*FORGETFUL, *QUIET) for word in ("-c", option)]
        with self._log.open("ab") as log:
            self._server = subprocess.Popen(
                [self._programs / "postgres", "-D", self._data, "-k", self._home, "-h", "", *options],
                env=self._environment,
                cwd=self._home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us; we stop it in order
                **self._ownership(),
            )
        deadline = monotonic() + START_WITHIN
        while monotonic() < deadline:
            if self._server.poll() is not None:
                raise PostgresFailed(f"postgres ended at once: {self._last_words()}")
            if self._run("pg_isready", "-h", str(self._home), within=CREATE_WITHIN).returncode == 0:
                return
            sleep(0.02)  # pg_isready has no way to wait
        raise PostgresFailed(f"postgres was not ready within {START_WITHIN} s: {self._last_words()}")

    def stop(self) -> None:
        """End the server, its connections with it; a frozen one as well. Stopping twice is no fault."""
        if self._server is None:
            return
        self.thaw()
        self._server.send_signal(signal.SIGINT)  # PostgreSQL's fast shutdown: doesn't wait for clients
        try:
            self._server.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            for process in self._processes():
                _signal(process, signal.SIGKILL)
            self._server.wait(STOP_WITHIN)
        self._server = None

    def freeze(self) -> None:
        """Stop the server in mid-breath: connections stay open, nothing answers."""
        for process in self._processes():
            _signal(process, signal.SIGSTOP)

    def thaw(self) -> None:
        for process in self._processes():
            _signal(process, signal.SIGCONT)

    def create(self, database: str, *, like: str = "template1") -> str:
        """Make one more database, a copy of `like`, and return its address. Raises PostgresFailed."""
        for name in (database, like):
            if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
                raise PostgresFailed(f"{name!r} is no plain name for a database")
        self.run_sql(f"CREATE DATABASE {database} TEMPLATE {like}")
        return self.url_of(database)

    def drop(self, database: str) -> None:
        """Remove a database, whoever is still connected to it. Raises PostgresFailed."""
        if not re.fullmatch(r"[a-z][a-z0-9_]*", database):
            raise PostgresFailed(f"{database!r} is no plain name for a database")
        self.run_sql(f"DROP DATABASE {database} WITH (FORCE)")

    def run_sql(self, statement: str) -> None:
        """Run one statement as the administrator. Raises PostgresFailed with the server's words."""
        words = ["-h", str(self._home), "-U", USER, "-d", "postgres", "-X", "-q", "-c", statement]
        done = self._run("psql", *words, within=CREATE_WITHIN)
        if done.returncode != 0:
            raise PostgresFailed(f"{statement}: {done.stderr.decode(errors='replace').strip()}")

    def dump(self, database: str) -> bytes:
        """A copy of this database, made beside whoever uses it. Raises PostgresFailed with pg_dump's words."""
        done = self._run(
            "pg_dump", "-h", str(self._home), "-U", USER, "--format=custom", database, within=CREATE_WITHIN
        )
        if done.returncode != 0:
            raise PostgresFailed(f"pg_dump: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout

    def restore(self, dump: bytes, database: str) -> str:
        """Make a database of such a copy, and return its address. Raises PostgresFailed with pg_restore's words."""
        address = self.create(database)
        words = ["-h", str(self._home), "-U", USER, "--exit-on-error", "--dbname", database]
        done = self._run("pg_restore", *words, within=CREATE_WITHIN, given=dump)
        if done.returncode != 0:
            raise PostgresFailed(f"pg_restore: {done.stderr.decode(errors='replace').strip()}")
        return address

    @property
    def _data(self) -> Path:
        return self._home / "data"

    @property
    def _log(self) -> Path:
        return self._home / "log"

    def _last_words(self) -> str:
        return self._log.read_text(errors="replace").strip()[-2000:]

    def _run(self, program: str, *words: str, within: float, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [self._programs / program, *words],
            input=given,
            env=self._environment,
            cwd=self._home,
            capture_output=True,
            check=False,
            timeout=within,
            **self._ownership(),
        )

    def _ownership(self) -> dict[str, Any]:
        if self._owner is None:
            return {}
        return {"user": self._owner, "group": self._owner, "extra_groups": []}

    def _processes(self) -> list[int]:
        """The server and its children, parent first: each child is a session of its own, so no group holds them."""
        if self._server is None or self._server.poll() is not None:
            return []
        return [self._server.pid, *_children(self._server.pid)]


@contextmanager
def private_postgres(folder: Path, say: Say = print) -> Iterator[PrivatePostgres]:
    """Start a private PostgreSQL; what has to be unpacked for it is kept in `folder`.

    Raises PostgresFailed, and PackagesUnavailable when it is neither installed nor to be had.
    """
    programs, libraries = find_programs(folder, say)
    home = Path(tempfile.mkdtemp(prefix="router-postgres-", dir=_roomy_memory()))
    server = PrivatePostgres(programs, libraries, home)
    try:
        server.create_data()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


def find_programs(folder: Path, say: Say, *, installed: bool = True) -> tuple[Path, tuple[Path, ...]]:
    """The folder of PostgreSQL's programs and those of the libraries they need: installed, or unpacked in `folder`.

    Raises PackagesUnavailable, and PostgresFailed when Debian's package has no server in it.
    """
    if installed and (found := _newest(Path("/"))):
        return found, ()
    # of the machine's own suite, so that its programs run with the machine's own loader
    root = fetch(["postgresql"], folder / "postgresql", None, say)
    found = _newest(root)
    if found is None:
        raise PostgresFailed(f"no PostgreSQL server in {root}: install Debian's package postgresql")
    return found, (root / "usr" / "lib" / multiarch(),)


def _roomy_memory() -> Path | None:
    """Where the data may live in memory: ten times faster when the disk is busy. None for the temporary folder.

    Never in the project's own: a socket's path may have 107 bytes at most, and the owner must be able to reach it.
    """
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ROOM:
        return MEMORY
    return None


def _newest(root: Path) -> Path | None:
    servers = root.glob("usr/lib/postgresql/*/bin/postgres")
    by_version = {float(server.parts[-3]): server.parent for server in servers}
    return by_version[max(by_version)] if by_version else None


def _children(parent: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended while we were looking
        if int(after_name[1]) == parent:
            found.append(int(status.parent.name))
    return found


def _signal(process: int, what: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, what)
