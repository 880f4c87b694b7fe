"""Who leaves when, and who takes over what."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "leavings",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("person", sa.Integer, nullable=False),
        one_of("state", "planned", "done", "cancelled", "undone"),
        sa.Column("at", time, nullable=False),
        sa.Column("successors", sa.JSON, nullable=False),
        sa.Column("asked_at", time, nullable=False),
        sa.Column("asked_by", sa.JSON, nullable=False),
        sa.Column("planned_version", sa.Integer),
        sa.Column("done_version", sa.Integer),
        sa.Column("moved", sa.JSON, nullable=False),
        sa.Column("left_behind", sa.JSON, nullable=False),
        sa.Column("next_try_at", time),
        sa.CheckConstraint("state <> 'done' OR done_version IS NOT NULL", name="done_version"),
        sqlite_autoincrement=True,
    )
    planned = sa.text("state = 'planned'")
    op.create_index(
        "uq_leavings_person", "leavings", ["person"], unique=True, sqlite_where=planned, postgresql_where=planned
    )


def downgrade() -> None:
    op.drop_table("leavings")


def one_of(name: str, *choices: str) -> sa.Column[str]:
    kind = sa.Enum(*choices, name=name, native_enum=False, create_constraint=True, length=16)
    return sa.Column(name, kind, nullable=False)
