"""It is told when somebody has left and something was left behind."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

ABOUT = ("call", "commitment", "table")
KINDS = (
    *("ringing", "waiting", "answered", "handed_over", "ended"),
    *("opened", "repeated", "corrected", "claimed", "tried", "reminder", "try_again"),
    *("late", "desk_told", "lead_told", "kept", "voided", "published"),
)
OF_CALL = "(about = 'call') = (call IS NOT NULL AND nth IS NOT NULL)"
OF_COMMITMENT = "(about = 'commitment') = (commitment IS NOT NULL)"
INDEXED = ("at", "commitment")
COPIED = "id, at, about, kind, call, nth, commitment, payload"


def upgrade() -> None:
    allow((*ABOUT, "person"), (*KINDS, "left_behind"))


def downgrade() -> None:
    op.execute("DELETE FROM outbox WHERE notice IN (SELECT id FROM notices WHERE about = 'person')")
    op.execute("DELETE FROM notices WHERE about = 'person'")
    allow(ABOUT, KINDS)


def allow(about: tuple[str, ...], kinds: tuple[str, ...]) -> None:
    if op.get_bind().dialect.name != "sqlite":
        for column, choices in (("about", about), ("kind", kinds)):
            op.drop_constraint(op.f(f"ck_notices_{column}"), "notices")
            op.create_check_constraint(op.f(f"ck_notices_{column}"), "notices", among(column, *choices))
        return
    # Renamed while what refers to it goes on referring to its name.
    op.execute("PRAGMA legacy_alter_table=ON")
    op.execute("ALTER TABLE notices RENAME TO notices_before")
    op.execute("PRAGMA legacy_alter_table=OFF")
    for column in INDEXED:
        op.drop_index(f"ix_notices_{column}", "notices_before")
    op.create_table(
        "notices",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("about", one_of("about", *about), nullable=False),
        sa.Column("kind", one_of("kind", *kinds), nullable=False),
        sa.Column("call", sa.Text),
        sa.Column("nth", sa.Integer),
        sa.Column("commitment", sa.Integer, sa.ForeignKey("commitments.id", ondelete="RESTRICT")),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.UniqueConstraint("call", "nth"),
        sa.CheckConstraint(OF_CALL, name="of_call"),
        sa.CheckConstraint(OF_COMMITMENT, name="of_commitment"),
        sqlite_autoincrement=True,
    )
    op.execute(f"INSERT INTO notices ({COPIED}) SELECT {COPIED} FROM notices_before")
    op.drop_table("notices_before")
    for column in INDEXED:
        op.create_index(f"ix_notices_{column}", "notices", [column])


def one_of(name: str, *choices: str) -> sa.Enum:
    return sa.Enum(*choices, name=name, native_enum=False, create_constraint=True, length=16)


def among(column: str, *choices: str) -> str:
    return f"{column} IN ({', '.join(repr(choice) for choice in choices)})"
