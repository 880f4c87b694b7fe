"""What shall stand on this machine: which settings, in which folders, and what of it is there already?"""

import json
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from router.ami.shipped import FOLDER, MANAGER
from router.installation.dropins import GUARD_SECRET, ORIGINATE_SECRET, SECRET, Standing, drop_ins, secret_in
from router.installation.placing import Put
from router.settings import Settings
from router.settings_of_parts import SettingsError
from router.storage.database import normalised, without_password

UNIT = Path(__file__).with_name("call-router.service")
SYSTEMD_RUNS = Path("/run/systemd/system")
PROGRAM = Path(__file__).resolve().parents[2]
USUAL_PROGRAM = "/opt/call-router"  # where the unit says that the program lies

SECRET_BYTES = 24  # 48 hexadecimal digits: nothing to guess, and no character that a file of Asterisk's takes for more

# Settings hold no secret and are read by a service whose user exists only while it runs, so all may read them.
SETTINGS_MODE, SECRET_MODE, ASTERISKS_MODE, UNIT_MODE = 0o644, 0o600, 0o640, 0o644


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What an administrator has answered. `asterisk` is None where the PBX is on another machine."""

    settings_file: Path
    database: str
    ami_host: str
    ami_port: int
    region: str
    time_zone: str
    asterisk: Path | None
    shipped: Path = FOLDER
    systemd: bool = False
    units: Path = Path("/etc/systemd/system")

    @property
    def secrets(self) -> Path:
        """The folder of the secrets' files."""
        return self.settings_file.parent / "secrets"

    def secret_file(self, name: str) -> Path:
        return self.secrets / name


def usual_folders() -> tuple[Path, Path]:
    """Where settings and what is kept lie: of the machine for root, else of who asks."""
    if os.geteuid() == 0:
        return Path("/etc/call-router"), Path("/var/lib/call-router")
    home = Path.home()
    return home / ".config/call-router", home / ".local/share/call-router"


def settings_of(wanted: Wanted) -> Settings:
    """The settings that these answers make, before there is a secret. Raises SettingsError, a sentence for each fault.

    `wanted.ami_port` and the others may be anything that was typed.
    """
    try:
        return Settings.model_validate(
            {
                "database": wanted.database,
                "region": wanted.region,
                "time_zone": wanted.time_zone,
                "ami": {"host": wanted.ami_host, "port": wanted.ami_port, "secret": "drawn later"},
            }
        )
    except ValidationError as fault:
        wrong = fault.errors(include_url=False, include_input=False)
        told = (f"{'.'.join(map(str, one['loc']))}: {one['msg'].removeprefix('Value error, ')}" for one in wrong)
        raise SettingsError("\n".join(told)) from None


def own_files(wanted: Wanted) -> Iterator[Put]:
    """The router's own files that are not there yet, each after those that it names. Raises OSError."""
    address = normalised(wanted.database)
    is_there = wanted.settings_file.exists()
    settings = wanted.settings_file.read_text(encoding="utf-8") if is_there else _settings(wanted)
    for name, text in (
        ("ami_secret", _known_to_asterisk(wanted) or _drawn()),
        ("database_password", str(address.password or "")),
    ):
        file = wanted.secret_file(name)
        if text and str(file) in settings and not file.exists():
            yield Put(file=file, text=text + "\n", mode=SECRET_MODE, secret=True)
    if not is_there:
        yield Put(file=wanted.settings_file, text=settings, mode=SETTINGS_MODE)
    if wanted.systemd:
        unit = UNIT.read_text(encoding="utf-8").replace(USUAL_PROGRAM, str(PROGRAM))
        file = wanted.units / UNIT.name
        there = file.read_text(encoding="utf-8") if file.exists() else None
        if there != unit:
            yield Put(file=file, text=unit, mode=UNIT_MODE, there=there, theirs=True)


def secrets_of_users(settings: Settings) -> dict[str, str]:
    """The secret of each AMI user that is wanted, by the file in Asterisk's folder. Raises SettingsError."""
    said = {
        SECRET: settings.ami.read_secret(),
        GUARD_SECRET: settings.guard.read_secret(),
        ORIGINATE_SECRET: settings.originate.read_secret(),
    }
    return {file: secret for file, secret in said.items() if secret}


def asterisks_files(asterisk: Path, shipped: Path, secrets_of: Mapping[str, str]) -> Iterator[Put]:
    """Our files in Asterisk's folder that are missing there or differ, with `secrets_of_users`. Raises OSError."""
    owner = next((asterisk / own for own in ("manager.conf", "extensions.conf") if (asterisk / own).exists()), asterisk)
    for drop_in in drop_ins(
        asterisk, shipped, guard=GUARD_SECRET in secrets_of, originate=ORIGINATE_SECRET in secrets_of
    ):
        if drop_in.standing is Standing.UNREADABLE:
            raise PermissionError(f"{asterisk / drop_in.name} can't be read by this user: do it as root")
        if drop_in.standing is not Standing.SAME:
            yield Put(
                file=asterisk / drop_in.name,
                text=drop_in.text,
                mode=ASTERISKS_MODE,
                there=drop_in.there,
                like=owner,
                theirs=drop_in.name.startswith(f"{Path(MANAGER).parent}/"),  # `permit` is the administrator's
            )
    for name, secret in secrets_of.items():
        file = asterisk / name
        there = file.read_text(encoding="utf-8") if file.exists() else None
        if there is None or secret_in(file) != secret:
            text = f"secret = {secret}\n"
            yield Put(file=file, text=text, mode=ASTERISKS_MODE, there=there, like=owner, secret=True, theirs=True)


def _known_to_asterisk(wanted: Wanted) -> str:
    """A secret that stands in Asterisk's folder already, from an earlier installation or by hand; "" when none does."""
    if wanted.asterisk is None or not (wanted.asterisk / SECRET).exists():
        return ""
    return secret_in(wanted.asterisk / SECRET)


def _drawn() -> str:
    return secrets.token_hex(SECRET_BYTES)


def _settings(wanted: Wanted) -> str:
    """The file that says all this."""
    address = normalised(wanted.database)
    top = {"database": without_password(wanted.database)}
    if address.password:
        top["database_password_file"] = str(wanted.secret_file("database_password"))
    top |= {"region": wanted.region, "time_zone": wanted.time_zone}
    ami = {
        "host": wanted.ami_host,
        "port": wanted.ami_port,
        "secret_file": str(wanted.secret_file("ami_secret")),
    }
    lines = [
        "# How this call router is set up; its README.md lists every setting, and `router doctor` looks at them.",
        *(f"{name} = {json.dumps(value)}" for name, value in top.items()),
        "",
        "[ami]",
        *(f"{name} = {json.dumps(value)}" for name, value in ami.items()),
        "",
    ]
    return "\n".join(lines)
