"""May each role do exactly what the description says, and nobody without a key in force anything?"""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from router.storage.access_schema import Role
from router.storage.keys import new_key, revoke_key
from router.web.admission import ANYONE, DECLARED
from router.web.app import description_of_api
from tests.sample_database import MONDAY_NOON
from tests.web.conftest import Office
from tests.web.operations import named, streams

HOLDERS = {
    "anyone": set(Role),
    "viewer": set(Role),
    "coordinator": {Role.COORDINATOR, Role.EDITOR, Role.ADMIN},
    "editor": {Role.EDITOR, Role.ADMIN, Role.SERVICE},
    "admin": {Role.ADMIN},
}
OPERATIONS = named(description_of_api())
GUARDED = {name: one for name, one in OPERATIONS.items() if one[DECLARED] != ANYONE}


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_may_do_exactly_what_the_description_says(office: Office, role: Role) -> None:
    for name, operation in OPERATIONS.items():
        if streams(operation) and role in HOLDERS[operation[DECLARED]]:
            continue  # it would not end; those who may not are refused at once
        answer = await ask(office, name, operation, office.keys[role])

        assert (answer.status_code == 403) == (role not in HOLDERS[operation[DECLARED]]), f"{name}: {answer.text}"
        assert answer.status_code != 401, f"{name}: {answer.text}"
        assert str(answer.status_code) in operation["responses"], f"{name}: {answer.text}"


async def test_without_a_key_in_force_nothing_is_done_but_what_is_open_to_anyone(office: Office) -> None:
    hour = timedelta(hours=1)
    expired = await new_key(office.db, "expired", Role.ADMIN, expires_at=MONDAY_NOON)
    revoked = await new_key(office.db, "revoked", Role.ADMIN)
    await revoke_key(office.db, revoked[4:12], MONDAY_NOON - hour)
    for key in ("", expired, revoked, "rtr_00000000_" + "x" * 43, "nonsense"):
        for name, operation in GUARDED.items():
            answer = await ask(office, name, operation, key)

            assert answer.status_code == 401, f"{name} with {key!r}: {answer.text}"
            assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_key_that_sees_private_numbers_is_no_question_of_its_role(office: Office) -> None:
    sees = await new_key(office.db, "wall screen", Role.VIEWER, sees_private=True)
    blind = await new_key(office.db, "crm", Role.ADMIN, sees_private=False)

    seen = await asyncio.gather(*(office.get("/api/v1/people/6", key=key) for key in (sees, blind)))

    assert [answer.json()["phones"][0]["number"] for answer in seen] == ["+19175550101", None]


async def ask(office: Office, name: str, operation: dict[str, Any], key: str) -> Any:
    """The operation with the examples of its path, and a body that fits none of them."""
    method, path = name.split(" ")
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            path = path.replace("{%s}" % parameter["name"], str(parameter["schema"]["examples"][0]))  # noqa: UP031
    return await office.ask(
        method, path, role=None, key=key, body={"x": 1} if method in ("POST", "PUT", "PATCH") else None
    )
