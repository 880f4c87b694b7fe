"""Is the newest table in force, as far as it can be known?"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from time import monotonic

import pytest
from sqlalchemy import update

from router.lab.postgres import PrivatePostgres, private_postgres
from router.lab.sample import BEN, BIRCH, REGION, SAMPLE, TIME_ZONE
from router.routing.configuration import Noun, Put, PutNumbers, Remove
from router.routing.model import Account, Person
from router.routing.numbers import read_number
from router.routing.table import Table
from router.routing.table_errors import TableError
from router.storage.company import Company, save_company
from router.storage.database import Conflict, Database
from router.storage.migrate import upgrade
from router.storage.publisher import Publisher
from router.storage.schema import desks
from router.storage.tables import commit_changes, next_version
from tests.storage.stories import MONDAY_NOON, after, until

BIRCH_IS_BENS = Put(entity=Account(id=1, name="Birch & Sons", manager=BEN))


class Published(list[Table]):
    """Every table that was handed out, in order."""


@asynccontextmanager
async def watching(publisher: Publisher) -> AsyncIterator[None]:
    task = asyncio.create_task(publisher.watch())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def publisher_of(db: Database, published: Published) -> Publisher:
    return Publisher(db, REGION, TIME_ZONE, published.append)


def manager_of_birch(table: Table) -> int | None:
    account = table.account_of(read_number(BIRCH, REGION))
    return account.manager if account else None


async def test_the_table_is_there_from_the_start(furnished: Database) -> None:
    published = Published()
    async with watching(publisher := publisher_of(furnished, published)):
        await until(lambda: len(published) == 1)
    assert publisher.table is published[0]
    assert publisher.trouble == ""


async def test_a_change_made_here_is_in_force_when_apply_returns(furnished: Database) -> None:
    published = Published()
    async with watching(publisher := publisher_of(furnished, published)):
        await until(lambda: bool(published))
        await publisher.apply([BIRCH_IS_BENS], after(60))
        assert manager_of_birch(published[-1]) == BEN
    assert [table.version for table in published] == [1, 2]


async def test_a_change_made_elsewhere_is_in_force_soon(furnished: Database, furnished_url: str) -> None:
    published = Published()
    elsewhere = Database(furnished_url)
    async with watching(publisher_of(furnished, published)):
        await until(lambda: bool(published))
        await commit_changes(elsewhere, [BIRCH_IS_BENS], after(60))
        await until(lambda: len(published) == 2, within=2)
    await elsewhere.close()
    assert manager_of_birch(published[-1]) == BEN


async def test_changes_made_here_and_elsewhere_at_once_are_both_in_force(
    furnished: Database, furnished_url: str
) -> None:
    published = Published()
    elsewhere = Database(furnished_url)
    publisher = publisher_of(furnished, published)
    await publisher.apply([BIRCH_IS_BENS], after(50))
    await commit_changes(elsewhere, [PutNumbers(rows=((49301234567, False, 1),))], after(60))
    await publisher.apply([Put(entity=Person(id=50, name="Paula"))], after(60))
    await elsewhere.close()
    assert published[-1].version == 4
    assert published[-1].callers.account_of(49301234567) == 1
    assert published[-1].people[50].name == "Paula"


async def test_a_change_of_which_no_table_can_be_made_changes_nothing(furnished: Database) -> None:
    published = Published()
    publisher = publisher_of(furnished, published)
    await publisher.apply([BIRCH_IS_BENS], MONDAY_NOON)
    with pytest.raises(TableError, match="safety net"):
        await publisher.apply([Put(entity=replace(SAMPLE.desks[0], safety_net=False))], after(60))
    with pytest.raises(Conflict):
        await publisher.apply([Remove(noun=Noun.PERSON, id=BEN)], after(60))
    await publisher.apply([BIRCH_IS_BENS], after(70))
    assert [table.version for table in published] == [1, 2, 3]


async def test_rows_of_which_no_table_can_be_made_leave_the_last_table_in_force(furnished: Database) -> None:
    published = Published()
    async with watching(publisher := publisher_of(furnished, published)):
        await until(lambda: bool(published))
        async with furnished.changing() as transaction:
            await transaction.run(update(desks).values(safety_net=False))
            await next_version(transaction, after(60))
        await until(lambda: "safety net" in publisher.trouble)
        async with furnished.changing() as transaction:
            await transaction.run(update(desks).where(desks.c.id == 2).values(safety_net=True))
            await next_version(transaction, after(60))
        await until(lambda: publisher.trouble == "" and len(published) == 2)
    assert [table.version for table in published] == [1, 3]


async def test_one_change_among_many_numbers_is_in_force_within_a_tenth_of_a_second(furnished: Database) -> None:
    numbers = [(49_000_000_000 + at, False, 1) for at in range(20_000)]
    await save_company(furnished, Company(numbers=numbers), MONDAY_NOON)
    publisher = publisher_of(furnished, Published())
    await publisher.apply([BIRCH_IS_BENS], after(50))
    took = []
    for account in (2, 3, 4):
        began = monotonic()
        table = await publisher.apply([PutNumbers(rows=((49_000_000_500, False, account),))], after(60))
        took.append(monotonic() - began)
        assert table.callers.account_of(49_000_000_500) == account
    assert min(took) < 0.1  # the best of three: others use this machine as well


async def test_a_change_is_judged_by_what_others_have_made_of_the_table(
    furnished: Database, furnished_url: str
) -> None:
    publisher, elsewhere = publisher_of(furnished, Published()), Database(furnished_url)
    await publisher.apply([BIRCH_IS_BENS], after(50))
    moved = [replace(desk, safety_net=not desk.safety_net, next_desk=None) for desk in SAMPLE.desks]
    await commit_changes(elsewhere, [Put(entity=desk) for desk in moved], after(60))
    with pytest.raises(TableError, match="safety net"):
        await publisher.apply([Put(entity=replace(moved[1], safety_net=False))], after(70))
    await elsewhere.close()
    assert publisher.table is not None
    assert publisher.table.safety_net == moved[1]


@pytest.fixture
def own_server(pytestconfig: pytest.Config) -> Iterator[PrivatePostgres]:
    with private_postgres(pytestconfig.rootpath / "var") as server:
        upgrade(server.url)
        yield server


@pytest.mark.postgresql
async def test_with_the_database_gone_the_last_table_stays_and_the_next_one_comes_when_it_is_back(
    own_server: PrivatePostgres,
) -> None:
    db, published = Database(own_server.url), Published()
    await save_company(db, SAMPLE, MONDAY_NOON)
    async with watching(publisher := publisher_of(db, published)):
        await until(lambda: bool(published))
        own_server.stop()
        await until(lambda: "database" in publisher.trouble)
        assert publisher.table is published[0]
        own_server.start()
        await commit_changes(db, [BIRCH_IS_BENS], after(60))
        await until(lambda: len(published) == 2 and publisher.trouble == "")
    await db.close()
    assert manager_of_birch(published[-1]) == BEN
