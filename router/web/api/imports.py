"""How does a whole company come over HTTP, and how is it fetched?"""

import asyncio
import os
import tempfile
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi import Path as InPath
from pydantic import BaseModel, ConfigDict, Field
from starlette.background import BackgroundTask
from starlette.responses import FileResponse

from router.bulk.imports import TooManyImports
from router.bulk.job import Job
from router.changes.fields import LARGEST
from router.storage.access_schema import Role
from router.storage.import_schema import ImportState
from router.storage.imports import KeptImport
from router.web.admission import key_of, needs
from router.web.api.lists import ISO, PAGE, PAGE_AT_MOST, QueryInstant
from router.web.parts import Parts, parts
from router.web.problems import Problem, Refusal

endpoints = APIRouter(tags=["imports"])

BODY_AT_MOST = 64 * 1024 * 1024  # bytes; a hundred thousand accounts with two numbers each are 8 MiB
FIRST_FIELD_WITHIN = 4096  # bytes of a form in which its first field has said its name
ARRIVES_WITHIN = 300.0  # seconds for the whole body; 64 MiB over a line of 2 Mbit/s
CSV, FORM = "text/csv", "multipart/form-data"

Plural = Literal["people", "lines", "accounts", "jobs"]
PartsHere = Annotated[Parts, Depends(parts)]


class ImportQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    noun: Plural | None = Field(default=None, description="What a text/csv body is of.", examples=["accounts"])
    dry_run: bool = Field(default=False, description="Only say what would become different.")
    replace: bool = Field(default=False, description="Remove what the files don't name, few objects at most.")
    remove_up_to: Annotated[int, Field(ge=0, le=LARGEST)] | None = Field(
        default=None, description="With `replace`: remove up to so many objects of a noun."
    )
    everything: bool = Field(default=False, description="Tell the whole difference and every fault, not the first.")


class Begun(BaseModel):
    model_config = ConfigDict(json_schema_extra={"example": {"id": 1, "state": "waiting"}})

    id: int
    state: ImportState


class Progress(BaseModel):
    """What is being done, how much of it, and of how much (0: nobody knows)."""

    doing: str
    done: int
    of: int


_EXAMPLE: dict[str, Any] = {
    "id": 1,
    "state": "done",
    "sentence": "imported",
    "asked_at": "2026-03-02T09:00:00Z",
    "asked": {"dry_run": False, "replace": False, "remove_up_to": None, "noun": "accounts"},
    "progress": None,
    "version": 42,
    "difference": [
        {
            "noun": "accounts",
            "new": 0,
            "changed": 1,
            "removed": 0,
            "same": 1210,
            "details": [
                {
                    "action": "changed",
                    "name": "account 'Birch & Sons' (crm-1)",
                    "fields": [{"column": "manager", "before": "Ida", "after": "Jonas"}],
                }
            ],
            "not_shown": 0,
        }
    ],
    "faults": None,
    "remarks": {"count": 0, "first": []},
    "nowhere": [],
}


_LISTED: dict[str, Any] = {
    "id": 1,
    "state": "done",
    "sentence": "imported",
    "asked_at": "2026-03-02T09:00:00Z",
    "asked_by": "crm",
    "asked": {"dry_run": False, "replace": False, "remove_up_to": None, "noun": "accounts"},
    "updated_at": "2026-03-02T09:00:04Z",
    "version": 42,
}


class Standing(BaseModel):
    """How far an import is, or what became of it."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    id: int
    state: ImportState = Field(
        description="done · refused: something is wrong with the files · failed: not their fault. The last two have"
        " changed nothing. With `done` calls are decided by what was imported."
    )
    sentence: str
    asked_at: datetime
    asked: dict[str, Any]
    progress: Progress | None
    version: int | None = Field(description="Of the table that it made; null where it made none.")
    difference: list[dict[str, Any]] = Field(description="Of each noun: new, changed, removed, same, and details.")
    faults: dict[str, Any] | None = Field(description="How many, and the first of them, by file, row and column.")
    remarks: dict[str, Any] | None = Field(description="What had to be put right, such as numbers without their +.")
    nowhere: list[dict[str, Any]] = Field(description="Ways on which callers would reach nobody.")


class ImportsQuery(BaseModel):
    """Which imports."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=PAGE_AT_MOST)] = PAGE
    cursor: Annotated[str, Field(max_length=600)] | None = Field(default=None, description="`next` of the last answer.")
    order: Literal["-id", "id", "-updated_at", "updated_at"] = Field(
        default="-id", description="With - in front the other way round."
    )
    state: ImportState | None = Field(default=None, description="Only those.")
    updated_since: QueryInstant | None = Field(
        default=None, examples=[ISO], description="That gave a sign then or later."
    )


