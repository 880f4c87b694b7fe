"""Of several routers on one PBX, does the one that has the turn speak, and is the PBX never left without one?"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from router.ami.journal import OnRecord
from router.ami.link import AmiLink, AmiSettings
from router.calls.events import CallArrived, CallEnded, LinkDown, LinkUp, PlanRefused
from router.calls.orders import Deliver
from tests.ami.conftest import QUICK
from tests.ami.fake_asterisk import FakeAsterisk, Listener
from tests.ami.test_link import entry
from tests.ami.test_outbound import desk, plan

SOON = replace(QUICK, stand_by_every=0.02, turn_within=0.1, turn_taken_within=0.3)
TRUNK = "PJSIP/trunk-00000001"


class Chair:
    """What the routers of a story share in place of a database: one of them sits."""

    def __init__(self) -> None:
        self.sits: Bidder | None = None
        self.wait_for_it: list[Bidder] = []
        self.away = False

    def settle(self) -> None:
        if not self.away and self.sits is None and self.wait_for_it:
            self.sits = self.wait_for_it.pop(0)
        for bidder in (self.sits, *self.wait_for_it):
            if bidder is not None:
                bidder.changed.set()


class Bidder:
    """The `Turn` of one router of a story."""

    def __init__(self, chair: Chair) -> None:
        self.chair = chair
        self.changed = asyncio.Event()

    @property
    def held(self) -> bool:
        return self.chair.sits is self and not self.chair.away

    @property
    def elsewhere(self) -> bool:
        return self.chair.sits not in (self, None) and not self.chair.away

    def want(self, *, speaking: bool) -> None:
        if self.chair.sits is not self and self not in self.chair.wait_for_it:
            self.chair.wait_for_it.append(self)
        self.chair.settle()

    def release(self) -> None:
        if self in self.chair.wait_for_it:
            self.chair.wait_for_it.remove(self)
        if self.chair.sits is self:
            self.chair.sits = None
        self.chair.settle()

    async def give_away(self) -> bool:
        somebody = bool(self.chair.wait_for_it)
        self.release()
        return somebody

    async def wait(self, at_most: float) -> None:
        try:
            async with asyncio.timeout(at_most):
                await self.changed.wait()
        except TimeoutError:
            return
        self.changed.clear()


@asynccontextmanager
async def router(
    asterisk: FakeAsterisk,
    chair: Chair,
    *,
    adopt: Callable[[], OnRecord | None] = lambda: None,
) -> AsyncIterator[tuple[AmiLink, Listener, Bidder]]:
    async def adopted() -> OnRecord | None:
        return adopt()

    listener, bidder = Listener(), Bidder(chair)
    settings = AmiSettings(port=asterisk.port, secret="right", pbx="pbx")
    link = AmiLink(settings, listener, turn=bidder, adopt=adopted, timing=SOON)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(link.run())
        try:
            yield link, listener, bidder
        finally:
            running.cancel()


async def test_who_comes_second_stands_by_and_leaves_the_pbx_alone(asterisk: FakeAsterisk) -> None:
    chair = Chair()
    async with router(asterisk, chair) as (first, first_hears, _):
        await first_hears.next(LinkUp)
        token = asterisk.token
        async with router(asterisk, chair) as (second, second_hears, _):
            assert (await second_hears.next(LinkDown)).why == "another router speaks for this PBX"
            assert (first.counters.up, second.counters.stands_by, second.counters.up) == (True, True, False)
            assert asterisk.token == token


async def test_who_stands_by_takes_over_as_soon_as_it_has_the_turn(asterisk: FakeAsterisk) -> None:
    chair = Chair()
    async with router(asterisk, chair) as (_, first_hears, first):
        await first_hears.next(LinkUp)
        async with router(asterisk, chair) as (second, second_hears, _):
            await second_hears.next(LinkDown)
            first.release()  # its process died; its beat is fresh
            await second_hears.next(LinkUp)
            asterisk.say(asterisk.arrived())
            await second_hears.next(CallArrived)
            await first_hears.next(LinkDown)
            assert second.speaking
            assert not first_hears.of(CallArrived)


async def test_who_stops_in_order_speaks_until_the_other_has_taken_over(asterisk: FakeAsterisk) -> None:
    chair = Chair()
    async with router(asterisk, chair) as (second, second_hears, _):
        await second_hears.next(LinkUp)
        async with router(asterisk, chair) as (first, first_hears, _):
            await first_hears.next(LinkDown)
            await second.make_way(5.0)
            await first_hears.next(LinkUp)
            assert asterisk.globals["ROUTER_BEAT"] != "0"
            assert first.speaking


async def test_who_stops_alone_does_not_wait(asterisk: FakeAsterisk) -> None:
    async with asyncio.timeout(3), router(asterisk, Chair()) as (link, hears, _):
        await hears.next(LinkUp)
        await link.make_way(60.0)


async def test_a_frozen_router_keeps_the_turn_and_is_replaced_when_its_beat_is_stale(asterisk: FakeAsterisk) -> None:
    chair = Chair()
    chair.sits = Bidder(chair)  # it holds the turn and does nothing any more
    asterisk.globals.update(ROUTER_TOKEN="of the frozen one", ROUTER_BEAT=str(int(asterisk.clock)))
    async with router(asterisk, chair) as (link, hears, bidder):
        await hears.next(LinkDown)
        asterisk.ahead += 7.0
        await hears.next(LinkUp)
        assert link.speaking
        chair.sits.release()  # it thaws, finds another's token, and lets go: whoever speaks has the turn now
        assert bidder.held


async def test_who_was_replaced_lets_go_of_the_turn_and_takes_over_again_only_when_it_gets_it(
    asterisk: FakeAsterisk,
) -> None:
    chair = Chair()
    async with router(asterisk, chair) as (_, hears, bidder):
        await hears.next(LinkUp)
        await asterisk.until(lambda: "ROUTER_BEAT" in asterisk.globals)
        asterisk.globals["ROUTER_TOKEN"] = "of another"
        await hears.next(LinkDown)
        assert not bidder.held


async def test_without_the_database_who_speaks_speaks_on_and_who_stands_by_stands_by(asterisk: FakeAsterisk) -> None:
    chair = Chair()
    async with router(asterisk, chair) as (first, first_hears, _):
        await first_hears.next(LinkUp)  # before the other comes, so that it is this one which has the turn
        async with router(asterisk, chair) as (second, second_hears, _):
            await second_hears.next(LinkDown)
            chair.away = True
            pings = len(asterisk.asked("Ping"))
            await asterisk.until(lambda: len(asterisk.asked("Ping")) > pings + 30)
            assert (first.speaking, second.speaking) == (True, False)


async def test_without_the_database_who_was_cut_off_from_the_pbx_speaks_again_at_once(asterisk: FakeAsterisk) -> None:
    chair = Chair()
    async with router(asterisk, chair) as (link, hears, _):
        await hears.next(LinkUp)
        await asterisk.until(lambda: "ROUTER_BEAT" in asterisk.globals)
        chair.away = True
        asterisk.drop()
        await hears.next(LinkUp)
        assert not [down for down in hears.of(LinkDown) if "another router" in down.why]
        assert link.speaking


async def test_what_another_router_knew_is_taken_over_and_what_we_knew_ourselves_is_not_asked_for(
    asterisk: FakeAsterisk,
) -> None:
    asked: list[datetime] = []

    def adopt() -> OnRecord:
        asked.append(datetime.now(UTC) - timedelta(minutes=1))
        return OnRecord(until=asked[-1])

    async with router(asterisk, Chair(), adopt=adopt) as (_, hears, _):
        await hears.next(LinkUp)
        assert len(asked) == 1
        assert len(asterisk.asked("DBGetTree")) <= 4  # from that minute on
        asterisk.drop()
        await hears.next(LinkUp)
        assert len(asked) == 1
        await asterisk.until(lambda: asterisk.globals.get("ROUTER_BEAT", "0") != "0")
        asterisk.globals["ROUTER_TOKEN"] = "of another"
        await hears.next(LinkDown)
        asterisk.ahead += 7.0
        await hears.next(LinkUp)
        assert len(asked) == 2


async def test_a_talk_that_lasts_since_long_makes_no_journal_be_read_that_is_on_record(asterisk: FakeAsterisk) -> None:
    now = datetime.now(UTC)
    asterisk.channels[TRUNK] = "1763759123.7"
    talks = {"pbx:1763759123.7": now - timedelta(minutes=50)}
    ends = now - timedelta(minutes=40)  # on record: it ended before the newest end there
    asterisk.journal = entry(ends, uniqueid="1763759124.1")

    async with router(asterisk, Chair(), adopt=lambda: OnRecord(until=now, open=talks)) as (_, hears, _):
        up = await hears.next(LinkUp)

    assert (up.live_calls, up.ended) == (frozenset(talks), ())
    assert len(asterisk.asked("DBGetTree")) <= 4  # the minute that is, and those beside it


async def test_an_end_that_never_came_on_record_is_looked_for_as_far_back_as_its_call(asterisk: FakeAsterisk) -> None:
    now = datetime.now(UTC)
    still_open = {"pbx:1763759123.7": now - timedelta(minutes=50), "pbx:1763759123.8": now - timedelta(minutes=5)}
    missed, just_now = now - timedelta(minutes=40), now - timedelta(seconds=5)
    asterisk.journal = entry(missed, uniqueid="1763759123.7") | entry(just_now, uniqueid="1763759123.8")

    async with router(asterisk, Chair(), adopt=lambda: OnRecord(until=now, open=still_open)) as (_, hears, _):
        up = await hears.next(LinkUp)

    ends = [ended.call_id for ended in up.ended if isinstance(ended, CallEnded)]
    assert ends == ["pbx:1763759123.7", "pbx:1763759123.8"]
    assert len(up.ended) == 4  # and their legs, each once


async def test_a_router_that_was_frozen_gives_no_orders_before_it_knows_that_it_is_still_heard(
    asterisk: FakeAsterisk,
) -> None:
    asterisk.channels[TRUNK] = "1763759123.7"
    hears = Listener()
    # as if it slept between two beats: what confirmed it is older than the beat may be
    timing = replace(SOON, beat_every=30.0, stale_after=0.0)
    link = AmiLink(AmiSettings(port=asterisk.port, secret="right", pbx="pbx"), hears, timing=timing)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(link.run())
        await hears.next(LinkUp)
        link.give(Deliver(call_id="pbx:1763759123.7", channel=TRUNK, plan=plan(desk(2))))
        await hears.next(PlanRefused)
        running.cancel()
    assert asterisk.variables == {}
