"""Who a call was left with, and why a caller was let go with a promise."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("calls", sa.Column("owner_phone", sa.Text))
    op.add_column("calls", sa.Column("owner", sa.Integer))
    # In words, since SQLite takes a column with its own CHECK, but no CHECK by itself: the table, which legs refer to,
    # needn't be written anew. With the column its CHECK goes as well, in both databases.
    op.execute(
        "ALTER TABLE calls ADD COLUMN promise VARCHAR(16)"
        " CONSTRAINT ck_calls_promise CHECK (promise IN ('asked', 'closed', 'nobody'))"
    )
    # Until now nobody could hand a call over.
    op.execute("UPDATE calls SET owner_phone = taken_phone, owner = taken_by")


def downgrade() -> None:
    op.drop_column("calls", "promise")
    op.drop_column("calls", "owner")
    op.drop_column("calls", "owner_phone")
