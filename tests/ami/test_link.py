"""Does the link know what happened before it, and does it leave the PBX as it should?"""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from router.ami.counters import Dropped
from router.ami.link import AmiLink, AmiSettings
from router.calls.events import (
    CallArrived,
    CallEnded,
    HandOverRefused,
    JournalRead,
    LegEnded,
    LinkDown,
    LinkUp,
    MemberSeen,
    MembersSeen,
    PlanAccepted,
)
from router.calls.orders import AddMember, AnswerCode, Deliver, HandOver, PauseMember, RemoveMember, Word
from router.routing.model import Strategy
from tests.ami.conftest import QUICK, Router
from tests.ami.fake_asterisk import Connection, FakeAsterisk, Fields, Listener, answer, fake_asterisk
from tests.ami.test_outbound import desk, plan

TRUNK = "PJSIP/trunk-00000001"
UNIQUEID = "1763759123.7"
ANNA = "Local/anna@router-member/n"


def entry(ended: datetime, uniqueid: str = UNIQUEID) -> Fields:
    """What the dialplan writes of a call that ended then, and of its leg."""
    place = f"/router-ended-{ended.isoweekday() % 7}/{ended:%H/%M}/{uniqueid}"
    began, end = f"{ended.timestamp() - 30:.3f}", f"{ended.timestamp():.3f}"
    return {
        place: f"1~{began}~+15550100~+15550177~number~fallback~anna~{began}~{end}~16",
        f"{place}/1763759124.8": f"1~1~anna~{began}~{end}~Up~16~20",
    }


# ------------------------------------------------------------------------------------------------------ resynchronising


async def test_after_a_login_it_knows_who_is_there_who_went_and_who_answers(
    asterisk: FakeAsterisk, router: Router
) -> None:
    now = datetime.now(UTC)
    asterisk.channels = {TRUNK: "1763759200.9"}
    asterisk.journal = entry(now - timedelta(minutes=3))
    asterisk.members = {"router-rrmemory-02": [ANNA], "somebody-elses": ["PJSIP/bert"]}
    async with router(since=now - timedelta(minutes=10)) as (link, listener):
        up = await listener.next(LinkUp)
        assert link.counters.dropped == {}
    assert up.live_calls == {"pbx:1763759200.9"}
    assert [type(ended) for ended in up.ended] == [LegEnded, CallEnded]
    assert {ended.call_id for ended in up.ended} == {f"pbx:{UNIQUEID}"}
    assert up.members == (
        MemberSeen(strategy=Strategy.ROUND_ROBIN, slot=2, endpoint="anna", member=ANNA, paused=False),
    )


async def test_what_happens_while_it_resynchronises_is_heard_after_link_up_and_in_order(
    asterisk: FakeAsterisk, router: Router
) -> None:
    def two_calls_arrive(connection: Connection, action: Fields) -> bytes | None:
        connection.say(asterisk.arrived("1763759123.1") + asterisk.arrived("1763759123.2"))
        del asterisk.scripts["CoreShowChannels"]
        return asterisk._answer(connection, action)

    asterisk.scripts["CoreShowChannels"] = two_calls_arrive
    async with router() as (_, listener):
        await listener.next(CallArrived)
        asterisk.say(asterisk.arrived("1763759123.3"))
        await asterisk.until(lambda: len(asterisk.asked("Ping")) > 2)
        await listener.next(CallArrived)
        await listener.next(CallArrived)
    kinds = [getattr(event, "call_id", "up")[-2:] for event in listener.events]
    assert kinds == ["up", ".1", ".2", ".3"]


