"""Is a holiday one request, and is being back another?"""

from typing import Any

from router.lab.sample import ANNA, BEN, BIRCH, CARLA, IDA, JONAS, LENA, SERVICE
from router.storage.access_schema import Role
from tests.web.conftest import Office
from tests.web.test_leaving import answers, everything

UNTIL = "2026-03-16T12:00:00Z"


async def test_a_holiday_is_one_request_in_force_at_once_and_so_is_being_back(either_office: Office) -> None:
    office = either_office
    assert await answers(office, BIRCH) == "Jonas"
    asked = {"by_person_id": LENA, "ends_at": UNTIL, "reason": "Holiday"}
    before = await everything(office)

    planned = await cover(office, JONAS, asked, "/preview")
    assert (planned.status_code, planned.json()["cover_id"], await everything(office)) == (200, None, before)
    covered = await cover(office, JONAS, asked)

    (sentence,) = covered.json()["sentences"]
    assert (covered.status_code, covered.json()["sentences"]) == (200, planned.json()["sentences"])
    assert sentence == (
        "Lena answers for Jonas from Mon 02 Mar 2026 12:00 EST until Mon 16 Mar 2026 08:00 EDT: 3 accounts, 2 jobs."
    )
    assert await answers(office, BIRCH) == "Lena"

    back = await office.ask("DELETE", f"/api/v1/people/{JONAS}/cover", role=Role.COORDINATOR)
    assert back.json()["ended_ids"] == [covered.json()["cover_id"]]
    assert await answers(office, BIRCH) == "Jonas"


async def test_only_somebody_unknown_is_not_found_and_who_is_not_covered_is_told_so(office: Office) -> None:
    for person, status, kind in ((JONAS, 409, "not-covered"), (99, 404, "unknown")):
        answer = await office.ask("DELETE", f"/api/v1/people/{person}/cover", role=Role.COORDINATOR)
        assert (answer.status_code, answer.json()["type"]) == (status, f"urn:router:problem:{kind}")


async def test_an_existing_cover_ends_for_another_only_when_that_is_said(office: Office) -> None:
    asked = {"by_person_id": LENA, "ends_at": UNTIL}
    first = (await cover(office, JONAS, asked)).json()["cover_id"]
    desk = {"by_desk_id": SERVICE, "scope": "accounts", "starts_at": "2026-03-04T12:00:00Z", "ends_at": UNTIL}

    refused = await cover(office, JONAS, desk)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (409, "/body/starts_at")
    assert "Lena answers for Jonas until" in refused.json()["detail"]
    instead = await cover(office, JONAS, desk | {"ends_others": True})

    assert (instead.status_code, instead.json()["ended_ids"]) == (200, [first])
    assert instead.json()["sentences"][1] == "Lena doesn't answer for them any more."
    kept = (await office.edit("GET", f"/covers?person_id={JONAS}")).json()["items"]
    assert [(one["starts_at"], one["ends_at"]) for one in kept] == [
        ("2026-03-02T17:00:00Z", "2026-03-04T12:00:00Z"), ("2026-03-04T12:00:00Z", UNTIL),
    ]  # fmt: skip


async def test_a_cover_that_would_leave_callers_alone_is_refused_with_the_way_there(office: Office) -> None:
    for person, by in ((JONAS, IDA), (IDA, JONAS)):
        answer = await cover(office, person, {"by_person_id": by, "ends_at": UNTIL})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:router:problem:leads-nowhere")
    assert "in a circle" in answer.json()["detail"]

    for person, by in ((ANNA, LENA), (BEN, LENA)):
        assert (await cover(office, person, {"by_person_id": by, "ends_at": UNTIL})).status_code == 200
    last = {"by_person_id": LENA, "ends_at": UNTIL}
    refused = await cover(office, CARLA, last)
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:router:problem:leads-nowhere")
    assert (await cover(office, CARLA, last, "/preview")).json()["nowhere"]


async def test_who_answers_for_whom_is_said_right(office: Office) -> None:
    for body, status in (
        ({"ends_at": UNTIL}, 422),
        ({"by_person_id": 99, "ends_at": UNTIL}, 422),
        ({"by_person_id": JONAS, "ends_at": UNTIL}, 422),
        ({"by_person_id": LENA, "ends_at": "2026-03-02T16:00:00Z"}, 422),
    ):
        assert (await cover(office, JONAS, body)).status_code == status, body
    assert (await cover(office, 99, {"by_person_id": LENA, "ends_at": UNTIL})).status_code == 404


async def cover(office: Office, person: int, body: object, path: str = "") -> Any:
    return await office.ask("POST", f"/api/v1/people/{person}/cover{path}", role=Role.COORDINATOR, body=body)
