"""Does the link stand every fault that panoramisk, Asterisk and callers are known for?

One story per line of what was found: first what panoramisk alone does, then what a caller can do, then AMI's limits.
Each says which remedy it guards: without that remedy it fails.
"""

import asyncio
import inspect
import time
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
import uvloop

from router.ami.counters import Dropped
from router.ami.link import AmiLink, AmiSettings
from router.ami.outbound import Unsendable
from router.ami.timing import Timing
from router.calls.events import CallArrived, CallTaken, Event, LinkDown, LinkUp, PlanAccepted, PlanRefused
from router.calls.orders import AddMember, Deliver
from router.routing.model import Strategy
from tests.ami.conftest import QUICK, Router
from tests.ami.fake_asterisk import (
    Connection,
    FakeAsterisk,
    Fields,
    Listener,
    answer,
    channel_item,
    fake_asterisk,
    listing,
    message,
)
from tests.ami.test_outbound import desk, plan

TRUNK = "PJSIP/trunk-00000001"
UNIQUEID = "1763759123.7"


def order(channel: str = TRUNK, uniqueid: str = UNIQUEID) -> Deliver:
    return Deliver(call_id=f"pbx:{uniqueid}", channel=channel, plan=plan(desk()))


# ---------------------------------------------------------------------------------------------- panoramisk's own faults


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


# ------------------------------------------------------------------------------------------------ what a caller can do


async def dropped(asterisk: FakeAsterisk, listener: Listener, data: bytes) -> None:
    """Says `data` and then a clean event; nothing of `data` may have been heard when that one is."""
    asterisk.say(data + asterisk.arrived("1763759999.9"))
    assert (await listener.next(CallArrived)).call_id == "pbx:1763759999.9"


async def test_an_event_without_our_token_is_dropped(asterisk: FakeAsterisk, router: Router) -> None:
    # Remedy: a random token per login, set as a global that only the dialplan can read.
    async with router() as (link, listener):
        await listener.next(LinkUp)
        for token in ("", "0" * 32):
            await dropped(
                asterisk, listener, asterisk.user_event("RouterTaken", token=token, Step="1", Phone="a", At="1")
            )
        assert link.counters.dropped[Dropped.WRONG_TOKEN] == 2
    assert not listener.of(CallTaken)


async def test_the_token_is_another_one_after_each_login(asterisk: FakeAsterisk, router: Router) -> None:
    async with router() as (_, listener):
        await listener.next(LinkUp)
        before = asterisk.token
        asterisk.drop()
        await listener.next(LinkUp)
        assert len(before) == len(asterisk.token) == 32
        assert asterisk.token != before


async def test_an_event_whose_key_repeats_is_dropped(asterisk: FakeAsterisk, router: Router) -> None:
    # Remedy: a comma in a display name adds lines to our own UserEvent, token and all; they repeat a key.
    async with router() as (link, listener):
        await listener.next(LinkUp)
        forged = asterisk.arrived().replace(b"\r\n\r\n", b"\r\ncaller: +15550999\r\n\r\n")
        await dropped(asterisk, listener, forged)
        assert link.counters.dropped[Dropped.REPEATED_KEY] == 1


@pytest.mark.parametrize("text", [b"a\nToken: b", b"a\rb", b"a\x00", b"a\r\nno key"])
async def test_an_event_with_a_control_character_is_dropped(
    text: bytes, asterisk: FakeAsterisk, router: Router
) -> None:
    async with router() as (link, listener):
        await listener.next(LinkUp)
        await dropped(asterisk, listener, asterisk.arrived().replace(b"<unknown>", text, 1))
        assert link.counters.dropped[Dropped.BROKEN] == 1


async def test_events_that_are_not_ours_are_dropped_unread(asterisk: FakeAsterisk, router: Router) -> None:
    # Remedy: nothing but answers and our UserEvents counts. panoramisk would close the link on a forged Shutdown.
    async with router() as (link, listener):
        await listener.next(LinkUp)
        token = asterisk.token
        forged = (
            message(Event="Shutdown", Shutdown="Cleanly")
            + message(Event="FullyBooted", Status="Fully Booted")
            + message(Event="Hangup", CallerIDNum="x", UserEvent="RouterTaken", Token=token)
            + message(Event="UserEvent", UserEvent="SomebodyElses", Token=token)
            + message(Response="Success", Message="to nobody")
        )
        await dropped(asterisk, listener, forged)
        assert link.counters.dropped[Dropped.NOT_OURS] == 5
        assert asterisk.accepted == 1


async def test_an_event_with_a_field_that_cannot_be_is_dropped_and_counted(
    asterisk: FakeAsterisk, router: Router
) -> None:
    async with router() as (link, listener):
        await listener.next(LinkUp)
        await dropped(asterisk, listener, asterisk.arrived(Caller="${EVIL}") + asterisk.user_event("RouterNew"))
        assert link.counters.dropped[Dropped.MALFORMED] == 2


async def test_an_answer_to_nothing_we_asked_is_dropped(asterisk: FakeAsterisk, router: Router) -> None:
    # Remedy: ActionIDs are random, 96 bits of them, and an answer counts only while its question is open.
    async with router() as (link, listener):
        await listener.next(LinkUp)
        await dropped(asterisk, listener, message(Response="Success", ActionID="action/1", Message="forged"))
        assert link.counters.dropped[Dropped.UNASKED] == 1
    ids = {action["ActionID"] for action in asterisk.actions}
    assert len(ids) == len(asterisk.actions)
    assert {len(one) for one in ids} == {24}