class Listed(BaseModel):
    """One import, and what became of it in a sentence."""

    model_config = ConfigDict(json_schema_extra={"example": _LISTED})

    id: int
    state: ImportState
    sentence: str
    asked_at: datetime
    asked_by: str = Field(description="The name of the key that asked for it.")
    asked: dict[str, Any]
    updated_at: datetime = Field(description="When it gave the last sign.")
    version: int | None = Field(description="Of the table that it made; null where it made none.")


class ImportPage(BaseModel):
    model_config = ConfigDict(json_schema_extra={"example": {"items": [_LISTED], "next": None}})

    items: list[Listed]
    next: str | None = Field(description="Send it as `cursor` to get what follows; null at the end.")


@endpoints.post(
    "/imports",
    operation_id="create_import",
    status_code=HTTPStatus.ACCEPTED,
    summary="Import people, lines, accounts and jobs from CSV files",
    responses={413: {"model": Problem}, 415: {"model": Problem}, 429: {"model": Problem}},
    openapi_extra={
        **needs(Role.EDITOR)["openapi_extra"],
        "requestBody": {
            "required": True,
            "content": {
                CSV: {
                    "schema": {"type": "string"},
                    "example": "name,manager,numbers\r\nBirch & Sons,Ida,+12025550111; +12025550112\r\n",
                },
                FORM: {
                    "schema": {
                        "type": "object",
                        "properties": {
                            plural: {"type": "string", "format": "binary"}
                            for plural in ("people", "lines", "accounts", "jobs")
                        },
                    },
                    "example": {"people": "name,phones\r\nPaula,desk:paula\r\n"},
                },
            },
        },
    },
)
async def create(request: Request, parts: PartsHere, query: Annotated[ImportQuery, Query()]) -> Begun:
    """One file as text/csv with `noun`, or several as a form whose fields are nouns; all of it, or nothing.

    The answer comes at once, with the id under which it is found how far it is.
    """
    content_type = request.headers.get("content-type", "")
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in (CSV, FORM):
        raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "media-type", f"send {CSV} with ?noun=…, or {FORM}")
    if kind == CSV and query.noun is None:
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", "say what the file is of: ?noun=accounts")
    if query.remove_up_to is not None and not query.replace:
        detail = "remove_up_to says how much replace may remove: say replace=true as well"
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail)
    path = await _put_down(request)
    if kind == FORM and not await asyncio.to_thread(_holds_a_field, path):
        path.unlink(missing_ok=True)
        detail = "the form holds no file: send one as the field people, lines, accounts or jobs"
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail)
    key = key_of(request)
    asked = query.model_dump(exclude={"noun", "everything"})
    job = parts.bulk.job(
        files=[(query.noun, f"{query.noun}.csv", str(path))] if kind == CSV else (),
        form=(content_type, str(path)) if kind == FORM else None,
        actor=key.name,
        key=key.prefix,
        everything=query.everything,
        # whoever asks later how it went may not see private numbers
        private=False,
        **asked,
    )
    try:
        return await _begun(parts, job, {**asked, "noun": query.noun})
    except Refusal:
        path.unlink(missing_ok=True)
        raise


@endpoints.get("/imports", operation_id="list_import", summary="List imports", **needs(Role.EDITOR))
async def list_imports(parts: PartsHere, query: Annotated[ImportsQuery, Query()]) -> ImportPage:
    """Those that were asked for, newest first, with what became of each in a sentence; read one for its details."""
    page = await parts.bulk.page(
        order=query.order.replace("updated_at", "told_at"),
        limit=query.limit,
        cursor=query.cursor,
        states=() if query.state is None else (query.state,),
        told_since=query.updated_since,
    )
    return ImportPage(items=[_listed(kept) for kept in page.imports], next=page.next_cursor)


def _holds_a_field(path: Path) -> bool:
    """Whether a form begins with a field, as far as can be seen without reading it whole."""
    with path.open("rb") as body:
        return b'name="' in body.read(FIRST_FIELD_WITHIN)


@endpoints.get(
    "/imports/{id}",
    operation_id="read_import",
    summary="How far is an import, and what became of it?",
    responses={404: {"model": Problem}},
    **needs(Role.EDITOR),
)
async def read(parts: PartsHere, id: Annotated[int, InPath(ge=1, le=LARGEST, examples=[1])]) -> Standing:
    """State, progress, the difference, and what is wrong."""
    kept = await parts.bulk.standing(id)
    if kept is None:
        raise Refusal(HTTPStatus.NOT_FOUND, "unknown", f"there is no import {id}: POST /api/v1/imports begins one")
    return _standing(kept)


