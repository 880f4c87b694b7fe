"""Is a customer called back once at a time, and does each end count once for what we owe?"""

import asyncio
from datetime import datetime
from typing import Any

import pytest

from router.calls.calling_back import CallBackEnded, CallBackNews, Failed, What, call_back_id
from router.commitments.calling_back import Became, Calling
from router.commitments.commitment import State
from router.lab.sample import BIRCH, BUSINESS_LINE, IDA
from router.storage.call_backs import (
    Attempt,
    CalledAlready,
    ask_call_back,
    attempt_of,
    attempts_of,
    end,
    give_up,
    note,
    place,
)
from router.storage.commitments import NoSuchCommitment
from router.storage.database import Database
from router.storage.orders import EXPIRES_AFTER, take
from tests.storage.owing import KEEPER, gave_up, only, written
from tests.storage.stories import MONDAY_NOON, SAMPLE_TABLE, after


async def owing(db: Database) -> int:
    """Ida owes Birch & Sons a call since noon."""
    await written(db, gave_up())
    commitment, _ = await only(db)
    assert commitment.id is not None
    return commitment.id


async def placed(db: Database, now: datetime = MONDAY_NOON) -> tuple[int, int]:
    """The commitment, and the order by which Ida's phone rings for it."""
    commitment = await owing(db)
    order = await ask_call_back(db, "pbx", commitment, None, asked_by="Ida", now=now)
    await take(db, "pbx", now)
    ida = SAMPLE_TABLE.people[IDA]
    wanted = Calling(
        person=IDA, name="Ida", phones=ida.phones, seconds=20, number=BIRCH, shown=BUSINESS_LINE, display="Call back"
    )
    async with db.writing() as work:
        assert await place(work, order, call_back_id("pbx", order, now), wanted, now)
    return commitment, order


def ended(order: int, **facts: Any) -> CallBackEnded:
    """It rang at noon and was over a minute later; nobody took it, unless `facts` say otherwise."""
    nothing: dict[str, Any] = dict.fromkeys(("phone", "taken_at", "called_at", "talked_at", "failed"))
    call_id = call_back_id("pbx", order, MONDAY_NOON)
    return CallBackEnded(call_id=call_id, began_at=MONDAY_NOON, at=after(60), **{**nothing, **facts})


def talk(order: int, seconds: float) -> CallBackEnded:
    """Ida had it, the customer answered, and they talked for so long."""
    began = after(60 - seconds)
    return ended(order, phone="ida", taken_at=after(2), called_at=after(2), talked_at=began, failed=Failed.ANSWERED)


async def told(db: Database, end_of_it: CallBackEnded) -> Attempt | None:
    async with db.writing() as work:
        return await end(work, end_of_it, KEEPER, SAMPLE_TABLE)


async def test_of_two_who_press_at_once_one_calls_and_the_other_learns_which_order_it_was(db: Database) -> None:
    commitment = await owing(db)

    asked = await asyncio.gather(
        *(ask_call_back(db, "pbx", commitment, None, asked_by=who, now=MONDAY_NOON) for who in ("Ida", "Lena")),
        return_exceptions=True,
    )

    (order,) = [one for one in asked if isinstance(one, int)]
    (refused,) = [one for one in asked if isinstance(one, CalledAlready)]
    assert refused.order == order


async def test_what_no_router_took_in_time_stands_in_nobodys_way(db: Database) -> None:
    commitment = await owing(db)
    first = await ask_call_back(db, "pbx", commitment, None, asked_by="Ida", now=MONDAY_NOON)

    second = await ask_call_back(db, "pbx", commitment, None, asked_by="Ida", now=MONDAY_NOON + EXPIRES_AFTER)

    over = await attempt_of(db, first)
    assert over is not None
    assert over.became is Became.NOT_PLACED
    assert [one.id for one in await attempts_of(db, commitment)] == [second, first]


async def test_a_commitment_that_is_not_there_is_not_called(db: Database) -> None:
    with pytest.raises(NoSuchCommitment):
        await ask_call_back(db, "pbx", 7, None, asked_by="Ida", now=MONDAY_NOON)


async def test_how_far_it_has_come_is_on_record(db: Database) -> None:
    _, order = await placed(db)

    for what, second in ((What.BEGUN, 0.0), (What.TAKEN, 2.0), (What.CALLS, 2.1), (What.TALKS, 5.0)):
        phone = "ida" if what is What.TAKEN else ""
        news = CallBackNews(call_id=call_back_id("pbx", order, MONDAY_NOON), what=what, phone=phone, at=after(second))
        async with db.writing() as work:
            assert await note(work, news) == order

    attempt = await attempt_of(db, order)
    assert attempt is not None
    assert (attempt.phone, attempt.taken_at, attempt.called_at, attempt.talked_at) == (
        "ida", after(2.0), after(2.1), after(5.0),
    )  # fmt: skip


async def test_a_talk_keeps_what_is_owed_with_reference_and_counts_once(db: Database) -> None:
    commitment, order = await placed(db)

    first, again = await told(db, talk(order, 30)), await told(db, talk(order, 30))

    kept, _ = await only(db)
    assert first is not None
    assert (first.became, again) == (Became.TALKED, None)
    assert (kept.id, kept.state, kept.kept_by_call) == (commitment, State.KEPT, first.call_id)
    assert first.sentence == f"Ida talked to Birch & Sons for 30 s, so commitment {commitment} is kept"


async def test_a_talk_that_is_too_short_leaves_it_open(db: Database) -> None:
    _, order = await placed(db)

    attempt = await told(db, talk(order, 19))

    still, _ = await only(db)
    assert attempt is not None
    assert (attempt.became, still.state, still.attempts) == (Became.TALKED, State.OPEN, 0)
    assert "too short" in attempt.sentence


@pytest.mark.parametrize(
    ("facts", "became", "attempts"),
    [
        ({}, Became.OWNER_NOT_REACHED, 1),
        ({"phone": "ida", "taken_at": after(2), "failed": Failed.BUSY}, Became.CUSTOMER_NOT_REACHED, 1),
        ({"phone": "ida", "taken_at": after(2), "failed": Failed.NO_ANSWER}, Became.CUSTOMER_NOT_REACHED, 1),
        ({"phone": "ida", "taken_at": after(2), "failed": Failed.FORBIDDEN}, Became.NOT_PLACED, 0),
        ({"phone": "ida", "taken_at": after(2), "failed": Failed.CAPPED}, Became.NOT_PLACED, 0),
    ],
)
async def test_an_attempt_that_reached_nobody_is_counted_and_the_next_is_planned(
    db: Database, facts: dict[str, Any], became: Became, attempts: int
) -> None:
    _, order = await placed(db)

    attempt = await told(db, ended(order, **facts))

    still, _ = await only(db)
    assert attempt is not None
    assert (attempt.became, still.state, still.attempts) == (became, State.OPEN, attempts)
    assert (still.try_again_at is not None) == (attempts > 0)


async def test_what_nobody_knows_the_end_of_changes_nothing_and_may_be_tried_again(db: Database) -> None:
    commitment, order = await placed(db)

    async with db.writing() as work:
        lost = await give_up(work, order, Became.LOST, "the PBX ended meanwhile", after(60))
    late = await told(db, talk(order, 30))

    still, _ = await only(db)
    assert lost is not None
    assert (lost.became, late, still.state) == (Became.LOST, None, State.OPEN)
    assert await ask_call_back(db, "pbx", commitment, IDA, asked_by="Ida", now=after(61)) > order
