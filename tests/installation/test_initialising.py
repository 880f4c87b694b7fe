"""Does an installation write what is missing, keep what is there, and touch nothing that isn't its own?"""

import asyncio
import shutil
import stat
import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from router.ami.shipped import FOLDER
from router.installation.dropins import Standing, drop_ins, is_freepbx, missing_includes, secret_in
from router.installation.initialising import Outcome, initialise, make_tables_and_key, put_all, put_into_asterisk
from router.installation.placing import Put, place
from router.installation.wanted import Wanted, settings_of
from router.settings import Settings
from router.settings_of_parts import SettingsError
from router.storage.database import Database
from router.storage.keys import KeyStanding, list_keys
from router.storage.migrate import upgrade
from tests.installation.person import Person

MONDAY = datetime(2026, 3, 2, 8, tzinfo=UTC)
MAIN_FILES = ("extensions.conf", "queues.conf", "manager.conf")


@pytest.fixture
def asterisk(tmp_path: Path) -> Path:
    """An Asterisk's folder as Debian's package makes it."""
    folder = tmp_path / "asterisk"
    folder.mkdir()
    for name in MAIN_FILES:
        (folder / name).write_text(f"; Asterisk's own {name}\n[general]\n")
    return folder


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("migrated") / "router.db"
    upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture
def wanted(tmp_path: Path, asterisk: Path, migrated: Path) -> Wanted:
    """An installation whose database has its tables, and nothing else is there."""
    (tmp_path / "kept").mkdir()
    shutil.copy(migrated, tmp_path / "kept/router.db")
    return Wanted(
        settings_file=tmp_path / "etc/settings.toml",
        database=f"sqlite:///{tmp_path}/kept/router.db",
        ami_host="127.0.0.1",
        ami_port=5038,
        region="DE",
        time_zone="Europe/Berlin",
        asterisk=asterisk,
    )


def install(wanted: Wanted, person: Person, *, dry_run: bool = False) -> Outcome:
    """The whole of it, as the command does it."""
    outcome = initialise(wanted, person, lambda: MONDAY, dry_run=dry_run)
    settings = settings_from(wanted) if wanted.settings_file.exists() else settings_of(wanted)
    asyncio.run(make_tables_and_key(settings, person, outcome, lambda: MONDAY, "tests", dry_run=dry_run))
    put_into_asterisk(wanted, settings, person, outcome, MONDAY, dry_run=dry_run)
    return outcome


def settings_from(wanted: Wanted) -> Settings:
    said = tomllib.loads(wanted.settings_file.read_text())
    return Settings.model_validate(said)


