"""Does somebody leave as one change, with nothing left behind, at their time, and do they stay after all?"""

from datetime import datetime, timedelta
from typing import Any

import pytest

from router.changes.leaving import Leavings
from router.commitments.commitment import Terms
from router.lab.sample import (
    ANNA,
    BEN,
    BIRCH,
    BUSINESS_LINE,
    CARLA,
    COORDINATORS,
    ELM,
    FELIX,
    IDA,
    JONAS,
    KARL,
    LENA,
)
from router.routing.model import PersonState
from router.storage.commitments import Keeper
from router.storage.database import Database
from tests.notices.post_office import post_office
from tests.storage.owing import clock as mail_clock
from tests.storage.owing import gave_up, owed, written
from tests.web.conftest import Office

TO_LENA = {"all": LENA}
GIVEN = ("version", "updated_at")


async def test_the_preview_lists_everything_that_names_them_and_where_it_goes(office: Office) -> None:
    await written(office.db, gave_up())
    before = await everything(office)

    told = (await leave(office, IDA, {"all": LENA, "jobs": JONAS}, "/preview")).json()

    where = {(place["kind"], place["id"]): (place["to_id"], place["settled"]) for place in told["places"]}
    assert where == {
        ("accounts", 1): (LENA, "all"),
        ("accounts", 4): (LENA, "all"),
        ("accounts", 7): (LENA, "all"),
        ("deputies", 5): (LENA, "all"),
        ("jobs", 2): (JONAS, "kind"),
        ("jobs", 5): (JONAS, "kind"),
        ("covers", 1): (LENA, "all"),
        ("commitments", 1): (LENA, "all"),
    }
    assert "the account Birch & Sons → Lena" in [place["sentence"] for place in told["places"]]
    assert (told["left_behind"], told["nowhere"]) == (0, [])
    assert await everything(office) == before


async def test_what_is_obvious_is_suggested_and_what_is_not_has_to_be_said(office: Office) -> None:
    told = (await leave(office, IDA, {}, "/preview")).json()
    suggested = {(place["kind"], place["id"]): place["to_id"] for place in told["places"] if place["settled"]}
    assert suggested == {("accounts", 1): LENA, ("deputies", 5): None, ("jobs", 5): KARL}

    refused = await leave(office, IDA, {})
    problem = refused.json()
    assert (refused.status_code, problem["type"]) == (422, "urn:router:problem:left-behind")
    assert [(one["noun"], one["id"], one["field"]) for one in problem["named_by"]] == [
        ("accounts", 4, "manager_id"), ("accounts", 7, "manager_id"), ("jobs", 2, "manager_id"),
        ("covers", 1, "by_person_id"),
    ]  # fmt: skip
    assert [one["pointer"] for one in problem["errors"]] == [
        "/body/successors/accounts", "/body/successors/accounts", "/body/successors/jobs", "/body/successors/covers",
    ]  # fmt: skip


async def test_all_of_it_changes_at_once_and_one_request_brings_it_back(either_office: Office) -> None:
    office = either_office
    await written(office.db, gave_up())
    before, owned = await everything(office), await owners(office.db)
    assert (await answers(office, BIRCH), await answers(office, ELM)) == ("Jonas", "Coordinators")
    version = office.publisher.table.version if office.publisher.table else 1

    left = await leave(office, IDA, {"all": LENA})

    assert (left.status_code, left.json()["state"]) == (200, "done")
    assert office.table is not None
    assert office.table.version == version + 1
    assert office.table.people[IDA].state is PersonState.LEFT
    assert (owned, await owners(office.db)) == ([IDA], [LENA])
    assert not names(await everything(office), IDA)
    assert (await leave(office, IDA, TO_LENA)).status_code == 409

    undone = await leave(office, IDA, None, "/undo")

    assert (undone.status_code, undone.json()["state"]) == (200, "undone")
    assert (await everything(office), await owners(office.db)) == (before, owned)
    assert (await leave(office, IDA, None, "/undo")).status_code == 409
    again = await leave(office, IDA, TO_LENA)
    assert again.status_code == 200


async def test_only_somebody_unknown_is_not_found_and_who_stays_anyway_is_told_so(office: Office) -> None:
    for person, status, kind in ((IDA, 409, "stays-anyway"), (99, 404, "unknown")):
        for method, path in (("GET", ""), ("POST", "/undo")):
            answer = await office.edit(method, f"/people/{person}/leave{path}")
            assert (answer.status_code, answer.json()["type"]) == (status, f"urn:router:problem:{kind}")


