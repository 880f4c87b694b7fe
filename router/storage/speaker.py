"""Who tries to speak for a PBX, where several processes could?

Whoever has PostgreSQL's advisory lock of that PBX, held by a session of its own: it is free as soon as its holder's
process has ended. It only decides who tries; who is heard is decided in the PBX. So losing the database ends nobody's
speaking: who speaks goes on and asks again, sooner than those who stand by.
"""

import asyncio
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import structlog
from sqlalchemy import text

from router.storage.database import STATEMENT_WITHIN, WAKEUPS, Database, StorageError, Transaction, within
from router.storage.own_connection import own_connection
from router.storage.wakeups import Heard, Topic

TRY_EVERY = 0.2  # seconds; when the speaker dies, calls are without decisions for this long, and as long as taking over
CHECK_EVERY = 1.0  # seconds between two signs of life of the session that holds it
AGAIN_SPEAKING = 0.2  # seconds until who speaks asks a database anew that was away, …
AGAIN_STANDING_BY = 2.0  # … and who doesn't: nobody shall take over only because the database was away
GIVEN_WITHIN = 1.0  # seconds for a stop to wait for a database; without an answer its end frees the lock as well

# A server learns of a machine that has vanished with a session only by asking: after 2 s of silence each second, twice.
KEEP_ALIVE = {"tcp_keepalives_idle": "2", "tcp_keepalives_interval": "1", "tcp_keepalives_count": "2"}

log = structlog.get_logger()


class SpeakerLock:
    """One process's side of it (the `Turn` of its link). Who waits for it sits on a chair, another lock, shared."""

    def __init__(self, db: Database, pbx: str) -> None:
        self.held = False
        self.elsewhere = False
        self._db = db
        self._lock, self._chair = _keys(pbx)
        self._wanted = False
        self._speaking = False
        self._told = Heard()
        self._asked = Heard()
        self._given: asyncio.Future[bool] | None = None

    def want(self, *, speaking: bool) -> None:
        """Try to get it, and keep it; who is `speaking` already tries more often. Never waits, never raises."""
        self._wanted, self._speaking = True, speaking
        self._asked.wake()

    def release(self) -> None:
        """Let others have it. Never waits, never raises."""
        self._wanted = self._speaking = False
        self._asked.wake()

    async def give_away(self) -> bool:
        """Let others have it, and say whether somebody waits for it. Raises nothing."""
        if not self.held:
            self.release()
            return False
        self._given = asyncio.get_running_loop().create_future()
        self.release()
        done, _ = await asyncio.wait([self._given], timeout=GIVEN_WITHIN)
        return bool(done) and self._given.result()

    async def wait(self, at_most: float) -> None:
        """Wait until `held` or `elsewhere` has changed, for so many seconds at most."""
        await self._told.wait(at_most)

    async def run(self) -> None:
        """Hold it, or ask for it again and again, as long as it is wanted; until cancelled."""
        with self._db.wakeups.following(Topic.SPEAKER, heard=self._asked):
            while True:
                if not self._wanted:
                    await self._asked.wait(CHECK_EVERY)
                    continue
                try:
                    async with own_connection(self._db, KEEP_ALIVE) as session:
                        session.add_termination_listener(lambda _: self._asked.wake())
                        await self._hold(session)
                except StorageError as fault:
                    log.debug("who speaks is not decided by the database", why=str(fault))
                finally:
                    self._tell(held=False, elsewhere=False)
                if self._wanted:
                    await asyncio.sleep(AGAIN_SPEAKING if self._speaking else AGAIN_STANDING_BY)

    async def _hold(self, session: Any) -> None:
        await _ask(session, "SELECT pg_try_advisory_lock_shared($1)", self._chair)
        while self._wanted and not session.is_closed():
            if self.held:
                await _ask(session, "SELECT 1")
            elif await _ask(session, "SELECT pg_try_advisory_lock($1)", self._lock):
                await _ask(session, "SELECT pg_advisory_unlock_shared($1)", self._chair)
                self._tell(held=True, elsewhere=False)
            else:
                self._tell(held=False, elsewhere=True)
            await self._asked.wait(CHECK_EVERY if self.held else TRY_EVERY)
        if self.held and not session.is_closed():
            nobody_waits = await _ask(session, "SELECT pg_try_advisory_xact_lock($1)", self._chair)
            await _ask(session, "SELECT pg_advisory_unlock($1)", self._lock)
            await _ask(session, "SELECT pg_notify($1, $2)", WAKEUPS, Topic.SPEAKER.value)
            if self._given is not None and not self._given.done():
                self._given.set_result(not nobody_waits)

    def _tell(self, *, held: bool, elsewhere: bool) -> None:
        if (held, elsewhere) != (self.held, self.elsewhere):
            self.held, self.elsewhere = held, elsewhere
            self._told.wake()


@dataclass(frozen=True, slots=True, kw_only=True)
class Speakers:
    """Whether a process has the lock of a PBX, and how many wait for it."""

    one_speaks: bool
    standing_by: int


async def speakers(look: Transaction, pbx: str) -> Speakers:
    """Who has the lock of this PBX in this database (PostgreSQL), and who waits for it. Raises StorageError."""
    held = text(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        " AND (classid::bigint << 32) | objid::bigint = :key"
    )
    counts = [(await look.run(held.bindparams(key=key))).scalar_one() for key in _keys(pbx)]
    return Speakers(one_speaks=counts[0] > 0, standing_by=counts[1])


def _keys(pbx: str) -> tuple[int, int]:
    """The lock of who speaks, and the chair of those who wait."""
    return _key(f"speaker {pbx}"), _key(f"standing by {pbx}")


async def _ask(session: Any, question: str, *values: object) -> Any:
    async with within(STATEMENT_WITHIN, "the lock took longer"):
        return await session.fetchval(question, *values)


def _key(name: str) -> int:
    """A name as PostgreSQL's locks know it: 64 bits with a sign."""
    return int.from_bytes(sha256(f"router {name}".encode()).digest()[:8], signed=True)
