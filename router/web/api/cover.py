"""Who answers for somebody who is on holiday from Monday on?"""

from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from router.changes import covering
from router.changes.calendar import CoverFields
from router.changes.fields import DeskId, Flag, Instant, PersonId, Reason
from router.changes.nouns import COVERS
from router.changes.showing import read_fields
from router.routing.model import CoverScope
from router.storage.access_schema import Role
from router.web.admission import needs
from router.web.api.nouns import Identity, asked_by
from router.web.parts import Parts, parts
from router.web.problems import DeadEnd, Problem

endpoints = APIRouter(prefix="/people/{id}/cover", tags=["people"])

PartsHere = Annotated[Parts, Depends(parts)]
REFUSALS: dict[int | str, dict[str, Any]] = {404: {"model": Problem}, 409: {"model": Problem}}

_BODY: dict[str, Any] = {
    "by_person_id": 1,
    "starts_at": "2026-07-01T06:00:00Z",
    "ends_at": "2026-07-15T06:00:00Z",
    "reason": "Holiday",
}
_SAID = "Anna answers for Ben from Wed 01 Jul 2026 08:00 until Wed 15 Jul 2026 08:00: 12 accounts, 3 jobs."


class CoverBody(BaseModel):
    """Who answers for them, for what, and until when; without `starts_at` from now on."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": _BODY})

    by_person_id: PersonId | None = None
    by_desk_id: DeskId | None = None
    scope: CoverScope = CoverScope.ALL
    starts_at: Instant | None = None
    ends_at: Instant
    reason: Reason = ""
    ends_others: Flag = Field(default=False, description="End what overlaps with it; else that is a 409.")


class CoverTold(BaseModel):
    """What was done, or would be. `nowhere`: which callers would be without a person then; with any, it is refused."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"cover_id": 3, "ended_ids": [], "sentences": [_SAID], "nowhere": []}}
    )

    cover_id: int | None = Field(description="null in a preview.")
    ended_ids: list[int] = Field(description="The covers that end for it.")
    sentences: list[str]
    nowhere: list[DeadEnd]


class CoverEnded(BaseModel):
    model_config = ConfigDict(json_schema_extra={"example": {"ended_ids": [3], "at": "2026-07-10T12:00:00Z"}})

    ended_ids: list[int]
    at: datetime


@endpoints.post(
    "/preview",
    operation_id="preview_cover_person",
    summary="Preview what covering would change",
    responses=REFUSALS,
    **needs(Role.COORDINATOR),
)
async def preview(request: Request, parts: PartsHere, id: Identity, body: CoverBody) -> CoverTold:
    """What comes to whom meanwhile; nothing is changed."""
    now = parts.now()
    fields, zone = _fields(id, body, now), _zone(parts)
    given = (parts.door, fields, asked_by(request), now, zone)
    return _told(await covering.preview(*given, ends_others=body.ends_others))


@endpoints.post(
    "", operation_id="cover_person", summary="Cover somebody", responses=REFUSALS, **needs(Role.COORDINATOR)
)
async def cover(request: Request, parts: PartsHere, id: Identity, body: CoverBody) -> CoverTold:
    """Let somebody answer for this person until they are back."""
    now = parts.now()
    fields, zone = _fields(id, body, now), _zone(parts)
    given = (parts.door, fields, asked_by(request), now, zone)
    return _told(await covering.cover(*given, ends_others=body.ends_others))


@endpoints.delete(
    "",
    operation_id="end_cover_person",
    summary="End somebody's cover",
    responses=REFUSALS,
    **needs(Role.COORDINATOR),
)
async def end(request: Request, parts: PartsHere, id: Identity) -> CoverEnded:
    """They are back: what counts now ends now."""
    now = parts.now()
    ended = await covering.end_cover(parts.door, id, asked_by(request), now)
    return CoverEnded(ended_ids=[one.id for one in ended], at=now)


def _fields(person: int, body: CoverBody, now: datetime) -> CoverFields:
    said = body.model_dump(mode="json", exclude={"ends_others"})
    fields = read_fields(COVERS, said | {"person_id": person, "starts_at": said["starts_at"] or now.isoformat()})
    assert isinstance(fields, CoverFields)
    return fields


def _zone(parts: Parts) -> ZoneInfo:
    table = parts.table()
    return ZoneInfo(table.time_zone if table else "UTC")


def _told(covered: covering.Covered) -> CoverTold:
    return CoverTold(
        cover_id=covered.kept.entity.id if covered.kept else None,
        ended_ids=[one.id for one in covered.ended],
        sentences=list(covered.sentences),
        nowhere=[DeadEnd(sentence=one.sentence, path=list(one.path)) for one in covered.nowhere],
    )
