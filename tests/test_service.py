"""Does the whole router start, run and stop in order, with a PBX and a database that come and go?"""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from router.ami.guard import GuardSettings
from router.ami.link import AmiSettings
from router.lab.sample import BIRCH, BUSINESS_LINE, IDA, JONAS, REGION, TIME_ZONE
from router.service import NoKeyYet, Only, Service
from router.storage.access_schema import Role
from router.storage.commitments import Entry, list_entries
from router.storage.database import Database
from router.storage.keys import new_key
from router.storage.records import CallRecord, recent_calls
from router.storage.tables import current_version
from tests.ami.fake_asterisk import FakeAsterisk, fake_asterisk
from tests.ami.test_guard import begins
from tests.sample_database import furnish, last_words

CHANNEL = "PJSIP/trunk-00000001"
CALL = "1763759123.7"
ANNAS = "PJSIP/anna-00000002"
CODE = "1763759123.9"
LOOKS = 100  # in tenths of a second
FOLLOWED_WITHIN = 5.0  # seconds until a change made in one process counts in the other; a quarter is usual
DOCKER = Path(__file__).resolve().parents[1] / "docker"
ALERTS = (DOCKER / "prometheus" / "alerts.yml").read_text()
DASHBOARD = (DOCKER / "grafana" / "dashboards" / "router.json").read_text()
NOBODYS_KEY = f"rtr_00000000_{'x' * 43}"  # well formed, so that only the database can tell


class Town:
    """A furnished database, a PBX, and routers that are started on them one after the other."""

    def __init__(self, folder: Path, asterisk: FakeAsterisk) -> None:
        self.folder = folder
        self.asterisk = asterisk
        self.database = f"sqlite:///{folder / 'router.db'}"

    def router(self, host: str = "127.0.0.1", *, guarded: bool = False, only: Only | None = None) -> Service:
        ami = AmiSettings(port=self.asterisk.port, secret=self.asterisk.secret, pbx="pbx")
        return Service(
            ami=ami,
            guard=GuardSettings(ami=replace(ami, username="router-guard")) if guarded else None,
            database=self.database,
            region=REGION,
            time_zone=TIME_ZONE,
            http_host=host,
            http_port=0,
            mask_numbers=True,
            only=only,
        )

    @asynccontextmanager
    async def running_router(self, *, guarded: bool = False, only: Only | None = None) -> AsyncIterator[Service]:
        service = self.router(guarded=guarded, only=only)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(service.run())
            try:
                yield service
            finally:
                service.stop()
                await running

    async def heartbeat(self) -> None:
        """The router speaks for the PBX."""
        await self.asterisk.until(lambda: self.asterisk.globals.get("ROUTER_BEAT", "0") != "0")

    async def customer_calls(self) -> str:
        """A customer with a running job dials the business line; the plan that the call is given."""
        self.asterisk.channels[CHANNEL] = CALL
        self.asterisk.say(self.asterisk.arrived(CALL, Dialled=BUSINESS_LINE, Caller=BIRCH))
        await self.asterisk.until(lambda: (CHANNEL, "ROUTER_PLAN") in self.asterisk.variables)
        return self.asterisk.variables[CHANNEL, "ROUTER_PLAN"]

    def end(self) -> str:
        """The customer's call ends, Jonas had taken it: what the PBX writes into its journal."""
        del self.asterisk.channels[CHANNEL]
        now = datetime.now(UTC)
        clock = self.asterisk.clock
        told = f"1~{clock:.3f}~{BUSINESS_LINE}~{BIRCH}~number~plan~jonas~{clock:.3f}~{clock:.3f}~16"
        self.asterisk.journal[f"/router-ended-{now.isoweekday() % 7}/{now:%H/%M}/{CALL}"] = told
        return told

    def code(self, code: str, digits: str = "") -> bytes:
        """Anna dials this code on her own phone."""
        event = self.asterisk.user_event(
            "RouterPresence", CODE, Phone="anna", Code=code, Digits=digits, At=f"{self.asterisk.clock:.3f}"
        )
        return event.replace(CHANNEL.encode(), ANNAS.encode())

    async def answered(self, word: str) -> None:
        """Anna is told this."""
        await self.asterisk.until(lambda: f"~{word}~" in self.asterisk.variables.get((ANNAS, "ROUTER_ANSWER"), ""))

    async def table_version(self) -> int:
        db = Database(self.database)
        try:
            return await current_version(db)
        finally:
            await db.close()

    def give_up(self) -> None:
        """The customer hangs up after half a minute in which nobody answered."""
        del self.asterisk.channels[CHANNEL]
        now = datetime.now(UTC)
        clock = self.asterisk.clock
        told = f"1~{clock - 30:.3f}~{BUSINESS_LINE}~{BIRCH}~number~plan~~~{clock:.3f}~16"
        self.asterisk.journal[f"/router-ended-{now.isoweekday() % 7}/{now:%H/%M}/{CALL}"] = told

    async def entries(self) -> tuple[Entry, ...]:
        """What we owe callers."""
        db = Database(self.database)
        try:
            return await list_entries(db)
        finally:
            await db.close()

    async def records(self) -> tuple[CallRecord, ...]:
        db = Database(self.database)
        try:
            return (await recent_calls(db, 10)).records
        finally:
            await db.close()


