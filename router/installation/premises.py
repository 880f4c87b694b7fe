"""What is looked at: which settings, which PBX, which folders of this machine?"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from router.ami.guard import GuardSettings
from router.ami.link import AmiSettings
from router.ami.shipped import FOLDER, Shipped, shipped
from router.routing.configuration import Configuration
from router.routing.model import Desk
from router.routing.table import Table
from router.settings import Settings

ASTERISK = Path("/etc/asterisk")
# What Docker and systemd hand over lies in folders of theirs, which nobody else can look into.
HANDED_OVER = (Path("/run/secrets"), Path("/run/credentials"))


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Premises:
    """One installation. `asterisk` is the PBX's folder where it lies on this machine; `shipped` what we bring for it.

    `now` is this machine's clock.
    """

    settings: Settings
    settings_file: Path | None = None
    asterisk: Path | None = None
    shipped: Path = FOLDER
    now: Callable[[], datetime] = utc_now

    def files(self) -> Shipped | None:
        """What this version ships for the PBX; None when the files are not where this program lies."""
        try:
            return shipped(self.shipped)
        except OSError:
            return None

    def ami(self) -> AmiSettings:
        """The router's own user. Raises SettingsError when its secret, or the CA, can't be read."""
        ami = self.settings.ami
        return AmiSettings(
            host=ami.host,
            port=ami.port,
            username=ami.username,
            secret=ami.read_secret(),
            ssl=ami.trust(),
            pbx=self.settings.pbx,
        )

    def originator(self) -> AmiSettings | None:
        """The user that places calls, None where nobody is. Raises SettingsError."""
        secret = self.settings.originate.read_secret()
        return replace(self.ami(), username=self.settings.originate.username, secret=secret) if secret else None

    def guard(self) -> GuardSettings | None:
        """The voicemail guard, None where there is none. Raises SettingsError."""
        guard = self.settings.guard
        secret = guard.read_secret()
        if not secret:
            return None
        ami = replace(self.ami(), username=guard.username, secret=secret)
        return GuardSettings(ami=ami, applications=guard.applications, trunks=guard.trunks)

    def secret_files(self) -> dict[str, Path]:
        """Every file with a secret that the settings name, by its variable."""
        named = {
            "ROUTER_AMI_SECRET_FILE": self.settings.ami.secret_file,
            "ROUTER_GUARD_SECRET_FILE": self.settings.guard.secret_file,
            "ROUTER_ORIGINATE_SECRET_FILE": self.settings.originate.secret_file,
            "ROUTER_MAIL_PASSWORD_FILE": self.settings.mail.password_file,
            "ROUTER_DATABASE_PASSWORD_FILE": self.settings.database_password_file,
        }
        return {variable: file for variable, file in named.items() if file is not None}


# What the PBX is compared with as long as nobody knows the table: the safety net in its first place.
NO_TABLE = Table.build(
    Configuration(
        region="US", time_zone="UTC", people=(), desks=(Desk(id=1, name="Coordinators", slot=1, safety_net=True),)
    ),
    version=0,
)


def handed_over(file: Path) -> bool:
    """Whether this file lies where Docker or systemd put secrets, whose modes are not the administrator's."""
    given = os.environ.get("CREDENTIALS_DIRECTORY")
    return any(file.is_relative_to(folder) for folder in (*HANDED_OVER, *([Path(given)] if given else [])))
