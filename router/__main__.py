"""Which commands are there?"""

import faulthandler
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn
from zoneinfo import ZoneInfo

from cyclopts import App, Parameter

from router.commands.backup import backup
from router.commands.bulk import export, import_
from router.commands.call import app as call
from router.commands.calling_in import call_in
from router.commands.changes import app as changes
from router.commands.check import check
from router.commands.commitments import app as commitments
from router.commands.console import EARLIEST_YEAR, LATEST_YEAR, out
from router.commands.console import fail as _fail
from router.commands.console import in_loop as _in_loop
from router.commands.console import newest_table as _newest_table
from router.commands.console import with_database as _with_database
from router.commands.doctor import doctor
from router.commands.forget import forget_number
from router.commands.install import init, upgrade
from router.commands.keys import app as keys
from router.commands.leave import cover, leave
from router.commands.presence import app as presence
from router.commands.report import app as report
from router.logs import set_up_logs
from router.settings import load_settings
from router.settings_of_parts import SettingsError
from router.storage.database import NotMigrated, StorageError

if TYPE_CHECKING:
    pass

app = App(name="router", help="Every caller reaches a person who can help.", version_flags=[])
app.command(keys)
app.command(import_, name="import")
app.command(export)
app.command(call)
app.command(call_in, name="test-call")
app.command(presence)
app.command(commitments)
app.command(report)
app.command(forget_number, name="forget")
app.command(leave)
app.command(cover)
app.command(changes)
app.command(check)
app.command(init)
app.command(doctor)
app.command(backup)
app.command(upgrade)


@app.command
def serve(*, only: Literal["calls", "web"] | None = None) -> None:
    """Route calls: hear of them from the PBX, decide by the table, answer on the API. Until SIGTERM or Ctrl-C.

    Parameters
    ----------
    only
        One half of it, the other runs elsewhere on the same database: 'calls' hears the PBX and decides, 'web' answers
        on the API. With PostgreSQL a second process of 'calls' stands by, and takes over when the first one dies.
    """
    from router.ami.guard import GuardSettings
    from router.ami.link import AmiSettings
    from router.service import NoKeyYet, Only, Service
    from router.supervisor import who_waits
    from router.web.server import CannotListen

    # Whoever ends a router that hangs (systemd's watchdog: SIGABRT) learns from its log in which line that was; lines
    # of code, never what variables held.
    faulthandler.enable(all_threads=True)
    supervisor = who_waits(os.environ, os.getpid())
    settings = load_settings()
    set_up_logs(settings.log.format, settings.log.level, mask_numbers=settings.mask_numbers)
    ami = AmiSettings(
        host=settings.ami.host,
        port=settings.ami.port,
        username=settings.ami.username,
        secret=settings.ami.read_secret() if only != "web" else "",  # who never logs in needs none
        ssl=settings.ami.trust() if only != "web" else None,
        pbx=settings.pbx,
    )
    mail = settings.mail.server()
    guard = None
    if guard_secret := settings.guard.read_secret():
        guard = GuardSettings(
            ami=replace(ami, username=settings.guard.username, secret=guard_secret),
            applications=settings.guard.applications,
            trunks=settings.guard.trunks,
        )

    originate = None
    if secret := settings.originate.read_secret():
        originate = replace(ami, username=settings.originate.username, secret=secret)

    async def run() -> None:
        service = Service(
            ami=ami,
            guard=guard,
            originate=originate,
            test_calls_per_hour=settings.test_calls_per_hour,
            database=settings.database,
            region=settings.region,
            time_zone=settings.time_zone,
            http_host=settings.http.host,
            http_port=settings.http.port,
            mask_numbers=settings.mask_numbers,
            keep=timedelta(days=settings.keep_days),
            external_prefixes=settings.external_prefixes,
            terms=settings.commitment.terms(),
            mail=mail,
            private_webhooks=settings.webhook.private,
            limits=settings.http.limits(),
            only=Only(only) if only else None,
            supervisor=supervisor,
        )
        await service.run()

    try:
        _in_loop(run())
    except (NoKeyYet, CannotListen) as fault:
        _fail(str(fault))


@app.command
def migrate() -> None:
    """Bring the database to the tables of this version, or make them. `serve` does it by itself."""
    from router.storage.migrate import upgrade

    upgrade(load_settings().database)
    out.print("The database has the tables of this version.")


