"""Is every call on record once, whatever happens to the database and to us?"""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.calls.call import Call, Ending, Passing, Phase
from router.calls.events import How, Presented, Promised
from router.lab.postgres import PrivatePostgres, private_postgres
from router.lab.sample import JONAS
from router.routing.explain import as_json
from router.storage.database import Database, Transaction, Unavailable
from router.storage.migrate import upgrade
from router.storage.recorder import BATCH, Recorder
from router.storage.records import CallRecord, open_calls, recent_calls, recorded_call
from tests.storage.stories import SOON, after, answered, arrived, ringing, talking, until, whole_life


@asynccontextmanager
async def recording(db: Database) -> AsyncIterator[Recorder]:
    recorder = Recorder(db)
    task = asyncio.create_task(recorder.run())
    try:
        yield recorder
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def write(db: Database, states: Sequence[Call]) -> None:
    """Record these states one after the other, each written before the next."""
    for state in states:
        recorder = Recorder(db)
        recorder.record(state)
        assert await recorder.drain(SOON) == 0


async def record_of(db: Database, call_id: str = "pbx:1.1") -> CallRecord:
    record = await recorded_call(db, call_id)
    assert record is not None
    return record


async def test_the_hand_overs_of_a_call_are_on_record_once_and_taken_over_after_a_restart(db: Database) -> None:
    first = Passing(at=after(5), phone="anna", person=1, to="Jonas", how=How.KEY, sentence="handed over")
    second = Passing(at=after(9), phone="jonas", person=2, to="", how=How.ORDER)
    once = replace(talking(), passings=(first,))

    await write(db, [once, replace(once, passings=(first, second)), replace(once, passings=(first, second))])

    assert (await record_of(db)).passings == (first, second)
    (page,) = (await recent_calls(db, 5, still_open=True)).records
    assert page.passings == (first, second)
    (adopted,) = await open_calls(db, "pbx")
    assert adopted.passings == (first, second)


def from_the_journal(call: Call) -> Call:
    """The same call as a router knows it that was dead while it lived: no decision, no reason for the path."""
    return replace(call, decision=None, why="")


async def test_a_call_is_one_record_with_all_that_is_known_of_it(db: Database) -> None:
    async with recording(db) as recorder:
        for state in whole_life():
            recorder.record(state)
        await until(lambda: recorder.pending == 0)
    record = await record_of(db)
    assert (record.ended, record.taken_by, record.line, record.account, record.job) == (Ending.ANSWERED, JONAS, 1, 1, 1)
    assert (record.arrived_at, record.taken_at, record.ended_at) == (after(0), after(4), after(60))
    assert record.legs == answered().legs
    assert record.decision is not None
    assert "Kitchen for the new shop" in record.decision["sentence"]


async def test_who_owns_a_call_and_what_was_promised_are_on_record_and_taken_over(db: Database) -> None:
    handed_over = replace(talking("pbx:1"), owner_phone="anna", owner=1)
    promised = replace(answered("pbx:2"), ending=Ending.PROMISED, promise=Promised.ASKED)
    await write(db, [handed_over, promised])
    (adopted,) = await open_calls(db, "pbx")
    assert (adopted.taken_by, adopted.owner_phone, adopted.owner) == (JONAS, "anna", 1)
    record = await record_of(db, "pbx:2")
    assert (record.ended, record.promise) == (Ending.PROMISED, Promised.ASKED)


async def test_only_the_newest_state_of_a_call_is_written(db: Database) -> None:
    recorder = Recorder(db)
    for state in whole_life():
        recorder.record(state)
    await recorder.drain(SOON)
    assert recorder.written == 1


async def test_a_decision_is_written_once_and_another_one_takes_its_place(db: Database) -> None:
    recorder = Recorder(db)
    first, second = ringing(), replace(talking(), decision=arrived(at=30).decision)
    for state in (first, replace(first, phase=Phase.TALKING), second, replace(second, owner=1)):
        recorder.record(state)
        assert await recorder.drain(SOON) == 0

        assert state.decision is not None
        assert (await record_of(db)).decision == as_json(state.decision)


async def test_more_calls_than_one_batch_are_all_written(db: Database) -> None:
    recorder = Recorder(db)
    for number in range(BATCH * 2 + 1):
        recorder.record(answered(f"pbx:{number}"))
    assert await recorder.drain(SOON) == 0
    assert recorder.written == BATCH * 2 + 1


