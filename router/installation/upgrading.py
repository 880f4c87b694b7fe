"""What is to be done, here and in which order, so that this installation is of the version that this program is?"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from router.ami.shipped import EXTENSIONS, QUEUES
from router.installation.checks.outside import EVERYWHERE, healthz
from router.installation.dropins import GUARD_SECRET, ORIGINATE_SECRET, SECRET, missing_includes, names_of
from router.installation.initialising import Outcome, put_all
from router.installation.placing import Put, stamp
from router.installation.premises import Premises
from router.installation.talk import Talk
from router.installation.wanted import asterisks_files, secrets_of_users
from router.storage.backup import back_up
from router.storage.condition import Condition, Tables, look_at
from router.storage.database import Database, StorageError, normalised, without_password
from router.storage.migrate import upgraded

RELOADS = {
    EXTENSIONS: "dialplan reload",
    QUEUES: "module reload app_queue",
    "manager.d": "manager reload",
    SECRET: "manager reload",
    GUARD_SECRET: "manager reload",
    ORIGINATE_SECRET: "manager reload",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgrade:
    """What differs from this version: tables, and files in Asterisk's folder, with lines that are missing there."""

    tables: Tables
    revision: str
    newest: str
    files: tuple[Put, ...]
    includes: tuple[str, ...]
    somebody_speaks: bool

    @property
    def nothing_to_do(self) -> bool:
        return self.tables is Tables.OURS and not self.files and not self.includes


async def look_at_upgrade(premises: Premises) -> Upgrade:
    """Look, and change nothing. Raises StorageError, SettingsError, and OSError for a folder that can't be read."""
    settings = premises.settings
    file = _file(premises)
    if file is not None and not file.is_file():
        raise StorageError(f"there is no database {file}: `router init` makes it")
    condition = await _condition(premises)
    files: tuple[Put, ...] = ()
    includes: tuple[str, ...] = ()
    if premises.asterisk is not None:
        secrets_of = secrets_of_users(settings)
        files = tuple(asterisks_files(premises.asterisk, premises.shipped, secrets_of))
        includes = tuple(
            f"add this line at the end of {premises.asterisk / lack.file}: {lack.line}"
            for lack in missing_includes(premises.asterisk, names_of(secrets_of))
        )
    return Upgrade(
        tables=condition.tables,
        revision=condition.revision or "none",
        newest=condition.newest,
        files=files,
        includes=includes,
        somebody_speaks=await _somebody_speaks(premises, condition),
    )


def steps(upgrade: Upgrade, premises: Premises, now: datetime) -> list[str]:
    """What an administrator does, in this order."""
    if upgrade.tables is Tables.NEWER:
        return [
            f"The database has tables of a newer version ({upgrade.revision}; this program knows {upgrade.newest})."
            " Install that version again, or restore the backup that was made before it."
        ]
    told: list[str] = []
    if upgrade.tables is not Tables.OURS:
        told += [
            "Stop every router of this database (`systemctl stop call-router`): calls ring the coordinators meanwhile.",
            f"Back up the database: {_backup_command(premises, upgrade, now)}",
            f"Bring its tables from {upgrade.revision} to {upgrade.newest}: router migrate",
        ]
    told += [
        f"{'Write' if put.there is None else 'Replace'} {put.file}"
        + (" (see the difference above; it may be changed on purpose)" if put.theirs and put.difference else "")
        for put in upgrade.files
    ]
    told += [f"{include[0].upper()}{include[1:]}" for include in upgrade.includes]
    if reloads := _reloads(put.file for put in upgrade.files):
        told.append(f"Let Asterisk read them: {'; '.join(reloads)}. Calls that are under way go on.")
    if upgrade.tables is not Tables.OURS:
        told.append("Start the router (`systemctl start call-router`).")
    told.append("See whether all is well: router doctor")
    return told


async def carry_out(upgrade: Upgrade, premises: Premises, talk: Talk, now: Callable[[], datetime]) -> Outcome:
    """Do of it what is safe without a person: back up and migrate SQLite that nobody uses, and put files in place."""
    outcome = Outcome()
    if upgrade.tables is Tables.NEWER:
        outcome.failed += steps(upgrade, premises, now())
        return outcome
    if upgrade.tables is not Tables.OURS:
        await _migrate(upgrade, premises, talk, outcome, now())
    put_all(upgrade.files, talk, outcome, now(), dry_run=False)
    outcome.left += upgrade.includes
    if reloads := _reloads(outcome.placed):
        outcome.left.append(f"let Asterisk read the files: {'; '.join(reloads)}")
    return outcome


async def _migrate(upgrade: Upgrade, premises: Premises, talk: Talk, outcome: Outcome, now: datetime) -> None:
    file = _file(premises)
    if upgrade.somebody_speaks:
        outcome.failed.append(
            "a router uses this database now: stop it (`systemctl stop call-router`), then run this again"
        )
    elif file is None:
        outcome.left.append(f"back up the database: {_backup_command(premises, upgrade, now)}")
        outcome.left.append("then bring it to this version: router migrate")
    else:
        backup = _backup_of(file, upgrade, now)
        try:
            await asyncio.to_thread(back_up, premises.settings.database, backup)
            await upgraded(premises.settings.database)
        except (OSError, StorageError) as fault:
            outcome.failed.append(f"the database is as it was ({fault}): correct that, then run this again")
        else:
            outcome.done += [f"{file} backed up as {backup}", f"its tables are those of {upgrade.newest} now"]
            for sentence in outcome.done:
                talk.say(sentence)


def _backup_command(premises: Premises, upgrade: Upgrade, now: datetime) -> str:
    file = _file(premises)
    if file is not None:
        return f"router backup {_backup_of(file, upgrade, now)} (with --yes it is done for you)"
    where = without_password(premises.settings.database)
    return f"pg_dump --format=custom --file=router-{upgrade.revision}-{stamp(now)}.dump '{where}'"


def _backup_of(file: Path, upgrade: Upgrade, now: datetime) -> Path:
    return file.with_name(f"{file.name}.{upgrade.revision}-{stamp(now)}")


def _reloads(files: Iterable[Path]) -> list[str]:
    """What makes Asterisk read these files."""
    changed = {file.parent.name if file.parent.name in RELOADS else file.name for file in files}
    commands = dict.fromkeys(command for what, command in RELOADS.items() if what in changed)
    return [f"asterisk -rx '{command}'" for command in commands]


def _file(premises: Premises) -> Path | None:
    address = normalised(premises.settings.database)
    return Path(str(address.database)) if address.get_backend_name() == "sqlite" else None


async def _condition(premises: Premises) -> Condition:
    db = Database(premises.settings.database)
    try:
        return await look_at(db, premises.settings.pbx, premises.now)
    finally:
        await db.close()


async def _somebody_speaks(premises: Premises, condition: Condition) -> bool:
    if condition.speakers is not None and condition.speakers.one_speaks:
        return True
    http = premises.settings.http
    try:
        return await asyncio.to_thread(healthz, EVERYWHERE.get(http.host, http.host), http.port) == {"alive": True}
    except OSError:
        return False
