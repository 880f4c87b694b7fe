"""What happens, as it happens?"""

from collections.abc import AsyncGenerator
from contextlib import ExitStack
from http import HTTPStatus
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Header, Request

from router.storage.access_schema import Role
from router.storage.database import StorageError
from router.storage.notices import shown, snapshot
from router.web.admission import key_of, needs
from router.web.event_stream import RETRY, EventStream, comment, event
from router.web.live import Follower, Live, TooMany
from router.web.parts import Parts, parts
from router.web.problems import RETRY_AFTER, Problem, Refusal

endpoints = APIRouter(tags=["events"])

HEARTBEAT = 15.0  # seconds without any news; proxies close what is silent for half a minute or more

log = structlog.get_logger()

EXAMPLE = """\
id: 41
event: snapshot
data: {"why": "new", "table": {"version": 12}, "calls": [], "commitments": []}

id: 42
event: call.ringing
data: {"id": 42, "at": "2026-03-02T17:00:00.120+00:00", "call_id": "pbx:1763759123.7", "caller": "+12025550111",\
 "account": "Birch & Sons", "dialled": "+12125550100", "line": "Business line",\
 "arrived_at": "2026-03-02T17:00:00.100+00:00", "phones": ["ida"], "people": ["Ida"]}

id: 43
event: call.answered
data: {"id": 43, "at": "2026-03-02T17:00:04.310+00:00", "call_id": "pbx:1763759123.7", "caller": "+12025550111",\
 "account": "Birch & Sons", "dialled": "+12125550100", "line": "Business line",\
 "arrived_at": "2026-03-02T17:00:00.100+00:00", "phone": "ida", "person": "Ida"}

: nothing new
"""

LastSeen = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        pattern=r"^[0-9]{1,18}$",
        description="The id of the last event that was seen. Browsers send it by themselves.",
        examples=["42"],
    ),
]


@endpoints.get(
    "/events",
    operation_id="follow_events",
    summary="Follow what happens",
    response_class=EventStream,
    responses={
        200: {
            "description": "Server-Sent Events, until one side goes",
            "content": {"text/event-stream": {"schema": {"type": "string"}, "example": EXAMPLE}},
        },
        503: {"model": Problem, "description": "There are as many streams as there may be"},
    },
    **needs(Role.VIEWER),
)
async def follow(request: Request, parts: Annotated[Parts, Depends(parts)], last_seen: LastSeen = None) -> EventStream:
    """First `snapshot`: the calls that live, what is owed, the table's version. Then each event, in order, once:
    `call.ringing`, `.waiting`, `.answered`, `.handed_over`, `.ended`; `commitment.opened`, `.repeated`, `.corrected`,
    `.claimed`, `.tried`, `.handed_over`, `.reminder`, `.try_again`, `.late`, `.desk_told`, `.lead_told`, `.kept`,
    `.voided`; `table.published`; `person.left_behind`.

    With `Last-Event-ID` it goes on after that event, without a snapshot; when that was more than a day ago, a fresh
    snapshot says `"why": "too_old"`. What it shows of callers is what `GET /calls` shows; private numbers are hidden
    from a key that doesn't see them. A comment comes when nothing else did for 15 seconds. Who doesn't read for
    10 seconds is let go, and resumes. Try it with `curl -N`.
    """
    live, key = parts.live, key_of(request)
    last = None
    if last_seen is not None and await live.resumes_after(int(last_seen)):
        last = int(last_seen)
    places = ExitStack()
    try:
        follower = places.enter_context(live.following(key.prefix))
    except TooMany as fault:
        headers = {"Retry-After": RETRY_AFTER}
        raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "too-many-streams", str(fault), headers=headers) from None
    why = "new" if last_seen is None else "too_old"
    told = _told(parts, follower, last, why, sees_private=key.sees_private)
    return EventStream(told, slow=live.let_one_go, done=places.close)


async def _told(
    parts: Parts, follower: Follower, last: int | None, why: str, *, sees_private: bool
) -> AsyncGenerator[bytes, None]:
    live: Live = parts.live
    yield f"retry: {RETRY}\n\n".encode()
    try:
        if last is None:
            found = await snapshot(parts.db)
            last = found.last
            yield event(
                "snapshot",
                {
                    "why": why,
                    "table": {"version": found.table},
                    "calls": [shown(call, sees_private=sees_private) for call in found.calls],
                    "commitments": list(found.commitments),
                },
                last,
            )
        while not follower.ended:
            fresh = await live.after(follower, last, HEARTBEAT)
            for notice in fresh:
                yield event(notice.name, notice.data(sees_private=sees_private), notice.id)
                last = notice.id
                live.told += 1
            if not fresh and not follower.ended:
                yield comment("nothing new")
        yield comment(follower.ended)
    except StorageError as fault:
        log.warning("a stream of events ends", why=str(fault))
        yield comment("the database doesn't answer: connect again")
