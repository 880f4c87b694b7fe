"""Does the guard take out whoever really is in a mailbox, and stand everything that can be said to it?"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from router.ami.framing import MOST_BYTES
from router.ami.guard import MOST_A_SECOND, MOST_RESCUES, MOST_WAITING, Guard, GuardSettings, Outcome
from router.ami.link import AmiSettings
from router.ami.timing import Timing
from tests.ami.conftest import QUICK
from tests.ami.fake_asterisk import FakeAsterisk, answer, channel_fields, message

CALLER = "PJSIP/trunk-00000001"
OTHER = "PJSIP/trunk-00000002"
MOVED = {"Context": "router-guarded", "Exten": "s", "Priority": "1"}


@asynccontextmanager
async def watching(
    asterisk: FakeAsterisk,
    *,
    secret: str = "right",
    timing: Timing = QUICK,
    speaking: Callable[[], bool] = lambda: True,
    up: bool = True,
    trunks: tuple[str, ...] = (),
) -> AsyncIterator[Guard]:
    """A guard that is logged in (if it can be), until the end of the block."""
    ami = AmiSettings(port=asterisk.port, username="router-guard", secret=secret, pbx="pbx")
    guard = Guard(GuardSettings(ami=ami, trunks=trunks), speaking, timing=timing)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(guard.run())
        try:
            if up:
                await asterisk.until(lambda: guard.counters.connection.up)
            yield guard
        finally:
            running.cancel()


def begins(channel: str, application: str = "VoiceMail", data: str = "201@default,u", **changes: str) -> bytes:
    """A channel's next application, as the PBX tells of it."""
    fields = {**channel_fields("1763759123.7", channel), **changes}
    return message(
        Event="Newexten", Privilege="dialplan,all", **fields, Extension="s", Application=application, AppData=data
    )


def enters(asterisk: FakeAsterisk, channel: str, application: str = "VoiceMail") -> None:
    """The channel is in that application now."""
    asterisk.channels[channel] = "1763759123.7"
    asterisk.applications[channel] = application


async def test_a_caller_in_a_mailbox_is_led_to_the_one_place_once(asterisk: FakeAsterisk) -> None:
    enters(asterisk, CALLER)
    async with watching(asterisk) as guard:
        asterisk.say(begins(CALLER))
        await heard(asterisk, guard, rescued=1)
    assert asterisk.asked("Redirect", Channel=CALLER, **MOVED) == asterisk.asked("Redirect")
    assert len(asterisk.asked("Redirect")) == 1
    assert asterisk.asked("Login", Username="router-guard", Events="dialplan")


@pytest.mark.parametrize("application", ["Queue", "VoiceMailMain", "Dial", ""])
async def test_no_event_moves_a_channel_that_is_elsewhere(asterisk: FakeAsterisk, application: str) -> None:
    enters(asterisk, CALLER, application)
    async with watching(asterisk) as guard:
        asterisk.say(begins(CALLER) + begins("PJSIP/nobody-00000001"))
        await heard(asterisk, guard, elsewhere=1, gone=1)
    assert asterisk.asked("Redirect") == []


async def test_what_is_no_mailbox_is_not_even_asked_about(asterisk: FakeAsterisk) -> None:
    enters(asterisk, CALLER)
    enters(asterisk, OTHER)
    async with watching(asterisk) as guard:
        asterisk.say(begins(OTHER, "Set", "X=VoiceMail(201)") + begins(OTHER, "VoiceMailMain") + begins(CALLER))
        await heard(asterisk, guard, rescued=1)
    assert asterisk.asked("Getvar", Channel=OTHER) == []


@pytest.mark.parametrize(
    ("application", "data"),
    [
        ("ExecIf", "1?Voicemail(201@default,u):NoOp()"),
        ("Exec", "VOICEMAIL(201@default)"),
        ("TryExec", "MinivmGreet(201@default)"),
    ],
)
async def test_a_mailbox_inside_another_application_is_found(
    asterisk: FakeAsterisk, application: str, data: str
) -> None:
    # Asterisk tells of the outer application only. At first the channel still evaluates the arguments.
    enters(asterisk, CALLER)
    says = iter([application, "VoiceMail"])
    asterisk.scripts["Getvar"] = lambda connection, action: (
        answer(action, "Success", Variable="x", Value=next(says))
        if action["Variable"] == "CHANNEL(appname)"
        else asterisk.usual(connection, action)
    )
    async with watching(asterisk) as guard:
        asterisk.say(begins(CALLER, application, data))
        await heard(asterisk, guard, rescued=1)