@endpoints.post(
    "/imports/{id}/undo",
    operation_id="undo_import",
    status_code=HTTPStatus.ACCEPTED,
    summary="Take back an import, all of it at once",
    responses={404: {"model": Problem}, 409: {"model": Problem}, 429: {"model": Problem}},
    **needs(Role.ADMIN),
)
async def undo(request: Request, parts: PartsHere, id: Annotated[int, InPath(ge=1, le=LARGEST, examples=[1])]) -> Begun:
    """Everything becomes what it was before, unless somebody has changed it since; followed like an import."""
    kept = await parts.bulk.standing(id)
    if kept is None:
        raise Refusal(HTTPStatus.NOT_FOUND, "unknown", f"there is no import {id}: POST /api/v1/imports begins one")
    if kept.version is None:
        raise Refusal(HTTPStatus.CONFLICT, "nothing-imported", f"import {id} has changed nothing that could be undone")
    key = key_of(request)
    job = parts.bulk.job(undo=kept.version, actor=key.name, key=key.prefix, private=False)
    return await _begun(parts, job, {"undoes": id})


@endpoints.get(
    "/exports/{noun}.csv",
    operation_id="read_export",
    summary="Fetch people, lines, accounts or jobs as CSV",
    response_class=FileResponse,
    responses={
        200: {
            "content": {
                CSV: {"schema": {"type": "string"}, "example": "ref,name,manager,desk,priority,deputies,numbers\r\n"}
            }
        }
    },
    **needs(Role.VIEWER),
)
async def export(
    request: Request, parts: PartsHere, noun: Annotated[Plural, InPath(examples=["accounts"])]
) -> FileResponse:
    """As imports read it: importing it again changes nothing. Private numbers only with a key that sees them."""
    path = await asyncio.to_thread(_new_file)
    outcome = await parts.bulk.export(noun, path, private=key_of(request).sees_private)
    if outcome.state is not ImportState.DONE:
        path.unlink(missing_ok=True)
        raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "export-failed", outcome.sentence)
    return FileResponse(
        path,
        media_type=f"{CSV}; charset=utf-8",
        filename=f"{noun}.csv",
        background=BackgroundTask(path.unlink, missing_ok=True),
    )


async def _begun(parts: Parts, job: Job, asked: dict[str, Any]) -> Begun:
    try:
        identity = await parts.bulk.begin(job, asked)
    except TooManyImports as full:
        raise Refusal(HTTPStatus.TOO_MANY_REQUESTS, "too-many-imports", str(full)) from None
    return Begun(id=identity, state=ImportState.WAITING)


async def _put_down(request: Request) -> Path:
    """The body as a file, as it comes: nothing of it is held in memory, and a child process reads it."""
    path = await asyncio.to_thread(_new_file)
    arrived = 0
    try:
        async with asyncio.timeout(ARRIVES_WITHIN):
            async for piece in request.stream():
                arrived += len(piece)
                if arrived > BODY_AT_MOST:
                    detail = f"more than {BODY_AT_MOST // 1024 // 1024} MiB: import it in parts"
                    raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", detail)
                await asyncio.to_thread(_append, path, piece)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def _new_file() -> Path:
    handle, path = tempfile.mkstemp(prefix="router-", suffix=".csv")  # only its owner can read it
    os.close(handle)
    return Path(path)


def _append(path: Path, piece: bytes) -> None:
    with path.open("ab") as file:
        file.write(piece)


def _listed(kept: KeptImport) -> Listed:
    return Listed(
        id=kept.id,
        state=kept.state,
        sentence=_sentence(kept),
        asked_at=kept.asked_at,
        asked_by=kept.actor,
        asked=dict(kept.asked),
        updated_at=kept.told_at,
        version=kept.version,
    )


def _sentence(kept: KeptImport) -> str:
    if kept.state is ImportState.WAITING:
        return "it waits"
    return str(kept.outcome.get("sentence") or kept.progress.get("doing") or "beginning")


def _standing(kept: KeptImport) -> Standing:
    outcome = kept.outcome
    running = kept.state is ImportState.RUNNING
    return Standing(
        id=kept.id,
        state=kept.state,
        sentence=_sentence(kept),
        asked_at=kept.asked_at,
        asked=dict(kept.asked),
        progress=Progress(**kept.progress) if running and kept.progress else None,
        version=kept.version,
        difference=outcome.get("difference", []),
        faults=outcome.get("faults"),
        remarks=outcome.get("remarks"),
        nowhere=outcome.get("nowhere", []),
    )
