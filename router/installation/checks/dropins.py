"""Do our files stand in Asterisk's folder as this version ships them, included, with the router's own secret?"""

from collections.abc import Callable, Iterator
from pathlib import Path

from router.installation.checks.files import mode_of
from router.installation.dropins import (
    GUARD_SECRET,
    ORIGINATE_SECRET,
    SECRET,
    Standing,
    drop_ins,
    missing_includes,
    secret_in,
)
from router.installation.finding import Finding, fault, good, left_out, warning
from router.installation.premises import Premises
from router.settings_of_parts import SettingsError

FILES, SECRET_FILE = "Asterisk's files", "Asterisk's secret"


def look_at_drop_ins(premises: Premises) -> Iterator[Finding]:
    """Asterisk's folder, where it is on this machine."""
    asterisk = premises.asterisk
    if asterisk is None:
        return
    settings = premises.settings
    guard, originate = (bool(one.secret_file or one.secret) for one in (settings.guard, settings.originate))
    try:
        files = drop_ins(asterisk, premises.shipped, guard=guard, originate=originate)
    except OSError as gone:
        yield left_out(FILES, f"not compared: the shipped ones are not where this program lies ({gone.strerror})")
        return
    others = [file.name for file in files if file.standing is Standing.OTHER]
    missing = [file.name for file in files if file.standing is Standing.MISSING]
    unreadable = [file.name for file in files if file.standing is Standing.UNREADABLE]
    includes = missing_includes(asterisk, tuple(file.name for file in files))
    if missing:
        yield fault(FILES, f"{asterisk} lacks {', '.join(missing)}: `router init` puts them there")
    for lack in includes:
        yield fault(FILES, f"{asterisk / lack.file} doesn't have the line `{lack.line}`: add it at its end, and reload")
    if others:
        yield warning(
            FILES,
            f"{', '.join(others)} in {asterisk} {'is' if len(others) == 1 else 'are'} not as this version ships it, or"
            " was changed by hand: `router upgrade` shows the difference",
        )
    if unreadable:
        yield left_out(FILES, f"{', '.join(unreadable)} in {asterisk} can't be read by this user: ask as root")
    if not (missing or includes or others or unreadable):
        yield good(FILES, f"{len(files)} of ours in {asterisk}, as this version ships them, and included")
    for name, read in (
        (SECRET, settings.ami.read_secret),
        *(((GUARD_SECRET, settings.guard.read_secret),) if guard else ()),
        *(((ORIGINATE_SECRET, settings.originate.read_secret),) if originate else ()),
    ):
        yield from _secret(asterisk / name, read)


def _secret(file: Path, read: Callable[[], str]) -> Iterator[Finding]:
    try:
        theirs, mode = secret_in(file), mode_of(file)
        ours = read()
    except FileNotFoundError:
        yield fault(SECRET_FILE, f"there is no {file}, so nobody can log in: `router init` writes it")
        return
    except OSError:
        yield left_out(SECRET_FILE, f"{file} can't be read by this user: ask as root")
        return
    except SettingsError:
        return  # told where the settings are looked at, or the PBX
    if mode & 0o007:
        yield fault(SECRET_FILE, f"everybody on this machine may read or change {file}: `chmod o= {file}`")
    if theirs != ours:
        yield fault(
            SECRET_FILE,
            f"the secret in {file} is not the router's: put the same into both, `manager reload`, and restart"
            " the router",
        )
    elif not mode & 0o007:
        yield good(SECRET_FILE, f"{file.name} holds the router's own, and not everybody may read it")
