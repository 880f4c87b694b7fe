"""What did somebody promise a caller in a call?"""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from router.changes.fields import Id, Instant
from router.commitments.events import Promised
from router.commitments.ledger import Changed
from router.storage.access_schema import Role
from router.storage.ended_calls import party_of
from router.storage.records import recorded_call
from router.web.admission import needs
from router.web.api.calls import CallId, unknown_call
from router.web.api.commitment_records import COMMITMENT, CommitmentRecord
from router.web.api.commitments import noted_by, person_in, recorded, refuse, table_of
from router.web.parts import Parts, parts
from router.web.problems import FieldError, Problem, Refusal

endpoints = APIRouter(prefix="/calls/{call_id}", tags=["commitments"])


class PromiseBody(BaseModel):
    """What was promised, by whom (who had the call last, when it isn't said), until when (else as after a call)."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"note": "Sends the offer", "person_id": 1, "due_at": "2026-03-02T15:00:00Z"}},
    )

    note: Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=r"^[^\x00-\x1f\x7f]*$", strict=True)]
    person_id: Id | None = None
    due_at: Instant | None = Field(default=None)


@endpoints.post(
    "/promise",
    operation_id="promise_in_call",
    summary="Put a promise down",
    status_code=201,
    responses={
        201: {"model": CommitmentRecord, "content": {"application/json": {"example": COMMITMENT}}},
        404: {"model": Problem},
        409: {"model": Problem},
    },
    **needs(Role.COORDINATOR),
)
async def promise(
    request: Request,
    response: Response,
    parts: Annotated[Parts, Depends(parts)],
    call_id: CallId,
    body: PromiseBody,
) -> Any:
    """Whoever promised it owns it; what is owed to this caller already gets it added, and is due no later."""
    table = table_of(parts)
    call = await recorded_call(parts.db, call_id)
    if call is None:
        raise unknown_call(call_id)
    person = call.owner or call.taken_by if body.person_id is None else person_in(body.person_id, table)
    if person is None:
        detail = "nobody of ours is known to have had this call: say who promised it"
        errors = [FieldError(pointer="/body/person_id", detail=detail)]
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", f"/body/person_id: {detail}", errors=errors)
    party = party_of(call, table)
    event = Promised(call_id=call_id, party=party, by=person, due_at=body.due_at, note=body.note, at=parts.now())
    outcome = await parts.keeper.promise(parts.db, event, table, noted_by(request, parts))
    refuse(outcome, table)
    assert isinstance(outcome, Changed)
    assert outcome.commitment.id is not None
    response.headers["Location"] = f"/api/v1/commitments/{outcome.commitment.id}"
    return await recorded(parts, outcome.commitment.id, table)
