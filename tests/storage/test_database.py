"""What becomes of a database's faults, and how long do they hold anything up?"""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from time import monotonic

import pytest
import pytest_asyncio
from sqlalchemy import select, text

from router.lab.postgres import PrivatePostgres, private_postgres
from router.routing.configuration import Put
from router.routing.model import Person
from router.storage import schema
from router.storage.database import (
    CONNECT_WITHIN,
    LOCKED_WITHIN,
    LONGEST_WAIT,
    Conflict,
    Database,
    Unavailable,
    normalised,
)
from router.storage.migrate import upgrade
from router.storage.tables import commit_changes, current_version
from tests.storage.stories import MONDAY_NOON

PUT_PAULA = Put(entity=Person(id=99, name="Paula"))


def test_addresses_get_the_drivers_of_this_room() -> None:
    assert normalised("postgresql://router@host/db").drivername == "postgresql+asyncpg"
    assert normalised("postgresql+psycopg://router@host/db").drivername == "postgresql+asyncpg"
    assert normalised("sqlite:///var/router.db").drivername == "sqlite+aiosqlite"


@pytest.mark.parametrize("url", ["mysql://host/db", "sqlite://", "sqlite:///:memory:"])
def test_other_databases_and_memory_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="sqlite"):
        normalised(url)


async def test_what_fails_in_the_middle_leaves_nothing(furnished: Database) -> None:
    with pytest.raises(Conflict):
        await commit_changes(furnished, [PUT_PAULA, Put(entity=Person(id=100, name="Paul", hours=77))], MONDAY_NOON)
    async with furnished.reading() as look:
        assert await look.rows(select(schema.people).where(schema.people.c.name == "Paula")) == []
    assert await current_version(furnished) == 1


async def test_one_look_sees_one_state_whatever_others_write(furnished: Database) -> None:
    async with furnished.reading() as look:
        before = await look.rows(select(schema.people.c.name))
        await commit_changes(furnished, [PUT_PAULA], MONDAY_NOON)
        assert await look.rows(select(schema.people.c.name)) == before


async def test_changes_made_at_once_get_one_version_each(furnished: Database) -> None:
    changes = [Put(entity=Person(id=200 + number, name=f"Person {number}")) for number in range(4)]
    versions = await asyncio.gather(*(commit_changes(furnished, [change], MONDAY_NOON) for change in changes))
    assert sorted(versions) == [2, 3, 4, 5]


async def test_sqlite_is_set_up_for_readers_beside_a_writer(sqlite_files: Path, tmp_path: Path) -> None:
    shutil.copy(sqlite_files / "furnished.db", tmp_path / "router.db")
    db = Database(f"sqlite:///{tmp_path}/router.db")
    async with db.reading() as look:
        answers = [
            (await look.run(text(f"PRAGMA {name}"))).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    await db.close()
    assert answers == ["wal", 1, 1, LOCKED_WITHIN * 1000]


async def test_a_locked_sqlite_can_be_read_and_tells_a_writer_to_come_back(sqlite_files: Path, tmp_path: Path) -> None:
    shutil.copy(sqlite_files / "furnished.db", tmp_path / "router.db")
    db = Database(f"sqlite:///{tmp_path}/router.db")
    with sqlite3.connect(tmp_path / "router.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        assert await current_version(db) == 1
        with pytest.raises(Unavailable, match="locked"):
            await commit_changes(db, [PUT_PAULA], MONDAY_NOON)
        other.execute("ROLLBACK")
    other.close()
    assert await commit_changes(db, [PUT_PAULA], MONDAY_NOON) == 2
    await db.close()


async def test_a_sqlite_file_that_was_moved_away_is_missed_until_it_is_back(sqlite_files: Path, tmp_path: Path) -> None:
    file = Path(shutil.copy(sqlite_files / "furnished.db", tmp_path / "router.db"))
    db = Database(f"sqlite:///{file}")
    assert await current_version(db) == 1
    shutil.move(file, tmp_path / "elsewhere.db")
    with pytest.raises(Unavailable, match="is gone"):
        await current_version(db)
    shutil.copy(sqlite_files / "furnished.db", file)
    with pytest.raises(Unavailable, match="another file"):
        await current_version(db)
    shutil.move(tmp_path / "elsewhere.db", file)
    assert await current_version(db) == 1
    await db.close()


async def test_a_sqlite_file_that_cant_be_opened_is_unavailable(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path}/no/such/folder/router.db")
    with pytest.raises(Unavailable):
        await current_version(db)
    await db.close()


@pytest.fixture
def own_server(pytestconfig: pytest.Config) -> Iterator[PrivatePostgres]:
    with private_postgres(pytestconfig.rootpath / "var") as server:
        upgrade(server.url)
        yield server


@pytest_asyncio.fixture
async def own(own_server: PrivatePostgres) -> AsyncIterator[Database]:
    db = Database(own_server.url)
    yield db
    await db.close()


@pytest.mark.postgresql
async def test_a_stopped_server_is_told_at_once_and_used_again_when_it_is_back(
    own_server: PrivatePostgres, own: Database
) -> None:
    assert await current_version(own) == 0
    own_server.stop()
    began = monotonic()
    with pytest.raises(Unavailable):
        await current_version(own)
    assert monotonic() - began < CONNECT_WITHIN
    own_server.start()
    assert await current_version(own) == 0


@pytest.mark.postgresql
async def test_a_frozen_server_holds_up_only_who_talks_to_it_and_not_for_ever(
    own_server: PrivatePostgres, own: Database
) -> None:
    assert await current_version(own) == 0
    turns = 0

    async def something_else() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.01)
            turns += 1

    elsewhere = asyncio.create_task(something_else())
    own_server.freeze()
    began = monotonic()
    with pytest.raises(Unavailable):
        await current_version(own)
    waited = monotonic() - began
    own_server.thaw()
    elsewhere.cancel()
    assert waited < LONGEST_WAIT
    assert turns > 50  # the loop had its turns all the time
    assert await current_version(own) == 0
