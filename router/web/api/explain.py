"""Who would answer, and why?"""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from router.routing.decide import CallFacts, decide
from router.routing.explain import as_json, sentences
from router.routing.numbers import read_number
from router.storage.schema import Role
from router.web.admission import needs
from router.web.parts import Parts, parts
from router.web.problems import Refusal

endpoints = APIRouter(tags=["explain"])

# Far from where a calendar ends: hours are looked at for weeks around the instant, in zones of any offset.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)


class Question(BaseModel):
    """A call that nobody makes: who calls which line, and when (now, when it isn't said)."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"caller": "+15550177", "line": "+15550100", "at": "2026-03-02T12:00:00Z"}},
    )

    caller: str = Field(max_length=64, description="The calling number; 'withheld' for one that hides it.")
    line: str = Field(max_length=64, description="The number that is dialled.")
    at: AwareDatetime | None = Field(default=None, ge=EARLIEST, le=LATEST)


ANSWER: dict[str, Any] = {
    "sentence": "Anna Albers rings, then desk Coordinators: she is the account manager of Birch & Sons",
    "sentences": ["Anna Albers is the account manager of Birch & Sons."],
    "decision": {"table_version": 12, "dialled": "+12125550100", "steps": [], "reasons": []},
}


class Answer(BaseModel):
    model_config = ConfigDict(json_schema_extra={"example": ANSWER})

    sentence: str = Field(description="Who rings, and the main reason.")
    sentences: list[str] = Field(description="Every reason, in the order in which they were found.")
    decision: dict[str, Any] = Field(description="The same as data: steps, reasons, and the table's version.")


@endpoints.post("/explain", operation_id="explain", summary="Who would answer?", **needs(Role.VIEWER))
async def explain(question: Question, parts: Annotated[Parts, Depends(parts)]) -> Answer:
    """Who would answer if this caller dialled this line, and why? It is the very function that decides real calls."""
    table = parts.table()
    if table is None:
        detail = "no routing table has been loaded yet; /readyz says why"
        raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "no-table", detail)
    at = (question.at or parts.now()).astimezone(UTC)
    caller = read_number(question.caller, table.region)
    decision = decide(CallFacts(dialled=question.line, caller=caller), table, at)
    zone = ZoneInfo(table.time_zone)
    as_data = as_json(decision, zone)
    return Answer(sentence=as_data["sentence"], sentences=sentences(decision, zone), decision=as_data)
