"""Which imports wait, which one runs, and how is what became of it told?

One after the other, each in a process of its own. How far it is stands in the database, so that every process can say
so. What was asked for and not done when the router stops is told as failed: nothing of it was written.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from router.bulk.company import Settings
from router.bulk.errand import do
from router.bulk.job import WITHIN, Job, Outcome
from router.changes.aside import Child, NotDone
from router.storage.database import Database, StorageError
from router.storage.import_schema import ImportState
from router.storage.imports import ImportPage, KeptImport, import_of, imports_page, open_import, tell_import

MOST_WAITING = 10  # imports; each has its files on the disk
TELL_EVERY = 1.0  # seconds; who asks how far an import is, looks no more often
IDLE_FOR = 60.0  # seconds without an import, after which the memory of the process that exports is given back
IN_FORCE_WITHIN = 30.0  # seconds until calls are decided by what was imported; one or two are usual
LOOK_EVERY = 0.05  # seconds between two looks at which table that is
# No sign of life for so long means that the process that ran it is gone: it tells every second, save while it writes.
SILENT_FOR = timedelta(minutes=2)

log = structlog.get_logger()


class TooManyImports(Exception):
    """As many imports wait as may; the message says what to do."""


class Imports:
    """Imports that were asked for over HTTP, and exports; `run` carries the imports out."""

    def __init__(
        self,
        db: Database,
        settings: Settings,
        *,
        version: Callable[[], int | None],
        now: Callable[[], datetime],
    ) -> None:
        """`version` is that of the table that calls are decided by."""
        self._db = db
        self._blank = Job(
            database=db.url,
            region=settings.region,
            time_zone=settings.time_zone,
            external_prefixes=settings.external_prefixes,
            now=now(),
        )
        self._version = version
        self._now = now
        self._waiting: asyncio.Queue[tuple[int, Job]] = asyncio.Queue(MOST_WAITING)
        self._exporter = Child("export")

    def job(self, **asked: Any) -> Job:
        """A job on our database, by these fields of it."""
        return replace(self._blank, now=self._now(), **asked)

    async def begin(self, job: Job, asked: Mapping[str, Any]) -> int:
        """Let this be imported when its turn comes, and return the id by which it is asked about.

        The files of the job are removed afterwards. `asked` is shown of it. Raises TooManyImports, StorageError.
        """
        if self._waiting.full():
            raise TooManyImports(f"{MOST_WAITING} imports wait already: try again when they are done")
        identity = await open_import(self._db, asked, job.actor, job.key, job.now)
        self._waiting.put_nowait((identity, job))
        return identity

    async def standing(self, identity: int) -> KeptImport | None:
        """How far this import is, or what became of it; None when there is none. Raises StorageError."""
        kept = await import_of(self._db, identity)
        return kept and self._as_it_is(kept)

    async def page(self, **wanted: Any) -> ImportPage:
        """A part of all that were asked for, as `imports_page` is asked for it. Raises BadCursor, StorageError."""
        page = await imports_page(self._db, **wanted)
        return replace(page, imports=tuple([self._as_it_is(kept) for kept in page.imports]))

    def _as_it_is(self, kept: KeptImport) -> KeptImport:
        unfinished = kept.state in (ImportState.WAITING, ImportState.RUNNING)
        if not unfinished or self._now() - kept.told_at < SILENT_FOR:
            return kept
        outcome = {"sentence": "the router that ran it is gone; nothing was imported"}
        return replace(kept, state=ImportState.FAILED, outcome=outcome)

    async def export(self, plural: str, into: Path, *, private: bool) -> Outcome:
        """Write everything of this noun into a file, one export at a time."""
        job = self.job(export=plural, into=str(into), private=private)
        try:
            return await self._exporter.do(do, WITHIN, job)
        except NotDone as fault:
            return Outcome(state=ImportState.FAILED, sentence=str(fault))

    async def close(self) -> None:
        """Forget what still waits, with its files, and end the process that exports."""
        while not self._waiting.empty():
            await _remove_files(self._waiting.get_nowait()[1])
        await self._exporter.close()

    async def run(self) -> None:
        """Carry out what is asked for, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(IDLE_FOR):
                    identity, job = await self._waiting.get()
            except TimeoutError:
                await self._exporter.close()
                continue
            try:
                await self._carry_out(identity, job)
            except StorageError as fault:
                log.warning("import not told of", id=identity, why=str(fault))
            finally:
                await _remove_files(job)

    async def _carry_out(self, identity: int, job: Job) -> None:
        await tell_import(self._db, identity, ImportState.RUNNING, self._now())
        progress: dict[str, Any] = {}
        async with asyncio.TaskGroup() as both:
            telling = both.create_task(self._tell(identity, progress))
            outcome = await _aside(replace(job, now=self._now()), progress.update)
            telling.cancel()
        if outcome.version is not None:
            await self._wait_until_in_force(outcome.version)
        told = {"sentence": outcome.sentence, **outcome.told}
        await tell_import(self._db, identity, outcome.state, self._now(), outcome=told, version=outcome.version)
        log.info("import ended", id=identity, state=outcome.state.value, says=outcome.sentence, table=outcome.version)

    async def _tell(self, identity: int, progress: Mapping[str, Any]) -> None:
        while True:
            await asyncio.sleep(TELL_EVERY)
            with suppress(StorageError):  # the import itself may be writing
                await tell_import(self._db, identity, ImportState.RUNNING, self._now(), progress=progress)

    async def _wait_until_in_force(self, version: int) -> None:
        for _ in range(round(IN_FORCE_WITHIN / LOOK_EVERY)):
            if (self._version() or 0) >= version:
                return
            await asyncio.sleep(LOOK_EVERY)


async def _remove_files(job: Job) -> None:
    """Those that were put down for this job."""
    for path in (*(path for _, _, path in job.files), *([job.form[1]] if job.form else ())):
        await asyncio.to_thread(Path(path).unlink, missing_ok=True)


async def _aside(job: Job, hear: Callable[[Any], None]) -> Outcome:
    child = Child("import")
    try:
        return await child.follow(do, WITHIN, hear, job)
    except NotDone as fault:
        return Outcome(state=ImportState.FAILED, sentence=f"{fault}; nothing was imported")
    finally:
        await child.close()
