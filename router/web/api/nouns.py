"""How are objects listed, read, made, changed and removed? In one way, whatever noun they are of."""

import inspect
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from pydantic import BaseModel
from starlette.responses import JSONResponse

from router.changes.carrying import unknown
from router.changes.fields import LARGEST, Fields
from router.changes.nouns import Declared
from router.changes.showing import shown, without_private
from router.changes.wishes import Amend, By, Create, Done, Remove, Replace, Wish
from router.routing.configuration import Noun
from router.storage.access_schema import Action, Role, Source
from router.storage.kept import Kept, kept_by_ref, kept_of, kept_page
from router.web.admission import key_of, needs
from router.web.api.models import ListQuery, models_of, said_of_one
from router.web.parts import Parts, parts
from router.web.problems import Refusal

WRITERS = {Noun.COVER: Role.COORDINATOR, Noun.OVERRIDE: Role.COORDINATOR}  # what changes from day to day
WRITER = Role.EDITOR  # of everything else

PartsHere = Annotated[Parts, Depends(parts)]
Identity = Annotated[int, Path(ge=1, le=LARGEST, examples=[1])]
OwnRef = Annotated[str, Path(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$", examples=["crm-4711"])]
IfMatch = Annotated[
    str | None,
    Header(max_length=400, description="The ETag of what was read, so that nobody's change is lost.", examples=['"1"']),
]


def endpoints_of(declared: Declared) -> APIRouter:
    """The operations of this noun."""
    models = models_of(declared)
    writer = needs(WRITERS.get(declared.noun, WRITER))
    endpoints = APIRouter(prefix=f"/{declared.plural}", tags=[declared.plural])
    of = _Operations(declared)
    one, many, one_of = declared.noun.value, declared.plural, said_of_one(declared.noun)

    def add(method: str, path: str, endpoint: Callable[..., Any], says: str, **particulars: Any) -> None:
        endpoints.add_api_route(
            path,
            endpoint,
            methods=[method],
            summary=says,
            operation_id=f"{endpoint.__name__}_{one}" + ("_by_ref" if "ref" in path else ""),
            **particulars,
        )

    viewer = needs(Role.VIEWER)
    add("GET", "", _typed(of.list, query=Annotated[models.query, Query()]), f"List {many}",
        responses=models.page_answers(), **viewer)  # fmt: skip
    add("POST", "", _typed(of.create, fields=models.body), f"Make {one_of}", status_code=201,
        responses=models.answers(201, 409), **writer)  # fmt: skip
    add("GET", "/by-ref/{ref}", of.read_by_ref, f"Read {one_of} by your own key",
        responses=models.answers(200, 404), **viewer)  # fmt: skip
    add("PUT", "/by-ref/{ref}", _typed(of.replace, fields=models.body), f"Make or replace {one_of} by your own key",
        responses=models.answers(200, 201, 409, 412), **writer)  # fmt: skip
    add("GET", "/{id}", of.read, f"Read {one_of}", responses=models.answers(200, 404), **viewer)
    add("PATCH", "/{id}", _typed(of.amend, patch=models.patch), f"Change {one_of}",
        responses=models.answers(200, 404, 409, 412, 428), **writer)  # fmt: skip
    add("DELETE", "/{id}", of.remove, f"Remove {one_of}", status_code=204, response_class=Response,
        responses=models.answers(404, 409, 412, 428), **writer)  # fmt: skip
    return endpoints


class _Operations:
    """What each operation does; the same for all nouns."""

    def __init__(self, declared: Declared) -> None:
        self._declared = declared

    async def list(self, request: Request, parts: PartsHere, query: ListQuery) -> JSONResponse:
        """Those that fit every filter. Send `next` as `cursor` to get what follows."""
        sees_private = key_of(request).sees_private
        wanted = query.wanted(self._declared, sees_private=sees_private)
        async with parts.db.reading() as look:
            page = await kept_page(look, self._declared.noun, wanted)
        items = [self._shown(request, kept) for kept in page.kept]
        return JSONResponse({"items": items, "next": page.next_cursor})

    async def read(self, request: Request, parts: PartsHere, id: Identity) -> JSONResponse:
        """One of them, with its ETag."""
        async with parts.db.reading() as look:
            kept = await kept_of(look, self._declared.noun, id)
        if kept is None:
            raise unknown(self._declared, id)
        return self._answer(request, kept)

    async def read_by_ref(self, request: Request, parts: PartsHere, ref: OwnRef) -> JSONResponse:
        """The one that has this reference, with its ETag."""
        async with parts.db.reading() as look:
            kept = await kept_by_ref(look, self._declared.noun, ref)
        if kept is None:
            raise unknown(self._declared, f"with the reference {ref!r}")
        return self._answer(request, kept)

    async def create(self, request: Request, parts: PartsHere, fields: Fields) -> JSONResponse:
        """Calls are decided by it before the answer comes."""
        done = await self._do(request, parts, Create(declared=self._declared, fields=fields))
        return self._answer(request, done.kept, created=True)

    async def replace(
        self, request: Request, parts: PartsHere, ref: OwnRef, fields: Fields, if_match: IfMatch = None
    ) -> JSONResponse:
        """Let it be exactly so; what is left out gets its default. If-Match isn't needed; one that is sent counts."""
        wish = Replace(declared=self._declared, ref=ref, fields=fields, only_if=_versions(if_match))
        done = await self._do(request, parts, wish)
        return self._answer(request, done.kept, created=done.action is Action.CREATED)

    async def amend(
        self, request: Request, parts: PartsHere, id: Identity, patch: BaseModel, if_match: IfMatch = None
    ) -> JSONResponse:
        """A JSON Merge Patch (RFC 7396): what is left out stays, null takes away, a list is replaced as a whole."""
        body = await request.json()
        only_if = required(if_match)
        done = await self._do(request, parts, Amend(declared=self._declared, id=id, patch=body, only_if=only_if))
        return self._answer(request, done.kept)

    async def remove(self, request: Request, parts: PartsHere, id: Identity, if_match: IfMatch = None) -> Response:
        """Refused as long as others name it; the answer lists them."""
        await self._do(request, parts, Remove(declared=self._declared, id=id, only_if=required(if_match)))
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def _do(self, request: Request, parts: Parts, wish: Wish) -> Done:
        (done,) = await parts.door.do([wish], asked_by(request), parts.now())
        return done

    def _answer(self, request: Request, kept: Kept, *, created: bool = False) -> JSONResponse:
        headers = {"ETag": f'"{kept.version}"'}
        if created:
            headers["Location"] = f"/api/v1/{self._declared.plural}/{kept.entity.id}"
        status = HTTPStatus.CREATED if created else HTTPStatus.OK
        return JSONResponse(self._shown(request, kept), status, headers)

    def _shown(self, request: Request, kept: Kept) -> dict[str, Any]:
        everything = shown(self._declared, kept)
        return everything if key_of(request).sees_private else without_private(everything)


def asked_by(request: Request) -> By:
    """Whose key it is that asks, for the record."""
    key = key_of(request)
    return By(actor=key.name, key=key.prefix, source=Source.API)


def required(if_match: str | None) -> frozenset[int] | None:
    """The versions of an If-Match that has to be there, None for any. Raises Refusal."""
    if if_match is None:
        detail = "send the ETag of what you have read as If-Match, so that nobody's change is lost"
        raise Refusal(HTTPStatus.PRECONDITION_REQUIRED, "if-match-missing", detail)
    return _versions(if_match)


def _versions(if_match: str | None) -> frozenset[int] | None:
    """None for any version. What is no ETag of ours fits none. Proxies that compress mark it as weak: W/"2"."""
    if if_match is None or if_match.strip() == "*":
        return None
    tags = [tag.strip().removeprefix("W/").strip('"') for tag in if_match.split(",")]
    return frozenset(int(tag) for tag in tags if tag.isascii() and tag.isdigit())


def _typed(endpoint: Callable[..., Any], **types: Any) -> Callable[..., Any]:
    """The same operation, with the types of this noun for whoever describes and checks the requests."""

    async def typed(**given: Any) -> Any:
        return await endpoint(**given)

    signature = inspect.signature(endpoint)
    own = [p.replace(annotation=types.get(p.name, p.annotation)) for p in signature.parameters.values()]
    typed.__signature__ = signature.replace(parameters=own)  # type: ignore[attr-defined]
    typed.__name__, typed.__doc__ = endpoint.__name__, endpoint.__doc__
    return typed
