"""How are several changes made as one from the command line, and what would they lead to?"""

import json
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from cyclopts import App, Parameter

from router.commands.console import by_command, fail, open_door, out, with_database
from router.settings import load_settings
from router.storage.database import Database

if TYPE_CHECKING:
    from router.changes.door import Door
    from router.changes.wishes import Item

app = App(name="changes", help="Several changes as one: what they would lead to, make them, take them back.")

T = TypeVar("T")


@app.command
def preview(file: Path, /, *, as_json: Annotated[bool, Parameter(name="--json", negative=())] = False) -> None:
    """Which calls would go elsewhere, and which problems appear or vanish? Changes nothing; exits with 1 if refused.

    Parameters
    ----------
    file
        A list of changes as POST /api/v1/changes takes it: {"changes": [{"noun": …, "action": …, …}]}.
    as_json
        Everything as JSON.
    """
    from dataclasses import asdict

    items = _read(file)
    found = _done(lambda door: door.preview(items, datetime.now(UTC)))
    if as_json:
        out.print_json(json.dumps(asdict(found)))
    else:
        for sentence in found.sentences:
            out.print(sentence, highlight=False, soft_wrap=True, markup=False)
    if found.refused:
        fail("These changes would be refused.")


@app.command
def apply(file: Path, /) -> None:
    """Make these changes as one, in their order, all or none.

    Parameters
    ----------
    file
        A list of changes as POST /api/v1/changes takes it.
    """
    items = _read(file)
    done = _done(lambda door: door.do(items, by_command(), datetime.now(UTC)))
    for one in done:
        name = f"{one.declared.plural}/{one.kept.entity.id}"
        out.print(f"{name} {one.action.value}", highlight=False, soft_wrap=True, markup=False)
    made = done[0].version
    out.print(f"Table {made}." if made else "There was nothing to change.", style="bold", highlight=False)


@app.command
def undo(version: int, /) -> None:
    """Take back all that was changed with this version of the table.

    Parameters
    ----------
    version
        As `apply` has told it, or GET /api/v1/audit tells it.
    """
    from router.changes.wishes import Undo
    from router.storage.audit import entries_of_version

    async def first_entry(db: Database) -> int | None:
        async with db.reading() as look:
            return next((entry.id for entry in await entries_of_version(look, version)), None)

    entry = with_database(load_settings(), first_entry)
    if entry is None:
        fail(f"nothing on record made table {version}")
    (done,) = _done(lambda door: door.do([Undo(entry=entry)], by_command(), datetime.now(UTC)))
    out.print(f"Table {done.version}: as it was before table {version}.", style="bold", highlight=False)


def _read(file: Path) -> "list[Item]":
    from router.changes.faults import Invalid
    from router.changes.listed import read_list

    try:
        return read_list(json.loads(file.read_text())).wishes()
    except OSError as fault:
        fail(f"{file} can't be read: {fault.strerror}", code=2)
    except ValueError as fault:
        fail(f"{file} is no JSON: {fault}", code=2)
    except Invalid as refusal:
        fail(str(refusal), code=2)


def _done(work: "Callable[[Door], Coroutine[Any, Any, T]]") -> T:
    from router.changes.faults import ChangeRefused

    settings = load_settings()

    async def run(db: Database) -> T:
        async with open_door(db, settings) as (door, _):
            return await work(door)

    try:
        return with_database(settings, run)
    except ChangeRefused as refusal:
        fail(f"{refusal.at}: {refusal}" if refusal.at else str(refusal))
