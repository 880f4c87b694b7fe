"""What can be wrong with an installation: how is it planted, which look names it, and in which words?"""

import socket
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import SecretStr

from router.installation.finding import Verdict
from router.installation.premises import Premises
from router.lab.asterisk import PrivateAsterisk
from router.lab.stand import Stand
from router.settings import Settings
from router.settings_of_parts import Guard, Mail, Originate
from router.storage.migrate import downgrade, upgrade

WRONG = SecretStr("another-secret-than-the-right-one")


@dataclass
class Installation:
    """The sample company's: its PBX, its files, its router, and the settings that the doctor is given."""

    pbx: PrivateAsterisk
    stand: Stand
    folder: Path
    premises: Premises

    @property
    def secret_file(self) -> Path:
        return self.folder / "ami_secret"

    @property
    def database(self) -> Path:
        return Path(self.stand.database.removeprefix("sqlite:///"))


@contextmanager
def edited(pbx: PrivateAsterisk, name: str, before: str, after: str) -> Iterator[None]:
    file = pbx.etc / name
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after))
    pbx.reload()
    try:
        yield
    finally:
        file.write_text(text)
        pbx.reload()


Planted = AbstractContextManager[Premises]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong. `plant` breaks it, and gives the premises that the doctor then looks at."""

    name: str
    plant: Callable[[Installation], Planted]
    check: str
    words: str  # a regular expression: what is wrong, and what is to be done
    verdict: Verdict = Verdict.FAULT


def in_file(name: str, before: str, after: str) -> Callable[[Installation], Planted]:
    """In a file of Asterisk's folder."""

    @contextmanager
    def plant(installation: Installation) -> Iterator[Premises]:
        with edited(installation.pbx, name, before, after):
            yield installation.premises

    return plant


def in_settings(change: Callable[[Installation, Settings], dict[str, object]]) -> Callable[[Installation], Planted]:
    @contextmanager
    def plant(installation: Installation) -> Iterator[Premises]:
        settings = installation.premises.settings
        changed = settings.model_copy(update=change(installation, settings))
        yield replace(installation.premises, settings=changed)

    return plant


def in_database(*statements: str) -> Callable[[Installation], Planted]:
    """In a copy of the database."""

    @contextmanager
    def plant(installation: Installation) -> Iterator[Premises]:
        copy = installation.folder / "copy.db"
        with sqlite3.connect(installation.database) as whole, sqlite3.connect(copy) as into:
            whole.backup(into)
            for statement in statements:
                into.execute(statement)
        into.close()
        whole.close()
        settings = installation.premises.settings.model_copy(update={"database": f"sqlite:///{copy}"})
        yield replace(installation.premises, settings=settings)
        copy.unlink()

    return plant


@contextmanager
def older_tables(installation: Installation) -> Iterator[Premises]:
    url = f"sqlite:///{installation.folder}/older.db"
    upgrade(url)
    downgrade(url, "-1")
    settings = installation.premises.settings.model_copy(update={"database": url})
    yield replace(installation.premises, settings=settings)


@contextmanager
def open_to_all(file: Callable[[Installation], Path], installation: Installation) -> Iterator[Premises]:
    before = stat.S_IMODE(file(installation).stat().st_mode)
    file(installation).chmod(0o644)
    yield installation.premises
    file(installation).chmod(before)


@contextmanager
def without_router(installation: Installation) -> Iterator[Premises]:
    installation.stand.router.stop()
    yield installation.premises
    installation.stand.router.start()


@contextmanager
def stormy(installation: Installation) -> Iterator[Premises]:
    with (
        edited(installation.pbx, ROUTER_USER, "disabledevents = ", ";disabledevents = "),
        edited(installation.pbx, "pjsip.conf", "taskprocessor_overload_trigger", ";taskprocessor_overload_trigger"),
    ):
        yield installation.premises


