"""How does a test import and export?"""

from collections.abc import Mapping
from datetime import datetime

from router.bulk.columns import IMPORTED
from router.bulk.company import Settings, load_whole
from router.bulk.exporting import export
from router.bulk.importing import File, Imported, Manner, import_files, undo_import
from router.bulk.plan import Options
from router.changes.wishes import By
from router.lab.sample import REGION, TIME_ZONE
from router.storage.access_schema import Source
from router.storage.database import Database
from tests.sample_database import MONDAY_NOON

SETTINGS = Settings(region=REGION, time_zone=TIME_ZONE, external_prefixes=("+1917",))
BY = By(actor="a test", source=Source.IMPORT)

_NOUNS = {declared.plural: declared.noun for declared in IMPORTED}


async def imported(
    db: Database,
    files: Mapping[str, str | bytes],
    options: Options = Options(),  # noqa: B008 (a frozen value)
    *,
    dry_run: bool = False,
    private: bool = True,
    now: datetime = MONDAY_NOON,
) -> Imported:
    """Import these files, each by what it is of."""
    given = {
        _NOUNS[plural]: File(
            name=f"{plural}.csv",
            noun=_NOUNS[plural],
            content=content if isinstance(content, bytes) else content.encode(),
        )
        for plural, content in files.items()
    }
    manner = Manner(dry_run=dry_run, private=private)
    return await import_files(db, given, SETTINGS, options, manner, BY, now, _silent)


async def undone(db: Database, version: int) -> Imported:
    """Take back what made this version of the table."""
    return await undo_import(db, version, SETTINGS, Manner(), BY, MONDAY_NOON, _silent)


async def exported(db: Database, *, private: bool = True) -> dict[str, str]:
    """All four files."""
    whole = await load_whole(db)
    return {declared.plural: "".join(export(declared, whole, REGION, private=private)) for declared in IMPORTED}


def _silent(_doing: str, _done: int, _of: int) -> None:
    pass
