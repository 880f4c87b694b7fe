"""The audit is only ever added to, which triggers see to; and old records lose the ends of their numbers."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

OVER = sa.text("state IN ('kept', 'void')")
STAYS = ("id", "at", "actor", "key", "source", "kind", "object", "action", "version", "undoes")


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    op.add_column("audit", sa.Column("hidden_at", time))
    for statement in postgresql_triggers() if speaks_postgresql() else sqlite_triggers():
        op.execute(statement)
    closed = ["closed_at", "id"]
    op.create_index("ix_commitments_closed_at", "commitments", closed, sqlite_where=OVER, postgresql_where=OVER)
    kinds = sa.Enum(
        *("calls", "commitments", "orders", "audit"), name="kind", native_enum=False, create_constraint=True, length=16
    )
    op.create_table(
        "retention",
        sa.Column("kind", kinds, primary_key=True),
        sa.Column("reached_at", time),
        sa.Column("reached", sa.Text, nullable=False),
        sa.Column("next_at", time, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("retention")
    op.drop_index("ix_commitments_closed_at", "commitments")
    if speaks_postgresql():
        op.execute("DROP FUNCTION audit_stays() CASCADE")
    else:
        for trigger in ("removed", "replaced", "changed"):
            op.execute(f"DROP TRIGGER audit_never_{trigger}")
    op.drop_column("audit", "hidden_at")


def speaks_postgresql() -> bool:
    return bool(op.get_context().dialect.name == "postgresql")


def sqlite_triggers() -> list[str]:
    same = " AND ".join(f'new."{column}" IS old."{column}"' for column in STAYS)
    hides = " AND ".join(_hides_in_sqlite(column) for column in ("before", "after"))
    return [
        "CREATE TRIGGER audit_never_removed BEFORE DELETE ON audit"
        " BEGIN SELECT RAISE(ABORT, 'the audit is only ever added to'); END",
        "CREATE TRIGGER audit_never_replaced BEFORE INSERT ON audit"
        " WHEN EXISTS (SELECT 1 FROM audit WHERE id = new.id)"
        " BEGIN SELECT RAISE(ABORT, 'the audit is only ever added to'); END",
        "CREATE TRIGGER audit_never_changed BEFORE UPDATE ON audit"
        f" WHEN NOT (new.hidden_at IS NOT NULL AND {same} AND {hides})"
        f" BEGIN SELECT RAISE(ABORT, 'the audit is only ever added to'); END",
    ]


def postgresql_triggers() -> list[str]:
    olds, news = (", ".join(f'{row}."{column}"' for column in STAYS) for row in ("old", "new"))
    hides = " AND ".join(_hides_in_postgresql(column) for column in ("before", "after"))
    return [
        "CREATE FUNCTION audit_stays() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF tg_op = 'UPDATE' THEN IF new.hidden_at IS NOT NULL AND ROW({news}) IS NOT DISTINCT FROM ROW({olds})"
        f" AND {hides} THEN RETURN new; END IF; END IF;"
        f" RAISE EXCEPTION 'the audit is only ever added to' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        "CREATE TRIGGER audit_never_changed BEFORE UPDATE OR DELETE ON audit"
        " FOR EACH ROW EXECUTE FUNCTION audit_stays()",
        "CREATE TRIGGER audit_never_emptied BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_stays()",
    ]


def _hides_in_sqlite(column: str) -> str:
    def starred(value: str) -> str:
        for digit in "0123456789":
            value = f"replace({value}, '{digit}', '*')"
        return value

    new, old = f"coalesce(new.\"{column}\", '')", f"coalesce(old.\"{column}\", '')"
    like = _as_pattern(new)
    return f"{starred(new)} = {starred(old)} AND (length({new}) > 20000 OR {old} LIKE {like} ESCAPE '\\')"


def _hides_in_postgresql(column: str) -> str:
    new, old = (f"coalesce(CAST({row}.\"{column}\" AS text), '')" for row in ("new", "old"))
    digits, stars = "0123456789", "*" * 10
    return (
        f"translate({new}, '{digits}', '{stars}') = translate({old}, '{digits}', '{stars}')"
        f" AND {old} LIKE {_as_pattern(new)}"
    )


def _as_pattern(value: str) -> str:
    for special in ("\\", "%", "_"):
        value = f"replace({value}, '{special}', '\\{special}')"
    return f"replace({value}, '*', '_')"
