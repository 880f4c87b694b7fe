"""How is a file put in place, so that neither an interruption nor a mistake loses what was there?

What stood there is kept beside it under a name with the time, which no `#include *.conf` reads. The new text is written
to the end beside its place and only then takes it.
"""

import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import unified_diff
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """A file that shall have this text. `there` is what it has now, None when there is none.

    `mode` is for a new file; one that is there keeps its own. `like` is a file or folder whose owner the new one gets,
    where we may give it away. `secret`: its text is not for a screen. `theirs`: an administrator may have changed it on
    purpose, so it is replaced only when somebody says so.
    """

    file: Path
    text: str
    mode: int
    there: str | None = None
    like: Path | None = None
    secret: bool = False
    theirs: bool = False

    @property
    def difference(self) -> str:
        """What would change, as `diff -u` tells it; never of a secret."""
        if self.secret or self.there is None:
            return ""
        before, after = (text.splitlines(keepends=True) for text in (self.there, self.text))
        return "".join(unified_diff(before, after, f"{self.file} (now)", f"{self.file} (new)"))


def place(put: Put, now: datetime) -> Path | None:
    """Put it in place, whole or not at all; returns where the text before is kept. Raises OSError."""
    make_folder(put.file.parent, 0o700 if put.secret else 0o755)
    backup = None
    mode = put.mode
    if put.there is not None:
        backup = put.file.with_name(f"{put.file.name}.{stamp(now)}")
        mode = put.file.stat().st_mode & 0o777
        _write(backup, put.file.read_text(encoding="utf-8", errors="surrogateescape"), mode, put.file)
    _write(put.file, put.text, mode, put.file if put.there is not None else put.like)
    return backup


def make_folder(folder: Path, mode: int) -> None:
    """Make it with this mode, whatever the shell's umask says; one that is there stays as it is. Raises OSError."""
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
        folder.chmod(mode)


def stamp(now: datetime) -> str:
    """The time as a part of a file's name."""
    return now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _write(file: Path, text: str, mode: int, like: Path | None) -> None:
    handle, beside = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")  # open to nobody else from the start
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as written:
            written.write(text)
            written.flush()
            os.fsync(written.fileno())
        if like is not None and like.exists():
            with suppress(PermissionError):  # only root gives files away
                os.chown(beside, like.stat().st_uid, like.stat().st_gid)
        os.chmod(beside, mode)
        os.replace(beside, file)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
