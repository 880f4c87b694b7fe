"""How does an administrator install the router, and bring it to a new version?"""

import os
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from router.commands.console import fail, in_loop, out, who_asks
from router.commands.doctor import asterisk_here, use_settings
from router.settings import FILE, PREFIX, Settings, load_settings
from router.settings_of_parts import SettingsError

if TYPE_CHECKING:
    from router.installation.initialising import Outcome
    from router.installation.wanted import Wanted

SURE = ("y", "yes")


class Screen:
    """A person at a terminal, or with --yes nobody."""

    def __init__(self, *, unattended: bool) -> None:
        self.unattended = unattended

    def say(self, sentence: str) -> None:
        out.print(f"  {sentence}", markup=False, highlight=False, soft_wrap=True)

    def show(self, text: str) -> None:
        out.print(text.rstrip("\n"), markup=False, highlight=False, soft_wrap=True)

    def agrees(self, question: str) -> bool:
        return self.unattended or input(f"{question} [Y/n] ").strip().lower() in ("", *SURE)

    def asks(self, question: str, usual: str) -> str:
        """What they want here; the usual, where nobody says."""
        return usual if self.unattended else input(f"{question} [{usual}]: ").strip() or usual


def init(
    *,
    settings: Path | None = None,
    database: str | None = None,
    ami_host: str | None = None,
    ami_port: int | None = None,
    asterisk: Path | None = None,
    region: str | None = None,
    time_zone: str | None = None,
    systemd: bool | None = None,
    yes: Annotated[bool, Parameter(negative=())] = False,
    dry_run: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Install beside an Asterisk: settings, secrets, database, the first key, and our files in Asterisk's folder.

    Asks what isn't given, shows every file that it would replace with the difference, and keeps what was there beside
    it. Asterisk's own files are never written: the lines they need are told. Run again, it adds what is missing.
    As an ordinary user it installs into the home folder, and Asterisk's folder needs root.

    Parameters
    ----------
    settings
        The settings file to write; /etc/call-router/settings.toml for root. Secrets lie in secrets/ beside it.
    database
        sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME; a file in /var/lib/call-router, when it isn't given.
    ami_host
        Where the PBX listens; this machine, when it isn't given.
    ami_port
        At which port; 5038, when it isn't given.
    asterisk
        Asterisk's folder; /etc/asterisk when it is there and the PBX is on this machine.
    region
        Whose national numbers, such as DE.
    time_zone
        The company's clock, such as Europe/Berlin.
    systemd
        Put the unit of the service in place as well; it is done where systemd runs and root installs.
    yes
        Ask nothing: take what is given and the usual, and leave what an administrator may have changed on purpose.
    dry_run
        Change nothing, and say what would be done.
    """
    from router.installation.initialising import initialise, make_tables_and_key, put_into_asterisk
    from router.installation.wanted import settings_of

    _without_variables()
    screen = Screen(unattended=yes or dry_run)
    if not screen.unattended and not sys.stdin.isatty():
        fail("nobody can be asked here: say all by options, with --yes (or --dry-run)", code=2)
    given = {
        "database": database,
        "ami_host": ami_host,
        "ami_port": ami_port,
        "region": region,
        "time_zone": time_zone,
    }
    try:
        wanted = _wanted(
            screen, settings, {name: value for name, value in given.items() if value is not None}, asterisk
        )
        wanted = _with_systemd(wanted, systemd)
        outcome = initialise(wanted, screen, _now, dry_run=dry_run)
        there = wanted.settings_file.exists()
        read = _read(wanted.settings_file) if there else settings_of(wanted)
        if there or dry_run:
            in_loop(make_tables_and_key(read, screen, outcome, _now, who_asks(), dry_run=dry_run))
            put_into_asterisk(wanted, read, screen, outcome, _now(), dry_run=dry_run)
    except SettingsError as wrong:
        fail(str(wrong), code=2)
    except OSError as fault:
        fail(_told(fault))
    except (EOFError, KeyboardInterrupt):
        fail("\nInterrupted: what was written is whole, and running this again goes on from there.")
    _tell(outcome, wanted, dry_run=dry_run)


def upgrade(
    *,
    settings: Path | None = None,
    asterisk: Path | None = None,
    yes: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """What is to be done so that this installation is of this version? Each step in its order, with the differences.

    Exits with 1 as long as something is to be done.

    Parameters
    ----------
    settings
        The settings file; ROUTER_SETTINGS, or /etc/call-router/settings.toml, when it isn't given.
    asterisk
        Asterisk's folder, when it isn't /etc/asterisk.
    yes
        Do what is safe: back up and migrate an SQLite that no router uses, and put our files into Asterisk's folder,
        keeping what was there. The rest is told.
    """
    from router.installation.premises import Premises
    from router.installation.upgrading import carry_out, look_at_upgrade, steps

    file = use_settings(settings)
    read = load_settings()
    premises = Premises(settings=read, settings_file=file, asterisk=asterisk or asterisk_here(read))
    screen = Screen(unattended=True)
    try:
        found = in_loop(look_at_upgrade(premises))
        if found.nothing_to_do:
            out.print("All is of this version: nothing is to be done.", style="bold")
            return
        if yes:
            outcome = in_loop(carry_out(found, premises, screen, _now))
            _tell_rest(outcome)
            sys.exit(1 if outcome.left or outcome.failed else 0)
    except OSError as fault:
        fail(_told(fault))
    for put in found.files:
        screen.show(put.difference)
    for number, step in enumerate(steps(found, premises, _now()), start=1):
        out.print(f"{number}. {step}", markup=False, highlight=False, soft_wrap=True)
    sys.exit(1)


def _wanted(screen: Screen, file: Path | None, given: dict[str, str | int], asterisk: Path | None) -> "Wanted":
    """What shall be: by what is there, by options, by answers."""
    from router.installation.premises import ASTERISK
    from router.installation.wanted import Wanted, usual_folders
    from router.installation.whereabouts import region_here, time_zone_here

    folder, state = usual_folders()
    file = file or folder / "settings.toml"
    if file.exists():
        read = _read(file)
        if given:
            fail(f"{file} is there already and stays as it is: change {', '.join(given)} in it", code=2)
        return Wanted(
            settings_file=file,
            database=read.database,
            ami_host=read.ami.host,
            ami_port=read.ami.port,
            region=read.region,
            time_zone=read.time_zone,
            asterisk=asterisk or asterisk_here(read),
        )

    def answer(name: str, question: str, usual: str) -> str:
        return str(given[name]) if name in given else screen.asks(question, usual)

    host = answer("ami_host", "Where does the PBX listen (AMI)?", "127.0.0.1")
    port = answer("ami_port", "At which port?", "5038")
    if not port.isdecimal():
        fail(f"{port!r} is no port: a number from 1 to 65535", code=2)
    here = host in ("127.0.0.1", "localhost", "::1")
    usual = asterisk or (ASTERISK if here and ASTERISK.is_dir() else None)
    return Wanted(
        settings_file=file,
        database=answer("database", "Which database?", f"sqlite:///{state}/router.db"),
        ami_host=host,
        ami_port=int(port),
        region=answer("region", "Whose national numbers (country)?", region_here(os.environ)),
        time_zone=answer("time_zone", "The company's time zone?", time_zone_here()),
        asterisk=usual,
    )


def _with_systemd(wanted: "Wanted", systemd: bool | None) -> "Wanted":
    from router.installation.wanted import SYSTEMD_RUNS, UNIT

    able = UNIT.is_file() and SYSTEMD_RUNS.is_dir() and os.geteuid() == 0
    if systemd and not able:
        fail("--systemd: systemd doesn't run here, or you aren't root, or this version ships no unit", code=2)
    return replace(wanted, systemd=able if systemd is None else systemd)


def _without_variables() -> None:
    said = sorted(name for name in os.environ if name.startswith(PREFIX) and name != FILE)
    if said:
        fail(f"{', '.join(said)}: set in this shell, and would win over what is written: `unset` it first", code=2)


def _read(file: Path) -> Settings:
    """The settings of this file, and from now on those of this process."""
    os.environ[FILE] = str(file)
    return load_settings()


def _tell(outcome: "Outcome", wanted: "Wanted", *, dry_run: bool) -> None:
    _tell_rest(outcome)
    if not (outcome.done or outcome.left or outcome.failed):
        out.print("Everything is there already: nothing was changed.", style="bold")
    elif dry_run:
        out.print("Nothing was changed.", style="bold")
    if outcome.failed:
        sys.exit(1)
    start = "systemctl daemon-reload; systemctl enable --now call-router" if wanted.systemd else "router serve &"
    out.print(
        "Next:\n"
        f"  1. asterisk -rx 'core reload'; export ROUTER_SETTINGS={wanted.settings_file}\n"
        f"  2. {start}\n"
        "  3. router doctor; and when it is content, point a trunk at the context router-in (dialplan/README.md)",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def _told(fault: OSError) -> str:
    if fault.strerror is None:
        return str(fault)
    return f"{fault.filename}: {fault.strerror}: run this as root, or name another folder"


def _tell_rest(outcome: "Outcome") -> None:
    for sentence in outcome.left:
        out.print(f"! {sentence}", style="yellow", markup=False, highlight=False, soft_wrap=True)
    for sentence in outcome.failed:
        out.print(f"✗ {sentence}", style="red", markup=False, highlight=False, soft_wrap=True)


def _now() -> datetime:
    return datetime.now(UTC)
