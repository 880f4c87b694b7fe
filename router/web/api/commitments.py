"""What do we owe callers, and what has somebody done about it?"""

from http import HTTPStatus
from typing import Annotated, Any, Literal, assert_never

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from router.changes.fields import Id
from router.commitments.commitment import Commitment, State
from router.commitments.events import Claimed, Event, Kept, Tried, Voided
from router.commitments.facts import refusal_in_words
from router.commitments.ledger import Changed, ClaimedAlready, NoReason, NotHere, Outcome, OverAlready, Unchanged
from router.routing.numbers import forms_of
from router.routing.table import Table
from router.storage.access_schema import Action, Role
from router.storage.audit import Entry
from router.storage.commitments import NoSuchCommitment, Noted
from router.storage.owed import Owed, OwedWanted, calls_in, history_of, owed_by_id, owed_page
from router.web.admission import key_of, needs
from router.web.api.call_records import told
from router.web.api.commitment_records import (
    CommitmentPage,
    CommitmentRecord,
    CommitmentStory,
    as_kept,
    record_of,
    story_of,
)
from router.web.api.lists import ISO, PageQuery, QueryId, QueryInstant, QueryNumber
from router.web.api.nouns import Identity, asked_by
from router.web.parts import Parts, parts
from router.web.problems import FieldError, Problem, Refusal

endpoints = APIRouter(prefix="/commitments", tags=["commitments"])

PartsHere = Annotated[Parts, Depends(parts)]
NOTE = StringConstraints(max_length=2000, pattern=r"^[^\x00-\x09\x0b-\x1f\x7f]*$", strict=True)  # lines are fine
Note = Annotated[str, NOTE]

_EQUAL = {"state": "state", "owner_id": "owner", "desk_id": "desk", "account_id": "account", "line_id": "line"}


class CommitmentQuery(PageQuery):
    """Which commitments."""

    order: Literal["due_at", "-due_at", "opened_at", "-opened_at", "updated_at", "-updated_at", "id", "-id"] = Field(
        default="due_at", description="With - in front the other way round."
    )
    state: State | None = Field(default=None, description="How it stands.")
    over: bool | None = Field(default=None, description="What is kept or void (true), or still owed (false).")
    owner_id: QueryId | None = Field(default=None, description="The id of the person who owns it.")
    desk_id: QueryId | None = Field(default=None, description="The id of the desk that owns it or stands behind.")
    account_id: QueryId | None = Field(default=None, description="The id of an account.")
    line_id: QueryId | None = Field(default=None, description="The id of the line that was called.")
    number: QueryNumber | None = Field(default=None, examples=["+12025550111"], description="Who is owed it.")
    due_before: QueryInstant | None = Field(default=None, examples=[ISO], description="Due before that.")

    def wanted(self, region: str) -> OwedWanted:
        """The same for the rows."""
        equal = {column: getattr(self, name) for name, column in _EQUAL.items()}
        return OwedWanted(
            limit=self.limit,
            order=self.order,
            cursor=self.cursor,
            over=self.over,
            equal={column: value for column, value in equal.items() if value is not None},
            numbers=forms_of(self.number, region) if self.number is not None else (),
            due_before=self.due_before,
            updated_since=self.updated_since,
            search=self.search,
        )


class Claim(BaseModel):
    """Who will see to it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"person_id": 1}})

    person_id: Id


class Keeping(BaseModel):
    """Who did it, in which call if it was one of ours, and what came of it."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"person_id": 1, "note": "Comes on Monday"}}
    )

    person_id: Id | None = None
    call_id: Annotated[str, StringConstraints(max_length=200, pattern=r"^[\x21-\x7e]+$", strict=True)] | None = None
    note: Note = ""


