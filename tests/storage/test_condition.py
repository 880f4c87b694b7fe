"""Is it known of a database whose tables it has, whether it takes writes, and who speaks by its locks?"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from router.lab.postgres import PrivatePostgres
from router.storage.condition import Condition, Tables, look_at
from router.storage.database import Database
from router.storage.migrate import downgrade, upgrade
from router.storage.speaker import SpeakerLock
from tests.storage.conftest import database_like
from tests.storage.stories import SOON


@pytest.fixture
def postgres_url(postgres: PrivatePostgres) -> Iterator[str]:
    yield from database_like(postgres, "migrated")


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    db = Database(url)
    try:
        yield db
    finally:
        await db.close()


def condition_of(url: str) -> Condition:
    async def look() -> Condition:
        async with opened(url) as db:
            return await look_at(db, "pbx", utc_now)

    return asyncio.run(look())


def test_an_empty_one_an_older_one_ours_and_a_newer_one_are_told_apart(blank_url: str) -> None:
    seen = [condition_of(blank_url)]
    upgrade(blank_url)
    seen.append(condition_of(blank_url))
    downgrade(blank_url, "-1")
    seen.append(condition_of(blank_url))
    upgrade(blank_url)
    asyncio.run(say(blank_url, "UPDATE alembic_version SET version_num = '9999'"))
    seen.append(condition_of(blank_url))

    assert [one.tables for one in seen] == [Tables.NONE, Tables.OURS, Tables.OLDER, Tables.NEWER]
    assert all(one.writable for one in seen)
    assert seen[1].revision == seen[1].newest != seen[2].revision


def test_only_a_server_has_a_clock_and_locks(url: str) -> None:
    condition = condition_of(url)

    if url.startswith("sqlite"):
        assert (condition.ahead, condition.speakers) == (None, None)
    else:
        assert condition.ahead is not None
        assert abs(condition.ahead) <= condition.unsure + 0.1
        assert condition.speakers is not None
        assert (condition.speakers.one_speaks, condition.speakers.standing_by) == (False, 0)


def test_a_file_that_somebody_has_locked_takes_no_writes(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/router.db"
    upgrade(url)

    async def look() -> Condition:
        async with opened(url) as somebody, opened(url) as db, somebody.writing() as transaction:
            await transaction.run(text("SELECT 1"))
            return await look_at(db, "pbx", utc_now)

    assert not asyncio.run(look()).writable


@pytest.mark.postgresql
async def test_who_leads_and_who_stands_by_is_seen_in_the_locks(postgres_url: str) -> None:
    async with opened(postgres_url) as db:
        first, second = SpeakerLock(db, "pbx"), SpeakerLock(db, "pbx")
        running = [asyncio.create_task(lock.run()) for lock in (first, second)]
        first.want(speaking=True)
        await until(first, lambda: first.held)
        second.want(speaking=False)
        await until(second, lambda: second.elsewhere)

        condition, other = await look_at(db, "pbx", utc_now), await look_at(db, "another", utc_now)

        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    assert condition.speakers is not None
    assert (condition.speakers.one_speaks, condition.speakers.standing_by) == (True, 1)
    assert other.speakers is not None
    assert not other.speakers.one_speaks


def utc_now() -> datetime:
    return datetime.now(UTC)


async def until(lock: SpeakerLock, condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON):
        while not condition():
            await lock.wait(SOON)


async def say(url: str, statement: str) -> None:
    async with opened(url) as db, db.writing() as transaction:
        await transaction.run(text(statement))
