"""How does a command reach the database and the newest table, and how does it say what it did, or why it didn't?"""

import asyncio
import getpass
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar
from zoneinfo import ZoneInfo

import uvloop
from rich.console import Console

from router.settings import Settings
from router.storage.database import Database

if TYPE_CHECKING:
    from router.changes.door import Door
    from router.changes.wishes import By
    from router.routing.table import Table
    from router.storage.publisher import Publisher

out = Console()
err = Console(stderr=True)

# Far from where a calendar ends: hours are looked at for weeks around the instant, in zones of any offset.
EARLIEST_YEAR, LATEST_YEAR = 2000, 2199

T = TypeVar("T")


def fail(sentence: str, code: int = 1) -> NoReturn:
    """Say why it can't be done, and end: with 2 when it was asked wrongly."""
    err.print(sentence, style="red", highlight=False, soft_wrap=True)
    sys.exit(code)


def with_database(settings: Settings, work: Callable[[Database], Coroutine[Any, Any, T]]) -> T:
    """Do this with the database of these settings, and close it."""

    async def run() -> T:
        db = Database(settings.database)
        try:
            return await work(db)
        finally:
            await db.close()

    return in_loop(run())


def in_loop(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def instant_meant(text: str, settings: Settings, now: datetime, option: str) -> datetime:
    """What was typed as an instant to come, by the company's clock; or the end with 2."""
    from router.routing.hours import next_time

    try:
        if ":" in text and "-" not in text:
            return next_time(time.fromisoformat(text).replace(tzinfo=None), settings.time_zone, now)
        at = datetime.fromisoformat(text)
    except ValueError:
        fail(f"{option} {text!r} is no time: give 14:30, 2026-12-01 or 2026-12-01T08:00", code=2)
    if not EARLIEST_YEAR <= at.year <= LATEST_YEAR:
        fail(f"{option} must be in a year from {EARLIEST_YEAR} to {LATEST_YEAR}", code=2)
    instant = (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(settings.time_zone))).astimezone(UTC)
    if instant <= now:
        fail(f"{option} {text} is over: give a time to come", code=2)
    return instant


def door_of(db: Database, settings: Settings) -> "tuple[Door, Publisher]":
    """The one way to change something, and where the table stands afterwards that it makes."""
    from router.changes.door import Door
    from router.storage.commitments import Keeper
    from router.storage.publisher import Publisher

    prefixes = tuple(settings.external_prefixes)
    keeper = Keeper(terms=settings.commitment.terms(), mails=bool(settings.mail.host))
    publisher = Publisher(
        db, settings.region, settings.time_zone, lambda _: None, external_prefixes=prefixes, logs=False
    )
    return Door(publisher, external_prefixes=prefixes, keeper=keeper), publisher


@asynccontextmanager
async def open_door(db: Database, settings: Settings) -> "AsyncIterator[tuple[Door, Publisher]]":
    """The same, and it is closed in the end: it may have a process of its own."""
    door, publisher = door_of(db, settings)
    try:
        yield door, publisher
    finally:
        await door.close()


def by_command() -> "By":
    """Who changes something by this command, for the records."""
    from router.changes.wishes import By
    from router.storage.access_schema import Source

    return By(actor=who_asks(), source=Source.COMMAND)


def who_asks() -> str:
    """Your name on this machine."""
    try:
        return getpass.getuser()[:100]
    except (KeyError, OSError):  # a user without a name
        return "the command line"


async def newest_table(db: Database, settings: Settings) -> "Table":
    """The table that the rows make now. Raises StorageError and TableError."""
    from router.routing.table import Table
    from router.storage.tables import load_configuration

    configuration, version = await load_configuration(
        db, settings.region, settings.time_zone, settings.external_prefixes
    )
    return Table.build(configuration, version)
