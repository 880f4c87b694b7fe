"""Do secrets that systemd hands over reach the router, and only those that are there?"""

from pathlib import Path

import pytest

from router.credentials import FOLDER
from router.settings import load_settings, variables
from router.settings_of_parts import SettingsError
from router.storage.database import normalised


@pytest.fixture
def handed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of this service's credentials, and no other setting."""
    for name in variables():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(FOLDER, str(tmp_path))
    return tmp_path


def test_each_secret_that_is_handed_over_is_read(handed_over: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUTER_DATABASE", "postgresql://router@db/router")
    monkeypatch.setenv("ROUTER_MAIL_HOST", "mail.example")
    monkeypatch.setenv("ROUTER_MAIL_SENDER", "router@shop.example")
    for name in ("ami_secret", "guard_secret", "originate_secret", "mail_password", "database_password"):
        (handed_over / f"router_{name}").write_text(f"the {name}\n")

    settings = load_settings()

    assert settings.ami.read_secret() == "the ami_secret"
    assert settings.guard.read_secret() == "the guard_secret"
    assert settings.originate.read_secret() == "the originate_secret"
    mail = settings.mail.server()
    assert mail is not None
    assert mail.password == "the mail_password"
    assert normalised(settings.database).password == "the database_password"


def test_a_secret_that_is_not_handed_over_is_as_if_nobody_had_named_it(handed_over: Path) -> None:
    (handed_over / "router_ami_secret").write_text("x" * 32)

    settings = load_settings()

    assert (settings.guard.read_secret(), settings.originate.read_secret()) == ("", "")
    assert settings.mail.server() is None


def test_where_root_keeps_a_secret_is_no_hindrance_and_a_variable_wins(
    handed_over: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (handed_over / "router_ami_secret").write_text("handed over")
    file = tmp_path / "settings.toml"
    file.write_text('[ami]\nhost = "pbx.example"\nsecret_file = "/nowhere/that/we/may/read"\n')
    monkeypatch.setenv("ROUTER_SETTINGS", str(file))

    assert (load_settings().ami.host, load_settings().ami.read_secret()) == ("pbx.example", "handed over")
    (tmp_path / "another").write_text("of a variable")
    monkeypatch.setenv("ROUTER_AMI_SECRET_FILE", str(tmp_path / "another"))
    assert load_settings().ami.read_secret() == "of a variable"


def test_with_none_at_all_the_missing_one_is_told(handed_over: Path) -> None:
    with pytest.raises(SettingsError, match="ROUTER_AMI_SECRET is not set"):
        load_settings().ami.read_secret()
