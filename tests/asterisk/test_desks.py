"""What becomes of callers when desks, the router or the PBX change under them?"""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import text

from router.lab.asterisk import PrivateAsterisk
from router.lab.phones import Callers
from router.lab.scenarios import BUSY, Answers, NeverAnswers, PlacedCall
from router.lab.sip_log import Message, messages
from router.lab.stand import Stand
from router.lab.witness import Placed, placed
from router.storage.database import Database
from router.storage.tables import next_version
from tests.asterisk import keys, waiting
from tests.asterisk.conftest import slips
from tests.asterisk.reckoning import assert_records_agree, reckon
from tests.asterisk.waiting import ALONE, COLLEAGUE, LAST_RESORT, LINES, NET, STRANGERS, WAIT_AT_MOST, told
from tests.proof import Proof, many

pytestmark = pytest.mark.asterisk

EACH = many(1, 10)
WITHIN = 15.0  # seconds for something that a story waits for; most take a few tenths
LOOK_EVERY = 0.05  # seconds
MEMBER = f"Local/{ALONE}@router-member/n"
QUEUE = f"router-ringall-{20 + list(LINES).index('alone') + 1}"


def call(desk: str, number: int, **how: float | str | None) -> PlacedCall:
    """A stranger's call to the line of this desk, which lasts until the other side ends it."""
    return PlacedCall(caller=f"{STRANGERS}{number:04}", dialled=LINES[desk], **({"talks": None} | how))  # type: ignore[arg-type]


def until(holds: Callable[[], object], within: float = WITHIN) -> None:
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, "it didn't come to pass"
        time.sleep(LOOK_EVERY)


def answered(callers: Callers, number: int) -> Placed | None:
    """The call of this stranger, once it is answered."""
    found = [one for one in placed(callers.messages) if one.caller == f"{STRANGERS}{number:04}"]
    return next((one for one in found if one.answered_at is not None), None)


def is_in_queue(pbx: PrivateAsterisk, callers: Callers, number: int) -> bool:
    """Whether this stranger has been answered, and some caller waits in a queue."""
    lines = pbx.cli("core show channels concise").splitlines()
    queued = any(line.split("!")[5] == "Queue" for line in lines if line.startswith("PJSIP/trunk-"))
    return queued and answered(callers, number) is not None


def test_when_nobody_is_anywhere_callers_wait_may_ask_for_a_call_and_are_promised_one_at_last(
    short: PrivateAsterisk, tmp_path: Path, proof: Proof
) -> None:
    with told(short, tmp_path, {LAST_RESORT: BUSY}) as stand:
        for first in range(0, 10 * EACH, 10):  # each round has callers of its own
            stand.begin()
            stand.place(
                [
                    call("empty", first + 1, keys="1", key_after=2.0),
                    call("empty", first + 2),
                    call("empty", first + 3, talks=3.0),
                    call("empty", first + 4, keys="1", key_after=5.5),
                ]
            )
            records = stand.wait_until_recorded(4)
            seen = stand.seen()
            reckon("nobody anywhere", seen, proof, promised=3)
            assert_records_agree(seen, records)
            ended = {record["caller"][-1]: (record["ended"], record["promise"]) for record in records}
            assert ended == {
                "1": ("promised", "asked"),
                "2": ("promised", "nobody"),
                "3": ("gave_up", None),
                "4": ("promised", "asked"),
            }
            waiter = seen.of(f"{STRANGERS}{first + 2:04}")
            assert waiter.placed.ended_at is not None
            lasted = (waiter.placed.ended_at - waiter.placed.invited_at).total_seconds()
            assert WAIT_AT_MOST <= lasted < WAIT_AT_MOST + 15  # a round and the promise itself
            assert 1 <= waiter.phones.count(LAST_RESORT) <= 1 + lasted / waiting.SENTENCE_EVERY
    assert slips(stand.router.log_file) == []


def test_the_key_is_heard_while_the_last_resort_rings_as_well(
    short: PrivateAsterisk, tmp_path: Path, proof: Proof
) -> None:
    short.cli("dialplan set global ROUTER_UNANSWERED_AT_MOST 10")  # too little for a phone outside: we answer first
    try:
        with told(short, tmp_path, {LAST_RESORT: NeverAnswers()}) as stand:
            stand.place([call("empty", 1, keys="1", key_after=1.5)])
            (record,) = stand.wait_until_recorded(1)
            seen = stand.seen()
    finally:
        short.cli("dialplan set global ROUTER_UNANSWERED_AT_MOST 90")
    reckon("key while the last resort rings", seen, proof, promised=1)
    assert_records_agree(seen, [record])
    assert (record["promise"], seen.calls[0].phones) == ("asked", (LAST_RESORT,))


