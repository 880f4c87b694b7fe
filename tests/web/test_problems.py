"""Does every refusal have the same form, and say what to do?"""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.storage.access_schema import Role
from router.web.admission import DECLARED
from tests.web.conftest import Office

GOOD = {"caller": "+16465550199", "line": "+12125550100"}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "kind"),
    [
        ("GET", "/api/v1/nothing", None, 404, "not-found"),
        ("PUT", "/api/v1/calls", None, 405, "method-not-allowed"),
        ("GET", "/api/v1/calls?limit=0", None, 422, "invalid"),
        ("GET", "/api/v1/calls?limit=100000", None, 422, "invalid"),
        ("GET", "/api/v1/calls?limit=many", None, 422, "invalid"),
        ("GET", "/api/v1/calls?cursor=never", None, 422, "invalid"),
        ("GET", "/api/v1/calls?cursor=" + "x" * 401, None, 422, "invalid"),
        ("GET", "/api/v1/calls/%00", None, 422, "invalid"),
        ("GET", "/api/v1/calls/" + "x" * 201, None, 422, "invalid"),
        ("POST", "/api/v1/explain", None, 422, "invalid"),
        ("POST", "/api/v1/explain", [], 422, "invalid"),
        ("POST", "/api/v1/explain", {"caller": "+1"}, 422, "invalid"),
        ("POST", "/api/v1/explain", {**GOOD, "lien": "+1"}, 422, "invalid"),
        ("POST", "/api/v1/explain", {**GOOD, "at": "soon"}, 422, "invalid"),
        ("POST", "/api/v1/explain", {**GOOD, "at": "0001-01-01T00:00:00+14:00"}, 422, "invalid"),
        ("POST", "/api/v1/explain", {**GOOD, "at": "9999-12-31T23:59:59-12:00"}, 422, "invalid"),
        ("POST", "/api/v1/explain", {**GOOD, "line": "1" * 65}, 422, "invalid"),
        ("POST", "/api/v1/explain", {**GOOD, "caller": 7}, 422, "invalid"),
    ],
)
async def test_a_refusal_is_a_problem(
    office: Office, method: str, path: str, body: object, status: int, kind: str
) -> None:
    answer = await office.ask(method, path, body=body)

    problem = answer.json()
    assert (answer.status_code, problem["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["type"] == f"urn:router:problem:{kind}"
    assert problem["title"]
    assert problem["detail"]


async def test_a_wrong_field_is_pointed_at(office: Office) -> None:
    answer = await office.ask("POST", "/api/v1/explain", body={"caller": "+1", "li/n~e": "+1"})

    assert [error["pointer"] for error in answer.json()["errors"]] == ["/body/line", "/body/li~1n~0e"]


async def test_a_database_without_tables_is_a_problem_that_passes(office: Office) -> None:
    await office.lose_tables()

    answer = await office.get("/api/v1/calls", role=Role.ADMIN)

    assert (answer.status_code, answer.json()["type"]) == (503, "urn:router:problem:database-not-migrated")


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(caller=st.text(max_size=70), line=st.text(max_size=70), at=st.none() | st.text(max_size=30))
async def test_whatever_is_asked_there_is_an_answer_or_a_reason(
    office: Office, caller: str, line: str, at: str | None
) -> None:
    answer = await office.ask("POST", "/api/v1/explain", body={"caller": caller, "line": line, "at": at})

    assert answer.status_code in (200, 422)


async def test_a_slip_of_ours_tells_nothing_of_the_inside(office: Office) -> None:
    def slips() -> None:
        raise RuntimeError("secret of the inside")

    office.app.add_api_route("/slips", slips, openapi_extra={DECLARED: "viewer"})

    answer = await office.get("/slips")

    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text