async def test_the_journal_is_read_from_the_last_contact_on(asterisk: FakeAsterisk, router: Router) -> None:
    def now() -> datetime:
        return datetime.now(UTC) + timedelta(seconds=asterisk.ahead)

    async with router(now=now) as (_, listener):
        await listener.next(LinkUp)
        assert len(asterisk.asked("DBGetTree")) == 7 * 24
        asterisk.ahead += 5 * 3600.0  # a link that stays up for hours
        asterisk.actions.clear()
        await asterisk.until(lambda: len(asterisk.asked("Setvar", Variable="ROUTER_BEAT")) > 2)
        long_heard = entry(now() - timedelta(minutes=5), uniqueid="1763759100.1")
        just_heard = entry(now() - timedelta(seconds=30), uniqueid="1763759100.2")
        asterisk.journal = entry(now()) | just_heard | long_heard
        asterisk.drop()
        up = await listener.next(LinkUp)
        assert {ended.call_id for ended in up.ended} == {f"pbx:{UNIQUEID}"}
        assert len(up.ended) == 2
        assert len(asterisk.asked("DBGetTree")) <= 4  # the minute that is, and those beside it


async def test_what_the_journal_told_a_connection_that_failed_at_once_is_told_by_the_next_one(
    asterisk: FakeAsterisk, router: Router
) -> None:
    now = datetime.now(UTC)
    asterisk.journal = entry(now - timedelta(seconds=30))
    asterisk.scripts["QueueStatus"] = lambda connection, action: answer(action, "Error", Message="busy")
    async with router(since=now - timedelta(minutes=1)) as (_, listener):
        await listener.next(LinkDown)
        del asterisk.scripts["QueueStatus"]
        assert len((await listener.next(LinkUp)).ended) == 2


async def test_an_entry_of_the_same_hour_a_week_ago_is_no_news(asterisk: FakeAsterisk, router: Router) -> None:
    now = datetime.now(UTC)
    asterisk.journal = entry(now - timedelta(days=7))
    async with router(since=now) as (link, listener):
        assert (await listener.next(LinkUp)).ended == ()
        assert link.counters.dropped == {}


async def test_an_entry_that_cannot_be_is_counted_and_the_others_are_read(
    asterisk: FakeAsterisk, router: Router
) -> None:
    now = datetime.now(UTC)
    good = entry(now)
    asterisk.journal = {f"{next(iter(good))}5": "1~what~is~this"} | good
    async with router(since=now) as (link, listener):
        assert len((await listener.next(LinkUp)).ended) == 2
        assert link.counters.dropped == {Dropped.MALFORMED: 1}


async def test_calls_are_steered_even_when_the_journal_cannot_be_read_and_it_is_read_next_time(
    asterisk: FakeAsterisk, router: Router
) -> None:
    now = datetime.now(UTC)
    asterisk.journal = entry(now - timedelta(hours=5))
    asterisk.scripts["DBGetTree"] = lambda connection, action: answer(action, "Error", Message="database is locked")
    async with router(since=now - timedelta(hours=6)) as (_, listener):
        assert (await listener.next(LinkUp)).ended == ()
        await asterisk.until(lambda: len(asterisk.asked("Setvar", Variable="ROUTER_BEAT")) > 1)
        del asterisk.scripts["DBGetTree"]
        asterisk.drop()
        assert len((await listener.next(LinkUp)).ended) == 2


async def test_the_journal_of_a_pbx_whose_clock_is_ahead_is_read_by_its_hours(
    asterisk: FakeAsterisk, router: Router
) -> None:
    asterisk.ahead = 5 * 3600.0
    now = datetime.now(UTC)
    asterisk.journal = entry(now + timedelta(hours=5))
    async with router(since=now - timedelta(minutes=5)) as (_, listener):
        ended = (await listener.next(LinkUp)).ended
    assert len(ended) == 2
    assert abs(ended[0].at - now) < timedelta(seconds=5)


async def test_a_pbx_whose_queues_are_not_loaded_yet_is_tried_again(asterisk: FakeAsterisk, router: Router) -> None:
    # An Asterisk that starts listens before its modules are loaded, and FullyBooted never reaches a user who may read
    # UserEvents only; so what it can't do yet is the sign.
    unknown = "Invalid/unknown command: QueueStatus. Use Action: ListCommands to show available commands."
    asterisk.scripts["QueueStatus"] = lambda connection, action: answer(action, "Error", Message=unknown)
    async with router() as (_, listener):
        assert (await listener.next(LinkDown)).why == f"QueueStatus: {unknown}"
        del asterisk.scripts["QueueStatus"]
        await listener.next(LinkUp)


