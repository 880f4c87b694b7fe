"""Who changed what, and what was it before?"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select

from router.storage.access_schema import Action, Source, audit
from router.storage.database import Transaction

PART = 1_000  # entries at a time: an import has as many as it changes objects
PAGE_AT_MOST = 200  # entries in one answer; each holds its object twice


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One change of one object. `actor` is whose key it was (`key` its prefix); `version` the table that it made."""

    at: datetime
    actor: str
    key: str | None
    source: Source
    kind: str
    object: int
    action: Action
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    version: int | None
    undoes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptEntry(Entry):
    """`hidden_at`: digits of numbers in it were hidden then, so that what was there can't be brought back by it."""

    id: int
    hidden_at: datetime | None


async def append(transaction: Transaction, entries: Sequence[Entry]) -> None:
    """Put these on record. There is no way to change or to remove an entry: see append_only. Raises StorageError."""
    if entries:
        await transaction.run(insert(audit), [asdict(entry) for entry in entries])


async def entry_of(look: Transaction, identity: int) -> KeptEntry | None:
    """One entry, None when there is none. Raises StorageError."""
    rows = await look.rows(select(audit).where(audit.c.id == identity))
    return _entry(rows[0]) if rows else None


async def count_of_version(look: Transaction, version: int) -> int:
    """How many objects were changed with this version of the table. Raises StorageError."""
    return int((await look.rows(select(func.count()).where(audit.c.version == version)))[0][0])


async def entries_of_version(look: Transaction, version: int) -> tuple[KeptEntry, ...]:
    """All that was changed with this version of the table, in order. Raises StorageError."""
    query = select(audit).where(audit.c.version == version).order_by(audit.c.id)
    return tuple([_entry(row) async for rows in look.parts(query, PART) for row in rows])


async def entries_undoing(look: Transaction, identity: int) -> tuple[KeptEntry, ...]:
    """All that was changed when this entry was taken back last, in order. Raises StorageError."""
    last = select(audit.c.version).where(audit.c.undoes == identity).order_by(audit.c.id.desc()).limit(1)
    return tuple([entry for row in await look.rows(last) for entry in await entries_of_version(look, row.version)])


async def newest_entries(
    look: Transaction, limit: int, *, before: int | None = None, kind: str | None = None, of: int | None = None
) -> tuple[KeptEntry, ...]:
    """The newest entries, or those older than `before`; of one kind or object, if said. Raises StorageError."""
    query = select(audit).order_by(audit.c.id.desc()).limit(max(1, min(limit, PAGE_AT_MOST)))
    if before is not None:
        query = query.where(audit.c.id < before)
    if kind is not None:
        query = query.where(audit.c.kind == kind)
    if of is not None:
        query = query.where(audit.c.object == of)
    return tuple([_entry(row) for row in await look.rows(query)])


def _entry(row: Row[Any]) -> KeptEntry:
    return KeptEntry(**row._mapping)
