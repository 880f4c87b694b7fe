"""Does the link stand every fault that panoramisk is known for?

One story per line of what was found. Each says which remedy it guards: without that remedy it fails.
"""

import asyncio
import inspect
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import uvloop

from router.ami.counters import Dropped
from router.ami.link import AmiLink, AmiSettings
from router.ami.timing import Timing
from router.calls.events import CallArrived, Event, LinkDown, LinkUp, PlanAccepted, PlanRefused
from router.calls.orders import AddMember
from router.routing.model import Strategy
from tests.ami.conftest import QUICK, Router
from tests.ami.fake_asterisk import (
    Connection,
    FakeAsterisk,
    Fields,
    Listener,
    answer,
    fake_asterisk,
)
from tests.ami.test_words_from_callers import TRUNK, UNIQUEID, dropped, order


async def test_a_value_can_not_add_a_line_to_an_action(asterisk: FakeAsterisk, router: Router) -> None:
    # Remedy: every value with a control character is refused before a byte is written.
    async with router() as (link, listener):
        await listener.next(LinkUp)
        link.give(order(channel="PJSIP/trunk-1\r\nVariable: ROUTER_BEAT"))
        refused = await listener.next(PlanRefused)
    assert "control character" in refused.why
    assert not asterisk.asked("Setvar", Variable="ROUTER_PLAN")


async def test_a_letter_split_over_two_reads_stays_whole(asterisk: FakeAsterisk, router: Router) -> None:
    # Remedy: a byte buffer, decoded message by message; panoramisk decodes each read for itself and loses such letters.
    asked: list[Fields] = []
    async with router(timing=Timing()) as (link, listener):
        await asterisk.until(lambda: "ROUTER_BEAT" in asterisk.globals)  # two seconds without another answer follow
        asterisk.scripts["Setvar"] = lambda _, action: asked.append(action)
        link.give(order())
        await asterisk.until(lambda: asked)
        for byte in answer(asked[0], "Error", Message="Zoë 🙂 is gone"):
            asterisk.say(bytes([byte]))
            await asyncio.sleep(0)
        assert (await listener.next(PlanRefused)).why == "Zoë 🙂 is gone"
        del asterisk.scripts["Setvar"]


async def test_nothing_is_sent_again_after_a_reconnect(asterisk: FakeAsterisk, router: Router) -> None:
    # Remedy: open questions end with their connection; panoramisk would write them into the next one.
    asterisk.scripts["Setvar"] = lambda connection, action: (
        None if action["Variable"] == "ROUTER_PLAN" else asterisk.usual(connection, action)
    )
    async with router() as (link, listener):
        await listener.next(LinkUp)
        link.give(order())
        link.give(AddMember(strategy=Strategy.ALL, slot=1, endpoint="anna"))
        await asterisk.until(lambda: asterisk.asked("QueueAdd"))
        asterisk.drop()
        assert (await listener.next(PlanRefused)).call_id == f"pbx:{UNIQUEID}"
        await listener.next(LinkUp)
    assert len(asterisk.asked("Setvar", Variable="ROUTER_PLAN")) == 1
    assert len(asterisk.asked("QueueAdd")) == 1


async def test_an_order_without_a_link_is_refused_and_not_kept(asterisk: FakeAsterisk, router: Router) -> None:
    # Remedy: no future that never ends; a plan is refused when there is nobody to give it to.
    async with router(secret="wrong") as (link, listener):
        await listener.next(LinkDown)
        link.give(order())
        assert "no link" in (await listener.next(PlanRefused)).why
        asterisk.secret = "wrong"
        await listener.next(LinkUp)
    assert not asterisk.asked("Setvar", Variable="ROUTER_PLAN")


async def test_an_order_given_while_the_link_breaks_is_refused_at_once(asterisk: FakeAsterisk, router: Router) -> None:
    # Remedy: nothing is written to a connection that is gone; its answer would be waited for in vain.
    class Insisting(Listener):
        def __call__(self, event: Event) -> None:
            super().__call__(event)
            if len(self.of(PlanRefused)) == 1:
                link.give(order(uniqueid="1763759123.8"))

    asterisk.scripts["Setvar"] = lambda connection, action: (
        None if action["Variable"] == "ROUTER_PLAN" else asterisk.usual(connection, action)
    )
    async with router(listener=Insisting()) as (link, listener):
        await listener.next(LinkUp)
        link.give(order())
        await asterisk.until(lambda: asterisk.asked("Setvar", Variable="ROUTER_PLAN"))
        asterisk.drop()
        await listener.next(PlanRefused)
        again = await listener.next(PlanRefused)
        assert (again.call_id, again.why) == ("pbx:1763759123.8", "the connection is closed")
        assert link.counters.actions_timed_out == 0


