"""Which imports were asked for, and what became of them?"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update

from router.storage.database import Database
from router.storage.import_schema import ImportState, imports


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptImport:
    """`asked` says what for; `progress` is what is being done, how much of it, of how much; `told_at` when that was."""

    id: int
    asked_at: datetime
    actor: str
    key: str | None
    asked: Mapping[str, Any]
    state: ImportState
    progress: Mapping[str, Any]
    outcome: Mapping[str, Any]
    version: int | None
    told_at: datetime


async def open_import(db: Database, asked: Mapping[str, Any], actor: str, key: str | None, now: datetime) -> int:
    """Take down that this import was asked for; returns its id. Raises StorageError."""
    row = {
        "asked_at": now,
        "actor": actor,
        "key": key,
        "asked": dict(asked),
        "state": ImportState.WAITING,
        "progress": {},
        "outcome": {},
        "told_at": now,
    }
    async with db.writing() as transaction:
        made = await transaction.run(insert(imports).values(**row).returning(imports.c.id))
        return int(made.scalar_one())


async def tell_import(
    db: Database,
    identity: int,
    state: ImportState,
    now: datetime,
    *,
    progress: Mapping[str, Any] | None = None,
    outcome: Mapping[str, Any] | None = None,
    version: int | None = None,
) -> None:
    """How far it is, or what became of it. Raises StorageError."""
    changed: dict[str, Any] = {"state": state, "told_at": now}
    if progress is not None:
        changed["progress"] = dict(progress)
    if outcome is not None:
        changed |= {"outcome": dict(outcome), "version": version}
    async with db.writing() as transaction:
        await transaction.run(update(imports).where(imports.c.id == identity).values(**changed))


async def import_of(db: Database, identity: int) -> KeptImport | None:
    """One import, None when there is none. Raises StorageError."""
    async with db.reading() as look:
        rows = await look.rows(select(imports).where(imports.c.id == identity))
    return KeptImport(**rows[0]._mapping) if rows else None
