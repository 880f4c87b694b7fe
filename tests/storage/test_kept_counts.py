"""Is what was kept counted once it is on record, and never what was undone?"""

import pytest

from router.storage.commitments import Keeper, KeptCounts
from router.storage.database import Database
from tests.storage.owing import MINUTE, TERMS, clock, gave_up, got_through, written
from tests.storage.stories import SAMPLE_TABLE, after


class Undone(Exception):
    pass


async def test_what_is_kept_counts_once_in_time_or_late(furnished: Database) -> None:
    counts = KeptCounts()
    keeper = Keeper(terms=TERMS, counts=counts)
    await written(furnished, gave_up("pbx:1.1"), keeper=keeper)
    talk = got_through("pbx:2.1", 10 * MINUTE)
    for _ in range(2):
        await written(furnished, talk, keeper=keeper)
    assert (counts.in_time, counts.late) == (1, 0)

    await written(furnished, gave_up("pbx:3.1", 600 * MINUTE), keeper=keeper)
    await written(furnished, got_through("pbx:4.1", 6000 * MINUTE), keeper=keeper)
    assert (counts.in_time, counts.late) == (1, 1)


async def test_what_is_undone_with_its_transaction_does_not_count(furnished: Database) -> None:
    counts = KeptCounts()
    await written(furnished, gave_up("pbx:1.1"))
    with pytest.raises(Undone):
        await settled_and_undone(furnished, Keeper(terms=TERMS, counts=counts))
    assert (counts.in_time, counts.late) == (0, 0)


async def test_each_look_of_the_clock_says_how_many_are_owed(furnished: Database) -> None:
    looks = clock(furnished)
    assert looks.owed is None
    for owed, call in enumerate((gave_up("pbx:1.1"), got_through("pbx:2.1", 10 * MINUTE))):
        await written(furnished, call)
        await looks.look(after(11 * MINUTE))
        assert looks.owed == 1 - owed


async def test_each_look_says_how_many_of_them_are_late(furnished: Database) -> None:
    looks = clock(furnished)
    await written(furnished, gave_up("pbx:1.1"))

    found = []
    for minutes in (11, 6000):
        await looks.look(after(minutes * MINUTE))
        found.append((looks.owed, looks.late))

    assert found == [(1, 0), (1, 1)]


async def settled_and_undone(db: Database, keeper: Keeper) -> None:
    async with db.writing() as transaction:
        await keeper.settle(transaction, [got_through("pbx:2.1", 10 * MINUTE)], SAMPLE_TABLE)
        raise Undone