@pytest.fixture(scope="module")
def furnished_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return furnish(tmp_path_factory.mktemp("service") / "furnished.db")


@pytest_asyncio.fixture
async def town(furnished_file: Path, tmp_path: Path) -> AsyncIterator[Town]:
    shutil.copy(furnished_file, tmp_path / "router.db")
    async with fake_asterisk() as asterisk:
        yield Town(tmp_path, asterisk)
    await last_words()


async def test_a_call_is_steered_to_the_manager_of_its_job_and_its_record_stays(town: Town) -> None:
    async with town.running_router():
        await town.heartbeat()
        plan = await town.customer_calls()
        town.asterisk.say(town.asterisk.user_event("RouterEnded", CALL, Journal=town.end()))

    (record,) = await town.records()
    assert "~r=20=d.jonas~" in plan
    assert (record.caller, record.taken_phone, record.ended) == (BIRCH, "jonas", "answered")
    assert record.decision is not None


async def test_the_desks_have_their_members_once_the_link_stands(town: Town) -> None:
    async with town.running_router():
        await town.asterisk.until(lambda: len(town.asterisk.asked("QueueAdd")) == 8)

    names = [name.split("@")[0] for name in town.asterisk.members["router-ringall-01"]]
    assert names == ["Local/anna", "Local/ben", "Local/carla"]


async def test_who_dials_that_they_are_gone_is_gone_and_stays_it_over_a_restart(town: Town) -> None:
    async with town.running_router():
        await town.asterisk.until(lambda: len(town.asterisk.asked("QueueAdd")) == 8)
        await town.heartbeat()
        town.asterisk.channels[ANNAS] = CODE
        town.asterisk.say(town.code("out"))
        await town.asterisk.until(lambda: len(town.asterisk.asked("QueueRemove")) == 2)
        await town.asterisk.until(lambda: (ANNAS, "ROUTER_ANSWER") in town.asterisk.variables)
    del town.asterisk.channels[ANNAS]
    town.asterisk.actions.clear()

    async with town.running_router():
        await town.heartbeat()
        await town.asterisk.until(lambda: town.asterisk.asked("Ping"))

    assert town.asterisk.variables[ANNAS, "ROUTER_ANSWER"].startswith(f"1~{CODE}~out~")
    names = [name.split("@")[0] for name in town.asterisk.members["router-ringall-01"]]
    assert names == ["Local/ben", "Local/carla"]
    assert town.asterisk.asked("QueueAdd") == town.asterisk.asked("QueueRemove") == []