async def test_a_seat_is_given_up_and_the_last_one_needs_somebody(office: Office) -> None:
    for person, status in ((ANNA, 200), (BEN, 422)):
        left = await leave(office, person, TO_LENA)
        assert left.status_code == status
    assert left.json()["type"] == "urn:router:problem:leads-nowhere"
    told = (await leave(office, BEN, TO_LENA, "/preview")).json()
    assert "Carla" in told["nowhere"][0]["sentence"]

    assert (await leave(office, BEN, {"seats": LENA})).status_code == 200
    assert (await office.edit("GET", f"/desks/{COORDINATORS}")).json()["member_ids"] == [LENA, CARLA]


async def test_whose_time_is_to_come_leaves_at_it_once_and_takes_along_what_came_in_meanwhile(
    either_office: Office, furnished_url: str
) -> None:
    office = either_office
    await written(office.db, gave_up())
    friday = office.now + timedelta(days=4)
    planned = await leave(office, IDA, {"all": LENA}, at=friday)
    assert (planned.status_code, planned.json()["state"]) == (200, "planned")
    assert (await owners(office.db), (await office.edit("GET", f"/people/{IDA}")).json()["state"]) == ([IDA], "leaving")
    new = {"account_id": 10, "title": "Boat house", "manager_id": IDA}
    assert (await office.edit("POST", "/jobs", new)).status_code == 201
    other = Office(db=Database(furnished_url), folder=office.folder, table=None)

    assert [await clock(one).look(friday - timedelta(seconds=1)) for one in (office, other)] == [0, 0]
    assert sum([await clock(one).look(friday) for one in (other, office, other)]) == 1

    await other.db.close()
    assert (await office.edit("GET", f"/people/{IDA}")).json()["state"] == "left"
    assert not names(await everything(office), IDA)
    assert await owners(office.db) == [LENA]
    assert (await office.edit("GET", f"/people/{IDA}/leave")).json()["left_behind"] == []
    office.now = friday + timedelta(hours=1)
    undone = await leave(office, IDA, None, "/undo")
    assert undone.status_code == 200, undone.json()
    assert (await office.edit("GET", f"/people/{IDA}")).json()["state"] == "active"
    assert await owners(office.db) == [IDA]


async def test_undoing_the_version_in_which_somebody_left_is_the_same(office: Office) -> None:
    await written(office.db, gave_up())
    before = await everything(office)
    friday = office.now + timedelta(days=4)
    await leave(office, IDA, TO_LENA, at=friday)
    await clock(office).look(friday + timedelta(hours=3))  # after an outage
    newest, *_, planned = (await office.edit("GET", "/audit")).json()["items"]

    too_early = await office.edit("POST", f"/audit/{planned['id']}/undo")
    assert (too_early.status_code, too_early.json()["type"]) == (409, "urn:router:problem:changed-since")
    assert (await office.edit("POST", f"/audit/{newest['id']}/undo")).status_code == 200

    assert (await everything(office), await owners(office.db)) == (before, [IDA])
    assert (await office.edit("GET", f"/people/{IDA}/leave")).json()["state"] == "undone"
    assert await clock(office).look(friday + timedelta(hours=4)) == 0


async def test_what_is_planned_can_be_cancelled_put_off_and_is_dropped_when_they_stay(office: Office) -> None:
    friday = office.now + timedelta(days=4)
    before = await everything(office)
    await leave(office, IDA, TO_LENA, at=friday)
    cancelled = await leave(office, IDA, None, "/undo")
    assert (cancelled.json()["state"], await everything(office)) == ("cancelled", before)
    assert await clock(office).look(friday) == 0

    await leave(office, IDA, TO_LENA, at=friday)
    later = (friday + timedelta(days=1)).isoformat()
    await office.edit("PATCH", f"/people/{IDA}", {"leaves_at": later}, if_match="*")
    assert await clock(office).look(friday) == 0
    assert await clock(office).look(friday + timedelta(days=1)) == 1
    await leave(office, IDA, None, "/undo")

    await leave(office, JONAS, TO_LENA, at=friday)
    await office.edit("PATCH", f"/people/{JONAS}", {"state": "active", "leaves_at": None}, if_match="*")
    assert await clock(office).look(friday) == 0
    assert (await office.edit("GET", f"/people/{JONAS}/leave")).json()["state"] == "cancelled"


async def test_whom_a_successor_left_to_follows_and_what_nobody_can_have_is_told(office: Office) -> None:
    friday = office.now + timedelta(days=4)
    planned = await leave(office, IDA, {"accounts": LENA, "jobs": LENA, "covers": LENA}, at=friday)
    followed = await leave(office, LENA, {"all": JONAS})
    assert (planned.status_code, followed.status_code) == (200, 200), (planned.json(), followed.json())
    rule = {"priority": 30, "label": "Utah to Ida", "caller": "+1801", "caller_is_prefix": True, "then": "person"}
    await office.edit("POST", "/rules", rule | {"person_id": IDA})

    assert await clock(office).look(friday) == 1

    assert (await office.edit("GET", "/accounts/4")).json()["manager_id"] == JONAS
    told = (await office.edit("GET", f"/people/{IDA}/leave")).json()
    assert told["left_behind"] == ["the rule Utah to Ida would lead to somebody who has left"]
    assert await answers(office, "+18015550123") == "Coordinators"


