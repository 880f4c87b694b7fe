"""From which table are decisions made, now?

The newest, as far as it can be known: a change made in this process at once, one made elsewhere within a poll, and with
the database gone the last one, for as long as it takes.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from time import monotonic

import structlog

from router.routing.table import Change, Table, TableError
from router.storage.database import Database, Overtaken, StorageError
from router.storage.tables import commit_changes, current_version, load_configuration

POLL_EVERY = 0.25  # seconds; with the reload, another process's change shall be in force within 0.5

TRIES = 5  # to change a table that others change as well; each failed one reads it whole

log = structlog.get_logger()


class Publisher:
    """Keeps the newest table and hands each one to `publish`, in the order of their versions."""

    def __init__(
        self,
        db: Database,
        region: str,
        time_zone: str,
        publish: Callable[[Table], None],
        *,
        external_prefixes: tuple[str, ...] = (),
    ) -> None:
        self._db = db
        self._region = region
        self._time_zone = time_zone
        self._external_prefixes = external_prefixes
        self._publish = publish
        self._table: Table | None = None
        self._seen_at: float | None = None
        self._trouble = "the table was not read yet"
        self._refused: int | None = None
        # held from before a commit until its table is out, so that the poll doesn't take it for somebody else's
        self._changing = asyncio.Lock()

    @property
    def table(self) -> Table | None:
        """The newest table, None before the first could be read."""
        return self._table

    @property
    def trouble(self) -> str:
        """What keeps us from having the newest table, empty when nothing does."""
        return self._trouble

    def age(self) -> float | None:
        """Seconds since the database last said which table is the newest; None when it never did."""
        return None if self._seen_at is None else monotonic() - self._seen_at

    async def watch(self) -> None:
        """Follow the database until cancelled. What it can't give is awaited with the last table in force."""
        while True:
            try:
                await self._catch_up()
            except StorageError as fault:
                self._tell(f"the database fails: {fault}")
            except Exception as fault:
                # whatever is wrong with the rows, or with us: calls go on with the last table
                self._tell(f"the rows can't be read: {fault!r}")
            await asyncio.sleep(POLL_EVERY)

    async def apply(self, changes: Sequence[Change], now: datetime) -> Table:
        """Commit these changes as one, and let decisions be made from the table they make before this returns.

        Raises TableError when no table can be made of them, and StorageError; then nothing was changed.
        """
        async with self._changing:
            for _ in range(TRIES):
                before = self._table or await self._newest()
                after = _with(before, changes)
                try:
                    await commit_changes(self._db, changes, now, onto=before.version)
                except Overtaken:
                    await self._newest()
                    continue
                self._hand_out(after)
                return after
        raise Overtaken("others change the table all the time: try again")

    async def _newest(self) -> Table:
        await self._read(await current_version(self._db), self._table)
        if self._table is None:
            raise TableError(self._trouble)
        return self._table

    async def _catch_up(self) -> None:
        async with self._changing:
            newest = await current_version(self._db)
            before = self._table
        await self._read(newest, before)

    async def _read(self, newest: int, before: Table | None) -> None:
        self._seen_at = monotonic()
        if before is not None and before.version == newest:
            self._tell("")
            return
        if newest == self._refused:
            return
        configuration, version = await load_configuration(
            self._db, self._region, self._time_zone, self._external_prefixes
        )
        try:
            table = Table.build(configuration, version)
        except TableError as fault:
            self._refused = version
            self._tell(f"no table can be made of version {version}: {fault}")
            return
        if self._table is before or self._table is None or self._table.version < version:
            self._hand_out(table)  # else a change of our own came in between and is newer
            self._tell("")

    def _hand_out(self, table: Table) -> None:
        self._table = table
        self._refused = None
        self._publish(table)

    def _tell(self, trouble: str) -> None:
        if trouble and trouble != self._trouble:
            log.warning("table not renewed", why=trouble, table=None if self._table is None else self._table.version)
        elif self._trouble and not trouble:
            log.info("table is the newest", table=None if self._table is None else self._table.version)
        self._trouble = trouble


def _with(before: Table, changes: Sequence[Change]) -> Table:
    after = before
    for change in changes:
        after = after.with_change(change, version=before.version + 1)
    return after
