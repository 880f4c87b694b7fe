"""What does the child process do that is asked to import or to export?

It tells how far it is, and answers what became of it. When whoever asked is gone it ends at once (changes/aside.py):
nothing is written then, or all of it.
"""

import asyncio
import gc
from collections.abc import Iterable
from pathlib import Path
from time import monotonic
from typing import Any

from router.bulk.columns import IMPORTED
from router.bulk.company import Settings, load_whole
from router.bulk.difference import as_json
from router.bulk.exporting import export, nouns_for
from router.bulk.form import parts_of
from router.bulk.importing import File, Imported, Manner, import_files, undo_import
from router.bulk.job import Job, Outcome
from router.bulk.plan import Options
from router.bulk.remarks import ImportRefused, Remark, told
from router.changes.aside import tell
from router.changes.faults import ChangeRefused, LeadsNowhere
from router.changes.nouns import Declared
from router.changes.wishes import By
from router.routing.configuration import Noun
from router.routing.hiding import without_ends
from router.routing.table_errors import TableError
from router.storage.access_schema import Source
from router.storage.database import Database, StorageError
from router.storage.import_schema import ImportState

TELL_EVERY = 0.1  # seconds; a bar that moves ten times a second looks smooth


def do(job: Job) -> Outcome:
    """Do this job; to be called in a child process. What is wrong with it is in the outcome."""
    return asyncio.run(_outcome(job))


async def _outcome(job: Job) -> Outcome:
    db = Database(job.database)
    try:
        if job.export:
            return await _export(db, job)
        return _done(await _import(db, job), job)
    except ImportRefused as refused:
        faults = _told(refused.faults, job)
        count = len(refused.faults)
        sentence = f"{count:,} {'fault' if count == 1 else 'faults'}, so nothing was imported"
        return _refused(sentence, faults=faults, remarks=_told(refused.remarks, job))
    except LeadsNowhere as refused:
        nowhere = [{"sentence": end.sentence, "path": list(end.path)} for end in refused.found]
        return _refused("callers would be left without a person, so nothing was imported", nowhere=nowhere)
    except (ChangeRefused, TableError) as refused:
        said = str(refused) if job.private else without_ends(str(refused))
        return _refused(f"{said}; nothing was imported")
    except StorageError as fault:
        return Outcome(state=ImportState.FAILED, sentence=f"{fault}; nothing was imported")
    finally:
        await db.close()


async def _import(db: Database, job: Job) -> Imported:
    gc.disable()  # hundreds of thousands of objects that stay until the end, when the process does: a third of the time
    settings = _settings(job)
    options = Options(replace=job.replace, remove_up_to=job.remove_up_to)
    manner = Manner(dry_run=job.dry_run, private=job.private, everything=job.everything)
    by = By(actor=job.actor, key=job.key, source=Source.IMPORT)
    if job.undo is not None:
        return await undo_import(db, job.undo, settings, manner, by, job.now, _Progress())
    return await import_files(db, _files(job), settings, options, manner, by, job.now, _Progress())


async def _export(db: Database, job: Job) -> Outcome:
    (declared,) = [one for one in IMPORTED if one.plural == job.export]
    whole = await load_whole(db, nouns_for(declared))
    _write(Path(job.into), export(declared, whole, job.region, private=job.private))
    return Outcome(state=ImportState.DONE, sentence=f"{len(whole.objects[declared.noun]):,} {declared.plural}")


def _write(path: Path, pieces: Iterable[str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(pieces)


def _files(job: Job) -> dict[Noun, File]:
    """Raises ImportRefused when two are of one noun, or none is there."""
    given = [(noun, name, Path(path).read_bytes()) for noun, name, path in job.files]
    if job.form is not None:
        content_type, path = job.form
        given += parts_of(content_type, Path(path).read_bytes())
    files: dict[Noun, File] = {}
    faults: list[Remark] = []
    for plural, name, content in given:
        declared = _declared(plural) or _declared(Path(name).stem)
        if declared is None:
            known = ", ".join(one.plural for one in IMPORTED)
            faults.append(Remark(file=name, sentence=f"nothing says what it is of: call it one of {known}"))
        elif declared.noun in files:
            sentence = f"{files[declared.noun].name} is of {declared.plural} as well: put them into one file"
            faults.append(Remark(file=name, sentence=sentence))
        else:
            files[declared.noun] = File(name=name, noun=declared.noun, content=content)
    if faults or not files:
        raise ImportRefused(faults or [Remark(file="the request", sentence="there is no file in it")])
    return files


def _declared(plural: str) -> Declared | None:
    return next((one for one in IMPORTED if one.plural == plural.strip().casefold()), None)


def _settings(job: Job) -> Settings:
    return Settings(region=job.region, time_zone=job.time_zone, external_prefixes=tuple(job.external_prefixes))


def _done(done: Imported, job: Job) -> Outcome:
    return Outcome(
        state=ImportState.DONE,
        sentence="imported" if done.version is not None else "nothing was changed",
        version=done.version,
        told={"difference": as_json(done.difference), "remarks": told(done.remarks, private=job.private)},
    )


def _refused(sentence: str, **found: Any) -> Outcome:
    return Outcome(state=ImportState.REFUSED, sentence=sentence, told=found)


def _told(remarks: tuple[Remark, ...], job: Job) -> dict[str, Any]:
    return told(remarks, everything=job.everything, private=job.private)


class _Progress:
    def __init__(self) -> None:
        self._last = ("", 0.0)

    def __call__(self, doing: str, done: int, of: int) -> None:
        now = monotonic()
        if doing != self._last[0] or now - self._last[1] >= TELL_EVERY:
            self._last = doing, now
            tell({"doing": doing, "done": done, "of": of})
