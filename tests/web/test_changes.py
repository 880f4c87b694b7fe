"""Does every change go through the one door: whole, refused with its reason, in force at once, on record?"""

import asyncio
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from router.lab.sample import ANNA, BEN, BIRCH, BUSINESS_LINE, COORDINATORS, FELIX, HUGO, IDA, JONAS, SERVICE, STRANGER
from router.storage.access_schema import Role
from router.storage.keys import new_key
from router.storage.retention import due_kinds, fade_some
from router.storage.retention_schema import Kind
from tests.sample_database import MONDAY_NOON
from tests.web.cases import BODIES
from tests.web.conftest import Office

EDITORS = 50
ROUNDS = 2


async def test_the_next_call_is_decided_by_what_the_answer_says(office: Office) -> None:
    line = {"number": "+12125550199", "label": "Hotline", "desk_id": SERVICE}
    made = await office.edit("POST", "/lines", line)
    first = await explained(office, STRANGER, "+12125550199")
    await office.edit("PATCH", f"/lines/{made.json()['id']}", {"desk_id": COORDINATORS}, if_match='"1"')
    second = await explained(office, STRANGER, "+12125550199")

    assert (first["steps"][0]["name"], second["steps"][0]["name"]) == ("Service", "Coordinators")
    assert second["table_version"] == first["table_version"] + 1


async def test_fifty_editors_at_once_lose_nothing_and_each_version_is_won_by_one(either_office: Office) -> None:
    office = either_office
    for version in range(1, ROUNDS + 1):
        seen = await office.edit("GET", "/accounts/10")
        editors = [
            office.edit("PATCH", "/accounts/10", {"name": f"{seen.json()['name']},{editor}"}, if_match=f'"{version}"')
            for editor in range(EDITORS)
        ]
        answers = await asyncio.gather(*editors)

        (won,) = [answer.json() for answer in answers if answer.status_code == 200]
        assert {answer.status_code for answer in answers} == {200, 412}
        assert (await office.edit("GET", "/accounts/10")).json() == won
        assert (won["version"], won["name"].startswith(seen.json()["name"])) == (version + 1, True)

    assert len((await office.edit("GET", "/audit?noun=accounts")).json()["items"]) == ROUNDS


@pytest.mark.parametrize("field", ["next_desk_id", "duty_desk_id"])
async def test_a_desk_does_not_follow_itself(office: Office, field: str) -> None:
    answer = await office.edit("PATCH", f"/desks/{SERVICE}", {field: SERVICE}, if_match="*")

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"/body/{field}")


async def test_who_is_named_cannot_be_removed_and_the_answer_lists_where(office: Office) -> None:
    answer = await office.edit("DELETE", f"/people/{IDA}", if_match="*")

    assert (answer.status_code, answer.json()["type"]) == (409, "urn:router:problem:still-named")
    where = {(one["noun"], one["field"]) for one in answer.json()["named_by"]}
    assert where == {("accounts", "manager_id"), ("accounts", "deputy_ids"), ("jobs", "manager_id"),
                     ("covers", "by_person_id")}  # fmt: skip


TAKEN: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("people", {**BODIES["people"], "short_number": "11"}, "/body/short_number"),
    ("people", {**BODIES["people"], "phones": [{"kind": "desk", "endpoint": "anna"}]}, "/body/phones/0/endpoint"),
    ("desks", {**BODIES["desks"], "name": "Service"}, "/body/name"),
    ("lines", {**BODIES["lines"], "number": BUSINESS_LINE}, "/body/number"),
    ("lines", {**BODIES["lines"], "aliases": ["0190", "5550100"]}, "/body/aliases/1"),
    ("accounts", {**BODIES["accounts"], "numbers": [BIRCH]}, "/body/numbers/0"),
    ("rules", {**BODIES["rules"], "priority": 10}, "/body/priority"),
)


async def test_what_somebody_else_has_is_not_taken_away(either_office: Office) -> None:
    for noun, body, pointer in TAKEN:
        answer = await either_office.edit("POST", f"/{noun}", body)

        assert (answer.status_code, answer.json()["type"]) == (409, "urn:router:problem:taken"), pointer
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_a_change_that_leaves_callers_without_a_person_is_refused_with_the_way_there(office: Office) -> None:
    before = (await office.edit("GET", f"/desks/{COORDINATORS}")).json()

    answer = await office.edit("PATCH", f"/desks/{COORDINATORS}", {"member_ids": []}, if_match="*")

    assert (answer.status_code, answer.json()["type"]) == (422, "urn:router:problem:leads-nowhere")
    (nowhere,) = answer.json()["nowhere"]
    assert "Coordinators" in nowhere["sentence"]
    assert any("calls" in step for step in nowhere["path"])
    assert (await office.edit("GET", f"/desks/{COORDINATORS}")).json() == before
    assert (await office.edit("GET", "/audit")).json()["items"] == []