@pytest.mark.parametrize(
    "text",
    ["+1646\r\nApplication: Set", "+1646\r\nno key", "+1646\x1a", "+1646\r\nChannel: PJSIP/trunk-00000002", "\xff\xfe"],
)
async def test_a_caller_whose_text_breaks_the_lines_is_taken_out_all_the_same(
    asterisk: FakeAsterisk, text: str
) -> None:
    enters(asterisk, CALLER)
    async with watching(asterisk) as guard:
        asterisk.say(begins(CALLER, CallerIDNum=text))
        await heard(asterisk, guard, rescued=1)
    assert asterisk.asked("Redirect", Channel=CALLER)


async def test_garbage_is_passed_over(asterisk: FakeAsterisk) -> None:
    enters(asterisk, CALLER)
    garbage = (
        b"\r\n\r\nEvent: Newexten\r\n\r\n",
        b"Event: Newexten\r\nApplication: VoiceMail\r\n\r\n",
        begins("", "VoiceMail"),
        begins("PJSIP/two words"),
        begins("x" * 200),
        b"Event: Newexten\r\nApplication: VoiceMail\r\nChannel: " + b"y" * MOST_BYTES + b"\r\n\r\n",
        b"Response: Success\r\nActionID: guessed\r\nValue: VoiceMail\r\n\r\n",
        bytes(range(256)) + b"\r\n\r\n",
    )
    async with watching(asterisk) as guard:
        asterisk.say(b"".join(garbage) + begins(CALLER))
        await heard(asterisk, guard, rescued=1, malformed=4)
    assert [one["Channel"] for one in asterisk.asked("Redirect")] == [CALLER]
    assert asterisk.accepted == 1


