"""What do we hold that lasts as long as a connection does: what we listen to, and the lock of who speaks?"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
from sqlalchemy import exc
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from router.storage.database import (
    CLOSE_WITHIN,
    CONNECT_WITHIN,
    Database,
    Unavailable,
    for_postgresql,
    normalised,
    translated,
    within,
)

NO_SETTINGS: Mapping[str, str] = {}


@asynccontextmanager
async def own_connection(db: Database, settings: Mapping[str, str] = NO_SETTINGS) -> AsyncIterator[Any]:
    """A connection of PostgreSQL's own driver, outside of the pool.

    `settings` are the server's, for this session. The end of the block ends it at once. Raises StorageError.
    """
    engine = create_async_engine(normalised(db.url), poolclass=NullPool, connect_args=for_postgresql(settings))
    with translated():
        async with within(CONNECT_WITHIN, "connecting took longer"):
            connection = await engine.connect()
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        try:
            yield driver
        except (asyncpg.InterfaceError, asyncpg.InternalClientError, asyncpg.PostgresError) as fault:
            raise Unavailable(f"the connection is of no more use: {fault}") from fault
        finally:
            driver.terminate()
            with suppress(Unavailable, exc.SQLAlchemyError):
                async with within(CLOSE_WITHIN, "closing took longer"):
                    await connection.close()
