"""Which other programs are told what happens?"""

from datetime import datetime
from http import HTTPStatus
from time import perf_counter
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse

from router.changes.fields import LARGEST, Flag, formed
from router.notices.webhook import LONGEST_URL, BadAddress, Post, PostFailed, check_url, send
from router.storage import webhooks
from router.storage.access_schema import Role
from router.storage.notices import EVENTS
from router.storage.webhooks import By, webhook_of
from router.web.admission import needs
from router.web.api.nouns import IfMatch, asked_by, required
from router.web.parts import Parts, parts
from router.web.problems import FieldError, Problem, Refusal

endpoints = APIRouter(prefix="/webhooks", tags=["webhooks"])

PartsHere = Annotated[Parts, Depends(parts)]
Identity = Annotated[int, Path(ge=1, le=LARGEST, examples=[1])]
TEST = "webhook.test"
REACHES_OUT = "x-reaches-out"  # an operation that asks something of another machine says so

EXAMPLE: dict[str, Any] = {
    "id": 1,
    "version": 1,
    "url": "https://crm.example.com/calls",
    "kinds": ["call.answered", "commitment.opened"],
    "enabled": True,
    "updated_at": "2026-03-02T17:00:00Z",
    "failing_since": None,
    "error": "",
}
MADE = {**EXAMPLE, "secret": f"whs_{'0' * 43}"}
ETAG = {"ETag": {"description": "The version, to be sent as If-Match.", "schema": {"type": "string"}}}


def _known(kinds: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [kind for kind in kinds if kind not in EVENTS]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no event: they are {', '.join(EVENTS)}")
    return tuple(dict.fromkeys(kinds))


_URL = formed(r"^https?://[^\x00-\x20\x7f]+$", "write a whole address, as https://crm.example.com/calls")
Url = Annotated[str, _URL, Field(max_length=LONGEST_URL)]
Kinds = Annotated[tuple[str, ...], Field(max_length=len(EVENTS)), AfterValidator(_known)]


class WebhookBody(BaseModel):
    """A receiver that shall be told what happens."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"url": EXAMPLE["url"], "kinds": EXAMPLE["kinds"], "enabled": True}},
    )

    url: Url = Field(description="Where each event is sent to, by POST, as JSON.")
    kinds: Kinds = Field(default=(), description="Which events, by their names in GET /events; none: every one.")
    enabled: Flag = True


class WebhookPatch(BaseModel):
    """What shall change of a webhook."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"enabled": True}})

    url: Url = EXAMPLE["url"]
    kinds: Kinds = ()
    enabled: Flag = True


class Webhook(BaseModel):
    """A receiver; its secret is shown when it is made, and never again."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"example": EXAMPLE})

    id: int
    version: int
    url: str
    kinds: list[str]
    enabled: bool
    updated_at: datetime
    failing_since: datetime | None = Field(description="Since when nothing arrives there; null while all does.")
    error: str = Field(description="What happened the last time, when it fails.")


class NewWebhook(Webhook):
    model_config = ConfigDict(from_attributes=True, json_schema_extra={"example": MADE})

    secret: str = Field(description="Shown this once: with it you verify that an event comes from us.")


class WebhookPage(BaseModel):
    model_config = ConfigDict(json_schema_extra={"example": {"items": [EXAMPLE], "next": None}})

    items: list[Webhook]
    next: str | None = Field(default=None, description="Always null: webhooks are few.")


class Tried(BaseModel):
    """What came of a test."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"arrived": True, "status": 204, "error": "", "seconds": 0.12}}
    )

    arrived: bool
    status: int | None
    error: str
    seconds: float


@endpoints.get("", operation_id="list_webhook", summary="List webhooks", **needs(Role.ADMIN))
async def list_(parts: PartsHere) -> WebhookPage:
    """Every webhook, oldest first."""
    return WebhookPage(items=[Webhook.model_validate(one) for one in await webhooks.list_webhooks(parts.db)])


@endpoints.post(
    "",
    operation_id="create_webhook",
    summary="Make a webhook",
    status_code=201,
    response_model=NewWebhook,
    responses={201: {"headers": ETAG}},
    **needs(Role.ADMIN),
)
async def create(request: Request, parts: PartsHere, fields: WebhookBody) -> JSONResponse:
    """It is told what happens from now on: the JSON of `GET /events` with `event`, the name.

    `Router-Signature` is `v1=` and the hexadecimal HMAC-SHA256, by the secret, of `Router-Timestamp`, a full stop, and
    the body. `Router-Id` is the same however often an event is sent: take each once. Answer 2xx within 10 seconds. What
    fails is sent again, later and later up to ten minutes, for a day; who answers 410, or fails for three days, is
    disabled. Redirections are not followed, private numbers never sent.
    """
    _check(parts, fields.url)
    made, secret = await webhooks.make_webhook(parts.db, fields.url, fields.kinds, fields.enabled, _by(request, parts))
    told = NewWebhook(**Webhook.model_validate(made).model_dump(), secret=secret)
    headers = {"ETag": f'"{made.version}"', "Location": f"/api/v1/webhooks/{made.id}", "Cache-Control": "no-store"}
    return JSONResponse(told.model_dump(mode="json"), HTTPStatus.CREATED, headers)


