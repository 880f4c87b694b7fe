"""Can what we owe be read and seen to over HTTP, as by command?"""

import asyncio
from datetime import timedelta

import pytest
import pytest_asyncio

from router.lab.sample import BIRCH, COORDINATORS, IDA, LENA
from router.storage.access_schema import Role
from tests.sample_database import MONDAY_NOON
from tests.storage.owing import gave_up, got_through, without_number, written
from tests.web.conftest import Office

CLAIM = {"person_id": LENA}


@pytest_asyncio.fixture
async def owing_office(either_office: Office) -> Office:
    """Birch & Sons, whom Ida looks after, gave up at noon; so did somebody who withholds the number."""
    await written(either_office.db, gave_up("pbx:1.1"), without_number(gave_up("pbx:9.1", at=60)))
    either_office.now = MONDAY_NOON + timedelta(minutes=5)
    return either_office


async def test_what_is_owed_is_listed_with_who_owes_it_until_when_and_why(owing_office: Office) -> None:
    page = (await owing_office.get("/api/v1/commitments")).json()

    (first, second) = page["items"]
    assert (first["owner_id"], first["state"], first["why"], first["caller"]) == (IDA, "open", "gave_up", BIRCH)
    assert first["call_ids"] == ["pbx:1.1"]
    assert first["sentence"].startswith("Birch & Sons gave up waiting, Business: Ida")
    assert (second["owner_id"], second["desk_id"], second["who"]) == (None, COORDINATORS, "a caller without a number")


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ("state=open", 2),
        ("state=kept", 0),
        ("over=false", 2),
        ("over=true", 0),
        (f"owner_id={IDA}", 1),
        (f"desk_id={COORDINATORS}", 2),
        ("account_id=1", 1),
        ("line_id=99", 0),
        ("number=+12025550111", 1),  # the plus arrives as a space
        ("number=%2B12025550111", 1),
        ("number=(202)%20555-0111", 1),
        ("number=+12025550112", 0),
        ("search=birch", 1),
        ("search=50%25", 0),
        ("due_before=2026-03-02T17:30:30Z", 1),
        ("due_before=2026-03-02T12:30:30-05:00", 1),
        ("updated_since=2000-01-01T00:00:00Z", 2),
        ("updated_since=2199-01-01T00:00:00Z", 0),
        ("limit=1", 1),
    ],
)
async def test_it_is_found_by_what_people_look_for(owing_office: Office, filters: str, found: int) -> None:
    answer = await owing_office.get(f"/api/v1/commitments?{filters}")

    assert answer.status_code == 200, answer.text
    assert len(answer.json()["items"]) == found


@pytest.mark.parametrize("order", ["due_at", "-due_at", "opened_at", "-updated_at", "id", "-id"])
async def test_following_the_cursors_gives_each_once_in_any_order(owing_office: Office, order: str) -> None:
    whole = (await owing_office.get(f"/api/v1/commitments?order={order}")).json()["items"]
    first = (await owing_office.get(f"/api/v1/commitments?order={order}&limit=1")).json()
    rest = (await owing_office.get(f"/api/v1/commitments?order={order}&cursor={first['next']}")).json()

    assert first["items"] + rest["items"] == whole
    assert rest["next"] is None


async def test_of_two_who_claim_at_once_one_has_it_and_the_other_learns_who(owing_office: Office) -> None:
    asked = [
        owing_office.ask("POST", "/api/v1/commitments/1/claim", role=Role.COORDINATOR, body={"person_id": person})
        for person in (IDA, LENA)
    ]
    answers = sorted(await asyncio.gather(*asked), key=lambda answer: answer.status_code)

    assert [answer.status_code for answer in answers] == [200, 409]
    won, lost = (answer.json() for answer in answers)
    assert (won["state"], lost["type"]) == ("claimed", "urn:router:problem:claimed")
    assert lost["claimed_by_id"] == won["claimed_by_id"]
    assert lost["detail"].startswith({IDA: "Ida", LENA: "Lena"}[won["claimed_by_id"]])


async def test_its_whole_story_is_told_and_on_record(owing_office: Office) -> None:
    office = owing_office
    await office.edit("POST", "/commitments/1/claim", CLAIM)
    await office.edit("POST", "/commitments/1/tried")
    await office.edit("POST", "/commitments/1/keep", {"person_id": LENA, "note": "Comes on Monday"})
    late = await office.edit("POST", "/commitments/1/void", {"reason": "wrong number"})

    story = (await office.edit("GET", "/commitments/1")).json()
    assert [one["kind"] for one in story["history"]] == ["opened", "claimed", "tried", "kept"]
    assert [call["call_id"] for call in story["calls"]] == ["pbx:1.1"]
    assert (story["state"], story["attempts"], story["note"]) == ("kept", 1, "Comes on Monday")
    assert (late.status_code, late.json()["type"]) == (409, "urn:router:problem:over")
    entries = (await office.edit("GET", "/audit?noun=commitments")).json()["items"]
    assert [entry["after"]["state"] for entry in entries] == ["kept", "claimed", "claimed"]
    assert {(entry["actor"], entry["object_id"], entry["version"]) for entry in entries} == {("admin", 1, None)}


async def test_a_talk_that_kept_it_stands_in_it(owing_office: Office) -> None:
    await written(owing_office.db, got_through("pbx:2.1"))

    story = (await owing_office.get("/api/v1/commitments/1")).json()

    assert (story["state"], story["kept_by_call"]) == ("kept", "pbx:2.1")


async def test_what_was_promised_in_a_call_is_owed(office: Office) -> None:
    await written(office.db, got_through("pbx:2.1"))

    made = await office.ask(
        "POST", "/api/v1/calls/pbx:2.1/promise", role=Role.COORDINATOR, body={"note": "Sends the offer", **CLAIM}
    )

    assert made.status_code == 201, made.text
    assert (made.json()["owner_id"], made.json()["why"], made.json()["note"]) == (LENA, "promised", "Sends the offer")
    assert (await office.get(made.headers["location"])).json()["id"] == made.json()["id"]


@pytest.mark.parametrize(
    ("path", "body", "status", "kind"),
    [
        ("commitments/99/claim", CLAIM, 404, "unknown"),
        ("commitments/1/claim", {"person_id": 999}, 422, "invalid"),
        ("commitments/1/claim", {}, 422, "invalid"),
        ("commitments/1/void", {"reason": " "}, 422, "invalid"),
        ("commitments/1/keep", {"person_id": "Ida"}, 422, "invalid"),
        ("calls/pbx:99/promise", {"note": "x"}, 404, "unknown-call"),
        ("calls/pbx:1.1/promise", {"note": "x"}, 422, "invalid"),  # nobody had that call
    ],
)
async def test_what_can_not_be_is_refused(
    owing_office: Office, path: str, body: dict[str, object], status: int, kind: str
) -> None:
    answer = await owing_office.edit("POST", f"/{path}", body)

    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:router:problem:{kind}")


async def test_a_viewer_reads_and_changes_nothing(owing_office: Office) -> None:
    assert (await owing_office.get("/api/v1/commitments/1")).status_code == 200
    assert (await owing_office.ask("POST", "/api/v1/commitments/1/claim", body=CLAIM)).status_code == 403
