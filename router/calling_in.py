"""How is a test call placed that somebody asks for?

What `explain` says of it in this moment is written down first, then the PBX is asked. From there on it is a call like
any other: what becomes of it is told by its record, and by nothing here, so a restart loses nothing.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NoReturn
from zoneinfo import ZoneInfo

import structlog

from router.ami.originator import NotPlaced, Originator
from router.calling_back import NO_USER
from router.calls.answering import NONE, as_json, who_answers
from router.calls.calling_in import CallIn, call_in_id, outside_of
from router.calls.presence import Presences
from router.routing.decide import CallFacts
from router.routing.explain import as_json as decision_as_json
from router.routing.numbers import read_number
from router.routing.table import Table
from router.storage.calling_in import place, wanted_in
from router.storage.database import Database, StorageError
from router.storage.orders import Asked

MOST_WAITING = 1_000  # orders; an hour may have some tens of them

TOO_LATE = "it came too late to be carried out"
FAILED = "the router could not place it; its log says why"

log = structlog.get_logger()


class CallingIn:
    """`settle` tells what came of an order: (order, done, sentence). Without an `originator` none is placed."""

    def __init__(
        self,
        db: Database,
        pbx: str,
        *,
        table: Callable[[], Table | None],
        presences: Callable[[], Presences],
        originator: Originator | None,
        settle: Callable[[int, bool, str], None],
    ) -> None:
        self._db = db
        self._pbx = pbx
        self._table = table
        self._presences = presences
        self._originator = originator
        self._settle = settle
        self._waiting: asyncio.Queue[Asked] = asyncio.Queue(MOST_WAITING)

    def hear(self, order: Asked) -> None:
        """An order to place a test call. Waits for nothing, raises nothing."""
        try:
            self._waiting.put_nowait(order)
        except asyncio.QueueFull:
            self._settle(order.id, False, TOO_LATE)

    async def run(self) -> NoReturn:
        """Place them one after the other until cancelled. One that the database can't note is not placed."""
        while True:
            order = await self._waiting.get()
            try:
                refused = await self._place(order)
            except StorageError as fault:
                refused = f"the database could not note it: {fault}"
            except Exception:
                # a slip of ours about one of them must not keep the others from being placed
                log.exception("test call not understood", order=order.id)
                refused = FAILED
            self._settle(order.id, refused is None, refused or "placed")

    async def _place(self, order: Asked) -> str | None:
        """Why it is not placed, None when it is. Raises StorageError."""
        now, table = datetime.now(UTC), self._table()
        if self._originator is None:
            return NO_USER
        if table is None or now >= order.expires_at:
            return TOO_LATE
        wanted, zone = wanted_in(order.payload), ZoneInfo(table.time_zone)
        call = CallFacts(dialled=wanted.line, caller=read_number(wanted.caller, table.region))
        answering = who_answers(call, table, self._presences(), NONE, now, zone)
        outside = outside_of(answering.decision.plan, table)
        if outside and not wanted.external:
            return f"it may ring outside the company ({', '.join(outside)}): ask for it with `external`"
        decided = decision_as_json(answering.decision, zone)
        explained = {
            "table_version": table.version,
            "sentence": decided["sentence"],
            **as_json(answering, zone),
        }
        await place(self._db, order.id, explained, now)
        call_id = call_in_id(self._pbx, order.id, order.asked_at)
        try:
            await self._originator.call_in(
                CallIn(call_id=call_id, caller=wanted.caller, dialled=wanted.line, seconds=wanted.seconds)
            )
        except NotPlaced as fault:
            return str(fault)
        return None
