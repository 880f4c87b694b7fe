"""Is what a change of a large table leads to found out aside, so that neither calls nor other changes wait for it?"""

import asyncio
import gc
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic, process_time, sleep
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.changes.aside import Child
from router.changes.door import Door
from router.changes.faults import LeadsNowhere, NotLookedAhead
from router.changes.foresight import Foresight
from router.changes.handed import HandOver, table_of
from router.changes.nouns import ACCOUNTS, DESKS, Declared
from router.changes.wishes import Amend, By
from router.lab.sample import COORDINATORS, HUGO, REGION, TIME_ZONE
from router.routing.configuration import Change, Configuration, Noun, Put, PutNumbers, Remove
from router.routing.model import Person
from router.routing.table import Table
from router.storage.access_schema import Source
from router.storage.audit import newest_entries
from router.storage.database import Database
from router.storage.publisher import Publisher
from tests.bench.looking_ahead import FULL, QUICK, company
from tests.proof import PROVE, many
from tests.routing.companies import companies
from tests.sample_database import MONDAY_NOON, furnish, last_words

BIRCH_ID = 1
TESTER = By(actor="tester", source=Source.COMMAND)
HELD_UP_AT_MOST = 0.03  # seconds of work in this process between two turns of the loop; a full table takes 0.013
WITHIN = 10.0  # seconds


@dataclass
class Records:
    """The sample company, changed by a door that takes every table for a large one."""

    db: Database
    publisher: Publisher
    foresight: Foresight
    door: Door

    async def amend(self, declared: Declared, id: int, **patch: Any) -> None:
        await self.door.do([Amend(declared=declared, id=id, patch=patch, only_if=None)], TESTER, MONDAY_NOON)

    async def entries(self) -> int:
        async with self.db.reading() as look:
            return len(await newest_entries(look, 200))


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return furnish(tmp_path_factory.mktemp("changes") / "furnished.db")


@pytest_asyncio.fixture
async def records(furnished: Path, tmp_path: Path) -> AsyncIterator[Records]:
    shutil.copy(furnished, tmp_path / "router.db")
    db = Database(f"sqlite:///{tmp_path / 'router.db'}")
    publisher = Publisher(db, REGION, TIME_ZONE, lambda _: None, external_prefixes=("+1917",))
    foresight = Foresight(at_once=0)
    door = Door(publisher, external_prefixes=("+1917",), foresight=foresight)
    await publisher.change(_nothing, MONDAY_NOON)  # reads the table
    yield Records(db=db, publisher=publisher, foresight=foresight, door=door)
    await door.close()
    await db.close()
    await last_words()


async def _nothing(*_: object) -> tuple[Sequence[Change], None]:
    return (), None


async def test_a_large_table_is_changed_and_protected_as_a_small_one_is(records: Records) -> None:
    await records.amend(ACCOUNTS, BIRCH_ID, name="Birch")
    with pytest.raises(LeadsNowhere, match="Hugo has left and is an account manager"):
        await records.amend(ACCOUNTS, BIRCH_ID, manager_id=HUGO)
    with pytest.raises(LeadsNowhere, match="Coordinators"):
        await records.amend(DESKS, COORDINATORS, member_ids=[])
    await records.amend(ACCOUNTS, BIRCH_ID, name="Birch & Sons")

    assert records.foresight.child is not None
    assert await records.entries() == 2
    assert records.publisher.table is not None
    assert records.publisher.table.version == 3


async def test_changes_that_come_at_once_are_all_looked_at_and_made(records: Records) -> None:
    await asyncio.gather(*(records.amend(ACCOUNTS, account, priority=7) for account in range(1, 9)))

    assert await records.entries() == 8
    assert records.publisher.table is not None
    assert {account.priority for account in records.publisher.table.accounts if account.id < 9} == {7}


