"""What is due? The other loop: it thinks and does what time brings, where the switchboard does what the PBX tells."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NoReturn

import structlog

from router.changes.leaving import Leavings
from router.commitments.notice import NoticeKind
from router.courier import Courier
from router.notices.letters import Letter, letter, letter_of_what_was_left_behind
from router.notices.mail import Mailer, MailFailed, MailRefused
from router.routing.table import Table
from router.storage import outbox
from router.storage.commitments import Keeper
from router.storage.database import Database, StorageError
from router.storage.retention import due_kinds, fade_some

LOOK_EVERY = 1.0  # seconds; people are reminded by the minute, and a look at nothing costs the database a millisecond
POST_EVERY = 2.0  # seconds
TELL_EVERY = 1.0  # seconds; what waits for other programs goes out together
FADE_EVERY = 60.0  # seconds between two looks whether old records are to be gone through, which they are once an hour
FADE_PAUSE = 0.02  # seconds between two handfuls of them: half of the time is everybody else's
KEEP = timedelta(days=90)  # how long records keep whole numbers, when nobody says

log = structlog.get_logger()


class Clock:
    """Looks at what is owed, at the mails that wait and at records that are old. Its figures are counters.

    It remembers nothing: due times stand in the database, so they outlive a restart, and of two routers on one database
    whoever is first does it.
    """

    def __init__(
        self,
        db: Database,
        keeper: Keeper,
        table: Callable[[], Table | None],
        *,
        mailer: Mailer | None,
        zone: tzinfo,
        keep: timedelta = KEEP,
        leavings: Leavings | None = None,
        courier: Courier | None = None,
    ) -> None:
        """`mailer` None: notices are only on record and in the log. `zone` is the one of the times in mails.

        `keep`: after that long, numbers in records lose their ends. `leavings` None: nobody leaves by the time alone.
        `courier` None: no other program is told.
        """
        self.steps = 0  # commitments that time has changed: somebody was reminded, or handed over
        self.owed: int | None = None  # commitments that are open or claimed, at the last look
        self.late = 0  # of these, past their due time
        self.mails_sent = 0
        self.mails_failed = 0  # tries
        self.faded = 0  # old records that were gone through
        self._db = db
        self._keeper = keeper
        self._table = table
        self._mailer = mailer
        self._zone = zone
        self._keep = keep
        self._leavings = leavings
        self._courier = courier

    async def run(self) -> NoReturn:
        """Look and post until cancelled. A database that is away is waited for: nothing is forgotten there."""
        async with asyncio.TaskGroup() as loops:
            loops.create_task(_again(self.look, LOOK_EVERY), name="look")
            loops.create_task(_again(self.post, POST_EVERY), name="post")
            loops.create_task(_again(self.fade, FADE_EVERY), name="fade")
            if self._courier is not None:
                loops.create_task(_again(self._courier.post, TELL_EVERY), name="webhooks")
        raise AssertionError("these loops have no end")

    async def look(self, now: datetime) -> int:
        """Do what is due by now; returns how many commitments that has changed. Raises StorageError."""
        if self._leavings is not None:
            # Before what they owe is looked at: it goes to whom they agreed on, not to who stands in for the absent.
            await self._leavings.look(now)
        table = self._table()
        if table is None:
            return 0
        steps = await self._keeper.look(self._db, table, now)
        self.steps += steps
        self.owed, self.late = await self._keeper.owed(self._db, now)
        return steps

    async def post(self, now: datetime) -> int:
        """Send the mails that are due by now; returns how many have left. Raises StorageError."""
        if self._mailer is None:
            return 0
        mails = await outbox.take(self._db, now)
        return sum([await self._send(self._mailer, mail, now) for mail in mails])

    async def fade(self, now: datetime) -> int:
        """Let records that are old enough by now lose the ends of their numbers; returns how many were gone through.

        Raises StorageError.
        """
        faded = 0
        for kind in await due_kinds(self._db, now):
            while some := await fade_some(self._db, kind, now - self._keep, now):
                faded += some
                await asyncio.sleep(FADE_PAUSE)
        self.faded += faded
        if faded:
            log.info("old records gone through", records=faded, kept_for_days=self._keep.days)
        return faded

    async def _send(self, mailer: Mailer, mail: outbox.Mail, now: datetime) -> bool:
        try:
            await mailer.send(self._letter(mail, now))
        except MailRefused as never:
            self.mails_failed += 1
            await outbox.give_up(self._db, mail, str(never))
            log.error("mail refused", mail=mail.id, commitment=mail.commitment, why=str(never))
            return False
        except MailFailed as fault:
            self.mails_failed += 1
            again = await outbox.put_off(self._db, mail, str(fault), now)
            log.warning("mail waits", mail=mail.id, commitment=mail.commitment, until=again.isoformat(), why=str(fault))
            return False
        self.mails_sent += 1
        await outbox.sent(self._db, mail, now)
        return True

    def _letter(self, mail: outbox.Mail, now: datetime) -> Letter:
        if mail.commitment is None:
            return letter_of_what_was_left_behind(mail.id, mail.target, mail.payload)
        told = mail.id, mail.target, NoticeKind(mail.kind.value), mail.commitment, mail.payload
        return letter(*told, zone=self._zone, now=now)


async def _again(work: Callable[[datetime], Awaitable[int]], every: float) -> NoReturn:
    while True:
        try:
            await work(datetime.now(UTC))
        except StorageError as fault:
            log.warning("the clock waits", why=str(fault))
        except Exception:
            log.exception("the clock stumbled")  # a slip of ours; what was due is still due in the next round
        await asyncio.sleep(every)