async def test_an_action_without_an_answer_ends_at_its_limit(asterisk: FakeAsterisk, router: Router) -> None:
    # Remedy: a time limit on every action.
    asterisk.scripts["Setvar"] = lambda connection, action: (
        None if action["Variable"] == "ROUTER_PLAN" else asterisk.usual(connection, action)
    )
    async with router(timing=replace(QUICK, answer_within=0.2)) as (link, listener):
        await listener.next(LinkUp)
        link.give(order())
        assert (await listener.next(PlanRefused)).why == "no answer within 0.2 s"
        assert link.counters.actions_timed_out == 1
        assert link.counters.up


async def test_an_answer_after_its_limit_is_no_answer(asterisk: FakeAsterisk, router: Router) -> None:
    # Remedy: a question that was given up is forgotten, so nothing piles up and nobody is told twice.
    asked: list[Fields] = []
    async with router(timing=replace(QUICK, answer_within=0.2)) as (link, listener):
        await asterisk.until(lambda: "ROUTER_BEAT" in asterisk.globals)
        asterisk.scripts["QueueAdd"] = lambda _, action: asked.append(action)
        link.give(AddMember(strategy=Strategy.ALL, slot=1, endpoint="anna"))
        await asterisk.until(lambda: asked and link.counters.actions_timed_out)
        await dropped(asterisk, listener, answer(asked[0], "Success", Message="Added interface to queue"))
        assert link.counters.dropped == {Dropped.UNASKED: 1}


async def test_a_listener_that_raises_costs_its_own_event_only(asterisk: FakeAsterisk, router: Router) -> None:
    # Remedy: the callback can't raise; panoramisk would close the connection and lose the rest of what was read.
    class Stumbling(Listener):
        def __call__(self, event: Event) -> None:
            super().__call__(event)
            if isinstance(event, CallArrived) and event.call_id.endswith(".1"):
                raise ValueError("a fault of ours")

    async with router(listener=Stumbling()) as (link, listener):
        await listener.next(LinkUp)
        asterisk.say(b"".join(asterisk.arrived(f"1763759123.{n}") for n in (1, 2)))
        assert [(await listener.next(CallArrived)).call_id[-1] for _ in (1, 2)] == ["1", "2"]
        assert link.counters.dropped[Dropped.UNHEARD] == 1
        assert asterisk.accepted == 1


async def test_a_flood_is_heard_whole_in_order_and_fast(asterisk: FakeAsterisk, router: Router) -> None:
    # Remedy: one synchronous callback; panoramisk's coroutine callbacks are neither ordered nor awaited.
    many = 10_000
    async with router(timing=Timing()) as (_, listener):
        await listener.next(LinkUp)
        began = time.perf_counter()
        asterisk.say(b"".join(asterisk.arrived(f"1763759123.{n}") for n in range(many)))
        heard = [(await listener.next(CallArrived)).call_id for _ in range(many)]
        took = time.perf_counter() - began
    assert heard == [f"pbx:1763759123.{n}" for n in range(many)]
    assert took < 4.0  # a machine that is busy with other things; 0.5 s when it isn't


async def test_a_pbx_that_falls_silent_is_found_out(asterisk: FakeAsterisk, router: Router) -> None:
    # Remedy: every Ping must be answered; panoramisk stays "connected" to a mute server for ever.
    async with router(timing=replace(QUICK, pong_within=0.2)) as (_, listener):
        await listener.next(LinkUp)
        asterisk.mute = True
        assert (await listener.next(LinkDown)).why == "Ping: no answer within 0.2 s"
        asterisk.mute = False
        await listener.next(LinkUp)
    assert asterisk.most_at_once == 1


def test_a_dead_link_is_found_out_before_the_dialplan_calls_it_stale() -> None:
    life = Timing()
    assert life.beat_every + life.pong_within < 6 <= life.stale_after
    assert max(life.connect_within, life.login_within, life.list_within) < 6
    assert life.beat_every == 2


async def test_after_a_stop_nobody_connects_again(asterisk: FakeAsterisk, router: Router) -> None:
    # Remedy: our own supervisor; panoramisk connects again after close().
    async with router() as (_, listener):
        await listener.next(LinkUp)
    await asterisk.until(lambda: not asterisk.connections)
    await asyncio.sleep(QUICK.retry_most * 2)  # the only way to see that nothing happens
    assert asterisk.accepted == 1


async def test_an_answer_that_promises_more_is_still_the_only_answer(asterisk: FakeAsterisk, router: Router) -> None:
    # Remedy: we say whether a list is expected. By its wording panoramisk waits for ever after "Added … to queue", and
    # "successfully queued" without an Async field is a KeyError that closes the link.
    asterisk.channels[TRUNK] = UNIQUEID
    asterisk.scripts["Setvar"] = lambda connection, action: (
        answer(action, "Success", Message="Originate successfully queued")
        if action["Variable"] == "ROUTER_PLAN"
        else asterisk.usual(connection, action)
    )
    asterisk.scripts["QueueAdd"] = lambda connection, action: answer(action, "Success", Message="Added x to queue")
    async with router() as (link, listener):
        await listener.next(LinkUp)
        link.give(AddMember(strategy=Strategy.ALL, slot=1, endpoint="anna"))
        link.give(order())
        await listener.next(PlanAccepted)
        assert link.counters.actions_timed_out == 0
        assert asterisk.accepted == 1


