"""Do whole companies come and go over HTTP?"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx2
import pytest

from router.bulk import imports as bulk
from router.storage.access_schema import Role
from router.storage.keys import new_key
from router.web.api import imports
from tests.web.conftest import Office

ENDS_WITHIN = 60.0  # seconds; a child process takes one or two, more on a machine that is busy


async def send(
    office: Office, content: bytes, content_type: str, query: str, role: Role = Role.EDITOR
) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {office.keys[role]}", "Content-Type": content_type}
    transport = httpx2.ASGITransport(app=office.app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://router") as client:
        return await client.post(f"/api/v1/imports?{query}", content=content, headers=headers)


@asynccontextmanager
async def importing(office: Office) -> AsyncIterator[None]:
    """What the service does beside the requests."""
    tasks = [asyncio.ensure_future(one) for one in (office.imports.run(), office.publisher.watch())]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def ended(office: Office, identity: int) -> Any:
    async with asyncio.timeout(ENDS_WITHIN):
        while True:
            told = (await office.get(f"/api/v1/imports/{identity}", role=Role.EDITOR)).json()
            if told["state"] not in ("waiting", "running"):
                return told
            await asyncio.sleep(0.05)


async def test_a_form_of_files_is_imported_and_calls_are_decided_by_it_when_it_says_done(
    either_office: Office,
) -> None:
    form = (
        b'--xyz\r\nContent-Disposition: form-data; name="people"; filename="staff.csv"\r\n\r\n'
        b"name,phones\r\nPaula,paula\r\n\r\n"
        b'--xyz\r\nContent-Disposition: form-data; name="accounts"; filename="crm.csv"\r\n\r\n'
        b"name,manager,numbers\r\nMaple Mills,Paula,12025550170.0\r\n\r\n--xyz--\r\n"
    )

    async with importing(either_office):
        begun = await send(either_office, form, "multipart/form-data; boundary=xyz", "")
        told = await ended(either_office, begun.json()["id"])

    assert begun.status_code == 202
    assert (told["state"], told["version"]) == ("done", 2)
    assert [(one["noun"], one["new"]) for one in told["difference"]] == [("people", 1), ("accounts", 1)]
    assert told["remarks"]["first"][0]["file"] == "crm.csv"
    assert either_office.table is not None
    account = either_office.table.accounts.get(12)
    assert account is not None
    assert account.name == "Maple Mills"


async def test_an_import_is_taken_back_and_followed_like_one(office: Office) -> None:
    async with importing(office):
        begun = await send(office, b"name,priority\nBirch & Sons,7\n", "text/csv", "noun=accounts")
        done = await ended(office, begun.json()["id"])
        back = await office.ask("POST", f"/api/v1/imports/{done['id']}/undo", role=Role.ADMIN)
        told = await ended(office, back.json()["id"])
        again = await office.ask("POST", "/api/v1/imports/99/undo", role=Role.ADMIN)

    assert (told["state"], told["version"]) == ("done", done["version"] + 1)
    assert told["difference"][0]["details"][0]["fields"] == [{"column": "priority", "before": "7", "after": "0"}]
    assert (back.status_code, again.status_code) == (202, 404)


async def test_what_is_wrong_is_told_by_file_row_and_column_and_nothing_is_changed(office: Office) -> None:
    async with importing(office):
        begun = await send(office, b"name;managr\nPine;Anna\n", "text/csv", "noun=accounts")
        told = await ended(office, begun.json()["id"])
        nobody = await send(office, b"name,state\nAnna,away\nBen,away\nCarla,away\n", "text/csv", "noun=people")
        refused = await ended(office, nobody.json()["id"])

    assert told["state"] == refused["state"] == "refused"
    assert told["faults"]["first"][0] == {
        "file": "accounts.csv",
        "row": 1,
        "column": "managr",
        "sentence": "there is no column 'managr'; do you mean manager?",
    }
    assert "Coordinators" in refused["nowhere"][0]["sentence"]
    assert office.publisher.version in (None, 1)


@pytest.mark.parametrize(
    ("content_type", "query", "status"),
    [
        ("application/json", "noun=accounts", 415),
        ("text/csv", "", 422),
        ("text/csv", "noun=desks", 422),
        ("text/csv", "noun=accounts&remove_up_to=3", 422),
        ("text/csv", "noun=accounts&remove_up_to=-3&replace=true", 422),
        ("multipart/form-data; boundary=xyz", "", 422),  # without a file in it
    ],
)
async def test_what_can_not_be_an_import_is_refused_at_once(
    office: Office, content_type: str, query: str, status: int
) -> None:
    answer = await send(office, b"name\nPine\n", content_type, query)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_imports_are_listed_page_by_page_and_who_lost_their_router_is_told_so(either_office: Office) -> None:
    office = either_office
    for _ in range(3):
        await send(office, b"name\nPine\n", "text/csv", "noun=accounts&dry_run=true")
    waiting = await listed(office, "limit=2")
    rest = await listed(office, f"limit=2&cursor={waiting['next']}")
    async with importing(office):
        await ended(office, 3)
        await ended(office, 1)
    done = await listed(office, "state=done&order=id")
    office.now += bulk.SILENT_FOR * 2
    await send(office, b"name\nPine\n", "text/csv", "noun=accounts")
    office.now += bulk.SILENT_FOR * 2
    lost = await listed(office, "limit=1")

    assert [(one["id"], one["state"], one["sentence"]) for one in waiting["items"]] == [
        (3, "waiting", "it waits"), (2, "waiting", "it waits"),
    ]  # fmt: skip
    assert ([one["id"] for one in rest["items"]], rest["next"]) == ([1], None)
    assert [one["id"] for one in done["items"]] == [1, 2, 3]
    assert {(one["asked_by"], one["sentence"]) for one in done["items"]} == {("editor", "nothing was changed")}
    assert (lost["items"][0]["state"], "is gone" in lost["items"][0]["sentence"]) == ("failed", True)


async def listed(office: Office, query: str) -> Any:
    return (await office.get(f"/api/v1/imports?{query}", role=Role.EDITOR)).json()


async def test_only_who_may_edit_imports_and_a_body_has_a_limit(office: Office) -> None:
    too_large = bytes(imports.BODY_AT_MOST + 1)

    assert (await send(office, b"name\n", "text/csv", "noun=accounts", Role.COORDINATOR)).status_code == 403
    assert (await send(office, too_large, "text/csv", "noun=accounts")).status_code == 413
    assert (await office.get("/api/v1/imports/99", role=Role.EDITOR)).status_code == 404


async def test_more_imports_than_may_wait_are_refused_for_now(office: Office) -> None:
    answers = [
        await send(office, b"name\nPine\n", "text/csv", "noun=accounts&dry_run=true")
        for _ in range(bulk.MOST_WAITING + 1)
    ]

    assert [answer.status_code for answer in answers] == [202] * bulk.MOST_WAITING + [429]


async def test_an_export_hides_private_numbers_from_who_may_not_see_them(office: Office) -> None:
    sees = await new_key(office.db, "sees", Role.VIEWER, sees_private=True)

    hidden = await office.get("/api/v1/exports/people.csv")
    seen = await office.get("/api/v1/exports/people.csv", key=sees)

    assert hidden.headers["content-type"] == "text/csv; charset=utf-8"
    assert "external:hidden" in hidden.text
    assert "+1917" not in hidden.text
    assert "external:+19175550101" in seen.text
