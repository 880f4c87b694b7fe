"""Is each call that reached nobody owed once, owned by somebody, and kept, on both databases?"""

import asyncio
from dataclasses import replace
from time import monotonic

import pytest

from router.calls.call import Call, Ending
from router.calls.events import Promised as CallPromised
from router.commitments.commitment import Level, State, Why
from router.commitments.events import Claimed, Event, Kept, Promised, Voided
from router.commitments.ledger import Changed, ClaimedAlready
from router.commitments.notice import NoticeKind
from router.lab.sample import BIRCH, COORDINATORS, IDA, JONAS, LENA
from router.routing.configuration import Put
from router.routing.model import PersonState
from router.storage.commitments import Keeper, NoSuchCommitment
from router.storage.database import Database
from router.storage.ended_calls import party_of
from router.storage.recorder import Recorder
from tests.storage.owing import (
    KEEPER,
    TERMS,
    at,
    clock,
    gave_up,
    give_addresses,
    got_through,
    only,
    owed,
    told,
    without_number,
    written,
)
from tests.storage.stories import SAMPLE_TABLE, SOON, after, ringing

WITH_MAILS = Keeper(terms=TERMS, mails=True)


async def test_a_missed_call_is_owed_within_a_second_reminded_of_escalated_and_kept_by_the_next_talk(
    furnished: Database,
) -> None:
    recorder = Recorder(furnished, settle=lambda transaction, ended: KEEPER.settle(transaction, ended, SAMPLE_TABLE))
    recording = asyncio.create_task(recorder.run())
    recorder.record(gave_up())
    began = monotonic()
    async with asyncio.timeout(SOON):
        while not await owed(furnished):  # noqa: ASYNC110 (the database tells nobody)
            await asyncio.sleep(0.02)
    assert monotonic() - began < 1.0
    recording.cancel()

    ticking = clock(furnished)
    for minute in range(100):
        await ticking.look(at(minute))
    assert await told(furnished) == [
        NoticeKind.OPENED, NoticeKind.REMINDER, NoticeKind.LATE, NoticeKind.DESK_TOLD, NoticeKind.LEAD_TOLD,
    ]  # fmt: skip
    (late,) = await owed(furnished)
    assert (late.owner, late.due_at, late.level) == (IDA, at(30), Level.LEAD_TOLD)

    await written(furnished, got_through("pbx:9.9", at=110 * 60))
    kept, calls = await only(furnished)
    assert (kept.state, kept.kept_by_call, calls) == (State.KEPT, "pbx:9.9", ("pbx:1.1",))


async def test_two_missed_calls_make_one_commitment_and_of_two_claims_at_once_one_wins(
    furnished: Database, furnished_url: str
) -> None:
    await written(furnished, gave_up("pbx:1"), gave_up("pbx:2", at=60))
    (commitment,) = await owed(furnished)
    assert (commitment.urgency, commitment.due_at) == (2, at(30))
    assert commitment.id is not None
    other = Database(furnished_url)

    outcomes = await asyncio.gather(
        KEEPER.do(furnished, commitment.id, Claimed(by=JONAS, at=at(2)), SAMPLE_TABLE),
        KEEPER.do(other, commitment.id, Claimed(by=LENA, at=at(2)), SAMPLE_TABLE),
    )

    await other.close()
    (winner,) = [outcome.commitment.claimed_by for outcome in outcomes if isinstance(outcome, Changed)]
    (loser,) = [outcome for outcome in outcomes if not isinstance(outcome, Changed)]
    assert loser == ClaimedAlready(by=winner or 0)
    assert [claimed.owner for claimed in await owed(furnished)] == [winner]


async def test_an_owner_who_leaves_hands_over_at_once(furnished: Database) -> None:
    await written(furnished, gave_up())
    ida = replace(SAMPLE_TABLE.people[IDA], state=PersonState.LEFT)
    without_ida = SAMPLE_TABLE.with_change(Put(entity=ida))

    assert await clock(furnished).look(at(1)) == 0
    assert await clock(furnished, table=without_ida).look(at(1)) == 1

    (commitment,) = await owed(furnished)
    assert (commitment.owner, commitment.desk, commitment.due_at) == (LENA, COORDINATORS, at(30))
    nobody = without_ida.with_change(Put(entity=replace(SAMPLE_TABLE.people[LENA], state=PersonState.AWAY)))
    await clock(furnished, table=nobody).look(at(2))
    assert [commitment.owner for commitment in await owed(furnished)] == [None]


async def test_a_caller_who_gets_through_on_the_next_try_is_owed_nothing_more(furnished: Database) -> None:
    await written(furnished, gave_up("pbx:1"))
    await written(furnished, got_through("pbx:2", at=40, talked=19))
    assert len(await owed(furnished)) == 1, "too short to have been helped"
    await written(furnished, got_through("pbx:3", at=70, talked=20))
    kept, calls = await only(furnished)
    assert (kept.state, kept.kept_by_call, calls) == (State.KEPT, "pbx:3", ("pbx:1",))