def everything(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file, its mode and what is in it; a database by its name alone, since it is written when it is read."""
    return {
        str(file.relative_to(folder)): (file.stat().st_mode, b"" if ".db" in file.name else file.read_bytes())
        for file in sorted(folder.rglob("*"))
        if file.is_file() and not file.name.endswith(("-wal", "-shm"))
    }


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def keys(wanted: Wanted) -> tuple[KeyStanding, ...]:
    async def look() -> tuple[KeyStanding, ...]:
        db = Database(wanted.database)
        try:
            return await list_keys(db)
        finally:
            await db.close()

    return asyncio.run(look())


def test_everything_is_there_afterwards_and_nobody_else_may_read_the_secrets(
    wanted: Wanted, asterisk: Path, tmp_path: Path
) -> None:
    person = Person()
    wanted = replace(wanted, database=f"sqlite:///{tmp_path}/fresh/router.db")

    outcome = install(wanted, person)

    assert outcome.failed == []
    secret = settings_from(wanted).ami.read_secret()
    assert len(secret) == 48
    assert secret_in(asterisk / "router_secret.conf") == secret
    assert secret not in wanted.settings_file.read_text()
    assert (mode(wanted.secrets), mode(wanted.secret_file("ami_secret"))) == (0o700, 0o600)
    assert (mode(asterisk / "router_secret.conf"), mode(tmp_path / "fresh")) == (0o640, 0o700)
    assert {one.standing for one in drop_ins(asterisk, FOLDER, guard=False, originate=False)} == {Standing.SAME}
    assert [(key.name, key.role.value) for key in keys(wanted)] == [("first admin", "admin")]
    shown = [text for text in person.read if text.startswith("rtr_")]
    assert [text.split("_")[1] for text in shown] == [key.prefix for key in keys(wanted)]


def test_asterisks_own_files_are_never_written_but_the_missing_lines_are_told(wanted: Wanted, asterisk: Path) -> None:
    before = {name: (asterisk / name).read_text() for name in MAIN_FILES}

    outcome = install(wanted, Person())

    assert {name: (asterisk / name).read_text() for name in MAIN_FILES} == before
    assert outcome.left == [
        f"add this line at the end of {asterisk}/extensions.conf: #include extensions_router.conf",
        f"add this line at the end of {asterisk}/queues.conf: #include queues_router.conf",
        f"add this line at the end of {asterisk}/manager.conf: #include manager.d/router.conf",
    ]


def test_a_second_time_nothing_is_changed(wanted: Wanted, asterisk: Path, tmp_path: Path) -> None:
    install(wanted, Person())
    for name, line in zip(
        MAIN_FILES, ("extensions_router.conf", "queues_router.conf", "manager.d/*.conf"), strict=True
    ):
        (asterisk / name).write_text(f"{(asterisk / name).read_text()}#include {line}\n")
    before = everything(tmp_path)
    person = Person()

    outcome = install(wanted, person)

    assert (outcome, person.asked, person.read) == (Outcome(), [], [])
    assert everything(tmp_path) == before


def test_a_dry_run_says_it_all_and_writes_nothing(wanted: Wanted, tmp_path: Path) -> None:
    before = everything(tmp_path)

    outcome = install(wanted, Person(unattended=True), dry_run=True)

    assert everything(tmp_path) == before
    assert len(outcome.done) == len(install(wanted, Person()).done)
    assert all(said.startswith("would ") for said in outcome.done)


def test_what_is_replaced_is_shown_first_and_kept(wanted: Wanted, asterisk: Path) -> None:
    install(wanted, Person())
    older = (asterisk / "extensions_router.conf").read_text().replace("],1.4,", "],1.9,")
    (asterisk / "extensions_router.conf").write_text(older)
    person = Person(unattended=True)

    install(wanted, person)

    assert any("-" in shown and "],1.9," in shown and "],1.4," in shown for shown in person.read)
    assert (asterisk / "extensions_router.conf").read_text() == (FOLDER / "extensions_router.conf").read_text()
    assert (asterisk / "extensions_router.conf.20260302T080000Z").read_text() == older


@pytest.mark.parametrize("unattended", [True, False])
def test_what_may_be_changed_on_purpose_is_replaced_only_when_somebody_says_so(
    wanted: Wanted, asterisk: Path, unattended: bool
) -> None:
    install(wanted, Person())
    user = asterisk / "manager.d/router.conf"
    changed = user.read_text().replace("write = call,agent,reporting,user", "write = all")
    user.write_text(changed)

    outcome = install(wanted, Person(unattended=unattended))

    assert (user.read_text() == changed) is unattended
    assert any("it was left as it is" in said for said in outcome.left) is unattended


def test_from_where_the_router_may_log_in_is_the_administrators_own(wanted: Wanted, asterisk: Path) -> None:
    install(wanted, Person())
    user = asterisk / "manager.d/router.conf"
    user.write_text(user.read_text().replace("permit = 127.0.0.1/255.255.255.255", "permit=192.0.2.7"))

    assert install(wanted, Person()).done == []


def test_a_secret_that_asterisk_has_already_is_taken_over(wanted: Wanted, asterisk: Path) -> None:
    (asterisk / "router_secret.conf").write_text("secret = drawn-long-ago-by-somebody-else\n")

    install(wanted, Person())

    assert settings_from(wanted).ami.read_secret() == "drawn-long-ago-by-somebody-else"
    assert (asterisk / "router_secret.conf").read_text() == "secret = drawn-long-ago-by-somebody-else\n"


def test_the_optional_users_come_once_their_secrets_are_set(wanted: Wanted, asterisk: Path) -> None:
    install(wanted, Person())
    (wanted.secrets / "guard_secret").write_text("the-guards-own\n")
    with wanted.settings_file.open("a") as settings:
        settings.write(f'[guard]\nsecret_file = "{wanted.secrets}/guard_secret"\n')

    outcome = install(wanted, Person())

    assert secret_in(asterisk / "router_guard_secret.conf") == "the-guards-own"
    assert (asterisk / "manager.d/router_guard.conf").exists()
    assert not (asterisk / "manager.d/router_originate.conf").exists()
    assert outcome.left[-1].endswith("manager.conf: #include manager.d/router_guard.conf")


def test_whoever_refuses_is_told_what_is_left(wanted: Wanted, asterisk: Path, tmp_path: Path) -> None:
    wanted = replace(wanted, database=f"sqlite:///{tmp_path}/fresh/router.db")

    outcome = install(wanted, Person(but=("queues_router.conf", "tables")))

    assert not (asterisk / "queues_router.conf").exists()
    assert (asterisk / "extensions_router.conf").exists()
    assert any("queues_router.conf was not written" in said for said in outcome.left)
    assert any("`router migrate` makes them" in said for said in outcome.left)


def test_an_interrupted_one_leaves_whole_files_and_goes_on(wanted: Wanted, asterisk: Path, tmp_path: Path) -> None:
    class Gone(Person):
        def agrees(self, question: str) -> bool:
            if len(self.asked) == 3:
                raise KeyboardInterrupt
            return super().agrees(question)

    with pytest.raises(KeyboardInterrupt):
        install(wanted, Gone())
    secret = settings_from(wanted).ami.read_secret()
    outcome = install(wanted, Person())

    assert settings_from(wanted).ami.read_secret() == secret == secret_in(asterisk / "router_secret.conf")
    assert outcome.failed == []
    assert len(keys(wanted)) == 1
    assert [file for file in everything(tmp_path) if "/." in file] == [], "nothing half written is left"


def test_a_password_in_the_databases_address_goes_into_a_file_of_its_own(wanted: Wanted) -> None:
    address = "postgresql://router:pass%2Fword@db.example.test/router"
    initialise(replace(wanted, database=address), Person(), lambda: MONDAY, dry_run=False)

    written = wanted.settings_file.read_text()
    assert 'database = "postgresql://router@db.example.test/router"' in written
    assert wanted.secret_file("database_password").read_text() == "pass/word\n"
    assert settings_from(wanted).database == "postgresql+asyncpg://router:pass%2Fword@db.example.test/router"


def test_beside_freepbx_its_administrators_files_take_the_lines_and_panels_keep_their_events(
    wanted: Wanted, asterisk: Path
) -> None:
    (asterisk / "extensions_additional.conf").write_text("; written by FreePBX\n")
    (asterisk / "extensions.conf").write_text("#include extensions_custom.conf\n")
    (asterisk / "extensions_custom.conf").write_text('#include "extensions_router.conf"\n')

    outcome = install(wanted, Person())

    assert is_freepbx(asterisk)
    assert [lack.file for lack in missing_includes(asterisk, ("extensions_router.conf", "queues_router.conf"))] == [
        "queues_custom.conf"
    ]
    assert "\ndisabledevents" not in (asterisk / "manager.d/router.conf").read_text()
    assert any("taskprocessor_overload_trigger" in said for said in outcome.left)


def test_the_service_is_put_in_place_for_where_the_program_lies(wanted: Wanted, tmp_path: Path) -> None:
    service = replace(wanted, systemd=True, units=tmp_path / "units")

    install(service, Person())

    unit = tmp_path / "units/call-router.service"
    assert f"ExecStart={FOLDER.parent}/.venv/bin/router serve" in unit.read_text()
    assert mode(unit) == 0o644
    assert install(service, Person()).done == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"region": "germany"}, "region: .*two capital letters"),
        ({"time_zone": "Berlin"}, "time_zone: .*Europe/Berlin"),
        ({"database": "mysql://x"}, "database: .*postgresql://"),
        ({"ami_port": 99999}, "ami.port: "),
    ],
)
def test_an_answer_that_cannot_be_is_refused_before_anything_is_written(
    wanted: Wanted, tmp_path: Path, wrong: dict[str, str], said: str
) -> None:
    before = everything(tmp_path)

    with pytest.raises(SettingsError, match=said):
        initialise(replace(wanted, **wrong), Person(), lambda: MONDAY, dry_run=False)  # type: ignore[arg-type]
    assert everything(tmp_path) == before


def test_where_the_pbx_is_elsewhere_it_is_told_what_to_do_there(wanted: Wanted) -> None:
    outcome = install(replace(wanted, ami_host="192.0.2.10", asterisk=None), Person())

    (told,) = outcome.left
    assert "on the PBX's own machine: put the files of dialplan/ into its folder" in told


def test_a_file_that_cannot_be_written_is_told_and_the_others_are(tmp_path: Path) -> None:
    (tmp_path / "no-folder").write_text("a file\n")
    outcome = Outcome()

    puts = [Put(file=tmp_path / name, text="text\n", mode=0o640) for name in ("no-folder/one.conf", "two.conf")]
    put_all(puts, Person(), outcome, MONDAY, dry_run=False)

    assert [said.partition(" can't be written")[0] for said in outcome.failed] == [str(tmp_path / "no-folder/one.conf")]
    assert (tmp_path / "two.conf").read_text() == "text\n"


def test_what_cannot_be_compared_is_left_to_root(wanted: Wanted, asterisk: Path) -> None:
    (asterisk / "queues_router.conf").mkdir()

    with pytest.raises(PermissionError, match=r"queues_router\.conf can't be read by this user: do it as root"):
        install(wanted, Person())


def test_a_new_file_has_its_mode_from_its_first_moment_and_a_replaced_one_keeps_its_own(tmp_path: Path) -> None:
    file = tmp_path / "deep/er/file.conf"
    put = Put(file=file, text="one\n", mode=0o640)
    place(put, MONDAY)
    file.chmod(0o600)

    backup = place(replace(put, text="two\n", there="one\n"), MONDAY)

    assert (file.read_text(), mode(file)) == ("two\n", 0o600)
    assert backup is not None
    assert (backup.read_text(), mode(backup)) == ("one\n", 0o600)
