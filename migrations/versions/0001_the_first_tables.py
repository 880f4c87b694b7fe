"""The first tables.

Written out in full, and not taken from `router.storage.schema`: what was done once must stay what it was. Only the
names of constraints come from the convention there.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
DIGITS = "0123456789"
ENDPOINT = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"


def upgrade() -> None:
    op.create_table(
        "hours",
        *own(),
        sa.Column("name", sa.String(100), nullable=False, unique=True),
        sa.Column("time_zone", sa.String(64), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "hours_week",
        refers("hours", "hours", primary_key=True),
        sa.Column("weekday", sa.Integer, primary_key=True),
        sa.Column("opens", sa.Integer, primary_key=True),
        sa.Column("closes", sa.Integer, nullable=False),
        holds("weekday", "weekday BETWEEN 0 AND 6"),
        holds("opens", "opens BETWEEN 0 AND 1439"),
        holds("closes", "closes > opens AND closes <= 2880"),
    )
    op.create_table(
        "people",
        *own(),
        sa.Column("name", sa.String(100), nullable=False),
        one_of("state", "active", "away", "leaving", "left"),
        sa.Column("away_until", TIME),
        sa.Column("leaves_at", TIME),
        sa.Column("email", sa.String(254)),
        refers("hours", "hours"),
        sa.Column("short_number", sa.String(16), unique=True),
        holds("name", "name <> ''"),
        holds("short_number", f"short_number <> '' AND ltrim(short_number, '{DIGITS}') = ''"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "phones",
        *own(),
        refers("person", "people", nullable=False),
        one_of("kind", "desk", "external"),
        sa.Column("endpoint", sa.String(64), unique=True),
        sa.Column("number", sa.String(16)),
        sa.Column("ring_seconds", sa.Integer, nullable=False),
        sa.Column("call_waiting", sa.Boolean, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        holds(
            "reached",
            "(kind <> 'desk' OR (endpoint IS NOT NULL AND number IS NULL))"
            " AND (kind <> 'external' OR (number IS NOT NULL AND endpoint IS NULL))",
        ),
        holds("endpoint", f"endpoint <> '' AND ltrim(endpoint, '{ENDPOINT}') = ''"),
        holds("number", e164("number")),
        holds("ring_seconds", "ring_seconds BETWEEN 1 AND 20"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "desks",
        *own(),
        sa.Column("name", sa.String(100), nullable=False, unique=True),
        one_of("strategy", "all", "longest_idle", "round_robin"),
        sa.Column("slot", sa.Integer, nullable=False),
        sa.Column("ring_seconds", sa.Integer, nullable=False),
        sa.Column("wrap_up_seconds", sa.Integer, nullable=False),
        refers("hours", "hours"),
        one_of("closed_by", "duty", "wait", "promise"),
        refers("duty_desk", "desks", later=True),
        refers("next_desk", "desks", later=True),
        refers("lead", "people"),
        sa.Column("safety_net", sa.Boolean, nullable=False),
        sa.Column("last_resort", sa.String(16)),
        sa.UniqueConstraint("strategy", "slot"),
        holds("name", "name <> ''"),
        holds("slot", "slot BETWEEN 1 AND 64"),
        holds("ring_seconds", "ring_seconds BETWEEN 1 AND 3600"),
        holds("wrap_up_seconds", "wrap_up_seconds BETWEEN 0 AND 3600"),
        holds("duty_desk", "closed_by <> 'duty' OR duty_desk IS NOT NULL"),
        holds("other_desks", "duty_desk <> id AND next_desk <> id"),
        holds("last_resort", e164("last_resort")),
        sqlite_autoincrement=True,
    )
    op.create_index("uq_desks_safety_net", "desks", ["safety_net"], unique=True, **only_where("safety_net"))
    op.create_table(
        "desk_members",
        refers("desk", "desks", primary_key=True),
        refers("person", "people", primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.UniqueConstraint("desk", "position"),
    )
    op.create_table(
        "lines",
        *own(),
        sa.Column("number", sa.String(16), nullable=False, unique=True),
        sa.Column("label", sa.String(100), nullable=False),
        one_of("kind", "business", "salesperson"),
        refers("person", "people"),
        refers("desk", "desks", nullable=False),
        refers("hours", "hours"),
        one_of("closed_by", "duty", "wait", "promise"),
        refers("duty_desk", "desks"),
        holds("number", e164("number")),
        holds("person", "kind <> 'salesperson' OR person IS NOT NULL"),
        holds("duty_desk", "closed_by <> 'duty' OR duty_desk IS NOT NULL"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "line_aliases",
        sa.Column("dialled", sa.String(32), primary_key=True),
        refers("line", "lines", nullable=False),
        holds("dialled", f"dialled <> '' AND ltrim(dialled, '+{DIGITS}') = ''"),
    )
    op.create_table(
        "accounts",
        *own(),
        sa.Column("name", sa.String(200), nullable=False),
        refers("manager", "people"),
        refers("desk", "desks"),
        sa.Column("priority", sa.Integer, nullable=False),
        holds("name", "name <> ''"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "account_numbers",
        sa.Column("number", sa.BigInteger, primary_key=True),
        sa.Column("is_prefix", sa.Boolean, primary_key=True),
        refers("account", "accounts", nullable=False),
        holds("number", "number BETWEEN 1 AND 999999999999999 AND (is_prefix OR number >= 1000000)"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_account_numbers_account", "account_numbers", ["account"])
    op.create_table(
        "deputies",
        refers("account", "accounts", primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        refers("person", "people", nullable=False),
        sa.UniqueConstraint("account", "person"),
    )
    op.create_table(
        "jobs",
        *own(),
        refers("account", "accounts", nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        refers("manager", "people", nullable=False),
        refers("salesperson", "people"),
        one_of("state", "running", "paused", "closed"),
        sa.Column("starts_on", sa.Date),
        sa.Column("ends_on", sa.Date),
        holds("dates", "ends_on >= starts_on"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_jobs_account", "jobs", ["account"])
    op.create_table(
        "rules",
        *own(),
        sa.Column("priority", sa.Integer, nullable=False, unique=True),
        sa.Column("label", sa.String(200), nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        refers("line", "lines"),
        sa.Column("caller", sa.String(16)),
        sa.Column("caller_is_prefix", sa.Boolean, nullable=False),
        refers("account", "accounts"),
        one_of("caller_kind", "known", "unknown", "withheld", nullable=True),
        refers("hours", "hours"),
        one_of("during", "any", "open", "closed"),
        sa.Column("valid_from", TIME),
        sa.Column("valid_until", TIME),
        one_of("then", "person", "desk", "manager"),
        refers("person", "people"),
        refers("desk", "desks"),
        holds("caller", f"({e164('caller', shortest=1)}) AND (caller_is_prefix OR length(caller) >= 8)"),
        holds("prefix", "NOT caller_is_prefix OR caller IS NOT NULL"),
        holds("validity", "valid_until > valid_from"),
        holds("leads_to_person", "\"then\" <> 'person' OR person IS NOT NULL"),
        holds("leads_to_desk", "\"then\" <> 'desk' OR desk IS NOT NULL"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "table_versions",
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", TIME, nullable=False),
    )
    op.create_table(
        "calls",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("dialled", sa.Text, nullable=False),
        sa.Column("line", sa.Integer),
        sa.Column("caller", sa.Text, nullable=False),
        one_of("presented", "number", "withheld", "malformed"),
        one_of("caller_kind", "known", "unknown", "withheld", nullable=True),
        sa.Column("account", sa.Integer),
        sa.Column("job", sa.Integer),
        sa.Column("arrived_at", TIME, nullable=False),
        sa.Column("table_version", sa.Integer),
        one_of("path", "plan", "fallback", "invalid", nullable=True),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("decision", sa.JSON),
        sa.Column("taken_phone", sa.Text),
        sa.Column("taken_by", sa.Integer),
        sa.Column("taken_at", TIME),
        sa.Column("ended_at", TIME),
        one_of("ended", "answered", "gave_up", "promised", "lost", nullable=True),
        sa.Column("is_test", sa.Boolean, nullable=False),
    )
    op.create_index("ix_calls_arrived_at_id", "calls", ["arrived_at", "id"])
    op.create_index("ix_calls_open", "calls", ["id"], **only_where("ended_at IS NULL"))
    op.create_table(
        "call_legs",
        sa.Column("call", sa.Text, sa.ForeignKey("calls.id", ondelete="RESTRICT"), primary_key=True),
        sa.Column("leg", sa.Text, primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("phone", sa.Text, nullable=False),
        sa.Column("person", sa.Integer),
        sa.Column("began_at", TIME, nullable=False),
        sa.Column("ended_at", TIME),
        one_of("result", "answered", "refused", "busy", "no_answer", "unreachable", "cancelled", nullable=True),
        sa.Column("cause", sa.Integer),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("prefix", sa.String(16), nullable=False, unique=True),
        sa.Column("sha256", sa.LargeBinary(32), nullable=False, unique=True),
        one_of("role", "viewer", "coordinator", "editor", "admin", "service"),
        sa.Column("sees_private", sa.Boolean, nullable=False),
        sa.Column("expires_at", TIME),
        sa.Column("revoked_at", TIME),
    )


def downgrade() -> None:
    for table in (
        "api_keys",
        "call_legs",
        "calls",
        "table_versions",
        "rules",
        "jobs",
        "deputies",
        "account_numbers",
        "accounts",
        "line_aliases",
        "lines",
        "desk_members",
        "desks",
        "phones",
        "people",
        "hours_week",
        "hours",
    ):
        op.drop_table(table)


def own() -> list[sa.Column[Any]]:
    """What every row of the company has: an id, and what keeping it needs."""
    return [
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("ref", sa.String(200), unique=True),
        sa.Column("updated_at", TIME, nullable=False),
    ]


def refers(
    name: str, to: str, *, nullable: bool = True, primary_key: bool = False, later: bool = False
) -> sa.Column[int]:
    there = sa.ForeignKey(
        f"{to}.id", ondelete="RESTRICT", deferrable=later or None, initially="DEFERRED" if later else None
    )
    if primary_key:
        return sa.Column(name, sa.Integer, there, primary_key=True)
    return sa.Column(name, sa.Integer, there, nullable=nullable)


def one_of(name: str, *choices: str, nullable: bool = False) -> sa.Column[str]:
    kind = sa.Enum(*choices, name=name, native_enum=False, create_constraint=True, length=16)
    return sa.Column(name, kind, nullable=nullable)


def holds(name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=name)


def e164(column: str, shortest: int = 7) -> str:
    return (
        f"{column} LIKE '+%' AND length({column}) BETWEEN {shortest + 1} AND 16"
        f" AND substr({column}, 2, 1) <> '0' AND ltrim(substr({column}, 2), '{DIGITS}') = ''"
    )


def only_where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}
