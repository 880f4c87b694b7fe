"""Are several changes made as one, foreseen before, and taken back as one?"""

from typing import Any

import pytest

from router.lab.sample import ANNA, BEN, BUSINESS_LINE, COORDINATORS, HUGO, IDA, STRANGER
from router.storage.access_schema import Role
from tests.web.conftest import Office

PAULA = {"name": "Paula", "phones": [{"kind": "desk", "endpoint": "paula"}]}
# Somebody new, who becomes a customer's manager and a deputy in the same moment, with a line of her own.
NEW_COLLEAGUE: list[dict[str, Any]] = [
    {"noun": "people", "action": "make", "ref": "hr-90", "body": PAULA},
    {"noun": "desks", "action": "make", "body": {"ref": "d-9", "name": "Night", "member_ids": [{"ref": "hr-90"}, BEN]}},
    {
        "noun": "lines",
        "action": "make",
        "body": {
            "number": "+12125550190",
            "label": "Sales Paula",
            "kind": "salesperson",
            "person_id": {"ref": "hr-90"},
            "desk_id": {"ref": "d-9"},
        },
    },
    {
        "noun": "accounts",
        "action": "replace",
        "ref": "crm-90",
        "body": {"name": "Maple Mills", "manager_id": {"ref": "hr-90"}, "numbers": ["+12025550170"]},
    },
    {"noun": "people", "action": "merge", "ref": "hr-90", "version": "*", "body": {"short_number": "90"}},
]


async def test_a_list_is_made_as_one_and_what_is_made_can_be_named_by_what_follows(either_office: Office) -> None:
    office = either_office
    made = await office.edit("POST", "/changes", {"changes": NEW_COLLEAGUE})

    assert made.status_code == 200, made.text
    person, desk, line, account, again = made.json()["items"]
    assert desk["object"]["member_ids"] == [person["id"], BEN]
    assert (line["object"]["person_id"], line["object"]["desk_id"]) == (person["id"], desk["id"])
    assert (account["object"]["manager_id"], again["object"]["short_number"]) == (person["id"], "90")
    entries = (await office.edit("GET", "/audit")).json()["items"]
    assert {entry["version"] for entry in entries} == {made.json()["version"]}
    assert await answers(office, "+12025550170") == "Paula"


async def test_a_list_is_taken_back_as_one(either_office: Office) -> None:
    office = either_office
    before = await everything(office)
    made = await office.edit("POST", "/changes", {"changes": NEW_COLLEAGUE})
    undone = await office.edit("POST", f"/changes/{made.json()['version']}/undo")

    assert undone.status_code == 200, undone.text
    assert await everything(office) == before
    items = undone.json()["items"]
    assert [item["action"] for item in items] == ["removed", "removed", "removed", "removed", "changed"]
    again = await office.edit("POST", f"/changes/{items[0]['version']}/undo")
    assert again.status_code == 200, again.text
    assert await answers(office, "+12025550170") == "Paula"


async def test_all_or_nothing_and_the_pointer_names_the_item(office: Office) -> None:
    wrong: list[tuple[dict[str, Any], int, str]] = [
        ({"noun": "lines", "action": "make", "body": {"number": "1", "label": "x", "desk_id": 1}}, 422, "/body/number"),
        ({"noun": "lines", "action": "make", "body": {"label": "x"}}, 422, "/body/desk_id"),
        (
            {"noun": "accounts", "action": "make", "body": {"name": "x", "manager_id": {"ref": "no"}}},
            422,
            "/body/manager_id",
        ),
        (
            {"noun": "desks", "action": "make", "body": {"name": "x", "member_ids": [1, {"ref": "no"}]}},
            422,
            "/body/member_ids/1",
        ),
        ({"noun": "desks", "action": "make", "body": {"name": "Service"}}, 409, "/body/name"),
        ({"noun": "people", "action": "merge", "id": 999, "version": 1, "body": {}}, 404, ""),
        ({"noun": "people", "action": "merge", "ref": "no", "version": 1, "body": {}}, 404, ""),
        ({"noun": "people", "action": "merge", "id": ANNA, "version": 7, "body": {}}, 412, ""),
        ({"noun": "people", "action": "remove", "id": IDA, "version": "*"}, 409, ""),
        ({"noun": "people", "action": "merge", "id": ANNA, "body": {}}, 422, ""),
        ({"noun": "people", "action": "remove", "id": ANNA, "version": "*", "body": {}}, 422, ""),
        ({"noun": "people", "action": "replace", "body": {}}, 422, ""),
        ({"noun": "keys", "action": "make", "body": {}}, 422, "/noun"),
    ]
    before = await everything(office)
    for item, status, pointer in wrong:
        for path in ("/changes", "/changes/preview"):
            answer = await office.edit("POST", path, {"changes": [*NEW_COLLEAGUE, item]})

            assert answer.status_code == status, answer.text
            assert f"/body/changes/5{pointer}" in [error["pointer"] for error in answer.json()["errors"]], answer.text
    assert await everything(office) == before