async def test_a_call_told_again_and_again_counts_once(furnished: Database) -> None:
    for _ in range(3):  # live, by the journal after a restart, by the journal of another router
        await written(furnished, gave_up("pbx:1"))
    await written(furnished, got_through("pbx:3", at=70))
    await written(furnished, gave_up("pbx:1"))
    kept, calls = await only(furnished)
    assert (kept.state, kept.urgency, calls) == (State.KEPT, 1, ("pbx:1",))


async def test_a_missed_call_told_after_the_talk_that_followed_it_is_kept_by_that_talk(furnished: Database) -> None:
    await written(furnished, got_through("pbx:2", at=100))
    await written(furnished, gave_up("pbx:1", at=50))
    kept, _ = await only(furnished)
    assert (kept.state, kept.kept_by_call) == (State.KEPT, "pbx:2")


async def test_a_call_that_lasts_or_was_answered_is_owed_nothing(furnished: Database) -> None:
    await written(furnished, ringing("pbx:1"), got_through("pbx:2"), gave_up("pbx:3", rang=2))
    assert await owed(furnished) == []


async def test_a_call_that_seemed_lost_and_was_answered_is_owed_nothing(furnished: Database) -> None:
    await written(furnished, replace(gave_up("pbx:1"), ending=Ending.LOST))
    assert [commitment.why for commitment in await owed(furnished)] == [Why.LOST]
    await written(furnished, got_through("pbx:1", at=10, talked=3))
    assert await owed(furnished) == []
    await written(furnished, gave_up("pbx:1"))  # a journal that knows less
    assert await owed(furnished) == []


@pytest.mark.parametrize("promise", CallPromised)
async def test_a_caller_who_was_let_go_with_a_promise_is_owed_it_however_soon(
    furnished: Database, promise: CallPromised
) -> None:
    await written(furnished, replace(gave_up(rang=1), ending=Ending.PROMISED, promise=promise))
    assert [commitment.why.value for commitment in await owed(furnished)] == [promise.value]


async def test_callers_without_a_number_belong_to_the_desk_together(furnished: Database) -> None:
    await written(furnished, without_number(gave_up("pbx:1")), without_number(gave_up("pbx:2", at=60)))
    (commitment,) = await owed(furnished)
    assert (commitment.owner, commitment.desk, commitment.urgency) == (None, COORDINATORS, 2)


async def test_two_routers_that_hear_of_the_same_customer_make_one_commitment(
    furnished: Database, furnished_url: str
) -> None:
    other = Database(furnished_url)
    calls = [gave_up(f"pbx:{number}", at=number) for number in range(10)]
    await asyncio.gather(*[written(db, call) for call in calls for db in (furnished, other)])
    await other.close()
    commitment, linked = await only(furnished)
    assert (commitment.urgency, len(linked)) == (10, 10)
    assert (await told(furnished)).count(NoticeKind.OPENED) == 1


async def test_two_routers_remind_once(furnished: Database, furnished_url: str) -> None:
    await give_addresses(furnished)
    await written(furnished, *[_of_its_own(number) for number in range(8)], keeper=WITH_MAILS)
    other = Database(furnished_url)
    clocks = [clock(db, keeper=WITH_MAILS) for db in (furnished, other, furnished, other)]

    for minute in (19, 20, 21, 30, 31):
        await asyncio.gather(*[ticking.look(at(minute)) for ticking in clocks])

    await other.close()
    kinds = await told(furnished)
    assert [kinds.count(kind) for kind in (NoticeKind.REMINDER, NoticeKind.LATE)] == [8, 8]


async def test_a_promise_belongs_to_who_made_it_and_outlives_the_talk(furnished: Database) -> None:
    talk = got_through("pbx:7", at=0, talked=300)
    promised = Promised(
        call_id="pbx:7", party=party_of(talk, SAMPLE_TABLE), by=JONAS, due_at=at(240), note="the offer", at=at(4)
    )
    await KEEPER.promise(furnished, promised, SAMPLE_TABLE)
    await written(furnished, talk)
    (commitment,) = await owed(furnished)
    assert (commitment.owner, commitment.due_at, commitment.note) == (JONAS, at(240), "the offer")
    assert (commitment.why, commitment.opened_by_call) == (Why.PROMISED, "pbx:7")


async def test_what_is_kept_or_void_makes_room_for_the_next(furnished: Database) -> None:
    ends: tuple[Event, ...] = (Kept(by=IDA, call_id=None, note="", at=at(1)), Voided(reason="spam", at=at(1)))
    for number, end in enumerate(ends):
        await written(furnished, gave_up(f"pbx:{number}"))
        (commitment,) = await owed(furnished)
        assert commitment.id is not None
        await KEEPER.do(furnished, commitment.id, end, SAMPLE_TABLE)
    assert await owed(furnished) == []


async def test_a_number_that_no_commitment_has_is_told(furnished: Database) -> None:
    with pytest.raises(NoSuchCommitment, match="there is no commitment 99"):
        await KEEPER.do(furnished, 99, Voided(reason="spam", at=at(1)), SAMPLE_TABLE)


def _of_its_own(number: int) -> Call:
    """A call of somebody whom nobody knows, each with a number of their own."""
    caller = f"{BIRCH[:-2]}{number + 50}"
    return replace(gave_up(f"pbx:{number}"), caller=caller, decision=None, account=None, line=1, arrived_at=after(-30))