class DiesAfter(Database):
    """A database that we lose for good once so many batches are written; what happens while the first one is?"""

    def __init__(self, url: str, batches: int, meanwhile: Callable[[], None]) -> None:
        super().__init__(url)
        self._batches = batches
        self._meanwhile = meanwhile

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Transaction]:
        if not self._batches:
            raise Unavailable("it is gone")
        self._batches -= 1
        async with super().writing() as transaction:
            yield transaction
        self._meanwhile()


@pytest.mark.parametrize("batches", [1, 2])
async def test_who_dies_while_catching_up_has_written_all_that_ended_before_the_newest_end(
    db: Database, url: str, batches: int
) -> None:
    def another_ends() -> None:
        recorder.record(replace(answered("pbx:other"), ended_at=after(2000)))

    dying = DiesAfter(url, batches, meanwhile=another_ends)
    recorder = Recorder(dying)
    recorder.record(arrived("pbx:long"))
    ends = {f"pbx:{number}": after(100 + number) for number in range(BATCH * 3)}
    for place, (call_id, ended_at) in enumerate(ends.items()):
        recorder.record(replace(answered(call_id), ended_at=ended_at))
        if place == BATCH:
            recorder.record(arrived("pbx:other"))
    recorder.record(replace(answered("pbx:long"), ended_at=after(1000)))

    assert await recorder.drain(SOON) > 0
    await dying.close()

    on_record = {record.call_id: record.ended_at for record in (await recent_calls(db, 200)).records}
    newest = max(ended_at for ended_at in on_record.values() if ended_at is not None)
    # the journal is read from there on after the restart
    assert [call_id for call_id, ended_at in ends.items() if ended_at < newest and call_id not in on_record] == []


async def test_a_call_taken_over_after_a_restart_keeps_its_decision(db: Database) -> None:
    await write(db, [arrived(), ringing()])
    (adopted,) = await open_calls(db, "pbx")
    # The decision itself isn't read back; what it said of the call stays known.
    assert adopted == replace(ringing(), decision=None, line=1, account=1)
    await write(db, [replace(answered(), decision=None)])
    record = await record_of(db)
    assert record.decision is not None
    assert (record.why, record.table_version, record.ended) == ("plan", 1, Ending.ANSWERED)


async def test_only_open_calls_of_this_pbx_are_taken_over(db: Database) -> None:
    await write(db, [arrived("pbx:1"), answered("pbx:2"), arrived("pbx-2:1"), arrived("p_x:1")])
    assert [call.call_id for call in await open_calls(db, "pbx")] == ["pbx:1"]
    assert [call.call_id for call in await open_calls(db, "p_x")] == ["p_x:1"]


@pytest.mark.parametrize("state", [arrived(), ringing(), talking()], ids=lambda state: state.phase)
async def test_a_call_comes_back_in_the_phase_it_was_in(db: Database, state: Call) -> None:
    await write(db, [state])
    (adopted,) = await open_calls(db, "pbx")
    assert adopted.phase is state.phase


states = st.lists(st.sampled_from([*whole_life(), from_the_journal(answered())]), max_size=6)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=states, again=states)
async def test_once_ended_a_record_stays_as_it_is_however_often_it_is_told(
    db: Database, before: list[Call], again: list[Call]
) -> None:
    call_id = f"pbx:{next(_numbers)}"
    told = [replace(state, call_id=call_id) for state in (*before, answered())]
    await write(db, told)
    ended = await record_of(db, call_id)
    await write(db, [replace(state, call_id=call_id) for state in again])
    assert await record_of(db, call_id) == ended
    assert (ended.ended, ended.taken_by, ended.legs) == (Ending.ANSWERED, JONAS, answered().legs)


_numbers = iter(range(1_000_000))


async def test_a_call_whose_beginning_nobody_heard_is_on_record_with_its_caller_when_it_has_ended(db: Database) -> None:
    told = from_the_journal(answered())
    nobody = replace(
        told, phase=Phase.TALKING, dialled="", caller="", presented=Presented.MALFORMED, ended_at=None, ending=None
    )

    await write(db, [nobody, told])

    record = await record_of(db)
    assert (record.caller, record.dialled, record.arrived_at) == (told.caller, told.dialled, told.arrived_at)


async def test_a_call_that_seemed_lost_is_what_the_journal_says_it_was(db: Database) -> None:
    lost = replace(ringing(), phase=Phase.OVER, ended_at=after(90), ending=Ending.LOST)
    await write(db, [lost, from_the_journal(answered()), lost])
    record = await record_of(db)
    assert (record.ended, record.ended_at, record.taken_by) == (Ending.ANSWERED, after(60), JONAS)
    assert record.decision is not None


async def test_a_leg_that_ends_after_its_call_is_still_recorded(db: Database) -> None:
    leg_to_come = replace(answered(), legs=ringing().legs)
    await write(db, [leg_to_come, answered()])
    assert (await record_of(db)).legs == answered().legs


