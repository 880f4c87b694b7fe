"""Which rows are kept of imports that were asked for?"""

from enum import StrEnum

from sqlalchemy import JSON, Column, Integer, String, Table

from router.storage.columns import UtcTime, metadata, one_of


class ImportState(StrEnum):
    """refused: something is wrong with the files · failed: it isn't their fault. Both have changed nothing."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


# `told_at` is the last sign of life; `outcome` holds the difference and what is wrong. What changed is in the audit.
imports = Table(
    "imports",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("asked_at", UtcTime, nullable=False),
    Column("actor", String(100), nullable=False),
    Column("key", String(16)),
    Column("asked", JSON, nullable=False),
    one_of("state", ImportState),
    Column("progress", JSON, nullable=False),
    Column("outcome", JSON, nullable=False),
    Column("version", Integer),
    Column("told_at", UtcTime, nullable=False),
    sqlite_autoincrement=True,
)
