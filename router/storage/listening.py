"""How does this process hear that another one has written something?

On PostgreSQL: by LISTEN, on a connection of its own. When that is lost, wake-ups cost their follower's poll until it is
there again, and then everybody looks once. On SQLite there is nothing to hear: the polls find it.
"""

import asyncio
from contextlib import suppress
from typing import Any

import structlog

from router.storage.database import STATEMENT_WITHIN, WAKEUPS, Database, StorageError, within
from router.storage.own_connection import own_connection
from router.storage.wakeups import Topic

CHECK_EVERY = 10.0  # seconds; a connection whose other end vanished tells nothing, so it is asked for a sign of life
LISTEN_AGAIN = 0.5  # seconds between two tries; the polls do the work meanwhile

log = structlog.get_logger()


async def listen(db: Database) -> None:
    """Pass on what other processes say they have written, until cancelled. Returns at once where nothing can be heard.

    A database that is away is waited for.
    """
    while db.speaks_postgresql:
        try:
            async with own_connection(db) as connection:
                await _listen_on(connection, db)
        except StorageError as fault:
            log.debug("wake-ups can't be heard", why=str(fault))  # the publisher tells that the database fails
        await asyncio.sleep(LISTEN_AGAIN)


async def _listen_on(connection: Any, db: Database) -> None:
    lost = asyncio.Event()

    def heard(_connection: object, _pid: int, _channel: str, said: str) -> None:
        with suppress(ValueError):  # of a newer version of the router
            db.wakeups.wake([Topic(said)])

    connection.add_termination_listener(lambda _: lost.set())
    async with within(STATEMENT_WITHIN, "listening took longer"):
        await connection.add_listener(WAKEUPS, heard)
    db.wakeups.wake(Topic)  # what was written before we could hear of it
    while not lost.is_set():
        with suppress(TimeoutError):
            async with asyncio.timeout(CHECK_EVERY):
                await lost.wait()
                return
        async with within(STATEMENT_WITHIN, "a sign of life took longer"):
            await connection.execute("SELECT 1")
