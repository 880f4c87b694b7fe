"""Customers are called back for what we owe them."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

BEFORE, NOW = ("hand_over",), ("hand_over", "call_back")
UNDER_WAY = sa.text("ended_at IS NULL")


def upgrade() -> None:
    change_kinds(BEFORE, NOW)
    time = sa.DateTime(timezone=True)
    became = ("talked", "customer_not_reached", "owner_not_reached", "not_placed", "lost")
    op.create_table(
        "call_backs",
        sa.Column("id", sa.Integer, sa.ForeignKey("orders.id", ondelete="RESTRICT"), primary_key=True),
        sa.Column("commitment", sa.Integer, sa.ForeignKey("commitments.id", ondelete="RESTRICT"), nullable=False),
        sa.Column("pbx", sa.String(32), nullable=False),
        sa.Column("call_id", sa.Text),
        sa.Column("person", sa.Integer),
        sa.Column("phone", sa.Text),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("shown", sa.Text, nullable=False),
        sa.Column("asked_by", sa.String(100), nullable=False),
        sa.Column("asked_at", time, nullable=False),
        sa.Column("placed_at", time),
        sa.Column("taken_at", time),
        sa.Column("called_at", time),
        sa.Column("talked_at", time),
        sa.Column("ended_at", time),
        sa.Column("became", one_of("became", *became, length=24)),
        sa.Column("sentence", sa.Text, nullable=False),
        sa.UniqueConstraint("call_id"),
        sa.CheckConstraint("(ended_at IS NULL) = (became IS NULL)", name="ended_at"),
    )
    op.create_index("ix_call_backs_commitment", "call_backs", ["commitment"])
    op.create_index(
        "uq_call_backs_commitment",
        "call_backs",
        ["commitment"],
        unique=True,
        sqlite_where=UNDER_WAY,
        postgresql_where=UNDER_WAY,
    )


def downgrade() -> None:
    op.drop_table("call_backs")
    op.execute("DELETE FROM orders WHERE kind <> 'hand_over'")
    change_kinds(NOW, BEFORE)


def change_kinds(before: tuple[str, ...], now: tuple[str, ...]) -> None:
    kind = one_of("kind", *before, length=24)
    with op.batch_alter_table("orders", copy_from=orders(kind), table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.alter_column("kind", existing_type=kind, type_=one_of("kind", *now, length=24))


def orders(kind: sa.Enum) -> sa.Table:
    """The table as it stands, for SQLite, which changes a column by writing its table anew."""
    tables = sa.MetaData(naming_convention=op.get_context().opts["target_metadata"].naming_convention)
    time = sa.DateTime(timezone=True)
    table = sa.Table(
        "orders",
        tables,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("pbx", sa.String(32), nullable=False),
        sa.Column("kind", kind, nullable=False),
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
    sa.Index("ix_orders_asked", table.c.pbx, sqlite_where=waits, postgresql_where=waits)
    return table


def one_of(name: str, *choices: str, length: int = 16) -> sa.Enum:
    return sa.Enum(*choices, name=name, native_enum=False, create_constraint=True, length=length)
