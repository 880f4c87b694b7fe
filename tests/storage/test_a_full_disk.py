"""What becomes of calls when the disk of the database takes no more?"""

import asyncio
import resource
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from router.lab.ports import Ports
from router.lab.process import RouterProcess
from router.lab.sample import BIRCH, BUSINESS_LINE
from router.storage.access_schema import Role
from router.storage.database import Database, Unavailable
from router.storage.keys import new_key
from router.storage.records import recent_calls
from tests.ami.fake_asterisk import FakeAsterisk, fake_asterisk
from tests.sample_database import furnish, last_words
from tests.storage.stories import SOON

CALLS = 6


async def test_calls_go_on_with_a_full_disk_and_are_on_record_once_there_is_room(tmp_path: Path) -> None:
    file = await asyncio.to_thread(furnish, tmp_path / "router.db")
    async with fake_asterisk() as asterisk, process(file, asterisk, tmp_path) as router:
        await asyncio.to_thread(router.start)
        grow(file)
        log = size(router.log_file)
        full(router.pid, at=size(Path(f"{file}-wal")))
        for number in range(CALLS):
            await a_call(asterisk, number)
        figures = await until(router, lambda figures: figures["router_records_retried_total"] > 0)
        ready = await asyncio.to_thread(router.ready)

        full(router.pid, at=resource.RLIM_INFINITY)
        after = await until(router, lambda figures: figures["router_records_waiting"] == 0)
        db = Database(f"sqlite:///{file}")
        records = (await recent_calls(db, 2 * CALLS)).records
        await db.close()
    await last_words()

    assert log < 100_000, "it was the database that had no room, not the log"
    assert figures["router_records_waiting"] == figures["router_calls_delivered_total"] == CALLS
    assert ready
    assert (after["router_records_refused_total"], after["router_records_dropped_total"]) == (0, 0)
    assert [record.ended for record in records] == ["answered"] * CALLS


async def test_a_database_without_room_is_away_and_not_at_fault(tmp_path: Path) -> None:
    file = await asyncio.to_thread(furnish, tmp_path / "router.db")
    db = Database(f"sqlite:///{file}")
    with pytest.raises(Unavailable, match="database or disk is full"):
        await fill(db)
    await db.close()
    with closing(sqlite3.connect(file)) as left:
        assert left.execute("SELECT count(*) FROM table_versions").fetchone() == (1,)


@asynccontextmanager
async def process(file: Path, asterisk: FakeAsterisk, folder: Path) -> AsyncIterator[RouterProcess]:
    """A router of its own, whose disk can be full."""
    db = Database(f"sqlite:///{file}")
    key = await new_key(db, "test", Role.ADMIN)
    await db.close()
    environment = {
        "ROUTER_AMI_PORT": str(asterisk.port),
        "ROUTER_AMI_SECRET": asterisk.secret,
        "ROUTER_DATABASE": f"sqlite:///{file}",
        "ROUTER_PBX": "pbx",
    }
    ports = Ports()
    router = RouterProcess(folder / "router", environment, http_port=ports.passing(), key=key)
    try:
        yield router
    finally:
        await asyncio.to_thread(router.stop)
        ports.close()


def grow(file: Path) -> None:
    """What was written last, and isn't in the file proper yet, gets so long that no log comes near it."""
    with closing(sqlite3.connect(file, isolation_level=None)) as somebody:
        for _ in range(60):
            somebody.execute("UPDATE accounts SET updated_at = updated_at")


def full(pid: int, *, at: int) -> None:
    """From now on no file of this process grows beyond so many bytes."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (at, hard))


def size(file: Path) -> int:
    return file.stat().st_size


async def fill(db: Database) -> None:
    """Write more than a database that may not grow can hold."""
    async with db.writing() as transaction:
        (pages,) = (await transaction.run(text("PRAGMA page_count"))).one()
        await transaction.run(text(f"PRAGMA max_page_count={pages}"))
        for _ in range(1000):
            await transaction.run(text("INSERT INTO table_versions (at) VALUES ('2026-03-02 17:00:00')"))


async def a_call(asterisk: FakeAsterisk, number: int) -> None:
    """A customer calls, is given a plan, and is answered by Jonas."""
    channel, call = f"PJSIP/trunk-{number:08x}", f"17637591{number:02}.7"
    asterisk.channels[channel] = call
    asterisk.say(
        asterisk.arrived(call, Dialled=BUSINESS_LINE, Caller=BIRCH).replace(b"PJSIP/trunk-00000001", channel.encode())
    )
    await asterisk.until(lambda: (channel, "ROUTER_PLAN") in asterisk.variables)
    del asterisk.channels[channel]
    now, clock = datetime.now(UTC), asterisk.clock
    told = f"1~{clock:.3f}~{BUSINESS_LINE}~{BIRCH}~number~plan~jonas~{clock:.3f}~{clock:.3f}~16"
    asterisk.journal[f"/router-ended-{now.isoweekday() % 7}/{now:%H/%M}/{call}"] = told
    asterisk.say(asterisk.user_event("RouterEnded", call, Journal=told))


async def until(router: RouterProcess, seen: Callable[[dict[str, float]], bool]) -> dict[str, float]:
    """The figures, once this is seen in them."""
    async with asyncio.timeout(SOON):
        while not seen(figures := await asyncio.to_thread(router.figures)):  # noqa: ASYNC110 (it only answers)
            await asyncio.sleep(0.02)
    return figures