def test_callers_who_wait_when_the_router_is_killed_are_still_answered_and_a_pause_ends(
    short: PrivateAsterisk, tmp_path: Path, proof: Proof
) -> None:
    with told(short, tmp_path, {ALONE: Answers(after=0.2, talks=2.5)}) as stand:
        callers = stand.start_calls([call("alone", 1), call("alone", 2)], 2.0)
        until(lambda: answered(callers, 2))
        stand.router.kill()
        callers.wait()
        short.wait_until_quiet()
        # Without a router nobody ends the pause after that call: the dialplan does, once the heartbeat is old.
        short.cli(f"queue pause member {MEMBER} queue {QUEUE}")
        beat = int(short.cli("dialplan show globals").split("ROUTER_BEAT=")[1].split()[0])
        until(lambda: time.time() > beat + 7)
        stand.place([call("alone", 3)])
        stand.router.start()
        records = stand.wait_until_recorded(3)
        seen = stand.seen()
    reckon("router killed while callers wait", seen, proof)
    assert_records_agree(seen, records)
    assert [one.answered_by for one in seen.calls] == [(ALONE,)] * 3
    assert records[2]["path"] == "fallback"


def test_when_a_desk_is_deleted_whoever_waits_there_moves_on_and_is_answered(
    short: PrivateAsterisk, tmp_path: Path, proof: Proof
) -> None:
    desk = list(LINES).index("all busy") + 1  # where phones ring, it is noticed when they have rung for their time
    with told(short, tmp_path) as stand:
        callers = stand.start_calls([call("all busy", 1)])
        until(lambda: answered(callers, 1))
        asyncio.run(delete_desk(stand.database, desk))
        callers.wait()
        (record,) = stand.wait_until_recorded(1)
        seen = stand.seen()
    reckon("desk deleted under a caller", seen, proof)
    assert_records_agree(seen, [record])
    assert record["taken_phone"] == LAST_RESORT
    assert set(waiting.BUSY_PHONES) <= set(seen.calls[0].phones)
    assert slips(stand.router.log_file) == []


async def delete_desk(database: str, desk: int) -> None:
    """As an administrator does it: the desk's line goes to the safety net first."""
    db = Database(database)
    async with db.changing() as change:
        await change.run(text(f"UPDATE lines SET desk = {NET} WHERE desk = {desk}"))
        await change.run(text(f"DELETE FROM desk_members WHERE desk = {desk}"))
        await change.run(text(f"DELETE FROM desks WHERE id = {desk}"))
        await next_version(change, datetime.now(UTC))
    await db.close()


def test_reloading_the_dialplan_and_the_queues_harms_no_call_that_rings_waits_or_talks(
    short: PrivateAsterisk, tmp_path: Path, proof: Proof
) -> None:
    with told(
        short, tmp_path, {ALONE: Answers(after=0.2, talks=4.0), waiting.SLOW: Answers(after=1.8, talks=1.0)}
    ) as stand:
        for first in range(0, 10 * EACH, 10):  # each round has callers of its own
            stand.begin()
            talks, waits = call("alone", first + 1), call("alone", first + 2)
            rings = call("somebody free", first + 3)
            callers = stand.start_calls([talks, waits, rings], 4.0)
            until(partial(is_in_queue, short, callers, first + 2))
            short.cli("dialplan reload")
            short.reload("app_queue")
            callers.wait()
            records = stand.wait_until_recorded(3)
            seen = stand.seen()
            reckon("reloads in mid-call", seen, proof)
            assert_records_agree(seen, records)
            assert [one.answered_by for one in seen.calls] == [(ALONE,), (ALONE,), (waiting.SLOW,)]
    assert slips(stand.router.log_file) == []


def test_a_key_pressed_within_the_sound_of_the_call_is_heard_as_well(
    short: PrivateAsterisk, tmp_path: Path, proof: Proof
) -> None:
    with told(short, tmp_path, {COLLEAGUE: Answers(after=0.3, talks=6.0)}) as stand:
        callers = stand.start_calls([call("outside", 1)])
        until(lambda: picked_up(stand))
        assert answered(callers, 1) is None
        keys.press("1", picked_up(stand)[0])
        callers.wait()
        (record,) = stand.wait_until_recorded(1)
        seen = stand.seen()
    reckon("key within the sound", seen, proof)
    assert record["taken_phone"] == COLLEAGUE
    assert [leg["result"] for leg in record["legs"] if leg["phone"] == COLLEAGUE] == ["answered"]


def picked_up(stand: Stand) -> list[Message]:
    """The INVITEs to outside, once one of them has been answered and confirmed."""
    assert stand.outside is not None
    said = list(messages(stand.outside.messages))
    confirmed = any(one.method == "ACK" for one in said)
    return [one for one in said if one.method == "INVITE"] if confirmed else []


def test_after_a_restart_of_asterisk_the_members_of_a_desk_are_back_without_the_router(
    short: PrivateAsterisk, tmp_path: Path, proof: Proof
) -> None:
    with told(short, tmp_path) as stand:
        stand.place([call("alone", 1)])  # now the PBX knows the line's desk
        stand.wait_until_recorded(1)
        stand.router.kill()
        short.stop()
        short.start()
        stand.begin()
        stand.place([call("alone", 2)])
        seen = stand.seen()
    reckon("Asterisk restarted, no router", seen, proof)
    assert seen.calls[0].answered_by == (ALONE,)
