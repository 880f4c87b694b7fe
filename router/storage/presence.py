"""How is what people say of themselves kept, and how does each process hear of it?

It is state: it counts at once in the process that heard it, gets its row when the database is there, and is known to
every other process within a poll. Whatever was said last holds, whoever wrote it: a row gives way to a newer one only.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress

import structlog
from sqlalchemy import select

from router.calls.presence import Presence, Presences
from router.storage.database import Database, NotMigrated, StorageError, Unavailable
from router.storage.schema import presence as table
from router.storage.wakeups import Heard, Topic

POLL_EVERY = 0.25  # seconds; what another process wrote shall count within half a second

log = structlog.get_logger()


async def load_presences(db: Database) -> dict[int, Presence]:
    """What everybody said last, by person; who isn't among them never said anything. Raises StorageError."""
    async with db.reading() as look:
        rows = await look.rows(select(table))
    return {
        row.person: Presence(person=row.person, signed_in=row.signed_in, paused_until=row.paused_until, since=row.since)
        for row in rows
    }


async def save_presences(db: Database, presences: Iterable[Presence]) -> None:
    """Write these, each unless a newer one is there already. Raises StorageError; Conflict for a person who isn't."""
    rows = [
        {"person": one.person, "signed_in": one.signed_in, "paused_until": one.paused_until, "since": one.since}
        for one in presences
    ]
    if not rows:
        return
    async with db.writing() as transaction:
        statement = transaction.insert(table)
        new = statement.excluded
        upsert = statement.on_conflict_do_update(
            index_elements=["person"],
            set_={"signed_in": new.signed_in, "paused_until": new.paused_until, "since": new.since},
            where=table.c.since <= new.since,
        )
        await transaction.run(upsert, rows)
        await transaction.wake(Topic.PRESENCE)


class PresenceBook:
    """Follows what is kept, and writes what this process hears. `publish` gets all of it whenever it has changed."""

    def __init__(self, db: Database, publish: Callable[[Presences], None]) -> None:
        self._db = db
        self._publish = publish
        self._unwritten: dict[int, Presence] = {}
        self._published: Mapping[int, Presence] | None = None
        self._heard = Heard()
        self._trouble = ""

    @property
    def pending(self) -> int:
        """How many people's words wait to be written."""
        return len(self._unwritten)

    @property
    def trouble(self) -> str:
        """What keeps us from knowing what others wrote, empty when nothing does."""
        return self._trouble

    def keep(self, presence: Presence) -> None:
        """Remember this until it is written. Never waits, never raises."""
        self._unwritten[presence.person] = presence
        self._heard.wake()

    async def watch(self) -> None:
        """Follow and write until cancelled; without a database what is known here holds."""
        with self._db.wakeups.following(Topic.PRESENCE, heard=self._heard) as heard:
            while True:
                await self._look()
                await heard.wait(POLL_EVERY)
                if self._trouble:  # else a word that waits would keep knocking at a database that is gone
                    await asyncio.sleep(POLL_EVERY)

    async def drain(self, within: float) -> int:
        """Write what is left, for at most so many seconds, and say how much could not be written. For the end."""
        with suppress(StorageError, TimeoutError):
            async with asyncio.timeout(within):
                await self._write()
        return self.pending

    async def _look(self) -> None:
        try:
            await self._write()
            self._hand_out(await load_presences(self._db))
            self._tell("")
        except StorageError as fault:
            self._tell(f"the database fails: {fault}")
        except Exception as fault:
            self._tell(f"presence can't be followed: {fault!r}")
            log.exception("presence can't be followed")

    async def _write(self) -> None:
        for presence in list(self._unwritten.values()):  # few: people dial codes, not machines
            try:
                await save_presences(self._db, [presence])
            except (Unavailable, NotMigrated):
                raise
            except StorageError as fault:
                # They were removed meanwhile, or it is a slip of ours: it must not keep the others from being written.
                log.error("presence refused", person=presence.person, why=str(fault))
            if self._unwritten.get(presence.person) is presence:  # else they said something new meanwhile
                del self._unwritten[presence.person]

    def _hand_out(self, kept: Mapping[int, Presence]) -> None:
        newest = dict(kept)
        for presence in self._unwritten.values():  # said while the rows were read
            row = newest.get(presence.person)
            if row is None or row.since <= presence.since:
                newest[presence.person] = presence
        if newest != self._published:
            self._published = newest
            self._publish(newest)

    def _tell(self, trouble: str) -> None:
        if trouble and trouble != self._trouble:
            log.warning("presence not followed", why=trouble)
        self._trouble = trouble
