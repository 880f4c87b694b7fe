"""From which table are decisions made, now?

The newest, as far as it can be known: a change made in this process at once, one made elsewhere within a poll, and with
the database gone the last one, for as long as it takes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from time import monotonic
from typing import TypeVar

import structlog

from router.routing.configuration import Change, Configuration
from router.routing.table import Table
from router.routing.table_errors import TableError
from router.storage.covers import refuse_contradictions, touches_covers
from router.storage.database import Database, Overtaken, StorageError, Transaction
from router.storage.rows import write
from router.storage.tables import current_version, load_configuration, next_version, version_in
from router.storage.wakeups import Topic

POLL_EVERY = 0.25  # seconds; with the reload, another process's change shall be in force within 0.5

TRIES = 5  # to change a table that others change as well; each failed one reads it whole

log = structlog.get_logger()

T = TypeVar("T")
Load = Callable[[Database, str, str, tuple[str, ...]], Awaitable[tuple[Configuration, int]]]
Work = Callable[[Transaction, Table | None], Awaitable[tuple[Sequence[Change], T]]]
"""Writes rows; returns the changes of the table that it has written, and what its caller wants to know."""


class _Rehearsed(Exception):
    """Ends a transaction of which nothing shall be kept."""


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
        logs: bool = True,
        load: Load = load_configuration,
    ) -> None:
        """`logs`: what keeps it from the newest table is told in the log; a command says it itself.

        `load` reads the tables that others make, once there is one by which calls are decided.
        """
        self._db = db
        self._region = region
        self._time_zone = time_zone
        self._external_prefixes = external_prefixes
        self._publish = publish
        self._logs = logs
        self._load = load
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
    def version(self) -> int | None:
        """That of the newest table, None before the first could be read."""
        return None if self._table is None else self._table.version

    @property
    def trouble(self) -> str:
        """What keeps us from having the newest table, empty when nothing does."""
        return self._trouble

    def age(self) -> float | None:
        """Seconds since the database last said which table is the newest; None when it never did."""
        return None if self._seen_at is None else monotonic() - self._seen_at

    async def watch(self) -> None:
        """Follow the database until cancelled. What it can't give is awaited with the last table in force."""
        with self._db.wakeups.following(Topic.TABLE) as heard:
            while True:
                try:
                    await self._catch_up()
                except StorageError as fault:
                    self._tell(f"the database fails: {fault}")
                except Exception as fault:
                    # whatever is wrong with the rows, or with us: calls go on with the last table
                    self._tell(f"the rows can't be read: {fault!r}")
                await heard.wait(POLL_EVERY)

    async def change(self, work: Work[T], now: datetime) -> T:
        """Let `work` change the rows in one transaction under the change lock, and publish the table that they make.

        It is given the newest table, None as long as none can be made, and says which changes it has written; with
        none there is no new version. When it raises, nothing was changed. Decisions are made from the new table before
        this returns. Raises what `work` raises, TableError when no table can be made of its changes, StorageError,
        Overtaken when others change the table all the time.
        """
        async with self._changing:
            for _ in range(TRIES):
                before, version = await self._newest()
                try:
                    async with self._db.changing() as transaction:
                        if await version_in(transaction) != version:
                            raise Overtaken("somebody else has changed the table meanwhile")
                        changes, made = await work(transaction, before)
                        if not changes:
                            return made
                        after = None if before is None else before.with_changes(changes)
                        if touches_covers(changes):
                            await refuse_contradictions(transaction)
                        version = await next_version(transaction, now)
                except Overtaken:
                    continue
                if after is not None:
                    self._hand_out(after)
                else:
                    await self._read(version, before)  # perhaps the rows make a table now
                return made
        raise Overtaken("others change the table all the time: try again")

    async def rehearse(self, work: Work[T]) -> tuple[Table | None, Sequence[Change], T]:
        """Let `work` change the rows as in `change`, and undo it: nothing is kept, and others wait for milliseconds.

        Returns the newest table as it is, the changes that were written, and what `work` made. Raises what `work`
        raises, StorageError, and Overtaken as `change` does.
        """
        async with self._changing:
            for _ in range(TRIES):
                before, version = await self._newest()
                try:
                    async with self._db.changing() as transaction:
                        if await version_in(transaction) != version:
                            continue
                        changes, made = await work(transaction, before)
                        if touches_covers(changes):
                            await refuse_contradictions(transaction)
                        raise _Rehearsed
                except _Rehearsed:
                    return before, changes, made
        raise Overtaken("others change the table all the time: try again")

    async def apply(self, changes: Sequence[Change], now: datetime) -> Table:
        """Commit these changes as one, and let decisions be made from the table they make before this returns.

        Raises TableError when no table can be made of them, and StorageError; then nothing was changed.
        """

        async def write_them(transaction: Transaction, before: Table | None) -> tuple[Sequence[Change], None]:
            if before is None:
                raise TableError(self._trouble)
            for change in changes:
                await write(transaction, change, now)
            return changes, None

        await self.change(write_them, now)
        assert self._table is not None
        return self._table

    async def _newest(self) -> tuple[Table | None, int]:
        """The newest table, None when the rows make none, and its version."""
        version = await current_version(self._db)
        if self._table is None or self._table.version != version:
            await self._read(version, self._table)
        refused = self._refused == version
        return None if refused else self._table, version

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
        load = load_configuration if before is None else self._load
        configuration, version = await load(self._db, self._region, self._time_zone, self._external_prefixes)
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
        if not self._logs:
            pass
        elif trouble and trouble != self._trouble:
            log.warning("table not renewed", why=trouble, table=None if self._table is None else self._table.version)
        elif self._trouble and not trouble:
            log.info("table is the newest", table=None if self._table is None else self._table.version)
        self._trouble = trouble
