"""Which rows are kept of what we owe callers?"""

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, Text, text

from router.commitments.calling_back import Became
from router.commitments.commitment import State, Why
from router.storage import call_schema  # noqa: F401  (the orders, which call-backs name)
from router.storage.columns import UtcTime, holds, metadata, one_of, updated_at

# Persons, desks, accounts and lines are named by their ids alone: what we owe is not lost with one of them, it goes to
# somebody else. `version` goes up with every change, so that of two who change it at once one learns that it was late.
commitments = Table(
    "commitments",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("party", Text, nullable=False),
    Column("account", Integer),
    Column("caller", Text, nullable=False),
    Column("line", Integer),
    one_of("why", Why),
    Column("opened_by_call", Text),
    Column("owner", Integer),
    Column("desk", Integer, nullable=False),
    Column("opened_at", UtcTime, nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("latest_at", UtcTime, nullable=False),
    Column("urgency", Integer, nullable=False),
    one_of("state", State),
    Column("claimed_by", Integer),
    Column("attempts", Integer, nullable=False),
    Column("try_again_at", UtcTime),
    Column("level", Integer, nullable=False),
    Column("next_step_at", UtcTime),
    Column("kept_by_call", Text),
    Column("void_reason", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("closed_at", UtcTime),
    updated_at(),
    holds("urgency", "urgency > 0"),
    holds("attempts", "attempts >= 0"),
    holds("level", "level BETWEEN 0 AND 4"),
    holds("claimed", "state <> 'claimed' OR claimed_by IS NOT NULL"),
    holds("void_reason", "(state = 'void') = (void_reason <> '')"),
    holds("closed_at", "(state IN ('kept', 'void')) = (closed_at IS NOT NULL)"),
    sqlite_autoincrement=True,
)
# In words, not as parameters: only so do both databases see that a query can use the indexes of what is owed.
OWED = text("state IN ('open', 'claimed')")
OVER = text("state IN ('kept', 'void')")
# What people look for commitments by.
for _by in (commitments.c.due_at, commitments.c.opened_at, commitments.c.updated_at):
    Index(None, _by, commitments.c.id)
for _by in (commitments.c.owner, commitments.c.account, commitments.c.caller):
    Index(None, _by)
Index("uq_commitments_party", commitments.c.party, unique=True, sqlite_where=OWED, postgresql_where=OWED)
Index("ix_commitments_closed_at", commitments.c.closed_at, commitments.c.id, sqlite_where=OVER, postgresql_where=OVER)
Index("ix_commitments_next_step_at", commitments.c.next_step_at, sqlite_where=OWED, postgresql_where=OWED)

# No foreign key to the call: a commitment can be told of one whose record the database refused.
commitment_calls = Table(
    "commitment_calls",
    metadata,
    Column("call", Text, primary_key=True),
    Column("commitment", Integer, ForeignKey("commitments.id", ondelete="RESTRICT"), nullable=False),
    Index(None, "commitment"),
)

# Calls to a customer for what we owe them: the order that asked for each, how far it came, and what became of it. It is
# none of the calls, and is told by instants, each NULL for what never happened. Its id is the order's; `call_id` is the
# PBX's name for it.
call_backs = Table(
    "call_backs",
    metadata,
    Column("id", Integer, ForeignKey("orders.id", ondelete="RESTRICT"), primary_key=True),
    Column("commitment", Integer, ForeignKey("commitments.id", ondelete="RESTRICT"), nullable=False),
    Column("pbx", String(32), nullable=False),
    Column("call_id", Text, unique=True),
    Column("person", Integer),
    Column("phone", Text),
    Column("number", Text, nullable=False),
    Column("shown", Text, nullable=False),
    Column("asked_by", String(100), nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    Column("placed_at", UtcTime),
    Column("taken_at", UtcTime),
    Column("called_at", UtcTime),
    Column("talked_at", UtcTime),
    Column("ended_at", UtcTime),
    one_of("became", Became, nullable=True, length=24),
    Column("sentence", Text, nullable=False),
    holds("ended_at", "(ended_at IS NULL) = (became IS NULL)"),
)
UNDER_WAY = text("ended_at IS NULL")  # in words, as OWED
Index(
    "uq_call_backs_commitment", call_backs.c.commitment, unique=True,
    sqlite_where=UNDER_WAY, postgresql_where=UNDER_WAY,
)  # fmt: skip
Index("ix_call_backs_commitment", call_backs.c.commitment)
