"""Which paths are there, and what stands before them?"""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from fastapi import Depends, FastAPI, Request

from router.changes.nouns import DECLARED
from router.web import health
from router.web.admission import Doorkeeper, admit
from router.web.api import (
    audit,
    call_backs,
    calling_in,
    calls,
    changes,
    commitments,
    cover,
    description,
    docs,
    events,
    explain,
    imports,
    keys,
    leaving,
    promises,
    reports,
    webhooks,
)
from router.web.api.nouns import endpoints_of
from router.web.describing import completed, fields_of, methods_at
from router.web.introduction import INTRODUCTION, TAGS
from router.web.parts import Parts
from router.web.problems import translate_errors

API = "/api/v1"


def build_app(parts: Parts, *, only_health: bool = False) -> FastAPI:
    """The whole API, or what tells of a router's health. Nothing is reached without passing `admit`."""
    app = _health() if only_health else _whole_api()
    app.state.parts = parts
    app.state.doorkeeper = Doorkeeper(parts.db, parts.now, parts.limits)
    app.state.description = description_as_json
    app.state.methods_at = lambda path: methods_at(path, description_of_api())
    app.state.fields_at = _fields_at
    return app


@lru_cache(maxsize=1)
def description_of_api() -> dict[str, Any]:
    """What OpenAPI says of it; for that nothing has to run."""
    return _whole_api().openapi()


@lru_cache(maxsize=1)
def description_as_json() -> bytes:
    """The same as it is sent. It takes a third of a second, once."""
    return json.dumps(description_of_api(), ensure_ascii=False, separators=(",", ":")).encode()


def _fields_at(request: Request, location: Sequence[int | str]) -> Sequence[str]:
    return fields_of(request.method, request.url.path, list(location), description_of_api())


def _whole_api() -> FastAPI:
    app = _health()
    for endpoints in _ENDPOINTS:
        app.include_router(endpoints, prefix=API)
    return app


def _health() -> FastAPI:
    app = FastAPI(
        title="Call router",
        summary="Every caller reaches a person who can help.",
        description=INTRODUCTION,
        openapi_tags=[{"name": name, "description": says} for name, says in TAGS.items()],
        # FastAPI's own pages would stand outside of `admit`, and load their scripts from elsewhere.
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # who posts to another spelling would lose the body on the way
        dependencies=[Depends(admit)],
    )
    as_fastapi_says = app.openapi
    app.openapi = lambda: app.openapi_schema or completed(as_fastapi_says())  # type: ignore[method-assign]
    translate_errors(app)
    app.include_router(health.endpoints)
    return app


# In the order in which they are described.
_ENDPOINTS = (
    calls.endpoints,
    events.endpoints,
    commitments.endpoints,
    call_backs.endpoints,
    calling_in.endpoints,
    promises.endpoints,
    explain.endpoints,
    *(endpoints_of(declared) for declared in DECLARED),
    changes.endpoints,
    leaving.endpoints,
    imports.endpoints,
    cover.endpoints,
    keys.endpoints,
    audit.endpoints,
    reports.endpoints,
    webhooks.endpoints,
    description.endpoints,
    docs.endpoints,
)
