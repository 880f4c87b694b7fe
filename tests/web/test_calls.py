"""Can the calls on record be read, page by page and one by one?"""

from dataclasses import replace
from datetime import timedelta

import pytest
import pytest_asyncio

from router.calls.call import Call, Ending, Leg, Phase
from router.calls.events import LegResult, Path, Presented
from router.lab.sample import BUSINESS_LINE, STRANGER
from router.storage.access_schema import Role
from router.storage.recorder import Recorder
from tests.sample_database import MONDAY_NOON
from tests.storage.owing import gave_up, got_through, written
from tests.storage.stories import arrived
from tests.web.conftest import Office


def answered(number: int) -> Call:
    """The number-th call of the day: Anna takes it after three seconds."""
    arrived_at = MONDAY_NOON + timedelta(minutes=number)
    ended_at = arrived_at + timedelta(seconds=40)
    anna = Leg(
        leg=f"1.{number}",
        step=1,
        phone="anna",
        person=1,
        began_at=arrived_at,
        ended_at=ended_at,
        result=LegResult.ANSWERED,
        cause=16,
    )
    return Call(
        call_id=f"pbx:1700000000.{number}",
        phase=Phase.OVER,
        dialled=BUSINESS_LINE,
        caller=STRANGER,
        presented=Presented.NUMBER,
        arrived_at=arrived_at,
        path=Path.PLAN,
        why="plan",
        legs=(anna,),
        taken_phone="anna",
        taken_by=1,
        taken_at=arrived_at + timedelta(seconds=3),
        ended_at=ended_at,
        ending=Ending.ANSWERED,
    )


@pytest_asyncio.fixture
async def busy_office(office: Office) -> Office:
    """Five calls have been answered."""
    recorder = Recorder(office.db)
    for number in range(5):
        recorder.record(answered(number))
    await recorder.drain(within=5)
    return office


async def test_an_office_without_calls_has_an_empty_list(office: Office) -> None:
    answer = await office.get("/api/v1/calls")

    assert (answer.status_code, answer.json()) == (200, {"items": [], "next": None})


async def test_a_record_says_what_became_of_the_call(busy_office: Office) -> None:
    answer = await busy_office.get("/api/v1/calls?limit=1")

    (record,) = answer.json()["items"]
    assert record["call_id"] == "pbx:1700000000.4"
    assert (record["ended"], record["taken_by_id"], record["taken_phone"]) == ("answered", 1, "anna")
    assert record["taken_at"] == "2026-03-02T17:04:03Z"
    assert [(leg["phone"], leg["result"], leg["cause"]) for leg in record["legs"]] == [("anna", "answered", 16)]


async def test_following_the_cursors_gives_every_call_once_newest_first(busy_office: Office) -> None:
    seen: list[str] = []
    path: str | None = "/api/v1/calls?limit=2"
    while path:
        page = (await busy_office.get(path)).json()
        seen += [record["call_id"] for record in page["items"]]
        path = f"/api/v1/calls?limit=2&cursor={page['next']}" if page["next"] else None

    assert seen == [f"pbx:1700000000.{number}" for number in (4, 3, 2, 1, 0)]


async def test_one_call_is_read_by_its_id(busy_office: Office) -> None:
    answer = await busy_office.get("/api/v1/calls/pbx:1700000000.2")

    assert answer.json()["call_id"] == "pbx:1700000000.2"


async def test_a_call_that_nobody_made_is_not_found_and_the_answer_says_where_to_look(busy_office: Office) -> None:
    answer = await busy_office.get("/api/v1/calls/pbx:9")

    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:router:problem:unknown-call"
    assert "/api/v1/calls" in answer.json()["detail"]


async def test_the_number_of_an_external_phone_is_shown_only_to_who_may_see_it(office: Office) -> None:
    call = answered(1)
    leg = replace(call.legs[0], phone="+19175550101")
    recorder = Recorder(office.db)
    recorder.record(replace(call, legs=(leg,), taken_phone="+19175550101"))
    await recorder.drain(within=5)

    viewer = (await office.get("/api/v1/calls")).json()["items"][0]
    admin = (await office.get(f"/api/v1/calls/{call.call_id}", role=Role.ADMIN)).json()

    assert (viewer["taken_phone"], viewer["legs"][0]["phone"]) == ("external", "external")
    assert (admin["taken_phone"], admin["legs"][0]["phone"]) == ("+19175550101", "+19175550101")


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ("state=open", [3]),
        ("state=ended", [2, 1]),
        ("ended=gave_up", [1]),
        ("ended=answered", [2]),
        ("owner_id=9", [2]),
        ("line_id=1", [3, 2, 1]),
        ("account_id=1", [3, 2, 1]),
        ("account_id=2", []),
        ("path=fallback", []),
        ("is_test=true", []),
        ("number=+12025550111", [3, 2, 1]),  # the plus arrives as a space
        ("number=+12125550100", [3, 2, 1]),  # what was dialled
        ("number=001%20202%20555%200111", [3, 2, 1]),
        ("number=+12025550112", []),
        ("from=2026-03-02T17:05:00Z", [3, 2]),
        ("to=2026-03-02T17:05:00Z", [1]),
        ("from=2026-03-02T17:00:00Z&to=2026-03-02T17:15:00Z", [2]),
        ("updated_since=2000-01-01T00:00:00Z", [3, 2, 1]),
        ("updated_since=2199-01-01T00:00:00Z", []),
        ("search=BIRCH", [3, 2, 1]),
        ("search=ida", [2]),
        ("search=550111", [3, 2, 1]),
        ("search=_", []),
        ("order=arrived_at", [1, 2, 3]),
    ],
)
async def test_calls_are_found_by_what_people_look_for(either_office: Office, filters: str, found: list[int]) -> None:
    open_call = replace(arrived("pbx:3.1", 1200), legs=())
    talk = replace(got_through("pbx:2.1"), owner=9, taken_by=9)
    await written(either_office.db, gave_up("pbx:1.1"), talk, open_call)

    answer = await either_office.get(f"/api/v1/calls?{filters}")

    assert answer.status_code == 200, answer.text
    assert [record["call_id"] for record in answer.json()["items"]] == [f"pbx:{number}.1" for number in found]


async def test_one_call_tells_where_it_went_otherwise_than_decided(office: Office) -> None:
    await written(office.db, gave_up("pbx:1.1"))

    story = (await office.get("/api/v1/calls/pbx:1.1")).json()

    assert story["decision"]["steps"]
    assert [one["kind"] for one in story["differences"]] == ["not_answered"]
    assert story["differences"][0]["sentence"] == "The caller gave up."


async def test_a_cursor_of_another_order_is_refused(busy_office: Office) -> None:
    newest = (await busy_office.get("/api/v1/calls?limit=2")).json()["next"]

    answer = await busy_office.get(f"/api/v1/calls?order=arrived_at&cursor={newest}")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/query/cursor"