@app.command
def explain(
    *,
    caller: str,
    line: str,
    at: datetime | None = None,
    away: tuple[str, ...] = (),
    busy: tuple[str, ...] = (),
    empty_desk: tuple[str, ...] = (),
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Who would answer if this caller dialled this line, and why? Needs the database, no running router.

    Parameters
    ----------
    caller
        The calling number; 'withheld' for one that hides it.
    line
        The number that is dialled.
    at
        When, by the company's clock unless it says otherwise; now, when it isn't given, with who is signed in.
    away
        As if this person were away: a name, a short number or a phone. Can be given several times.
    busy
        As if this phone were in use: an endpoint, or the number of an external one. Can be given several times.
    empty_desk
        As if nobody were at this desk. Can be given several times.
    as_json
        Everything as JSON.
    """
    from router.calls.answering import NOBODY_SAYS, Assumptions, told, who_answers
    from router.calls.answering import as_json as answering_as_json
    from router.calls.presence import Presences
    from router.routing.decide import CallFacts
    from router.routing.explain import as_json as decision_as_json
    from router.routing.explain import sentence, sentences
    from router.routing.numbers import read_number
    from router.routing.people import NobodyMeant, desk_meant, person_meant
    from router.routing.table import Table
    from router.storage.database import Database
    from router.storage.presence import load_presences

    if at is not None and not EARLIEST_YEAR <= at.year <= LATEST_YEAR:
        _fail(f"--at must be in a year from {EARLIEST_YEAR} to {LATEST_YEAR}", code=2)
    settings = load_settings()
    zone = ZoneInfo(settings.time_zone)
    when = datetime.now(UTC) if at is None else (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)

    async def load(db: Database) -> tuple[Table, Presences]:
        return await _newest_table(db, settings), await load_presences(db)

    table, presences = _with_database(settings, load)
    try:
        assumptions = Assumptions(
            away=frozenset(person_meant(one, table).id for one in away),
            busy=frozenset(busy),
            empty_desks=frozenset(desk_meant(one, table).id for one in empty_desk),
        )
    except NobodyMeant as fault:
        _fail(str(fault), code=2)
    if unknown := [phone for phone in busy if table.person_of_endpoint(phone) is None]:
        _fail(f"nobody has the phone {unknown[0]!r}; `router presence list` shows everybody", code=2)
    call = CallFacts(dialled=line, caller=read_number(caller, settings.region))
    answering = who_answers(call, table, presences if at is None else NOBODY_SAYS, assumptions, when, zone)
    decision = answering.decision
    if as_json:
        out.print_json(json.dumps(decision_as_json(decision, zone) | answering_as_json(answering, zone)))
        return
    out.print(sentence(decision, zone), style="bold", highlight=False, soft_wrap=True)
    for reason in sentences(decision, zone):
        out.print(f"  {reason}", highlight=False, soft_wrap=True)
    for step in told(answering, zone):
        out.print(f"  → {step}", highlight=False, soft_wrap=True)


@app.command
def openapi() -> None:
    """Print the API's description (OpenAPI 3.1, JSON). Needs neither a running router nor a database."""
    from router.web.app import description_of_api

    out.out(json.dumps(description_of_api(), indent=2, ensure_ascii=False), highlight=False)


@app.command
def demo(
    *,
    stay: Annotated[bool, Parameter(negative=())] = False,
    folder: Path = Path("var"),
    packages: Path | None = None,
) -> None:
    """Show it all: a private Asterisk, a sample company, real calls, each told in a line. Fails if one went wrong.

    The sample company stays in the default database, so that `explain` and `calls` can be tried on it. When
    ROUTER_AMI_* names a PBX, that one is used, and no calls are placed on it.

    Parameters
    ----------
    stay
        Stay up afterwards, to be called from a softphone, until Ctrl-C.
    folder
        Where everything is made; the sample company is in its router.db.
    packages
        Where what has to be fetched is kept; the same folder, when it isn't given.
    """
    from router.lab.demo import FAILURES, demo_on
    from router.lab.demo import demo as show

    pbx = {name: value for name, value in os.environ.items() if name.startswith(("ROUTER_AMI_", "ROUTER_ORIGINATE_"))}
    try:
        if any(name.startswith("ROUTER_AMI_") for name in pbx):
            load_settings().ami.read_secret()  # before anything is made: is that all it needs?
            right = demo_on(pbx, folder, stay=stay, console=out)
        else:
            right = show(folder, packages=packages or folder, stay=stay, console=out)
    except FAILURES as fault:
        _fail(str(fault))
    sys.exit(0 if right else 1)


@app.command
def calls(*, limit: int = 20, open_: Annotated[bool, Parameter(name="--open", negative=())] = False) -> None:
    """The latest calls on record: who called, who was to answer and why, and what became of it.

    Parameters
    ----------
    limit
        How many of them.
    open_
        Only those that live, with their ids.
    """
    from router.storage.records import recent_calls

    settings = load_settings()
    zone = ZoneInfo(settings.time_zone)
    page = _with_database(settings, lambda db: recent_calls(db, limit, still_open=open_))
    for record in page.records:
        waited = record.taken_at - record.arrived_at if record.taken_at else None
        taken = f"{record.taken_phone} after {waited.total_seconds():.1f} s" if waited else ""
        if record.owner_phone != record.taken_phone:
            taken += f", then {record.owner_phone}"
        promised = {None: "", "asked": "asked for a call", "closed": "closed hours", "nobody": "nobody was there"}
        facts = (
            record.arrived_at.astimezone(zone).strftime("%d %b %H:%M:%S"),
            f"{record.caller or record.presented.value:>16} → {record.dialled or 'malformed':<16}",
            f"{record.ended.value if record.ended else 'open':<8}",
            f"{record.path.value if record.path else '':<8}",
            taken or promised[record.promise],
        )
        out.print("  ".join(facts).rstrip(), highlight=False, soft_wrap=True)
        told = [record.call_id] if open_ else []
        told += [record.decision["sentence"]] if record.decision else []
        for one in record.passings:
            at = one.at.astimezone(zone).strftime("%H:%M:%S")
            told.append(f"{at} {one.sentence or f'handed over by {one.phone} to {one.to or one.phone}'}")
        for sentence in told:
            out.print(f"                 {sentence}", style="dim", highlight=False, soft_wrap=True)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command that was asked for. Exits with 0 when it did it, 1 when it couldn't, 2 when asked wrongly."""
    from router.ami.connection import LinkFailed
    from router.routing.table_errors import TableError

    try:
        app(arguments)
    except SettingsError as fault:
        _fail(str(fault), code=2)
    except NotMigrated:
        _fail("The database has not the tables of this version yet: 'router migrate' makes them, and so does 'serve'.")
    except (StorageError, TableError, LinkFailed) as fault:
        _fail(str(fault))
    sys.exit(0)


if __name__ == "__main__":
    main()
