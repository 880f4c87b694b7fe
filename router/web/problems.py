"""How does the API say no?

Always in the same form, the problem details of RFC 9457: `type` is stable and meant for programs, `title` says what
kind of thing went wrong, `detail` what to do about it, `errors` which fields, by JSON pointer.
"""

import asyncio
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from router.changes import faults
from router.changes.saying import in_words
from router.routing.table_errors import TableError
from router.storage.commitments import NoSuchCommitment
from router.storage.database import Conflict, Contradictory, NotMigrated, Overtaken, Refused, StorageError, Unavailable
from router.storage.paging import BadCursor

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = "5"  # seconds; a database that restarts is back by then, and nobody hammers it meanwhile


class FieldError(BaseModel):
    pointer: str
    detail: str


class NamedBy(BaseModel):
    """An object that names the one that shall go, and in which of its fields."""

    noun: str
    id: int
    field: str


class DeadEnd(BaseModel):
    """A way that would lead to nobody: what is wrong, and which call gets there by which reasons."""

    sentence: str
    path: list[str]


class Problem(BaseModel):
    """What a refused request gets for an answer."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldError] = []
    named_by: list[NamedBy] = []
    nowhere: list[DeadEnd] = []
    claimed_by_id: int | None = None


class Refusal(Exception):
    """Raised anywhere below an endpoint; becomes a problem. `kind` ends its type: `urn:router:problem:<kind>`."""

    def __init__(
        self,
        status: HTTPStatus,
        kind: str,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        named_by: Sequence[NamedBy] = (),
        nowhere: Sequence[DeadEnd] = (),
        claimed_by_id: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.problem = Problem(
            type=f"urn:router:problem:{kind}",
            title=status.phrase,
            status=status.value,
            detail=detail,
            errors=list(errors),
            named_by=list(named_by),
            nowhere=list(nowhere),
            claimed_by_id=claimed_by_id,
        )
        self.headers = headers


def translate_errors(app: FastAPI) -> None:
    """Map every error that can leave an endpoint to its problem; what is left is a slip of ours: 500, and logged."""
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(faults.ChangeRefused, _change)
    app.add_exception_handler(TableError, _no_table)
    app.add_exception_handler(StorageError, _storage)
    app.add_exception_handler(Exception, _slip)


async def _refused(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refusal)
    return _answer(error)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [await _wrong(fault, request) for fault in error.errors()]
    detail = "; ".join(f"{field.pointer}: {field.detail}" for field in errors)
    return _answer(Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail, errors=errors))


async def _wrong(fault: Mapping[str, Any], request: Request) -> FieldError:
    location: Sequence[int | str] = fault["loc"]
    known: Sequence[str] = ()
    if fault["type"] == "json_invalid":
        location = location[:1]  # what follows is how many characters in
    elif fault["type"] == "extra_forbidden":
        known = await asyncio.to_thread(request.app.state.fields_at, request, location[:-1])
    return FieldError(pointer=_pointer(location), detail=in_words(fault, known))


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    status, headers = HTTPStatus(error.status_code), dict(error.headers or {})
    if status is HTTPStatus.BAD_REQUEST:  # a body that is no text; one that is no JSON is invalid as well
        detail = "this is no JSON in UTF-8"
        errors = [FieldError(pointer="/body", detail=detail)]
        return _answer(Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", f"/body: {detail}", errors=errors))
    if status is HTTPStatus.METHOD_NOT_ALLOWED:  # Starlette knows only of the first operation at this path
        there = await asyncio.to_thread(request.app.state.methods_at, request.url.path)
        headers["Allow"] = ", ".join(there) or headers.get("Allow", "")
        detail = f"{request.method} is not possible here: there is {headers['Allow']}"
    elif status is HTTPStatus.NOT_FOUND:
        path = request.url.path
        there = () if path.rstrip("/") == path else await asyncio.to_thread(request.app.state.methods_at, path[:-1])
        hint = "leave the / at its end out" if there else "/api/v1/docs shows what there is"
        detail = f"there is nothing at this path: {hint}"
    else:
        detail = str(error.detail)
    kind = status.phrase.lower().replace(" ", "-")
    return _answer(Refusal(status, kind, detail, headers=headers))


async def _change(request: Request, error: Exception) -> JSONResponse:
    detail = str(error)
    at = getattr(error, "at", "")
    whole = [FieldError(pointer=f"/body{at}", detail=detail)] if at else []
    match error:
        case faults.Invalid(faults=found):
            errors = _in_body(found)
            detail = "; ".join(f"{one.pointer}: {one.detail}" for one in errors)
            refusal = Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail, errors=errors)
        case faults.Taken(faults=found):
            refusal = Refusal(HTTPStatus.CONFLICT, "taken", detail, errors=_in_body(found))
        case faults.StillNamed(by=by):
            named_by = [NamedBy(noun=one.plural, id=one.id, field=one.field) for one in by]
            refusal = Refusal(HTTPStatus.CONFLICT, "still-named", detail, errors=whole, named_by=named_by)
        case faults.LeftBehind(faults=found, by=by):
            named_by = [NamedBy(noun=one.plural, id=one.id, field=one.field) for one in by]
            status, errors = HTTPStatus.UNPROCESSABLE_ENTITY, _in_body(found)
            refusal = Refusal(status, "left-behind", detail, errors=errors, named_by=named_by)
        case faults.LeavesAlready():
            refusal = Refusal(HTTPStatus.CONFLICT, "leaves-already", detail)
        case faults.StaysAnyway():
            refusal = Refusal(HTTPStatus.CONFLICT, "stays-anyway", detail)
        case faults.NotCovered():
            refusal = Refusal(HTTPStatus.CONFLICT, "not-covered", detail)
        case faults.LeadsNowhere(found=ends):
            nowhere = [DeadEnd(sentence=end.sentence, path=list(end.path)) for end in ends]
            detail = f"callers would be left without a person: {detail}"
            refusal = Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "leads-nowhere", detail, nowhere=nowhere)
        case faults.Unknown():
            refusal = Refusal(HTTPStatus.NOT_FOUND, "unknown", detail, errors=whole)
        case faults.Changed():
            refusal = Refusal(HTTPStatus.PRECONDITION_FAILED, "changed", detail, errors=whole)
        case faults.TooMuch():
            refusal = Refusal(HTTPStatus.CONFLICT, "too-much", detail)
        case faults.ChangedSince():
            refusal = Refusal(HTTPStatus.CONFLICT, "changed-since", detail)
        case faults.NotLookedAhead():
            status, headers = HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": RETRY_AFTER}
            refusal = Refusal(status, "not-looked-ahead", detail, headers=headers)
        case _:
            return await _slip(request, error)
    return _answer(refusal)


async def _no_table(_request: Request, error: Exception) -> JSONResponse:
    return _answer(Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "no-table", f"no table could be made of this: {error}"))


def _in_body(found: Sequence[faults.FieldFault]) -> list[FieldError]:
    return [FieldError(pointer=f"/body{fault.pointer}", detail=fault.sentence) for fault in found]


async def _storage(request: Request, error: Exception) -> JSONResponse:
    headers = {}
    errors: list[FieldError] = []
    match error:
        case NoSuchCommitment():
            status, kind = HTTPStatus.NOT_FOUND, "unknown"
            detail = f"{str(error).partition(':')[0]}: GET /api/v1/commitments lists them"
        case BadCursor():
            status, kind, detail = HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", str(error)
            errors = [FieldError(pointer="/query/cursor", detail=detail)]
        case Contradictory():
            status, kind, detail = HTTPStatus.CONFLICT, "contradictory", str(error)
        case Overtaken():
            status, headers = HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": RETRY_AFTER}
            kind, detail = "overtaken", str(error)
        case Conflict():
            status, kind, detail = HTTPStatus.CONFLICT, "conflict", f"this contradicts what is there: {error}"
        case Refused():
            status, kind, detail = HTTPStatus.UNPROCESSABLE_ENTITY, "refused", f"the database refuses this: {error}"
        case Unavailable():
            status, headers = HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": RETRY_AFTER}
            kind, detail = (
                "database-unavailable",
                "the database doesn't answer, but calls are routed: try later",
            )
        case NotMigrated():
            status, headers = HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": RETRY_AFTER}
            kind, detail = "database-not-migrated", "the database has no tables yet: they are made when it is reached"
        case _:
            return await _slip(request, error)
    return _answer(Refusal(status, kind, detail, errors=errors, headers=headers))


async def _slip(request: Request, error: Exception) -> JSONResponse:
    log.error("request failed", method=request.method, path=request.url.path, exc_info=error)
    detail = "this is a fault of the router; its log says more"
    return _answer(Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "fault", detail))


def _answer(refusal: Refusal) -> JSONResponse:
    content: dict[str, Any] = refusal.problem.model_dump(exclude_defaults=True)
    headers = dict(refusal.headers or {})
    return JSONResponse(content, status_code=refusal.problem.status, headers=headers, media_type=MEDIA_TYPE)


def _pointer(location: Sequence[int | str]) -> str:
    """RFC 6901, from where FastAPI says the fault is: the first part says body, query, path or header."""
    return "/" + "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in location)
