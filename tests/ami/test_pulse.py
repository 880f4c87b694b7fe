"""Is it measured how far away a PBX is, without disturbing anybody?"""

from datetime import UTC, datetime

import pytest

from router.ami.connection import LoginRefused
from router.ami.link import AmiSettings
from router.ami.pulse import ECHO, ECHOES, Pulse, feel_pulse
from tests.ami.conftest import QUICK
from tests.ami.fake_asterisk import Connection, FakeAsterisk, Fields, answer, message


async def feel(asterisk: FakeAsterisk, secret: str = "right", heard_within: float = 2.0) -> Pulse:
    settings = AmiSettings(port=asterisk.port, secret=secret)
    return await feel_pulse(settings, lambda: datetime.now(UTC), heard_within=heard_within, timing=QUICK)


def echoes(_: Connection, action: Fields) -> bytes:
    """As Asterisk 22 does it: the event, with the ActionID of who asked, comes before the answer."""
    body = {name: value for name, value in action.items() if name not in ("Action", "UserEvent")}
    event = message(Event="UserEvent", Privilege="user,all", UserEvent=action["UserEvent"], **body)
    return event + answer(action, "Success", Message="Event Sent")


async def test_a_clock_that_is_ahead_a_heartbeat_and_events_are_measured(asterisk: FakeAsterisk) -> None:
    asterisk.ahead = 90.0
    asterisk.globals["ROUTER_BEAT"] = str(int(asterisk.clock) - 3)
    asterisk.scripts["UserEvent"] = echoes

    pulse = await feel(asterisk)

    assert pulse.ahead == pytest.approx(90.0, abs=1.0)
    assert pulse.heartbeat == pytest.approx(3.0, abs=2.0)
    assert len([echo for echo in pulse.echoes if echo is not None]) == ECHOES
    assert {event["UserEvent"] for event in asterisk.asked("UserEvent")} == {ECHO}
    assert asterisk.asked("Setvar") == [], "it sets nothing"
    await asterisk.until(lambda: not asterisk.connections)


async def test_a_pbx_that_has_heard_no_router_and_lets_us_raise_no_event(asterisk: FakeAsterisk) -> None:
    asterisk.scripts["UserEvent"] = lambda _, action: answer(action, "Error", Message="Permission denied")

    pulse = await feel(asterisk)

    assert (pulse.heartbeat, pulse.echoes, pulse.why_not) == (None, (), "Permission denied")


async def test_somebody_elses_echo_is_not_ours(asterisk: FakeAsterisk) -> None:
    def another(_: Connection, action: Fields) -> bytes:
        event = message(Event="UserEvent", Privilege="user,all", UserEvent=ECHO, Word="guessed", Last="x")
        return event + answer(action, "Success", Message="Event Sent")

    asterisk.scripts["UserEvent"] = another

    assert (await feel(asterisk, heard_within=0.05)).echoes == (None,)


async def test_a_refused_login_is_told_as_such(asterisk: FakeAsterisk) -> None:
    with pytest.raises(LoginRefused):
        await feel(asterisk, secret="wrong")