# ------------------------------------------------------------------------------------------------- heartbeat and token


async def test_the_heartbeat_is_the_pbxs_own_time_in_whole_seconds(asterisk: FakeAsterisk, router: Router) -> None:
    asterisk.ahead = -1000.0
    async with router() as (_, listener):
        await listener.next(LinkUp)
        await asterisk.until(lambda: len(asterisk.asked("Setvar", Variable="ROUTER_BEAT")) > 2)
        assert 0 <= asterisk.clock - int(asterisk.globals["ROUTER_BEAT"]) < 3


async def test_a_call_waits_for_us_only_when_we_are_ready_to_answer(asterisk: FakeAsterisk, router: Router) -> None:
    async with router() as (_, listener):
        await listener.next(LinkUp)
        await asterisk.until(lambda: "ROUTER_BEAT" in asterisk.globals)
    order = [(action["Action"], action.get("Variable")) for action in asterisk.actions]
    token, beat = order.index(("Setvar", "ROUTER_TOKEN")), order.index(("Setvar", "ROUTER_BEAT"))
    asked = [
        place for place, (action, _) in enumerate(order) if action in ("CoreShowChannels", "QueueStatus", "DBGetTree")
    ]
    assert token < min(asked)
    assert max(asked) < beat


async def test_a_reload_that_clears_the_globals_is_mended_by_the_next_beat_and_what_had_no_token_is_read(
    asterisk: FakeAsterisk, router: Router
) -> None:
    async with router() as (_, listener):
        await listener.next(LinkUp)
        asterisk.globals.clear()
        asterisk.journal = entry(datetime.now(UTC))  # it ended before the next beat, so its events had no token
        asterisk.actions.clear()
        assert len((await listener.next(LinkUp)).ended) == 2
        await asterisk.until(lambda: asterisk.asked("Setvar", Variable="ROUTER_BEAT"))
        asterisk.say(asterisk.arrived())
        await listener.next(CallArrived)


async def test_who_stops_in_the_ordinary_way_tells_the_pbx_not_to_wait(asterisk: FakeAsterisk, router: Router) -> None:
    async with router() as (_, listener):
        await listener.next(LinkUp)
        await asterisk.until(lambda: "ROUTER_BEAT" in asterisk.globals)
    assert asterisk.globals["ROUTER_BEAT"] == "0"
    assert asterisk.actions[-1]["Action"] == "Logoff"


async def test_who_stops_just_after_another_has_taken_over_leaves_its_heartbeat_alone(
    asterisk: FakeAsterisk, router: Router
) -> None:
    async with router(timing=replace(QUICK, beat_every=30)) as (_, listener):
        await listener.next(LinkUp)
        await asterisk.until(lambda: "ROUTER_BEAT" in asterisk.globals)
        asterisk.globals["ROUTER_TOKEN"] = "of another"
    assert asterisk.globals["ROUTER_BEAT"] != "0"


async def test_a_stop_does_not_hang_on_a_pbx_that_is_silent(asterisk: FakeAsterisk, router: Router) -> None:
    async with asyncio.timeout(3), router() as (_, listener):
        await listener.next(LinkUp)
        asterisk.mute = True


async def test_a_stop_between_two_connections_ends_at_once() -> None:
    async with fake_asterisk() as gone:
        pass
    listener = Listener()
    link = AmiLink(AmiSettings(port=gone.port, secret="right"), listener, timing=QUICK)
    running = asyncio.ensure_future(link.run())
    await listener.next(LinkDown)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


