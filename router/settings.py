"""How is this router set up?

From `ROUTER_*` variables, and from the TOML file that `ROUTER_SETTINGS` names; a variable wins over the file. In the
file the same names are written small and in tables: `ROUTER_AMI_HOST` is `host` under `[ami]`. Secrets that systemd
hands over (credentials.py) come between the two.
"""

import os
import re
import ssl
from collections.abc import Iterator, Mapping
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from router.ami.mailboxes import MAILBOXES, check_applications, check_trunks
from router.commitments.commitment import Belongs, Terms
from router.credentials import FOLDER, handed
from router.notices.mail import Encryption, MailSettings
from router.storage.database import normalised
from router.storage.retention import FEWEST_DAYS
from router.web.limits import FAILURES, KEY_RATE, Limits

PREFIX = "ROUTER_"
FILE = "ROUTER_SETTINGS"


class SettingsError(ValueError):
    """A setting that can't be; one sentence for each says which, and what it may be."""


class Ami(BaseModel):
    """Where the PBX listens, and as whom we log in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(default=5038, ge=1, le=65535)
    username: str = "router"
    secret: SecretStr = SecretStr("")
    secret_file: Path | None = None
    tls: bool = False  # for a PBX on another machine: the secret and all orders would be readable on the way there
    ca_file: Path | None = None  # whose certificates are believed (PEM); none: those this machine believes anyway

    @model_validator(mode="after")
    def _ca_for_tls(self) -> Self:
        if self.ca_file and not self.tls:
            raise ValueError("ROUTER_AMI_CA_FILE is set, but ROUTER_AMI_TLS is not: set it to true, or leave both away")
        return self

    @model_validator(mode="after")
    def _one_secret(self) -> Self:
        if self.secret_file and self.secret.get_secret_value():
            raise ValueError("ROUTER_AMI_SECRET and ROUTER_AMI_SECRET_FILE are both set: leave one of them away")
        return self

    def read_secret(self) -> str:
        """The secret, from its file if it has one. Raises SettingsError when there is none."""
        secret = _secret(self.secret, self.secret_file, "ROUTER_AMI_SECRET_FILE")
        if not secret:
            raise SettingsError(
                "ROUTER_AMI_SECRET is not set: give the secret of the AMI user, or ROUTER_AMI_SECRET_FILE"
            )
        return secret

    def trust(self) -> ssl.SSLContext | None:
        """How the PBX must prove who it is: a certificate of the CA, for ROUTER_AMI_HOST. None without TLS.

        Raises SettingsError when the CA's file can't be read.
        """
        if not self.tls:
            return None
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ssl.SSLError) as fault:
            raise SettingsError(
                f"ROUTER_AMI_CA_FILE: no CA's certificate (PEM) can be read from {self.ca_file}: {fault}"
            ) from fault


class Guard(BaseModel):
    """As whom the voicemail guard logs in, at the same place, and what it looks for. Without a secret there is none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    username: str = "router-guard"
    secret: SecretStr = SecretStr("")
    secret_file: Path | None = None
    applications: Annotated[tuple[str, ...], NoDecode] = MAILBOXES
    trunks: Annotated[tuple[str, ...], NoDecode] = ()  # the endpoints whose calls are guarded; empty: every channel

    @model_validator(mode="after")
    def _one_secret(self) -> Self:
        if self.secret_file and self.secret.get_secret_value():
            raise ValueError("ROUTER_GUARD_SECRET and ROUTER_GUARD_SECRET_FILE are both set: leave one of them away")
        return self

    @field_validator("applications", "trunks", mode="before")
    @classmethod
    def _listed(cls, names: object) -> object:
        return _listed(names)

    @field_validator("applications")
    @classmethod
    def _are_mailboxes(cls, applications: tuple[str, ...]) -> tuple[str, ...]:
        check_applications(applications)
        return applications

    @field_validator("trunks")
    @classmethod
    def _are_endpoints(cls, trunks: tuple[str, ...]) -> tuple[str, ...]:
        check_trunks(trunks)
        return trunks

    def read_secret(self) -> str:
        """The secret, from its file if it has one; empty when the guard is off. Raises SettingsError."""
        secret = _secret(self.secret, self.secret_file, "ROUTER_GUARD_SECRET_FILE")
        if self.secret_file and not secret:
            raise SettingsError(f"ROUTER_GUARD_SECRET_FILE: {self.secret_file} is empty")
        return secret


