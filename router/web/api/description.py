"""What does the API say of itself?"""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from router.storage.schema import Role
from router.web.admission import needs

endpoints = APIRouter(tags=["description"])


@endpoints.get("/openapi.json", operation_id="describe", response_model=dict[str, Any], **needs(Role.VIEWER))
async def describe(request: Request) -> JSONResponse:
    """This description, as `router openapi` prints it."""
    return JSONResponse(request.app.openapi())