@pytest.mark.parametrize("turns", range(12))
async def test_a_stop_in_the_very_moment_the_link_is_lost_is_not_overheard(turns: int, asterisk: FakeAsterisk) -> None:
    listener = Listener()
    link = AmiLink(AmiSettings(port=asterisk.port, secret="right"), listener, timing=QUICK)
    running = asyncio.ensure_future(link.run())
    await listener.next(LinkUp)
    asterisk.drop()
    for _ in range(turns):  # of the loop: somewhere among them both come together
        await asyncio.sleep(0)
    running.cancel()
    done, _ = await asyncio.wait([running], timeout=2)
    running.cancel()
    assert done


# ------------------------------------------------------------------------------------------------- two routers, one PBX


async def test_of_two_routers_the_later_is_heard_and_the_other_stands_by(
    asterisk: FakeAsterisk, router: Router
) -> None:
    async with router() as (first, first_hears):
        await first_hears.next(LinkUp)
        async with router() as (_, second_hears):
            await second_hears.next(LinkUp)
            assert (await first_hears.next(LinkDown)).why == "another router speaks for this PBX"
            asterisk.say(asterisk.arrived())
            await second_hears.next(CallArrived)
            before = len(asterisk.asked("Ping"))
            await asterisk.until(lambda: len(asterisk.asked("Ping")) > before + 4)
            assert not first_hears.of(CallArrived)
            assert first.counters.dropped[Dropped.WRONG_TOKEN] == 1
            assert not first.counters.up
            assert len(asterisk.connections) == 2


async def test_who_stands_by_takes_over_when_the_other_has_stopped(asterisk: FakeAsterisk, router: Router) -> None:
    async with router() as (first, first_hears):
        await first_hears.next(LinkUp)
        async with router() as (_, second_hears):
            await second_hears.next(LinkUp)
            await first_hears.next(LinkDown)
        await first_hears.next(LinkUp)
        asterisk.say(asterisk.arrived())
        await first_hears.next(CallArrived)
        assert first.counters.logins == 1
        assert first.counters.took_over == 2


async def test_who_stands_by_takes_over_when_the_other_has_died(asterisk: FakeAsterisk, router: Router) -> None:
    async with router() as (_, listener):
        await listener.next(LinkUp)
        asterisk.globals.update(ROUTER_TOKEN="of another", ROUTER_BEAT=str(int(asterisk.clock)))
        await listener.next(LinkDown)
        asterisk.ahead += 7.0  # seconds in which nobody sets the heartbeat
        await listener.next(LinkUp)
        assert asterisk.token != "of another"


async def test_who_stands_by_stops_without_a_word_about_the_heartbeat(asterisk: FakeAsterisk, router: Router) -> None:
    async with router() as (_, listener):
        await listener.next(LinkUp)
        beat = str(int(asterisk.clock))
        asterisk.globals.update(ROUTER_TOKEN="of another", ROUTER_BEAT=beat)
        await listener.next(LinkDown)
    assert asterisk.globals["ROUTER_BEAT"] == beat


# --------------------------------------------------------------------------------------------------------------- orders


async def test_a_plan_is_given_to_the_channel_that_waits(asterisk: FakeAsterisk, router: Router) -> None:
    asterisk.channels[TRUNK] = UNIQUEID
    async with router() as (link, listener):
        await listener.next(LinkUp)
        asterisk.say(asterisk.arrived())
        call = await listener.next(CallArrived)
        link.give(Deliver(call_id=call.call_id, channel=call.channel, plan=plan(desk(2))))
        assert (await listener.next(PlanAccepted)).call_id == call.call_id
    assert asterisk.variables[TRUNK, "ROUTER_PLAN"].startswith(f"2~{UNIQUEID}~")


def hand_over(*, redirect: bool) -> HandOver:
    return HandOver(call_id=f"pbx:{UNIQUEID}", plan=plan(desk(2)), to_person=7, to_desk=None, redirect=redirect)


