"""Can a router serve from a backup that was made while another one ran?"""

import asyncio
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from router.lab.postgres import PrivatePostgres
from router.lab.sample import BIRCH, BUSINESS_LINE
from router.storage.backup import NoBackup, back_up
from router.storage.database import Unavailable
from tests.ami.fake_asterisk import FakeAsterisk, fake_asterisk
from tests.sample_database import furnish, last_words
from tests.storage.stories import SOON
from tests.test_service import CALL, Town

LATER = "1763759123.8"  # a call that ends after the backup

Restore = Callable[[Path], str]


@pytest.fixture
def copied(furnished_url: str, request: pytest.FixtureRequest) -> Restore:
    """Makes a backup of the database as it is now, and restores it into a new place: its address."""

    def copy(folder: Path) -> str:
        if furnished_url.startswith("sqlite"):
            back_up(furnished_url, folder / "backup.db")
            (folder / "elsewhere").mkdir()
            (folder / "backup.db").rename(folder / "elsewhere" / "router.db")
            return f"sqlite:///{folder}/elsewhere/router.db"
        server: PrivatePostgres = request.getfixturevalue("postgres")
        name = furnished_url.partition("@/")[2].partition("?")[0]
        return server.restore(server.dump(name), f"{name}_restored")

    return copy


async def test_a_router_serves_from_a_backup_and_reads_from_the_pbx_what_has_ended_since(
    furnished_url: str, copied: Restore, tmp_path: Path
) -> None:
    async with fake_asterisk() as asterisk:
        before = Town(tmp_path, asterisk)
        before.database = furnished_url
        async with before.running_router():
            await before.heartbeat()
            first_plan = await before.customer_calls()
            asterisk.say(asterisk.user_event("RouterEnded", CALL, Journal=before.end()))
            await until_ended(before, 1)
            restored = await asyncio.to_thread(copied, tmp_path)
            told = ended_since(asterisk)
            asterisk.say(asterisk.user_event("RouterEnded", LATER, Journal=told))
            await until_ended(before, 2)

        after = Town(tmp_path, asterisk)
        after.database = restored
        async with after.running_router():
            await after.heartbeat()
            plan = await after.customer_calls()
            await until_ended(after, 2)
        records = {record.call_id: record for record in await after.records()}
    await last_words()

    assert plan == first_plan, "the same company decides"
    assert (records[f"pbx:{CALL}"].ended, records[f"pbx:{CALL}"].taken_phone) == ("answered", "jonas")
    assert (records[f"pbx:{LATER}"].ended, records[f"pbx:{LATER}"].taken_phone) == ("answered", "anna")


def test_a_copy_is_whole_and_its_owners_alone_whoever_writes_meanwhile(tmp_path: Path) -> None:
    source = furnish(tmp_path / "router.db")
    with closing(sqlite3.connect(source, isolation_level=None)) as somebody:
        somebody.execute("BEGIN IMMEDIATE")
        somebody.execute("DELETE FROM audit WHERE 0")
        somebody.execute("UPDATE accounts SET name = 'half a change'")
        made = back_up(f"sqlite:///{source}", tmp_path / "copy.db")
        somebody.execute("ROLLBACK")

    with closing(sqlite3.connect(made.file)) as copy:
        (changed,) = copy.execute("SELECT count(*) FROM accounts WHERE name = 'half a change'").fetchone()
    assert (made.table, made.calls, changed) == (1, 0, 0)
    assert stat.S_IMODE(made.file.stat().st_mode) == 0o600
    assert made.size == made.file.stat().st_size
    assert sorted(file.name for file in tmp_path.iterdir() if "copy" in file.name) == ["copy.db"]


def test_a_copy_replaces_nothing(tmp_path: Path) -> None:
    source = furnish(tmp_path / "router.db")
    (tmp_path / "copy.db").write_text("yesterday's")

    with pytest.raises(NoBackup, match="is there already"):
        back_up(f"sqlite:///{source}", tmp_path / "copy.db")

    assert (tmp_path / "copy.db").read_text() == "yesterday's"


def test_what_can_not_be_copied_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    source = furnish(tmp_path / "router.db")
    with pytest.raises(Unavailable, match="there is no database"):
        back_up(f"sqlite:///{tmp_path}/nothing.db", tmp_path / "copy.db")
    with pytest.raises(Unavailable, match="can't be written"):
        back_up(f"sqlite:///{source}", tmp_path / "no-folder" / "copy.db")
    with pytest.raises(NoBackup, match="pg_dump"):
        back_up("postgresql://router@db/router", tmp_path / "copy.db")
    data = bytearray(source.read_bytes())
    data[4096 * 3 : 4096 * 40] = b"\xff" * (4096 * 37)
    source.write_bytes(data)
    with pytest.raises(Unavailable, match=r"can't be copied|damaged"):
        back_up(f"sqlite:///{source}", tmp_path / "copy.db")

    assert not [file.name for file in tmp_path.iterdir() if "copy" in file.name]


def ended_since(asterisk: FakeAsterisk) -> str:
    """Another call that has ended: what the PBX writes into its journal."""
    now, clock = datetime.now(UTC), asterisk.clock
    told = f"1~{clock:.3f}~{BUSINESS_LINE}~{BIRCH}~number~plan~anna~{clock:.3f}~{clock:.3f}~16"
    asterisk.journal[f"/router-ended-{now.isoweekday() % 7}/{now:%H/%M}/{LATER}"] = told
    return told


async def until_ended(town: Town, calls: int) -> None:
    """The ends of so many calls are on record."""
    async with asyncio.timeout(SOON):
        while len([record for record in await town.records() if record.ended]) < calls:  # noqa: ASYNC110 (it only answers)
            await asyncio.sleep(0.02)
