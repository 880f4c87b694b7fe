"""How is this router set up?

From `ROUTER_*` variables, and from the TOML file that `ROUTER_SETTINGS` names; a variable wins over the file. In the
file the same names are written small and in tables: `ROUTER_AMI_HOST` is `host` under `[ami]`.
"""

import os
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from router.ami.mailboxes import MAILBOXES, check_applications, check_trunks
from router.storage.database import normalised

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


class Http(BaseModel):
    """Where the API listens. Only loopback addresses are allowed as long as no API key has been made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)  # 0 takes a free one


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
    region: str = "US"  # national forms of numbers are this country's (ISO 3166)
    time_zone: str = "UTC"  # the company's own: in it a job's dates are whole days
    mask_numbers: bool = True  # in the log
    # External numbers that may be called begin with one of these, such as "+1212,+1646"; empty: none. What the PBX
    # really calls is limited by the dialplan's own context router-outside as well.
    external_prefixes: Annotated[tuple[str, ...], NoDecode] = ()
    ami: Ami = Ami()
    guard: Guard = Guard()
    http: Http = Http()
    log: Log = Log()

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
        if not re.match(r"(sqlite|postgres(ql)?)(\+[a-z0-9]+)?://", database):
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
        return (init_settings, env_settings, *from_file)


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
        elif error["loc"][-1] in ("secret", "database"):  # neither is for a log, the address may hold a password
            yield f"{name} is wrong: {said}"
        else:
            yield f"{name}: {error['input']!r} is wrong: {said[:1].lower()}{said[1:]}"
