"""The few legs that a machine answered are found without looking at all the others."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    machines = sa.text("maybe_machine")
    op.create_index("ix_call_legs_machine", "call_legs", ["call"], sqlite_where=machines, postgresql_where=machines)


def downgrade() -> None:
    op.drop_index("ix_call_legs_machine", "call_legs")
