"""In which condition is the database: whose tables has it, does it take writes, what time is it there?"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from alembic.script import ScriptDirectory
from sqlalchemy import text

from router.storage.database import Database, NotMigrated, Unavailable
from router.storage.migrate import config_for
from router.storage.speaker import Speakers, speakers


class Tables(StrEnum):
    """none: empty, or somebody else's · older, newer: of another version of this program · ours: as it needs them."""

    NONE = "none"
    OLDER = "older"
    OURS = "ours"
    NEWER = "newer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What was seen. `ahead` are the seconds by which the server's clock is ahead of ours, give or take `unsure`, and
    `speakers` who speaks by its locks: None on SQLite, which has neither."""

    tables: Tables
    revision: str  # "" when it has none
    newest: str
    writable: bool
    ahead: float | None
    unsure: float
    speakers: Speakers | None


async def look_at(db: Database, pbx: str, now: Callable[[], datetime]) -> Condition:
    """Look, and change nothing; `now` is our clock. Raises StorageError: Unavailable when it is away."""
    revision = await _revision(db)
    writable, ahead, unsure, speaking = True, None, 0.0, None
    if db.speaks_postgresql:
        async with db.reading() as look:
            asked = now()
            said: Any = (await look.run(text("SELECT clock_timestamp(), pg_is_in_recovery()"))).one()
            unsure = (now() - asked).total_seconds() / 2  # somewhere in between it looked at its clock
            ahead, writable = (said[0] - asked).total_seconds() - unsure, not said[1]
            speaking = await speakers(look, pbx)
    else:
        try:
            async with db.writing() as transaction:
                await transaction.run(text("SELECT 1"))  # has the write lock for a moment
        except Unavailable:
            writable = False
    scripts = ScriptDirectory.from_config(config_for(db.url))
    newest = scripts.get_current_head() or ""
    known = {script.revision for script in scripts.walk_revisions()}
    return Condition(
        tables=_tables(revision, newest, known),
        revision=revision,
        newest=newest,
        writable=writable,
        ahead=ahead,
        unsure=unsure,
        speakers=speaking,
    )


async def _revision(db: Database) -> str:
    try:
        async with db.reading() as look:
            rows = (await look.run(text("SELECT version_num FROM alembic_version"))).all()
    except NotMigrated:
        return ""
    return str(rows[0][0]) if rows else ""


def _tables(revision: str, newest: str, known: set[str]) -> Tables:
    if not revision:
        return Tables.NONE
    if revision == newest:
        return Tables.OURS
    return Tables.OLDER if revision in known else Tables.NEWER
