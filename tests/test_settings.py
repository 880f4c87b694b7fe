"""Is a wrong setting told in one sentence, before anything starts?"""

from datetime import timedelta
from pathlib import Path

import pytest

from router.commitments.commitment import Belongs
from router.notices.mail import Encryption
from router.settings import load_settings, variables
from router.settings_of_parts import SettingsError
from router.storage.database import normalised


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in variables():
        monkeypatch.delenv(name, raising=False)


def test_without_any_variable_the_embedded_defaults_hold() -> None:
    settings = load_settings()

    assert settings.database == "sqlite:///var/router.db"
    assert (settings.http.host, settings.http.port) == ("127.0.0.1", 8080)
    assert settings.mask_numbers


def test_variables_with_two_parts_reach_their_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUTER_AMI_HOST", "pbx.example")
    monkeypatch.setenv("ROUTER_TIME_ZONE", "Europe/Berlin")
    monkeypatch.setenv("ROUTER_LOG_FORMAT", "json")

    settings = load_settings()

    assert (settings.ami.host, settings.time_zone, settings.log.format) == ("pbx.example", "Europe/Berlin", "json")


@pytest.mark.parametrize(("said", "prefixes"), [("", ()), ("+1212", ("+1212",)), (" +1212, +49 ,", ("+1212", "+49"))])
def test_prefixes_of_external_numbers_are_listed_with_commas(
    monkeypatch: pytest.MonkeyPatch, said: str, prefixes: tuple[str, ...]
) -> None:
    monkeypatch.setenv("ROUTER_EXTERNAL_PREFIXES", said)

    assert load_settings().external_prefixes == prefixes


@pytest.mark.parametrize("said", ["1212", "+", "+0", "+12a", "00491"])
def test_a_prefix_that_begins_no_number_is_refused(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setenv("ROUTER_EXTERNAL_PREFIXES", said)

    with pytest.raises(SettingsError, match="ROUTER_EXTERNAL_PREFIXES"):
        load_settings()


def test_a_variable_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "router.toml"
    file.write_text('pbx = "main"\n[ami]\nhost = "from.file"\nport = 5039\n')
    monkeypatch.setenv("ROUTER_SETTINGS", str(file))
    monkeypatch.setenv("ROUTER_AMI_HOST", "from.variable")

    settings = load_settings()

    assert (settings.pbx, settings.ami.host, settings.ami.port) == ("main", "from.variable", 5039)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("ROUTER_AMI_HSOT", "x", "ROUTER_AMI_HSOT is no setting: did you mean ROUTER_AMI_HOST?"),
        ("ROUTER_QUITE_UNKNOWN_THING", "x", "ROUTER_QUITE_UNKNOWN_THING is no setting"),
        ("ROUTER_HTTP_PORT", "web", "ROUTER_HTTP_PORT: 'web' is wrong: input should be a valid integer"),
        ("ROUTER_HTTP_PORT", "70000", "ROUTER_HTTP_PORT: '70000' is wrong"),
        ("ROUTER_REGION", "germany", "ROUTER_REGION: 'germany' is wrong: no country's code"),
        ("ROUTER_TIME_ZONE", "../etc", "ROUTER_TIME_ZONE: '../etc' is wrong: no time zone"),
        ("ROUTER_PBX", "a:b", "ROUTER_PBX: 'a:b' is wrong"),
        ("ROUTER_LOG_LEVEL", "loud", "ROUTER_LOG_LEVEL: 'loud' is wrong"),
        ("ROUTER_DATABASE", "mysql://u:canary@h/db", "ROUTER_DATABASE is wrong"),
        ("ROUTER_DATABASE", "router.db", "ROUTER_DATABASE is wrong"),
        ("ROUTER_SETTINGS", "/nowhere/router.toml", "ROUTER_SETTINGS: there is no file /nowhere/router.toml"),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError) as refusal:
        load_settings()

    assert str(refusal.value).startswith(sentence)
    assert "canary" not in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("[ami]\nprot = 5038\n", "ROUTER_AMI_PROT is no setting"), ("pbx = \n", "ROUTER_SETTINGS: ")],
)
def test_a_wrong_file_is_told_as_well(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, sentence: str
) -> None:
    file = tmp_path / "router.toml"
    file.write_text(text)
    monkeypatch.setenv("ROUTER_SETTINGS", str(file))

    with pytest.raises(SettingsError, match=sentence):
        load_settings()


def test_the_secret_may_stand_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("from-the-file\n")
    monkeypatch.setenv("ROUTER_AMI_SECRET_FILE", str(file))

    assert load_settings().ami.read_secret() == "from-the-file"


def test_a_missing_secret_says_where_to_give_it() -> None:
    with pytest.raises(SettingsError, match="ROUTER_AMI_SECRET_FILE"):
        load_settings().ami.read_secret()


def test_a_secret_file_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUTER_AMI_SECRET_FILE", "/nowhere/secret")

    with pytest.raises(SettingsError, match="can't read /nowhere/secret"):
        load_settings().ami.read_secret()


def test_the_databases_password_may_stand_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "password"
    file.write_text("a/b:c@d\n")
    monkeypatch.setenv("ROUTER_DATABASE", "postgresql://router@database/router")
    monkeypatch.setenv("ROUTER_DATABASE_PASSWORD_FILE", str(file))

    assert normalised(load_settings().database).password == "a/b:c@d"


