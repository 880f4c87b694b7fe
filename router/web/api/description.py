"""What does the API say of itself?

The same to everybody who asks, key or none: it describes this program, not the company that runs it.
"""

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response

from router.web.admission import open_to_anyone

endpoints = APIRouter(tags=["description"])

_EXAMPLE = {"openapi": "3.1.0", "info": {"title": "Call router", "version": "0.1.0"}, "paths": {}}


@endpoints.get(
    "/openapi.json",
    operation_id="describe",
    summary="Read this description",
    response_model=dict[str, Any],
    responses={200: {"content": {"application/json": {"example": _EXAMPLE}}}},
    **open_to_anyone(),
)
async def describe(request: Request) -> Response:
    """OpenAPI 3.1, as `router openapi` prints it."""
    # Made at the first request, which takes a third of a second: beside the loop that routes calls, not in it.
    return Response(await asyncio.to_thread(request.app.state.description), media_type="application/json")
