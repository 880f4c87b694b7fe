"""Imports that were asked for, and what became of them."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    states = ("waiting", "running", "done", "refused", "failed")
    op.create_table(
        "imports",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("asked_at", time, nullable=False),
        sa.Column("actor", sa.String(100), nullable=False),
        sa.Column("key", sa.String(16)),
        sa.Column("asked", sa.JSON, nullable=False),
        sa.Column(
            "state",
            sa.Enum(*states, name="state", native_enum=False, create_constraint=True, length=16),
            nullable=False,
        ),
        sa.Column("progress", sa.JSON, nullable=False),
        sa.Column("outcome", sa.JSON, nullable=False),
        sa.Column("version", sa.Integer),
        sa.Column("told_at", time, nullable=False),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    op.drop_table("imports")
