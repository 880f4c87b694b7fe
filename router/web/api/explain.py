"""Who would answer, and why?"""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from router.calls.answering import NOBODY_SAYS, Assumptions, told, who_answers
from router.calls.answering import as_json as answering_as_json
from router.changes.fields import LARGEST
from router.routing.decide import CallFacts
from router.routing.explain import as_json, sentences
from router.routing.numbers import read_number
from router.routing.table import Table
from router.storage.access_schema import Role
from router.web.admission import key_of, needs
from router.web.parts import Parts, parts
from router.web.problems import FieldError, Refusal

endpoints = APIRouter(tags=["explain"])

# Far from where a calendar ends: hours are looked at for weeks around the instant, in zones of any offset.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)

ASSUMED_AT_MOST = 200  # people, phones or desks: more is another company

Id = Annotated[int, Field(ge=1, le=LARGEST)]


class Question(BaseModel):
    """A call that nobody makes: who calls which line, and when (now, when it isn't said); and what is assumed."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"caller": "+12025550111", "line": "+12125550100", "at": "2026-03-02T17:00:00Z", "away": [1]}
        },
    )

    caller: str = Field(max_length=64, description="The calling number; 'withheld' for one that hides it.")
    line: str = Field(max_length=64, description="The number that is dialled.")
    at: AwareDatetime | None = Field(default=None, ge=EARLIEST, le=LATEST)
    away: list[Id] = Field(default=[], max_length=ASSUMED_AT_MOST, description="As if these people were away.")
    busy: list[Annotated[str, Field(max_length=64)]] = Field(
        default=[],
        max_length=ASSUMED_AT_MOST,
        description="As if these phones were in use: endpoints, or the numbers of external ones.",
        examples=[["anna"]],
    )
    empty_desks: list[Id] = Field(default=[], max_length=ASSUMED_AT_MOST, description="As if nobody were at these.")


class SomebodyNamed(BaseModel):
    id: int
    name: str


class WalkedStep(BaseModel):
    """A step of the plan, and what becomes of it."""

    step: int
    kind: str = Field(description="person, desk, promise or last_resort")
    name: str
    fate: str = Field(description="rings, waits, passed_over, promised or not_reached")
    people: list[SomebodyNamed] = Field(description="Who can answer it.")
    sentence: str


class AnsweredBy(BaseModel):
    """Where the call ends up."""

    step: int | None
    kind: str = Field(description="person, desk, promise, last_resort or nobody")
    people: list[SomebodyNamed]
    sentence: str


ANSWER: dict[str, Any] = {
    "sentence": "Anna Albers rings, then desk Coordinators: she is the account manager of Birch & Sons",
    "sentences": ["Anna Albers is the account manager of Birch & Sons."],
    "walk": [
        {
            "step": 1,
            "kind": "person",
            "name": "Anna Albers",
            "fate": "rings",
            "people": [{"id": 1, "name": "Anna Albers"}],
            "sentence": "Anna Albers rings",
        }
    ],
    "walk_sentences": ["Anna Albers rings"],
    "answered_by": {
        "step": 1,
        "kind": "person",
        "people": [{"id": 1, "name": "Anna Albers"}],
        "sentence": "Anna Albers answers",
    },
    "decision": {"table_version": 12, "dialled": "+12125550100", "steps": [], "reasons": []},
}


class Answer(BaseModel):
    model_config = ConfigDict(json_schema_extra={"example": ANSWER})

    sentence: str = Field(description="Who rings, and the main reason.")
    sentences: list[str] = Field(description="Every reason, in the order in which they were found.")
    walk: list[WalkedStep] = Field(
        description="What becomes of each step. Who is signed in counts when it is asked for now; else everybody is."
    )
    walk_sentences: list[str]
    answered_by: AnsweredBy
    decision: dict[str, Any] = Field(description="The same as data: steps, reasons, and the table's version.")


@endpoints.post("/explain", operation_id="explain", summary="Who would answer?", **needs(Role.VIEWER))
async def explain(request: Request, question: Question, parts: Annotated[Parts, Depends(parts)]) -> Answer:
    """Who would answer if this caller dialled this line, and why? It is the very function that decides real calls."""
    table = parts.table()
    if table is None:
        detail = "no routing table has been loaded yet; /readyz says why"
        raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "no-table", detail)
    assumptions = _assumed(question, table, private=key_of(request).sees_private)
    at = (question.at or parts.now()).astimezone(UTC)
    call = CallFacts(dialled=question.line, caller=read_number(question.caller, table.region))
    zone = ZoneInfo(table.time_zone)
    presences = parts.presences() if question.at is None else NOBODY_SAYS
    answering = who_answers(call, table, presences, assumptions, at, zone)
    as_data = as_json(answering.decision, zone)
    return Answer(
        sentence=as_data["sentence"],
        sentences=sentences(answering.decision, zone),
        walk_sentences=told(answering, zone),
        decision=as_data,
        **answering_as_json(answering, zone),
    )


def _assumed(question: Question, table: Table, *, private: bool) -> Assumptions:
    known: dict[str, tuple[list[Any], set[Any], str]] = {
        "away": (question.away, set(table.people), "there is no person {}: GET /api/v1/people lists them"),
        "busy": (
            question.busy,
            _phones(table, private=private),
            "nobody has the phone {}: GET /api/v1/people lists them",
        ),
        "empty_desks": (question.empty_desks, set(table.desks), "there is no desk {}: GET /api/v1/desks lists them"),
    }
    errors = [
        FieldError(pointer=f"/body/{name}/{place}", detail=sentence.format(one))
        for name, (assumed, there, sentence) in known.items()
        for place, one in enumerate(assumed)
        if one not in there
    ]
    if errors:
        detail = "; ".join(error.detail for error in errors)
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail, errors=errors)
    return Assumptions(
        away=frozenset(question.away), busy=frozenset(question.busy), empty_desks=frozenset(question.empty_desks)
    )


def _phones(table: Table, *, private: bool) -> set[str]:
    """What can be in use; whose an external number is can't be asked without the right to read it."""
    phones = [phone for person in table.people.values() for phone in person.phones]
    endpoints = {phone.endpoint for phone in phones if phone.endpoint}
    return endpoints | {phone.number for phone in phones if phone.number and private}
