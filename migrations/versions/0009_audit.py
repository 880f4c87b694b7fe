"""Who changed what, when, and what it was before."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(100), nullable=False),
        sa.Column("key", sa.String(16)),
        one_of("source", "api", "command", "import"),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("object", sa.Integer, nullable=False),
        one_of("action", "created", "changed", "removed"),
        sa.Column("before", sa.JSON(none_as_null=True)),
        sa.Column("after", sa.JSON(none_as_null=True)),
        sa.Column("version", sa.Integer),
        sa.Column("undoes", sa.Integer),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_kind_object", "audit", ["kind", "object"])


def downgrade() -> None:
    op.drop_table("audit")


def one_of(name: str, *choices: str) -> sa.Column[str]:
    kind = sa.Enum(*choices, name=name, native_enum=False, create_constraint=True, length=16)
    return sa.Column(name, kind, nullable=False)
