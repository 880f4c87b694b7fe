"""Is whatever those could send who mostly look, or are a program, answered as described?"""

from pathlib import Path

import pytest

from router.storage.schema import Role
from tests.web.any_request import ask_anything
from tests.web.conftest import Office


@pytest.mark.parametrize("role", [Role.VIEWER, Role.COORDINATOR, Role.SERVICE])
async def test_whatever_is_sent_is_answered_as_described(office: Office, role: Role, tmp_path: Path) -> None:
    assert await ask_anything(office, role, tmp_path) == ""