@endpoints.get(
    "/{id}",
    operation_id="read_webhook",
    summary="Read a webhook",
    response_model=Webhook,
    responses={200: {"headers": ETAG}, 404: {"model": Problem}},
    **needs(Role.ADMIN),
)
async def read(parts: PartsHere, id: Identity) -> JSONResponse:
    """One of them, with its ETag: without its secret."""
    found = await webhook_of(parts.db, id)
    if found is None:
        raise _unknown(id)
    return _answer(found[0])


@endpoints.patch(
    "/{id}",
    operation_id="amend_webhook",
    summary="Change a webhook",
    response_model=Webhook,
    responses={200: {"headers": ETAG}, **{status: {"model": Problem} for status in (404, 412, 428)}},
    **needs(Role.ADMIN),
)
async def amend(
    request: Request, parts: PartsHere, id: Identity, patch: WebhookPatch, if_match: IfMatch = None
) -> JSONResponse:
    """A JSON Merge Patch (RFC 7396). Enabled again, it hears of what happens from then on."""
    only_if = required(if_match)
    changes = patch.model_dump(exclude_unset=True)
    if "url" in changes:
        _check(parts, changes["url"])
    if "kinds" in changes:
        changes["kinds"] = list(changes["kinds"])
    changed = await webhooks.change_webhook(parts.db, id, only_if, changes, _by(request, parts))
    if changed is None:
        raise await _why_not(parts, id)
    return _answer(changed)


@endpoints.delete(
    "/{id}",
    operation_id="remove_webhook",
    summary="Remove a webhook",
    status_code=204,
    response_class=Response,
    responses={status: {"model": Problem} for status in (404, 412, 428)},
    **needs(Role.ADMIN),
)
async def remove(request: Request, parts: PartsHere, id: Identity, if_match: IfMatch = None) -> Response:
    """Nothing is sent there any more, nor what still waits."""
    if not await webhooks.remove_webhook(parts.db, id, required(if_match), _by(request, parts)):
        raise await _why_not(parts, id)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@endpoints.post(
    "/{id}/test",
    operation_id="test_webhook",
    summary="Try a webhook",
    responses={404: {"model": Problem}},
    openapi_extra={**needs(Role.ADMIN)["openapi_extra"], REACHES_OUT: True},
)
async def test(parts: PartsHere, id: Identity) -> Tried:
    """Send it an event `webhook.test` with the id 0, now and once, also when it is disabled; what comes of it?"""
    found = await webhook_of(parts.db, id)
    if found is None:
        raise _unknown(id)
    webhook, secret = found
    now, began = parts.now(), perf_counter()
    post = Post(url=webhook.url, secret=secret, id=0, event=TEST, data={"id": 0, "at": now.isoformat()})
    try:
        status = await send(post, round(now.timestamp()), private=parts.private_webhooks)
    except PostFailed as fault:
        return Tried(arrived=False, status=None, error=str(fault), seconds=round(perf_counter() - began, 3))
    return Tried(arrived=True, status=status, error="", seconds=round(perf_counter() - began, 3))


def _check(parts: Parts, url: str) -> None:
    try:
        check_url(url, private=parts.private_webhooks)
    except BadAddress as fault:
        errors = [FieldError(pointer="/body/url", detail=str(fault))]
        detail = f"/body/url: {fault}"
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail, errors=errors) from None


def _answer(webhook: webhooks.Webhook) -> JSONResponse:
    told = Webhook.model_validate(webhook).model_dump(mode="json")
    return JSONResponse(told, headers={"ETag": f'"{webhook.version}"'})


def _by(request: Request, parts: Parts) -> By:
    by = asked_by(request)
    return By(at=parts.now(), actor=by.actor, key=by.key, source=by.source)


async def _why_not(parts: Parts, identity: int) -> Refusal:
    found = await webhook_of(parts.db, identity)
    if found is None:
        return _unknown(identity)
    detail = f"it is at version {found[0].version} by now: read it again, and repeat what you meant"
    return Refusal(HTTPStatus.PRECONDITION_FAILED, "changed", detail)


def _unknown(identity: int) -> Refusal:
    return Refusal(HTTPStatus.NOT_FOUND, "unknown", f"there is no webhook {identity}: GET /api/v1/webhooks lists them")
