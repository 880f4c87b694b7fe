"""Hours know public holidays and special days."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("hours", sa.Column("country", sa.String(2)))
    op.add_column("hours", sa.Column("subdivision", sa.String(6)))
    op.create_table(
        "hours_days",
        sa.Column("hours", sa.Integer, sa.ForeignKey("hours.id", ondelete="RESTRICT"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("first_day", sa.Date, nullable=False),
        sa.Column("last_day", sa.Date, nullable=False),
        sa.Column("opens", sa.Integer),
        sa.Column("closes", sa.Integer),
        sa.Column("label", sa.String(100), nullable=False),
        sa.CheckConstraint("last_day >= first_day", name="days"),
        sa.CheckConstraint("opens BETWEEN 0 AND 1439", name="opens"),
        sa.CheckConstraint("closes > opens AND closes <= 2880", name="closes"),
        sa.CheckConstraint("(opens IS NULL) = (closes IS NULL)", name="both"),
    )


def downgrade() -> None:
    op.drop_table("hours_days")
    op.drop_column("hours", "subdivision")
    op.drop_column("hours", "country")
