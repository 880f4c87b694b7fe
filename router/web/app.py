"""Which paths are there, and what stands before them?"""

from fastapi import Depends, FastAPI

from router.web import health
from router.web.admission import Doorkeeper, admit
from router.web.api import calls, explain
from router.web.parts import Parts
from router.web.problems import Problem, translate_errors

API = "/api/v1"


def build_app(parts: Parts) -> FastAPI:
    """The whole API. Nothing is reached without passing `admit`, nothing is refused but as a problem."""
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
    app.state.parts = parts
    app.state.doorkeeper = Doorkeeper(parts.db, parts.now)
    translate_errors(app)
    app.include_router(health.endpoints)
    app.include_router(calls.endpoints, prefix=API)
    app.include_router(explain.endpoints, prefix=API)
    return app
