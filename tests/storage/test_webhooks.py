"""Does every event arrive at its receiver, in order, whatever receivers and routers do?"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import select

from router.calls.call import Call
from router.courier import Courier
from router.storage.access_schema import Source
from router.storage.database import Database, Transaction
from router.storage.notices import tell_calls
from router.storage.recorder import Recorder
from router.storage.told_schema import MailState, outbox
from router.storage.webhooks import (
    DISABLED_AFTER,
    GIVE_UP_AFTER,
    TAKEN_FOR,
    By,
    change_webhook,
    list_webhooks,
    make_webhook,
    remove_webhook,
    take,
)
from tests.notices.receiver import Receiver, receiving
from tests.storage.stories import MONDAY_NOON, SAMPLE_TABLE, SOON, after, answered, whole_life

BY = By(at=MONDAY_NOON, actor="test", key=None, source=Source.COMMAND)


async def happen(db: Database, *states: Call) -> None:
    async def tell(transaction: Transaction, batch: Sequence[Call]) -> frozenset[str]:
        return await tell_calls(transaction, batch, SAMPLE_TABLE, after(0.1))

    for state in states:
        recorder = Recorder(db, tell=tell)
        recorder.record(state)
        assert await recorder.drain(SOON) == 0


async def hook(db: Database, receiver: Receiver, *kinds: str) -> int:
    webhook, _ = await make_webhook(db, receiver.url, kinds, True, BY)
    return webhook.id


def courier(db: Database) -> Courier:
    return Courier(db=db, private=True)


async def states(db: Database) -> list[MailState]:
    async with db.reading() as look:
        return [row.state for row in await look.rows(select(outbox.c.state).order_by(outbox.c.id))]


async def test_each_receiver_gets_what_it_asked_for_in_order_and_once(furnished: Database, furnished_url: str) -> None:
    other = Database(furnished_url)
    async with receiving() as everything, receiving() as ends:
        await hook(furnished, everything)
        await hook(furnished, ends, "call.ended")
        await happen(furnished, *whole_life("pbx:1"), *whole_life("pbx:2"))
        posted = await asyncio.gather(courier(furnished).post(after(100)), courier(other).post(after(100)))
        # what one could not take while the other held the database comes with the next round, and nothing twice
        more = await courier(other).post(after(200))
    await other.close()
    assert sum(posted) + more == 8
    assert sorted(everything.ids) == sorted(set(everything.ids))
    assert [one.data["event"] for one in ends.received] == ["call.ended", "call.ended"]
    assert set(everything.ids) > set(ends.ids)


async def test_who_is_away_gets_everything_later_in_order_and_holds_nobody_up(furnished: Database) -> None:
    async with receiving() as away, receiving() as here:
        away.status = 503
        await hook(furnished, away)
        await hook(furnished, here)
        await happen(furnished, *whole_life())
        tries = courier(furnished)
        for minute in range(60):
            await tries.post(after(60 * minute))
        assert len(here.ids) == 3
        assert tries.failed < 20, "the receiver isn't asked every minute"
        away.status = 200
        await tries.post(after(3600 + 600))
    assert away.ids == here.ids == sorted(here.ids)
    assert set(await states(furnished)) == {MailState.SENT}


async def test_who_has_missed_an_event_gets_none_of_those_that_followed_it_first(furnished: Database) -> None:
    async with receiving() as away:
        away.status = 500
        await hook(furnished, away)
        await happen(furnished, *whole_life("pbx:1"))
        await courier(furnished).post(after(100))
        away.status = 200
        await happen(furnished, *whole_life("pbx:2"))
        assert await courier(furnished).post(after(101)) == 0
        assert await courier(furnished).post(after(110)) == 6
    assert away.ids == sorted(away.ids)


async def test_what_is_a_day_old_is_given_up_and_who_fails_for_days_is_disabled(furnished: Database) -> None:
    async with receiving() as away:
        away.status = 500
        await hook(furnished, away)
        await happen(furnished, answered("pbx:1"))
        await courier(furnished).post(after(60))
        await courier(furnished).post(after(60) + GIVE_UP_AFTER)
        assert set(await states(furnished)) == {MailState.REFUSED}
        (webhook,) = await list_webhooks(furnished)
        assert (webhook.enabled, webhook.failing_since, webhook.error) == (
            True, after(60), "the receiver answered 500",
        )  # fmt: skip
        await happen(furnished, answered("pbx:2"))
        await courier(furnished).post(after(60) + DISABLED_AFTER)
    (webhook,) = await list_webhooks(furnished)
    assert not webhook.enabled


async def test_who_says_that_it_is_gone_is_asked_no_more(furnished: Database) -> None:
    async with receiving() as gone:
        gone.status = 410
        await hook(furnished, gone)
        await happen(furnished, *whole_life())
        tries = courier(furnished)
        await tries.post(after(100))
        await happen(furnished, answered("pbx:2"))
        await tries.post(after(200))
    assert tries.failed == 1
    assert set(await states(furnished)) == {MailState.REFUSED}


@pytest.mark.parametrize("removed", [True, False])
async def test_who_is_disabled_or_removed_gets_nothing_more(furnished: Database, removed: bool) -> None:
    async with receiving() as receiver:
        identity = await hook(furnished, receiver)
        await happen(furnished, *whole_life())
        if removed:
            assert await remove_webhook(furnished, identity, None, BY)
        else:
            assert await change_webhook(furnished, identity, None, {"enabled": False}, BY)
        assert await courier(furnished).post(after(100)) == 0
    assert receiver.ids == []


async def test_a_router_that_died_while_it_sent_is_stood_in_for(furnished: Database) -> None:
    now = after(100)
    async with receiving() as receiver:
        await hook(furnished, receiver, "call.ended")
        await happen(furnished, *whole_life())
        assert len(await take(furnished, now)) == 1  # and dies
        assert await courier(furnished).post(now + timedelta(seconds=5)) == 0
        assert await courier(furnished).post(now + TAKEN_FOR) == 1
    assert len(receiver.ids) == 1
