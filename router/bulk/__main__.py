"""What does the child process do that is asked to import or to export?

It reads the job as one line of JSON, does it, and tells in lines of JSON how far it is and what became of it. It ends
when whoever asked is gone: nothing is written then, or all of it.
"""

import asyncio
import json
import os
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from time import monotonic
from typing import Any

from router.bulk.columns import IMPORTED
from router.bulk.company import Settings, load_whole
from router.bulk.difference import as_json
from router.bulk.exporting import export, nouns_for
from router.bulk.form import parts_of
from router.bulk.importing import File, Imported, Manner, import_files
from router.bulk.job import Job
from router.bulk.plan import Options
from router.bulk.remarks import ImportRefused, Remark, told
from router.changes.faults import ChangeRefused, LeadsNowhere
from router.changes.nouns import Declared
from router.changes.wishes import By
from router.routing.configuration import Noun
from router.routing.table import TableError
from router.storage.database import Database, StorageError
from router.storage.import_schema import ImportState
from router.storage.schema import Source

# Calls come first: what a process of the same priority computes makes them wait for the processor.
STEPS_BACK = 10  # of 19: the transaction at the end shall not take much longer than it must, others wait for it
TELL_EVERY = 0.1  # seconds; a bar that moves ten times a second looks smooth


def main() -> None:
    """Do the job that stands in the first line of standard input."""
    os.nice(STEPS_BACK)
    job = Job.from_json(json.loads(sys.stdin.readline()))
    threading.Thread(target=_end_with_who_asked, daemon=True).start()
    _print({"outcome": asyncio.run(_outcome(job))})


def _end_with_who_asked() -> None:
    sys.stdin.read()
    os._exit(1)  # whatever is going on: an open transaction is undone with its connection


async def _outcome(job: Job) -> dict[str, Any]:
    db = Database(job.database)
    try:
        if job.export:
            return await _export(db, job)
        return _done(await _import(db, job))
    except ImportRefused as refused:
        faults = _told(refused.faults, job)
        count = len(refused.faults)
        sentence = f"{count:,} {'fault' if count == 1 else 'faults'}, so nothing was imported"
        return _refused(sentence, faults=faults, remarks=_told(refused.remarks, job))
    except LeadsNowhere as refused:
        nowhere = [{"sentence": end.sentence, "path": list(end.path)} for end in refused.found]
        return _refused("callers would be left without a person, so nothing was imported", nowhere=nowhere)
    except (ChangeRefused, TableError) as refused:
        return _refused(f"{refused}; nothing was imported")
    except StorageError as fault:
        return {"state": ImportState.FAILED, "sentence": f"{fault}; nothing was imported"}
    finally:
        await db.close()


async def _import(db: Database, job: Job) -> Imported:
    settings = _settings(job)
    options = Options(replace=job.replace, remove_up_to=job.remove_up_to)
    manner = Manner(dry_run=job.dry_run, private=job.private, everything=job.everything)
    by = By(actor=job.actor, key=job.key, source=Source.IMPORT)
    return await import_files(db, _files(job), settings, options, manner, by, job.at, _Progress())


async def _export(db: Database, job: Job) -> dict[str, Any]:
    (declared,) = [one for one in IMPORTED if one.plural == job.export]
    whole = await load_whole(db, nouns_for(declared))
    _write(Path(job.into), export(declared, whole, job.region, private=job.private))
    return {"state": ImportState.DONE, "sentence": f"{len(whole.objects[declared.noun]):,} {declared.plural}"}


def _write(path: Path, pieces: Iterable[str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(pieces)


def _files(job: Job) -> dict[Noun, File]:
    """Raises ImportRefused when two are of one noun, or none is there."""
    given = [(noun, Path(path).name, Path(path).read_bytes()) for noun, path in job.files]
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


def _done(done: Imported) -> dict[str, Any]:
    return {
        "state": ImportState.DONE,
        "sentence": "imported" if done.version is not None else "nothing was changed",
        "version": done.version,
        "told": {"difference": as_json(done.difference), "remarks": told(done.remarks)},
    }


def _refused(sentence: str, **found: Any) -> dict[str, Any]:
    return {"state": ImportState.REFUSED, "sentence": sentence, "told": found}


def _told(remarks: tuple[Remark, ...], job: Job) -> dict[str, Any]:
    return told(remarks, everything=job.everything)


class _Progress:
    def __init__(self) -> None:
        self._last = ("", 0.0)

    def __call__(self, doing: str, done: int, of: int) -> None:
        now = monotonic()
        if doing != self._last[0] or now - self._last[1] >= TELL_EVERY:
            self._last = doing, now
            _print({"progress": {"doing": doing, "done": done, "of": of}})


def _print(told: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
