"""When a call or a commitment was last written, and what people look for them by."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

BEFORE = sa.text("'1970-01-01 00:00:00'")
LAST_KNOWN = {"calls": "COALESCE(ended_at, arrived_at)", "commitments": "COALESCE(closed_at, latest_at)"}
INDEXES = (
    ("ix_calls_updated_at_id", "calls", ["updated_at", "id"]),
    ("ix_calls_line_arrived_at", "calls", ["line", "arrived_at"]),
    ("ix_calls_account_arrived_at", "calls", ["account", "arrived_at"]),
    ("ix_calls_owner_arrived_at", "calls", ["owner", "arrived_at"]),
    ("ix_calls_caller_arrived_at", "calls", ["caller", "arrived_at"]),
    ("ix_calls_dialled_arrived_at", "calls", ["dialled", "arrived_at"]),
    ("ix_calls_ended_arrived_at", "calls", ["ended", "arrived_at"]),
    ("ix_commitments_due_at_id", "commitments", ["due_at", "id"]),
    ("ix_commitments_opened_at_id", "commitments", ["opened_at", "id"]),
    ("ix_commitments_updated_at_id", "commitments", ["updated_at", "id"]),
    ("ix_commitments_owner", "commitments", ["owner"]),
    ("ix_commitments_account", "commitments", ["account"]),
    ("ix_commitments_caller", "commitments", ["caller"]),
)


def upgrade() -> None:
    for table, last_known in LAST_KNOWN.items():
        # SQLite takes a column that is never empty only with a default, and would else write the table anew.
        at = sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=BEFORE)
        op.add_column(table, at)
        op.execute(f"UPDATE {table} SET updated_at = {last_known}")
    for name, table, columns in INDEXES:
        op.create_index(name, table, columns)
    lives = sa.text("ended_at IS NULL")
    op.create_index("ix_calls_living", "calls", ["arrived_at", "id"], sqlite_where=lives, postgresql_where=lives)


def downgrade() -> None:
    op.drop_index("ix_calls_living", "calls")
    for name, table, _ in reversed(INDEXES):
        op.drop_index(name, table)
    for table in LAST_KNOWN:
        op.drop_column(table, "updated_at")
