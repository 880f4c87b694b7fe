"""How do we talk to the database, and what do its faults become?

    StorageError
    ├── Unavailable    gone, frozen, locked or full: what is in memory goes on, try again later
    ├── NotMigrated    it has no tables of ours, or those of another version: run the migrations
    ├── Overtaken      somebody else has changed the table meanwhile: look again, and decide anew
    └── Refused        a constraint or a type of the schema doesn't allow these rows
        ├── Conflict        they contradict rows that are there (unique, foreign key)
        └── Contradictory   covers that overlap or lead in a circle: the message names them

A fault that is none of these is a slip of ours and passes through unchanged. No wait here is without a limit, so a
database that is frozen holds up the task that talks to it for `LONGEST_WAIT` seconds at most, and nothing else.
"""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Protocol, cast

import aiosqlite
from sqlalchemy import Executable, Insert, Row, Select, Table, event, exc, make_url, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.engine import URL, Connection, CursorResult
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from router.storage.sqlite_driver import connection_to
from router.storage.wakeups import Topic, Wakeups

CONNECT_WITHIN = 3.0  # seconds; a connection takes milliseconds, and the caller of a page shouldn't wait longer
STATEMENT_WITHIN = 5.0  # seconds for one statement; each of ours takes milliseconds, or hands out its rows in parts
CLOSE_WITHIN = 3.0  # seconds; the driver itself gives a connection that it gives up 2 s for a polite good-bye
LONGEST_WAIT = CONNECT_WITHIN + STATEMENT_WITHIN + CLOSE_WITHIN
LOCKED_WITHIN = 2.0  # seconds SQLite waits for another writer; shorter than STATEMENT_WITHIN, so that it says why
FORGOTTEN_AFTER = 30.0  # seconds after which PostgreSQL ends a transaction of a process that is frozen itself
CONNECTIONS = 5  # publisher, recorder and three requests; who waits for one longer than CONNECT_WITHIN is told
CHANGE_LOCK = 0x726F75746572  # "router": PostgreSQL's advisory lock that makes changes of the table go one by one
WAKEUPS = "router_wakeups"  # PostgreSQL's channel on which processes tell each other that they have written
SQLITE_WRITES = "router_writes"  # an execution option: this transaction takes SQLite's one write lock at once


class StorageError(Exception):
    """Something the database couldn't do; see the subclasses."""


class Unavailable(StorageError):
    """The database is gone, frozen, locked or full: what is in memory goes on, try again later."""


class NotMigrated(StorageError):
    """The database has no tables of ours, or those of another version: run the migrations."""


class Overtaken(StorageError):
    """Somebody else has changed the table meanwhile: look again, and decide anew."""


class Refused(StorageError):
    """A constraint or a type of the schema doesn't allow these rows."""


class Conflict(Refused):
    """These rows contradict rows that are there already."""


class Contradictory(Refused):
    """Covers that overlap, or lead in a circle; the message names them and says what to do."""


class Upsert(Protocol):
    """What both databases' INSERT have in common beyond standard SQL."""

    @property
    def excluded(self) -> Any: ...

    def on_conflict_do_update(self, **particulars: Any) -> Insert: ...

    def on_conflict_do_nothing(self, **particulars: Any) -> Insert: ...


class Transaction:
    """One unit of work: its statements see one state of the database, and are kept together or not at all."""

    def __init__(self, connection: AsyncConnection, statement_within: float = STATEMENT_WITHIN) -> None:
        self.woken: set[Topic] = set()  # who is to look once this is committed
        self.told: list[Callable[[], None]] = []  # to be called once this is committed, and never when it is undone
        self._connection = connection
        self._statement_within = statement_within

    async def wake(self, topic: Topic) -> None:
        """Let whoever follows this topic look as soon as this transaction is committed. Raises StorageError."""
        if topic not in self.woken and self.speaks_postgresql:
            await self.run(text("SELECT pg_notify(:channel, :said)").bindparams(channel=WAKEUPS, said=topic.value))
        self.woken.add(topic)

    async def run(self, statement: Executable, rows: Sequence[Mapping[str, Any]] | None = None) -> CursorResult[Any]:
        """Run one statement, or the same one for many rows. Raises StorageError."""
        async with within(self._statement_within, "the statement took longer"):
            result = await self._connection.execute(statement, rows)
        return cast(CursorResult[Any], result)

    async def rows(self, query: Select[Any]) -> Sequence[Row[Any]]:
        """All rows of a query that has few. Raises StorageError."""
        return (await self.run(query)).all()

    async def parts(self, query: Select[Any], size: int) -> AsyncIterator[Sequence[Row[Any]]]:
        """The rows of a query that has many, `size` at a time: the limit holds for each part. Raises StorageError."""
        async with within(STATEMENT_WITHIN, "the query took longer"):
            result = await self._connection.stream(query.execution_options(yield_per=size))
        try:
            while True:
                async with within(STATEMENT_WITHIN, "the next rows took longer"):
                    part = await result.fetchmany(size)
                if not part:
                    return
                yield part
        finally:
            with suppress(exc.SQLAlchemyError):  # after a fault the connection has nothing left to close
                await result.close()

    def insert(self, table: Table) -> Upsert:
        """An INSERT in this database's own dialect, for what to do when the row is there already."""
        if self.speaks_postgresql:
            return cast(Upsert, postgresql.insert(table))
        return cast(Upsert, sqlite_dialect.insert(table))

    @property
    def speaks_postgresql(self) -> bool:
        return self._connection.dialect.name == "postgresql"

    async def commit(self) -> None:
        async with within(STATEMENT_WITHIN, "the commit took longer"):
            await self._connection.commit()

    async def turn_to_changing(self) -> None:
        """Commit, and begin another unit of work on the same connection: one under the change lock."""
        await self.commit()
        await self._connection.execution_options(**{SQLITE_WRITES: True})
        await self.take_the_change_lock()

    async def take_the_change_lock(self) -> None:
        if self.speaks_postgresql:  # SQLite's write lock is one already
            await self.run(text(f"SELECT pg_advisory_xact_lock({CHANGE_LOCK})"))


