"""Do the migrations make the very tables that the code speaks of, on both databases, and unmake them?"""

import asyncio
import re
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import text

from router.lab.postgres import PrivatePostgres
from router.storage.database import Database, NotMigrated, Unavailable, engine_for
from router.storage.migrate import config_for, downgrade, upgrade
from router.storage.schema import metadata
from router.storage.tables import current_version


def test_up_down_and_up_again_leaves_what_the_code_expects(blank_url: str) -> None:
    upgrade(blank_url)
    downgrade(blank_url, "base")
    upgrade(blank_url)
    command.check(config_for(blank_url))


@pytest.mark.postgresql
def test_every_constraint_of_the_code_is_in_postgresql_word_for_word(postgres: PrivatePostgres) -> None:
    upgrade(migrated := postgres.create("made_by_migrations"))
    asyncio.run(_make_as_the_code_says(declared := postgres.create("made_by_the_code")))
    assert asyncio.run(_catalogue(migrated)) == asyncio.run(_catalogue(declared))


def test_every_constraint_of_the_code_is_in_sqlite_word_for_word(tmp_path: Path) -> None:
    migrated, declared = (f"sqlite:///{tmp_path}/{name}.db" for name in ("migrated", "declared"))
    upgrade(migrated)
    asyncio.run(_make_as_the_code_says(declared))
    assert asyncio.run(_words(migrated)) == asyncio.run(_words(declared))


async def test_a_database_without_tables_says_what_to_do(blank_url: str) -> None:
    db = Database(blank_url)
    with pytest.raises(NotMigrated, match="run the migrations"):
        await current_version(db)
    await db.close()


def test_a_database_that_is_newer_than_the_code_is_left_alone(tmp_path: Path) -> None:
    upgrade(url := f"sqlite:///{tmp_path}/router.db")
    with sqlite3.connect(tmp_path / "router.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'from-the-future'")
    connection.close()
    with pytest.raises(NotMigrated, match="another version of the router"):
        upgrade(url)


def test_a_server_that_is_not_there_is_unavailable_to_migrations_too(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        upgrade(f"postgresql://router@/router?host={tmp_path}")


def test_the_folder_of_a_new_database_is_made(tmp_path: Path) -> None:
    upgrade(f"sqlite:///{tmp_path}/var/router.db")
    assert (tmp_path / "var" / "router.db").is_file()


def test_two_processes_that_start_at_once_in_any_folder_make_the_tables_once(blank_url: str, tmp_path: Path) -> None:
    program = f"from router.storage.migrate import upgrade; upgrade({blank_url!r})"
    both = [
        subprocess.Popen([sys.executable, "-c", program], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    ends = [process.communicate(timeout=60)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], ends
    command.check(config_for(blank_url))


async def _make_as_the_code_says(url: str) -> None:
    engine = engine_for(url)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    await engine.dispose()


async def _catalogue(url: str) -> set[str]:
    """What PostgreSQL knows of the columns, constraints, indexes and triggers of our tables."""
    return {
        str(row[0])
        for query in (
            "SELECT conrelid::regclass || conname || pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE connamespace = 'public'::regnamespace",
            "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
            "SELECT table_name || column_name || data_type || is_nullable || coalesce(character_maximum_length, 0)"
            " FROM information_schema.columns WHERE table_schema = 'public'",
            "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
            "SELECT prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
        )
        for row in await _rows(url, query)
        if "alembic" not in row[0]
    }


async def _words(url: str) -> dict[str, Counter[str]]:
    """How often each word stands in the definition of each of our tables and indexes; their order is free."""
    rows = await _rows(url, "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    return {row[0]: Counter(re.findall(r"[^\s,()\"]+", row[1])) for row in rows if "alembic" not in row[0]}


async def _rows(url: str, query: str) -> list[tuple[Any, ...]]:
    db = Database(url)
    async with db.reading() as look:
        rows = [tuple(row) for row in await look.run(text(query))]
    await db.close()
    return rows
