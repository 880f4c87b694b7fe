"""Is what people ask of a PBX taken once, by who speaks for it, and never too late?"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

from router.storage.call_schema import OrderKind, OrderState
from router.storage.database import Database
from router.storage.orders import (
    EXPIRES_AFTER,
    Asked,
    OrderBook,
    Outcome,
    ask,
    outcome,
    settle,
    take,
    wait_for,
)
from tests.storage.stories import MONDAY_NOON, SOON, until

PAYLOAD = {"call": "anna", "person": "Jonas"}


async def asked(db: Database, *, pbx: str = "pbx", now: datetime = MONDAY_NOON) -> int:
    return await ask(db, pbx, OrderKind.HAND_OVER, PAYLOAD, asked_by="Petra", now=now)


@asynccontextmanager
async def following(db: Database, *, speaks: bool = True) -> AsyncIterator[tuple[OrderBook, list[Asked]]]:
    taken: list[Asked] = []
    book = OrderBook(db, "pbx", speaks=lambda: speaks, carry_out=taken.append)
    tasks = [asyncio.create_task(book.follow()), asyncio.create_task(book.write())]
    try:
        yield book, taken
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def test_an_order_is_taken_once_with_all_that_was_asked(db: Database) -> None:
    number = await asked(db)

    (order,) = await take(db, "pbx", MONDAY_NOON)

    assert (order.id, order.kind, order.payload, order.asked_by) == (number, OrderKind.HAND_OVER, PAYLOAD, "Petra")
    assert order.expires_at == MONDAY_NOON + EXPIRES_AFTER
    assert await take(db, "pbx", MONDAY_NOON) == ()
    assert await outcome(db, number) == Outcome(state=OrderState.TAKEN, result="")


async def test_of_two_who_take_at_once_one_gets_each_order(db: Database) -> None:
    numbers = [await asked(db) for _ in range(20)]

    both = await asyncio.gather(*(take(db, "pbx", MONDAY_NOON) for _ in range(4)))

    assert sorted(order.id for orders in both for order in orders) == numbers


async def test_orders_are_taken_in_the_order_in_which_they_were_asked(db: Database) -> None:
    numbers = [await asked(db) for _ in range(5)]

    assert [order.id for order in await take(db, "pbx", MONDAY_NOON)] == numbers


async def test_what_is_asked_of_another_pbx_is_left_alone(db: Database) -> None:
    number = await asked(db, pbx="other")

    assert await take(db, "pbx", MONDAY_NOON) == ()
    assert (await outcome(db, number)).state is OrderState.ASKED


async def test_an_order_whose_time_has_passed_is_never_carried_out(db: Database) -> None:
    late, in_time = await asked(db), await asked(db, now=MONDAY_NOON + timedelta(seconds=1))

    taken = await take(db, "pbx", MONDAY_NOON + EXPIRES_AFTER)

    assert [order.id for order in taken] == [in_time]
    assert (await outcome(db, late)).state is OrderState.EXPIRED


async def test_the_first_outcome_of_an_order_stays(db: Database) -> None:
    number = await asked(db)
    await settle(db, number, done=True, result="before it was taken")
    await take(db, "pbx", MONDAY_NOON)

    await settle(db, number, done=False, result="nobody has a caller")
    await settle(db, number, done=True, result="said again")

    assert await outcome(db, number) == Outcome(state=OrderState.REFUSED, result="nobody has a caller")


async def test_an_order_that_nobody_takes_is_withdrawn_by_who_waits_for_it(db: Database) -> None:
    number = await asked(db, now=datetime.now(UTC))

    assert (await wait_for(db, number, 0.1)).state is OrderState.EXPIRED
    assert await take(db, "pbx", datetime.now(UTC)) == ()


async def test_who_speaks_for_the_pbx_carries_orders_out_and_who_asked_hears_of_it(db: Database) -> None:
    async with following(db) as (book, taken):
        number = await asked(db, now=datetime.now(UTC))
        waiting = asyncio.create_task(wait_for(db, number, SOON))
        await until(lambda: len(taken) == 1)
        book.settled(number, done=True, result="handed over")

        assert await waiting == Outcome(state=OrderState.DONE, result="handed over")


async def test_who_does_not_speak_for_the_pbx_takes_nothing(db: Database) -> None:
    async with following(db, speaks=False) as (_, taken):
        number = await asked(db, now=datetime.now(UTC))

        assert (await wait_for(db, number, 0.6)).state is OrderState.EXPIRED
    assert taken == []