async def test_a_list_that_is_refused_ends_at_once(asterisk: FakeAsterisk, router: Router) -> None:
    # Remedy: an error is an answer to a list too; panoramisk told to collect a list would wait for its end for ever.
    asterisk.scripts["CoreShowChannels"] = lambda connection, action: answer(
        action, "Error", Message="Permission denied"
    )
    async with router() as (link, listener):
        assert (await listener.next(LinkDown)).why == "CoreShowChannels: Permission denied"
        assert link.counters.actions_timed_out == 0


def test_the_agi_server_that_one_connection_freezes_is_not_used() -> None:
    # Remedy: the room opens no port of its own.
    sources = [module.read_text() for module in Path(inspect.getfile(AmiLink)).parent.glob("*.py")]
    assert len(sources) > 5
    assert not [source for source in sources if "fast_agi" in source or "start_server" in source]


# ------------------------------------------------------------------------------------------------------- the supervisor


async def test_there_is_one_connection_at_a_time_however_often_it_breaks(
    asterisk: FakeAsterisk, router: Router
) -> None:
    async with router() as (link, listener):
        for _ in range(5):
            await listener.next(LinkUp)
            asterisk.drop()
            await listener.next(LinkDown)
        await listener.next(LinkUp)
        assert len(asterisk.connections) == 1
        assert link.counters.connections_lost == 5
    assert asterisk.most_at_once == 1


async def test_it_looks_again_soon_and_then_a_little_less_often(asterisk: FakeAsterisk, router: Router) -> None:
    knocks: list[float] = []

    def hang_up(connection: Connection, action: Fields) -> None:
        knocks.append(time.perf_counter())
        connection.writer.transport.abort()

    asterisk.scripts["Login"] = hang_up
    async with router():
        await asterisk.until(lambda: len(knocks) >= 6)
    gaps = [after - before for before, after in pairwise(knocks)]
    assert all(gap >= QUICK.retry_first * 0.8 for gap in gaps)
    assert min(gaps[3:]) >= QUICK.retry_most * 0.8
    life = Timing()
    assert (life.retry_first, life.retry_most, life.retry_refused) == (0.1, 1.0, 30.0)


async def test_an_outage_is_told_once_and_its_end_too(asterisk: FakeAsterisk, router: Router) -> None:
    asterisk.scripts["Login"] = lambda connection, action: connection.writer.transport.abort()
    async with router() as (_, listener):
        await asterisk.until(lambda: asterisk.accepted > 4)
        del asterisk.scripts["Login"]
        await listener.next(LinkUp)
        assert len(listener.of(LinkDown)) == 1


async def test_after_a_refused_login_it_waits_long(asterisk: FakeAsterisk, router: Router) -> None:
    # Remedy: a wrong secret doesn't mend itself, and knocking on would get us locked out.
    slow = Timing(retry_first=0.001, retry_most=0.001, retry_refused=30.0)
    async with router(secret="wrong", timing=slow) as (link, listener):
        down = await listener.next(LinkDown)
        await asterisk.until(lambda: not asterisk.connections)
        await asyncio.sleep(0.05)  # fifty knocks, if it knocked as after any other failure
        assert "refused the login of router" in down.why
        assert link.counters.refused_logins == 1
    assert asterisk.accepted == 1


async def test_a_port_where_nobody_listens_is_tried_until_somebody_does() -> None:
    async with fake_asterisk() as gone:
        pass
    listener = Listener()
    link = AmiLink(AmiSettings(port=gone.port, secret="right"), listener, timing=QUICK)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(link.run())
        assert (await listener.next(LinkDown)).why
        async with fake_asterisk(gone):
            await listener.next(LinkUp)
            running.cancel()


async def test_a_message_cut_short_by_the_end_of_the_link_is_no_event(asterisk: FakeAsterisk, router: Router) -> None:
    async with router() as (_, listener):
        await listener.next(LinkUp)
        asterisk.say(asterisk.arrived()[:-20])
        asterisk.drop()
        await listener.next(LinkUp)
        asterisk.say(asterisk.arrived("1763759123.8"))
        assert (await listener.next(CallArrived)).call_id == "pbx:1763759123.8"
    assert len(listener.of(CallArrived)) == 1


def test_the_link_runs_on_the_loop_that_serves_it_in_life() -> None:
    async def story() -> None:
        async with fake_asterisk() as asterisk:
            listener = Listener()
            link = AmiLink(AmiSettings(port=asterisk.port, secret="right"), listener, timing=QUICK)
            async with asyncio.TaskGroup() as tasks:
                running = tasks.create_task(link.run())
                await listener.next(LinkUp)
                asterisk.drop()
                await listener.next(LinkUp)
                asterisk.channels[TRUNK] = UNIQUEID
                link.give(order())
                await listener.next(PlanAccepted)
                running.cancel()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(story())
