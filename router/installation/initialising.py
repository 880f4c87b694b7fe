"""How does a router come onto this machine, beside an Asterisk that is there?

Secrets come first, then the settings that name them, then the database, and Asterisk's files last: at whatever moment
it is interrupted, what is there is whole, and the next run goes on. What is there already is kept.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from router.installation.dropins import SECRET, is_freepbx, missing_includes, names_of
from router.installation.placing import Put, make_folder, place
from router.installation.talk import Talk
from router.installation.wanted import Wanted, asterisks_files, own_files, secrets_of_users, settings_of
from router.settings import Settings
from router.storage.access_schema import Role, Source
from router.storage.condition import Tables, look_at
from router.storage.database import Database, StorageError, normalised, without_password
from router.storage.keys import KeyBy, any_key, new_key
from router.storage.migrate import upgraded


@dataclass(slots=True)
class Outcome:
    """What was done, or would be, what is left for a person to do, and what could not be done."""

    done: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    placed: list[Path] = field(default_factory=list)


def put_all(puts: Iterable[Put], talk: Talk, outcome: Outcome, now: datetime, *, dry_run: bool) -> None:
    """Offer each file with its difference, and put in place what is agreed to."""
    for put in puts:
        verb = "write" if put.there is None else "replace"
        if put.difference:
            talk.show(put.difference)
        if dry_run:
            outcome.done.append(f"would {verb} {put.file}")
            talk.say(outcome.done[-1])
            continue
        if put.theirs and put.there is not None and talk.unattended:
            outcome.left.append(
                f"{put.file} differs from what this version ships, perhaps on purpose: it was left as it is; take over"
                " what is needed, or run this again without --yes"
            )
            continue
        question = f"{verb.capitalize()} {put.file}?"
        if put.there is not None:
            question = f"{question} What stands there is kept beside it."
        if not talk.agrees(question):
            outcome.left.append(f"{put.file} was not written: do it yourself, or run this again")
            continue
        try:
            backup = place(put, now)
        except OSError as fault:
            outcome.failed.append(f"{put.file} can't be written ({fault.strerror}): run this as root, or correct it")
            continue
        outcome.placed.append(put.file)
        kept = f"; what was there is {backup.name} now" if backup else ""
        outcome.done.append(f"{put.file} {'replaced' if backup else 'written'}{kept}")
        talk.say(outcome.done[-1])


def initialise(wanted: Wanted, talk: Talk, now: Callable[[], datetime], *, dry_run: bool) -> Outcome:
    """The router's own files. Raises SettingsError for answers that can't be, OSError for what can't be read."""
    if not wanted.settings_file.exists():
        settings_of(wanted)
    outcome = Outcome()
    put_all(own_files(wanted), talk, outcome, now(), dry_run=dry_run)
    return outcome


async def make_tables_and_key(
    settings: Settings, talk: Talk, outcome: Outcome, now: Callable[[], datetime], who: str, *, dry_run: bool
) -> None:
    """The database's tables, and the first admin's key where nobody has one. Raises nothing."""
    address = normalised(settings.database)
    file = Path(str(address.database)) if address.get_backend_name() == "sqlite" else None
    name = without_password(settings.database)
    if dry_run and file is not None and not file.exists():
        outcome.done += [f"would make the tables in {name}", "would make the first admin's key"]
        for sentence in outcome.done[-2:]:
            talk.say(sentence)
        return
    try:
        if file is not None and not file.exists():
            tables = Tables.NONE
        else:
            tables = await _tables(settings, now)
        if tables is Tables.NEWER:
            outcome.failed.append(f"{name} belongs to a newer version of the router: install that one")
            return
        if tables is Tables.OLDER:
            outcome.left.append(f"{name} has the tables of an older version: `router upgrade` says how it goes on")
            return
        if tables is Tables.NONE:
            if dry_run:
                outcome.done += [f"would make the tables in {name}", "would make the first admin's key"]
                return
            if not talk.agrees(f"Make the router's tables in {name}?"):
                outcome.left.append("the database has no tables yet: `router migrate` makes them")
                return
            if file is not None:
                make_folder(file.parent, 0o700)  # numbers of callers lie there
            await upgraded(settings.database)
            outcome.done.append(f"tables made in {name}")
            talk.say(outcome.done[-1])
        await _first_key(settings, talk, outcome, now(), who, dry_run=dry_run)
    except (StorageError, OSError) as fault:
        outcome.failed.append(f"{name}: {fault}; start it, or correct `database` in the settings, and run this again")


def put_into_asterisk(
    wanted: Wanted, settings: Settings, talk: Talk, outcome: Outcome, now: datetime, *, dry_run: bool
) -> None:
    """Our files into Asterisk's folder, and which lines its own files need. Raises OSError, SettingsError."""
    asterisk = wanted.asterisk
    if asterisk is None:
        outcome.left.append(
            "on the PBX's own machine: put the files of dialplan/ into its folder (dialplan/README.md), with the secret"
            f" of {wanted.secret_file('ami_secret')} in router_secret.conf"
        )
        return
    drawn = dry_run and not wanted.settings_file.exists()
    secrets_of = {SECRET: "drawn later"} if drawn else secrets_of_users(settings)
    puts = list(asterisks_files(asterisk, wanted.shipped, secrets_of))
    put_all(puts, talk, outcome, now, dry_run=dry_run)
    for lack in missing_includes(asterisk, names_of(secrets_of)):
        outcome.left.append(f"add this line at the end of {asterisk / lack.file}: {lack.line}")
    if is_freepbx(asterisk) and puts:
        outcome.left.append(
            "FreePBX: set `taskprocessor_overload_trigger = pjsip_only` under [global] in pjsip_custom.conf"
            " (dialplan/README.md says why), and lead the inbound routes to router-in"
        )


async def _tables(settings: Settings, now: Callable[[], datetime]) -> Tables:
    db = Database(settings.database)
    try:
        return (await look_at(db, settings.pbx, now)).tables
    finally:
        await db.close()


async def _first_key(
    settings: Settings, talk: Talk, outcome: Outcome, now: datetime, who: str, *, dry_run: bool
) -> None:
    db = Database(settings.database)
    try:
        if await any_key(db, now):
            return
        if dry_run:
            outcome.done.append("would make the first admin's key")
            return
        by = KeyBy(at=now, actor=who, key=None, source=Source.COMMAND)
        key = await new_key(db, "first admin", Role.ADMIN, by=by)
        # at once: nobody can ask for it again, whatever happens next
        talk.show(f"{key}\nThis is the first admin's key. It can't be shown again.\n")
        outcome.done.append("the first admin's key made")
    finally:
        await db.close()
