"""How does an admin get a copy of the database, while the router runs?"""

from pathlib import Path

from router.commands.console import out
from router.settings import load_settings


def backup(file: Path) -> None:
    """Copy the database into a file, while the router runs. For SQLite; PostgreSQL has pg_dump.

    A router serves from the copy when it is put in the database's place (OPERATIONS.md). It holds callers' numbers:
    keep it as well as the database.

    Parameters
    ----------
    file
        A file that isn't there yet. Its folder must be.
    """
    from router.storage.backup import back_up

    made = back_up(load_settings().database, file)
    out.print(
        f"{made.file}: {made.size / 1e6:.1f} MB, table {made.table}, {made.calls} calls; read again and whole.",
        highlight=False,
        soft_wrap=True,
    )
