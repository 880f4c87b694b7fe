"""Does a log that is read while it grows tell the same as the whole log at its end?"""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from router.lab.witness import Placed, Rung, joined, leg_of, legs
from tests.chaos.following import REPEATED_WITHIN, Following

HEAD = "-" * 47
APART = 4.0  # seconds from one leg's beginning to the next one's


def _entry(second: float, what: str, text: str) -> bytes:
    raw = text.replace("\n", "\r\n").encode()
    minutes, seconds = divmod(second, 60)
    head = f"{HEAD} 2026-03-01T09:{int(minutes):02}:{seconds:09.6f}Z\nUDP message {what} [{len(raw)}] bytes:\n\n"
    return head.encode() + raw + b"\n"


def _leg(number: int, begins: float, told_elsewhere: bool) -> list[tuple[float, bytes]]:
    """A phone that is rung, answers and is let go."""

    def message(second: float, what: str, first: str, method: str, more: str = "") -> tuple[float, bytes]:
        lines = f"{first}\nFrom: <sip:{number}@127.0.0.1>;tag=a\nCall-ID: p{number}\nCSeq: 1 {method}\n{more}\n"
        return second, _entry(second, what, lines)

    invite = message(begins, "received", "INVITE sip:anna@127.0.0.1 SIP/2.0", "INVITE")
    reason = 'Reason: SIP;cause=200;text="Call completed elsewhere"\n' if told_elsewhere else ""
    return [
        invite,
        invite,  # repeated
        message(begins + 0.1, "sent", "SIP/2.0 180 Ringing", "INVITE"),
        message(begins + 1.0, "sent", "SIP/2.0 200 OK", "INVITE"),
        message(begins + 50.0, "received", "BYE sip:anna@127.0.0.1 SIP/2.0", "BYE", reason),
        message(begins + 50.1, "sent", "SIP/2.0 200 OK", "BYE"),
    ]


def _log_of(count: int) -> bytes:
    entries = [entry for number in range(count) for entry in _leg(number, number * APART, number % 3 == 0)]
    return b"".join(entry for _, entry in sorted(entries, key=lambda entry: entry[0]))


LEGS = 30
LOG = _log_of(LEGS)


@given(cuts=st.lists(st.integers(0, len(LOG)), max_size=30))
def test_a_log_read_in_pieces_tells_what_the_whole_log_tells(cuts: list[int]) -> None:
    with TemporaryDirectory() as folder:
        log = Path(folder) / "messages.log"
        following = Following[Rung](log, leg_of)
        for end in [*sorted(cuts), len(LOG)]:
            log.write_bytes(LOG[:end])
            following.read()
        following.finish()
        whole = legs(log)

    assert {leg.caller: _without_messages(leg) for leg in following.over} == {
        leg.caller: _without_messages(leg) for leg in whole
    }
    assert len(following.over) == len(whole) == LEGS
    assert _sent_home(following.over) == _sent_home(whole) == LEGS // 3


def test_only_what_still_goes_on_is_kept_whole(tmp_path: Path) -> None:
    log = tmp_path / "messages.log"
    log.write_bytes(LOG)
    following = Following[Rung](log, leg_of)
    following.read()

    assert len(following.living()) + len(following.over) == LEGS
    assert len(following.living()) < REPEATED_WITHIN.total_seconds() / APART + 1
    assert {message.method for leg in following.over for message in leg.messages} == {"BYE"}


def test_a_log_that_nobody_writes_yet_tells_nothing(tmp_path: Path) -> None:
    following = Following[Rung](tmp_path / "messages.log", leg_of)
    following.finish()

    assert following.over == following.living() == []


def _without_messages(leg: Rung) -> Rung:
    return replace(leg, messages=())


def _sent_home(rung: list[Rung]) -> int:
    """How many of the phones are known to have been told that another had the call."""
    began = min(leg.invited_at for leg in rung)
    callers = [
        Placed(
            caller=leg.caller, dialled="x", invited_at=began, rang_at=None, answered_at=leg.answered_at,
            ended_at=leg.ended_at, status=200, hung_up=True, messages=(),
        )
        for leg in rung
    ]  # fmt: skip
    return sum(1 for call in joined(callers, rung).calls if not call.answered_by)
