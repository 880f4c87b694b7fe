"""How does a statement get to SQLite's thread and back in one go?

SQLite blocks, so each connection has a thread of its own. aiosqlite asks that thread four times for each query: for a
cursor, to execute, for the rows, and to close the cursor. To ask costs more than most of our statements do, on both
sides; here it is asked once, and again only for more rows than a page has.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import aiosqlite

AT_ONCE = 256  # rows that come with the answer; what has more is read in parts (Transaction.parts), of about as many


def connection_to(file: str, locked_within: float) -> aiosqlite.Connection:
    """A connection, to be awaited; `locked_within` are seconds for which it waits for another writer."""
    return _Connection(lambda: sqlite3.connect(file, timeout=locked_within), AT_ONCE)


class _Connection(aiosqlite.Connection):
    def cursor(self) -> "_Cursor":  # type: ignore[override]  # there is nothing to wait for
        return _Cursor(self)


class _Cursor(aiosqlite.Cursor):
    """Serves one statement after the other. What is known of the last one is kept here, for when it is over there."""

    def __init__(self, connection: _Connection) -> None:
        self._conn = connection
        self._rest: sqlite3.Cursor | None = None  # of the thread's: it has more rows
        self._rows: list[Any] = []  # that are here already
        self._description: Any = None
        self._rowcount = -1
        self._lastrowid: int | None = None
        self._arraysize = 1

    async def execute(self, sql: str, parameters: Iterable[Any] | None = None) -> "_Cursor":
        await self._ask(self._do, sqlite3.Cursor.execute, sql, () if parameters is None else parameters)
        return self

    async def executemany(self, sql: str, parameters: Iterable[Iterable[Any]]) -> "_Cursor":
        await self._ask(self._do, sqlite3.Cursor.executemany, sql, parameters)
        return self

    async def fetchone(self) -> Any:
        rows = await self.fetchmany(1)
        return rows[0] if rows else None

    async def fetchmany(self, size: int | None = None) -> Sequence[Any]:
        wanted = self._arraysize if size is None else size
        if len(self._rows) < wanted and self._rest is not None:
            await self._ask(self._fetch, wanted - len(self._rows))
        rows, self._rows = self._rows[:wanted], self._rows[wanted:]
        return rows

    async def fetchall(self) -> Sequence[Any]:
        if self._rest is not None:
            await self._ask(self._fetch, None)
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        self._rows = []
        if self._rest is not None:
            await self._ask(self._end)

    @property
    def description(self) -> Any:
        return self._description

    @property
    def rowcount(self) -> int:
        return self._rowcount

    @property
    def lastrowid(self) -> int | None:
        return self._lastrowid

    @property
    def arraysize(self) -> int:
        return self._arraysize

    @arraysize.setter
    def arraysize(self, value: int) -> None:
        self._arraysize = value

    async def _ask(self, function: Callable[..., None], *arguments: Any) -> None:
        """Let the thread do this, and wait for it."""
        await self._conn._execute(function, *arguments)  # type: ignore[no-untyped-call]

    # In the thread

    def _do(self, how: Callable[..., Any], sql: str, parameters: Any) -> None:
        self._end()
        self._rest = self._conn._conn.cursor()
        self._rows = []
        how(self._rest, sql, parameters)
        self._description = self._rest.description
        self._fetch(AT_ONCE if self._description is not None else None)

    def _fetch(self, size: int | None) -> None:
        """So many more rows, or all (none of a statement that has none). Behind the last one nothing is left open."""
        assert self._rest is not None
        more = self._rest.fetchall() if size is None else self._rest.fetchmany(size)
        self._rows += more
        # only behind its last row does a statement know how many it has changed
        self._rowcount, self._lastrowid = self._rest.rowcount, self._rest.lastrowid
        if size is None or len(more) < size:
            self._end()

    def _end(self) -> None:
        rest, self._rest = self._rest, None
        if rest is not None:
            rest.close()
