"""Which paths are there, and what stands before them?"""

import json
from functools import lru_cache
from typing import Any

from fastapi import Depends, FastAPI

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
from router.web.describing import completed, methods_at
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
    return app


@lru_cache(maxsize=1)
def description_of_api() -> dict[str, Any]:
    """What OpenAPI says of it; for that nothing has to run."""
    return _whole_api().openapi()


@lru_cache(maxsize=1)
def description_as_json() -> bytes:
    """The same as it is sent. It takes a third of a second, once."""
    return json.dumps(description_of_api(), ensure_ascii=False, separators=(",", ":")).encode()


def _whole_api() -> FastAPI:
    app = _health()
    app.include_router(calls.endpoints, prefix=API)
    app.include_router(events.endpoints, prefix=API)
    app.include_router(commitments.endpoints, prefix=API)
    app.include_router(call_backs.endpoints, prefix=API)
    app.include_router(calling_in.endpoints, prefix=API)
    app.include_router(promises.endpoints, prefix=API)
    app.include_router(explain.endpoints, prefix=API)
    for endpoints in _OF_NOUNS:
        app.include_router(endpoints, prefix=API)
    app.include_router(changes.endpoints, prefix=API)
    app.include_router(leaving.endpoints, prefix=API)
    app.include_router(imports.endpoints, prefix=API)
    app.include_router(cover.endpoints, prefix=API)
    app.include_router(keys.endpoints, prefix=API)
    app.include_router(audit.endpoints, prefix=API)
    app.include_router(reports.endpoints, prefix=API)
    app.include_router(webhooks.endpoints, prefix=API)
    app.include_router(description.endpoints, prefix=API)
    app.include_router(docs.endpoints, prefix=API)
    return app


def _health() -> FastAPI:
    app = FastAPI(
        title="Call router",
        summary="Every caller reaches a person who can help.",
        # FastAPI's own pages would stand outside of `admit`, and load their scripts from elsewhere.
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(admit)],
    )
    as_fastapi_says = app.openapi
    app.openapi = lambda: app.openapi_schema or completed(as_fastapi_says())  # type: ignore[method-assign]
    translate_errors(app)
    app.include_router(health.endpoints)
    return app


_OF_NOUNS = tuple([endpoints_of(declared) for declared in DECLARED])