class Database:
    """A small pool of connections to SQLite (`sqlite:///file`) or PostgreSQL (`postgresql://…`)."""

    def __init__(self, url: str) -> None:
        self._engine = engine_for(url)
        self.url = url  # where another process finds it; a password may be in it
        self._file = None if self.speaks_postgresql else str(self._engine.url.database)
        self._known_file: tuple[int, int] | None = None
        self.wakeups = Wakeups()

    @asynccontextmanager
    async def reading(self, *, statement_within: float = STATEMENT_WITHIN) -> AsyncIterator[Transaction]:
        """One consistent look: every query sees the same state, whatever others write. Raises StorageError.

        `statement_within` are the seconds for each query; more than usual only where nobody's call waits.
        """
        snapshot = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        options = snapshot if self.speaks_postgresql else {}
        async with self._transaction(options, statement_within) as transaction:
            if statement_within != STATEMENT_WITHIN and transaction.speaks_postgresql:
                await transaction.run(text(f"SET LOCAL statement_timeout = {_milliseconds(statement_within)}"))
            yield transaction

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Transaction]:
        """A transaction that is committed at the end of the block, and undone when it raises. Raises StorageError."""
        async with self._transaction({SQLITE_WRITES: True}) as transaction:
            yield transaction
            await transaction.commit()
        self._committed(transaction)

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[Transaction]:
        """As `writing`, but under the change lock: no two changes of the table overlap, in all processes."""
        async with self.writing() as transaction:
            await transaction.take_the_change_lock()
            yield transaction

    @asynccontextmanager
    async def preparing(self) -> AsyncIterator[Transaction]:
        """A unit of work that puts much ready in temporary tables, in nobody's way, then takes the change lock.

        Until `turn_to_changing` it writes nothing else; from then on it is as `changing`. Raises StorageError.
        """
        async with self._transaction({}) as transaction:
            yield transaction
            await transaction.commit()
        self._committed(transaction)

    def _committed(self, transaction: Transaction) -> None:
        self.wakeups.wake(transaction.woken)
        for tell in transaction.told:
            tell()

    @property
    def speaks_postgresql(self) -> bool:
        return self._engine.dialect.name == "postgresql"

    async def close(self) -> None:
        """Close every connection: without it the process would not end. A frozen database is left behind in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_WITHIN):
                await self._engine.dispose()

    @asynccontextmanager
    async def _transaction(
        self, options: Mapping[str, Any], statement_within: float = STATEMENT_WITHIN
    ) -> AsyncIterator[Transaction]:
        with translated():
            async with within(CONNECT_WITHIN, "connecting took longer"):
                await self._check_file()
                connection = await self._engine.connect()
            try:
                await connection.execution_options(**options)
                yield Transaction(connection, statement_within)
            finally:
                with suppress(TimeoutError):
                    async with asyncio.timeout(CLOSE_WITHIN):
                        await connection.close()  # also undoes what was not committed

    async def _check_file(self) -> None:
        """A file of SQLite's that was removed or replaced would go on being written, seen by nobody."""
        if self._file is None:
            return
        try:
            status = await asyncio.to_thread(os.stat, self._file)
        except FileNotFoundError:
            if self._known_file is not None:
                raise Unavailable(f"{self._file} is gone: put it back") from None
            return  # connecting makes it
        seen = status.st_dev, status.st_ino
        if self._known_file not in (None, seen):
            raise Unavailable(f"{self._file} is another file than before: put that back, or restart")
        self._known_file = seen


def engine_for(url: str, *, foreign_keys: bool = True, locked_within: float = LOCKED_WITHIN) -> AsyncEngine:
    """An engine with this room's limits; migrations switch SQLite's foreign keys off while they rebuild tables.

    `locked_within` are seconds for which SQLite waits for another writer.
    """
    address = normalised(url)
    if address.get_backend_name() == "postgresql":
        return create_async_engine(
            address,
            pool_size=CONNECTIONS,
            max_overflow=0,
            pool_timeout=CONNECT_WITHIN,
            pool_pre_ping=True,  # after a restart of the server its old connections are replaced, not handed out
            connect_args=for_postgresql({}),
        )
    engine = create_async_engine(
        address,
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_timeout=CONNECT_WITHIN,
        async_creator=lambda: _open_sqlite(str(address.database), locked_within),
    )
    _speak_sqlite(engine, foreign_keys)
    return engine


