"""What do people ask of a PBX, and what came of it?

An order is a row: whoever asks writes it and waits for its outcome, the one process that speaks for the PBX takes it.
What nobody has taken in time is never carried out.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import insert, select, update

from router.calls.events import AskedHandOver
from router.storage.call_schema import OrderKind, OrderState, orders
from router.storage.database import Database, StorageError, Transaction
from router.storage.wakeups import Topic

EXPIRES_AFTER = timedelta(seconds=10)  # who asked has looked elsewhere by then, and the call has gone on
POLL_EVERY = 0.25  # seconds between two looks for orders: a hand-over may take no longer than a breath
LOOK_EVERY = 0.05  # seconds between two looks for an outcome, by who waits for it
SETTLE_AGAIN = 0.5  # seconds until an outcome that could not be written is tried again

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An order as it was taken. Its `payload` is what whoever asked wrote: nothing in it is certain."""

    id: int
    kind: OrderKind
    payload: Mapping[str, Any]
    asked_by: str
    asked_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an order stands, and what came of it in a sentence ("" while nothing has)."""

    state: OrderState
    result: str

    @property
    def settled(self) -> bool:
        return self.state not in (OrderState.ASKED, OrderState.TAKEN)


async def ask(
    db: Database, pbx: str, kind: OrderKind, payload: Mapping[str, Any], *, asked_by: str, now: datetime
) -> int:
    """Write an order down, and return its number. Raises StorageError."""
    async with db.writing() as work:
        return await write_down(work, pbx, kind, payload, asked_by=asked_by, now=now)


async def write_down(
    work: Transaction, pbx: str, kind: OrderKind, payload: Mapping[str, Any], *, asked_by: str, now: datetime
) -> int:
    """As `ask`, in a transaction with what belongs to it. Raises StorageError."""
    row = {
        "pbx": pbx,
        "kind": kind,
        "payload": dict(payload),
        "asked_by": asked_by,
        "asked_at": now,
        "expires_at": now + EXPIRES_AFTER,
        "state": OrderState.ASKED,
        "result": "",
    }
    result = await work.run(insert(orders).values(row).returning(orders.c.id))
    await work.wake(Topic.ORDERS)
    return int(result.scalar_one())


async def take(db: Database, pbx: str, now: datetime) -> tuple[Asked, ...]:
    """Take what is asked of this PBX, oldest first; nobody else gets it then. What came too late expires.

    Raises StorageError.
    """
    waits = (orders.c.pbx == pbx) & (orders.c.state == OrderState.ASKED)
    async with db.reading() as look:
        if not await look.rows(select(orders.c.id).where(waits).limit(1)):
            return ()  # most looks end here, without the write lock
    async with db.writing() as work:
        await _expire(work, waits & (orders.c.expires_at <= now))
        taken = update(orders).where(waits).values(state=OrderState.TAKEN).returning(*_ASKED)
        rows = (await work.run(taken)).all()
    return tuple(sorted((Asked(**row._mapping) for row in rows), key=lambda order: order.id))


async def settle(db: Database, order: int, *, done: bool, result: str) -> None:
    """Say what came of an order that was taken. One that is settled stays as it is. Raises StorageError."""
    state = OrderState.DONE if done else OrderState.REFUSED
    taken = (orders.c.id == order) & (orders.c.state == OrderState.TAKEN)
    async with db.writing() as work:
        await work.run(update(orders).where(taken).values(state=state, result=result))


async def outcome(db: Database, order: int) -> Outcome:
    """How this order stands. Raises StorageError."""
    async with db.reading() as look:
        rows = await look.rows(select(orders.c.state, orders.c.result).where(orders.c.id == order))
    return Outcome(state=rows[0].state, result=rows[0].result)


async def wait_for(db: Database, order: int, within: float) -> Outcome:
    """The outcome of this order, as soon as it has one, `within` so many seconds.

    An order that nobody has taken by then is withdrawn: it expires at once. Raises StorageError.
    """
    for _ in range(round(within / LOOK_EVERY)):
        if (now := await outcome(db, order)).settled:
            return now
        await asyncio.sleep(LOOK_EVERY)
    async with db.writing() as work:
        await _expire(work, (orders.c.id == order) & (orders.c.state == OrderState.ASKED))
    return await outcome(db, order)


def as_hand_over(order: Asked, at: datetime) -> AskedHandOver:
    """What an order to pass a call on asks of the switchboard."""
    said = {key: value for key, value in order.payload.items() if isinstance(value, str)}
    return AskedHandOver(
        order=order.id,
        call=said.get("call", ""),
        person=said.get("person", ""),
        desk=said.get("desk", ""),
        by=order.asked_by,
        expires_at=order.expires_at,
        at=at,
    )


class OrderBook:
    """Follows what is asked of one PBX: hands each order to `carry_out`, and writes down what came of it.

    `speaks` says whether this process speaks for the PBX now: only then are orders taken.
    """

    def __init__(
        self, db: Database, pbx: str, *, speaks: Callable[[], bool], carry_out: Callable[[Asked], None]
    ) -> None:
        self._db = db
        self._pbx = pbx
        self._speaks = speaks
        self._carry_out = carry_out
        self._outcomes: dict[int, tuple[bool, str]] = {}
        self._wake = asyncio.Event()

    def settled(self, order: int, *, done: bool, result: str) -> None:
        """Remember what came of an order, to be written soon. Never waits, never raises."""
        self._outcomes[order] = (done, result)
        self._wake.set()

    async def follow(self) -> None:
        """Take orders until cancelled."""
        with self._db.wakeups.following(Topic.ORDERS) as heard:
            while True:
                try:
                    if self._speaks():
                        for order in await take(self._db, self._pbx, datetime.now(UTC)):
                            self._carry_out(order)
                except StorageError as fault:
                    log.debug("orders can't be looked at", why=str(fault))  # the publisher tells that it fails
                await heard.wait(POLL_EVERY)

    async def write(self) -> None:
        """Write outcomes until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            for order, (done, result) in list(self._outcomes.items()):
                try:
                    await settle(self._db, order, done=done, result=result)
                    del self._outcomes[order]
                except StorageError as fault:
                    log.warning("outcome of an order waits", order=order, why=str(fault))
                    await asyncio.sleep(SETTLE_AGAIN)
                    self._wake.set()
                    break


_ASKED = [orders.c[name] for name in ("id", "kind", "payload", "asked_by", "asked_at", "expires_at")]


async def _expire(work: Transaction, which: Any) -> None:
    said = "nobody who speaks for this PBX took it in time"
    await work.run(update(orders).where(which).values(state=OrderState.EXPIRED, result=said))
