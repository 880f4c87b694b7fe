"""What people ask of a PBX, and by whom calls were handed over."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "call_passings",
        sa.Column("call", sa.Text, sa.ForeignKey("calls.id", ondelete="RESTRICT"), primary_key=True),
        sa.Column("at", time, primary_key=True),
        sa.Column("phone", sa.Text, nullable=False),
        sa.Column("person", sa.Integer),
        sa.Column("to", sa.Text, nullable=False),
        sa.Column("how", one_of("how", "order", "key"), nullable=False),
        sa.Column("sentence", sa.Text, nullable=False),
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("pbx", sa.String(32), nullable=False),
        sa.Column("kind", one_of("kind", "hand_over", length=24), nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("asked_by", sa.String(100), nullable=False),
        sa.Column("asked_at", time, nullable=False),
        sa.Column("expires_at", time, nullable=False),
        sa.Column("state", one_of("state", "asked", "taken", "done", "refused", "expired"), nullable=False),
        sa.Column("result", sa.Text, nullable=False),
        sa.CheckConstraint("expires_at > asked_at", name="expires_at"),
        sqlite_autoincrement=True,
    )
    waits = sa.text("state = 'asked'")
    op.create_index("ix_orders_asked", "orders", ["pbx"], sqlite_where=waits, postgresql_where=waits)


def downgrade() -> None:
    op.drop_index("ix_orders_asked", "orders")
    op.drop_table("orders")
    op.drop_table("call_passings")


def one_of(name: str, *choices: str, length: int = 16) -> sa.Enum:
    return sa.Enum(*choices, name=name, native_enum=False, create_constraint=True, length=length)
