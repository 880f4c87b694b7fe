"""What became of external legs, and whether a machine may have answered."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

FIRST = ("answered", "refused", "busy", "no_answer", "unreachable", "cancelled")
ASKED_FOR_A_KEY = ("no_key", "hung_up_in_prompt", "too_late", "capped", "forbidden", "returned")


def upgrade() -> None:
    with op.batch_alter_table("call_legs", copy_from=legs(results(*FIRST))) as batch:
        batch.alter_column("result", existing_type=results(*FIRST), type_=results(*FIRST, *ASKED_FOR_A_KEY, length=24))
        batch.add_column(sa.Column("maybe_machine", sa.Boolean, nullable=False, server_default=sa.false()))


def downgrade() -> None:
    # What the former tables can't say is said as nearly as they can.
    said = {"no_key": "no_answer", "hung_up_in_prompt": "refused", "too_late": "cancelled"}
    said |= {"capped": "unreachable", "forbidden": "unreachable", "returned": "busy"}
    for now, before in said.items():
        op.execute(
            sa.text("UPDATE call_legs SET result = :before WHERE result = :now").bindparams(before=before, now=now)
        )
    now = results(*FIRST, *ASKED_FOR_A_KEY, length=24)
    extra = sa.Column("maybe_machine", sa.Boolean, nullable=False, server_default=sa.false())
    with op.batch_alter_table("call_legs", copy_from=legs(now, extra)) as batch:
        batch.drop_column("maybe_machine")
        batch.alter_column("result", existing_type=now, type_=results(*FIRST))


def results(*choices: str, length: int = 16) -> sa.Enum:
    return sa.Enum(*choices, name="result", native_enum=False, create_constraint=True, length=length)


def legs(result: sa.Enum, *more: sa.Column[bool]) -> sa.Table:
    """The table as it stands, for SQLite, which changes a column by writing its table anew."""
    tables = sa.MetaData(naming_convention=op.get_context().opts["target_metadata"].naming_convention)
    sa.Table("calls", tables, sa.Column("id", sa.Text, primary_key=True))
    time = sa.DateTime(timezone=True)
    return sa.Table(
        "call_legs",
        tables,
        sa.Column("call", sa.Text, sa.ForeignKey("calls.id", ondelete="RESTRICT"), primary_key=True),
        sa.Column("leg", sa.Text, primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("phone", sa.Text, nullable=False),
        sa.Column("person", sa.Integer),
        sa.Column("began_at", time, nullable=False),
        sa.Column("ended_at", time),
        sa.Column("result", result),
        sa.Column("cause", sa.Integer),
        *more,
    )
