"""Does whoever has started the router as a service hear the truth of it?"""

import asyncio
import os
import re
import signal
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.lab.ports import Ports
from router.lab.process import RouterFailed, RouterProcess
from router.service import STOPS
from router.supervisor import Supervisor, who_waits

PATIENCE = 0.6  # seconds; the unit's are longer, and what they do is the same
SOON = 30.0  # seconds for a process that starts in one, on a busy machine
NOBODY = 9  # the port of "discard": nobody listens there


class Systemd:
    """The side of systemd: a socket at which a service tells of itself."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.said: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{address[1:]}" if address.startswith("@") else address)

    def close(self) -> None:
        self._socket.close()

    def hear(self, within: float) -> list[str]:
        """The words of the next message; none when there is none within so many seconds."""
        self._socket.settimeout(within)
        try:
            words = self._socket.recv(4096).decode().split("\n")
        except TimeoutError:
            return []
        self.said += words
        return words

    def hear_all(self) -> list[str]:
        """What has been said up to now."""
        words: list[str] = []
        with suppress(BlockingIOError):
            while more := self.hear(0):
                words += more
        return words

    def wait_for(self, matches: Callable[[str], bool], within: float = SOON) -> str:
        """Wait until this has been said."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            for word in self.hear(max(0.01, deadline - time.monotonic())):
                if matches(word):
                    return word
        raise AssertionError(f"not said within {within:g} s; said was {self.said}")

    def wait_for_status(self, pattern: str) -> str:
        return self.wait_for(lambda word: word.startswith("STATUS=") and re.search(pattern, word) is not None)


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    listening = Systemd(str(tmp_path / "notify"))
    yield listening
    listening.close()


@contextmanager
def service(systemd: Systemd, folder: Path, database: str, only: str | None = None) -> Iterator[RouterProcess]:
    """The router as systemd starts it, with a PBX that isn't there. It has ended in order when the block ends."""
    ports = Ports()
    environment = {
        "ROUTER_AMI_PORT": str(NOBODY),
        "ROUTER_AMI_SECRET": "a-secret-for-nobody",
        "ROUTER_DATABASE": database,
        "NOTIFY_SOCKET": systemd.address,
        "WATCHDOG_USEC": str(round(PATIENCE * 1_000_000)),
    }
    router = RouterProcess(folder / "router", environment, http_port=ports.passing(), key="", only=only)
    router.start(wait=False)
    try:
        yield router
    finally:
        router.stop()
        ports.close()


@pytest.mark.parametrize("in_a_folder", [True, False], ids=["a path", "an abstract name"])
def test_words_arrive_wherever_systemd_listens(tmp_path: Path, in_a_folder: bool) -> None:
    name = str(tmp_path / "notify") if in_a_folder else _abstract("stops")
    systemd = Systemd(name)

    Supervisor(address=name).stopping("Stops.")

    assert systemd.hear(SOON) == ["STOPPING=1", "STATUS=Stops."]
    systemd.close()


def test_it_is_ready_beats_and_stops_though_neither_pbx_nor_database_are_there(tmp_path: Path) -> None:
    away = f"postgresql://router@127.0.0.1:{NOBODY}/router"
    with ExitStack() as stack:
        halves: list[tuple[Systemd, RouterProcess]] = []
        for only in (None, "calls", "web"):  # side by side: a start is what takes time
            systemd = Systemd(_abstract(only or "whole"))
            stack.callback(systemd.close)
            halves.append((systemd, stack.enter_context(service(systemd, tmp_path / str(only), away, only))))
        whole, frozen = halves[0]
        whole.wait_for(lambda word: word == "WATCHDOG=1")
        frozen.freeze()
        whole.hear_all()
        assert whole.hear(3 * PATIENCE) == [], "who hangs says nothing any more"
        frozen.thaw()
        for systemd, router in halves:
            for _ in range(3):
                systemd.wait_for(lambda word: word == "WATCHDOG=1")
            assert [said for said in systemd.said if re.search("^STATUS=Not ready: .*can't be reached", said)] != []

            router.stop()  # raises when it doesn't in time

            assert {"STOPPING=1", f"STATUS={STOPS}"} <= set(systemd.hear_all() + systemd.said)
            assert systemd.said.count("READY=1") == 1


