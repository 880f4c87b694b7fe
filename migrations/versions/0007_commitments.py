"""What we owe callers who reached nobody, and what was told of it."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
OWED = sa.text("state IN ('open', 'claimed')")
WAITING = sa.text("state = 'waiting'")


def upgrade() -> None:
    op.create_table(
        "commitments",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("party", sa.Text, nullable=False),
        sa.Column("account", sa.Integer),
        sa.Column("caller", sa.Text, nullable=False),
        sa.Column("line", sa.Integer),
        one_of("why", "gave_up", "nobody", "asked", "closed", "lost", "promised"),
        sa.Column("opened_by_call", sa.Text),
        sa.Column("owner", sa.Integer),
        sa.Column("desk", sa.Integer, nullable=False),
        sa.Column("opened_at", TIME, nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("latest_at", TIME, nullable=False),
        sa.Column("urgency", sa.Integer, nullable=False),
        one_of("state", "open", "claimed", "kept", "void"),
        sa.Column("claimed_by", sa.Integer),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("try_again_at", TIME),
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("next_step_at", TIME),
        sa.Column("kept_by_call", sa.Text),
        sa.Column("void_reason", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("closed_at", TIME),
        sa.CheckConstraint("urgency > 0", name="urgency"),
        sa.CheckConstraint("attempts >= 0", name="attempts"),
        sa.CheckConstraint("level BETWEEN 0 AND 4", name="level"),
        sa.CheckConstraint("state <> 'claimed' OR claimed_by IS NOT NULL", name="claimed"),
        sa.CheckConstraint("(state = 'void') = (void_reason <> '')", name="void_reason"),
        sa.CheckConstraint("(state IN ('kept', 'void')) = (closed_at IS NOT NULL)", name="closed_at"),
        sqlite_autoincrement=True,
    )
    partly(OWED, "uq_commitments_party", "commitments", "party", unique=True)
    partly(OWED, "ix_commitments_next_step_at", "commitments", "next_step_at")
    op.create_table(
        "commitment_calls",
        sa.Column("call", sa.Text, primary_key=True),
        refers("commitment", "commitments"),
    )
    op.create_index("ix_commitment_calls_commitment", "commitment_calls", ["commitment"])
    op.create_table(
        "notices",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", TIME, nullable=False),
        one_of(
            "kind",
            *("opened", "repeated", "corrected", "claimed", "tried", "handed_over", "reminder", "try_again"),
            *("late", "desk_told", "lead_told", "kept", "voided"),
        ),
        refers("commitment", "commitments"),
        sa.Column("payload", sa.JSON, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_notices_commitment", "notices", ["commitment"])
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer, primary_key=True),
        refers("notice", "notices"),
        sa.Column("target", sa.Text, nullable=False),
        one_of("state", "waiting", "sent", "refused"),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_try_at", TIME, nullable=False),
        sa.Column("sent_at", TIME),
        sa.Column("error", sa.Text, nullable=False),
        sa.UniqueConstraint("notice", "target"),
        sa.CheckConstraint("attempts >= 0", name="attempts"),
        sa.CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_at"),
        sqlite_autoincrement=True,
    )
    partly(WAITING, "ix_outbox_next_try_at", "outbox", "next_try_at")


def downgrade() -> None:
    for table in ("outbox", "notices", "commitment_calls", "commitments"):
        op.drop_table(table)


def one_of(name: str, *choices: str) -> sa.Column[str]:
    return sa.Column(
        name, sa.Enum(*choices, name=name, native_enum=False, create_constraint=True, length=16), nullable=False
    )


def refers(name: str, to: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, sa.ForeignKey(f"{to}.id", ondelete="RESTRICT"), nullable=False)


def partly(where: sa.TextClause, name: str, table: str, column: str, *, unique: bool = False) -> None:
    op.create_index(name, table, [column], unique=unique, sqlite_where=where, postgresql_where=where)
