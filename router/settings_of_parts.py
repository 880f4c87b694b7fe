"""What can be set about each part of the router?"""

import ssl
from datetime import timedelta
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

from router.ami.mailboxes import MAILBOXES, check_applications, check_trunks
from router.commitments.commitment import Belongs, Terms
from router.notices.mail import Encryption, MailSettings
from router.web.limits import FAILURES, KEY_RATE, Limits


class SettingsError(ValueError):
    """A setting that can't be; one sentence for each says which, and what it may be."""


class Login(BaseModel):
    """As whom we log in at the PBX. The secret stands in a file of its own, or here."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    variable: ClassVar[str]  # how the names of its settings begin

    username: str
    secret: SecretStr = SecretStr("")
    secret_file: Path | None = None

    @model_validator(mode="after")
    def _one_secret(self) -> Self:
        if self.secret_file and self.secret.get_secret_value():
            raise ValueError(
                f"{self.variable}_SECRET and {self.variable}_SECRET_FILE are both set: leave one of them away"
            )
        return self

    def read_secret(self) -> str:
        """The secret, from its file if it has one; empty when it isn't set. Raises SettingsError."""
        secret = secret_of(self.secret, self.secret_file, f"{self.variable}_SECRET_FILE")
        if self.secret_file and not secret:
            raise SettingsError(f"{self.variable}_SECRET_FILE: {self.secret_file} is empty")
        return secret


class Ami(Login):
    """Where the PBX listens, and as whom we log in."""

    variable = "ROUTER_AMI"

    host: str = "127.0.0.1"
    port: int = Field(default=5038, ge=1, le=65535)
    username: str = "router"
    tls: bool = False  # for a PBX on another machine: the secret and all orders would be readable on the way there
    ca_file: Path | None = None  # whose certificates are believed (PEM); none: those this machine believes anyway

    @model_validator(mode="after")
    def _ca_for_tls(self) -> Self:
        if self.ca_file and not self.tls:
            raise ValueError("ROUTER_AMI_CA_FILE is set, but ROUTER_AMI_TLS is not: set it to true, or leave both away")
        return self

    def read_secret(self) -> str:
        """The secret, from its file if it has one. Raises SettingsError, also when there is none."""
        secret = super().read_secret()
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


class Guard(Login):
    """As whom the voicemail guard logs in, at the same place, and what it looks for. Without a secret there is none."""

    variable = "ROUTER_GUARD"

    username: str = "router-guard"
    applications: Annotated[tuple[str, ...], NoDecode] = MAILBOXES
    trunks: Annotated[tuple[str, ...], NoDecode] = ()  # the endpoints whose calls are guarded; empty: every channel

    @field_validator("applications", "trunks", mode="before")
    @classmethod
    def _listed(cls, names: object) -> object:
        return listed(names)

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


class Originate(Login):
    """As whom calls are placed, at the same PBX. Without a secret none are."""

    variable = "ROUTER_ORIGINATE"

    username: str = "router-originate"


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
        password = secret_of(self.password, self.password_file, "ROUTER_MAIL_PASSWORD_FILE")
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


def secret_of(secret: SecretStr, file: Path | None, variable: str) -> str:
    """The secret, from the file if there is one, which `variable` named. Raises SettingsError."""
    if file is None:
        return secret.get_secret_value()
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as fault:
        raise SettingsError(f"{variable}: can't read {file}: {fault}") from fault


def listed(names: object) -> object:
    """What stands between commas, where it is one text."""
    if isinstance(names, str):
        return tuple(name.strip() for name in names.split(",") if name.strip())
    return names
