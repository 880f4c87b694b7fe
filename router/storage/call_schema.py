"""Which rows are kept of calls, and of what people ask of the PBX about them?

They keep no foreign key to the company's rows: a record outlives whom it names, and the names stand in its decision.
"""

from enum import StrEnum

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    false,
    text,
)

from router.calls.call import Ending
from router.calls.events import How, LegResult, Path, Presented, Promised
from router.routing.model import CallerKind
from router.storage.columns import UtcTime, holds, metadata, one_of, updated_at


class OrderKind(StrEnum):
    """What can be asked of a PBX."""

    HAND_OVER = "hand_over"
    CALL_BACK = "call_back"
    TEST_CALL = "test_call"


class OrderState(StrEnum):
    """asked: waits to be taken · taken: being carried out · done, refused: with its result · expired: never taken."""

    ASKED = "asked"
    TAKEN = "taken"
    DONE = "done"
    REFUSED = "refused"
    EXPIRED = "expired"


# No length here: a record is not lost because a trunk delivered something long.
calls = Table(
    "calls",
    metadata,
    Column("id", Text, primary_key=True),
    Column("dialled", Text, nullable=False),
    Column("line", Integer),
    Column("caller", Text, nullable=False),
    one_of("presented", Presented),
    one_of("caller_kind", CallerKind, nullable=True),
    Column("account", Integer),
    Column("job", Integer),
    Column("arrived_at", UtcTime, nullable=False),
    Column("table_version", Integer),
    one_of("path", Path, nullable=True),
    Column("why", Text, nullable=False),
    Column("decision", JSON(none_as_null=True)),
    Column("taken_phone", Text),
    Column("taken_by", Integer),
    Column("taken_at", UtcTime),
    Column("owner_phone", Text),
    Column("owner", Integer),
    Column("ended_at", UtcTime),
    one_of("ended", Ending, nullable=True),
    one_of("promise", Promised, nullable=True),
    Column("is_test", Boolean, nullable=False),
    updated_at(),
)
Index(None, calls.c.arrived_at, calls.c.id)
Index(None, calls.c.updated_at, calls.c.id)
# What people look for calls by, the newest of them first.
for _by in (calls.c.line, calls.c.account, calls.c.owner, calls.c.caller, calls.c.dialled, calls.c.ended):
    Index(None, _by, calls.c.arrived_at)
_LIVES = text("ended_at IS NULL")
Index("ix_calls_living", calls.c.arrived_at, calls.c.id, sqlite_where=_LIVES, postgresql_where=_LIVES)
Index("ix_calls_open", calls.c.id, sqlite_where=calls.c.ended_at.is_(None), postgresql_where=calls.c.ended_at.is_(None))

call_legs = Table(
    "call_legs",
    metadata,
    Column("call", Text, ForeignKey("calls.id", ondelete="RESTRICT"), primary_key=True),
    Column("leg", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("step", Integer, nullable=False),
    Column("phone", Text, nullable=False),
    Column("person", Integer),
    Column("began_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    one_of("result", LegResult, nullable=True, length=24),
    Column("cause", Integer),
    Column("maybe_machine", Boolean, nullable=False, server_default=false()),
)

MACHINES = text("maybe_machine")
Index("ix_call_legs_machine", call_legs.c.call, sqlite_where=MACHINES, postgresql_where=MACHINES)

# The hand-overs of a call, in order: from whose phone, to whom (a name, which outlives its row; empty: back), and how.
call_passings = Table(
    "call_passings",
    metadata,
    Column("call", Text, ForeignKey("calls.id", ondelete="RESTRICT"), primary_key=True),
    Column("at", UtcTime, primary_key=True),
    Column("phone", Text, nullable=False),
    Column("person", Integer),
    Column("to", Text, nullable=False),
    one_of("how", How),
    Column("sentence", Text, nullable=False),
)

# What people ask of a PBX; who speaks for that PBX takes it. What is not taken by `expires_at` never is.
orders = Table(
    "orders",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("pbx", String(32), nullable=False),
    one_of("kind", OrderKind, length=24),
    Column("payload", JSON, nullable=False),
    Column("asked_by", String(100), nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    one_of("state", OrderState),
    Column("result", Text, nullable=False),
    holds("expires_at", "expires_at > asked_at"),
    sqlite_autoincrement=True,
)
Index(
    "ix_orders_asked",
    orders.c.pbx,
    sqlite_where=orders.c.state == text("'asked'"),
    postgresql_where=orders.c.state == text("'asked'"),
)
