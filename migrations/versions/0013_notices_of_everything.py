"""Calls and tables tell of themselves as commitments do: one row of notices, in the order in which it happened."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

OF_COMMITMENTS = (
    *("opened", "repeated", "corrected", "claimed", "tried", "handed_over", "reminder", "try_again"),
    *("late", "desk_told", "lead_told", "kept", "voided"),
)
EVERY_KIND = (
    *("ringing", "waiting", "answered", "handed_over", "ended"),
    *("opened", "repeated", "corrected", "claimed", "tried", "reminder", "try_again"),
    *("late", "desk_told", "lead_told", "kept", "voided", "published"),
)
OF_CALL = "(about = 'call') = (call IS NOT NULL AND nth IS NOT NULL)"
OF_COMMITMENT = "(about = 'commitment') = (commitment IS NOT NULL)"
COPIED = "id, at, kind, commitment, payload"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        put_aside()
        make_notices()
        op.execute(f"INSERT INTO notices ({COPIED}, about) SELECT {COPIED}, 'commitment' FROM notices_before")
        op.drop_table("notices_before")
    else:
        op.add_column("notices", sa.Column("about", one_of("about"), nullable=False, server_default="commitment"))
        op.alter_column("notices", "about", server_default=None)
        op.add_column("notices", sa.Column("call", sa.Text))
        op.add_column("notices", sa.Column("nth", sa.Integer))
        op.alter_column("notices", "commitment", nullable=True)
        op.drop_constraint(op.f("ck_notices_kind"), "notices")
        op.create_check_constraint(op.f("ck_notices_kind"), "notices", among("kind", *EVERY_KIND))
        op.create_check_constraint(op.f("ck_notices_of_call"), "notices", OF_CALL)
        op.create_check_constraint(op.f("ck_notices_of_commitment"), "notices", OF_COMMITMENT)
        op.create_unique_constraint(op.f("uq_notices_call_nth"), "notices", ["call", "nth"])
    op.create_index("ix_notices_at", "notices", ["at"])
    if op.get_bind().dialect.name == "sqlite":
        op.create_index("ix_notices_commitment", "notices", ["commitment"])


def downgrade() -> None:
    op.execute("DELETE FROM outbox WHERE notice IN (SELECT id FROM notices WHERE about <> 'commitment')")
    op.execute("DELETE FROM notices WHERE about <> 'commitment'")
    op.drop_index("ix_notices_at", "notices")
    if op.get_bind().dialect.name == "sqlite":
        put_aside()
        make_notices_of_commitments()
        op.execute(f"INSERT INTO notices ({COPIED}) SELECT {COPIED} FROM notices_before")
        op.drop_table("notices_before")
        op.create_index("ix_notices_commitment", "notices", ["commitment"])
        return
    for name in ("ck_notices_of_call", "ck_notices_of_commitment", "uq_notices_call_nth", "ck_notices_kind"):
        op.drop_constraint(op.f(name), "notices")
    op.create_check_constraint(op.f("ck_notices_kind"), "notices", among("kind", *OF_COMMITMENTS))
    op.alter_column("notices", "commitment", nullable=False)
    for column in ("nth", "call", "about"):
        op.drop_column("notices", column)


def put_aside() -> None:
    """Rename the table, while what refers to it goes on referring to its name."""
    op.execute("PRAGMA legacy_alter_table=ON")
    op.execute("ALTER TABLE notices RENAME TO notices_before")
    op.execute("PRAGMA legacy_alter_table=OFF")
    op.drop_index("ix_notices_commitment", "notices_before")


def make_notices() -> None:
    op.create_table(
        "notices",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("about", one_of("about"), nullable=False),
        sa.Column("kind", one_of("kind", *EVERY_KIND), nullable=False),
        sa.Column("call", sa.Text),
        sa.Column("nth", sa.Integer),
        sa.Column("commitment", sa.Integer, sa.ForeignKey("commitments.id", ondelete="RESTRICT")),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.UniqueConstraint("call", "nth"),
        sa.CheckConstraint(OF_CALL, name="of_call"),
        sa.CheckConstraint(OF_COMMITMENT, name="of_commitment"),
        sqlite_autoincrement=True,
    )


def make_notices_of_commitments() -> None:
    op.create_table(
        "notices",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", one_of("kind", *OF_COMMITMENTS), nullable=False),
        sa.Column("commitment", sa.Integer, sa.ForeignKey("commitments.id", ondelete="RESTRICT"), nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
        sqlite_autoincrement=True,
    )


def one_of(name: str, *choices: str) -> sa.Enum:
    listed = choices or ("call", "commitment", "table")
    return sa.Enum(*listed, name=name, native_enum=False, create_constraint=True, length=16)


def among(column: str, *choices: str) -> str:
    return f"{column} IN ({', '.join(repr(choice) for choice in choices)})"
