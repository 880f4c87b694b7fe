"""How does somebody who dialled that they are away get into the table, without a call ever waiting for it?"""

import asyncio
from collections.abc import Callable
from datetime import datetime

from router.calls.events import AwayKept
from router.calls.orders import KeepAway
from router.changes.absence import say_away
from router.changes.door import Door
from router.changes.faults import ChangeRefused, LeavesAlready, Unknown
from router.changes.wishes import By
from router.routing.table_errors import TableError
from router.storage.access_schema import Source
from router.storage.database import StorageError

KEPT_WITHIN = 2.0  # seconds; whoever dialled the code waits for the word no longer than 2.5
MOST_WAITING = 100  # people who dial at the same time, with a database that is slow; the others are told "not possible"


class Absences:
    """One after the other they are put into the table; `tell` gets what became of each."""

    def __init__(self, door: Door, tell: Callable[[AwayKept], None], now: Callable[[], datetime]) -> None:
        self._door = door
        self._tell = tell
        self._now = now
        self._waiting: asyncio.Queue[KeepAway] = asyncio.Queue(MOST_WAITING)

    def keep(self, order: KeepAway) -> None:
        """Remember this order. Never waits, never raises; one too many is told by the dialplan itself, in time."""
        if not self._waiting.full():
            self._waiting.put_nowait(order)

    async def run(self) -> None:
        """Carry the orders out until cancelled."""
        while True:
            order = await self._waiting.get()
            why = await self._kept(order)
            self._tell(
                AwayKept(
                    call_id=order.call_id,
                    channel=order.channel,
                    person=order.person,
                    until=order.until,
                    why=why,
                    at=self._now(),
                )
            )

    async def _kept(self, order: KeepAway) -> str:
        by = By(actor="dialled on their phone", source=Source.COMMAND)
        try:
            async with asyncio.timeout(KEPT_WITHIN):
                await say_away(self._door, order.person, order.until, by, self._now())
        except (LeavesAlready, Unknown):
            return "the table can't say of them that they are away"
        except (ChangeRefused, StorageError, TableError, TimeoutError) as fault:
            return str(fault) or "the database takes too long"
        return ""
