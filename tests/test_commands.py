"""Do the commands do what their help says, and fail with a sentence?"""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from router.__main__ import main
from router.calls.call import Call, Passing
from router.calls.events import How
from router.lab.sample import BEN, BIRCH, BUSINESS_LINE, JONAS, NO_LINE, SAMPLE
from router.routing.configuration import Put
from router.routing.model import Person, PersonState
from router.storage.audit import newest_entries
from router.storage.database import Database
from router.storage.keys import ApiKey, find_key
from router.storage.orders import Asked, settle, take
from router.storage.recorder import Recorder
from router.storage.tables import commit_changes
from tests.sample_database import MONDAY_NOON, furnish
from tests.storage.stories import talking, whole_life

WITHIN = 30.0  # seconds for one command; each takes less than one on a machine that is not busy


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


Run = Callable[..., Said]


@pytest.fixture(scope="module")
def furnished_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return furnish(tmp_path_factory.mktemp("commands") / "furnished.db")


@pytest.fixture
def database(furnished_file: Path, tmp_path: Path) -> str:
    shutil.copy(furnished_file, tmp_path / "router.db")
    return f"sqlite:///{tmp_path / 'router.db'}"


@pytest.fixture
def router(database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`router …` on the furnished database; keywords are ROUTER_* variables."""

    def run(*arguments: str, **settings: str) -> Said:
        for name, value in {"database": database, **settings}.items():
            monkeypatch.setenv(f"ROUTER_{name.upper()}", value)
        with pytest.raises(SystemExit) as end:
            main(arguments)
        said = capsys.readouterr()
        return Said(code=int(end.value.code or 0), out=said.out, err=said.err)

    return run


@pytest.fixture
def serve(database: str) -> Run:
    """`router serve` as a process of its own: it sets up logs and signals for the whole process."""

    def run(**settings: str) -> Said:
        variables = {f"ROUTER_{name.upper()}": value for name, value in {"database": database, **settings}.items()}
        arguments = [sys.executable, "-m", "router", "serve"]
        ended = subprocess.run(
            arguments, env={**os.environ, **variables}, capture_output=True, text=True, timeout=WITHIN, check=False
        )
        return Said(code=ended.returncode, out=ended.stdout, err=ended.stderr)

    return run


def test_explain_says_who_rings_and_why(router: Run) -> None:
    said = router("explain", "--caller", BIRCH, "--line", BUSINESS_LINE)

    assert said.code == 0
    first, *reasons = said.out.splitlines()
    assert first.startswith("Jonas (account manager) for 20 s, then ")
    assert "  Birch & Sons has a running job 'Kitchen for the new shop'." in reasons


def test_explain_as_json_is_the_decision(router: Run) -> None:
    said = router("explain", "--caller", "withheld", "--line", NO_LINE, "--at", "2026-03-02 12:00", "--json")

    decision = json.loads(said.out)
    assert decision["caller_kind"] == "withheld"
    assert decision["steps"][-1]["name"] == "Coordinators"


def test_explain_takes_an_instant_by_the_companys_clock(router: Run) -> None:
    arguments = ("explain", "--caller", BIRCH, "--line", BUSINESS_LINE, "--at", "2026-07-01 09:00", "--json")

    said = router(*arguments, time_zone="America/New_York")

    assert json.loads(said.out)["decided_at"] == "2026-07-01T13:00:00Z"


def test_explain_says_who_ends_up_answering_as_if(router: Run) -> None:
    question = ("explain", "--caller", BIRCH, "--line", BUSINESS_LINE, "--at", "2026-03-02 12:00")

    usual = router(*question)
    as_if = router(*question, "--away", "JONAS", "--busy", "ida", "--empty-desk", "service")

    assert usual.out.splitlines()[-1] == "  → In the end Jonas answers."
    assert "  → Ida is on the phone and passed over." in as_if.out.splitlines()
    assert "Jonas is away" in as_if.out
    assert router(*question, "--away", "nobody").code == 2
    assert router(*question, "--busy", "nobody").code == 2


def test_a_list_of_changes_is_foreseen_made_and_taken_back(router: Run, tmp_path: Path) -> None:
    question = ("explain", "--caller", BIRCH, "--line", BUSINESS_LINE, "--at", "2026-03-02 12:00")
    file = tmp_path / "list.json"
    to_ben = {"noun": "jobs", "action": "merge", "id": 1, "version": "*", "body": {"manager_id": BEN}}
    file.write_text(json.dumps({"changes": [to_ben]}))

    foreseen = router("changes", "preview", str(file))
    made = router("changes", "apply", str(file))
    changed = router(*question).out
    undone = router("changes", "undo", "2")

    assert "Jonas for 20 s" in foreseen.out
    assert "→ Ben for 20 s" in foreseen.out
    assert made.out.splitlines() == ["jobs/1 changed", "Table 2."]
    assert changed.splitlines()[-1] == "  → In the end Ben answers."
    assert undone.out == "Table 3: as it was before table 2.\n"
    assert router(*question).out.splitlines()[-1] == "  → In the end Jonas answers."


def test_a_list_of_changes_that_is_refused_says_where_and_why(router: Run, tmp_path: Path) -> None:
    file = tmp_path / "list.json"
    nobody = {"noun": "desks", "action": "merge", "id": 1, "version": "*", "body": {"member_ids": []}}
    file.write_text(json.dumps({"changes": [nobody]}))

    foreseen, refused = router("changes", "preview", str(file)), router("changes", "apply", str(file))
    file.write_text(json.dumps({"changes": [nobody | {"id": 99}]}))
    unknown = router("changes", "apply", str(file))
    file.write_text("{")

    assert (foreseen.code, refused.code, unknown.code) == (1, 1, 1)
    assert "It would be refused: " in foreseen.out
    assert "/changes/0: there is no desk 99" in unknown.err
    assert router("changes", "apply", str(file)).code == 2
    assert router("changes", "undo", "7").code == 1


def test_openapi_prints_the_description_without_a_database(router: Run, tmp_path: Path) -> None:
    said = router("openapi", database=f"sqlite:///{tmp_path}/nothing.db")

    assert json.loads(said.out)["openapi"].startswith("3.1")
    assert not (tmp_path / "nothing.db").exists()


def test_check_has_nothing_to_say_about_the_sample_company(router: Run) -> None:
    said = router("check")

    assert said.code == 0
    assert said.out == "Table 1: 6 lines, 13 people, 2 desks, 11 accounts; no problem within a year.\n"


def test_check_names_each_problem_with_the_way_there_and_fails(router: Run, database: str) -> None:
    jonas = next(person for person in SAMPLE.people if person.id == JONAS)
    asyncio.run(put(replace(jonas, state=PersonState.LEFT), database))

    said = router("check", time_zone="America/New_York")

    assert said.code == 1
    first, *others = said.out.splitlines()
    assert first == (
        "problem  Jonas has left and is the account manager of a running job: name somebody else, or a cover without"
        " end as successor"
    )
    call, reason, *_ = others
    assert re.fullmatch(
        r" +Birch & Sons calls \+12125550100 \(Business\) at \w{3} \d\d \w{3} \d{4} \d\d:\d\d E[SD]T\.", call
    )
    assert reason.strip() == "Birch & Sons has a running job 'Kitchen for the new shop'."
    assert others[-1].endswith("; problems: 2, warnings: 0.")


def test_check_as_json_has_the_facts_the_sentence_and_the_way(router: Run, database: str) -> None:
    anna, ben, carla = (person for person in SAMPLE.people if person.id in SAMPLE.desks[0].members)
    for member in (ben, carla):
        asyncio.run(put(replace(member, state=PersonState.LEFT), database))

    said = router("check", "--json")

    (found,) = json.loads(said.out)["problems"]
    assert said.code == 1
    assert (found["problem"], found["warning"], found["person"]) == ("LeansOnOne", False, anna.name)
    assert found["sentence"].startswith("only Anna answers at the safety net Coordinators")
    assert found["path"][1] == "Coordinators is the desk of the line Business."


def test_a_new_key_is_shown_once_and_opens_the_api(router: Run, database: str) -> None:
    said = router("key", "new", "crm", "--role", "service")

    key = asyncio.run(whose(said.out.strip(), database))
    assert key is not None
    assert (key.name, key.role) == ("crm", "service")


def test_a_revoked_key_opens_nothing_and_the_list_says_so(router: Run, database: str) -> None:
    shown = router("key", "new", "crm", "--role", "service").out.strip()
    prefix = shown.split("_")[1]

    assert router("key", "revoke", prefix).code == 0
    assert router("key", "revoke", prefix).code == 0  # saying it twice does no harm
    assert asyncio.run(_on_record(database)) == [("removed", "command"), ("created", "command")]

    assert asyncio.run(whose(shown, database)) is None
    listed = router("key", "list").out
    assert f"{prefix}  service      revoked  crm" in listed
    assert shown not in listed


def test_nobody_is_asked_about_a_day_outside_the_calendar(router: Run) -> None:
    refused = router("explain", "--caller", "withheld", "--line", "1", "--at", "9999-12-31")
    assert refused.code == 2
    assert "2199" in refused.err


async def _on_record(url: str) -> list[tuple[str, str]]:
    db = Database(url)
    async with db.reading() as look:
        found = [(entry.action.value, entry.source.value) for entry in await newest_entries(look, 10, kind="key")]
    await db.close()
    return found


def test_a_key_that_is_not_there_can_not_be_revoked(router: Run) -> None:
    refused = router("key", "revoke", "deadbeef")
    assert refused.code == 1
    assert "router key list" in refused.err


def test_calls_without_any_says_nothing_and_succeeds(router: Run) -> None:
    said = router("calls")

    assert (said.code, said.out) == (0, "")


def test_migrate_makes_the_tables_and_does_nothing_the_second_time(router: Run, tmp_path: Path) -> None:
    fresh = f"sqlite:///{tmp_path / 'fresh.db'}"

    first = router("migrate", database=fresh)
    second = router("migrate", database=fresh)

    assert (first.code, second.code) == (0, 0)
    assert router("calls", database=fresh).code == 0


@pytest.mark.parametrize(
    ("arguments", "settings", "code", "sentence"),
    [
        (("calls",), {"database": "sqlite:////nowhere/at/all.db"}, 1, "unable to open database file"),
        (("calls",), {"region": "nowhere"}, 2, "ROUTER_REGION: 'nowhere' is wrong"),
        (("explain", "--caller", "1"), {}, 2, "--line"),
        (("key", "new", "crm", "--role", "king"), {}, 2, "king"),
        (("check", "--pbx"), {"ami_secret": "x", "ami_port": "1"}, 1, "127.0.0.1:1: "),
        (("no-such-command",), {}, 2, "no-such-command"),
    ],
)
def test_a_command_that_can_not_do_it_says_why(
    router: Run, arguments: tuple[str, ...], settings: dict[str, str], code: int, sentence: str
) -> None:
    said = router(*arguments, **settings)

    assert said.code == code
    assert sentence in said.err


@pytest.mark.parametrize(
    ("settings", "code", "sentence"),
    [
        ({}, 2, "ROUTER_AMI_SECRET is not set"),
        ({"ami_secret": "x", "http_host": "0.0.0.0"}, 1, "nobody has an API key yet"),
    ],
)
def test_a_router_that_can_not_start_says_why(serve: Run, settings: dict[str, str], code: int, sentence: str) -> None:
    said = serve(**settings)

    assert (said.code, said.out) == (code, "")
    assert sentence in said.err
    assert "Traceback" not in said.err


def test_a_database_without_tables_says_which_command_makes_them(router: Run, tmp_path: Path) -> None:
    said = router("calls", database=f"sqlite:///{tmp_path / 'empty.db'}")

    assert said.code == 1
    assert "router migrate" in said.err


async def put(person: Person, database: str) -> None:
    db = Database(database)
    try:
        await commit_changes(db, [Put(entity=person)], MONDAY_NOON)
    finally:
        await db.close()


async def whose(presented: str, database: str) -> ApiKey | None:
    db = Database(database)
    try:
        return await find_key(db, presented, MONDAY_NOON)
    finally:
        await db.close()


@pytest.mark.parametrize("to", [(), ("--to", "Ida", "--to-manager"), ("--to", "Ida", "--to-desk", "Service")])
def test_a_call_is_handed_over_to_one(router: Run, to: tuple[str, ...]) -> None:
    refused = router("call", "hand-over", "jonas", *to)

    assert refused.code == 2
    assert "to whom?" in refused.err


def test_without_a_router_nobody_is_handed_over_and_the_order_is_withdrawn(router: Run, database: str) -> None:
    refused = router("call", "hand-over", "jonas", "--to", "Ida")

    assert refused.code == 1
    assert "no router took this order within 5 s" in refused.err
    assert asyncio.run(left_to_take(database)) == ()


async def left_to_take(database: str) -> tuple[Asked, ...]:
    db = Database(database)
    try:
        return await take(db, "pbx", datetime.now(UTC))
    finally:
        await db.close()


def test_what_came_of_an_order_is_told_in_a_sentence(router: Run, database: str) -> None:
    with a_router_that(database, done=True, result="pbx:1.1: handed over by Jonas to Ida"):
        said = router("call", "hand-over", "pbx:1.1", "--to", "Ida", "--by", "Petra")
    assert (said.code, said.out) == (0, "pbx:1.1: handed over by Jonas to Ida\n")

    with a_router_that(database, done=False, result="nobody has the caller"):
        refused = router("call", "hand-over", "jonas", "--to-manager")
    assert (refused.code, refused.err) == (1, "nobody has the caller\n")


@contextmanager
def a_router_that(database: str, *, done: bool, result: str) -> Iterator[None]:
    """Takes the next order, in a thread of its own, and says that this came of it."""

    async def answer() -> None:
        db = Database(database)
        try:
            async with asyncio.timeout(WITHIN):
                while not (taken := await take(db, "pbx", datetime.now(UTC))):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            await settle(db, taken[0].id, done=done, result=result)
        finally:
            await db.close()

    with ThreadPoolExecutor(1) as thread:
        answered = thread.submit(asyncio.run, answer())
        yield
        answered.result(WITHIN)


def test_the_calls_that_live_are_told_with_their_ids_and_their_hand_overs(router: Run, database: str) -> None:
    passing = Passing(at=MONDAY_NOON, phone="jonas", person=10, to="Ida", how=How.KEY)
    asyncio.run(recorded(database, replace(talking(), passings=(passing,)), whole_life("pbx:2.2")[-1]))

    lives = router("calls", "--open").out
    every = router("calls").out

    assert "pbx:1.1" in lives
    assert "pbx:2.2" not in lives
    assert "handed over by jonas to Ida" in lives
    assert len([line for line in every.splitlines() if " → " in line]) == 2


async def recorded(database: str, *calls: Call) -> None:
    db = Database(database)
    try:
        recorder = Recorder(db)
        for call in calls:
            recorder.record(call)
        assert await recorder.drain(WITHIN) == 0
    finally:
        await db.close()
