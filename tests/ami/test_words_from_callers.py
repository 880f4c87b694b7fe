"""Does the link stand what callers send, and AMI's own limits?

Each story says which remedy it guards: without that remedy it fails.
"""

from datetime import timedelta

import pytest

from router.ami.counters import Dropped
from router.ami.link import AmiSettings
from router.ami.outbound import Unsendable
from router.calls.events import CallArrived, CallTaken, LinkUp, PlanAccepted, PlanRefused
from router.calls.orders import Deliver
from tests.ami.conftest import Router
from tests.ami.fake_asterisk import (
    FakeAsterisk,
    Listener,
    answer,
    channel_item,
    listing,
    message,
)
from tests.ami.test_outbound import desk, plan

TRUNK = "PJSIP/trunk-00000001"
UNIQUEID = "1763759123.7"


def order(channel: str = TRUNK, uniqueid: str = UNIQUEID) -> Deliver:
    return Deliver(call_id=f"pbx:{uniqueid}", channel=channel, plan=plan(desk()))


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
