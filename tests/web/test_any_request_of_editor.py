"""Is whatever an editor could send answered as described?"""

from pathlib import Path

from router.storage.access_schema import Role
from tests.web.any_request import ask_anything
from tests.web.conftest import Office


async def test_whatever_is_sent_is_answered_as_described(office: Office, tmp_path: Path) -> None:
    assert await ask_anything(office, Role.EDITOR, tmp_path) == ""
