"""What becomes of callers when the database is gone or frozen? Nothing: calls go on, and are on record afterwards."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from router.lab.asterisk import PrivateAsterisk
from router.lab.postgres import PrivatePostgres
from router.lab.stand import Stand
from tests.asterisk.company import BEHAVIOURS, COMPANY, MANAGER, callers
from tests.asterisk.conftest import phones_port, slips
from tests.asterisk.reckoning import assert_records_agree, reckon
from tests.proof import Proof, many

pytestmark = pytest.mark.asterisk

CALLS = many(10, 50)
RATE = 5.0  # calls a second
BEFORE = 5
MIDDLE = many(4, 60)  # seconds
FAST = 20.0  # calls a second
MENDED_WITHIN = 60.0  # seconds until the last record is written; the recorder tries again after at most a few


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A database, and how it goes away and comes back."""

    url: str
    away: Callable[[], None]
    back: Callable[[], None]


@contextmanager
def postgresql_stopped(server: PrivatePostgres, folder: Path) -> Iterator[Outage]:
    yield Outage(url=server.create("stopped"), away=server.stop, back=server.start)


@contextmanager
def postgresql_frozen(server: PrivatePostgres, folder: Path) -> Iterator[Outage]:
    try:
        yield Outage(url=server.create("frozen"), away=server.freeze, back=server.thaw)
    finally:
        server.thaw()


@contextmanager
def sqlite_locked(server: PrivatePostgres, folder: Path) -> Iterator[Outage]:
    file = folder / "router.db"
    url = f"sqlite:///{file}"
    thief: list[sqlite3.Connection] = []

    def lock() -> None:
        thief.append(sqlite3.connect(file, isolation_level=None))
        thief[0].execute("BEGIN EXCLUSIVE")

    def unlock() -> None:
        thief[0].execute("ROLLBACK")
        thief.pop().close()

    yield Outage(url=url, away=lock, back=unlock)


OUTAGES = {
    "postgresql stopped": postgresql_stopped,
    "postgresql frozen": postgresql_frozen,
    "sqlite locked": sqlite_locked,
}


@pytest.mark.postgresql
@pytest.mark.parametrize("outage", OUTAGES)
def test_calls_go_on_without_the_database_and_are_on_record_afterwards(
    outage: str, pbx: PrivateAsterisk, postgres: PrivatePostgres, folder: Path, quiet: list[str], proof: Proof
) -> None:
    with OUTAGES[outage](postgres, folder) as database:
        stand = Stand(folder, pbx, database.url, COMPANY, phones_port=phones_port(pbx), behaviours=BEHAVIOURS)
        with stand:
            stand.place(callers(BEFORE), RATE)
            stand.wait_until_recorded(BEFORE)

            database.away()
            try:
                stand.place(callers(CALLS, first=100), RATE)
                waiting = int(stand.router.figures()["router_records_waiting"])
            finally:
                database.back()
            records = stand.wait_until_recorded(BEFORE + CALLS, within=MENDED_WITHIN)

            seen = stand.seen()
            reckon(outage, seen, proof, fallback=0, waiting_records=waiting)
            assert waiting == CALLS, "the fault bit: no record could be written"
            assert_records_agree(seen, records)
            assert {record["path"] for record in records} == {"plan"}
            assert {call.answered_by for call in seen.calls} == {(MANAGER,)}
    assert slips(stand.router.log_file) == []


# The last of this file: a router on a new database reads the journal of all these calls before it is done with its own.
@pytest.mark.postgresql
def test_the_database_is_stopped_for_the_middle_of_three_minutes_and_no_call_differs(
    pbx: PrivateAsterisk, postgres: PrivatePostgres, folder: Path, quiet: list[str], proof: Proof
) -> None:
    url = postgres.create("middle")
    with Stand(folder, pbx, url, COMPANY, phones_port=phones_port(pbx), behaviours=BEHAVIOURS) as stand:
        calls = callers(round(3 * MIDDLE * FAST))
        placing = stand.start_calls(calls, FAST)
        time.sleep(MIDDLE)
        postgres.stop()
        try:
            time.sleep(MIDDLE)
            figures = stand.router.figures()
            readiness = stand.router.get("/readyz")
        finally:
            postgres.start()
        placing.wait()
        pbx.wait_until_quiet()
        records = stand.wait_until_recorded(len(calls), within=MENDED_WITHIN)
        after = stand.router.figures()

        seen = stand.seen()
        waiting, age = int(figures["router_records_waiting"]), round(figures["router_table_age_seconds"])
        reckon(
            f"PostgreSQL stopped for the middle {MIDDLE:g} s of {3 * MIDDLE:g}, {FAST:g} calls/s",
            seen, proof, waiting_records=waiting, table_age_s=age,
        )  # fmt: skip
        assert_records_agree(seen, records)
        assert {record["path"] for record in records} == {"plan"}
        assert {call.answered_by for call in seen.calls} == {(MANAGER,)}
        assert waiting > MIDDLE * FAST / 2, "the fault bit"
        assert age >= MIDDLE / 2
        assert readiness["ready"]
        assert readiness["table"]["age_seconds"] >= MIDDLE / 2
        assert readiness["warnings"] != []
        assert after["router_records_dropped_total"] == 0
    assert slips(stand.router.log_file) == []