async def test_that_somebody_leaves_is_never_refused_but_nobody_is_led_to_who_has_left(office: Office) -> None:
    refused = await office.edit("PATCH", "/accounts/10", {"manager_id": HUGO}, if_match="*")
    leaves = await office.edit("PATCH", f"/people/{JONAS}", {"state": "left"}, if_match="*")

    assert (refused.status_code, refused.json()["type"]) == (422, "urn:router:problem:leads-nowhere")
    assert refused.json()["nowhere"][0]["sentence"].startswith("Hugo has left and is an account manager")
    assert leaves.status_code == 200, leaves.text


async def test_the_mark_of_the_safety_net_moves_in_one_change_and_moves_back(either_office: Office) -> None:
    office = either_office
    moved = await office.edit("PATCH", f"/desks/{SERVICE}", {"safety_net": True, "next_desk_id": None}, if_match="*")
    marks = [desk["safety_net"] for desk in (await office.edit("GET", "/desks")).json()["items"]]
    entries = (await office.edit("GET", "/audit")).json()["items"]
    undone = await office.edit("POST", f"/audit/{entries[-1]['id']}/undo")

    assert (moved.status_code, marks) == (200, [False, True])
    assert len({entry["version"] for entry in entries}) == 1
    assert len(undone.json()["items"]) == 2
    assert [desk["safety_net"] for desk in (await office.edit("GET", "/desks")).json()["items"]] == [True, False]


async def test_a_change_whose_numbers_are_hidden_cant_be_undone_and_one_without_numbers_can(office: Office) -> None:
    made = await office.edit("POST", "/accounts", {"name": "Oak", "numbers": ["+12025550191"]})
    there = made.headers["location"].removeprefix("/api/v1")
    await office.edit("PATCH", there, {"numbers": ["+12025550192"]}, if_match='"1"')
    hours = await office.edit("POST", "/hours", {"name": "always", "time_zone": "UTC"})
    now = MONDAY_NOON + timedelta(days=91)
    assert Kind.AUDIT in await due_kinds(office.db, now)
    while await fade_some(office.db, Kind.AUDIT, MONDAY_NOON + timedelta(days=1), now):
        pass

    entries = (await office.edit("GET", "/audit")).json()["items"]
    answers = [await office.edit("POST", f"/audit/{entry['id']}/undo") for entry in entries]

    assert [entry["hidden_at"] is None for entry in entries] == [True, False, False]
    assert [answer.status_code for answer in answers] == [200, 409, 409]
    assert "are hidden since 2026-06-01: write it anew" in answers[1].json()["detail"]
    assert hours.status_code == made.status_code == 201


async def test_private_numbers_need_their_own_right_and_survive_an_editor_who_has_it_not(office: Office) -> None:
    seen = await office.get(f"/api/v1/people/{FELIX}", role=Role.EDITOR)
    phones = [{**seen.json()["phones"][0], "ring_seconds": 9}]
    found = await office.get("/api/v1/people?number=%2B19175550101", role=Role.EDITOR)
    changed = await office.ask(
        "PATCH", f"/api/v1/people/{FELIX}", role=Role.EDITOR, body={"phones": phones}, if_match=seen.headers["etag"]
    )

    assert seen.json()["phones"][0]["number"] is None
    assert found.json()["items"] == []
    assert changed.json()["phones"][0]["number"] is None
    kept = (await office.edit("GET", f"/people/{FELIX}")).json()["phones"][0]
    assert (kept["number"], kept["ring_seconds"]) == ("+19175550101", 9)


