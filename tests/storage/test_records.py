"""Can the records be read, newest first, page by page?"""

from dataclasses import replace

import pytest

from router.calls.events import LegResult
from router.storage.database import Database
from router.storage.paging import BadCursor
from router.storage.recorder import Recorder
from router.storage.records import PAGE_AT_MOST, newest_end, recent_calls, recorded_call
from tests.storage.stories import SOON, after, answered, arrived


async def recorded(db: Database, times: list[float]) -> None:
    recorder = Recorder(db)
    for number, at in enumerate(times, 1):
        recorder.record(arrived(f"pbx:{number}", at))
    assert await recorder.drain(SOON) == 0


async def test_pages_hold_every_record_once_newest_first(db: Database) -> None:
    await recorded(db, [0, 3, 1, 1, 1, 2])
    seen, cursor = [], None
    for _ in range(4):
        page = await recent_calls(db, 2, cursor)
        seen += [record.call_id for record in page.records]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == ["pbx:2", "pbx:6", "pbx:5", "pbx:4", "pbx:3", "pbx:1"]
    assert cursor is None


async def test_a_call_that_arrives_between_two_pages_shifts_none(db: Database) -> None:
    await recorded(db, [0, 1, 2])
    first = await recent_calls(db, 2)
    recorder = Recorder(db)
    recorder.record(arrived("pbx:9", 9))
    await recorder.drain(SOON)
    second = await recent_calls(db, 2, first.next_cursor)
    assert [record.call_id for record in second.records] == ["pbx:1"]


async def test_without_calls_there_is_one_empty_page(db: Database) -> None:
    page = await recent_calls(db, 10)
    assert (page.records, page.next_cursor) == ((), None)


@pytest.mark.parametrize("limit", [0, -1, 10**9])
async def test_a_silly_limit_is_brought_within_reason(db: Database, limit: int) -> None:
    await recorded(db, [0, 1])
    assert 1 <= len((await recent_calls(db, limit)).records) <= PAGE_AT_MOST


@pytest.mark.parametrize("cursor", ["", "!", "é", "MjAyNg", "b3BlbiBzZXNhbWU", "MjAyNi0wMy0wMlQxMjowMDowMCBwYng6MQ"])
async def test_a_cursor_that_is_none_of_ours_is_refused_with_a_sentence(db: Database, cursor: str) -> None:
    with pytest.raises(BadCursor, match="begin without one"):
        await recent_calls(db, 10, cursor)


async def test_one_record_is_found_by_its_id_and_an_unknown_one_is_none(db: Database) -> None:
    recorder = Recorder(db)
    recorder.record(answered("pbx:1"))
    await recorder.drain(SOON)
    record = await recorded_call(db, "pbx:1")
    assert record is not None
    assert record.legs == answered().legs
    assert await recorded_call(db, "pbx:2") is None


@pytest.mark.parametrize("result", list(LegResult))
async def test_every_result_of_a_leg_is_kept_with_the_hint_that_a_machine_answered(
    db: Database, result: LegResult
) -> None:
    call = answered("pbx:1")
    leg = replace(call.legs[0], phone="+19175550111", result=result, maybe_machine=True)
    recorder = Recorder(db)
    recorder.record(replace(call, legs=(leg,)))
    assert await recorder.drain(SOON) == 0
    record = await recorded_call(db, "pbx:1")
    assert record is not None
    assert record.legs == (leg,)


async def test_the_newest_end_on_record_is_that_of_this_pbx(db: Database) -> None:
    recorder = Recorder(db)
    assert await newest_end(db, "pbx") is None
    lasting = replace(answered("pbx:1"), arrived_at=after(-3000), taken_at=after(-2990), ended_at=after(90))
    short = replace(answered("pbx:2"), ended_at=after(60))
    elsewhere = replace(answered("pbx2:3"), arrived_at=after(500), taken_at=after(501), ended_at=after(600))
    for call in (lasting, short, elsewhere, arrived("pbx:4", 700)):
        recorder.record(call)
    assert await recorder.drain(SOON) == 0

    assert (await newest_end(db, "pbx"), await newest_end(db, "pbx2")) == (after(90), after(600))
    assert await newest_end(db, "pb") is None
