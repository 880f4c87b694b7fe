"""The PBX is asked for test calls."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

BEFORE, NOW = ("hand_over", "call_back"), ("hand_over", "call_back", "test_call")


def upgrade() -> None:
    change_kinds(BEFORE, NOW)


def downgrade() -> None:
    op.execute("DELETE FROM orders WHERE kind = 'test_call'")
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
