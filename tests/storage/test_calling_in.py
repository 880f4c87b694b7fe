"""Are test calls counted by the hour, marked on record, told to nobody, and never left open?"""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from router.calls.calling_in import call_in_id
from router.storage.calling_in import (
    BEGINS_WITHIN,
    NEVER_BEGAN,
    NOT_PLACED,
    PLACED_WITHIN,
    UNHEARD,
    CallTested,
    State,
    TooManyTests,
    Wanted,
    ask_call_in,
    call_in_of,
    call_ins,
    place,
)
from router.storage.database import Database
from router.storage.orders import EXPIRES_AFTER, settle, take
from router.storage.recorder import Recorder
from router.storage.records import recorded_call
from tests.storage.stories import MONDAY_NOON, SOON, after, whole_life

WANTED = Wanted(caller="+12025550111", line="+12125550100", seconds=30, external=False)


async def asked(db: Database, at: float = 0, per_hour: int = 20) -> int:
    return await ask_call_in(db, "pbx", WANTED, per_hour=per_hour, asked_by="nightly", now=after(at))


async def standing(db: Database, order: int, at: timedelta) -> CallTested:
    found = await call_in_of(db, order, MONDAY_NOON + at)
    assert found is not None
    return found


async def test_of_those_who_ask_at_once_no_more_are_let_through_than_an_hour_has(db: Database) -> None:
    asked_at_once = await asyncio.gather(*(asked(db, per_hour=3) for _ in range(6)), return_exceptions=True)

    assert sum(isinstance(one, int) for one in asked_at_once) == 3
    assert all(one.wait == 3600 for one in asked_at_once if isinstance(one, TooManyTests))
    assert len(await call_ins(db, MONDAY_NOON)) == 3


async def test_there_is_room_again_when_the_oldest_of_the_hour_is_an_hour_old(db: Database) -> None:
    await asked(db, at=0, per_hour=2)
    await asked(db, at=600, per_hour=2)

    with pytest.raises(TooManyTests) as full:
        await asked(db, at=1200, per_hour=2)
    assert full.value.wait == 2400
    assert await asked(db, at=3601, per_hour=2)
    with pytest.raises(TooManyTests) as none:
        await asked(db, per_hour=0)
    assert none.value.wait == 3600


async def test_one_that_nobody_takes_or_that_never_begins_is_over_by_itself(db: Database) -> None:
    unheard = await asked(db)
    assert (await standing(db, unheard, timedelta())).state is State.ASKED
    never = await standing(db, unheard, EXPIRES_AFTER)
    assert (never.state, never.sentence) == (State.NOT_PLACED, UNHEARD)

    died = await asked(db)
    await take(db, "pbx", MONDAY_NOON)
    assert (await standing(db, died, timedelta())).state is State.ASKED
    assert (await standing(db, died, PLACED_WITHIN)).sentence == NOT_PLACED

    await place(db, died, {"table_version": 1}, MONDAY_NOON)
    assert (await standing(db, died, timedelta())).state is State.UNDER_WAY
    assert (await standing(db, died, BEGINS_WITHIN)).sentence == NEVER_BEGAN
    await settle(db, died, done=False, result="the PBX refused")
    assert (await standing(db, died, timedelta())).sentence == "the PBX refused"


async def test_its_call_is_marked_on_record_and_nobody_is_told_or_owed_anything(db: Database) -> None:
    order = await asked(db)
    call_id = call_in_id("pbx", order, MONDAY_NOON)
    heard: list[str] = []

    async def tell(_: object, batch: object) -> frozenset[str]:
        heard.extend(call.call_id for call in batch)  # type: ignore[attr-defined]
        return frozenset()

    async def settled(_: object, batch: object) -> None:
        heard.extend(call.call_id for call in batch)  # type: ignore[attr-defined]

    recorder = Recorder(db, tell=tell, settle=settled)
    for state in whole_life():
        recorder.record(replace(state, call_id=call_id))
    assert await recorder.drain(SOON) == 0

    record = await recorded_call(db, call_id)
    assert record is not None
    assert record.is_test
    assert heard == []
    found = await standing(db, order, timedelta(hours=1))
    assert (found.state, found.record) == (State.OVER, record)
