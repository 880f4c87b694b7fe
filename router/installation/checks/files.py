"""Are the settings and the secrets' files as they should be, and is there room on the disk?"""

import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from router.installation.finding import Finding, fault, good, warning
from router.installation.premises import Premises, handed_over
from router.storage.database import normalised

SETTINGS, SECRETS, DISK = "settings", "secrets", "disk"

LITTLE = 1024**3  # bytes; a year of 1,000 calls a day takes about this much
NEXT_TO_NOTHING = 100 * 1024**2  # bytes; SQLite's log grows to a few MB in an hour of many calls


def look_at_files(premises: Premises) -> Iterator[Finding]:
    """Settings, secrets and disk, as they lie on this machine."""
    yield from _settings(premises)
    yield from _secrets(premises)
    yield from _disk(premises)


def _settings(premises: Premises) -> Iterator[Finding]:
    file = premises.settings_file
    settings = premises.settings
    if file is None:
        yield good(SETTINGS, "from ROUTER_* variables alone")
        return
    written = file.read_text(encoding="utf-8", errors="replace")
    holds = [
        secret
        for secret in (settings.ami.secret, settings.guard.secret, settings.originate.secret, settings.mail.password)
        if secret.get_secret_value() and secret.get_secret_value() in written
    ]
    password = normalised(settings.database).password
    if (holds or (password and str(password) in written)) and mode_of(file) & 0o007:
        yield fault(
            SETTINGS,
            f"{file} holds a secret and everybody on this machine may read it: move the secret into a file of its own"
            f" (ROUTER_…_FILE), or `chmod 640 {file}`",
        )
        return
    yield good(SETTINGS, f"{file} can be read, and every setting in it is known")


def _secrets(premises: Premises) -> Iterator[Finding]:
    files = premises.secret_files()
    wrong = 0
    for variable, file in files.items():
        if handed_over(file):
            continue
        try:
            mode = mode_of(file)
        except OSError as gone:
            wrong += 1
            yield fault(SECRETS, f"{variable} names {file}, which can't be looked at ({gone.strerror}): put it there")
            continue
        if mode & 0o007:
            wrong += 1
            yield fault(
                SECRETS, f"everybody on this machine may read or change {file} (mode {mode:04o}): `chmod o= {file}`"
            )
    if not wrong:
        yield good(SECRETS, f"{len(files)} lie in files, none of them open to everybody")


def _disk(premises: Premises) -> Iterator[Finding]:
    database = normalised(premises.settings.database)
    if database.get_backend_name() != "sqlite":
        return
    folder = Path(str(database.database)).absolute().parent
    if not folder.is_dir():
        return  # told where the database is looked at
    free = shutil.disk_usage(folder).free
    told = f"{free / 1024**3:.1f} GB free in {folder}"
    if free < NEXT_TO_NOTHING:
        yield fault(DISK, f"{told}: records of calls will soon be lost, make room")
    elif free < LITTLE:
        yield warning(DISK, f"{told}: make room before records of calls find none")
    else:
        yield good(DISK, told)


def mode_of(file: Path) -> int:
    """Who may do what with it. Raises OSError."""
    return stat.S_IMODE(file.stat().st_mode)
