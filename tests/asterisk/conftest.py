"""What does every story told to a real Asterisk stand on?"""

import asyncio
import itertools
import json
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from router.lab.asterisk import PrivateAsterisk
from router.lab.configuration import Lab
from router.lab.faults import AmiProxy
from router.lab.installation import AsteriskFiles, found_or_fetched
from router.lab.postgres import PrivatePostgres, private_postgres
from router.lab.sample import SAMPLE
from router.lab.stand import endpoints_of
from tests.asterisk import company, giving_up, outside, waiting

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "dialplan"

_numbers = itertools.count(1)

# What Asterisk says of things that a story did on purpose, or that are no fault.
EXPECTED_WARNINGS = (
    r"Abnormal 'Gosub\(router-confirm",  # a far end hung up, or was let go, while it was asked for a key
    r"Unable to join queue 'router-",  # a desk that nobody sits at is left at once, and the next one takes over
)


@pytest.fixture(scope="session")
def files() -> AsteriskFiles:
    return found_or_fetched(ROOT / "var" / "asterisk", print)


@pytest.fixture(scope="module")
def pbx(files: AsteriskFiles, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateAsterisk]:
    """A private Asterisk with the shipped dialplan, which knows the phones of every company told of here."""
    asterisk = PrivateAsterisk(tmp_path_factory.mktemp("pbx"), files, SHIPPED, Lab())
    port = asterisk.ports.one()
    names = (*endpoints_of(SAMPLE), *endpoints_of(company.COMPANY), *endpoints_of(outside.COMPANY))
    asterisk.lab = Lab(phones=dict.fromkeys(names, port), outside_port=asterisk.ports.one())
    with asterisk:
        yield asterisk


@pytest.fixture(scope="module")
def short(files: AsteriskFiles, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateAsterisk]:
    """A private Asterisk on which half a minute, and half an hour, are a few seconds."""
    asterisk = PrivateAsterisk(tmp_path_factory.mktemp("short"), files, SHIPPED, Lab())
    asterisk.lab = Lab(
        phones=dict.fromkeys((*endpoints_of(waiting.COMPANY), *endpoints_of(giving_up.COMPANY)), asterisk.ports.one()),
        outside_port=asterisk.ports.one(),
        extra=waiting.EXTRA,
    )
    with asterisk:
        yield asterisk
        assert asterisk.unexpected_warnings(EXPECTED_WARNINGS) == []


@pytest.fixture(scope="session")
def postgres() -> Iterator[PrivatePostgres]:
    """A PostgreSQL of these stories' own: they stop and freeze it."""
    with private_postgres(ROOT / "var") as server:
        yield server


@pytest.fixture
def quiet(pbx: PrivateAsterisk) -> Iterator[list[str]]:
    """After the story no channel is left, and Asterisk complained of nothing; a story may add what it provokes."""
    began = pbx.log_position()
    expected = list(EXPECTED_WARNINGS)
    yield expected
    if pbx.alive:
        assert pbx.wait_until_quiet() == []
    assert pbx.unexpected_warnings(expected, began) == []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def phones_port(pbx: PrivateAsterisk) -> int:
    """Where all phones of this PBX listen."""
    return next(iter(pbx.lab.phones.values()))


def slips(log: Path) -> list[str]:
    """Lines of a router's log that tell of a fault of its own: tracebacks, and events that it didn't understand."""
    lines = log.read_text().splitlines() if log.exists() else []
    return [
        line for line in lines if not line.startswith("{") or json.loads(line).get("level") in ("error", "critical")
    ]


class Proxy:
    """An AmiProxy in a thread of its own, so that stories can be told in order."""

    def __init__(self, to: int | Path) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.proxy = AmiProxy(to)
        self._run(self.proxy.__aenter__())
        self.port = self.proxy.port

    def do(self, fault: Callable[[], None]) -> None:
        """Let the fault begin (or end), and return when it has."""

        async def now() -> None:
            fault()

        self._run(now())

    def close(self) -> None:
        self._run(self.proxy.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5.0)
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, Any]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10.0)


@contextmanager
def proxy_to(what: PrivateAsterisk | PrivatePostgres) -> Iterator[Proxy]:
    proxy = Proxy(what.ami_port if isinstance(what, PrivateAsterisk) else what.socket)
    try:
        yield proxy
    finally:
        proxy.close()
