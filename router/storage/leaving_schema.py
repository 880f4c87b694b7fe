"""Which rows are kept of those who leave, until they have and after?"""

from enum import StrEnum

from sqlalchemy import JSON, Column, Index, Integer, Table, text

from router.storage.columns import UtcTime, holds, metadata, one_of


class LeavingState(StrEnum):
    """planned: its time is to come · done · cancelled: before its time · undone: after it."""

    PLANNED = "planned"
    DONE = "done"
    CANCELLED = "cancelled"
    UNDONE = "undone"


# No foreign key, as in the audit: it tells of what may be gone. When somebody leaves stands with the person alone, so
# that it can be put off there; `at` is when it was agreed to be. `asked_by` is who asked for it, as the audit tells it,
# `moved` are the commitments as they were handed over, `left_behind` what nobody could be found for, in words.
leavings = Table(
    "leavings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("person", Integer, nullable=False),
    one_of("state", LeavingState),
    Column("at", UtcTime, nullable=False),
    Column("successors", JSON, nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    Column("asked_by", JSON, nullable=False),
    Column("planned_version", Integer),
    Column("done_version", Integer),
    Column("moved", JSON, nullable=False),
    Column("left_behind", JSON, nullable=False),
    Column("next_try_at", UtcTime),
    holds("done_version", "state <> 'done' OR done_version IS NOT NULL"),
    sqlite_autoincrement=True,
)
PLANNED = text("state = 'planned'")
Index("uq_leavings_person", leavings.c.person, unique=True, sqlite_where=PLANNED, postgresql_where=PLANNED)
