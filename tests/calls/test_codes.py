"""Does a code mean what the contract says, on whosever phone it is dialled?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.calls.codes import GoesAway, Said, read_code, shown
from router.calls.events import Code, CodeDialled
from router.calls.orders import Word
from router.calls.presence import Presence
from router.routing.configuration import Put
from router.routing.model import PersonState
from router.routing.table import Table
from tests.calls.company import CARL, CORA, MONDAY_NOON, company

BERLIN = replace(company(), time_zone="Europe/Berlin")
OUT = {CARL.id: Presence(person=CARL.id, signed_in=False, since=MONDAY_NOON)}
PAUSING = {CARL.id: Presence(person=CARL.id, paused_until=MONDAY_NOON + timedelta(minutes=5), since=MONDAY_NOON)}


def dialled(code: Code, digits: str = "", phone: str = "carl", now: datetime = MONDAY_NOON) -> CodeDialled:
    return CodeDialled(call_id="pbx:1760000000.9", channel="c", phone=phone, code=code, digits=digits, at=now)


def word(code: Code, digits: str = "", presences: Any = ()) -> Word | None:
    read = read_code(dialled(code, digits), company(), dict(presences))
    return read.word if isinstance(read, Said) else None


def test_in_and_out_mean_what_they_say_however_often() -> None:
    assert word(Code.SIGN_IN) is Word.SIGNED_IN
    assert word(Code.SIGN_IN, presences=OUT) is Word.SIGNED_IN
    assert word(Code.SIGN_OUT) is Word.SIGNED_OUT
    assert word(Code.SIGN_OUT, presences=OUT) is Word.SIGNED_OUT


def test_a_pause_dialled_again_ends() -> None:
    assert word(Code.PAUSE) is Word.PAUSED
    assert word(Code.PAUSE, presences=PAUSING) is Word.RESUMED
    assert word(Code.PAUSE, "15", presences=PAUSING) is Word.PAUSED, "with minutes it begins anew"


def test_who_is_signed_out_does_not_pause_and_is_told_so() -> None:
    assert word(Code.PAUSE, "15", presences=OUT) is Word.SIGNED_OUT


@pytest.mark.parametrize("digits", ["0", "000", "721", "999"])
def test_a_pause_of_no_time_or_too_much_is_not_possible(digits: str) -> None:
    assert read_code(dialled(Code.PAUSE, digits), company(), {}) is None


@pytest.mark.parametrize(
    ("digits", "now", "until"),
    [
        ("1430", "2026-03-02 12:00", "2026-03-02 13:30"),
        ("1430", "2026-03-02 13:30", "2026-03-03 13:30"),  # it is just that time: tomorrow
        ("0800", "2026-03-02 12:00", "2026-03-03 07:00"),
        ("0230", "2026-03-28 12:00", "2026-03-29 01:30"),  # a night in which the clock skips this time
        ("0230", "2026-10-25 00:45", "2026-10-25 01:30"),  # one in which it comes twice, and has come once
    ],
)
def test_away_until_is_a_time_by_the_companys_clock(digits: str, now: str, until: str) -> None:
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    read = read_code(dialled(Code.AWAY, digits, now=at), BERLIN, {})
    assert isinstance(read, GoesAway)
    assert read.until == datetime.fromisoformat(until).replace(tzinfo=UTC)


@pytest.mark.parametrize("digits", ["2400", "1260", "9999"])
def test_a_time_that_no_clock_shows_is_not_possible(digits: str) -> None:
    assert read_code(dialled(Code.AWAY, digits), company(), {}) is None


def test_away_without_a_time_is_back() -> None:
    assert read_code(dialled(Code.AWAY), company(), {}) == GoesAway(person=CARL, until=None)


@pytest.mark.parametrize("state", [PersonState.LEFT, PersonState.LEAVING])
def test_of_somebody_who_leaves_the_table_can_not_say_that_they_are_away(state: PersonState) -> None:
    table = company().with_change(Put(entity=replace(CARL, state=state)))
    assert read_code(dialled(Code.AWAY, "1430"), table, {}) is None


def test_the_phone_shows_how_its_owner_stands_and_who_takes_over() -> None:
    both = OUT | {CORA.id: Presence(person=CORA.id, signed_in=False, since=MONDAY_NOON)}
    assert shown(CARL, company(), {}, MONDAY_NOON) == "Carl is there."
    assert shown(CARL, company(), OUT, MONDAY_NOON) == "Carl is signed out since 12:00."
    assert shown(CARL, company(), both, MONDAY_NOON).endswith("callers wait until somebody is.")


@given(st.sampled_from(Code), st.from_regex(r"[0-9]{0,4}", fullmatch=True), st.text(max_size=20), st.booleans())
def test_whatever_is_dialled_on_whichever_phone_nothing_is_raised(
    code: Code, digits: str, phone: str, nobodys: bool
) -> None:
    table: Table = company()
    read = read_code(dialled(code, digits, phone=phone if nobodys else "carl"), table, {})
    if nobodys and table.person_of_endpoint(phone) is None:
        assert read is None
