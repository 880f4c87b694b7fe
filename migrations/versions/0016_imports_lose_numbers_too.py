"""What an import would change holds numbers as well: old ones lose their ends."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

BEFORE = ("calls", "commitments", "orders", "audit")


def upgrade() -> None:
    make_anew(*BEFORE, "imports")


def downgrade() -> None:
    make_anew(*BEFORE)


def make_anew(*choices: str) -> None:
    """How far each has got is forgotten: going through records a second time changes nothing."""
    op.drop_table("retention")
    time = sa.DateTime(timezone=True)
    kinds = sa.Enum(*choices, name="kind", native_enum=False, create_constraint=True, length=16)
    op.create_table(
        "retention",
        sa.Column("kind", kinds, primary_key=True),
        sa.Column("reached_at", time),
        sa.Column("reached", sa.Text, nullable=False),
        sa.Column("next_at", time, nullable=False),
    )
