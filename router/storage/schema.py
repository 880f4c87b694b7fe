"""Which rows are kept, and what must always hold among them?

The company's own rows (people … hours) carry `version` (goes up with every change, also of their parts), `ref` (the
customer's own key, or nothing) and `updated_at`. So that no new row inherits the records of a former one, ids are never
given twice, which SQLite has to be told (`autoincrement`). Instants are UTC.
"""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    text,
)

import router.storage.access_schema
import router.storage.call_schema
import router.storage.import_schema
import router.storage.leaving_schema
import router.storage.owed_schema
import router.storage.retention_schema
import router.storage.told_schema  # noqa: F401 (their tables are in the same metadata)
from router.routing.model import (
    CallerKind,
    ClosedBy,
    CoverScope,
    During,
    JobState,
    Lead,
    LineKind,
    OverrideAction,
    PersonState,
    PhoneKind,
    Strategy,
)
from router.storage.columns import UtcTime as UtcTime  # who asks for it here has all tables in it
from router.storage.columns import holds as _holds
from router.storage.columns import metadata as metadata
from router.storage.columns import one_of as _one_of


def _refers(name: str, to: str, *, nullable: bool = False, key: bool = False, later: bool = False) -> Column[int]:
    # `later`: rows of one table that refer to each other are checked at the commit, so their order doesn't matter
    there = ForeignKey(
        f"{to}.id", ondelete="RESTRICT", deferrable=later or None, initially="DEFERRED" if later else None
    )
    if key:
        return Column(name, Integer, there, primary_key=True)
    return Column(name, Integer, there, nullable=nullable)


def _own_columns() -> list[Column[int] | Column[str] | Column[datetime]]:
    return [
        Column("version", Integer, nullable=False),
        Column("ref", String(200), nullable=True, unique=True),
        Column("updated_at", UtcTime, nullable=False),
    ]


def _written_with(column: str, alphabet: str) -> str:
    # neither database has the other's regular expressions; what is left after trimming an alphabet is not of it
    return f"ltrim({column}, '{alphabet}') = ''"


_DIGITS = "0123456789"
_ENDPOINT = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"


def _e164(column: str, shortest: int = 7) -> str:
    """The condition that a column holds +, a digit that is no zero, and digits; nothing (NULL) passes as well."""
    return (
        f"{column} LIKE '+%' AND length({column}) BETWEEN {shortest + 1} AND 16"
        f" AND substr({column}, 2, 1) <> '0' AND {_written_with(f'substr({column}, 2)', _DIGITS)}"
    )


hours = Table(
    "hours",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(100), nullable=False, unique=True),
    Column("time_zone", String(64), nullable=False),
    Column("country", String(2)),
    Column("subdivision", String(6)),
    *_own_columns(),
    sqlite_autoincrement=True,
)

hours_week = Table(
    "hours_week",
    metadata,
    _refers("hours", "hours", key=True),
    Column("weekday", Integer, primary_key=True),
    Column("opens", Integer, primary_key=True),
    Column("closes", Integer, nullable=False),
    _holds("weekday", "weekday BETWEEN 0 AND 6"),
    # in minutes after midnight; open until the end of the following day at the latest
    _holds("opens", "opens BETWEEN 0 AND 1439"),
    _holds("closes", "closes > opens AND closes <= 2880"),
)

hours_days = Table(
    "hours_days",
    metadata,
    _refers("hours", "hours", key=True),
    Column("position", Integer, primary_key=True),
    Column("first_day", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    Column("opens", Integer),
    Column("closes", Integer),
    Column("label", String(100), nullable=False),
    _holds("days", "last_day >= first_day"),
    # as in hours_week; neither of them: closed all day
    _holds("opens", "opens BETWEEN 0 AND 1439"),
    _holds("closes", "closes > opens AND closes <= 2880"),
    _holds("both", "(opens IS NULL) = (closes IS NULL)"),
)

people = Table(
    "people",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(100), nullable=False),
    _one_of("state", PersonState),
    Column("away_until", UtcTime),
    Column("leaves_at", UtcTime),
    Column("email", String(254)),
    _refers("hours", "hours", nullable=True),
    Column("short_number", String(16), unique=True),
    *_own_columns(),
    _holds("name", "name <> ''"),
    _holds("short_number", f"short_number <> '' AND {_written_with('short_number', _DIGITS)}"),
    sqlite_autoincrement=True,
)

