"""Does the database answer, has it this version's tables, and who is known in it?"""

import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import assert_never

from router.calls.presence import Presences
from router.installation.finding import Finding, fault, good, warning
from router.installation.premises import Premises
from router.routing.table import Table
from router.routing.table_errors import TableError
from router.storage.condition import Condition, Tables, look_at
from router.storage.database import Database, NotMigrated, StorageError, normalised, without_password
from router.storage.keys import list_keys
from router.storage.presence import load_presences
from router.storage.tables import load_configuration

DATABASE, TABLES, CLOCK, KEYS, TABLE, SPEAKER = "database", "tables", "clock", "keys", "table", "speaker"

SKEW = 2.0  # seconds; the clocks of machines with NTP differ by milliseconds, and calls are told by the second


class Known:
    """What of the database the other checks need, as soon as it is read."""

    def __init__(self) -> None:
        self.table: Table | None = None
        self.presences: Presences = {}


async def look_at_database(premises: Premises, known: Known) -> AsyncIterator[Finding]:
    """Whether it is there, its version, its clock, the keys and the table; what is read goes into `known`."""
    address = normalised(premises.settings.database)
    if address.get_backend_name() == "sqlite" and (missing := _no_file(Path(str(address.database)))):
        yield missing
        return
    async with _opened(premises) as db:
        try:
            condition = await look_at(db, premises.settings.pbx, premises.now)
        except StorageError as away:
            yield fault(
                DATABASE,
                f"{_name(premises)} doesn't answer ({away}): start it, or correct ROUTER_DATABASE; meanwhile calls"
                " go on from the last table, and records wait in memory",
            )
            return
        for finding in _condition(condition, premises):
            yield finding
        if condition.tables in (Tables.NONE, Tables.NEWER):
            return
        try:
            yield await _keys(db, premises.now())
            yield await _table(db, premises, known)
        except NotMigrated:
            return  # told already, by the revision
        except StorageError as away:
            yield fault(DATABASE, f"{_name(premises)} stopped answering ({away}): look whether it is overloaded")


def _no_file(file: Path) -> Finding | None:
    if file.is_file():
        return None
    if not file.parent.is_dir() or os.access(file.parent, os.W_OK):
        return fault(DATABASE, f"there is no database {file} yet: `router migrate` makes it")
    return fault(DATABASE, f"there is no database {file}, and this user can't make one there: `chown` {file.parent}")


@asynccontextmanager
async def _opened(premises: Premises) -> AsyncIterator[Database]:
    db = Database(premises.settings.database)
    try:
        yield db
    finally:
        await db.close()


def _condition(condition: Condition, premises: Premises) -> list[Finding]:
    name = _name(premises)
    found = [
        good(DATABASE, f"{name} answers and takes writes")
        if condition.writable
        else fault(
            DATABASE,
            f"{name} takes no writes, so records of calls are lost in the end: name the leading server, or free the"
            " file (its owner, its mode, another program that has locked it)",
        )
    ]
    match condition.tables:
        case Tables.OURS:
            found.append(good(TABLES, f"those of this version ({condition.revision})"))
        case Tables.NONE:
            found.append(fault(TABLES, f"{name} has no tables of the router: `router migrate` makes them"))
        case Tables.OLDER:
            found.append(
                fault(
                    TABLES,
                    f"{name} has the tables of an older version ({condition.revision}, this one needs"
                    f" {condition.newest}): `router upgrade` says how",
                )
            )
        case Tables.NEWER:
            found.append(
                fault(
                    TABLES,
                    f"{name} belongs to a newer version than this one (it has {condition.revision}, this one knows"
                    f" {condition.newest}): install that version again, or restore the backup made before it",
                )
            )
        case _:
            assert_never(condition.tables)
    if condition.ahead is not None:
        found.append(clocks(CLOCK, "the database's clock", condition.ahead, condition.unsure))
    if (speakers := condition.speakers) is not None and speakers.one_speaks:
        found.append(good(SPEAKER, f"one process leads by the database's lock, {speakers.standing_by} stand by"))
    return found


def clocks(check: str, whose: str, ahead: float, unsure: float) -> Finding:
    """What it means that a clock is so many seconds ahead of ours, give or take `unsure`."""
    if abs(ahead) - unsure <= SKEW:
        return good(check, f"{whose} and this machine's agree within {max(abs(ahead), 0.01):.2f} s")
    return fault(
        check,
        f"{whose} is {abs(ahead):.1f} s {'ahead of' if ahead > 0 else 'behind'} this machine's (at most {SKEW:g} s are"
        " fine): let both follow NTP, or opening hours, due times and records are wrong by as much",
    )


async def _keys(db: Database, now: datetime) -> Finding:
    usable = [key for key in await list_keys(db) if key.revoked_at is None and not (key.expires_at or now) < now]
    roles = Counter(key.role.value for key in usable)
    if not usable:
        return fault(KEYS, "nobody has an API key: `router key new NAME --role admin` makes one")
    told = ", ".join(f"{count} {role}" for role, count in sorted(roles.items()))
    if not roles["admin"]:
        return warning(KEYS, f"{told}, but no admin: `router key new NAME --role admin` makes one")
    return good(KEYS, f"{told}; any of them reads /metrics")


async def _table(db: Database, premises: Premises, known: Known) -> Finding:
    settings = premises.settings
    try:
        configuration, version = await load_configuration(
            db, settings.region, settings.time_zone, settings.external_prefixes
        )
        table = Table.build(configuration, version)
        presences = await load_presences(db)
    except TableError as why:
        return fault(TABLE, f"no call can be decided: {why}")
    known.table, known.presences = table, presences
    return good(
        TABLE,
        f"version {version}: {len(table.lines)} lines, {len(table.people)} people, {len(table.accounts)} accounts; the"
        f" safety net is the desk {table.safety_net.name}",
    )


def _name(premises: Premises) -> str:
    """The database without its password."""
    return without_password(premises.settings.database)