async def test_of_two_answers_the_first_counts(asterisk: FakeAsterisk, router: Router) -> None:
    asterisk.scripts["Setvar"] = lambda connection, action: (
        answer(action, "Error", Message="No such channel") + answer(action, "Success", Message="Variable Set")
        if action["Variable"] == "ROUTER_PLAN"
        else asterisk.usual(connection, action)
    )
    async with router() as (link, listener):
        await listener.next(LinkUp)
        link.give(order())
        assert (await listener.next(PlanRefused)).why == "No such channel"
        await dropped(asterisk, listener, b"")
        assert not listener.of(PlanAccepted)
        assert link.counters.dropped[Dropped.UNASKED] == 1


INJECTIONS = {
    "a line": "x\r\nUniqueid: 1700000000.1",
    "an end of the list": "x\r\nResponse: Success",
    "another event": "x\r\nEvent: CoreShowChannelsComplete",
    "a message": "x\r\n\r\nEvent: CoreShowChannelsComplete\r\nActionID: guessed",
    "an unfinished message": "x\r\n\r\nEvent: CoreShowChannel\r\nUniqueid: 1700000000.1",
    "a bare LF": "x\nUniqueid: 1700000000.1",
}


@pytest.mark.parametrize("injected", INJECTIONS.values(), ids=INJECTIONS)
async def test_a_caller_can_hide_no_call_from_the_list_of_those_that_live(
    injected: str, asterisk: FakeAsterisk, router: Router
) -> None:
    # Remedy: of an item that isn't clean only the channel's name counts, which stands before any caller's text; the PBX
    # is asked which call that is. A list ends only by the name of its last event.
    asterisk.channels = {TRUNK: UNIQUEID, "PJSIP/trunk-00000002": "1763759123.8"}
    asterisk.scripts["CoreShowChannels"] = lambda connection, action: listing(
        action,
        [
            channel_item(action, TRUNK, UNIQUEID, CallerIDNum=injected),
            channel_item(action, "PJSIP/trunk-00000002", "1763759123.8"),
        ],
        "CoreShowChannelsComplete",
    )
    async with router() as (_, listener):
        up = await listener.next(LinkUp)
    assert up.live_calls - {"pbx:1700000000.1"} == {f"pbx:{UNIQUEID}", "pbx:1763759123.8"}


async def test_only_our_own_queues_are_asked_for(asterisk: FakeAsterisk, router: Router) -> None:
    # Remedy: QueueStatus lists waiting callers with their raw text *before* its ActionID; ours were sanitised, those in
    # other people's queues were not.
    async with router() as (_, listener):
        await listener.next(LinkUp)
    asked = {action["Queue"] for action in asterisk.asked("QueueStatus")}
    assert len(asked) == 3 * 64 + 1
    assert all(queue.startswith("router-") for queue in asked)


async def test_no_more_than_user_events_are_asked_for(asterisk: FakeAsterisk, router: Router) -> None:
    # Remedy: even with an AMI user that may read everything, channel events with raw caller text never come.
    async with router() as (_, listener):
        await listener.next(LinkUp)
    assert [login["Events"] for login in asterisk.asked("Login")] == ["user"]


async def test_nothing_but_heartbeat_and_token_is_ever_set_without_a_channel(
    asterisk: FakeAsterisk, router: Router
) -> None:
    # Remedy: two functions; the one for channels refuses an empty one. A global plan would be every call's plan.
    async with router() as (link, listener):
        await listener.next(LinkUp)
        link.give(order(channel=""))
        assert "needs a channel" in (await listener.next(PlanRefused)).why
        link.give(order())
        await listener.next(PlanRefused)
        asterisk.drop()
        await listener.next(LinkUp)
    assert set(asterisk.globals) == {"ROUTER_BEAT", "ROUTER_TOKEN"}


# --------------------------------------------------------------------------------------------------------- AMI's limits


async def test_a_value_too_long_for_asterisks_line_buffer_is_refused(asterisk: FakeAsterisk, router: Router) -> None:
    async with router() as (link, listener):
        await listener.next(LinkUp)
        link.give(order(channel="x" * 1_016))
        assert "1015" in (await listener.next(PlanRefused)).why.replace(",", "")
        link.give(order(channel="x" * 1_013))  # with "Channel: " this line is just as long as it may be
        assert (await listener.next(PlanRefused)).why == "No such channel"
    with pytest.raises(Unsendable):
        AmiSettings(secret="x\r\nEvents: on")


async def test_a_message_too_long_is_forgotten_and_the_link_lives(asterisk: FakeAsterisk, router: Router) -> None:
    async with router() as (link, listener):
        await listener.next(LinkUp)
        await dropped(asterisk, listener, b"Event: UserEvent\r\nUserEvent: Router" + b"x" * 200_000 + b"\r\n\r\n")
        assert link.counters.dropped[Dropped.TOO_LONG] == 1


async def test_the_pbx_may_be_an_hour_ahead(asterisk: FakeAsterisk, router: Router) -> None:
    # The skew is measured by Ping; without the correction every wait and every record would be wrong by it.
    asterisk.ahead = 3600.0
    async with router() as (link, listener):
        up = await listener.next(LinkUp)
        asterisk.say(asterisk.arrived())
        arrived = await listener.next(CallArrived)
        assert link.counters.skew == pytest.approx(3600.0, abs=0.3)
        assert abs(arrived.at - up.at) < timedelta(seconds=5)
        asterisk.ahead = 0.0  # somebody sets its clock
        asked = len(asterisk.asked("Ping"))
        await asterisk.until(lambda: len(asterisk.asked("Ping")) > asked + 2)
        asterisk.say(asterisk.arrived())
        arrived = await listener.next(CallArrived)
        assert abs(arrived.at - up.at) < timedelta(seconds=5)
