"""Which database is brought up to date, and how? Alembic runs this file for every command."""

import asyncio
from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection, text

from router.storage.database import SQLITE_WRITES, engine_for
from router.storage.schema import UtcTime, metadata

MIGRATION_LOCK = 0x6D696772617465  # "migrate": of several processes that start at once, one migrates and the rest wait
MIGRATED_WITHIN = 30.0  # seconds for which SQLite waits while another process migrates; a busy machine takes some
NO_LIMIT = "0"  # a migration may rewrite a large table; nothing waits for it but the start


def database_url() -> str:
    """The address our own code gave, else `-x url=…`, else the one the commands would use."""
    given = context.config.attributes.get("url") or context.get_x_argument(as_dictionary=True).get("url")
    if given:
        return str(given)
    from router.settings import Settings

    return Settings().database


def migrate(connection: Connection) -> None:
    on_sqlite = connection.dialect.name == "sqlite"
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=on_sqlite,  # SQLite can't alter most things: the table is copied instead
        transactional_ddl=True,  # so that a migration which fails leaves nothing behind, on SQLite as well
        compare_type=True,
        render_item=plainly,
    )
    with context.begin_transaction():
        if not on_sqlite:
            connection.execute(text(f"SET LOCAL statement_timeout = {NO_LIMIT}"))
            connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
        context.run_migrations()
        if on_sqlite and (broken := connection.exec_driver_sql("PRAGMA foreign_key_check").all()):
            raise RuntimeError(f"the migration would leave rows that refer to nothing: {broken[:10]}")


def plainly(kind: str, thing: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Write our own types as what they are in SQL: a migration must not change when the code does."""
    if kind == "type" and isinstance(thing, UtcTime):
        return "sa.DateTime(timezone=True)"
    return False


async def run() -> None:
    # A table that is rebuilt is dropped for a moment, which foreign keys would refuse; they are checked at the end.
    engine = engine_for(database_url(), foreign_keys=False, locked_within=MIGRATED_WITHIN)
    try:
        async with engine.connect() as connection:
            await connection.execution_options(**{SQLITE_WRITES: True})
            await connection.run_sync(migrate)
            await connection.commit()
    finally:
        await engine.dispose()


asyncio.run(run())
