"""How is a copy made of a database that is in use, so that a router could serve from it?"""

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from router.storage.database import LOCKED_WITHIN, NotMigrated, StorageError, Unavailable, normalised


class NoBackup(StorageError):
    """It isn't for us to make this copy, or not there; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A copy that was read once more, and what is in it. `size` in bytes."""

    file: Path
    size: int
    table: int
    calls: int


def back_up(url: str, file: Path) -> Backup:
    """Copy the SQLite database at this address into a file that isn't there yet, whole or not at all.

    The copy is the state of one moment; who writes meanwhile waits for nothing and is not in it. It has everything:
    companies, calls, what is owed, keys (as hashes), the audit. Only its owner may read it. Waits for the disk, so it
    is not for a loop. Raises NoBackup, NotMigrated, and Unavailable when the database or the disk fails.
    """
    address = normalised(url)
    if address.get_backend_name() != "sqlite":
        raise NoBackup("PostgreSQL makes its own copies, also while the router runs: pg_dump --format=custom")
    source = Path(str(address.database))
    if not source.is_file():
        raise Unavailable(f"there is no database {source}")
    if file.exists():
        raise NoBackup(f"{file} is there already: name a file that isn't, or remove it")
    growing = file.with_name(f"{file.name}.growing")
    try:
        growing.unlink(missing_ok=True)
        os.close(os.open(growing, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        found = _copy(source, growing)
        size = _on_the_disk(growing)
        os.link(growing, file)  # unlike a rename it replaces nothing, should two do this at once
    except FileExistsError:
        raise NoBackup(f"somebody else is just making {file}") from None
    except OSError as fault:
        raise Unavailable(f"{file} can't be written: {fault.strerror}") from fault
    finally:
        growing.unlink(missing_ok=True)
    return Backup(file=file, size=size, table=found[0], calls=found[1])


def _copy(source: Path, target: Path) -> tuple[int, int]:
    try:
        with (
            closing(sqlite3.connect(f"file:{_quoted(source)}?mode=ro", uri=True, timeout=LOCKED_WITHIN)) as ours,
            closing(sqlite3.connect(target)) as copy,
        ):
            ours.backup(copy)  # in one step: in parts it would begin anew whenever somebody writes
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, without others beside it
            (well,) = copy.execute("PRAGMA integrity_check").fetchone()
            if well != "ok":
                raise Unavailable(f"the copy is damaged, and so is the database: {well}")
            (table,) = copy.execute("SELECT coalesce(max(version), 0) FROM table_versions").fetchone()
            (calls,) = copy.execute("SELECT count(*) FROM calls").fetchone()
            return int(table), int(calls)
    except sqlite3.Error as fault:
        if "no such table" in str(fault):
            raise NotMigrated(f"{fault}: run the migrations") from fault
        raise Unavailable(f"{source} can't be copied: {fault}") from fault


def _on_the_disk(file: Path) -> int:
    """A copy that a power cut takes away is none; returns its size."""
    with file.open("rb") as written:
        os.fsync(written.fileno())
    return file.stat().st_size


def _quoted(file: Path) -> str:
    return str(file.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