class Voiding(BaseModel):
    """Why nobody has to do it; it stays on record."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"reason": "Dialled the wrong number"}})

    reason: Annotated[
        str,
        StringConstraints(
            min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$", strict=True
        ),
    ]


def _does(name: str, summary: str) -> dict[str, Any]:
    refusals: dict[int | str, dict[str, Any]] = {404: {"model": Problem}, 409: {"model": Problem}}
    return {"operation_id": f"{name}_commitment", "summary": summary, "responses": refusals, **needs(Role.COORDINATOR)}


@endpoints.get("", operation_id="list_commitment", summary="List commitments", **needs(Role.VIEWER))
async def list_commitments(parts: PartsHere, query: Annotated[CommitmentQuery, Query()]) -> CommitmentPage:
    """Those that fit every filter, what is due first first. Send `next` as `cursor` to get what follows."""
    table = table_of(parts)
    async with parts.db.reading() as look:
        page = await owed_page(look, query.wanted(table.region))
    now = parts.now()
    return CommitmentPage(items=[record_of(one, table, now) for one in page.owed], next=page.next_cursor)


@endpoints.get(
    "/{id}",
    operation_id="read_commitment",
    summary="Read a commitment",
    responses={404: {"model": Problem}},
    **needs(Role.VIEWER),
)
async def read_commitment(request: Request, parts: PartsHere, id: Identity) -> CommitmentStory:
    """One of them, with its calls and all that happened to it."""
    table = table_of(parts)
    sees_private = key_of(request).sees_private
    async with parts.db.reading() as look:
        owed = await owed_by_id(look, id)
        if owed is None:
            raise NoSuchCommitment(f"there is no commitment {id}")
        calls = await calls_in(look, owed)
        history = await history_of(look, id)
    return story_of(owed, [told(one, sees_private=sees_private) for one in calls], history, table, parts.now())


@endpoints.post("/{id}/claim", **_does("claim", "Claim a commitment"))
async def claim(request: Request, parts: PartsHere, id: Identity, body: Claim) -> CommitmentRecord:
    """Say that this person will see to it. Of two who claim at once one has it, the other learns who (409)."""
    table = table_of(parts)
    return await _do(request, parts, id, Claimed(by=person_in(body.person_id, table), at=parts.now()), table)


@endpoints.post("/{id}/tried", **_does("try", "Tell of an attempt"))
async def tried(request: Request, parts: PartsHere, id: Identity) -> CommitmentRecord:
    """Somebody called and reached nobody: it stays open, and its owner is reminded to try again."""
    return await _do(request, parts, id, Tried(at=parts.now()), table_of(parts))


@endpoints.post("/{id}/keep", **_does("keep", "Keep a commitment"))
async def keep(request: Request, parts: PartsHere, id: Identity, body: Keeping) -> CommitmentRecord:
    """It is done. A talk of 20 s with the customer on one of our lines does it by itself."""
    table = table_of(parts)
    by = None if body.person_id is None else person_in(body.person_id, table)
    return await _do(request, parts, id, Kept(by=by, call_id=body.call_id, note=body.note, at=parts.now()), table)


@endpoints.post("/{id}/void", **_does("void", "Void a commitment"))
async def void(request: Request, parts: PartsHere, id: Identity, body: Voiding) -> CommitmentRecord:
    """Nobody has to do it, for this reason."""
    return await _do(request, parts, id, Voided(reason=body.reason, at=parts.now()), table_of(parts))


def table_of(parts: Parts) -> Table:
    """The table in which people and desks have their names. Raises Refusal while there is none."""
    table = parts.table()
    if table is None:
        detail = "no routing table has been loaded yet; /readyz says why"
        raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "no-table", detail)
    return table


def person_in(person: int, table: Table, pointer: str = "/body/person_id") -> int:
    """The person's id. Raises Refusal when nobody has it."""
    if person not in table.people:
        detail = f"there is no person {person}: GET /api/v1/people lists them"
        errors = [FieldError(pointer=pointer, detail=detail)]
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", f"{pointer}: {detail}", errors=errors)
    return person


def noted_by(request: Request, parts: Parts) -> Noted:
    """How a change that this request asks for goes on record."""
    by = asked_by(request)

    def noted(before: Commitment | None, after: Commitment) -> Entry:
        assert after.id is not None
        return Entry(
            at=parts.now(),
            actor=by.actor,
            key=by.key,
            source=by.source,
            kind="commitment",
            object=after.id,
            action=Action.CREATED if before is None else Action.CHANGED,
            before=None if before is None else as_kept(before),
            after=as_kept(after),
            version=None,
        )

    return noted


def refuse(outcome: Outcome, table: Table) -> None:
    """Raises Refusal where the ledger refuses."""
    match outcome:
        case Changed() | Unchanged():
            return
        case ClaimedAlready(by=by):
            detail = refusal_in_words(outcome, table)
            raise Refusal(HTTPStatus.CONFLICT, "claimed", detail, claimed_by_id=by)
        case OverAlready():
            raise Refusal(HTTPStatus.CONFLICT, "over", refusal_in_words(outcome, table))
        case NotHere():
            raise Refusal(HTTPStatus.CONFLICT, "not-here", refusal_in_words(outcome, table))
        case NoReason():
            detail = refusal_in_words(outcome, table)
            errors = [FieldError(pointer="/body/reason", detail=detail)]
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail, errors=errors)
        case _:
            assert_never(outcome)


async def recorded(parts: Parts, identity: int, table: Table) -> CommitmentRecord:
    """The commitment as it stands now. Raises NoSuchCommitment."""
    async with parts.db.reading() as look:
        owed: Owed | None = await owed_by_id(look, identity)
    if owed is None:
        raise NoSuchCommitment(f"there is no commitment {identity}")
    return record_of(owed, table, parts.now())


async def _do(request: Request, parts: Parts, identity: int, event: Event, table: Table) -> CommitmentRecord:
    refuse(await parts.keeper.do(parts.db, identity, event, table, noted_by(request, parts)), table)
    return await recorded(parts, identity, table)
