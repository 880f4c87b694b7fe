"""How does a company come from CSV files, and go to them, from the command line?"""

import getpass
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from router.commands.console import err, fail, out, with_database
from router.settings import Settings, load_settings
from router.storage.database import Database

if TYPE_CHECKING:
    from router.bulk.company import Settings as CompanySettings
    from router.bulk.importing import File, Imported
    from router.bulk.plan import Tell
    from router.bulk.remarks import Remark
    from router.routing.configuration import Noun

Plural = Literal["people", "lines", "accounts", "jobs"]

Count = Annotated[int, Parameter(validator=Number(gte=0))]


def import_(
    *files: Path,
    as_: Annotated[Plural | None, Parameter(name="--as")] = None,
    dry_run: Annotated[bool, Parameter(negative=())] = False,
    replace: Annotated[bool, Parameter(negative=())] = False,
    remove_up_to: Count | None = None,
    all_: Annotated[bool, Parameter(name="--all", negative=())] = False,
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
    """
    from router.bulk.importing import Manner, import_files
    from router.bulk.plan import Options
    from router.bulk.remarks import ImportRefused
    from router.changes.faults import ChangeRefused, LeadsNowhere
    from router.changes.wishes import By
    from router.storage.schema import Source

    if not files:
        fail("which files? Name people.csv, lines.csv, accounts.csv or jobs.csv", code=2)
    if remove_up_to is not None and not replace:
        fail("--remove-up-to says how much --replace may remove: say --replace as well", code=2)
    given: dict[Noun, File] = {}
    for path in files:
        file = _file(path, as_)
        if file.noun in given:
            fail(f"{given[file.noun].name} and {path.name} are both of {file.noun.value}s: put them into one", code=2)
        given[file.noun] = file
    settings = load_settings()
    by = By(actor=_who_asks(), source=Source.IMPORT)
    manner = Manner(dry_run=dry_run, everything=all_)
    options = Options(replace=replace, remove_up_to=remove_up_to)

    async def work(db: Database) -> "Imported":
        with _progress() as tell:
            return await import_files(db, given, company_of(settings), options, manner, by, datetime.now(UTC), tell)

    try:
        done = with_database(settings, work)
    except ImportRefused as refused:
        _say_remarks(refused.remarks, "")
        _say_remarks(refused.faults, "red", everything=all_)
        count = len(refused.faults)
        fail(f"{count:,} {'fault' if count == 1 else 'faults'}, so nothing was imported.")
    except LeadsNowhere as refused:
        for end in refused.found:
            err.print(end.sentence, style="red", highlight=False, soft_wrap=True)
            for hop in end.path:
                err.print(f"    {hop}", style="dim", highlight=False, soft_wrap=True)
        fail("Callers would be left without a person, so nothing was imported.")
    except ChangeRefused as refused:
        fail(str(refused))
    _say_remarks(done.remarks, "", everything=all_)
    _say_difference(done)
    if done.version is not None:
        verdict = f"Imported: table {done.version}."
    else:
        verdict = "Nothing was imported: this was a dry run." if dry_run else "Nothing differs."
    out.print(verdict, style="bold", highlight=False, soft_wrap=True)


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


def company_of(settings: Settings) -> "CompanySettings":
    """What an import has to know of the settings."""
    from router.bulk.company import Settings as CompanySettings

    return CompanySettings(
        region=settings.region, time_zone=settings.time_zone, external_prefixes=settings.external_prefixes
    )


def _file(path: Path, as_: Plural | None) -> "File":
    from router.bulk.importing import File

    noun = _noun(as_ or path.stem)
    if noun is None:
        fail(f"{path.name} doesn't say what it is of: call it people.csv, or say --as people", code=2)
    try:
        return File(name=path.name, noun=noun, content=path.read_bytes())
    except OSError as fault:
        fail(f"{path} can't be read: {fault.strerror}")


def _noun(plural: str) -> "Noun | None":
    from router.bulk.columns import IMPORTED

    return next((declared.noun for declared in IMPORTED if declared.plural == plural.strip().casefold()), None)


def _say_remarks(remarks: "Sequence[Remark]", style: str, *, everything: bool = False) -> None:
    from router.bulk.remarks import TOLD_AT_MOST

    first = remarks if everything else remarks[:TOLD_AT_MOST]
    for remark in first:
        err.print(remark.line, style=style, highlight=False, soft_wrap=True)
    if len(remarks) > len(first):
        err.print(f"and {len(remarks) - len(first):,} more like these", style=style, highlight=False)


def _say_difference(done: "Imported") -> None:
    from router.bulk.difference import lines

    for of_one in done.difference:
        for line in lines(of_one):
            out.print(line, highlight=False, soft_wrap=True, markup=False)


@contextmanager
def _progress() -> "Iterator[Tell]":
    """A bar on the terminal; nothing where there is none."""
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), console=err,
        transient=True, disable=not err.is_terminal,
    )  # fmt: skip
    with bar:
        task = bar.add_task("beginning", total=None)

        def tell(doing: str, done: int, of: int) -> None:
            bar.update(task, description=doing, completed=done, total=of or None)

        yield tell


def _who_asks() -> str:
    try:
        return getpass.getuser()[:100]
    except (KeyError, OSError):  # a user without a name
        return "the command line"
