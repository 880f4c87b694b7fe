"""Is an administrator told in order what a new version needs here, and is only what is safe done without them?"""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from router.ami.shipped import FOLDER
from router.installation.premises import Premises
from router.installation.upgrading import Upgrade, carry_out, look_at_upgrade, steps
from router.settings import Settings
from router.settings_of_parts import Ami, Http
from router.storage.condition import Tables
from router.storage.migrate import downgrade
from tests.installation.person import Person
from tests.sample_database import furnish

MONDAY = datetime(2026, 3, 2, 8, tzinfo=UTC)
SECRET = "drawn-for-this-test-alone"


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return furnish(tmp_path_factory.mktemp("upgrading") / "furnished.db")


@pytest.fixture
def premises(tmp_path: Path, furnished: Path) -> Premises:
    """An installation of this very version."""
    shutil.copy(furnished, tmp_path / "router.db")
    asterisk = tmp_path / "asterisk"
    shutil.copytree(FOLDER, asterisk)
    for name, line in (
        ("extensions.conf", "extensions_router.conf"),
        ("queues.conf", "queues_router.conf"),
        ("manager.conf", "manager.d/*.conf"),
    ):
        (asterisk / name).write_text(f"#include {line}\n")
    (asterisk / "router_secret.conf").write_text(f"secret = {SECRET}\n")
    (tmp_path / "ami_secret").write_text(SECRET)
    settings = Settings(
        database=f"sqlite:///{tmp_path}/router.db",
        ami=Ami(secret_file=tmp_path / "ami_secret"),
        http=Http(port=1),  # where nobody listens
    )
    return Premises(settings=settings, asterisk=asterisk, now=lambda: MONDAY)


def older(premises: Premises) -> None:
    """As the version before left it: a table short, and with another dialplan."""
    downgrade(premises.settings.database, "-1")
    assert premises.asterisk is not None
    dialplan = premises.asterisk / "extensions_router.conf"
    dialplan.write_text(dialplan.read_text().replace("],1.4,", "],1.9,"))


def look(premises: Premises) -> Upgrade:
    return asyncio.run(look_at_upgrade(premises))


def test_where_all_is_of_this_version_nothing_is_to_be_done(premises: Premises) -> None:
    assert look(premises).nothing_to_do


def test_the_steps_come_in_their_order(premises: Premises) -> None:
    older(premises)

    told = steps(look(premises), premises, MONDAY)

    beginnings = ("Stop every router", "Back up", "Bring its tables", "Replace", "Let Asterisk read", "Start", "See")
    assert [step.startswith(begins) for step, begins in zip(told, beginnings, strict=True)] == [True] * 7
    assert "router backup " in told[1]
    assert "asterisk -rx 'dialplan reload'" in told[4]
    assert "queue" not in told[4]


def test_what_is_safe_is_done_and_the_database_as_it_was_is_kept(premises: Premises, tmp_path: Path) -> None:
    older(premises)
    before = look(premises)

    outcome = asyncio.run(carry_out(before, premises, Person(unattended=True), lambda: MONDAY))

    assert outcome.failed == []
    assert outcome.left == ["let Asterisk read the files: asterisk -rx 'dialplan reload'"]
    assert look(premises).nothing_to_do
    (backup,) = tmp_path.glob(f"router.db.{before.revision}-20260302T080000Z")
    with closing(sqlite3.connect(backup)) as kept:
        assert kept.execute("SELECT version_num FROM alembic_version").fetchall() == [(before.revision,)]
        assert kept.execute("SELECT count(*) FROM people").fetchone() == (13,)
    assert backup.stat().st_mode & 0o777 == 0o600


def test_a_database_that_a_router_uses_is_left_alone(premises: Premises) -> None:
    older(premises)
    found = look(premises)
    in_use = Upgrade(
        tables=found.tables,
        revision=found.revision,
        newest=found.newest,
        files=(),
        includes=(),
        somebody_speaks=True,
    )

    outcome = asyncio.run(carry_out(in_use, premises, Person(unattended=True), lambda: MONDAY))

    assert outcome.done == []
    assert "stop it" in outcome.failed[0]
    assert look(premises).tables is Tables.OLDER


def test_a_database_of_a_newer_version_is_never_touched(premises: Premises, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "router.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    found = look(premises)

    (told,) = steps(found, premises, MONDAY)
    outcome = asyncio.run(carry_out(found, premises, Person(unattended=True), lambda: MONDAY))

    assert "Install that version again" in told
    assert (outcome.done, outcome.failed) == ([], [told])


def test_on_postgresql_the_backup_is_named_without_its_password(premises: Premises) -> None:
    settings = premises.settings.model_copy(update={"database": "postgresql://router:s3cret@db.example.test/router"})
    found = Upgrade(tables=Tables.OLDER, revision="0018", newest="0019", files=(), includes=(), somebody_speaks=False)

    told = steps(found, Premises(settings=settings, asterisk=None), MONDAY)

    dump = (
        "pg_dump --format=custom --file=router-0018-20260302T080000Z.dump 'postgresql://router@db.example.test/router'"
    )
    assert told[1] == f"Back up the database: {dump}"