def nobody_there() -> int:
    """A port at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def late(installation: Installation) -> AbstractContextManager[Premises]:
    """This machine's clock is a minute and a half behind the PBX's."""
    return nullcontext(replace(installation.premises, now=lambda: datetime.now(UTC) - timedelta(seconds=90)))


ROUTER_USER = "manager.d/router.conf"
WRITE = "write = call,agent,reporting,user"

FAULTS = (
    Fault(
        name="the secret is not the PBX's",
        plant=in_settings(lambda _, s: {"ami": s.ami.model_copy(update={"secret_file": None, "secret": WRONG})}),
        check="AMI",
        words=r"refused the login of router .*is the secret in router_secret\.conf the router's",
    ),
    Fault(
        name="and the file beside it says so too",
        plant=in_settings(lambda _, s: {"ami": s.ami.model_copy(update={"secret_file": None, "secret": WRONG})}),
        check="Asterisk's secret",
        words=r"is not the router's: put the same into both",
    ),
    Fault(
        name="the AMI user may do too little",
        plant=in_file(ROUTER_USER, WRITE, "write = call,reporting,user"),
        check="AMI user",
        words=r"lacks the class agent: let its line .* be `write = call,agent,reporting,user`",
    ),
    Fault(
        name="the AMI user may do too much",
        plant=in_file(ROUTER_USER, WRITE, f"{WRITE},originate"),
        check="AMI user",
        words=r"has the class originate, which the router never uses: .* is enough",
        verdict=Verdict.WARNING,
    ),
    Fault(
        name="the AMI user hears more than it should",
        plant=in_file(ROUTER_USER, "read = user", "read = user,call"),
        check="AMI user",
        words=r"may read call, .* raw text of callers: let its line .* be `read = user`",
        verdict=Verdict.WARNING,
    ),
    Fault(
        name="a filter keeps the events from us",
        plant=in_file(ROUTER_USER, "read = user", "read = user\neventfilter = !Event: UserEvent"),
        check="events",
        words=r"an event .* was not heard .* no `eventfilter`",
    ),
    Fault(
        name="nothing keeps storms of events from SIP",
        plant=stormy,
        check="events",
        words=r"in a storm of calls SIP would refuse some .*: set `disabledevents`",
        verdict=Verdict.WARNING,
    ),
    Fault(
        name="the dialplan is not included",
        plant=in_file("extensions.conf", "#include extensions_router.conf", ""),
        check="dialplan",
        words=r"lacks \[router-in\], .*`#include extensions_router\.conf` at its end",
    ),
    Fault(
        name="the line that is missing is named with its file",
        plant=in_file("queues.conf", "#include queues_router.conf", ""),
        check="Asterisk's files",
        words=r"queues\.conf doesn't have the line `#include queues_router\.conf`: add it at its end",
    ),
    Fault(
        name="the dialplan is of an older version",
        plant=in_file("extensions_router.conf", '"c#{UNIQUEID}"],1.4,0.05))', '"c#{UNIQUEID}"],1.9,0.05))'),
        check="dialplan",
        words=r"^\[router-arrive\] of the dialplan is not as this version ships it: put its extensions_router\.conf",
    ),
    Fault(
        name="queues are missing",
        plant=in_file("queues_router.conf", "[router-leastrecent-01](router-leastrecent)", ""),
        check="queues",
        words=r"desk Service has no queue router-leastrecent-01 .*: take the whole queues_router\.conf",
    ),
    Fault(
        name="the PBX is not to be reached",
        plant=in_settings(lambda _, s: {"ami": s.ami.model_copy(update={"port": nobody_there()})}),
        check="AMI",
        words=r"is Asterisk running, .*and does no firewall stand between",
    ),
    Fault(
        name="the clocks disagree",
        plant=late,
        check="PBX's clock",
        words=r"is 90\.\d s ahead of this machine's \(at most 2 s are fine\): let both follow NTP",
    ),
    Fault(
        name="the database has older tables",
        plant=older_tables,
        check="tables",
        words=r"has the tables of an older version .*: `router upgrade` says how",
    ),
    Fault(
        name="the database belongs to a newer version",
        plant=in_database("UPDATE alembic_version SET version_num = '9999'"),
        check="tables",
        words=r"belongs to a newer version than this one .*: install that version again, or restore the backup",
    ),
    Fault(
        name="the database is away",
        plant=in_settings(lambda _, s: {"database": f"postgresql://router@127.0.0.1:{nobody_there()}/router"}),
        check="database",
        words=r"doesn't answer .*: start it, or correct ROUTER_DATABASE",
    ),
    Fault(
        name="there is no database yet",
        plant=in_settings(lambda i, s: {"database": f"sqlite:///{i.folder}/nothing.db"}),
        check="database",
        words=r"there is no database .*nothing\.db yet: `router migrate` makes it",
    ),
    Fault(
        name="no desk is the safety net",
        plant=in_database("UPDATE desks SET safety_net = 0"),
        check="table",
        words=r"no call can be decided: .*safety net",
    ),
    Fault(
        name="a desk is known to nobody",
        plant=in_database("DELETE FROM desk_members WHERE desk = 1"),
        check="problems",
        words=r"Coordinators",
    ),
    Fault(
        name="a phone of the table is unknown to the PBX",
        plant=in_database("UPDATE phones SET endpoint = 'lena-new' WHERE endpoint = 'lena'"),
        check="phones",
        words=r"Lena's phone lena-new is no PJSIP endpoint of this PBX, .*: add \[lena-new\] to pjsip\.conf",
    ),
    Fault(
        name="nobody has a key",
        plant=in_database("DELETE FROM api_keys"),
        check="keys",
        words=r"nobody has an API key: `router key new NAME --role admin` makes one",
    ),
    Fault(
        name="everybody may read the secret",
        plant=lambda i: open_to_all(lambda i: i.secret_file, i),
        check="secrets",
        words=r"everybody on this machine may read or change .*ami_secret \(mode 0644\): `chmod o= ",
    ),
    Fault(
        name="everybody may read Asterisk's copy of it",
        plant=lambda i: open_to_all(lambda i: i.pbx.etc / "router_secret.conf", i),
        check="Asterisk's secret",
        words=r"everybody on this machine may read or change .*router_secret\.conf: `chmod o= ",
    ),
    Fault(
        name="another program has the port",  # Asterisk's own manager, which speaks no HTTP
        plant=in_settings(lambda i, s: {"http": s.http.model_copy(update={"port": i.pbx.ami_port})}),
        check="API",
        words=r"another program answers at .*: stop that one, or set ROUTER_HTTP_PORT to a free port",
    ),
    Fault(
        name="the mail server is away",
        plant=in_settings(
            lambda _, s: {"mail": Mail(host="127.0.0.1", port=nobody_there(), sender="router@example.test")}
        ),
        check="mail",
        words=r"correct ROUTER_MAIL_\* or the server; until then mail waits",
    ),
    Fault(
        name="the guard's secret is not the PBX's",
        plant=in_settings(lambda _, s: {"guard": Guard(secret=WRONG)}),
        check="voicemail guard",
        words=r"mailboxes are not guarded: .*is the secret in router_guard_secret\.conf the router's",
        verdict=Verdict.WARNING,
    ),
    Fault(
        name="nobody can be called back",
        plant=in_settings(lambda _, s: {"originate": Originate(secret=WRONG)}),
        check="AMI user",
        words=r"nobody can be called back as the AMI user router-originate: .*router_originate_secret\.conf",
        verdict=Verdict.WARNING,
    ),
    Fault(
        name="no router runs",
        plant=without_router,
        check="heartbeat",
        words=r"the PBX has heard no router .*, so calls ring the coordinators: start one",
        verdict=Verdict.WARNING,
    ),
)
