"""Is a call that nobody took owed, once, when the router is killed before it could write that down?"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text

from router.lab.ports import Ports
from router.lab.process import RouterProcess
from router.lab.sample import BIRCH, BUSINESS_LINE, IDA
from router.storage.access_schema import Role
from router.storage.commitments import list_entries
from router.storage.database import Database
from router.storage.keys import new_key
from tests.ami.fake_asterisk import FakeAsterisk, fake_asterisk
from tests.sample_database import last_words
from tests.storage.stories import SOON

CHANNEL, CALL = "PJSIP/trunk-00000001", "1763759123.7"
GAVE_UP = 'router_calls_ended_total{ending="gave_up"}'


async def test_a_router_killed_between_the_missed_call_and_the_commitment_leaves_one_after_its_restart(
    furnished: Database, furnished_url: str, tmp_path: Path
) -> None:
    async with fake_asterisk() as asterisk, process(furnished, furnished_url, asterisk, tmp_path) as router:
        await asyncio.to_thread(router.start)
        await a_customer_calls(asterisk)
        async with nobody_can_write(furnished):
            give_up(asterisk)
            await until_heard(router)
            await asyncio.to_thread(router.kill)
        assert await list_entries(furnished) == ()
        asterisk.globals["ROUTER_BEAT"] = "0"  # stale by now

        await asyncio.to_thread(router.start)
        await until_owed(furnished)
        await asyncio.to_thread(router.stop)

    (entry,) = await list_entries(furnished, over=True)
    assert (entry.calls, entry.commitment.owner, entry.commitment.urgency) == ((f"pbx:{CALL}",), IDA, 1)
    await last_words()


@asynccontextmanager
async def process(db: Database, url: str, asterisk: FakeAsterisk, folder: Path) -> AsyncIterator[RouterProcess]:
    """A router of its own, which can be killed."""
    environment = {
        "ROUTER_AMI_PORT": str(asterisk.port),
        "ROUTER_AMI_SECRET": asterisk.secret,
        "ROUTER_DATABASE": url,
        "ROUTER_PBX": "pbx",
    }
    key = await new_key(db, "test", Role.ADMIN)
    ports = Ports()
    router = RouterProcess(folder / "router", environment, http_port=ports.passing(), key=key)
    try:
        yield router
    finally:
        await asyncio.to_thread(router.stop)
        ports.close()


@asynccontextmanager
async def nobody_can_write(db: Database) -> AsyncIterator[None]:
    """Whoever wants to write a record waits; reading goes on."""
    async with db.writing() as transaction:
        if db.speaks_postgresql:  # SQLite has one lock for all
            await transaction.run(text("LOCK TABLE calls IN EXCLUSIVE MODE"))
        yield


async def a_customer_calls(asterisk: FakeAsterisk) -> None:
    await asterisk.until(lambda: asterisk.globals.get("ROUTER_BEAT", "0") != "0")
    asterisk.channels[CHANNEL] = CALL
    asterisk.say(asterisk.arrived(CALL, Dialled=BUSINESS_LINE, Caller=BIRCH))
    await asterisk.until(lambda: (CHANNEL, "ROUTER_PLAN") in asterisk.variables)


def give_up(asterisk: FakeAsterisk) -> None:
    """The customer hangs up after half a minute in which nobody answered: in the journal, and said."""
    del asterisk.channels[CHANNEL]
    now, clock = datetime.now(UTC), asterisk.clock
    told = f"1~{clock - 30:.3f}~{BUSINESS_LINE}~{BIRCH}~number~plan~~~{clock:.3f}~16"
    asterisk.journal[f"/router-ended-{now.isoweekday() % 7}/{now:%H/%M}/{CALL}"] = told
    asterisk.say(asterisk.user_event("RouterEnded", CALL, Journal=told))


async def until_heard(router: RouterProcess) -> None:
    async with asyncio.timeout(SOON):
        while not (await asyncio.to_thread(router.figures)).get(GAVE_UP):  # noqa: ASYNC110 (it only answers)
            await asyncio.sleep(0.02)


async def until_owed(db: Database) -> None:
    async with asyncio.timeout(SOON):
        while not await list_entries(db):  # noqa: ASYNC110 (the database tells nobody)
            await asyncio.sleep(0.02)
