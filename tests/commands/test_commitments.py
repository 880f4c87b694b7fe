"""Is what we owe readable at a glance, and does each command do what it says, or say why not?"""

import asyncio
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from router.__main__ import main
from router.calls.call import Call
from router.commands.commitments import lines_of
from router.storage.commitments import Entry, list_entries
from router.storage.database import Database
from tests.sample_database import furnish
from tests.storage.owing import at, gave_up, got_through, without_number, written
from tests.storage.stories import SAMPLE_TABLE


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


Run = Callable[..., Said]
Happen = Callable[..., None]


@pytest.fixture(scope="module")
def furnished_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return furnish(tmp_path_factory.mktemp("commitments") / "furnished.db")


@pytest.fixture
def database(furnished_file: Path, tmp_path: Path) -> str:
    shutil.copy(furnished_file, tmp_path / "router.db")
    return f"sqlite:///{tmp_path / 'router.db'}"


@pytest.fixture
def happen(database: str) -> Happen:
    """These calls were recorded."""

    def record(*calls: Call) -> None:
        async def work() -> None:
            db = Database(database)
            await written(db, *calls)
            await db.close()

        asyncio.run(work())

    return record


@pytest.fixture
def router(database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`router commitments …` on the furnished database, by the clock of New York."""
    monkeypatch.setenv("ROUTER_DATABASE", database)
    monkeypatch.setenv("ROUTER_TIME_ZONE", "America/New_York")

    def run(*arguments: str) -> Said:
        with pytest.raises(SystemExit) as end:
            main(["commitments", *arguments])
        said = capsys.readouterr()
        return Said(code=int(end.value.code or 0), out=said.out, err=said.err)

    return run


def test_what_is_owed_is_listed_with_owner_caller_reason_urgency_and_calls(router: Run, happen: Happen) -> None:
    happen(gave_up("pbx:1"), gave_up("pbx:2", at=60), without_number(gave_up("pbx:3")))

    said = router("list")

    assert said.code == 0
    lines = said.out.splitlines()
    assert re.search(r"1  due 02 Mar 12:30, \d+ (min|h) late +Ida +Birch & Sons  \+12025550111  ×2", lines[0])
    assert lines[1].strip() == "gave up waiting, Business · calls pbx:1, pbx:2"
    assert "desk Coordinators" in lines[2]
    assert "a caller without a number" in lines[2]


def test_when_nothing_is_owed_it_says_so(router: Run) -> None:
    assert router("list").out == "Nothing is owed to anybody.\n"


def test_of_two_who_claim_the_second_learns_who_was_first(router: Run, happen: Happen) -> None:
    happen(gave_up())

    first, second = router("claim", "1", "--by", "jonas"), router("claim", "1", "--by", "Lena")

    assert (first.code, first.out) == (
        0,
        "Commitment 1 is yours: Birch & Sons, +12025550111, due 02 Mar 12:30, Jonas.\n",
    )
    assert (second.code, second.err) == (1, "Jonas has claimed it already.\n")
    assert "claimed" in router("list").out


def test_who_is_away_cant_claim(router: Run, happen: Happen) -> None:
    happen(gave_up())
    said = router("claim", "1", "--by", "Karl")
    assert (said.code, said.err.startswith("Karl is away, covered or has left")) == (1, True)


def test_a_name_that_is_nobodys_is_told(router: Run, happen: Happen) -> None:
    happen(gave_up())
    said = router("claim", "1", "--by", "Jona")
    assert (said.code, "do you mean Jonas" in said.err) == (2, True)


def test_what_is_kept_or_void_is_shown_only_when_asked_for(router: Run, happen: Happen) -> None:
    happen(gave_up("pbx:1"))
    assert router("keep", "1", "--by", "Ida", "--note", "sent the plan").out.startswith("Commitment 1 is kept")
    happen(gave_up("pbx:2", at=60))
    assert router("void", "2", "--reason", "robot").code == 0
    happen(gave_up("pbx:3", at=120), got_through("pbx:4"))

    assert router("list").out == "Nothing is owed to anybody.\n"
    everything = router("list", "--all").out
    for words in ("sent the plan", "void: robot", "kept by call pbx:4"):
        assert words in everything


def test_voiding_needs_a_reason_and_what_is_over_stays_over(router: Run, happen: Happen) -> None:
    happen(gave_up())
    assert "takes a reason" in router("void", "1", "--reason", " ").err
    assert router("void", "1", "--reason", "robot").code == 0
    assert router("keep", "1", "--by", "Ida").err == "It is void already.\n"


def test_an_attempt_that_reached_nobody_is_counted(router: Run, happen: Happen) -> None:
    happen(gave_up())
    assert router("tried", "1").code == 0
    assert "tried 1×, again at" in router("list").out


def test_a_number_that_no_commitment_has_is_told(router: Run) -> None:
    said = router("tried", "7")
    assert (said.code, said.err) == (1, "there is no commitment 7: `router commitments list` shows them\n")


def test_who_had_a_call_can_promise_something_in_it(router: Run, happen: Happen) -> None:
    happen(got_through("pbx:4"))
    said = router("promise", "pbx:4", "--note", "the offer", "--due", "2099-03-04T10:00")
    assert said.out == "Commitment 1 is promised: Birch & Sons, +12025550111, due 04 Mar 10:00, Jonas.\n"
    assert "the offer" in router("list").out


def test_a_promise_in_a_call_nobody_had_needs_a_name(router: Run, happen: Happen) -> None:
    happen(replace(gave_up("pbx:1"), ended_at=None, ending=None))
    assert "say with --by" in router("promise", "pbx:1", "--note", "x").err
    assert "there is no call" in router("promise", "pbx:9", "--note", "x").err
    assert router("promise", "pbx:1", "--note", "x", "--by", "Anna").code == 0


@pytest.mark.parametrize(("minute", "style"), [(10, "green"), (29.9, "green"), (30, "bold red")])
def test_what_is_late_is_red(happen: Happen, database: str, minute: float, style: str) -> None:
    happen(gave_up())

    async def entry() -> Entry:
        db = Database(database)
        (found,) = await list_entries(db)
        await db.close()
        return found

    first, _ = lines_of(asyncio.run(entry()), SAMPLE_TABLE, ZoneInfo("UTC"), at(minute))
    assert str(first.spans[0].style) == style
