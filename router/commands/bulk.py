"""How does a company come from CSV files, and go to them, from the command line?"""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter
from cyclopts.validators import Number
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from router.commands.console import err, fail, in_loop, out, who_asks, with_database
from router.settings import load_settings
from router.storage.database import Database

if TYPE_CHECKING:
    from router.bulk.job import Job, Outcome

Plural = Literal["people", "lines", "accounts", "jobs"]

Count = Annotated[int, Parameter(validator=Number(gte=0))]


def import_(
    *files: Path,
    as_: Annotated[Plural | None, Parameter(name="--as")] = None,
    dry_run: Annotated[bool, Parameter(negative=())] = False,
    replace: Annotated[bool, Parameter(negative=())] = False,
    remove_up_to: Count | None = None,
    all_: Annotated[bool, Parameter(name="--all", negative=())] = False,
    undo: Annotated[int, Parameter(validator=Number(gte=1))] | None = None,
) -> None:
    """Let people, lines, accounts and jobs be as CSV files say: all of it, or nothing when anything is wrong.

    What is there is found by its reference, else by name, number, or account and title, and changed where the file says
    otherwise; a column that isn't there leaves its field alone. Running routers follow within a second. Needs the
    database, no running router.

    Parameters
    ----------
    files
        people.csv, lines.csv, accounts.csv, jobs.csv: one or more of them, which may refer to each other.
    as_
        What the file is of, when its name doesn't say so.
    dry_run
        Only say what would become different.
    replace
        Remove what the files don't name, few objects at most.
    remove_up_to
        With --replace: remove up to so many objects of a kind.
    all_
        Tell the whole difference, not only the first of it.
    undo
        Instead of files: take back the import that made this table.
    """
    from router.bulk.job import Job

    if bool(files) == (undo is not None):
        fail("which files? Name people.csv, lines.csv, accounts.csv or jobs.csv", code=2)
    if remove_up_to is not None and not replace:
        fail("--remove-up-to says how much --replace may remove: say --replace as well", code=2)
    settings = load_settings()
    job = Job(
        database=settings.database,
        region=settings.region,
        time_zone=settings.time_zone,
        external_prefixes=settings.external_prefixes,
        now=datetime.now(UTC),
        actor=who_asks(),
        files=[(_plural(path, as_), path.name, str(path.absolute())) for path in files],
        dry_run=dry_run,
        replace=replace,
        remove_up_to=remove_up_to,
        undo=undo,
        everything=all_,
    )
    with _progress() as hear:
        outcome = in_loop(_aside(job, hear))
    _say(outcome, dry_run=dry_run)


def export(
    noun: Plural | None = None,
    *,
    all_: Annotated[bool, Parameter(name="--all", negative=())] = False,
    folder: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
) -> None:
    """Write people, lines, accounts or jobs as CSV, as `router import` reads it. Private numbers are in it.

    Parameters
    ----------
    noun
        Which of them; to the terminal, when no folder is given.
    all_
        All four of them, into the folder.
    folder
        Where people.csv, lines.csv, accounts.csv and jobs.csv are put.
    """
    from router.bulk.columns import IMPORTED
    from router.bulk.company import Whole, load_whole
    from router.bulk.exporting import export as exported
    from router.bulk.exporting import nouns_for

    wanted = [declared for declared in IMPORTED if all_ or declared.plural == noun]
    if not wanted or (all_ and noun):
        fail("what? One of people, lines, accounts and jobs, or --all of them", code=2)
    if all_ and folder is None:
        fail("where to? Name a folder with -o", code=2)
    settings = load_settings()

    async def work(db: Database) -> Whole:
        return await load_whole(db, set().union(*(nouns_for(declared) for declared in wanted)))

    whole = with_database(settings, work)
    for declared in wanted:
        pieces = exported(declared, whole, settings.region, private=True)
        if folder is None:
            for piece in pieces:
                sys.stdout.write(piece)
            continue
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"{declared.plural}.csv").open("w", encoding="utf-8", newline="") as file:
            file.writelines(pieces)
        count = len(whole.objects[declared.noun])
        err.print(f"{folder / declared.plural}.csv: {count:,} {declared.plural}", highlight=False, soft_wrap=True)


async def _aside(job: "Job", hear: Callable[[Any], None]) -> "Outcome":
    from router.bulk.errand import do
    from router.bulk.job import WITHIN
    from router.changes.aside import Child

    child = Child("import")
    try:
        return await child.follow(do, WITHIN, hear, job)
    finally:
        await child.close()


def _plural(path: Path, as_: Plural | None) -> str:
    from router.bulk.columns import IMPORTED

    plural = as_ or path.stem.strip().casefold()
    if plural not in {declared.plural for declared in IMPORTED}:
        fail(f"{path.name} doesn't say what it is of: call it people.csv, or say --as people", code=2)
    if not os.access(path, os.R_OK) or not path.is_file():
        fail(f"{path} is no file that can be read", code=2)
    return plural


def _say(outcome: "Outcome", *, dry_run: bool) -> None:
    from router.bulk.difference import from_json, lines
    from router.storage.import_schema import ImportState

    _say_remarks(outcome.told.get("remarks"), None)
    _say_remarks(outcome.told.get("faults"), "red")
    for end in outcome.told.get("nowhere", ()):
        err.print(end["sentence"], style="red", highlight=False, soft_wrap=True, markup=False)
        for hop in end["path"]:
            err.print(f"    {hop}", style="dim", highlight=False, soft_wrap=True, markup=False)
    if outcome.state is not ImportState.DONE:
        fail(f"{outcome.sentence[:1].upper()}{outcome.sentence[1:]}.")
    for of_one in from_json(outcome.told["difference"]):
        for line in lines(of_one):
            out.print(line, highlight=False, soft_wrap=True, markup=False)
    if outcome.version is not None:
        verdict = f"Imported: table {outcome.version}."
    else:
        verdict = "Nothing was imported: this was a dry run." if dry_run else "Nothing differs."
    out.print(verdict, style="bold", highlight=False, soft_wrap=True)


def _say_remarks(told: Mapping[str, Any] | None, style: str | None) -> None:
    from router.bulk.remarks import Remark

    if not told:
        return
    for remark in told["first"]:
        err.print(Remark(**remark).line, style=style, highlight=False, soft_wrap=True, markup=False)
    if told["count"] > len(told["first"]):
        err.print(f"and {told['count'] - len(told['first']):,} more like these", style=style, highlight=False)


@contextmanager
def _progress() -> Iterator[Callable[[Any], None]]:
    """A bar on the terminal; nothing where there is none."""
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), console=err,
        transient=True, disable=not err.is_terminal,
    )  # fmt: skip
    with bar:
        task = bar.add_task("beginning", total=None)

        def hear(told: dict[str, Any]) -> None:
            bar.update(task, description=told["doing"], completed=told["done"], total=told["of"] or None)

        yield hear
