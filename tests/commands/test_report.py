"""Can somebody at a terminal read what the calls add up to?"""

import asyncio
from pathlib import Path

import pytest

from router.__main__ import main
from router.storage.database import Database
from router.storage.recorder import Recorder
from tests.sample_database import furnish
from tests.storage.stories import SOON, answered

ASKED = ("report", "--from", "2026-03-02", "--to", "2026-03-03")


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The sample company, after one call that Jonas took."""
    url = f"sqlite:///{furnish(tmp_path / 'router.db')}"
    asyncio.run(_one_call(url))
    monkeypatch.setenv("ROUTER_DATABASE", url)
    monkeypatch.setenv("ROUTER_TIME_ZONE", "America/New_York")
    return url


def test_a_report_is_a_table_with_its_definitions_below(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(*ASKED, "--by", "person") == 0
    said = capsys.readouterr()
    assert [line.split()[:4] for line in said.out.splitlines()[1:]] == [
        ["Jonas", "1", "100.0%", "4.0"],
        ["total", "1", "100.0%", "4.0"],
    ]
    assert "half waited no longer" in said.err


def test_a_report_for_a_spreadsheet_has_every_figure(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(*ASKED, "--csv") == 0
    head, total = capsys.readouterr().out.splitlines()
    assert head.startswith("key,name,calls,answered,answered_share")
    assert total.startswith(",total,1,1,1.0")


def test_a_period_that_ends_before_it_begins_is_refused(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert told("report", "--from", "2026-03-02", "--to", "2026-03-01") == 2
    assert "must end after it begins" in capsys.readouterr().err


def told(*arguments: str) -> object:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return ended.value.code


async def _one_call(url: str) -> None:
    db = Database(url)
    recorder = Recorder(db)
    recorder.record(answered())
    assert await recorder.drain(SOON) == 0
    await db.close()
