"""Do the migrations make the very tables that the code speaks of, on both databases, and unmake them?"""

import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command

from router.storage.database import Database, NotMigrated
from router.storage.migrate import config_for, downgrade, upgrade
from router.storage.tables import current_version


def test_up_down_and_up_again_leaves_what_the_code_expects(blank_url: str) -> None:
    upgrade(blank_url)
    downgrade(blank_url, "base")
    upgrade(blank_url)
    command.check(config_for(blank_url))


async def test_a_database_without_tables_says_what_to_do(blank_url: str) -> None:
    db = Database(blank_url)
    with pytest.raises(NotMigrated, match="run the migrations"):
        await current_version(db)
    await db.close()


def test_two_processes_that_start_at_once_in_any_folder_make_the_tables_once(blank_url: str, tmp_path: Path) -> None:
    program = f"from router.storage.migrate import upgrade; upgrade({blank_url!r})"
    both = [
        subprocess.Popen([sys.executable, "-c", program], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    ends = [process.communicate(timeout=60)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], ends
    command.check(config_for(blank_url))