async def test_who_leads_the_desk_hears_once_by_mail_what_was_left_behind(either_office: Office) -> None:
    office = either_office
    office.door.keeper = Keeper(terms=Terms(), mails=True)
    friday = office.now + timedelta(days=4)
    await office.edit("PATCH", f"/people/{ANNA}", {"email": "anna@example.org"}, if_match="*")
    await office.edit("PATCH", f"/desks/{COORDINATORS}", {"lead_id": ANNA}, if_match="*")
    await leave(office, IDA, {"accounts": LENA, "jobs": LENA, "covers": LENA}, at=friday)
    rule = {"priority": 30, "label": "Utah to Ida", "caller": "+1801", "caller_is_prefix": True, "then": "person"}
    await office.edit("POST", "/rules", rule | {"person_id": IDA})

    for _ in range(2):
        await clock(office).look(friday)
    async with post_office() as post:
        posting = mail_clock(office.db, port=post.port)
        sent = [await posting.post(friday), await posting.post(friday)]

    assert sent == [1, 0]
    assert post.subjects("anna@example.org") == ["Ida has left, and left something behind: name a successor"]
    assert "- the rule Utah to Ida would lead to somebody who has left" in str(post.mails[0].get_payload())


@pytest.mark.parametrize(
    ("successors", "pointer"),
    [
        ({"all": 99}, "/body/successors/all"),
        ({"all": IDA}, "/body/successors/all"),
        ({"accounts": 8}, "/body/successors/accounts"),
        ({"each": [{"kind": "jobs", "id": 2, "to": 99}]}, "/body/successors/each/0/to"),
        ({"each": [{"kind": "covered", "id": 2, "to": LENA}]}, "/body/successors/each/0/kind"),
        ({"all": LENA, "jobs": None}, "/body/successors/jobs"),
    ],
)
async def test_nobody_takes_over_who_is_not_here(office: Office, successors: object, pointer: str) -> None:
    answer = await leave(office, IDA, successors)
    assert answer.status_code == 422
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]


async def test_a_former_salespersons_line_stays_theirs_and_rings_its_desk(office: Office) -> None:
    told = await leave(office, FELIX, {})
    assert {place["sentence"] for place in told.json()["places"]} == {
        "the line Sales Felix → stays theirs and rings its desk",
        "the job Kitchen for the new shop, as salesperson → stays on record",
        "the job Loading ramps, as salesperson → stays on record",
    }
    assert await answers(office, ELM, "+12125550101") == "Ida", "the line still tells which of two jobs is meant"


async def leave(office: Office, person: int, successors: object, path: str = "", *, at: datetime | None = None) -> Any:
    body = None if successors is None else {"successors": successors} | ({"at": at.isoformat()} if at else {})
    return await office.edit("POST", f"/people/{person}/leave{path}", body)


def clock(office: Office) -> Leavings:
    return Leavings(office.db, office.door)


async def everything(office: Office) -> dict[str, list[dict[str, Any]]]:
    """All that decisions are made from, as it is shown."""
    found = {}
    for noun in ("people", "desks", "lines", "accounts", "jobs", "rules", "covers"):
        items = (await office.edit("GET", f"/{noun}?limit=200")).json()["items"]
        found[noun] = [{name: value for name, value in item.items() if name not in GIVEN} for item in items]
    return found


def names(everything: dict[str, list[dict[str, Any]]], person: int) -> list[tuple[str, int]]:
    """Which running things name the person; lines and who sold a job tell of former times."""
    fields = ("manager_id", "person_id", "by_person_id", "lead_id", "member_ids", "deputy_ids")
    return [
        (noun, item["id"])
        for noun, items in everything.items()
        if noun != "lines"
        for item in items
        for field in fields
        if item.get("state") != "closed" and (item.get(field) == person or person in _several(item.get(field)))
    ]


def _several(value: object) -> list[object]:
    return value if isinstance(value, list) else []


async def owners(db: Database) -> list[int | None]:
    return [commitment.owner for commitment in await owed(db)]


async def answers(office: Office, caller: str, line: str = BUSINESS_LINE) -> str:
    asked = await office.edit("POST", "/explain", {"caller": caller, "line": line})
    return str(asked.json()["decision"]["steps"][0]["name"])
