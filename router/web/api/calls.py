"""What became of the calls?"""

from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import Field

from router.calls.call import Ending
from router.calls.events import Path as Way
from router.routing.numbers import forms_of
from router.storage.access_schema import Role
from router.storage.records import CallsWanted, calls_page, recorded_call
from router.web.admission import key_of, needs
from router.web.api.call_records import CallPage, CallStory, story_of, told
from router.web.api.lists import ISO, PageQuery, QueryId, QueryInstant, QueryNumber
from router.web.parts import Parts, parts
from router.web.problems import Problem, Refusal

endpoints = APIRouter(prefix="/calls", tags=["calls"])

CallId = Annotated[str, Path(max_length=200, pattern=r"^[\x21-\x7e]+$", examples=["pbx:1763759123.7"])]

_EQUAL = {"ended": "ended", "path": "path", "is_test": "is_test"}
_EQUAL |= {f"{name}_id": name for name in ("owner", "line", "account", "job")}


class CallQuery(PageQuery):
    """Which calls."""

    order: Literal["-arrived_at", "arrived_at", "-updated_at", "updated_at"] = Field(
        default="-arrived_at", description="With - in front the other way round."
    )
    state: Literal["open", "ended"] | None = Field(default=None, description="Those that live, or those that ended.")
    ended: Ending | None = Field(default=None, description="How it ended.")
    path: Way | None = Field(default=None, description="Whether the PBX went by the plan.")
    owner_id: QueryId | None = Field(default=None, description="The id of the person who had it last.")
    line_id: QueryId | None = Field(default=None, description="The id of a line.")
    account_id: QueryId | None = Field(default=None, description="The id of an account.")
    job_id: QueryId | None = Field(default=None, description="The id of a job.")
    number: QueryNumber | None = Field(
        default=None, examples=["+12025550111"], description="Who called, or what was dialled."
    )
    arrived_from: QueryInstant | None = Field(
        default=None, alias="from", examples=[ISO], description="Arrived then or later."
    )
    arrived_before: QueryInstant | None = Field(
        default=None, alias="to", examples=[ISO], description="Arrived before that."
    )
    is_test: bool | None = Field(default=None, description="Only test calls, or none of them.")

    def wanted(self, region: str) -> CallsWanted:
        """The same for the rows."""
        equal = {column: getattr(self, name) for name, column in _EQUAL.items()}
        return CallsWanted(
            limit=self.limit,
            order=self.order,
            cursor=self.cursor,
            still_open=None if self.state is None else self.state == "open",
            equal={column: value for column, value in equal.items() if value is not None},
            numbers=forms_of(self.number, region) if self.number is not None else (),
            arrived_from=self.arrived_from,
            arrived_before=self.arrived_before,
            updated_since=self.updated_since,
            search=self.search,
        )


@endpoints.get("", operation_id="list_call", summary="List calls", response_model=CallPage, **needs(Role.VIEWER))
async def list_calls(
    request: Request, parts: Annotated[Parts, Depends(parts)], query: Annotated[CallQuery, Query()]
) -> Any:
    """The calls on record that fit every filter, newest first. Send `next` as `cursor` to get what follows."""
    table = parts.table()
    page = await calls_page(parts.db, query.wanted(table.region if table else ""))
    sees_private = key_of(request).sees_private
    items = [told(record, sees_private=sees_private) for record in page.records]
    return CallPage(items=items, next=page.next_cursor)


@endpoints.get(
    "/{call_id}",
    operation_id="read_call",
    summary="Read a call",
    responses={404: {"model": Problem}},
    **needs(Role.VIEWER),
)
async def read_call(request: Request, call_id: CallId, parts: Annotated[Parts, Depends(parts)]) -> CallStory:
    """One call: what was decided and why, what happened, and where the two differ."""
    record = await recorded_call(parts.db, call_id)
    if record is None:
        raise unknown_call(call_id)
    return story_of(record, parts.table(), sees_private=key_of(request).sees_private)


def unknown_call(call_id: str) -> Refusal:
    """What to say of a call that isn't on record."""
    detail = f"there is no record of a call {call_id}: GET /api/v1/calls lists them"
    return Refusal(HTTPStatus.NOT_FOUND, "unknown-call", detail)