def test_a_password_in_the_address_and_in_a_file_is_one_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUTER_DATABASE", "postgresql://router:canary@database/router")
    monkeypatch.setenv("ROUTER_DATABASE_PASSWORD_FILE", "/run/secret")

    with pytest.raises(SettingsError, match="ROUTER_DATABASE_PASSWORD_FILE") as refused:
        load_settings()

    assert "canary" not in str(refused.value)


def test_two_secrets_are_one_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUTER_AMI_SECRET", "canary")
    monkeypatch.setenv("ROUTER_AMI_SECRET_FILE", "/run/secret")

    with pytest.raises(SettingsError, match="both set") as refusal:
        load_settings()

    assert "canary" not in str(refusal.value)


def test_a_secret_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUTER_AMI_SECRET", "canary")

    assert "canary" not in repr(load_settings())


def test_a_company_says_how_it_keeps_its_word(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "OWNER": "desk",
        "MINUTES": "20",
        "GAVE_UP_SECONDS": "0",
        "ESCALATE_MINUTES": "0, 10,30",
    }.items():
        monkeypatch.setenv(f"ROUTER_COMMITMENT_{name}", value)

    terms = load_settings().commitment.terms()

    assert (terms.belongs, terms.due_after, terms.gave_up_after) == (Belongs.DESK, timedelta(minutes=20), timedelta())
    assert [step.total_seconds() for step in terms.escalate_after] == [0, 600, 1800]


@pytest.mark.parametrize("said", ["0,15", "0,15,x", "15,0,60", "", "-1,0,1"])
def test_steps_that_lead_nowhere_are_refused(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setenv("ROUTER_COMMITMENT_ESCALATE_MINUTES", said)

    with pytest.raises(SettingsError, match="three numbers of minutes"):
        load_settings()


def test_without_a_mail_server_no_mail_is_sent_and_with_one_it_needs_a_sender(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().mail.server() is None
    monkeypatch.setenv("ROUTER_MAIL_HOST", "mail.example.org")
    with pytest.raises(SettingsError, match="ROUTER_MAIL_SENDER is not set"):
        load_settings()
    monkeypatch.setenv("ROUTER_MAIL_SENDER", "router@example.org")
    server = load_settings().mail.server()
    assert server is not None
    assert (server.host, server.port, server.encryption) == ("mail.example.org", 587, Encryption.STARTTLS)


def test_the_mail_password_may_lie_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("open sesame\n")
    for name, value in {"HOST": "mail", "SENDER": "a@b.example", "PASSWORD_FILE": str(tmp_path / "password")}.items():
        monkeypatch.setenv(f"ROUTER_MAIL_{name}", value)

    server = load_settings().mail.server()
    assert server is not None
    assert server.password == "open sesame"


def test_without_a_secret_there_is_no_voicemail_guard() -> None:
    assert load_settings().guard.read_secret() == ""


def test_the_voicemail_guard_has_a_user_and_a_secret_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    file.write_text("hush\n")
    monkeypatch.setenv("ROUTER_GUARD_SECRET_FILE", str(file))
    monkeypatch.setenv("ROUTER_GUARD_TRUNKS", "carrier-a, carrier-b")
    monkeypatch.setenv("ROUTER_GUARD_APPLICATIONS", "VoiceMail,CompanyMailbox")

    guard = load_settings().guard

    assert (guard.username, guard.read_secret()) == ("router-guard", "hush")
    assert guard.trunks == ("carrier-a", "carrier-b")
    assert guard.applications == ("VoiceMail", "CompanyMailbox")


def test_an_empty_secret_file_is_told_and_does_not_switch_the_guard_off(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    file.write_text("\n")
    monkeypatch.setenv("ROUTER_GUARD_SECRET_FILE", str(file))

    with pytest.raises(SettingsError, match=r"ROUTER_GUARD_SECRET_FILE: .* is empty"):
        load_settings().guard.read_secret()


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("ROUTER_GUARD_APPLICATIONS", "VoiceMailMain", "people listen to their own messages in VoiceMailMain"),
        ("ROUTER_GUARD_APPLICATIONS", ",", "nothing to guard"),
        ("ROUTER_GUARD_TRUNKS", "PJSIP/carrier", "without PJSIP/"),
    ],
)
def test_a_guard_that_would_do_harm_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError) as refused:
        load_settings()

    assert str(refused.value).startswith(name)
    assert sentence in str(refused.value)


def test_a_ca_without_tls_is_refused_because_nothing_would_be_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUTER_AMI_CA_FILE", "/etc/ssl/company.pem")

    with pytest.raises(SettingsError, match="ROUTER_AMI_TLS is not"):
        load_settings()


def test_a_ca_that_cannot_be_read_is_told_with_its_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").touch()
    monkeypatch.setenv("ROUTER_AMI_TLS", "true")
    for name in ("empty.pem", "missing.pem"):
        monkeypatch.setenv("ROUTER_AMI_CA_FILE", str(tmp_path / name))

        with pytest.raises(SettingsError, match=rf"ROUTER_AMI_CA_FILE: no CA's certificate .*{name}"):
            load_settings().ami.trust()


def test_without_tls_nothing_has_to_be_believed() -> None:
    assert load_settings().ami.trust() is None
