"""Who is signed in, and who pauses."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "presence",
        sa.Column("person", sa.Integer, sa.ForeignKey("people.id", ondelete="RESTRICT"), primary_key=True),
        sa.Column("signed_in", sa.Boolean, nullable=False),
        sa.Column("paused_until", TIME),
        sa.Column("since", TIME, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("presence")