# State, no part of the table: never refused, not versioned. Who has no row is signed in.
presence = Table(
    "presence",
    metadata,
    _refers("person", "people", key=True),
    Column("signed_in", Boolean, nullable=False),
    Column("paused_until", UtcTime),
    Column("since", UtcTime, nullable=False),
)

phones = Table(
    "phones",
    metadata,
    Column("id", Integer, primary_key=True),
    _refers("person", "people"),
    _one_of("kind", PhoneKind),
    Column("endpoint", String(64), unique=True),
    Column("number", String(16)),
    Column("ring_seconds", Integer, nullable=False),
    Column("call_waiting", Boolean, nullable=False),
    Column("enabled", Boolean, nullable=False),
    *_own_columns(),
    _holds(
        "reached",
        "(kind <> 'desk' OR (endpoint IS NOT NULL AND number IS NULL))"
        " AND (kind <> 'external' OR (number IS NOT NULL AND endpoint IS NULL))",
    ),
    # what the dialplan may put into a dial string
    _holds("endpoint", f"endpoint <> '' AND {_written_with('endpoint', _ENDPOINT)}"),
    _holds("number", _e164("number")),
    _holds("ring_seconds", "ring_seconds BETWEEN 1 AND 20"),
    sqlite_autoincrement=True,
)

desks = Table(
    "desks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(100), nullable=False, unique=True),
    _one_of("strategy", Strategy),
    Column("slot", Integer, nullable=False),
    Column("ring_seconds", Integer, nullable=False),
    Column("wrap_up_seconds", Integer, nullable=False),
    _refers("hours", "hours", nullable=True),
    _one_of("closed_by", ClosedBy),
    _refers("duty_desk", "desks", nullable=True, later=True),
    _refers("next_desk", "desks", nullable=True, later=True),
    _refers("lead", "people", nullable=True),
    Column("safety_net", Boolean, nullable=False),
    Column("last_resort", String(16)),
    *_own_columns(),
    UniqueConstraint("strategy", "slot"),
    # one safety net: the rows where it holds are all alike, and no two may be
    Index(
        "uq_desks_safety_net",
        "safety_net",
        unique=True,
        sqlite_where=text("safety_net"),
        postgresql_where=text("safety_net"),
    ),
    _holds("name", "name <> ''"),
    _holds("slot", "slot BETWEEN 1 AND 64"),  # as many queues of each strategy as the drop-in defines
    _holds("ring_seconds", "ring_seconds BETWEEN 1 AND 3600"),
    _holds("wrap_up_seconds", "wrap_up_seconds BETWEEN 0 AND 3600"),
    _holds("duty_desk", "closed_by <> 'duty' OR duty_desk IS NOT NULL"),
    _holds("other_desks", "duty_desk <> id AND next_desk <> id"),
    _holds("last_resort", _e164("last_resort")),
    sqlite_autoincrement=True,
)

desk_members = Table(
    "desk_members",
    metadata,
    _refers("desk", "desks", key=True),
    _refers("person", "people", key=True),
    Column("position", Integer, nullable=False),
    UniqueConstraint("desk", "position"),
)

lines = Table(
    "lines",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", String(16), nullable=False, unique=True),
    Column("label", String(100), nullable=False),
    _one_of("kind", LineKind),
    _refers("person", "people", nullable=True),
    _refers("desk", "desks"),
    _refers("hours", "hours", nullable=True),
    _one_of("closed_by", ClosedBy),
    _refers("duty_desk", "desks", nullable=True),
    *_own_columns(),
    _holds("number", _e164("number")),
    _holds("person", "kind <> 'salesperson' OR person IS NOT NULL"),
    _holds("duty_desk", "closed_by <> 'duty' OR duty_desk IS NOT NULL"),
    sqlite_autoincrement=True,
)

line_aliases = Table(
    "line_aliases",
    metadata,
    Column("dialled", String(32), primary_key=True),
    _refers("line", "lines"),
    _holds("dialled", f"dialled <> '' AND {_written_with('dialled', '+' + _DIGITS)}"),
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(200), nullable=False),
    _refers("manager", "people", nullable=True),
    _refers("desk", "desks", nullable=True),
    Column("priority", Integer, nullable=False),
    *_own_columns(),
    _holds("name", "name <> ''"),
    sqlite_autoincrement=True,
)

