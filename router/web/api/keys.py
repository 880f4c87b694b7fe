"""Who may use the API?"""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from router.changes.fields import Flag, Instant, Name
from router.storage.access_schema import Role
from router.storage.keys import KeyBy, list_keys, new_key, revoke_key
from router.web.admission import key_of, needs
from router.web.api.nouns import asked_by
from router.web.parts import Parts, parts
from router.web.problems import FieldError, Problem, Refusal

endpoints = APIRouter(prefix="/keys", tags=["keys"])

KeyPrefix = Annotated[str, Path(pattern=r"^[0-9a-f]{8}$", examples=["1f2e3d4c"])]
PartsHere = Annotated[Parts, Depends(parts)]


class KeyBody(BaseModel):
    """A key that shall be made."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"name": "CRM", "role": "service", "sees_private": False}}
    )

    name: Name = Field(description="Whose it is, so that you know later what to revoke.")
    role: Role
    sees_private: Flag = Field(default=False, description="Whether it reads people's private numbers.")
    expires_at: Instant | None = None


KEY: dict[str, Any] = {
    "prefix": "1f2e3d4c",
    "name": "CRM",
    "role": "service",
    "sees_private": False,
    "expires_at": None,
    "revoked_at": None,
}


class Key(BaseModel):
    """What may be shown of a key: never the key."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"example": KEY})

    prefix: str = Field(description="The eight characters after rtr_.")
    name: str
    role: Role
    sees_private: bool
    expires_at: datetime | None
    revoked_at: datetime | None


class NewKey(Key):
    model_config = ConfigDict(json_schema_extra={"example": {**KEY, "key": f"rtr_1f2e3d4c_{'0' * 43}"}})

    key: str = Field(description="Shown this once; only its hash is kept.")


class KeyPage(BaseModel):
    model_config = ConfigDict(json_schema_extra={"example": {"items": [KEY], "next": None}})

    items: list[Key]
    next: str | None = Field(default=None, description="Always null: keys are few.")


@endpoints.get("", operation_id="list_key", summary="List keys", **needs(Role.ADMIN))
async def list_(parts: PartsHere) -> KeyPage:
    """Every key that was ever made, oldest first."""
    return KeyPage(items=[Key.model_validate(key) for key in await list_keys(parts.db)])


@endpoints.post("", operation_id="create_key", summary="Make a key", status_code=201, **needs(Role.ADMIN))
async def create(request: Request, parts: PartsHere, fields: KeyBody) -> NewKey:
    """Make a key. It opens the API at once."""
    if fields.expires_at is not None and fields.expires_at <= parts.now():
        detail = "it would have expired already: name an instant to come, or leave it out"
        errors = [FieldError(pointer="/body/expires_at", detail=detail)]
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", f"/body/expires_at: {detail}", errors=errors)
    given = fields.model_dump()
    key = await new_key(parts.db, given.pop("name"), given.pop("role"), **given, by=_by(request, parts))
    return NewKey(key=key, prefix=key[4:12], revoked_at=None, **fields.model_dump())


@endpoints.delete(
    "/{prefix}",
    operation_id="remove_key",
    summary="Revoke a key",
    status_code=204,
    response_class=Response,
    responses={404: {"model": Problem}, 409: {"model": Problem}},
    **needs(Role.ADMIN),
)
async def remove(request: Request, parts: PartsHere, prefix: KeyPrefix) -> Response:
    """Revoke a key: it opens nothing from the next request on. It stays in the list.

    No key revokes itself, so the last one of an admin can't go by mistake; `router key revoke` takes any.
    """
    if prefix == key_of(request).prefix:
        detail = "this is the key that asks: revoke it with another key, or with 'router key revoke'"
        raise Refusal(HTTPStatus.CONFLICT, "own-key", detail)
    if not await revoke_key(parts.db, prefix, parts.now(), by=_by(request, parts)):
        detail = f"no key begins with rtr_{prefix}_: GET /api/v1/keys lists them"
        raise Refusal(HTTPStatus.NOT_FOUND, "unknown", detail)
    request.app.state.doorkeeper.forget(prefix)
    return Response(status_code=HTTPStatus.NO_CONTENT)


def _by(request: Request, parts: Parts) -> KeyBy:
    by = asked_by(request)
    return KeyBy(at=parts.now(), actor=by.actor, key=by.key, source=by.source)