async def test_a_caller_who_talks_has_the_plan_before_they_are_taken_out_of_the_talk(
    asterisk: FakeAsterisk, router: Router
) -> None:
    asterisk.channels[UNIQUEID] = UNIQUEID  # a channel is found by its Uniqueid as well
    asterisk.scripts["Redirect"] = lambda connection, action: answer(action, "Success", Message="Redirect successful")
    async with router() as (link, listener):
        await listener.next(LinkUp)
        link.give(hand_over(redirect=True))
        await asterisk.until(lambda: asterisk.asked("Redirect"))
        order = [one["Action"] for one in asterisk.actions if one.get("Channel") == UNIQUEID]
        assert order == ["Setvar", "Redirect"]
        link.give(hand_over(redirect=False))
        await asterisk.until(lambda: len(asterisk.asked("Setvar", Variable="ROUTER_HANDOVER")) == 2)
        assert len(asterisk.asked("Redirect")) == 1


async def test_a_caller_who_cannot_be_taken_out_of_the_talk_is_not_handed_over_later(
    asterisk: FakeAsterisk, router: Router
) -> None:
    asterisk.channels[UNIQUEID] = UNIQUEID
    asterisk.scripts["Redirect"] = lambda connection, action: answer(action, "Error", Message="Permission denied")
    async with router() as (link, listener):
        await listener.next(LinkUp)
        link.give(hand_over(redirect=True))
        assert (await listener.next(HandOverRefused)).why == "Permission denied"
        await asterisk.until(lambda: len(asterisk.asked("Setvar", Variable="ROUTER_HANDOVER")) == 2)
        assert asterisk.asked("Setvar", Variable="ROUTER_HANDOVER")[-1]["Value"] == ""


async def test_without_a_link_nobody_is_handed_over(asterisk: FakeAsterisk, router: Router) -> None:
    async with router() as (link, listener):
        await listener.next(LinkUp)
        asterisk.drop()
        await listener.next(LinkDown)
        link.give(hand_over(redirect=True))
        assert (await listener.next(HandOverRefused)).why == "there is no link to the PBX"


async def test_members_join_leave_and_are_looked_at_when_asked(asterisk: FakeAsterisk, router: Router) -> None:
    async with router() as (link, listener):
        await listener.next(LinkUp)
        link.give(AddMember(strategy=Strategy.ALL, slot=3, endpoint="anna"))
        link.look_at_members()
        seen = await listener.next(MembersSeen)
        assert [(member.slot, member.endpoint) for member in seen.members] == [(3, "anna")]
        link.give(RemoveMember(strategy=Strategy.ALL, slot=3, member="", endpoint="anna"))
        link.look_at_members()
        assert (await listener.next(MembersSeen)).members == ()


async def test_a_look_at_the_members_that_fails_costs_no_call(asterisk: FakeAsterisk, router: Router) -> None:
    async with router() as (link, listener):
        await listener.next(LinkUp)
        asked = len(asterisk.asked("QueueStatus"))
        asterisk.scripts["QueueStatus"] = lambda connection, action: answer(action, "Error", Message="busy")
        link.look_at_members()
        await asterisk.until(lambda: len(asterisk.asked("QueueStatus")) > asked)
        del asterisk.scripts["QueueStatus"]
        link.look_at_members()
        await listener.next(MembersSeen)
        assert asterisk.accepted == 1


async def test_a_member_that_cannot_be_added_is_counted(asterisk: FakeAsterisk, router: Router) -> None:
    asterisk.scripts["QueueAdd"] = lambda connection, action: answer(
        action, "Error", Message="Unable to add interface: Already there"
    )
    async with router() as (link, listener):
        await listener.next(LinkUp)
        link.give(AddMember(strategy=Strategy.ALL, slot=3, endpoint="anna"))
        link.give(AddMember(strategy=Strategy.ALL, slot=3, endpoint="not an endpoint"))
        link.look_at_members()
        await listener.next(MembersSeen)
        assert link.counters.actions_refused == 2


# ------------------------------------------------------------------------------------------------------------- settings


def test_the_secret_is_not_shown() -> None:
    assert "hush" not in repr(AmiSettings(secret="hush"))