FILTERS: tuple[tuple[str, list[str]], ...] = (
    ("people?state=left", ["Hugo", "Noah"]),
    ("people?search=AN", ["Anna"]),
    ("people?number=anna", ["Anna"]),
    ("desks?member_id=4", ["Service"]),
    ("accounts?manager_id=9&order=-name", ["Hazel Hotels", "Elm Logistics", "Birch & Sons"]),
    ("accounts?number= 12025550111", ["Birch & Sons"]),
    ("accounts?number=%2B14155550157", ["Fir Furniture"]),
    ("accounts?search=" + quote("%"), []),
    ("accounts?deputy_id=9", ["Fir Furniture"]),
    ("accounts?updated_since=2026-03-02T17:00:00Z&limit=1", ["Birch & Sons"]),
    ("accounts?updated_since=2026-03-02T18:00:01 01:00", []),
)


async def test_a_list_is_narrowed_by_its_filters(either_office: Office) -> None:
    for query, found in FILTERS:
        answer = await either_office.edit("GET", f"/{query}")

        assert [item["name"] for item in answer.json()["items"]] == found, query


@pytest.mark.parametrize("query", ["people?colour=red", "people?order=email", "accounts?cursor=WzFd", "desks?limit=0"])
async def test_a_filter_that_is_not_there_is_refused_and_not_ignored(office: Office, query: str) -> None:
    answer = await office.edit("GET", f"/{query}")

    assert (answer.status_code, answer.json()["type"]) == (422, "urn:router:problem:invalid")


async def test_covers_that_overlap_are_refused_by_name(office: Office) -> None:
    await office.edit("POST", "/covers", BODIES["covers"])
    again = await office.edit("POST", "/covers", {**BODIES["covers"], "ref": None, "by_person_id": IDA})

    assert (again.status_code, again.json()["type"]) == (409, "urn:router:problem:contradictory")
    assert "Ben" in again.json()["detail"]


async def test_a_company_is_built_from_an_empty_database(empty_office: Office) -> None:
    office = empty_office
    for name in ("Anna", "Ben"):
        made = await office.edit(
            "POST", "/people", {"name": name, "phones": [{"kind": "desk", "endpoint": name.lower()}]}
        )
        assert made.status_code == 201, made.text
    assert office.table is None, "nothing can be decided without a safety net"

    desk = await office.edit("POST", "/desks", {"name": "All", "safety_net": True, "member_ids": [1, 2]})
    line = await office.edit("POST", "/lines", {"number": BUSINESS_LINE, "label": "Business", "desk_id": 1})
    account = await office.edit("PUT", "/accounts/by-ref/crm-1", {"name": "Birch", "manager_id": 2, "numbers": [BIRCH]})

    assert [one.status_code for one in (desk, line, account)] == [201, 201, 201]
    assert [step["name"] for step in (await explained(office, BIRCH, BUSINESS_LINE))["steps"]] == ["Ben", "All"]


async def test_a_key_is_named_in_the_record(office: Office) -> None:
    key = await new_key(office.db, "crm", Role.SERVICE)
    await office.ask("PUT", "/api/v1/accounts/by-ref/7", key=key, body={"name": "Oak", "manager_id": ANNA})
    await office.edit("DELETE", "/accounts/by-ref/7", if_match="*")

    (entry,) = (await office.edit("GET", "/audit?noun=accounts")).json()["items"]
    assert (entry["actor"], entry["key"], entry["source"], entry["before"]) == ("crm", key[4:12], "api", None)
    assert entry["after"]["deputy_ids"] == []
    assert BEN not in entry["after"].values()


async def test_a_key_is_made_shown_once_and_revoked_on_record(office: Office) -> None:
    made = (await office.edit("POST", "/keys", {"name": "CRM", "role": "service"})).json()
    before = await office.get("/api/v1/people/6", key=made["key"])
    gone = await office.edit("DELETE", f"/keys/{made['prefix']}")
    after = await office.get("/api/v1/people/6", key=made["key"])

    assert (before.status_code, gone.status_code, after.status_code) == (200, 204, 401)
    assert before.json()["phones"][0]["number"] is None
    listed = (await office.edit("GET", "/keys")).text
    assert made["prefix"] in listed
    assert made["key"] not in listed
    entries = (await office.edit("GET", "/audit?noun=keys")).json()["items"]
    assert [entry["action"] for entry in entries] == ["removed", "created"]
    refused = await office.edit("POST", f"/audit/{entries[0]['id']}/undo")
    assert refused.status_code == 404


async def explained(office: Office, caller: str, line: str) -> dict[str, Any]:
    answer = await office.ask("POST", "/api/v1/explain", body={"caller": caller, "line": line})
    decision: dict[str, Any] = answer.json()["decision"]
    return decision
