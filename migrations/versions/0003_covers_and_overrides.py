"""Who answers for whom from when to when, and what is open, closed or diverted whatever its hours say."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "covers",
        *own(),
        refers("person", "people", nullable=False),
        refers("by_person", "people"),
        refers("by_desk", "desks"),
        one_of("scope", "lines", "accounts", "commitments", "all"),
        sa.Column("starts_at", TIME, nullable=False),
        sa.Column("ends_at", TIME),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.CheckConstraint("(by_person IS NULL) <> (by_desk IS NULL)", name="by"),
        sa.CheckConstraint("by_person <> person", name="somebody_else"),
        sa.CheckConstraint("ends_at > starts_at", name="ends_at"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_covers_person", "covers", ["person"])
    op.create_table(
        "overrides",
        *own(),
        refers("line", "lines"),
        refers("desk", "desks"),
        one_of("action", "open", "closed", "divert"),
        refers("to_desk", "desks"),
        sa.Column("starts_at", TIME, nullable=False),
        sa.Column("ends_at", TIME, nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.CheckConstraint("(line IS NULL) <> (desk IS NULL)", name="of"),
        sa.CheckConstraint("(action = 'divert') = (to_desk IS NOT NULL)", name="to_desk"),
        sa.CheckConstraint("to_desk <> desk", name="other_desk"),
        sa.CheckConstraint("ends_at > starts_at", name="ends_at"),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    op.drop_table("overrides")
    op.drop_table("covers")


def own() -> list[sa.Column[Any]]:
    """What every row of the company has: an id, and what keeping it needs."""
    return [
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("ref", sa.String(200), unique=True),
        sa.Column("updated_at", TIME, nullable=False),
    ]


def refers(name: str, to: str, *, nullable: bool = True) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, sa.ForeignKey(f"{to}.id", ondelete="RESTRICT"), nullable=nullable)


def one_of(name: str, *choices: str) -> sa.Column[str]:
    kind = sa.Enum(*choices, name=name, native_enum=False, create_constraint=True, length=16)
    return sa.Column(name, kind, nullable=False)
