"""How is this router set up?

From `ROUTER_*` variables, and from the TOML file that `ROUTER_SETTINGS` names; a variable wins over the file. In the
file the same names are written small and in tables: `ROUTER_AMI_HOST` is `host` under `[ami]`. Secrets that systemd
hands over (credentials.py) come between the two.
"""

import os
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from router.credentials import FOLDER, handed
from router.settings_of_parts import (
    Ami,
    Commitment,
    Guard,
    Http,
    Log,
    Mail,
    Originate,
    SettingsError,
    Webhook,
    listed,
    secret_of,
)
from router.storage.database import normalised
from router.storage.retention import FEWEST_DAYS

PREFIX = "ROUTER_"
FILE = "ROUTER_SETTINGS"


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
        password = secret_of(SecretStr(""), Path(file), "ROUTER_DATABASE_PASSWORD_FILE")
        return {**said, "database": address.set(password=password).render_as_string(hide_password=False)}

    @field_validator("external_prefixes", mode="before")
    @classmethod
    def _listed(cls, prefixes: object) -> object:
        return listed(prefixes)

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


def _is_address(database: str) -> bool:
    return re.match(r"(sqlite|postgres(ql)?)(\+[a-z0-9]+)?://", database) is not None


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
