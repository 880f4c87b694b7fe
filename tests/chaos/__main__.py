"""`python -m tests.chaos`: calls at a rate, faults by a seeded schedule, and what became of every call."""

import json
import shutil
import sys
import time
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Table

from router.lab.installation import found_or_fetched
from router.lab.postgres import private_postgres
from tests.chaos.run import Plan, carry_out, plan
from tests.chaos.schedule import TooShort
from tests.chaos.verdict import Outcome, by_kind, complaints, figures

VAR = Path("var")
FOLDER = VAR / "chaos"
WRITTEN = VAR / "chaos.json"

app = App(name="chaos", help="Does every call reach a person, whatever fails? On loopback only.", version_flags=[])
WIDTH = 110  # columns, also where no terminal says how wide it is
out, err = Console(width=WIDTH), Console(stderr=True)


@app.default
def chaos(
    *,
    minutes: float = 10.0,
    rate: float = 10.0,
    seed: int = 1,
    each: Annotated[int, Parameter(negative=())] = 3,
) -> int:
    """Run, print what became of every call, write var/chaos.json; fails when anything doesn't hold.

    Parameters
    ----------
    minutes
        For how long calls are placed.
    rate
        Calls a second, at least one.
    seed
        The same seed makes the same calls and the same faults.
    each
        How often each kind of fault strikes, at least.
    """
    if rate < 1:
        err.print("--rate: at least 1 call a second")
        return 2
    try:
        drawn = plan(seed, minutes * 60, rate, each)
    except TooShort as why:
        err.print(f"--minutes, --each: {why}")
        return 2
    _say(f"seed {seed}  {len(drawn.calls)} calls  {len(drawn.faults)} faults  schedule {drawn.hash}")
    files = found_or_fetched(VAR / "asterisk", _say)
    shutil.rmtree(FOLDER, ignore_errors=True)
    began = time.monotonic()
    with private_postgres(VAR, _say) as postgres:
        outcome = carry_out(drawn, FOLDER, files, postgres, _say)
    wrong = complaints(outcome)
    (FOLDER / "records.json").write_text(json.dumps(outcome.records, indent=1))  # to look into what is wrong
    _show(drawn, outcome, wrong, time.monotonic() - began)
    return 1 if wrong else 0


def _say(text: str) -> None:
    err.print(text, highlight=False, soft_wrap=True)


def _show(drawn: Plan, outcome: Outcome, wrong: list[str], took: float) -> None:
    table = Table("fault", "struck", "held", "ready again after", "offered", "answered", "gave up", "paths")
    for kind, one in by_kind(outcome).items():
        paths = ", ".join(f"{path} {count}" for path, count in sorted(one.paths.items()))
        table.add_row(
            kind, str(one.times), f"{one.seconds:.1f} s", f"{one.longest_ready:.1f} s at most",
            str(one.offered), str(one.answered), str(one.gave_up), paths,
        )  # fmt: skip
    out.print(table)
    told = figures(outcome)
    for name, value in told.items():
        out.print(f"{name.replace('_', ' '):<32} {_in_words(value)}", highlight=False, soft_wrap=True)
    out.print(f"{'seed, schedule':<32} {drawn.seed}, {drawn.hash}", highlight=False)
    for note in outcome.notes:
        out.print(f"note: {note}", highlight=False, soft_wrap=True)
    for complaint in wrong:
        out.print(f"WRONG: {complaint}", highlight=False, soft_wrap=True)
    if not wrong:
        out.print(
            "The account closes: every call was answered by a person or given up by its caller, and is on record."
        )
    WRITTEN.write_text(
        json.dumps(
            {"seed": drawn.seed, "schedule": drawn.hash, "seconds": drawn.seconds, "rate": drawn.rate}
            | told
            | {"took_seconds": round(took, 1), "wrong": wrong},
            indent=2,
        )
        + "\n"
    )
    out.print(f"written: {WRITTEN}")


def _in_words(value: object) -> str:
    if not isinstance(value, dict):
        return str(value)
    return ", ".join(f"{name} {count}" for name, count in sorted(value.items()))


if __name__ == "__main__":
    sys.exit(app())
