"""What becomes of the call-backs that people ask for?

Whom to call is read from the database and decided by the table of now; the PBX is asked; what it tells is written down,
and its end settles the order and changes what we owe. All of it happens one after the other in a task of its own: no
call waits for it. Nothing is remembered here that a restart would lose: the id of a call-back is on record before the
PBX is asked, and its end stands in the PBX's journal.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NoReturn, assert_never

import structlog

from router.ami.originator import NotPlaced, Originator
from router.calls.calling_back import CallBack, CallBackEnded, CallBackNews, call_back_id
from router.calls.events import LinkUp
from router.commitments.calling_back import Became, Calling, NotPossible, calling
from router.routing.table import Table
from router.storage import call_backs
from router.storage.call_backs import Attempt
from router.storage.commitments import Keeper, commitment_of
from router.storage.database import Database, StorageError, Unavailable
from router.storage.orders import Asked

# Every call-back tells of itself some five times. So many wait while the database is away; those after them are
# dropped, and their ends are in the journal.
MOST_WAITING = 10_000
AGAIN_AFTER = 0.5  # seconds until what the database could not take is tried again
BEGINS_WITHIN = 5.0  # seconds; a PBX that has our context tells within milliseconds that a call-back has begun
LOOK_EVERY = 0.5  # seconds between two looks for those that never began
JUST_PLACED = timedelta(seconds=10)  # it may not be among the PBX's channels yet, or its Originate is still on the way

NO_USER = (
    "this router may not call anybody: install the AMI user router-originate (manager.d/router_originate.conf.sample"
    " beside the dialplan) and give its secret as ROUTER_ORIGINATE_SECRET_FILE"
)
NEVER_BEGAN = "the PBX took it and never began: does its dialplan have [router-callback]? See `router check --pbx`"
LOST = "nobody knows what became of it: the PBX ended meanwhile; the commitment stays as it was"
NOT_PLACED = "the router ended before it could ask the PBX: nobody was called"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplaced:
    """An order that came to nothing before any phone rang, and why."""

    order: int
    sentence: str


Work = Asked | Unplaced | CallBackNews | CallBackEnded | LinkUp


class CallingBack:
    """`settle` tells what came of an order: (order, done, sentence). Without an `originator` none is placed."""

    def __init__(
        self,
        db: Database,
        keeper: Keeper,
        pbx: str,
        *,
        table: Callable[[], Table | None],
        originator: Originator | None,
        speaks: Callable[[], bool],
        settle: Callable[[int, bool, str], None],
    ) -> None:
        self.dropped = 0  # what memory had no room for
        self._db = db
        self._keeper = keeper
        self._pbx = pbx
        self._table = table
        self._originator = originator
        self._speaks = speaks
        self._settle = settle
        self._waiting: asyncio.Queue[Work] = asyncio.Queue(MOST_WAITING)
        self._unbegun: dict[int, float] = {}  # orders of which the PBX has told nothing yet: until when, by the loop

    def hear(self, work: Work) -> None:
        """An order to call back, or what the PBX tells. Waits for nothing, raises nothing."""
        try:
            self._waiting.put_nowait(work)
        except asyncio.QueueFull:
            self.dropped += 1

    async def run(self) -> NoReturn:
        """Work until cancelled; what the database can't take now is tried again, before anything after it."""
        while True:
            work = await self._next()
            while True:
                try:
                    await self._do(work)
                    break
                except StorageError as fault:
                    log.warning("call-backs wait", why=str(fault))
                    await asyncio.sleep(AGAIN_AFTER)
                except Exception:
                    # a slip of ours about one of them must not keep the others from being called or written down
                    log.exception("call-back not understood", what=type(work).__name__)
                    break

    async def _next(self) -> Work | None:
        """What is to be done next, None when only time has passed."""
        try:
            async with asyncio.timeout(LOOK_EVERY):
                return await self._waiting.get()
        except TimeoutError:
            return None

    async def _do(self, work: Work | None) -> None:
        match work:
            case None:
                await self._look_for_the_unbegun()
            case Asked():
                await self._place(work)
            case Unplaced():
                await self._give_up(work.order, Became.NOT_PLACED, work.sentence)
            case CallBackNews():
                async with self._db.writing() as transaction:
                    attempt = await call_backs.note(transaction, work)
                if attempt is not None:
                    self._unbegun.pop(attempt, None)
            case CallBackEnded():
                await self._ended(work)
            case LinkUp():
                await self._resynchronised(work)
            case _:
                assert_never(work)

    async def _place(self, order: Asked) -> None:
        self._unbegun.pop(order.id, None)
        now, table = datetime.now(UTC), self._table()
        if self._originator is None:
            return await self._give_up(order.id, Became.NOT_PLACED, NO_USER)
        if table is None or now >= order.expires_at:
            return await self._give_up(order.id, Became.NOT_PLACED, "it came too late to be carried out")
        call_id = call_back_id(self._pbx, order.id, order.asked_at)
        async with self._db.writing() as transaction:
            attempt = await call_backs.attempt_in(transaction, order.id)
            if attempt is None or attempt.ended_at is not None:
                return None
            commitment = await commitment_of(transaction, attempt.commitment)
            wanted = calling(commitment, attempt.person, table, now)
            if isinstance(wanted, Calling):
                await call_backs.place(transaction, order.id, call_id, wanted, now)
        if isinstance(wanted, NotPossible):
            return await self._give_up(order.id, Became.NOT_PLACED, wanted.sentence)
        # On record first: a router that dies from here on knows after its restart what to ask the PBX about.
        self._unbegun[order.id] = asyncio.get_running_loop().time() + BEGINS_WITHIN
        try:
            await self._originator.call_back(_order(call_id, wanted))
        except NotPlaced as fault:
            self.hear(Unplaced(order=order.id, sentence=str(fault)))
        return None

    async def _ended(self, ended: CallBackEnded) -> None:
        table = self._table()
        if table is None:
            raise Unavailable("without a table nobody knows who owes whom a call back")
        async with self._db.writing() as transaction:
            attempt = await call_backs.end(transaction, ended, self._keeper, table)
        if attempt is not None:
            self._over(attempt)

    async def _resynchronised(self, link: LinkUp) -> None:
        for ended in link.call_backs:
            await self._ended(ended)
        async with self._db.reading() as look:
            open_ones = await call_backs.under_way(look, self._pbx)
        soon = asyncio.get_running_loop().time() + BEGINS_WITHIN
        for one in open_ones:
            if one.call_id is not None and one.call_id in link.live_calls:
                continue
            if (one.placed_at or one.asked_at) >= link.at - JUST_PLACED:
                self._unbegun.setdefault(one.id, soon)
            elif one.call_id is None:
                await self._give_up(one.id, Became.NOT_PLACED, NOT_PLACED)
            else:
                await self._give_up(one.id, Became.LOST, LOST)

    async def _look_for_the_unbegun(self) -> None:
        if not self._speaks():
            return  # it may well have begun: the next link tells
        now = asyncio.get_running_loop().time()
        for order in [order for order, until in self._unbegun.items() if until <= now]:
            await self._give_up(order, Became.NOT_PLACED, NEVER_BEGAN)

    async def _give_up(self, order: int, became: Became, sentence: str) -> None:
        self._unbegun.pop(order, None)
        async with self._db.writing() as transaction:
            attempt = await call_backs.give_up(transaction, order, became, sentence, datetime.now(UTC))
        if attempt is not None:
            self._over(attempt)

    def _over(self, attempt: Attempt) -> None:
        self._unbegun.pop(attempt.id, None)
        self._settle(attempt.id, attempt.became is Became.TALKED, attempt.sentence)


def _order(call_id: str, wanted: Calling) -> CallBack:
    return CallBack(
        call_id=call_id,
        phones=wanted.phones,
        seconds=wanted.seconds,
        number=wanted.number,
        shown=wanted.shown,
        display=wanted.display,
    )