def for_postgresql(more: Mapping[str, str]) -> dict[str, Any]:
    """What a connection to PostgreSQL is made with: this room's limits, and more of the server's settings."""
    return {
        "timeout": CONNECT_WITHIN,
        "server_settings": {
            "application_name": "router",
            "statement_timeout": _milliseconds(STATEMENT_WITHIN),
            "idle_in_transaction_session_timeout": _milliseconds(FORGOTTEN_AFTER),
            **more,
        },
    }


def normalised(url: str) -> URL:
    """The address with the driver this room uses. Raises ValueError for any other database."""
    address = make_url(url)
    drivers = {"postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg", "sqlite": "sqlite+aiosqlite"}
    backend = address.drivername.partition("+")[0]
    if backend not in drivers:
        raise ValueError(f"{backend}: only sqlite:///file and postgresql://… can hold the routing table")
    if backend == "sqlite" and address.database in (None, "", ":memory:"):
        raise ValueError("sqlite needs a file, such as sqlite:///var/router.db: memory is lost with its connection")
    return address.set(drivername=drivers[backend])


def without_password(url: str) -> str:
    """The address as people write it, without driver and password. Raises as `normalised`."""
    address = normalised(url)
    return address._replace(drivername=address.get_backend_name(), password=None).render_as_string()


async def _open_sqlite(file: str, locked_within: float) -> aiosqlite.Connection:
    connection = connection_to(file, locked_within)
    worker = connection._thread
    worker.daemon = True  # as SQLAlchemy does it: a connection that was never closed must not keep the process
    try:
        return await connection
    except BaseException:
        # aiosqlite leaves its thread to end by itself, and the thread fails loudly if the loop is closed by then
        await asyncio.to_thread(worker.join, CLOSE_WITHIN)
        raise


def _speak_sqlite(engine: AsyncEngine, foreign_keys: bool) -> None:
    def prepare(connection: Any, _record: object) -> None:
        # Python's driver would begin transactions when it thinks fit, and never for a query
        connection.isolation_level = None
        cursor = connection.cursor()
        # Readers and the writer don't wait for each other. The file stays so once it is; "locked" comes at once, and
        # only says that somebody else is just making it so.
        with suppress(sqlite3.OperationalError):
            cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")  # a power cut may cost the last records, never the file
        cursor.execute(f"PRAGMA foreign_keys={'ON' if foreign_keys else 'OFF'}")
        cursor.close()

    def begin(connection: Connection) -> None:
        # a reader that turns writer may be refused at once (its look is old), so writers say so at the beginning
        writes = connection.get_execution_options().get(SQLITE_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    event.listen(engine.sync_engine, "connect", prepare)
    event.listen(engine.sync_engine, "begin", begin)


@asynccontextmanager
async def within(seconds: float, what: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise Unavailable(f"the database doesn't answer: {what} than {seconds:g} s") from None


@contextmanager
def translated() -> Iterator[None]:
    """Let what SQLAlchemy and the drivers raise in this block become errors of this room."""
    try:
        yield
    except (exc.SQLAlchemyError, OSError) as fault:
        told = _in_our_words(fault)
        if told is None:
            raise
        raise told from fault
    except Exception as fault:
        # asyncpg's own errors come unwrapped while it connects: "the database system is starting up"
        if getattr(fault, "sqlstate", None) is None:
            raise
        raise Unavailable(f"the database refuses the connection: {fault}") from fault


# the classes of SQLSTATE that mean "not now": connection, rolled back, resources, not in this state, operator, system
_NOT_NOW = ("08", "40", "53", "55", "57", "58")
_NO_SUCH_TABLE = ("42P01", "42703", "3F000")  # table, column, schema


def _in_our_words(fault: exc.SQLAlchemyError | OSError) -> StorageError | None:
    match fault:
        case OSError():
            return Unavailable(f"the database can't be reached: {fault}")
        case exc.TimeoutError():
            return Unavailable(f"all {CONNECTIONS} connections to the database are busy")
        case exc.IntegrityError():
            words = str(fault.orig).strip()
            contradicts = any(word in words.lower() for word in ("unique", "duplicate key", "foreign key"))
            return Conflict(words) if contradicts else Refused(words)
        case exc.DBAPIError():
            words = str(fault.orig).strip()
            state = getattr(fault.orig, "sqlstate", None) or ""
            if state in _NO_SUCH_TABLE or words.startswith(("no such table", "no such column")):
                return NotMigrated(f"{words}: run the migrations")
            if state.startswith("22") or isinstance(fault, exc.DataError):
                return Refused(words)
            if state.startswith(_NOT_NOW) or fault.connection_invalidated:
                return Unavailable(words)
            if not state and isinstance(fault, exc.OperationalError | exc.InterfaceError):
                return Unavailable(words)  # SQLite's locked, full, read-only; asyncpg's closed connections
    return None


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))