async def test_a_flood_of_forged_hints_asks_the_pbx_only_so_often(asterisk: FakeAsterisk) -> None:
    enters(asterisk, CALLER)
    many = 3 * MOST_WAITING
    async with watching(asterisk) as guard:
        began = time.monotonic()
        asterisk.say(begins(CALLER) + b"".join(begins(f"PJSIP/forged-{n:08}") for n in range(many)) + begins(CALLER))
        await asterisk.until(lambda: asterisk.asked("Redirect"))
        await asterisk.until(lambda: len(asterisk.asked("Getvar", Variable="CHANNEL(appname)")) >= MOST_A_SECOND // 4)
        took = time.monotonic() - began
        hints = guard.counters.hints
    asked = len(asterisk.asked("Getvar", Variable="CHANNEL(appname)"))
    assert asked <= took * MOST_A_SECOND + 2
    assert hints[Outcome.FLOODED] >= many - 2 * MOST_WAITING
    assert len(asterisk.asked("Redirect")) == 1


async def test_many_hints_of_one_channel_lead_to_one_redirect(asterisk: FakeAsterisk) -> None:
    # Right after its Redirect a channel still says that it is in the mailbox: a second one would hit our dialplan.
    enters(asterisk, CALLER)
    enters(asterisk, OTHER)
    async with watching(asterisk) as guard:
        asterisk.say(begins(CALLER) * 50)
        await heard(asterisk, guard, rescued=1)
        asterisk.say(begins(CALLER) * 50 + begins(OTHER))
        await heard(asterisk, guard, rescued=2)
    assert [one["Channel"] for one in asterisk.asked("Redirect")] == [CALLER, OTHER]


async def test_a_call_that_comes_back_to_a_mailbox_again_and_again_is_left_there(asterisk: FakeAsterisk) -> None:
    enters(asterisk, CALLER)
    asterisk.variables[CALLER, "ROUTER_GUARDED"] = str(MOST_RESCUES)
    async with watching(asterisk) as guard:
        asterisk.say(begins(CALLER))
        await heard(asterisk, guard, looping=1)
        asterisk.variables[CALLER, "ROUTER_GUARDED"] = str(MOST_RESCUES - 1)
        asterisk.say(begins(CALLER))
        await heard(asterisk, guard, looping=1, rescued=1)


async def test_nobody_is_led_to_a_place_that_is_not_there(asterisk: FakeAsterisk) -> None:
    # Asterisk answers such a Redirect with "Success" and drops the caller.
    enters(asterisk, CALLER)
    asterisk.places.clear()
    async with watching(asterisk) as guard:
        asterisk.say(begins(CALLER))
        await heard(asterisk, guard, nowhere=1)
    assert asterisk.asked("Redirect") == []


async def test_a_guard_that_would_be_deaf_says_so_and_looks_again(asterisk: FakeAsterisk) -> None:
    setting = "AST_CONFIG(manager.conf,general,disabledevents,-1)"
    asterisk.globals[setting] = "VarSet,Newexten,RTCPSent,RTCPReceived"
    async with watching(asterisk, up=False) as guard:
        await asterisk.until(lambda: guard.down_because.startswith("the last disabledevents"))
        assert not guard.counters.connection.up
        asterisk.globals[setting] = "VarSet,RTCPSent,RTCPReceived"
        await asterisk.until(lambda: guard.counters.connection.up)


async def test_a_caller_who_is_gone_before_the_redirect_is_no_fault(asterisk: FakeAsterisk) -> None:
    enters(asterisk, CALLER)
    enters(asterisk, OTHER)
    asterisk.scripts["Redirect"] = lambda connection, action: (
        answer(action, "Error", Message="Channel does not exist: x")
        if action["Channel"] == CALLER
        else asterisk.usual(connection, action)
    )
    async with watching(asterisk) as guard:
        asterisk.say(begins(CALLER) + begins(OTHER))
        await heard(asterisk, guard, refused=1, rescued=1)


async def test_only_the_router_that_the_pbx_hears_moves_anybody(asterisk: FakeAsterisk) -> None:
    enters(asterisk, CALLER)
    async with watching(asterisk, speaking=lambda: False) as guard:
        asterisk.say(begins(CALLER))
        await heard(asterisk, guard, not_speaking=1)
    assert asterisk.asked("Getvar", Channel=CALLER) == asterisk.asked("Redirect") == []


async def test_with_trunks_named_only_their_calls_are_taken_out(asterisk: FakeAsterisk) -> None:
    local = "Local/203@ext-local-00000001;2"
    channels = (CALLER, "PJSIP/201-00000001", "PJSIP/trunk-two-00000001", local)
    for channel in channels:
        enters(asterisk, channel)
    async with watching(asterisk, trunks=("trunk",)) as guard:
        asterisk.say(b"".join(begins(channel) for channel in channels))
        await heard(asterisk, guard, rescued=2, spared=2)
    assert [one["Channel"] for one in asterisk.asked("Redirect")] == [CALLER, local]


async def test_a_wrong_secret_is_told_and_tried_again_seldom(asterisk: FakeAsterisk) -> None:
    async with watching(asterisk, secret="wrong", up=False) as guard:
        await asterisk.until(lambda: guard.counters.connection.refused_logins >= 2)
        assert guard.down_because == "the PBX refused the login of router-guard: Authentication failed"
        assert not guard.counters.connection.up
        asterisk.secret = "wrong"
        await asterisk.until(lambda: guard.counters.connection.up)
        assert guard.down_because == ""
    assert asterisk.most_at_once == 1


async def test_a_pbx_that_falls_silent_is_found_out_and_watched_again(asterisk: FakeAsterisk) -> None:
    enters(asterisk, CALLER)
    async with watching(asterisk, timing=replace(QUICK, pong_within=0.2, login_within=0.2)) as guard:
        asterisk.mute = True
        await asterisk.until(lambda: guard.down_because == "Ping: no answer within 0.2 s")
        asterisk.mute = False
        await asterisk.until(lambda: guard.counters.connection.up)
        asterisk.say(begins(CALLER))
        await heard(asterisk, guard, rescued=1)


async def test_what_was_not_answered_before_a_break_is_not_sent_after_it(asterisk: FakeAsterisk) -> None:
    enters(asterisk, CALLER)
    enters(asterisk, OTHER)
    asterisk.scripts["Redirect"] = lambda _, action: None
    async with watching(asterisk) as guard:
        asterisk.say(begins(CALLER))
        await asterisk.until(lambda: asterisk.asked("Redirect"))
        asterisk.drop()
        await asterisk.until(lambda: guard.counters.connection.logins == 2)
        del asterisk.scripts["Redirect"]
        asterisk.say(begins(OTHER))
        await asterisk.until(lambda: guard.counters.hints.get(Outcome.RESCUED) == 1)
    assert [one["Channel"] for one in asterisk.asked("Redirect")] == [CALLER, OTHER]


@pytest.mark.parametrize(
    ("applications", "trunks", "said"),
    [
        (("VoiceMail", "VoiceMailMain"), (), "own messages"),
        (("voicemailmain",), (), "own messages"),
        (("Voice Mail",), (), "letters and digits"),
        ((), (), "nothing to guard"),
        (("VoiceMail",), ("PJSIP/trunk",), "without PJSIP/"),
    ],
)
def test_a_guard_that_would_do_harm_or_nothing_is_refused(
    applications: tuple[str, ...], trunks: tuple[str, ...], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        GuardSettings(ami=AmiSettings(secret="x"), applications=applications, trunks=trunks)


def test_a_secret_is_not_shown() -> None:
    assert "hush" not in repr(GuardSettings(ami=AmiSettings(secret="hush")))


async def heard(asterisk: FakeAsterisk, guard: Guard, **outcomes: int) -> None:
    """Wait until just these hints have been followed; the guard's Pings are the clock."""
    wanted = {Outcome(name): count for name, count in outcomes.items()}
    await asterisk.until(lambda: dict(guard.counters.hints) == wanted)