async def test_who_dials_that_they_are_away_is_told_when_the_table_has_it(town: Town) -> None:
    async with town.running_router():
        await town.heartbeat()
        town.asterisk.channels[ANNAS] = CODE
        for code, digits, word in (("away", "1430", "away"), ("away", "", "back")):
            town.asterisk.say(town.code(code, digits))
            await town.answered(word)
        await town.asterisk.until(lambda: len(town.asterisk.asked("QueueAdd")) == 10)

    assert await town.table_version() == 3
    assert len(town.asterisk.asked("QueueRemove")) == 2


async def test_a_router_that_stops_tells_the_pbx_not_to_wait_for_it(town: Town) -> None:
    async with town.running_router():
        await town.heartbeat()

    assert town.asterisk.globals["ROUTER_BEAT"] == "0"


async def test_a_caller_in_a_mailbox_is_taken_out_by_a_router_that_has_a_guard(town: Town) -> None:
    channel = "PJSIP/trunk-00000002"
    town.asterisk.channels[channel], town.asterisk.applications[channel] = "1763759123.8", "VoiceMail"
    async with town.running_router(guarded=True):
        await town.heartbeat()
        await town.asterisk.until(lambda: town.asterisk.asked("Login", Username="router-guard"))
        town.asterisk.say(begins(channel))
        await town.asterisk.until(lambda: town.asterisk.asked("Redirect", Channel=channel))

    assert len(town.asterisk.asked("Redirect")) == 1


async def test_without_a_guard_nobody_asks_for_other_peoples_channels(town: Town) -> None:
    async with town.running_router():
        await town.heartbeat()

    assert {login["Username"] for login in town.asterisk.asked("Login")} == {"router"}


async def test_the_router_says_that_it_is_ready_only_when_the_pbx_hears_it(town: Town) -> None:
    db = Database(town.database)
    headers = {"Authorization": f"Bearer {await new_key(db, 'test', Role.VIEWER)}"}
    await db.close()
    town.asterisk.mute = True
    async with town.running_router() as service, httpx2.AsyncClient(headers=headers) as client:
        await town.asterisk.until(lambda: town.asterisk.asked("Login"))
        before = await client.get(f"{service.url}/readyz")
        town.asterisk.mute = False
        town.asterisk.drop()
        await town.heartbeat()
        after = await client.get(f"{service.url}/readyz")

    assert (before.status_code, after.status_code) == (503, 200)
    assert after.json()["table"]["version"] == 1


async def test_a_router_may_start_before_its_database_is_there(town: Town, furnished_file: Path) -> None:
    elsewhere = town.folder / "later"
    elsewhere.touch()  # a file where the folder should be: no database can be made there
    town.database = f"sqlite:///{elsewhere / 'router.db'}"
    async with town.running_router() as service, httpx2.AsyncClient() as client:
        await service.started.wait()
        refusal = await client.get(f"{service.url}/readyz", headers={"Authorization": f"Bearer {NOBODYS_KEY}"})
        elsewhere.unlink()
        elsewhere.mkdir()
        shutil.copy(furnished_file, elsewhere / "router.db")
        await town.heartbeat()
        plan = await town.customer_calls()

    assert refusal.json()["type"] == "urn:router:problem:database-unavailable"
    assert "~r=20=d.jonas~" in plan


async def test_a_call_that_ended_while_no_router_ran_is_known_after_the_restart(town: Town) -> None:
    async with town.running_router():
        await town.heartbeat()
        await town.customer_calls()
    (open_record,) = await town.records()

    town.end()
    async with town.running_router():
        await town.heartbeat()

    (record,) = await town.records()
    assert (open_record.ended, record.ended, record.taken_phone) == (None, "answered", "jonas")
    assert record.decision == open_record.decision


async def test_a_call_that_vanished_with_its_pbx_is_told_as_lost(town: Town) -> None:
    async with town.running_router():
        await town.heartbeat()
        await town.customer_calls()

    town.asterisk.channels.clear()
    async with town.running_router():
        await town.heartbeat()

    (record,) = await town.records()
    assert record.ended == "lost"


