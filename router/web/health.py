"""Does the router live, is it ready, and what do its figures say?"""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict
from starlette.responses import JSONResponse

from router.storage.access_schema import Role
from router.web.admission import needs, open_to_anyone
from router.web.figures import MEDIA_TYPE, Figures
from router.web.parts import Parts, parts
from router.web.problems import MEDIA_TYPE as PROBLEM
from router.web.standing import reasons_not_ready, warnings

endpoints = APIRouter(tags=["health"])


METRICS = """# HELP router_calls_total Calls that arrived.
# TYPE router_calls_total counter
router_calls_total 4711.0
"""


class Alive(BaseModel):
    model_config = ConfigDict(json_schema_extra={"example": {"alive": True}})

    alive: bool = True


READY: dict[str, Any] = {
    "ready": True,
    "reasons": [],
    "warnings": [],
    "link": {"up": True, "why": ""},
    "table": {"version": 12, "age_seconds": 0.2, "trouble": ""},
    "records": {"waiting": 0, "oldest_seconds": 0.0},
}


class Link(BaseModel):
    up: bool
    why: str


class Speaker(BaseModel):
    """What this process is among those that could speak for the PBX, and since when."""

    role: str
    since: datetime | None


class TableStanding(BaseModel):
    version: int | None
    age_seconds: float | None
    trouble: str


class Records(BaseModel):
    waiting: int
    oldest_seconds: float | None


class Readiness(BaseModel):
    model_config = ConfigDict(json_schema_extra={"example": READY})

    ready: bool
    reasons: list[str]
    warnings: list[str]
    speaker: Speaker | None
    link: Link | None
    table: TableStanding
    records: Records | None


@endpoints.get("/healthz", operation_id="is_alive", summary="Is it alive?", **open_to_anyone())
async def healthz() -> Alive:
    """The process answers: nothing more, so that nobody restarts a router because its database is gone."""
    return Alive()


@endpoints.get(
    "/readyz",
    operation_id="is_ready",
    summary="Is it ready?",
    response_model=Readiness,
    responses={503: {"model": Readiness}},
    **needs(Role.VIEWER),
)
async def readyz(parts: Annotated[Parts, Depends(parts)]) -> Response:
    """Whether calls are steered, and if not, why. While they aren't, they ring the coordinators.

    Of several processes that could speak for the PBX one leads and the others stand by, ready to take over. A process
    that only takes requests says nothing of the PBX and of records.
    """
    standing = parts.standing()
    reasons = reasons_not_ready(standing)
    readiness = Readiness(
        ready=not reasons,
        reasons=reasons,
        warnings=warnings(standing),
        speaker=Speaker(role=standing.role, since=standing.since) if standing.steers else None,
        link=Link(up=standing.link_up, why=standing.link_why) if standing.steers else None,
        table=TableStanding(
            version=standing.table_version, age_seconds=standing.table_age, trouble=standing.table_trouble
        ),
        records=(
            Records(waiting=standing.records_waiting, oldest_seconds=standing.records_age) if standing.steers else None
        ),
    ).model_dump(mode="json")
    if not reasons:
        return JSONResponse(readiness)
    status = HTTPStatus.SERVICE_UNAVAILABLE
    problem = {
        "type": "urn:router:problem:not-ready",
        "title": status.phrase,
        "status": status.value,
        "detail": " ".join(reasons),
    }
    return JSONResponse({**problem, **readiness}, status, media_type=PROBLEM)


@endpoints.get(
    "/metrics",
    operation_id="read_metrics",
    summary="Read the figures",
    response_class=Response,
    responses={200: {"content": {MEDIA_TYPE: {"schema": {"type": "string"}, "example": METRICS}}}},
    **needs(Role.VIEWER),
)
async def metrics(parts: Annotated[Parts, Depends(parts)]) -> Response:
    """The figures, as Prometheus reads them."""
    return Response(Figures(parts.figures).render(), media_type=MEDIA_TYPE)