# E.164 fits in 64 bits; in the order of its key, so that a million numbers are read without sorting them.
account_numbers = Table(
    "account_numbers",
    metadata,
    Column("number", BigInteger, primary_key=True),
    Column("is_prefix", Boolean, primary_key=True),
    _refers("account", "accounts"),
    Index(None, "account"),
    _holds("number", "number BETWEEN 1 AND 999999999999999 AND (is_prefix OR number >= 1000000)"),
    sqlite_with_rowid=False,
)

deputies = Table(
    "deputies",
    metadata,
    _refers("account", "accounts", key=True),
    Column("position", Integer, primary_key=True),
    _refers("person", "people"),
    UniqueConstraint("account", "person"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Integer, primary_key=True),
    _refers("account", "accounts"),
    Column("title", String(200), nullable=False),
    _refers("manager", "people"),
    _refers("salesperson", "people", nullable=True),
    _one_of("state", JobState),
    Column("starts_on", Date),
    Column("ends_on", Date),
    *_own_columns(),
    Index(None, "account"),
    _holds("dates", "ends_on >= starts_on"),
    sqlite_autoincrement=True,
)

rules = Table(
    "rules",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("priority", Integer, nullable=False, unique=True),
    Column("label", String(200), nullable=False),
    Column("enabled", Boolean, nullable=False),
    _refers("line", "lines", nullable=True),
    Column("caller", String(16)),
    Column("caller_is_prefix", Boolean, nullable=False),
    _refers("account", "accounts", nullable=True),
    _one_of("caller_kind", CallerKind, nullable=True),
    _refers("hours", "hours", nullable=True),
    _one_of("during", During),
    Column("valid_from", UtcTime),
    Column("valid_until", UtcTime),
    _one_of("then", Lead),
    _refers("person", "people", nullable=True),
    _refers("desk", "desks", nullable=True),
    *_own_columns(),
    _holds("caller", f"({_e164('caller', shortest=1)}) AND (caller_is_prefix OR length(caller) >= 8)"),
    _holds("prefix", "NOT caller_is_prefix OR caller IS NOT NULL"),
    _holds("validity", "valid_until > valid_from"),
    _holds("leads_to_person", "\"then\" <> 'person' OR person IS NOT NULL"),
    _holds("leads_to_desk", "\"then\" <> 'desk' OR desk IS NOT NULL"),
    sqlite_autoincrement=True,
)

covers = Table(
    "covers",
    metadata,
    Column("id", Integer, primary_key=True),
    _refers("person", "people"),
    _refers("by_person", "people", nullable=True),
    _refers("by_desk", "desks", nullable=True),
    _one_of("scope", CoverScope),
    Column("starts_at", UtcTime, nullable=False),
    Column("ends_at", UtcTime),  # without it: the successor of somebody who left
    Column("reason", String(200), nullable=False),
    *_own_columns(),
    Index(None, "person"),
    _holds("by", "(by_person IS NULL) <> (by_desk IS NULL)"),
    _holds("somebody_else", "by_person <> person"),
    _holds("ends_at", "ends_at > starts_at"),
    sqlite_autoincrement=True,
)

overrides = Table(
    "overrides",
    metadata,
    Column("id", Integer, primary_key=True),
    _refers("line", "lines", nullable=True),
    _refers("desk", "desks", nullable=True),
    _one_of("action", OverrideAction),
    _refers("to_desk", "desks", nullable=True),
    Column("starts_at", UtcTime, nullable=False),
    Column("ends_at", UtcTime, nullable=False),  # what is only for now must not be forgotten
    Column("reason", String(200), nullable=False),
    *_own_columns(),
    _holds("of", "(line IS NULL) <> (desk IS NULL)"),
    _holds("to_desk", "(action = 'divert') = (to_desk IS NOT NULL)"),
    _holds("other_desk", "to_desk <> desk"),
    _holds("ends_at", "ends_at > starts_at"),
    sqlite_autoincrement=True,
)

table_versions = Table(
    "table_versions",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcTime, nullable=False),
)
