"""Which imports were asked for, and what became of them?"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update

from router.storage.database import Database
from router.storage.import_schema import ImportState, imports
from router.storage.paging import cursor_after, in_order


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPage:
    """Some imports in the wanted order, without their progress and of their outcome only the `sentence`."""

    imports: tuple[KeptImport, ...]
    next_cursor: str | None


async def imports_page(
    db: Database,
    *,
    order: str = "-id",
    limit: int,
    cursor: str | None = None,
    states: Collection[ImportState] = (),
    told_since: datetime | None = None,
) -> ImportPage:
    """The imports that were asked for, `order` is `id` or `told_at`, with - in front it falls. `states`: only those.

    Raises BadCursor for a cursor that isn't ours, StorageError.
    """
    name = order.removeprefix("-")
    told = [column for column in imports.c if column.name not in ("progress", "outcome")]
    query = select(*told, imports.c.outcome["sentence"].as_string().label("sentence")).limit(limit + 1)
    if states:
        query = query.where(imports.c.state.in_(states))
    if told_since is not None:
        query = query.where(imports.c.told_at >= told_since)
    async with db.reading() as look:
        rows = await look.rows(in_order(query, order, imports.c[name], imports.c.id, cursor))
    found = tuple([_without_details(row) for row in rows[:limit]])
    after = cursor_after(order, getattr(found[-1], name), found[-1].id) if len(rows) > limit else None
    return ImportPage(imports=found, next_cursor=after)


def _without_details(row: Row[Any]) -> KeptImport:
    kept = dict(row._mapping)
    sentence = kept.pop("sentence")
    return KeptImport(**kept, progress={}, outcome={"sentence": sentence} if sentence else {})


async def import_of(db: Database, identity: int) -> KeptImport | None:
    """One import, None when there is none. Raises StorageError."""
    async with db.reading() as look:
        rows = await look.rows(select(imports).where(imports.c.id == identity))
    return KeptImport(**rows[0]._mapping) if rows else None
