"""Does the clock on the wall decide, also in the nights when it is set?"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opening_hours import OpeningHours

from router.routing.hours import LOOK_AHEAD, is_open, next_change, next_changes, next_opening, spell_at
from router.routing.model import Hours, Opening
from tests.proof import many
from tests.routing.companies import hours, instants

WEEKDAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")


def berlin(*week: Opening) -> Hours:
    return Hours(id=1, name="office", time_zone="Europe/Berlin", week=week)


def at(wall: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(wall).replace(tzinfo=ZoneInfo("Europe/Berlin"), fold=fold).astimezone(UTC)


OFFICE = berlin(*(Opening(weekday=day, opens=8 * 60, closes=18 * 60) for day in range(5)))
NIGHT_SHIFT = berlin(Opening(weekday=4, opens=22 * 60, closes=30 * 60))


def test_it_is_open_from_the_first_minute_to_before_the_last() -> None:
    assert not is_open(OFFICE, at("2026-03-02T07:59:59"))
    assert is_open(OFFICE, at("2026-03-02T08:00"))
    assert is_open(OFFICE, at("2026-03-02T17:59:59"))
    assert not is_open(OFFICE, at("2026-03-02T18:00"))


def test_a_friday_night_shift_lasts_into_saturday() -> None:
    assert is_open(NIGHT_SHIFT, at("2026-03-07T05:59"))
    assert not is_open(NIGHT_SHIFT, at("2026-03-07T06:00"))
    assert not is_open(NIGHT_SHIFT, at("2026-03-06T05:00"))


def test_on_friday_evening_the_office_opens_again_on_monday() -> None:
    assert next_opening(OFFICE, at("2026-03-06T19:00")) == at("2026-03-09T08:00")


def test_while_it_is_open_the_next_change_is_closing_time() -> None:
    assert next_change(OFFICE, at("2026-03-06T12:00")) == at("2026-03-06T18:00")


def test_hours_without_any_opening_never_open() -> None:
    assert next_opening(berlin(), at("2026-03-06T12:00")) is None


def test_an_opening_in_the_hour_that_is_skipped_waits_for_the_next_week() -> None:
    skipped = berlin(Opening(weekday=6, opens=135, closes=165))  # 29 March 2026 has no 02:15

    assert next_opening(skipped, at("2026-03-23T12:00")) == at("2026-04-05T02:15")


def test_an_opening_that_begins_in_the_skipped_hour_begins_when_the_clock_is_set() -> None:
    early = berlin(Opening(weekday=6, opens=150, closes=300))

    assert next_opening(early, at("2026-03-29T01:00")) == at("2026-03-29T03:00")


def test_the_hour_that_comes_twice_is_open_twice() -> None:
    twice = berlin(Opening(weekday=6, opens=120, closes=150))  # on 25 October 2026

    assert [moment for moment, _ in next_changes(twice, at("2026-10-25T00:00"))][:4] == [
        at("2026-10-25T02:00", fold=0),
        at("2026-10-25T02:30", fold=0),
        at("2026-10-25T02:00", fold=1),
        at("2026-10-25T02:30", fold=1),
    ]


def test_an_unknown_zone_says_what_a_known_one_looks_like() -> None:
    with pytest.raises(ValueError, match="Europe/Berlin"):
        is_open(Hours(id=1, name="odd", time_zone="Berlin/Mitte"), at("2026-03-06T12:00"))


def as_osm(hours: Hours) -> OpeningHours:
    """The same schedule as OpenStreetMap writes it."""
    rules = (f"{WEEKDAYS[o.weekday]} {_clock(o.opens)}-{_clock(o.closes)}" for o in hours.week)
    return OpeningHours(", ".join(rules) or "24/7 off", timezone=ZoneInfo(hours.time_zone))


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


@settings(max_examples=many(300, 3000))
@given(hours(), st.lists(instants(), min_size=5, max_size=20))
def test_opening_hours_py_says_the_same(hours: Hours, moments: list[datetime]) -> None:
    oracle = as_osm(hours)

    for moment in moments:
        assert is_open(hours, moment) == oracle.is_open(moment.replace(tzinfo=ZoneInfo("UTC")))


@settings(max_examples=many(60, 600))
@given(hours(), instants(), st.integers(0, 59))
def test_nothing_changes_before_the_next_change(hours: Hours, now: datetime, seconds: int) -> None:
    now += timedelta(seconds=seconds)
    change = next_change(hours, now)
    before = change or now + timedelta(days=LOOK_AHEAD - 1)

    for minute in range(0, min(3000, int((before - now).total_seconds() // 60)), 7):
        assert is_open(hours, now + timedelta(minutes=minute)) == is_open(hours, now)
    if change:
        assert change > now
        assert is_open(hours, change) != is_open(hours, now)
        assert is_open(hours, change - timedelta(seconds=1)) == is_open(hours, now) or change - now < timedelta(
            seconds=1
        )


@settings(max_examples=many(100, 1000))
@given(hours(), instants(), st.floats(0, 1))
def test_a_spell_says_for_as_long_as_it_holds_what_is_true(hours: Hours, now: datetime, part: float) -> None:
    spell = spell_at(hours, now)
    later = now + (spell.ends - now) * part

    assert spell.holds_at(now)
    if spell.holds_at(later):
        assert is_open(hours, later) == spell.open
        assert spell.open or next_opening(hours, later) == spell.opens_next or spell.opens_next is None
