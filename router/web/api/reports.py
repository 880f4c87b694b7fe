"""What do the calls of a period add up to, and what does each figure mean?"""

import asyncio
import csv
import io
from http import HTTPStatus
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Header, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, create_model
from starlette.responses import JSONResponse

from router.calls.figures import DEFINITIONS, GROUPS, By, Counts, figures_of
from router.storage import reports
from router.storage.access_schema import Role
from router.storage.reports import Period, period_of
from router.web.admission import needs
from router.web.api.explain import EARLIEST, LATEST
from router.web.parts import Parts, parts
from router.web.problems import RETRY_AFTER, FieldError, Problem, Refusal

endpoints = APIRouter(prefix="/reports", tags=["reports"])

CSV = "text/csv"
AT_ONCE = 2  # reports under way: each holds one of the few connections, which calls' records need as well

_EXAMPLE_FIGURES = figures_of(
    Counts(
        calls=20, ended=20, answered=17, gave_up=2, promised=1, kept_in_time=2, still_owed=1, with_path=20,
        with_manager=8, answered_with_manager=8, reached_manager=6, machine_legs=1,
        p25=2100, p50=4300, p75=7900, p95=19400,
    )
)  # fmt: skip
_EXAMPLE: dict[str, Any] = {
    "from": "2026-03-02T00:00:00Z",
    "to": "2026-03-09T00:00:00Z",
    "time_zone": "America/New_York",
    "by": "line",
    "by_means": GROUPS[By.LINE],
    "definitions": DEFINITIONS,
    "total": _EXAMPLE_FIGURES,
    "groups": [{"key": 1, "name": "Business line", **_EXAMPLE_FIGURES}],
}

_EXAMPLE_CSV = ",".join(["line", "name", *DEFINITIONS]) + "\r\n1,Business line" + ",0" * len(DEFINITIONS) + "\r\n"

_running = asyncio.Semaphore(AT_ONCE)


def _kind(figure: str) -> Any:
    return float | None if figure.endswith("share") or figure.startswith("seconds") else int


# Shares are between 0 and 1, times in seconds; null where there is nothing to divide or to order.
Figures = create_model(
    "Figures",
    **{name: (_kind(name), Field(description=says)) for name, says in DEFINITIONS.items()},  # type: ignore[call-overload]
)


class FiguresOfOne(Figures):  # type: ignore[misc, valid-type]
    key: int | str | None = Field(description="An id, a day, or an hour of the day; null where there is none.")
    name: str


class CallsReport(BaseModel):
    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    since: AwareDatetime = Field(alias="from")
    until: AwareDatetime = Field(alias="to")
    time_zone: str
    by: By | None
    by_means: str | None
    definitions: dict[str, str] = Field(description="What each figure means, in a sentence.")
    total: Figures  # type: ignore[valid-type]
    groups: list[FiguresOfOne]


class ReportQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    since: Annotated[AwareDatetime, Field(ge=EARLIEST, le=LATEST)] | None = Field(
        default=None, alias="from", description="Seven days before the end when it isn't said.", examples=[None]
    )
    until: Annotated[AwareDatetime, Field(ge=EARLIEST, le=LATEST)] | None = Field(
        default=None, alias="to", description="Now when it isn't said; at most 366 days after the beginning."
    )
    by: By | None = Field(default=None, description="What the figures are divided by.")
    format: Literal["json", "csv"] | None = Field(
        default=None, description="csv, or the header 'Accept: text/csv', gives a line for each group."
    )


@endpoints.get(
    "/calls",
    operation_id="report_calls",
    summary="What the calls of a period add up to",
    response_model=CallsReport,
    responses={
        200: {
            "content": {
                "application/json": {"example": _EXAMPLE},
                CSV: {"schema": {"type": "string"}, "example": _EXAMPLE_CSV},
            }
        },
        422: {"model": Problem},
        503: {"model": Problem},
    },
    **needs(Role.VIEWER),
)
async def report_calls(
    parts: Annotated[Parts, Depends(parts)],
    query: Annotated[ReportQuery, Query()],
    accept: Annotated[str, Header(max_length=400)] = "",
) -> Response:
    """How many reached a person, how fast, and what became of those who didn't; `definitions` says what each figure
    means. Divided `by` line, desk, person, day or hour of the day.
    """
    table = parts.table()
    zone = ZoneInfo(table.time_zone if table else "UTC")
    try:
        period = period_of(query.since, query.until, zone, parts.now())
    except ValueError as fault:
        errors = [FieldError(pointer="/query/from", detail=str(fault))]
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", str(fault), errors=errors) from None
    if _running.locked():
        detail = f"{AT_ONCE} reports are being made already: try again in a moment"
        raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "too-many-reports", detail, headers={"Retry-After": RETRY_AFTER})
    async with _running:
        made = await reports.report(parts.db, period, query.by)
    if query.format == "csv" or (query.format is None and CSV in accept):
        return Response(as_csv(made, query.by), media_type=f"{CSV}; charset=utf-8")
    return JSONResponse(as_data(made, period, query.by))


def as_data(made: reports.Report, period: Period, by: By | None) -> dict[str, Any]:
    """The report as JSON."""
    groups = [{"key": one.key, "name": one.name, **figures_of(one.counts)} for one in made.groups]
    return {
        "from": period.since.isoformat(),
        "to": period.until.isoformat(),
        "time_zone": period.zone.key,
        "by": by,
        "by_means": GROUPS[by] if by else None,
        "definitions": DEFINITIONS,
        "total": figures_of(made.total),
        "groups": groups,
    }


def as_csv(made: reports.Report, by: By | None) -> str:
    """The report as lines: each group, and the total at the end."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([by.value if by else "key", "name", *DEFINITIONS])
    for group in made.groups:
        writer.writerow([group.key, _harmless(group.name), *figures_of(group.counts).values()])
    writer.writerow(["", "total", *figures_of(made.total).values()])
    return text.getvalue()


def _harmless(name: str) -> str:
    """A spreadsheet takes a text that begins so for a formula."""
    return f"'{name}" if name.startswith(("=", "+", "-", "@")) else name
