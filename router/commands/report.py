"""How does somebody at a terminal read what the calls add up to?"""

from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from cyclopts import App, Parameter

from router.calls.figures import DEFINITIONS, By, figures_of
from router.commands.console import err, fail, out, with_database
from router.settings import load_settings
from router.storage.reports import Report, period_of, report

app = App(name="report", help="What did the calls of a period add up to?")

SHOWN = {
    "calls": "calls",
    "answered_share": "answered",
    "seconds_median": "median s",
    "seconds_p95": "95 % s",
    "gave_up": "gave up",
    "kept_in_time": "kept",
    "kept_late": "late",
    "still_owed": "owed",
    "reached_manager_share": "manager",
    "fallback_share": "fallback",
}


@app.default
def show(
    *,
    by: By | None = None,
    from_: Annotated[datetime | None, Parameter(name="--from")] = None,
    to: datetime | None = None,
    csv: Annotated[bool, Parameter(name="--csv", negative=())] = False,
) -> None:
    """How many callers reached a person, how fast, and what became of the others. Needs no running router.

    Parameters
    ----------
    by
        Divide it by the line, its desk, the person who answered, the day, or the hour of the day.
    from_
        The beginning, by the company's clock; seven days before the end, when it isn't given.
    to
        The end; now, when it isn't given.
    csv
        Every figure, as lines for a spreadsheet.
    """
    settings = load_settings()
    zone = ZoneInfo(settings.time_zone)
    try:
        period = period_of(_instant(from_, zone), _instant(to, zone), zone, datetime.now(UTC))
    except ValueError as fault:
        fail(str(fault), code=2)
    made = with_database(settings, lambda db: report(db, period, by))
    if csv:
        from router.web.api.reports import as_csv

        out.out(as_csv(made, by), end="", highlight=False)
        return
    for line in _lines(made, by):
        out.print(line, highlight=False, soft_wrap=True)
    begin, end = (at.astimezone(zone).strftime("%d %b %Y %H:%M") for at in (period.since, period.until))
    err.print(f"{begin} to {end}, {zone.key}.", style="dim", highlight=False)
    for figure, heading in SHOWN.items():
        err.print(f"{heading}: {DEFINITIONS[figure]}", style="dim", highlight=False, soft_wrap=True)


def _lines(made: Report, by: By | None) -> list[str]:
    """As wide as it takes: a terminal that is too narrow shows too little, but says nothing wrong."""
    named = [*((group.name, group.counts) for group in made.groups), ("total", made.total)]
    rows = [(name, *(_cell(one, figures_of(counts)[one]) for one in SHOWN)) for name, counts in named]
    cells = [(by.value if by else "", *SHOWN.values()), *rows]
    widths = [max(len(row[place]) for row in cells) for place in range(len(cells[0]))]
    return [
        "  ".join(
            (row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)))
        )
        for row in cells
    ]


def _cell(figure: str, value: float | None) -> str:
    if value is None:
        return "–"
    if figure.endswith("share"):
        return f"{value:.1%}"
    return f"{value:.1f}" if figure.startswith("seconds") else f"{value:.0f}"


def _instant(at: datetime | None, zone: ZoneInfo) -> datetime | None:
    return None if at is None else (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
