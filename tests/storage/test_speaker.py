"""Has at most one process the lock of a PBX, and is it free as soon as its holder is gone?"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress

import pytest

from router.lab.postgres import PrivatePostgres, private_postgres
from router.storage.database import Database
from router.storage.speaker import AGAIN_STANDING_BY, SpeakerLock
from tests.storage.conftest import database_like
from tests.storage.stories import SOON

pytestmark = pytest.mark.postgresql


@pytest.fixture
def postgres_url(postgres: PrivatePostgres) -> Iterator[str]:
    yield from database_like(postgres, "migrated")


@pytest.fixture
def own_server(pytestconfig: pytest.Config) -> Iterator[PrivatePostgres]:
    with private_postgres(pytestconfig.rootpath / "var") as server:
        yield server


@asynccontextmanager
async def process(url: str, pbx: str = "pbx", *, speaking: bool = False) -> AsyncIterator[SpeakerLock]:
    """One process that wants to speak."""
    db = Database(url)
    lock = SpeakerLock(db, pbx)
    running = asyncio.create_task(lock.run())
    lock.want(speaking=speaking)
    try:
        yield lock
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        await db.close()


async def until(lock: SpeakerLock, condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON):
        while not condition():
            await lock.wait(SOON)


async def test_the_first_has_it_and_the_second_knows_it(postgres_url: str) -> None:
    async with process(postgres_url) as first:
        await until(first, lambda: first.held)
        async with process(postgres_url) as second:
            await until(second, lambda: second.elsewhere)
            assert (first.held, second.held) == (True, False)


async def test_each_pbx_has_its_own(postgres_url: str) -> None:
    async with process(postgres_url, "north") as north, process(postgres_url, "south") as south:
        await until(north, lambda: north.held)
        await until(south, lambda: south.held)


async def test_when_its_holder_has_died_who_waits_has_it(postgres_url: str) -> None:
    async with process(postgres_url) as second:
        async with process(postgres_url) as first:
            # whoever came first
            await until(second, lambda: second.held or second.elsewhere)
            await until(first, lambda: first.held or first.elsewhere)
        await until(second, lambda: second.held)


async def test_who_gives_it_away_learns_whether_somebody_waits(postgres_url: str) -> None:
    async with process(postgres_url) as first:
        await until(first, lambda: first.held)
        async with process(postgres_url) as second:
            await until(second, lambda: second.elsewhere)
            assert await first.give_away() is True
            await until(second, lambda: second.held)
            assert await second.give_away() is False


async def test_who_lets_go_of_it_can_have_it_again(postgres_url: str) -> None:
    async with process(postgres_url) as lock:
        await until(lock, lambda: lock.held)
        lock.release()
        await until(lock, lambda: not lock.held)
        lock.want(speaking=False)
        await until(lock, lambda: lock.held)


async def test_without_the_database_nobody_has_it_and_who_speaks_has_it_again_first(
    own_server: PrivatePostgres,
) -> None:
    async with process(own_server.url) as first, process(own_server.url) as second:
        await until(first, lambda: first.held or first.elsewhere)
        await until(second, lambda: second.held or second.elsewhere)
        speaks, stands_by = (first, second) if first.held else (second, first)
        speaks.want(speaking=True)

        own_server.stop()
        await until(speaks, lambda: not speaks.held)
        await until(stands_by, lambda: not stands_by.elsewhere)
        own_server.start()

        await until(speaks, lambda: speaks.held)
        async with asyncio.timeout(SOON + AGAIN_STANDING_BY):
            await until(stands_by, lambda: stands_by.elsewhere)
