"""Does a statement that goes to SQLite's thread and back in one go bring all that it has to tell?"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import Column, Integer, MetaData, Table, insert, select, text, update

from router.storage.database import Conflict, Database
from router.storage.sqlite_driver import AT_ONCE

numbers = Table("numbers", MetaData(), Column("number", Integer, primary_key=True), Column("doubled", Integer))


@pytest_asyncio.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    made = Database(f"sqlite:///{tmp_path}/numbers.db")
    async with made.writing() as transaction:
        await transaction.run(text("CREATE TABLE numbers (number INTEGER PRIMARY KEY, doubled INTEGER)"))
    yield made
    await made.close()


async def fill(db: Database, count: int) -> None:
    async with db.writing() as transaction:
        await transaction.run(insert(numbers), [{"number": nth, "doubled": 2 * nth} for nth in range(count)])


@pytest.mark.parametrize("count", [0, 1, AT_ONCE - 1, AT_ONCE, AT_ONCE + 1, 3 * AT_ONCE])
@pytest.mark.parametrize("size", [1, 100, AT_ONCE, 1000])
async def test_all_rows_come_however_many_and_in_whatever_parts(db: Database, count: int, size: int) -> None:
    if count:
        await fill(db, count)
    in_order = select(numbers.c.number).order_by(numbers.c.number)

    async with db.reading() as look:
        whole = [row.number for row in await look.rows(in_order)]
        parts = [part async for part in look.parts(in_order, size)]

    assert whole == list(range(count))
    assert [row.number for part in parts for row in part] == whole
    assert all(len(part) == size for part in parts[:-1])


async def test_who_looks_at_a_part_only_can_go_on_with_other_statements(db: Database) -> None:
    await fill(db, 3 * AT_ONCE)

    async with db.writing() as transaction:
        async for part in transaction.parts(select(numbers), 10):
            assert len(part) == 10
            break
        changed = await transaction.run(update(numbers).where(numbers.c.number < 5).values(doubled=0))
        assert changed.rowcount == 5


async def test_rows_that_a_change_returns_come_with_it_and_are_counted(db: Database) -> None:
    async with db.writing() as transaction:
        rows = [{"doubled": 2 * nth} for nth in range(AT_ONCE + 10)]
        told = await transaction.run(insert(numbers).returning(numbers.c.number, sort_by_parameter_order=True), rows)

        assert [row.number for row in told] == list(range(1, AT_ONCE + 11))


async def test_what_is_refused_leaves_a_connection_that_can_be_used(db: Database) -> None:
    await fill(db, 1)
    with pytest.raises(Conflict):
        await fill(db, 1)

    await _one_more(db)
    async with db.reading() as look:
        assert [row.number for row in await look.rows(select(numbers.c.number))] == [0, 1]


async def _one_more(db: Database) -> None:
    async with db.writing() as transaction:
        await transaction.run(insert(numbers).values(number=1, doubled=2))
