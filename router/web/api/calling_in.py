"""How is a test call placed, and what came of it?"""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from router.calls.call import Ending
from router.calls.calling_in import Outcome, agrees, caller_meant, line_meant, otherwise
from router.calls.events import Path as Way
from router.changes.fields import LARGEST, Flag, Whole
from router.routing.hiding import in_data, without_ends
from router.routing.table import Table
from router.storage.access_schema import Role
from router.storage.calling_in import CallTested, State, TooManyTests, Wanted, ask_call_in, call_in_of, call_ins
from router.web.admission import key_of, needs
from router.web.api.call_records import LegRecord, story_of
from router.web.parts import Parts, parts
from router.web.problems import FieldError, Problem, Refusal

endpoints = APIRouter(tags=["test-calls"])

# No call rings unanswered for longer than 90 s: a little more sees where every call ends.
LONGEST = 100

PartsHere = Annotated[Parts, Depends(parts)]
TestCallId = Annotated[int, Path(ge=1, le=LARGEST, examples=[12])]


class TestWish(BaseModel):
    """Who calls which line; after how many seconds the caller gives up when nobody has taken the call.

    `external`: phones outside the company may ring as well. Unless it is true, no call that could ring one is placed.
    """

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"caller": "+12025550111", "line": "+12125550100"}}
    )

    caller: str = Field(max_length=64, description="The calling number; 'withheld' for one that hides it.")
    line: str = Field(max_length=64, description="The number that is dialled.")
    seconds: Annotated[Whole, Field(ge=1, le=LONGEST)] = LONGEST
    external: Flag = False


TEST_CALL: dict[str, Any] = {
    "id": 12,
    "call_id": "pbx:router-test-1772470800.00000012",
    "caller": "+12025550111",
    "line": "+12125550100",
    "seconds": 100,
    "external": False,
    "asked_by": "nightly",
    "asked_at": "2026-03-02T17:00:00Z",
    "placed_at": "2026-03-02T17:00:00.1Z",
    "state": "over",
    "sentence": "Anna Albers took it after 1.2 s, as explained.",
    "explained": {
        "table_version": 12,
        "sentence": "Anna Albers, then desk Coordinators: account manager of Birch & Sons",
        "answered_by": {"step": 1, "kind": "person", "people": [{"id": 1, "name": "Anna Albers"}]},
    },
    "path": "plan",
    "rang": [
        {
            "leg": "1772470800.8",
            "step": 1,
            "phone": "anna",
            "person_id": 1,
            "began_at": "2026-03-02T17:00:00.2Z",
            "ended_at": "2026-03-02T17:00:03.4Z",
            "result": "answered",
            "cause": 16,
            "maybe_machine": False,
        }
    ],
    "taken_by_id": 1,
    "taken_phone": "anna",
    "taken_after_seconds": 1.2,
    "ended": "answered",
    "ended_at": "2026-03-02T17:00:03.4Z",
    "agrees": True,
    "differences": [],
}


class TestCall(BaseModel):
    """One test call: what was explained when it was placed, which phones rang, who took it, and whether they agree.

    `agrees` is null until it is over, and `differences` say where it went otherwise. The whole record stands at
    `/calls/{call_id}`. An external phone shows its number only to a key that may see private numbers.
    """

    model_config = ConfigDict(json_schema_extra={"example": TEST_CALL})

    id: int
    call_id: str
    caller: str
    line: str
    seconds: int
    external: bool
    asked_by: str
    asked_at: datetime
    placed_at: datetime | None
    state: State
    sentence: str
    explained: dict[str, Any] | None = Field(description="As `POST /explain` says it, at the moment of the call.")
    path: Way | None
    rang: list[LegRecord]
    taken_by_id: int | None
    taken_phone: str | None
    taken_after_seconds: float | None
    ended: Ending | None
    ended_at: datetime | None
    agrees: bool | None
    differences: list[str]


class TestCalls(BaseModel):
    model_config = ConfigDict(json_schema_extra={"example": {"items": [TEST_CALL]}})

    items: list[TestCall]