async def test_a_record_the_database_will_never_take_doesnt_keep_the_others(db: Database) -> None:
    impossible = replace(arrived("pbx:2"), caller="\ud800")  # half a character: no database takes it
    recorder = Recorder(db)
    for state in (arrived("pbx:1"), impossible, arrived("pbx:3")):
        recorder.record(state)
    assert await recorder.drain(SOON) == 0
    assert recorder.refused == 1
    assert {record.call_id for record in (await recent_calls(db, 10)).records} == {"pbx:1", "pbx:3"}


async def test_memory_has_an_end_but_calls_it_knows_are_kept_up_to_date(db: Database) -> None:
    recorder = Recorder(db, at_most=1)
    for state in (arrived("pbx:1"), arrived("pbx:2"), answered("pbx:1")):
        recorder.record(state)
    await recorder.drain(SOON)
    assert recorder.dropped == 1
    assert [record.ended for record in (await recent_calls(db, 10)).records] == [Ending.ANSWERED]


async def test_when_there_is_room_again_it_is_told_since_when_calls_are_missing(db: Database) -> None:
    missed: list[datetime] = []
    recorder = Recorder(db, at_most=1, missed=missed.append)
    for state in (arrived("pbx:1"), arrived("pbx:3", at=7), arrived("pbx:2", at=5)):
        recorder.record(state)
    task = asyncio.create_task(recorder.run())
    await until(lambda: bool(missed))
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert (missed, recorder.dropped, recorder.pending) == ([after(5)], 2, 0)


async def test_what_changes_while_it_is_written_is_written_again(db: Database) -> None:
    recorder = Recorder(db)
    recorder.record(arrived())
    writing = asyncio.create_task(recorder.drain(SOON))
    await asyncio.sleep(0)  # it has taken what it writes and waits for the database
    recorder.record(answered())
    assert await writing == 0
    assert (await record_of(db)).ended is Ending.ANSWERED


async def test_a_locked_database_makes_records_wait_and_loses_none(sqlite_files: Path, tmp_path: Path) -> None:
    shutil.copy(sqlite_files / "migrated.db", tmp_path / "router.db")
    db = Database(f"sqlite:///{tmp_path}/router.db")
    with sqlite3.connect(tmp_path / "router.db", isolation_level=None) as other:
        async with recording(db) as recorder:
            other.execute("BEGIN IMMEDIATE")
            recorder.record(arrived())
            await until(lambda: recorder.failures > 0)
            recorder.record(answered())
            assert recorder.oldest_age() > 0
            other.execute("ROLLBACK")
            await until(lambda: recorder.pending == 0)
    other.close()
    assert (await record_of(db)).ended is Ending.ANSWERED
    await db.close()


@pytest.fixture
def own_server(pytestconfig: pytest.Config) -> Iterator[PrivatePostgres]:
    with private_postgres(pytestconfig.rootpath / "var") as server:
        upgrade(server.url)
        yield server


@pytest.mark.postgresql
async def test_with_the_server_gone_records_wait_and_are_written_when_it_is_back(own_server: PrivatePostgres) -> None:
    db = Database(own_server.url)
    async with recording(db) as recorder:
        recorder.record(arrived("pbx:1"))
        await until(lambda: recorder.pending == 0)
        own_server.stop()
        recorder.record(answered("pbx:1"))
        recorder.record(answered("pbx:2"))
        await until(lambda: recorder.failures > 1)
        assert recorder.pending == 2
        own_server.start()
        await until(lambda: recorder.pending == 0)
    assert [record.ended for record in (await recent_calls(db, 10)).records] == [Ending.ANSWERED] * 2
    await db.close()


@pytest.mark.postgresql
async def test_with_the_server_frozen_records_wait_and_are_written_when_it_answers_again(
    own_server: PrivatePostgres,
) -> None:
    db = Database(own_server.url)
    async with recording(db) as recorder:
        recorder.record(arrived("pbx:1"))
        await until(lambda: recorder.pending == 0)
        own_server.freeze()
        recorder.record(answered("pbx:1"))
        await until(lambda: recorder.failures > 0, within=2 * SOON)
        own_server.thaw()
        await until(lambda: recorder.pending == 0, within=2 * SOON)
    assert (await record_of(db, "pbx:1")).ended is Ending.ANSWERED
    await db.close()


async def test_a_database_that_stays_away_doesnt_keep_the_process_from_ending(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path}/never-migrated.db")
    recorder = Recorder(db)
    recorder.record(arrived())
    assert await recorder.drain(1.0) == 1
    await db.close()
