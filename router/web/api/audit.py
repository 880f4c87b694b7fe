"""Who changed what, and can it be taken back?"""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from router.changes.fields import LARGEST
from router.changes.nouns import DECLARED
from router.changes.showing import without_private
from router.changes.wishes import Undo
from router.storage.access_schema import Action, Role, Source
from router.storage.audit import PAGE_AT_MOST, KeptEntry, entries_undoing, entry_of, newest_entries
from router.web.admission import key_of, needs
from router.web.api.nouns import asked_by
from router.web.parts import Parts, parts
from router.web.problems import Problem, Refusal

endpoints = APIRouter(prefix="/audit", tags=["audit"])

PAGE = 50  # entries when nobody says how many

_PLURALS = {one.noun.value: one.plural for one in DECLARED}
_KINDS = {plural: kind for kind, plural in _PLURALS.items()} | {"keys": "key", "commitments": "commitment"}

EntryId = Annotated[int, Path(ge=1, le=LARGEST, examples=[1])]
EXAMPLE: dict[str, Any] = {
    "id": 7,
    "at": "2026-03-02T09:00:00Z",
    "actor": "crm",
    "key": "1f2e3d4c",
    "source": "api",
    "noun": "accounts",
    "object_id": 1,
    "action": "changed",
    "before": {"id": 1, "version": 1, "name": "Birch"},
    "after": {"id": 1, "version": 2, "name": "Birch & Sons"},
    "version": 12,
    "undoes": None,
    "hidden_at": None,
}


class AuditEntry(BaseModel):
    """One change of one object. What was changed at once has the same `version`, the table that it made."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    id: int
    at: datetime
    actor: str = Field(description="The name of the key that was shown, or who gave the command.")
    key: str | None = Field(description="The prefix of that key.")
    source: Source
    noun: str
    object_id: int
    action: Action
    before: dict[str, Any] | None = Field(description="The object as it was; null when it wasn't there.")
    after: dict[str, Any] | None = Field(description="The object as it became; null when it went.")
    version: int | None
    undoes: int | None = Field(description="The entry that this one takes back.")
    hidden_at: datetime | None = Field(description="When digits of numbers in it were hidden; it can't be undone then.")


class AuditPage(BaseModel):
    model_config = ConfigDict(json_schema_extra={"example": {"items": [EXAMPLE], "next": "7"}})

    items: list[AuditEntry]
    next: str | None = Field(description="Send it as `cursor` to get what follows; null at the end.")


class AuditQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=PAGE_AT_MOST)] = PAGE
    cursor: Annotated[str, Field(pattern=r"^[0-9]{1,9}$")] | None = None
    noun: Annotated[str, Field(max_length=20)] | None = Field(default=None, examples=["accounts"])
    object_id: Annotated[int, Field(ge=1, le=LARGEST)] | None = None


@endpoints.get("", operation_id="list_audit", summary="List changes", **needs(Role.ADMIN))
async def list_entries(
    request: Request, parts: Annotated[Parts, Depends(parts)], query: Annotated[AuditQuery, Query()]
) -> AuditPage:
    """Every change, newest first."""
    kind = _KINDS.get(query.noun, query.noun) if query.noun else None
    before = int(query.cursor) if query.cursor else None
    async with parts.db.reading() as look:
        found = await newest_entries(look, query.limit + 1, before=before, kind=kind, of=query.object_id)
    page = found[: query.limit]
    sees_private = key_of(request).sees_private
    more = str(page[-1].id) if len(found) > query.limit or len(page) == PAGE_AT_MOST else None
    return AuditPage(items=[_entry(one, sees_private=sees_private) for one in page], next=more)


@endpoints.get(
    "/{id}",
    operation_id="read_audit",
    summary="Read a change",
    responses={404: {"model": Problem}},
    **needs(Role.ADMIN),
)
async def read_entry(request: Request, parts: Annotated[Parts, Depends(parts)], id: EntryId) -> AuditEntry:
    """One change of one object."""
    async with parts.db.reading() as look:
        found = await entry_of(look, id)
    if found is None:
        detail = f"there is no entry {id}: GET /api/v1/audit lists them"
        raise Refusal(HTTPStatus.NOT_FOUND, "unknown", detail)
    return _entry(found, sees_private=key_of(request).sees_private)


@endpoints.post(
    "/{id}/undo",
    operation_id="undo_audit",
    summary="Take a change back",
    responses={404: {"model": Problem}, 409: {"model": Problem}},
    **needs(Role.ADMIN),
)
async def undo(request: Request, parts: Annotated[Parts, Depends(parts)], id: EntryId) -> AuditPage:
    """Take back this change, and what was changed with it at once; the answer is what was put on record for it."""
    return await take_back(request, parts, id)


async def take_back(request: Request, parts: Parts, id: int) -> AuditPage:
    """Take back this entry and what was changed with it; what was put on record for it, newest first."""
    await parts.door.do([Undo(entry=id)], asked_by(request), parts.now())
    async with parts.db.reading() as look:
        undoing = await entries_undoing(look, id)
    sees_private = key_of(request).sees_private
    return AuditPage(items=[_entry(one, sees_private=sees_private) for one in reversed(undoing)], next=None)


def _entry(kept: KeptEntry, *, sees_private: bool) -> AuditEntry:
    before, after = (one if one is None or sees_private else without_private(one) for one in (kept.before, kept.after))
    return AuditEntry(
        id=kept.id,
        at=kept.at,
        actor=kept.actor,
        key=kept.key,
        source=kept.source,
        noun=_PLURALS.get(kept.kind, kept.kind + "s"),
        object_id=kept.object,
        action=kept.action,
        before=before,
        after=after,
        version=kept.version,
        undoes=kept.undoes,
        hidden_at=kept.hidden_at,
    )
