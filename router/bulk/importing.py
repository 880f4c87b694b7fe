"""How does an import come into force?

By the steps of every change, each for all objects at once: what was written is checked, the table that it makes is
looked through for callers who would reach nobody, it is put on record and given its version. Only the writing itself is
done under the change lock; who has changed the table meanwhile has been quicker, and everything is thought through
again. To be run in a process that routes no calls: it thinks for as long as it takes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from router.bulk.columns import COLUMNS
from router.bulk.company import Settings, Whole, whole_in
from router.bulk.difference import Difference, difference
from router.bulk.plan import FirstNew, Options, Plan, Tell, plan
from router.bulk.remarks import ImportRefused, Remark
from router.bulk.sheets import Sheet, read_sheet
from router.bulk.undoing import plan_undo
from router.bulk.writing import entries_for, rows_for
from router.changes.aside import step_back
from router.changes.dead_ends import DeadEnds
from router.changes.faults import LeadsNowhere
from router.changes.wishes import By
from router.routing.configuration import Noun
from router.routing.table import Table
from router.storage.access_schema import Source
from router.storage.audit import entries_of_version
from router.storage.database import Database, Overtaken, Transaction
from router.storage.kept import next_id
from router.storage.staging import Staging
from router.storage.tables import next_version, version_in

# Rows or objects of one import that take more than a second: it has time then, and calls have none.
MANY = 5_000

TRIES = 5  # to write onto the table that was looked at: a big import thinks for half a minute, and admins go on

Planned = Callable[[Whole, FirstNew], Plan]


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """What a file of this noun is called, and what is in it."""

    name: str
    noun: Noun
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import did, or would do; `version` is that of the table it made, None where it made none."""

    version: int | None
    difference: Difference
    remarks: tuple[Remark, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How it is done: only as if, and how much of the difference is told."""

    dry_run: bool = False
    private: bool = True
    everything: bool = False


async def import_files(
    db: Database,
    files: Mapping[Noun, File],
    settings: Settings,
    options: Options,
    manner: Manner,
    by: By,
    now: datetime,
    tell: Tell,
) -> Imported:
    """Let the company be what these files say. Raises ImportRefused with all that is wrong with them, LeadsNowhere,
    TableError, StorageError; then nothing was changed.
    """

    def planned(whole: Whole, first_new: FirstNew) -> Plan:
        return plan(whole, sheets_of(files, tell), options, settings, first_new, now, tell)

    return await carry_out(db, planned, settings, manner, by, now, tell)


async def undo_import(
    db: Database, version: int, settings: Settings, manner: Manner, by: By, now: datetime, tell: Tell
) -> Imported:
    """Take back all that this version of the table changed. Raises as `import_files`."""
    async with db.reading() as look:
        entries = await entries_of_version(look, version)
    imported = [entry for entry in entries if entry.source is Source.IMPORT]
    _step_back_with(len(imported))

    def planned(whole: Whole, _first_new: FirstNew) -> Plan:
        return plan_undo(whole, imported, settings, now)

    return await carry_out(db, planned, settings, manner, by, now, tell)


def sheets_of(files: Mapping[Noun, File], tell: Tell) -> dict[Noun, Sheet]:
    """The files as they are read; what is wrong with them is among their faults."""
    tell("reading the files", 0, len(files))
    _step_back_with(sum(file.content.count(b"\n") for file in files.values()))
    return {noun: read_sheet(file.name, file.content, COLUMNS[noun]) for noun, file in files.items()}


def _step_back_with(count: int) -> None:
    if count >= MANY:
        step_back()


async def carry_out(
    db: Database, planned: Planned, settings: Settings, manner: Manner, by: By, now: datetime, tell: Tell
) -> Imported:
    """Look at the company, let `planned` say what shall become of it, and do that. Raises as `import_files`."""
    for _ in range(TRIES):
        tell("reading the company", 0, 0)
        async with db.reading() as look:
            whole = await whole_in(look, tuple(Noun))
        first_new = await _first_new(db)
        found = planned(whole, first_new)
        if found.faults:
            raise ImportRefused(found.faults, found.remarks)
        told = difference(
            found.steps, found.same, found.called, settings.region, private=manner.private, everything=manner.everything
        )
        _refuse_dead_ends(found, settings, now, tell)
        if manner.dry_run or not found.steps:
            return Imported(version=None, difference=told, remarks=tuple(found.remarks))
        try:
            version = await _write(db, found, by, now, tell)
        except Overtaken:
            continue
        return Imported(version=version, difference=told, remarks=tuple(found.remarks))
    raise Overtaken("others change the table all the time: try again")


def _refuse_dead_ends(found: Plan, settings: Settings, now: datetime, tell: Tell) -> None:
    before = found.before.table(settings)
    if before is None or not found.steps:
        return  # as long as no table can be made, no caller is worse off
    tell("asking who would answer", 0, 0)
    after = Table.build(found.after.configuration(settings), found.before.version + 1)
    if new := DeadEnds().new_ones(before, after, now):
        raise LeadsNowhere(new)


async def _write(db: Database, found: Plan, by: By, now: datetime, tell: Tell) -> int:
    tell("preparing", 0, 0)
    onto = found.before.version
    async with db.preparing() as transaction:
        staging = Staging(transaction)
        await staging.stage(rows_for(found.steps), entries_for(found.steps, by, now, onto + 1))
        tell("writing", 0, 0)
        await transaction.turn_to_changing()
        if await version_in(transaction) != onto:
            raise Overtaken("somebody else has changed the table meanwhile")
        await staging.take_over()
        version = await next_version(transaction, now)
        await staging.drop()
    return version


async def _first_new(db: Database) -> FirstNew:
    async def first(transaction: Transaction) -> FirstNew:
        of = {noun: await next_id(transaction, noun) for noun in COLUMNS}
        return FirstNew(of=of, phone=await next_id(transaction, Noun.PERSON, part=0))

    async with db.writing() as transaction:
        return await first(transaction)
