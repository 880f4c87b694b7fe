"""`python -m tests.bench`: measure everything once, print one table, write var/bench.json."""

import asyncio
import json
import secrets
import shutil
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter
from rich.console import Console

from router.lab.installation import AsteriskFiles, found_or_fetched
from router.storage.migrate import upgrade
from tests.bench import company, decisions, importing, intercept, looking_ahead
from tests.bench.report import Others, Report, as_json, show, this_machine
from tests.bench.traffic import Exchange

FOLDER = Path("var/bench")
ASTERISK = Path("var/asterisk")
WHOLE = Path("var/bench.json")
PARTIAL = Path("var/bench-partial.json")

DECISIONS = 100_000
CHANGES = 20  # of each kind
QUICK_SHARE = 20  # so many times fewer of both

app = App(name="bench", help="How fast is it? About ten minutes, on loopback only.", version_flags=[])
WIDTH = 110  # columns of the widest table, also where no terminal says how wide it is
out, err = Console(width=WIDTH), Console(stderr=True)


@app.default
def bench(
    *,
    quick: Annotated[bool, Parameter(negative=())] = False,
    only: Literal["intercept", "decide", "problems", "import"] | None = None,
) -> None:
    """Measure and print. Only a whole run writes var/bench.json; others write var/bench-partial.json.

    Parameters
    ----------
    quick
        A small company and few calls: to see that everything runs, not how fast.
    only
        Leave the other parts out.
    """
    size = company.QUICK if quick else company.FULL
    files = found_or_fetched(ASTERISK, _say)
    machine = this_machine(files.version)
    FOLDER.mkdir(parents=True, exist_ok=True)
    full = _filled(size) if only in (None, "decide", "intercept") else None
    others = Others()
    decided = _decide(full, size, quick) if full and only != "intercept" else None
    intercepted = _intercept(full, files, size, quick) if full and only != "decide" else None
    imported = _import(files, quick) if only in (None, "import") else None
    found = _problems(quick) if only in (None, "problems") else None
    report = Report(
        machine=machine,
        others_percent=others.percent(),
        at=datetime.now(UTC),
        numbers=size.numbers,
        rules=size.rules,
        decide=decided,
        intercept=intercepted,
        problems=found,
        imported=imported,
    )
    target = PARTIAL if quick or only else WHOLE
    target.write_text(json.dumps(as_json(report), indent=2) + "\n")
    show(report, out)
    out.print(f"written: {target}")


def _say(text: str) -> None:
    err.print(text, highlight=False, soft_wrap=True)


def _filled(size: company.Size, name: str = "company.db") -> Path:
    """A fresh database with the whole company."""
    database = FOLDER / name
    for old in FOLDER.glob(f"{name}*"):
        old.unlink()
    _say(f"writing a company with {size.numbers:,} numbers and {size.rules:,} rules …")
    upgrade(_url(database))
    asyncio.run(company.fill(_url(database), size))
    return database


def _url(database: Path) -> str:
    return f"sqlite:///{database}"


def _copy(full: Path, name: str) -> Path:
    return Path(shutil.copy(full, FOLDER / name))


def _decide(full: Path, size: company.Size, quick: bool) -> decisions.DecideFigures:
    _say("deciding …")
    share = QUICK_SHARE if quick else 1
    # a copy, because it makes changes that are nobody else's
    return decisions.measure_alone(_url(_copy(full, "decide.db")), size, DECISIONS // share, CHANGES // share)


def _problems(quick: bool) -> looking_ahead.ProblemsFigures:
    _say("looking for problems …")
    return looking_ahead.measure(looking_ahead.QUICK if quick else looking_ahead.FULL)


def _intercept(
    full: Path, files: AsteriskFiles, size: company.Size, quick: bool
) -> Mapping[str, intercept.InterceptFigures]:
    url = _url(_copy(full, "intercept.db"))
    login = f"bench:{secrets.token_urlsafe(24)}"
    exchange = Exchange(FOLDER, files, login)
    effort = intercept.QUICK if quick else intercept.FULL
    with exchange.pbx:
        return intercept.measure(exchange, url, login, size, effort, FOLDER, _say)


def _import(files: AsteriskFiles, quick: bool) -> importing.ImportFigures:
    url = _url(_filled(importing.THERE, "import.db"))
    login = f"bench:{secrets.token_urlsafe(24)}"
    exchange = Exchange(FOLDER, files, login)
    extent = importing.QUICK if quick else importing.FULL
    with exchange.pbx:
        return importing.measure(exchange, url, login, extent, FOLDER, _say)


if __name__ == "__main__":
    sys.exit(app())
