"""Is the interactive documentation served by ourselves alone, to anyone, and telling nothing that is anybody's?"""

import asyncio
import re
import shutil
from pathlib import Path

import pytest

from router.web.server import WebServer
from tests.web.conftest import Office

PAGE = "/api/v1/docs"
BROWSES_WITHIN = 60  # seconds; a chromium starts in two, on a machine that has time for it


async def test_everything_the_page_names_is_served_by_ourselves(office: Office) -> None:
    page = await office.get(PAGE, role=None)
    named = re.findall(r'(?:src|href)="([^"]*)"', page.text)

    answers = [await office.get(f"/api/v1/{name}", role=None) for name in named]

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert {"docs/swagger-ui.css", "docs/swagger-ui-bundle.js", "docs/start.js"} <= set(named)
    assert [answer.status_code for answer in answers] == [200] * len(named)
    assert all(answer.content for answer in answers)


async def test_the_browser_is_told_to_ask_nobody_else(office: Office) -> None:
    page = await office.get(PAGE, role=None)
    start = await office.get(f"{PAGE}/start.js", role=None)
    policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))

    assert "//" not in page.text
    assert "//" not in start.text
    assert "validatorUrl: null" in start.text, "else a badge is fetched from elsewhere"
    assert policy.pop("img-src") == "'self' data:"
    assert set(policy.values()) <= {"'none'", "'self'"}
    assert page.headers["x-content-type-options"] == "nosniff"


async def test_a_browser_shows_it_and_asks_nobody_else(office: Office, tmp_path: Path) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("there is no chromium on this machine: Debian's package chromium has it")
    server = WebServer(office.app, "127.0.0.1", 0)
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(server.run())
        browser = await asyncio.create_subprocess_exec(
            *(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            *(f"--user-data-dir={tmp_path}", "--enable-logging=stderr", "--virtual-time-budget=20000", "--dump-dom"),
            f"{server.url}{PAGE}",
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(BROWSES_WITHIN):
                shown, said = await browser.communicate()
        finally:
            if browser.returncode is None:
                browser.kill()
            server.stop()
        await serving

    assert 'id="operations-tag-people"' in shown.decode()
    assert "CONSOLE" not in said.decode(), "a console's complaint: something was refused or not found"


async def test_what_is_there_already_is_not_sent_again(office: Office) -> None:
    first = await office.get(f"{PAGE}/swagger-ui.css", role=None)

    again = await office.ask("GET", f"{PAGE}/swagger-ui.css", role=None, if_none_match=first.headers["etag"])

    assert (again.status_code, again.content) == (304, b"")


async def test_nothing_else_of_the_disk_is_served(office: Office) -> None:
    for name in ("redoc.standalone.js", "..%2F__init__.py", "%2Fetc%2Fpasswd"):
        answer = await office.get(f"{PAGE}/{name}", role=None)

        assert answer.status_code in (404, 422), name


async def test_the_description_is_the_same_to_everybody(office: Office) -> None:
    assert (await office.get("/api/v1/openapi.json", role=None)).json() == office.app.openapi()