class Originate(BaseModel):
    """As whom calls are placed, at the same PBX. Without a secret none are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    username: str = "router-originate"
    secret: SecretStr = SecretStr("")
    secret_file: Path | None = None

    @model_validator(mode="after")
    def _one_secret(self) -> Self:
        if self.secret_file and self.secret.get_secret_value():
            raise ValueError(
                "ROUTER_ORIGINATE_SECRET and ROUTER_ORIGINATE_SECRET_FILE are both set: leave one of them away"
            )
        return self

    def read_secret(self) -> str:
        """The secret, from its file if it has one; empty when no calls are placed. Raises SettingsError."""
        secret = _secret(self.secret, self.secret_file, "ROUTER_ORIGINATE_SECRET_FILE")
        if self.secret_file and not secret:
            raise SettingsError(f"ROUTER_ORIGINATE_SECRET_FILE: {self.secret_file} is empty")
        return secret


class Http(BaseModel):
    """Where the API listens. Only loopback addresses are allowed as long as no API key has been made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)  # 0 takes a free one
    key_rate: float = Field(default=KEY_RATE, ge=0, le=100_000)  # requests a second of one key; 0: any number
    failures: float = Field(default=FAILURES, ge=0, le=100_000)  # refused keys a minute from one address; 0: any number

    def limits(self) -> Limits:
        """The same for who stands at the door."""
        return Limits(key_rate=self.key_rate, failures=self.failures)


class Commitment(BaseModel):
    """How we keep our word to callers who reached nobody."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    owner: Belongs = Belongs.MANAGER  # of what a known account is owed: its manager, or the line's desk
    minutes: int = Field(default=30, ge=1, le=10080)  # until it is due; from the next opening when it is closed
    gave_up_seconds: float = Field(default=5.0, ge=0, le=600)  # who hung up sooner is owed nothing
    remind_minutes: int = Field(default=10, ge=0, le=1440)  # before it is due
    escalate_minutes: str = "0,15,60"  # after it is due: when the owner, the desk, and the desk's lead are told
    retry_minutes: int = Field(default=15, ge=1, le=1440)  # from an attempt that reached nobody to the next
    talk_seconds: float = Field(default=20.0, ge=1, le=600)  # a talk of that length keeps what is owed

    @field_validator("escalate_minutes")
    @classmethod
    def _three_steps(cls, said: str) -> str:
        steps = [int(step) if step.strip().isdecimal() else -1 for step in said.split(",")]
        if len(steps) != 3 or min(steps) < 0 or steps != sorted(steps):
            raise ValueError("three numbers of minutes, none smaller than the one before, such as 0,15,60")
        return said

    def terms(self) -> Terms:
        """The same as the router's terms."""
        owner, desk, lead = (timedelta(minutes=int(step)) for step in self.escalate_minutes.split(","))
        return Terms(
            due_after=timedelta(minutes=self.minutes),
            gave_up_after=timedelta(seconds=self.gave_up_seconds),
            belongs=self.owner,
            remind_before=timedelta(minutes=self.remind_minutes),
            escalate_after=(owner, desk, lead),
            try_again_after=timedelta(minutes=self.retry_minutes),
            talked_at_least=timedelta(seconds=self.talk_seconds),
        )


class Mail(BaseModel):
    """Which mail server takes our mail; without a host none is sent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = ""
    port: int = Field(default=587, ge=1, le=65535)
    sender: str = ""
    username: str = ""
    password: SecretStr = SecretStr("")
    password_file: Path | None = None
    encryption: Encryption = Encryption.STARTTLS

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.host and "@" not in self.sender:
            raise ValueError("ROUTER_MAIL_SENDER is not set: give the address that our mail comes from")
        if self.username and not self.host:
            raise ValueError("ROUTER_MAIL_HOST is not set, but ROUTER_MAIL_USERNAME is: name the mail server as well")
        if self.password_file and self.password.get_secret_value():
            raise ValueError("ROUTER_MAIL_PASSWORD and ROUTER_MAIL_PASSWORD_FILE are both set: leave one of them away")
        return self

    def server(self) -> MailSettings | None:
        """The mail server, None when there is none. Raises SettingsError when the password's file can't be read."""
        if not self.host:
            return None
        password = _secret(self.password, self.password_file, "ROUTER_MAIL_PASSWORD_FILE")
        return MailSettings(
            host=self.host,
            port=self.port,
            sender=self.sender,
            username=self.username,
            password=password,
            encryption=self.encryption,
        )


class Webhook(BaseModel):
    """To where events may be sent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    private: bool = False  # also over http, and to addresses of this machine and of private networks