async def test_while_it_is_found_out_others_change_the_table_and_nothing_of_theirs_is_lost(records: Records) -> None:
    await records.amend(ACCOUNTS, BIRCH_ID, priority=1)
    child = records.foresight.child
    assert child is not None
    os.kill(child, signal.SIGSTOP)
    asked = asyncio.create_task(records.amend(ACCOUNTS, BIRCH_ID, priority=2))
    assert records.publisher.table is not None
    ben = next(one for one in records.publisher.table.people.values() if one.name == "Ben")
    async with asyncio.timeout(WITHIN):
        await records.publisher.apply([Put(entity=replace(ben, short_number="99"))], MONDAY_NOON)
    os.kill(child, signal.SIGCONT)
    await asked

    assert records.publisher.table.people[ben.id].short_number == "99"
    birch = records.publisher.table.account(BIRCH_ID)
    assert birch is not None
    assert birch.priority == 2


def _wait_until(holds: Callable[[], bool]) -> None:
    until = monotonic() + WITHIN
    while not holds():
        assert monotonic() < until, "it takes too long"
        sleep(0.002)


async def test_when_it_cannot_be_found_out_the_change_is_refused_and_the_next_one_made(records: Records) -> None:
    await records.amend(ACCOUNTS, BIRCH_ID, priority=1)
    child = records.foresight.child
    assert child is not None
    os.kill(child, signal.SIGSTOP)
    asked = asyncio.create_task(records.amend(ACCOUNTS, BIRCH_ID, priority=2))
    await asyncio.to_thread(_wait_until, lambda: records.foresight.busy)
    os.kill(child, signal.SIGKILL)
    with pytest.raises(NotLookedAhead, match="try again"):
        await asked
    assert await records.entries() == 1

    await records.amend(ACCOUNTS, BIRCH_ID, priority=3)

    assert records.foresight.child not in (None, child)
    assert await records.entries() == 2


async def test_the_loop_goes_on_while_a_large_table_is_handed_over_and_looked_through() -> None:
    size = FULL if PROVE else replace(QUICK, accounts=20_000, jobs=2_000, rules=300)
    table = Table.build(company(size), version=1)
    account = table.account(1)
    assert account is not None
    foresight = Foresight()
    assert foresight.takes_long(table)
    gc.collect()
    gc.freeze()  # as the service does with its first table
    worked: list[float] = []

    async def beat() -> None:
        while True:
            began = process_time()
            await asyncio.sleep(0.001)
            worked.append(process_time() - began)

    async with asyncio.TaskGroup() as tasks:
        beating = tasks.create_task(beat())
        for change in (Put(entity=replace(account, name="Another")), PutNumbers(rows=((49170, True, 1),))):
            await foresight.refuse_dead_ends_aside(table, [change], MONDAY_NOON)
            after = table.with_change(change)
            await foresight.in_force([change], after)
            table = after
        beating.cancel()
    await foresight.close()
    gc.unfreeze()

    assert max(worked) < HELD_UP_AT_MOST


@pytest_asyncio.fixture
async def child() -> AsyncIterator[Child]:
    made = Child("tests")
    yield made
    await made.close()


@settings(max_examples=many(10, 200), suppress_health_check=list(HealthCheck), deadline=None)
@given(first=companies(), second=companies(), random=st.randoms(use_true_random=False))
async def test_what_is_known_aside_is_the_very_table(
    child: Child, first: Configuration, second: Configuration, random: Any
) -> None:
    table = Table.build(first, version=1)
    there = HandOver(child)
    somebody = random.choice([*table.people.values()])
    changes: list[Change] = [Put(entity=Person(id=90, name="New")), Put(entity=replace(somebody, name="Renamed"))]
    if table.rules:
        changes.append(Remove(noun=Noun.RULE, id=table.rules[0].id))
    changed = table.with_changes(changes)
    another = Table.build(second, version=9)

    for wanted in (table, changed, another, table):
        token = await there.hand(wanted)
        assert await child.do(table_of, WITHIN, token) == wanted
    token = await there.follow(changes, changed)
    assert await child.do(table_of, WITHIN, token) == changed
