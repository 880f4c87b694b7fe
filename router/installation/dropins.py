"""Which files of ours stand in Asterisk's folder, are they this version's, and do its own files include them?

Asterisk's own files are read and never written. Beside FreePBX, which writes them anew, its *_custom.conf take our
lines.
"""

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from enum import StrEnum
from pathlib import Path

from router.ami.shipped import EXTENSIONS, MANAGER, QUEUES

GUARD, ORIGINATE = "manager.d/router_guard.conf", "manager.d/router_originate.conf"
SECRET, GUARD_SECRET, ORIGINATE_SECRET = (
    "router_secret.conf",
    "router_guard_secret.conf",
    "router_originate_secret.conf",
)

# Asterisk's own file, and the one that FreePBX leaves to the administrator.
INCLUDED_BY: Mapping[str, tuple[str, str]] = {
    EXTENSIONS: ("extensions.conf", "extensions_custom.conf"),
    QUEUES: ("queues.conf", "queues_custom.conf"),
    MANAGER: ("manager.conf", "manager_custom.conf"),
    GUARD: ("manager.conf", "manager_custom.conf"),
    ORIGINATE: ("manager.conf", "manager_custom.conf"),
}
OF_FREEPBX = "extensions_additional.conf"  # it writes this one in any case, and nobody else does
DEEPEST = 5  # includes within includes; FreePBX has three

_ADMINISTRATORS = re.compile(r"(permit|deny|acl|disabledevents|writetimeout)\s*=")
_INCLUDE = re.compile(r"#(?:try)?include\s+[\"<]?([^\">;]+?)[\">]?\s*(?:;.*)?")
_SECRET_LINE = re.compile(r"secret\s*=>?\s*(\S+)")


class Standing(StrEnum):
    """same: as shipped, but for what is the administrator's own · other: another version, or changed by hand ·
    missing · unreadable: for this user."""

    SAME = "same"
    OTHER = "other"
    MISSING = "missing"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class DropIn:
    """One file that we bring: its name in Asterisk's folder, its text, and how it stands there now."""

    name: str
    text: str
    there: str | None  # what stands there, None when nothing does or it can't be read
    standing: Standing

    def difference(self) -> str:
        """From what stands there to what we bring, as `diff -u` tells it."""
        before = (self.there or "").splitlines(keepends=True)
        lines = unified_diff(before, self.text.splitlines(keepends=True), f"{self.name} (there)", f"{self.name} (new)")
        return "".join(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A line that is missing in a file of Asterisk's, or of its administrator's."""

    file: str
    line: str


def drop_ins(asterisk: Path, shipped: Path, *, guard: bool, originate: bool) -> tuple[DropIn, ...]:
    """Our files, the two optional users where they are wanted. Raises OSError when the shipped files are not there."""
    custom = is_freepbx(asterisk)
    wanted = {*([GUARD_SECRET] if guard else []), *([ORIGINATE_SECRET] if originate else [])}
    return tuple(_drop_in(asterisk, name, _text(shipped, name, custom=custom)) for name in names_of(wanted))


def names_of(secrets: Container[str]) -> tuple[str, ...]:
    """Which files of ours are wanted, where these files with secrets are: each optional user has one."""
    guard, originate = GUARD_SECRET in secrets, ORIGINATE_SECRET in secrets
    return EXTENSIONS, QUEUES, MANAGER, *([GUARD] if guard else []), *([ORIGINATE] if originate else [])


def missing_includes(asterisk: Path, names: Iterable[str]) -> tuple[Missing, ...]:
    """Which lines are missing so that Asterisk reads these files. A file that can't be read includes nothing."""
    custom = is_freepbx(asterisk)
    seen: dict[str, set[Path]] = {}
    missing = []
    for name in names:
        own, administrators = INCLUDED_BY[name]
        if own not in seen:
            seen[own] = set(_included(asterisk, asterisk / own, DEEPEST))
        if (asterisk / name).resolve() not in seen[own]:
            missing.append(Missing(file=administrators if custom else own, line=f"#include {name}"))
    return tuple(missing)


def is_freepbx(asterisk: Path) -> bool:
    """Whether FreePBX writes the files of this folder."""
    return (asterisk / OF_FREEPBX).exists() or Path("/etc/freepbx.conf").exists()


def secret_in(file: Path) -> str:
    """The secret of an AMI user as it stands in a file of its own. Raises OSError when that can't be read."""
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        if found := _SECRET_LINE.fullmatch(line.partition(";")[0].strip()):
            return found[1]
    return ""


def _text(shipped: Path, name: str, *, custom: bool) -> str:
    sample = shipped / f"{name}.sample"  # what is an option is shipped as a sample
    text = (sample if sample.is_file() else shipped / name).read_text(encoding="utf-8")
    # FreePBX's panels need the events that this line takes away from every AMI client.
    return text.replace("\ndisabledevents", "\n; left out beside FreePBX: disabledevents") if custom else text


def _drop_in(asterisk: Path, name: str, text: str) -> DropIn:
    try:
        there = (asterisk / name).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return DropIn(name=name, text=text, there=None, standing=Standing.MISSING)
    except OSError:
        return DropIn(name=name, text=text, there=None, standing=Standing.UNREADABLE)
    same = there == text or (name.startswith("manager.d/") and _settings(there) == _settings(text))
    return DropIn(name=name, text=text, there=there, standing=Standing.SAME if same else Standing.OTHER)


def _settings(text: str) -> list[str]:
    """What a file of an AMI user says, without comments and what each administrator sets as it has to be here."""
    lines = (line.partition(";")[0].strip() for line in text.splitlines())
    return [re.sub(r"\s*=\s*", " = ", line) for line in lines if line and not _ADMINISTRATORS.match(line)]


def _included(asterisk: Path, file: Path, deeper: int) -> Iterator[Path]:
    """Every file that this one includes, and those that they include."""
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        if (found := _INCLUDE.fullmatch(line.strip())) is None:
            continue
        pattern = Path(found[1].strip())
        pattern = pattern if pattern.is_absolute() else asterisk / pattern
        for one in sorted(pattern.parent.glob(pattern.name)) if "*" in pattern.name else [pattern]:
            yield one.resolve()
            if deeper:
                yield from _included(asterisk, one, deeper - 1)