class Log(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["console", "json"] = "console"
    level: Literal["debug", "info", "warning", "error"] = "info"


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="_",
        env_nested_max_split=1,
        frozen=True,
        extra="forbid",
    )

    pbx: str = Field(default="pbx", pattern=r"^[A-Za-z0-9_-]{1,32}$")  # the first part of every call's id
    database: str = "sqlite:///var/router.db"
    database_password_file: Path | None = None  # where the password isn't part of the address
    region: str = "US"  # national forms of numbers are this country's (ISO 3166)
    time_zone: str = "UTC"  # the company's own: in it a job's dates are whole days
    mask_numbers: bool = True  # in the log
    keep_days: int = Field(default=90, ge=FEWEST_DAYS, le=36500)  # after which records lose the ends of numbers
    # External numbers that may be called begin with one of these, such as "+1212,+1646"; empty: none. What the PBX
    # really calls is limited by the dialplan's own context router-outside as well.
    external_prefixes: Annotated[tuple[str, ...], NoDecode] = ()
    test_calls_per_hour: int = Field(default=20, ge=0, le=1000)  # 0: none; each rings somebody
    ami: Ami = Ami()
    guard: Guard = Guard()
    originate: Originate = Originate()
    http: Http = Http()
    commitment: Commitment = Commitment()
    mail: Mail = Mail()
    webhook: Webhook = Webhook()
    log: Log = Log()

    @model_validator(mode="before")
    @classmethod
    def _with_password(cls, said: dict[str, Any]) -> dict[str, Any]:
        file, database = said.get("database_password_file"), said.get("database")
        if not file or not isinstance(database, str) or not _is_address(database):
            return said
        address = normalised(database)
        if address.password:
            raise ValueError("ROUTER_DATABASE_PASSWORD_FILE is set, but ROUTER_DATABASE holds a password as well")
        password = _secret(SecretStr(""), Path(file), "ROUTER_DATABASE_PASSWORD_FILE")
        return {**said, "database": address.set(password=password).render_as_string(hide_password=False)}

    @field_validator("external_prefixes", mode="before")
    @classmethod
    def _listed(cls, prefixes: object) -> object:
        return _listed(prefixes)

    @field_validator("external_prefixes")
    @classmethod
    def _begin_numbers(cls, prefixes: tuple[str, ...]) -> tuple[str, ...]:
        if not all(re.fullmatch(r"\+[1-9][0-9]{0,14}", prefix) for prefix in prefixes):
            raise ValueError("each is a plus and digits, such as +1212 or +49")
        return prefixes

    @field_validator("database")
    @classmethod
    def _is_ours(cls, database: str) -> str:
        if not _is_address(database):
            raise ValueError("it is an address such as sqlite:///var/router.db or postgresql://user@host/router")
        normalised(database)
        return database

    @field_validator("region")
    @classmethod
    def _has_numbers(cls, region: str) -> str:
        if region not in phonenumbers.SUPPORTED_REGIONS:
            raise ValueError("no country's code: two capital letters, such as DE or US")
        return region

    @field_validator("time_zone")
    @classmethod
    def _has_clock(cls, time_zone: str) -> str:
        try:
            ZoneInfo(time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("no time zone: a name such as Europe/Berlin") from None
        return time_zone

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        file = os.environ.get(FILE)
        from_file = (TomlConfigSettingsSource(settings_cls, Path(file)),) if file else ()
        # Before the file: what is handed to a service can be read by it, and the file may name where root keeps it.
        handed_over = InitSettingsSource(settings_cls, init_kwargs=handed(os.environ.get(FOLDER)))
        return (init_settings, env_settings, handed_over, *from_file)


def load_settings() -> Settings:
    """The settings of this process. Raises SettingsError, one sentence for each setting that is wrong."""
    _refuse_unknown(os.environ)
    file = os.environ.get(FILE)
    if file and not Path(file).is_file():
        raise SettingsError(f"{FILE}: there is no file {file}")
    try:
        return Settings()
    except ValidationError as fault:
        raise SettingsError("\n".join(_sentences(fault))) from None
    except ValueError as fault:  # the file is no TOML
        raise SettingsError(f"{FILE}: {file}: {fault}") from None


def variables() -> tuple[str, ...]:
    """Every variable that is read, by its name."""
    return (FILE, *_variables(Settings, PREFIX))


def _variables(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _variables(field.annotation, f"{prefix}{name.upper()}_")
        else:
            yield prefix + name.upper()


def _secret(secret: SecretStr, file: Path | None, variable: str) -> str:
    if file is None:
        return secret.get_secret_value()
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as fault:
        raise SettingsError(f"{variable}: can't read {file}: {fault}") from fault


def _is_address(database: str) -> bool:
    return re.match(r"(sqlite|postgres(ql)?)(\+[a-z0-9]+)?://", database) is not None


def _listed(names: object) -> object:
    """What stands between commas, where it is one text."""
    if isinstance(names, str):
        return tuple(name.strip() for name in names.split(",") if name.strip())
    return names


def _refuse_unknown(environ: Mapping[str, str]) -> None:
    # A misspelt name would leave the default in force without a word.
    known = variables()
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in known:
            close = get_close_matches(name, known, n=1)
            raise SettingsError(f"{name} is no setting" + (f": did you mean {close[0]}?" if close else ""))


def _sentences(fault: ValidationError) -> Iterator[str]:
    for error in fault.errors(include_url=False):
        name = PREFIX + "_".join(str(part).upper() for part in error["loc"])
        said = error["msg"].removeprefix("Value error, ")
        if said.startswith(PREFIX):
            yield said
        elif error["type"] == "extra_forbidden":
            yield f"{name} is no setting"
        elif error["loc"][-1] in ("secret", "password", "database"):  # not for a log; the address may hold a password
            yield f"{name} is wrong: {said}"
        else:
            yield f"{name}: {error['input']!r} is wrong: {said[:1].lower()}{said[1:]}"
