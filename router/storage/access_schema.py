"""Who may look at the company and change it, and who did: which rows tell that?"""

from enum import StrEnum

from sqlalchemy import JSON, Boolean, Column, Index, Integer, LargeBinary, String, Table

from router.storage.append_only import keep_append_only
from router.storage.columns import UtcTime, metadata, one_of


class Role(StrEnum):
    """What the holder of an API key may do, each more than the one before; a service pushes data and reads it."""

    VIEWER = "viewer"
    COORDINATOR = "coordinator"
    EDITOR = "editor"
    ADMIN = "admin"
    SERVICE = "service"


class Source(StrEnum):
    """Through which door a change came."""

    API = "api"
    COMMAND = "command"
    IMPORT = "import"


class Action(StrEnum):
    """What was done to an object."""

    CREATED = "created"
    CHANGED = "changed"
    REMOVED = "removed"


api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(100), nullable=False),
    Column("prefix", String(16), nullable=False, unique=True),
    Column("sha256", LargeBinary(32), nullable=False, unique=True),
    one_of("role", Role),
    Column("sees_private", Boolean, nullable=False),
    Column("expires_at", UtcTime),
    Column("revoked_at", UtcTime),
)

# Only ever added to. No foreign keys: it tells of what may be gone. `before` and `after` are the object as the API
# shows it, nothing for one that wasn't there; `undoes` is the entry that this one takes back. `hidden_at`: when digits
# of numbers in it were hidden for the last time.
audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("actor", String(100), nullable=False),
    Column("key", String(16)),
    one_of("source", Source),
    Column("kind", String(16), nullable=False),
    Column("object", Integer, nullable=False),
    one_of("action", Action),
    Column("before", JSON(none_as_null=True)),
    Column("after", JSON(none_as_null=True)),
    Column("version", Integer),
    Column("undoes", Integer),
    Column("hidden_at", UtcTime),
    Index(None, "kind", "object"),
    sqlite_autoincrement=True,
)
keep_append_only(audit)