async def test_a_preview_says_which_calls_would_go_elsewhere_and_changes_nothing(either_office: Office) -> None:
    office = either_office
    before = await everything(office)
    (birch,) = [one for one in before["accounts"] if one["name"] == "Birch & Sons"]
    jobs = [job for job in before["jobs"] if job["account_id"] == birch["id"]]
    changes = [
        {"noun": "jobs", "action": "merge", "id": job["id"], "version": "*", "body": {"manager_id": BEN}}
        for job in jobs
    ]

    seen = await office.edit("POST", "/changes/preview", {"changes": changes})

    assert seen.status_code == 200, seen.text
    told = seen.json()
    assert {caller for move in told["moves"] for caller in move["callers"]} == {"Birch & Sons"}
    assert (told["moves"][0]["before"]["steps"][0], told["moves"][0]["after"]["steps"][0]) == ("Jonas", "Ben")
    assert (told["appear"], told["vanish"], told["refused"]) == ([], [], [])
    assert told["sentences"][0] == told["moves"][0]["sentence"]
    assert await everything(office) == before
    assert (await office.edit("GET", "/audit")).json()["items"] == []

    example = told["moves"][0]["example"]
    assert (await explained(office, example))["steps"][0]["name"] == "Jonas"
    await office.edit("POST", "/changes", {"changes": changes})
    assert (await explained(office, example))["steps"][0]["name"] == "Ben"


async def test_a_preview_says_what_would_be_refused_and_why(office: Office) -> None:
    changes = [
        {"noun": "accounts", "action": "merge", "id": 10, "version": "*", "body": {"manager_id": HUGO}},
        {"noun": "desks", "action": "merge", "id": COORDINATORS, "version": "*", "body": {"member_ids": [ANNA]}},
    ]

    told = (await office.edit("POST", "/changes/preview", {"changes": changes})).json()
    refused = await office.edit("POST", "/changes", {"changes": changes})

    assert refused.status_code == 422
    assert told["refused"] == refused.json()["nowhere"]
    appeared = {problem["problem"] for problem in told["appear"]}
    assert appeared == {"LeftPerson", "LeansOnOne"}
    assert any("It would be refused: " in sentence for sentence in told["sentences"])


async def test_what_leads_nobody_elsewhere_says_so(office: Office) -> None:
    changes = [{"noun": "people", "action": "merge", "id": ANNA, "version": "*", "body": {"email": "a@example.com"}}]

    told = (await office.edit("POST", "/changes/preview", {"changes": changes})).json()

    assert told["sentences"] == ["No call goes elsewhere."]


async def test_with_no_table_yet_a_company_is_made_by_one_list(empty_office: Office) -> None:
    office = empty_office
    changes = [
        {"noun": "people", "action": "make", "ref": "anna", "body": PAULA | {"name": "Anna"}},
        {
            "noun": "desks",
            "action": "make",
            "ref": "all",
            "body": {"name": "All", "safety_net": True, "member_ids": [{"ref": "anna"}]},
        },
        {
            "noun": "lines",
            "action": "make",
            "body": {"number": BUSINESS_LINE, "label": "Business", "desk_id": {"ref": "all"}},
        },
    ]

    seen = await office.edit("POST", "/changes/preview", {"changes": changes})
    made = await office.edit("POST", "/changes", {"changes": changes})

    assert (seen.status_code, made.status_code) == (200, 200)
    assert await answers(office, STRANGER) == "All"


async def test_only_who_may_change_everything_may_ask(office: Office) -> None:
    body = {"changes": NEW_COLLEAGUE}

    assert (await office.ask("POST", "/api/v1/changes/preview", role=Role.COORDINATOR, body=body)).status_code == 403
    assert (await office.ask("POST", "/api/v1/changes/preview", role=Role.EDITOR, body=body)).status_code == 200


@pytest.mark.parametrize("version", ["999", "0"])
async def test_a_version_that_nothing_made_cannot_be_taken_back(office: Office, version: str) -> None:
    assert (await office.edit("POST", f"/changes/{version}/undo")).status_code in (404, 422)


async def everything(office: Office) -> dict[str, list[dict[str, Any]]]:
    nouns = ("people", "desks", "lines", "accounts", "jobs", "rules", "hours", "covers", "overrides")
    return {noun: (await office.edit("GET", f"/{noun}?limit=200")).json()["items"] for noun in nouns}


async def answers(office: Office, caller: str) -> str:
    name: str = (await explained(office, {"caller": caller, "line": BUSINESS_LINE}))["steps"][0]["name"]
    return name


async def explained(office: Office, question: dict[str, Any]) -> dict[str, Any]:
    decision: dict[str, Any] = (await office.ask("POST", "/api/v1/explain", body=question)).json()["decision"]
    return decision
