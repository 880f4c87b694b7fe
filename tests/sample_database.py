"""Where does a test get a database with the sample company in it?"""

import asyncio
import threading
from datetime import UTC, datetime
from pathlib import Path

from router.lab.sample import SAMPLE
from router.storage.company import save_company
from router.storage.database import Database
from router.storage.migrate import upgrade

MONDAY_NOON = datetime(2026, 3, 2, 17, tzinfo=UTC)  # noon where the sample company is
GONE_WITHIN = 5.0  # seconds


def furnish(file: Path) -> Path:
    """Make this SQLite file with the sample company as table 1; copy it for each test. Not to be called in a loop."""
    furnish_database(f"sqlite:///{file}")
    return file


def furnish_database(url: str) -> None:
    """The same in any empty database. Not to be called in a loop."""
    upgrade(url)

    async def save() -> None:
        db = Database(url)
        await save_company(db, SAMPLE, MONDAY_NOON)
        await db.close()

    asyncio.run(save())


async def last_words() -> None:
    """A connection that aiosqlite could not make leaves a thread behind, whose last word must find the loop alive."""
    for thread in threading.enumerate():
        if "_connection_worker_thread" in thread.name:
            await asyncio.to_thread(thread.join, GONE_WITHIN)
