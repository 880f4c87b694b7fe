"""Where can somebody read about the API and try it out, without anything being loaded from elsewhere?

The page, its script and its styles are the same in every installation and hold nothing secret, so they are open to
anyone, as the description is that they show. What an operation answers, it answers to the key that is typed in there;
the page keeps it in its memory only.
"""

from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from http import HTTPStatus
from importlib.resources import files
from typing import Annotated

from fastapi import APIRouter, Header, Path, Response

from router.web.admission import open_to_anyone

endpoints = APIRouter(prefix="/docs", tags=["description"])

# Swagger UI draws its arrows from data: addresses in its style sheet. Everything else comes from here, goes here, and
# stands in no frame of another page.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",  # asked for again each time, and answered with "not modified" (below)
}

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Call router: the API</title>
<link rel="icon" type="image/png" href="docs/favicon.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
<script src="docs/swagger-ui-bundle.js" defer></script>
<script src="docs/start.js" defer></script>
</head>
<body>
<div id="api"></div>
<noscript>This page needs JavaScript; <a href="openapi.json">the description</a> can be read without it.</noscript>
</body>
</html>
"""

# validatorUrl: no badge of a validator elsewhere. persistAuthorization: a key isn't left behind in the browser.
START = """SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#api",
  deepLinking: true,
  docExpansion: "none",
  filter: true,
  displayRequestDuration: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  validatorUrl: null,
});
"""


class Asset(StrEnum):
    """What the page is made of."""

    SCRIPT = "swagger-ui-bundle.js"
    STYLES = "swagger-ui.css"
    ICON = "favicon.png"
    START = "start.js"


_TYPES = {
    Asset.SCRIPT: "text/javascript",
    Asset.STYLES: "text/css",
    Asset.ICON: "image/png",
    Asset.START: "text/javascript",
}

IfNoneMatch = Annotated[str | None, Header(max_length=400, description="The ETag of what you have.")]


@endpoints.get(
    "",
    operation_id="show_docs",
    summary="The interactive documentation",
    response_class=Response,
    responses={200: {"content": {"text/html": {"schema": {"type": "string"}, "example": "<!doctype html>…"}}}},
    **open_to_anyone(),
)
async def show() -> Response:
    """A page to read about every operation and to try it out with a key of yours."""
    return Response(PAGE, media_type="text/html", headers=HEADERS)


@endpoints.get(
    "/{asset}",
    operation_id="show_docs_asset",
    summary="A part of that page",
    response_class=Response,
    responses={
        200: {
            "headers": {"ETag": {"schema": {"type": "string"}}},
            "content": {kind: {"schema": {"type": "string"}, "example": "…"} for kind in sorted(set(_TYPES.values()))},
        },
        304: {"description": "You have it already."},
    },
    **open_to_anyone(),
)
async def show_asset(
    asset: Annotated[Asset, Path(examples=[Asset.STYLES])], if_none_match: IfNoneMatch = None
) -> Response:
    """Its script, its styles, its icon."""
    content, tag = _content(asset)
    headers = {**HEADERS, "ETag": tag}
    if if_none_match is not None and tag in if_none_match:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(content, media_type=_TYPES[asset], headers=headers)


@lru_cache(maxsize=len(Asset))
def _content(asset: Asset) -> tuple[bytes, str]:
    """The file and its ETag; 1.5 MB at most, read from disk once."""
    if asset is Asset.START:
        content = START.encode()
    else:
        content = (files("fastapi_offline") / "static" / asset.value).read_bytes()
    return content, f'"{sha256(content).hexdigest()[:16]}"'