@endpoints.post(
    "/test-calls",
    status_code=202,
    summary="Place a test call",
    responses={429: {"model": Problem}},
    **needs(Role.EDITOR),
)
async def place_test_call(wish: TestWish, request: Request, response: Response, parts: PartsHere) -> TestCall:
    """A real call through the real dialplan: phones ring, show TEST, and whoever answers hears a tone and is let go.

    It makes no commitment and counts in no figure. Taken in is not done: read what came of it where `Location` says.
    """
    table = parts.table()
    if table is None:
        detail = "no routing table has been loaded yet; /readyz says why"
        raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "no-table", detail)
    caller, line = caller_meant(wish.caller, table.region), line_meant(wish.line)
    if caller is None or line is None:
        raise _no_numbers(caller, line)
    wanted = Wanted(caller=caller, line=line, seconds=wish.seconds, external=wish.external)
    try:
        asked_by = key_of(request).name[:100]
        order = await ask_call_in(
            parts.db, parts.pbx, wanted, per_hour=parts.test_calls_per_hour, asked_by=asked_by, now=parts.now()
        )
    except TooManyTests as full:
        headers = {"Retry-After": f"{full.wait:g}"}
        raise Refusal(HTTPStatus.TOO_MANY_REQUESTS, "too-many-test-calls", str(full), headers=headers) from None
    response.headers["Location"] = str(request.app.url_path_for("read_test_call", id=order))
    return await _read(order, request, parts)


@endpoints.get("/test-calls", summary="List test calls", **needs(Role.VIEWER))
async def list_test_calls(request: Request, parts: PartsHere) -> TestCalls:
    """The latest fifty, the newest first."""
    private = key_of(request).sees_private
    found = await call_ins(parts.db, parts.now())
    return TestCalls(items=[told(one, parts.table(), sees_private=private) for one in found])


@endpoints.get(
    "/test-calls/{id}", summary="Read a test call", responses={404: {"model": Problem}}, **needs(Role.VIEWER)
)
async def read_test_call(id: TestCallId, request: Request, parts: PartsHere) -> TestCall:
    """How far it has come; when it is over, who took it, how fast, and whether that is whom `explain` had named."""
    return await _read(id, request, parts)


def told(tested: CallTested, table: Table | None, *, sees_private: bool) -> TestCall:
    """What is known of a test call; `table` names people and tells who sits at a desk."""
    story = story_of(tested.record, table, sees_private=sees_private) if tested.record else None
    explained = dict(tested.explained) if tested.explained else None
    agree, differences, sentence = None, [one.sentence for one in story.differences] if story else [], tested.sentence
    after = None
    if story is not None and story.taken_at is not None:
        after = round((story.taken_at - story.arrived_at).total_seconds(), 3)
    if tested.state is State.OVER and tested.record is not None and explained is not None:
        kept = tested.record
        outcome = Outcome(
            path=kept.path,
            ending=kept.ended,
            taken_by=kept.taken_by,
            taken_phone=kept.taken_phone,
            table_version=kept.table_version,
        )
        known = table.people.get(kept.taken_by) if table and kept.taken_by is not None else None
        who = known.name if known else (story.taken_phone if story else None)
        agree = agrees(explained, outcome)
        differences = [*otherwise(explained, outcome, who), *differences]
        took = f"Nobody took it within {_seconds(kept.arrived_at, kept.ended_at):g} s"
        if who is not None:
            took = f"{who} took it after {after:g} s"
        sentence = f"{took}, {'as' if agree else 'not as'} explained."
    if not sees_private:
        explained, differences = in_data(explained, without_ends), [without_ends(one) for one in differences]
        sentence = without_ends(sentence)
    return TestCall(
        id=tested.id,
        call_id=tested.call_id,
        caller=tested.wanted.caller,
        line=tested.wanted.line,
        seconds=tested.wanted.seconds,
        external=tested.wanted.external,
        asked_by=tested.asked_by,
        asked_at=tested.asked_at,
        placed_at=tested.placed_at,
        state=tested.state,
        sentence=sentence,
        explained=explained,
        path=story.path if story else None,
        rang=story.legs if story else [],
        taken_by_id=story.taken_by_id if story else None,
        taken_phone=story.taken_phone if story else None,
        taken_after_seconds=after,
        ended=story.ended if story else None,
        ended_at=story.ended_at if story else None,
        agrees=agree,
        differences=differences,
    )


async def _read(order: int, request: Request, parts: Parts) -> TestCall:
    tested = await call_in_of(parts.db, order, parts.now())
    if tested is None:
        raise Refusal(HTTPStatus.NOT_FOUND, "unknown", f"there is no test call {order}")
    return told(tested, parts.table(), sees_private=key_of(request).sees_private)


def _seconds(began: datetime, ended: datetime | None) -> float:
    return round(((ended or began) - began).total_seconds(), 1)


def _no_numbers(caller: str | None, line: str | None) -> Refusal:
    errors = []
    if caller is None:
        detail = "no number that could call: write it with + and its country code, or 'withheld'"
        errors.append(FieldError(pointer="/body/caller", detail=detail))
    if line is None:
        errors.append(FieldError(pointer="/body/line", detail="no number that could be dialled: 2 to 15 digits"))
    detail = "; ".join(f"{error.pointer.removeprefix('/body/')}: {error.detail}" for error in errors)
    return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail, errors=errors)
