"""Which paths are there, and what stands before them?"""

from typing import Any

from fastapi import Depends, FastAPI

from router.changes.nouns import DECLARED
from router.web import health
from router.web.admission import Doorkeeper, admit
from router.web.api import audit, calls, description, explain, imports, keys, leaving
from router.web.api.nouns import endpoints_of
from router.web.parts import Parts
from router.web.problems import Problem, translate_errors

API = "/api/v1"


def build_app(parts: Parts, *, only_health: bool = False) -> FastAPI:
    """The whole API, or what tells of a router's health. Nothing is reached without passing `admit`."""
    app = _health() if only_health else _whole_api()
    app.state.parts = parts
    app.state.doorkeeper = Doorkeeper(parts.db, parts.now)
    return app


def description_of_api() -> dict[str, Any]:
    """What OpenAPI says of it; for that nothing has to run."""
    return _whole_api().openapi()


def _whole_api() -> FastAPI:
    app = _health()
    app.include_router(calls.endpoints, prefix=API)
    app.include_router(explain.endpoints, prefix=API)
    for endpoints in _OF_NOUNS:
        app.include_router(endpoints, prefix=API)
    app.include_router(leaving.endpoints, prefix=API)
    app.include_router(imports.endpoints, prefix=API)
    app.include_router(keys.endpoints, prefix=API)
    app.include_router(audit.endpoints, prefix=API)
    app.include_router(description.endpoints, prefix=API)
    return app


def _health() -> FastAPI:
    app = FastAPI(
        title="Call router",
        summary="Every caller reaches a person who can help.",
        # The description and its pages would stand outside of `admit`, and load their scripts from elsewhere.
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(admit)],
        responses={"4XX": {"model": Problem, "content": {"application/problem+json": {}}}},
    )
    translate_errors(app)
    app.include_router(health.endpoints)
    return app


_OF_NOUNS = tuple([endpoints_of(declared) for declared in DECLARED])
