"""Does everybody learn everything, in one order, once, whoever writes and however often?"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import literal, select

from router.calls.call import Call, Ending
from router.calls.events import Path
from router.storage.database import Database, Transaction
from router.storage.notices import (
    FORGET_AT_ONCE,
    Notice,
    forget_before,
    newest_notice,
    notices_after,
    snapshot,
    tell_calls,
    tell_table,
)
from router.storage.recorder import Recorder
from router.storage.told_schema import About
from router.storage.wakeups import Topic
from tests.storage.owing import KEEPER, gave_up
from tests.storage.stories import SAMPLE_TABLE, SOON, after, answered, arrived, ringing, talking, until, whole_life


def recorder_of(db: Database, now: datetime | None = None) -> Recorder:
    """A recorder as the service makes it."""

    async def tell(transaction: Transaction, batch: Sequence[Call]) -> frozenset[str]:
        return await tell_calls(transaction, batch, SAMPLE_TABLE, now or after(0.1))

    async def settle(transaction: Transaction, batch: Sequence[Call]) -> None:
        await KEEPER.settle(transaction, batch, SAMPLE_TABLE)

    return Recorder(db, tell=tell, settle=settle)


async def write(db: Database, *states: Call, now: datetime | None = None) -> None:
    """Each of these is written before the next, each by a router that remembers nothing."""
    for state in states:
        recorder = recorder_of(db, now)
        recorder.record(state)
        assert await recorder.drain(SOON) == 0
        assert recorder.refused == 0


async def told(db: Database) -> list[str]:
    return [notice.name for notice in await notices_after(db, 0) if notice.about is not About.TABLE]


async def test_a_call_tells_of_itself_once_however_often_it_is_written(furnished: Database) -> None:
    await write(furnished, *whole_life(), answered(), replace(answered(), decision=None, why=""), arrived())
    assert await told(furnished) == ["call.ringing", "call.answered", "call.ended"]
    ended = (await notices_after(furnished, 0))[-1]
    assert ended.payload["line"] == "Business"
    assert (ended.payload["ended"], ended.payload["seconds"]) == ("answered", 60.0)


async def test_a_missed_call_ends_before_what_we_owe_for_it_opens(furnished: Database) -> None:
    await write(furnished, gave_up())
    assert await told(furnished) == ["call.ended", "commitment.opened"]
    opened = (await notices_after(furnished, 0))[-1]
    assert (opened.payload["opened_by_call"], opened.payload["who"]) == ("pbx:1.1", "Birch & Sons")


async def test_a_journal_that_knows_less_of_an_end_changes_nothing_that_was_told(furnished: Database) -> None:
    journal = replace(answered(), decision=None, why="", taken_at=None, taken_phone=None, ending=Ending.GAVE_UP)
    await write(furnished, *whole_life(), journal, answered())
    assert (await told(furnished)).count("call.ended") == 1


async def test_a_caller_who_finds_nobody_free_is_told_of_a_moment_later_though_nothing_happens(
    furnished: Database,
) -> None:
    moments = iter([after(0.2), *[after(2)] * 100])

    async def tell(transaction: Transaction, batch: Sequence[Call]) -> frozenset[str]:
        return await tell_calls(transaction, batch, SAMPLE_TABLE, next(moments))

    recorder = Recorder(furnished, tell=tell)
    async with asyncio.timeout(SOON):
        running = asyncio.create_task(recorder.run())
        recorder.record(replace(arrived(), path=Path.PLAN, why="plan"))
        await until(lambda: recorder.written == 2)
        running.cancel()
    assert await told(furnished) == ["call.waiting"]


async def test_every_version_of_the_table_is_told(furnished: Database) -> None:
    (published,) = [one for one in await notices_after(furnished, 0) if one.about is About.TABLE]
    assert (published.name, published.payload) == ("table.published", {"version": 1})


async def test_a_reader_that_follows_the_ids_misses_nothing_while_many_write(
    furnished: Database, furnished_url: str
) -> None:
    others = [Database(furnished_url) for _ in range(2)]
    calls = [replace(answered(f"pbx:{number}"), decision=None, line=1, account=None) for number in range(30)]
    done = asyncio.Event()
    seen: list[Notice] = []

    async def read() -> None:
        last = await newest_notice(furnished)
        while True:
            finished = done.is_set()
            fresh = await notices_after(furnished, last, 7)
            seen.extend(fresh)
            last = fresh[-1].id if fresh else last
            if finished and not fresh:
                return

    async def write_all() -> None:
        parts = [write(db, *calls[place::2]) for place, db in enumerate(others)]
        clock = [_tell_now_and_then(others[0])]
        await asyncio.gather(*parts, *clock)
        done.set()

    await asyncio.gather(read(), write_all())
    for db in others:
        await db.close()

    of_calls = [notice for notice in seen if notice.about is About.CALL]
    assert len(of_calls) == len({(one.payload["call_id"], one.kind) for one in of_calls}) == 3 * len(calls)
    assert [one.id for one in seen] == sorted(one.id for one in seen)
    for call in calls:
        kinds = [one.kind.value for one in of_calls if one.payload["call_id"] == call.call_id]
        assert kinds == ["ringing", "answered", "ended"]


async def test_two_routers_that_tell_of_the_same_call_tell_once(furnished: Database, furnished_url: str) -> None:
    other = Database(furnished_url)
    for number in range(10):
        life = whole_life(f"pbx:{number}")
        await asyncio.gather(write(furnished, *life), write(other, *life))
    await other.close()
    assert sorted(await told(furnished)) == sorted(["call.ringing", "call.answered", "call.ended"] * 10)


async def test_a_snapshot_and_what_follows_it_are_the_whole_story(furnished: Database) -> None:
    await write(furnished, ringing("pbx:1"), talking("pbx:2"), *whole_life("pbx:3"), gave_up("pbx:4", at=300))
    stands = await snapshot(furnished)
    await write(furnished, talking("pbx:1"))

    assert [(call["call_id"], call["state"]) for call in stands.calls] == [("pbx:1", "ringing"), ("pbx:2", "answered")]
    assert [(one["commitment"], one["state"], one["who"]) for one in stands.commitments] == [
        (1, "open", "Birch & Sons")
    ]
    assert stands.table == 1
    assert [one.name for one in await notices_after(furnished, stands.last)] == ["call.answered"]


async def test_what_was_told_of_calls_is_forgotten_in_time_and_what_we_owe_is_not(furnished: Database) -> None:
    await write(furnished, *whole_life(), gave_up("pbx:2", at=300))
    assert await forget_before(furnished, after(0) - timedelta(days=1)) == 0
    assert 0 < await forget_before(furnished, after(0) + timedelta(days=1)) < FORGET_AT_ONCE
    assert [one.name for one in await notices_after(furnished, 0)] == ["commitment.opened"]


async def test_who_waits_for_news_in_this_process_is_woken_by_a_commit_that_tells_something(
    furnished: Database,
) -> None:
    with furnished.wakeups.following(Topic.NOTICES) as heard:
        async with furnished.writing() as transaction:
            await transaction.rows(select(literal(1)))
        assert not await heard.wait(0)
        with pytest.raises(ZeroDivisionError):
            await _tell_and_fail(furnished)
        assert not await heard.wait(0)
        await write(furnished, ringing())
        assert await heard.wait(SOON)


async def _tell_now_and_then(db: Database) -> None:
    """As the clock and the door do it: transactions that tell something and take their time."""
    for version in range(2, 12):
        async with db.writing() as transaction:
            await tell_table(transaction, version, after(0))
            await asyncio.sleep(0.002)


async def _tell_and_fail(db: Database) -> None:
    async with db.writing() as transaction:
        await tell_table(transaction, 2, after(0))
        raise ZeroDivisionError