@pytest.mark.parametrize("pbx", ["", "a:b", "a b", "x" * 33])
def test_a_pbx_name_that_could_not_begin_a_call_id_is_refused(pbx: str) -> None:
    with pytest.raises(ValueError, match="name"):
        AmiSettings(secret="s", pbx=pbx)


async def test_a_member_is_paused_and_seen_to_be(asterisk: FakeAsterisk, router: Router) -> None:
    async with router() as (link, listener):
        await listener.next(LinkUp)
        link.give(AddMember(strategy=Strategy.ALL, slot=3, endpoint="anna", paused=True))
        link.give(AddMember(strategy=Strategy.ALL, slot=3, endpoint="bert"))
        link.give(PauseMember(strategy=Strategy.ALL, slot=3, endpoint="anna", paused=False))
        link.give(PauseMember(strategy=Strategy.ALL, slot=3, endpoint="bert", paused=True))
        link.look_at_members()
        seen = await listener.next(MembersSeen)
    assert {member.endpoint: member.paused for member in seen.members} == {"anna": False, "bert": True}


async def test_a_look_during_which_members_changed_is_taken_again(asterisk: FakeAsterisk, router: Router) -> None:
    # Queue by queue it would show what was before our order and what is after it: the order would be given twice.
    def looks(connection: Connection, action: Fields) -> bytes | None:
        if action["Queue"] == "router-rrmemory-64" and not asterisk.members:
            link.give(AddMember(strategy=Strategy.ALL, slot=1, endpoint="anna"))  # that queue was looked at before
        return asterisk.usual(connection, action)

    async with router() as (link, listener):
        await listener.next(LinkUp)
        asterisk.scripts["QueueStatus"] = looks
        link.look_at_members()
        seen = await listener.next(MembersSeen)
    assert [member.endpoint for member in seen.members] == ["anna"]


async def test_whoever_dialled_a_code_is_answered_on_their_own_channel(asterisk: FakeAsterisk, router: Router) -> None:
    asterisk.channels["PJSIP/anna-1"] = "1763759123.9"
    async with router() as (link, listener):
        await listener.next(LinkUp)
        answer = AnswerCode(call_id="pbx:1763759123.9", channel="PJSIP/anna-1", word=Word.SIGNED_OUT)
        link.give(answer)
        await asterisk.until(lambda: asterisk.variables)
        link.give(replace(answer, channel=""))
        assert link.counters.actions_refused == 1
    assert asterisk.variables == {("PJSIP/anna-1", "ROUTER_ANSWER"): "1~1763759123.9~out~"}


async def test_what_could_not_be_kept_is_told_again_by_the_journal_and_the_token_stays(
    asterisk: FakeAsterisk, router: Router
) -> None:
    now = datetime.now(UTC)
    async with router(since=now) as (link, listener):
        await listener.next(LinkUp)
        token = asterisk.token
        asterisk.journal = entry(now - timedelta(minutes=40))
        link.read_journal_again(now - timedelta(minutes=45))
        again = await listener.next(JournalRead)
        assert {(type(ended), ended.call_id) for ended in again.ended} == {
            (LegEnded, f"pbx:{UNIQUEID}"),
            (CallEnded, f"pbx:{UNIQUEID}"),
        }
        assert asterisk.token == token


async def test_what_could_not_be_kept_is_told_after_the_next_login_where_the_journal_is_not_handed_out_now(
    asterisk: FakeAsterisk, router: Router
) -> None:
    now = datetime.now(UTC)
    async with router(since=now) as (link, listener):
        await listener.next(LinkUp)
        asterisk.journal = entry(now - timedelta(minutes=40))
        asterisk.scripts["DBGetTree"] = lambda connection, action: answer(action, "Error", Message="locked")
        asked = len(asterisk.asked("DBGetTree"))
        link.read_journal_again(now - timedelta(minutes=45))
        await asterisk.until(lambda: len(asterisk.asked("DBGetTree")) > asked)
        del asterisk.scripts["DBGetTree"]
        asterisk.drop()
        assert len((await listener.next(LinkUp)).ended) == 2
