"""Does nobody get in who may not?"""

from contextlib import AsyncExitStack
from datetime import timedelta
from traceback import format_exception

import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

from router.storage.access_schema import Role
from router.storage.database import CONNECTIONS, Database
from router.storage.keys import new_key
from router.web.admission import ANYONE, BELIEVED, DECLARED, Doorkeeper
from router.web.problems import Refusal
from tests.sample_database import MONDAY_NOON
from tests.web.conftest import Office

GUARDED = (("GET", "/readyz"), ("GET", "/metrics"), ("GET", "/api/v1/calls"), ("GET", "/api/v1/calls/pbx:1"))
QUESTION = {"caller": "+16465550199", "line": "+12125550100"}


def declared_roles(app: FastAPI) -> dict[str, str | None]:
    """Every operation, and whom it says it is open to."""
    return {
        f"{method.upper()} {path}": operation.get(DECLARED)
        for path, operations in app.openapi()["paths"].items()
        for method, operation in operations.items()
    }


async def test_every_operation_says_who_may_use_it(office: Office) -> None:
    declared = declared_roles(office.app)

    assert len(declared) >= 6
    assert set(declared.values()) <= {ANYONE, *Role}


async def test_nothing_stands_outside_of_what_asks_for_a_key(office: Office) -> None:
    assert [route for route in office.app.routes if not type(route).__module__.startswith("fastapi.")] == []


async def test_only_the_sign_of_life_and_what_describes_the_api_is_open_to_anyone(office: Office) -> None:
    open_to_all = {operation for operation, role in declared_roles(office.app).items() if role == ANYONE}

    assert open_to_all == {
        "GET /healthz",
        "GET /api/v1/openapi.json",
        "GET /api/v1/docs",
        "GET /api/v1/docs/{asset}",
    }


async def test_an_operation_that_declares_nothing_is_closed_to_everybody(office: Office) -> None:
    office.app.add_api_route("/forgotten", lambda: "secret")

    answer = await office.get("/forgotten", role=Role.ADMIN)

    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:router:problem:closed"


@pytest.mark.parametrize(("method", "path"), GUARDED)
async def test_without_a_key_nobody_gets_in_and_is_told_how_to_get_one(office: Office, method: str, path: str) -> None:
    answer = await office.ask(method, path, role=None)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["type"] == "urn:router:problem:key-missing"


@pytest.mark.parametrize("key", ["rtr_00000000_guess", "x", "rtr__", "rtr_" + "y" * 500, "ünïcode"])
async def test_a_key_that_is_nobodys_is_refused(office: Office, key: str) -> None:
    answer = await office.ask("POST", "/api/v1/explain", key=key, body=QUESTION)

    assert answer.status_code == 401
    assert answer.json()["type"] == "urn:router:problem:key-refused"


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("path", ["/readyz", "/metrics", "/api/v1/calls"])
async def test_each_role_may_look(office: Office, role: Role, path: str) -> None:
    answer = await office.get(path, role=role)

    assert answer.status_code == 200


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_may_ask_who_would_answer(office: Office, role: Role) -> None:
    answer = await office.ask("POST", "/api/v1/explain", role=role, body=QUESTION)

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("needed", "admitted"),
    [
        (Role.VIEWER, {Role.VIEWER, Role.COORDINATOR, Role.EDITOR, Role.ADMIN, Role.SERVICE}),
        (Role.COORDINATOR, {Role.COORDINATOR, Role.EDITOR, Role.ADMIN}),
        (Role.EDITOR, {Role.EDITOR, Role.ADMIN, Role.SERVICE}),
        (Role.ADMIN, {Role.ADMIN}),
    ],
)
async def test_a_role_may_do_what_smaller_ones_may(office: Office, needed: Role, admitted: set[Role]) -> None:
    office.app.add_api_route("/probe", lambda: "in", openapi_extra={DECLARED: needed.value})

    answers = {role: (await office.get("/probe", role=role)).status_code for role in Role}

    assert {role for role, status in answers.items() if status == 200} == admitted
    assert {answers[role] for role in set(Role) - admitted} <= {403}


async def test_an_expired_key_is_refused(office: Office) -> None:
    key = await new_key(office.db, "temporary", Role.VIEWER, expires_at=MONDAY_NOON + timedelta(hours=1))
    before = await office.get("/readyz", key=key)

    office.now += timedelta(hours=1)

    assert (before.status_code, (await office.get("/readyz", key=key)).status_code) == (200, 401)


