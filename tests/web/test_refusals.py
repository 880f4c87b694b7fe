"""Does whoever stumbles hear what to do instead, in words that know nothing of our code?"""

from typing import Any

import pytest

from router.storage.access_schema import Role
from tests.web.conftest import Office

PHONE = {"kind": "desk", "endpoint": "x"}


def person(**phone: Any) -> dict[str, Any]:
    return {"name": "X", "phones": [{**PHONE, **phone}]}


@pytest.mark.parametrize(
    ("path", "body", "pointer", "says"),
    [
        ("/people", person(endpoint="an na"), "/body/phones/0/endpoint", "letters, digits and . _ - alone"),
        ("/people", person(kind="external", number="2125550142"), "/body/phones/0/number", "as +12125550100"),
        ("/people", person(kind="mobile"), "/body/phones/0/kind", "it is one of 'desk' or 'external'"),
        ("/people", person(endpont="anna"), "/body/phones/0/endpont", "do you mean endpoint?"),
        ("/people", {"name": "X", "phones": ["anna"]}, "/body/phones/0", "write an object"),
        ("/people", {"name": "X", "phones": PHONE}, "/body/phones", "write a list"),
        ("/people", {"name": 7}, "/body/name", "write text, in quotes"),
        ("/people", {"name": ""}, "/body/name", "it can't be empty"),
        ("/people", {"name": "x" * 101}, "/body/name", "it has 100 characters at most"),
        ("/people", {"name": "X", "email": "anna"}, "/body/email", "as anna@example.com"),
        ("/accounts", {}, "/body/name", "this field is missing"),
        ("/accounts", {"name": "Y", "manager": "Ida"}, "/body/manager", "do you mean manager_id?"),
        ("/accounts", {"name": "Y", "manager_id": "9"}, "/body/manager_id", "write a whole number"),
        ("/accounts", {"name": "Y", "manager_id": 99}, "/body/manager_id", "GET /api/v1/people lists them"),
        ("/rules", {"enabled": "yes"}, "/body/enabled", "write true or false"),
        ("/explain", {"caller": "+1", "line": "+1", "at": "tomorrow"}, "/body/at", "as 2026-03-02T09:00:00Z"),
        ("/people/4/leave", {"succesors": {"all": 7}}, "/body/succesors", "do you mean successors?"),
        ("/webhooks", {"url": "crm.example.com"}, "/body/url", "as https://crm.example.com/calls"),
        ("/keys", {"name": "x", "role": "boss"}, "/body/role", "it is one of 'viewer', 'coordinator'"),
        ("/keys", {"name": "x", "role": "viewer", "expires_at": "2020-01-01T00:00:00Z"}, "/body/expires_at", "to come"),
        ("/changes", {"changes": [{"noun": "people", "action": "make", "body": {"nam": "X"}}]},
         "/body/changes/0/body/nam", "do you mean name?"),
    ],
)  # fmt: skip
async def test_a_field_that_is_wrong_is_pointed_at_and_says_how_it_is_written(
    office: Office, path: str, body: dict[str, Any], pointer: str, says: str
) -> None:
    refused = await office.edit("POST", path, body)

    told = {error["pointer"]: error["detail"] for error in refused.json()["errors"]}
    assert refused.status_code == 422
    assert says in told[pointer]
    assert not any(foreign in refused.text for foreign in ("Input should", "String should", "Value error", "permitted"))


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("limit=100000", "/query/limit: it is 200 at most"),
        ("limit=all", "/query/limit: write a whole number"),
        ("updated_since=yesterday", "/query/updated_since: write it as 2026-03-02T09:00:00Z"),
        ("updated_since=2026-03-02T09:00:00", "/query/updated_since: write it with its offset from UTC"),
        ("order=size", "/query/order: it is one of 'id', '-id', 'name'"),
        ("manager=Ida", "/query/manager: there is no such field: do you mean manager_id?"),
        ("color=red", "/query/color: there is no such field; there are limit, cursor"),
        ("cursor=abc", "begin without one"),
    ],
)
async def test_a_filter_that_is_wrong_says_what_there_is(office: Office, query: str, says: str) -> None:
    refused = await office.get(f"/api/v1/accounts?{query}")

    assert (refused.status_code, says in refused.json()["detail"]) == (422, True), refused.text


@pytest.mark.parametrize(
    ("method", "path", "status", "says"),
    [
        ("GET", "/api/v1/account", 404, "/api/v1/docs shows what there is"),
        ("GET", "/", 404, "/api/v1/docs shows what there is"),
        ("POST", "/api/v1/accounts/", 404, "leave the / at its end out"),
        ("PUT", "/api/v1/accounts", 405, "PUT is not possible here: there is GET, POST"),
        ("GET", "/api/v1/accounts/999", 404, "GET /api/v1/accounts lists them"),
        ("GET", "/api/v1/accounts/by-ref/nope", 404, "GET /api/v1/accounts lists them"),
    ],
)
async def test_what_is_not_there_says_where_to_look(
    office: Office, method: str, path: str, status: int, says: str
) -> None:
    body = {"name": "Y"} if method != "GET" else None
    refused = await office.ask(method, path, role=Role.ADMIN, body=body)

    assert (refused.status_code, says in refused.json()["detail"]) == (status, True), refused.text


async def test_a_body_that_is_no_json_is_told_so_at_the_body(office: Office) -> None:
    headers = {"Authorization": f"Bearer {office.keys[Role.ADMIN]}", "Content-Type": "application/json"}
    async with office.client() as client:
        refused = await client.post("/api/v1/accounts", content="name=Y", headers=headers)

    (error,) = refused.json()["errors"]
    assert (refused.status_code, error["pointer"]) == (422, "/body")
    assert error["detail"].startswith("this is no JSON")


async def test_an_etag_that_a_proxy_made_weak_is_still_the_version(office: Office) -> None:
    weak = await office.edit("PATCH", "/accounts/1", {"priority": 3}, if_match='W/"1"')
    outdated = await office.edit("PATCH", "/accounts/1", {"priority": 4}, if_match='W/"1"')

    assert (weak.status_code, outdated.status_code) == (200, 412)
