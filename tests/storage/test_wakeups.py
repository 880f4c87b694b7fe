"""Is who follows something woken when it was written, here and in other processes, and only then?"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

import pytest
import pytest_asyncio

from router.lab.postgres import PrivatePostgres
from router.storage.database import Database
from router.storage.listening import listen
from router.storage.wakeups import Heard, Topic
from tests.storage.conftest import database_like
from tests.storage.stories import SOON

AT_ONCE = 0.001  # seconds; a wake-up that is there ends the wait before


@pytest.fixture
def postgres_url(postgres: PrivatePostgres) -> Iterator[str]:
    yield from database_like(postgres, "migrated")


@pytest_asyncio.fixture
async def here(postgres_url: str) -> AsyncIterator[Database]:
    db = Database(postgres_url)
    yield db
    await db.close()


@pytest_asyncio.fixture
async def elsewhere(postgres_url: str) -> AsyncIterator[Database]:
    """As another process has it: nothing but the server is shared."""
    db = Database(postgres_url)
    yield db
    await db.close()


@asynccontextmanager
async def listening(db: Database, heard: Heard) -> AsyncIterator[None]:
    """From here on what others write is heard: the first wake-up is the one for what was written before."""
    task = asyncio.create_task(listen(db))
    try:
        assert await heard.wait(SOON)
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def write(db: Database, *topics: Topic) -> None:
    async with db.writing() as transaction:
        for topic in topics:
            await transaction.wake(topic)


async def test_in_one_process_who_follows_is_woken_by_the_commit_and_not_before(db: Database) -> None:
    with db.wakeups.following(Topic.ORDERS) as heard:
        async with db.writing() as transaction:
            await transaction.wake(Topic.ORDERS)
            assert not await heard.wait(AT_ONCE)
        assert await heard.wait(AT_ONCE)


async def test_what_is_undone_wakes_nobody(db: Database) -> None:
    with db.wakeups.following(Topic.ORDERS) as heard:
        with suppress(ValueError):
            async with db.writing() as transaction:
                await transaction.wake(Topic.ORDERS)
                raise ValueError
        assert not await heard.wait(AT_ONCE)


async def test_who_follows_something_else_sleeps_on(db: Database) -> None:
    with db.wakeups.following(Topic.NOTICES, Topic.TABLE) as heard:
        await write(db, Topic.ORDERS, Topic.PRESENCE)
        assert not await heard.wait(AT_ONCE)
        await write(db, Topic.TABLE)
        assert await heard.wait(AT_ONCE)


async def test_a_wake_up_during_a_look_is_not_missed_and_counts_once() -> None:
    heard = Heard()
    heard.wake()
    heard.wake()
    assert await heard.wait(AT_ONCE)
    assert not await heard.wait(AT_ONCE)


@pytest.mark.postgresql
async def test_another_process_hears_of_each_topic_by_itself(here: Database, elsewhere: Database) -> None:
    for topic in Topic:
        with here.wakeups.following(topic) as heard:
            async with listening(here, heard):
                await write(elsewhere, topic)
                assert await heard.wait(SOON)


@pytest.mark.postgresql
async def test_who_lost_the_connection_listens_again_and_looks_at_what_was_written_meanwhile(
    here: Database, elsewhere: Database, postgres: PrivatePostgres
) -> None:
    with here.wakeups.following(Topic.NOTICES) as heard:
        async with listening(here, heard):
            postgres.run_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
            assert await heard.wait(SOON)
            await write(elsewhere, Topic.NOTICES)
            assert await heard.wait(SOON)


async def test_on_sqlite_there_is_nothing_to_listen_to(tmp_path: object) -> None:
    db = Database(f"sqlite:///{tmp_path}/router.db")
    async with asyncio.timeout(SOON):
        await listen(db)
    await db.close()