async def test_a_known_key_is_believed_for_a_while_when_the_database_is_gone(office: Office) -> None:
    await office.get("/metrics")
    await office.lose_database()

    soon = await office.get("/metrics")
    office.now += BELIEVED + timedelta(seconds=1)
    late = await office.get("/metrics")

    assert (soon.status_code, late.status_code) == (200, 503)


async def test_a_known_key_is_believed_when_the_database_takes_too_long(office: Office) -> None:
    await office.get("/metrics")
    async with AsyncExitStack() as busy:
        for _ in range(CONNECTIONS):
            await busy.enter_async_context(office.db.reading())

        answer = await office.get("/metrics")

    assert answer.status_code == 200


async def test_a_key_never_seen_is_not_believed_when_the_database_is_gone(office: Office) -> None:
    await office.lose_database()

    answer = await office.get("/metrics")

    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert answer.json()["type"] == "urn:router:problem:database-unavailable"


async def test_a_key_revoked_in_one_process_is_refused_by_every_other_at_once(office: Office) -> None:
    elsewhere = Database(f"sqlite:///{office.folder / 'router.db'}")
    another = Doorkeeper(elsewhere, lambda: office.now)
    key = await new_key(office.db, "crm", Role.SERVICE)
    known = await another.let_in(key, "192.0.2.1")

    await office.edit("DELETE", f"/keys/{known.prefix}")

    with pytest.raises(Refusal, match="revoked"):
        await another.let_in(key, "192.0.2.1")
    await elsewhere.close()


async def test_a_key_that_expires_while_the_database_is_gone_is_believed_no_longer(office: Office) -> None:
    key = await new_key(office.db, "short", Role.VIEWER, expires_at=MONDAY_NOON + timedelta(minutes=5))
    await office.get("/metrics", key=key)
    await office.lose_database()

    before = await office.get("/metrics", key=key)
    office.now += timedelta(minutes=5)
    after = await office.get("/metrics", key=key)

    assert (before.status_code, after.status_code) == (200, 503)


async def test_a_key_revoked_here_is_not_believed_when_the_database_goes_next(office: Office) -> None:
    key = await new_key(office.db, "crm", Role.VIEWER)
    await office.get("/metrics", key=key)
    await office.edit("DELETE", f"/keys/{key[4:12]}")
    await office.lose_database()

    assert (await office.get("/metrics", key=key)).status_code == 503


async def test_no_key_revokes_itself_so_the_last_of_an_admin_is_not_lost_by_mistake(office: Office) -> None:
    own = office.keys[Role.ADMIN][4:12]

    answer = await office.edit("DELETE", f"/keys/{own}")

    assert (answer.status_code, answer.json()["type"]) == (409, "urn:router:problem:own-key")
    assert (await office.edit("GET", "/keys")).status_code == 200


async def test_a_key_made_over_http_has_its_role_its_end_and_its_right(office: Office) -> None:
    wish = {"name": "Wall screen", "role": "viewer", "sees_private": True, "expires_at": "2026-03-02T17:05:00Z"}
    made = (await office.edit("POST", "/keys", wish)).json()

    seen = await office.get("/api/v1/people/6", key=made["key"])
    refused = await office.ask("DELETE", "/api/v1/people/6", key=made["key"])
    office.now += timedelta(minutes=5)
    late = await office.get("/api/v1/people/6", key=made["key"])

    assert (seen.json()["phones"][0]["number"], refused.status_code, late.status_code) == ("+19175550101", 403, 401)
    assert made["expires_at"] == wish["expires_at"]


async def test_no_key_is_ever_in_the_log(office: Office) -> None:
    def slips() -> None:
        raise RuntimeError("a slip")

    office.app.add_api_route("/slips", slips, openapi_extra={DECLARED: "viewer"})
    with capture_logs() as events:
        await office.get("/slips", role=Role.ADMIN)
        await office.get("/metrics", key="rtr_00000000_" + "y" * 43)
        made = (await office.edit("POST", "/keys", {"name": "CRM", "role": "service"})).json()["key"]
        await office.lose_database()
        await office.get("/metrics", role=Role.ADMIN)

    said = "".join(f"{event} {''.join(format_exception(event.get('exc_info')))}" for event in events)
    assert "request failed" in said
    assert [key for key in (office.keys[Role.ADMIN], made, "y" * 43) if key[13:] in said] == []