async def test_a_caller_who_gave_up_while_no_router_ran_is_owed_a_call_once(town: Town) -> None:
    async with town.running_router():
        await town.heartbeat()
        await town.customer_calls()
    assert await town.entries() == ()

    town.give_up()  # the router died before it could write anything of it
    for _ in range(2):  # and a second one reads the same journal
        async with town.running_router():
            await town.heartbeat()

    (entry,) = await town.entries()
    assert (entry.calls, entry.commitment.owner, entry.commitment.urgency) == ((f"pbx:{CALL}",), IDA, 1)


async def test_nobody_can_reach_the_api_over_the_network_before_there_is_a_key(town: Town) -> None:
    with pytest.raises(NoKeyYet, match="router key new"):
        await town.router(host="0.0.0.0").run()


async def test_with_a_key_the_api_may_be_opened_to_the_network(town: Town) -> None:
    db = Database(town.database)
    await new_key(db, "admin", Role.ADMIN)
    await db.close()
    service = town.router(host="0.0.0.0")
    service.stop()

    await service.run()

    assert service.url.startswith("http://0.0.0.0:")


async def test_one_process_steers_calls_and_another_takes_requests(town: Town) -> None:
    db = Database(town.database)
    headers = {"Authorization": f"Bearer {await new_key(db, 'test', Role.ADMIN)}", "If-Match": '"1"'}
    await db.close()
    async with (
        town.running_router(only=Only.WEB) as web,
        town.running_router(only=Only.CALLS) as calls,
        httpx2.AsyncClient(headers=headers) as client,
    ):
        await web.started.wait()
        await town.heartbeat()
        changed = await client.patch(f"{web.url}/api/v1/people/{JONAS}", json={"state": "away"})
        assert changed.status_code == 200
        plan = await _once_the_table_is(2, client, calls, town)
        answers = {
            path: [(await client.get(f"{process.url}{path}")).status_code for process in (web, calls)]
            for path in ("/healthz", "/readyz", "/api/v1/people")
        }
        figures = [(await client.get(f"{process.url}/metrics")).text for process in (web, calls)]

    assert "d.jonas" not in plan
    assert answers == {"/healthz": [200, 200], "/readyz": [200, 200], "/api/v1/people": [200, 404]}
    assert ["router_calls_arrived" in text for text in figures] == [False, True]
    assert len(town.asterisk.asked("Login")) == 1


async def test_without_the_process_that_takes_requests_calls_are_steered_as_before(town: Town) -> None:
    async with town.running_router(only=Only.CALLS):
        async with town.running_router(only=Only.WEB) as web:
            await web.started.wait()
            await town.heartbeat()
        plan = await town.customer_calls()

    assert "~r=20=d.jonas~" in plan


@pytest.mark.parametrize("expressions", [ALERTS, DASHBOARD], ids=["wakes somebody", "is on the dashboard"])
async def test_every_figure_is_served_that(town: Town, expressions: str) -> None:
    # of a spread, what it is made of is served with the first call
    named = {re.sub("_(bucket|count|sum)$", "", name) for name in re.findall(r"router_\w+", expressions)}
    db = Database(town.database)
    headers = {"Authorization": f"Bearer {await new_key(db, 'prometheus', Role.VIEWER)}"}
    await db.close()
    async with town.running_router() as service, httpx2.AsyncClient(headers=headers) as client:
        await town.heartbeat()
        for _ in range(LOOKS):  # what is owed is counted at the clock's first look
            served = (await client.get(f"{service.url}/metrics")).text
            if not (missing := named - set(re.findall(r"router_\w+", served))):
                break
            await asyncio.sleep(0.1)

    assert missing == set()


async def _once_the_table_is(version: int, client: httpx2.AsyncClient, process: Service, town: Town) -> str:
    """The plan that a call gets from this table on."""
    async with asyncio.timeout(FOLLOWED_WITHIN):
        while (await client.get(f"{process.url}/readyz")).json()["table"]["version"] != version:
            pass
    return await town.customer_calls()