def test_migrations_that_take_long_keep_no_beat_from_being_heard_and_an_end_by_force_says_in_which_line(
    systemd: Systemd, tmp_path: Path
) -> None:
    file = tmp_path / "router.db"
    somebody = sqlite3.connect(file, isolation_level=None)
    somebody.execute("PRAGMA journal_mode=WAL")
    somebody.execute("BEGIN EXCLUSIVE")  # the migrations wait for as long as this holds
    with service(systemd, tmp_path, f"sqlite:///{file}", "web") as router:
        systemd.wait_for(lambda word: word == "READY=1")
        for _ in range(4):
            systemd.wait_for(lambda word: word == "WATCHDOG=1")
        somebody.execute("ROLLBACK")
        systemd.wait_for_status("^STATUS=Not ready: .*table can be made of version 0: no desk is the safety net")

        os.kill(router.pid, signal.SIGABRT)  # what systemd does with who has missed its beats
        assert _until(lambda: not router.alive)
        told = router.log_file.read_text()
        with pytest.raises(RouterFailed, match="ended with -6"):
            router.stop()
    somebody.close()

    assert "Fatal Python error: Aborted" in told
    assert re.search(r'File ".*/router/__main__\.py", line \d+ in serve', told)


async def test_what_changes_is_told_and_what_stays_is_not_said_again(systemd: Systemd) -> None:
    stands = ["Steers calls by table 1."]
    async with asyncio.TaskGroup() as tasks:
        telling = tasks.create_task(Supervisor(address=systemd.address, patience=0.02).follow(lambda: stands[0]))
        await asyncio.to_thread(systemd.wait_for, lambda word: word == "STATUS=Steers calls by table 1.")
        for _ in range(5):
            await asyncio.to_thread(systemd.wait_for, lambda word: word == "WATCHDOG=1")
        stands[0] = "Steers calls by table 2."
        await asyncio.to_thread(systemd.wait_for, lambda word: word == "STATUS=Steers calls by table 2.")
        telling.cancel()

    assert [word for word in systemd.said if word.startswith("STATUS=")] == [
        "STATUS=Steers calls by table 1.",
        "STATUS=Steers calls by table 2.",
    ]


async def test_that_it_is_ready_is_said_until_it_was_heard(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    async with asyncio.TaskGroup() as tasks:
        telling = tasks.create_task(Supervisor(address=address, patience=0.02).follow(lambda: "Steers calls."))
        await asyncio.sleep(0)  # it has said so once, to nobody
        systemd = Systemd(address)
        await asyncio.to_thread(systemd.wait_for, lambda word: word == "READY=1")
        telling.cancel()
    systemd.close()

    assert systemd.said[:3] == ["READY=1", "WATCHDOG=1", "STATUS=Steers calls."]


async def test_a_sentence_that_can_not_be_made_ends_nobody(systemd: Systemd) -> None:
    def fails() -> str:
        raise RuntimeError("a slip")

    async with asyncio.TaskGroup() as tasks:
        telling = tasks.create_task(Supervisor(address=systemd.address, patience=0.02).follow(fails))
        for _ in range(3):
            await asyncio.to_thread(systemd.wait_for, lambda word: word == "WATCHDOG=1")
        telling.cancel()

    assert "STATUS=How it stands can't be told; the log says why." in systemd.said


@given(said=st.text())
def test_whatever_a_sentence_holds_it_is_one_line_of_the_protocol(said: str) -> None:
    name = _abstract("words")
    systemd = Systemd(name)

    async def tell() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(0.001):
                await Supervisor(address=name).follow(lambda: said)

    asyncio.run(tell())
    words = systemd.hear(SOON)
    systemd.close()

    assert [word.partition("=")[0] for word in words] in (["READY"], ["READY", "STATUS"])


def test_who_was_started_by_nobody_says_nothing() -> None:
    environment = {"PATH": "/usr/bin"}

    assert who_waits(environment, 1) == Supervisor()
    Supervisor().stopping("Stops.")
    assert environment == {"PATH": "/usr/bin"}


def test_programs_that_it_starts_do_not_answer_for_it() -> None:
    environment = {"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "15000000", "WATCHDOG_PID": "7", "PATH": "/usr/bin"}

    assert who_waits(environment, 7) == Supervisor(address="/run/n", patience=15.0)
    assert environment == {"PATH": "/usr/bin"}


@pytest.mark.parametrize(
    ("meant_for", "microseconds"), [("8", "15000000"), ("7", ""), ("7", "soon"), ("7", "0"), ("7", "-1")]
)
def test_beats_are_sent_only_where_they_are_waited_for(meant_for: str, microseconds: str) -> None:
    environment = {"NOTIFY_SOCKET": "@n", "WATCHDOG_USEC": microseconds, "WATCHDOG_PID": meant_for}

    assert who_waits(environment, 7) == Supervisor(address="@n")


def _abstract(name: str) -> str:
    """A name of its own among those that are no files."""
    return f"@call-router-{name}-{os.getpid()}-{time.monotonic_ns()}"


def _until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + SOON
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()
