"""Does the clock on the wall decide, also in the nights when it is set?"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from holidays import country_holidays
from hypothesis import given, settings
from hypothesis import strategies as st
from opening_hours import OpeningHours

from router.routing.hours import LOOK_AHEAD, is_open, next_change, next_changes, next_opening, spell_at
from router.routing.model import Hours, Opening, SpecialDays
from router.routing.public_holidays import YEARS, UnknownPlace, holiday_name, prepare
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


# ── Special days and public holidays ─────────────────────────────────────────────────────────────────────────────────


CHRISTMAS_BREAK = SpecialDays(first_day=date(2026, 12, 24), last_day=date(2026, 12, 31), label="Christmas break")
BUT_ON_MONDAY = SpecialDays(
    first_day=date(2026, 12, 28), last_day=date(2026, 12, 28), opens=600, closes=720, label="Skeleton staff"
)


def test_closed_special_days_are_closed_and_the_week_goes_on_behind_them() -> None:
    closed = replace(OFFICE, days=(CHRISTMAS_BREAK,))

    assert not is_open(closed, at("2026-12-28T11:00"))
    assert next_opening(closed, at("2026-12-23T19:00")) == at("2027-01-01T08:00")


def test_a_day_that_is_open_within_a_closed_stretch_opens_at_its_own_times() -> None:
    closed = replace(OFFICE, days=(CHRISTMAS_BREAK, BUT_ON_MONDAY))

    opened = [hour for hour in range(24) if is_open(closed, at(f"2026-12-28T{hour:02}:00"))]

    assert opened == [10, 11]


def test_a_public_holiday_is_closed_in_the_part_of_the_country_that_keeps_it() -> None:
    reformation_day = at("2025-10-31T12:00")  # kept in Hamburg, not in Bavaria

    in_hamburg, in_bavaria = (replace(OFFICE, country="DE", subdivision=part) for part in ("HH", "BY"))

    assert (is_open(in_hamburg, reformation_day), is_open(in_bavaria, reformation_day)) == (False, True)
    assert (spell_at(in_hamburg, reformation_day).occasion, spell_at(in_bavaria, reformation_day).occasion) == (
        "Reformation Day",
        "",
    )


def test_special_days_come_before_a_public_holiday() -> None:
    sales = SpecialDays(first_day=date(2026, 5, 1), last_day=date(2026, 5, 1), opens=600, closes=720, label="Open day")
    hours = replace(OFFICE, country="DE", days=(sales,))

    assert is_open(hours, at("2026-05-01T11:00"))
    assert spell_at(hours, at("2026-05-01T13:00")).occasion == "Open day"


def test_a_shift_that_began_the_evening_before_lasts_into_the_closed_day() -> None:
    shift = replace(NIGHT_SHIFT, days=(SpecialDays(first_day=date(2026, 3, 7), last_day=date(2026, 3, 7)),))

    assert is_open(shift, at("2026-03-07T05:59"))
    assert not is_open(shift, at("2026-03-07T06:00"))


def test_a_spell_ends_with_the_day_whose_occasion_it_tells() -> None:
    closed = replace(OFFICE, country="DE", days=(CHRISTMAS_BREAK,))

    spell = spell_at(closed, at("2026-12-24T15:00"))

    assert (spell.occasion, spell.ends) == ("Christmas break", at("2026-12-25T00:00"))
    assert spell.opens_next == at("2027-01-04T08:00")  # New Year's Day is a Friday


@pytest.mark.parametrize(("country", "subdivision"), [("XX", None), ("DE", "XX"), ("", "HH")])
def test_an_unknown_place_says_how_to_name_one(country: str, subdivision: str | None) -> None:
    with pytest.raises(UnknownPlace, match="ISO 3166"):
        prepare(country, subdivision)


def test_a_year_that_was_not_prepared_is_known_as_well() -> None:
    assert YEARS.stop <= 2050
    assert holiday_name("DE", None, date(2050, 5, 1)) == "Labor Day"


# ── Against an oracle ────────────────────────────────────────────────────────────────────────────────────────────────


def as_osm(hours: Hours) -> OpeningHours:
    """The same schedule as OpenStreetMap writes it."""
    rules = (f"{WEEKDAYS[o.weekday]} {_clock(o.opens)}-{_clock(o.closes)}" for o in hours.week)
    return _oracle(", ".join(rules), hours)


def as_osm_of_dates(hours: Hours, around: date) -> OpeningHours:
    """The days around this one, each written out as a plain reading of special days, holidays and week has it."""
    days = (around + timedelta(days=n) for n in range(-3, 4))
    rules = (f"{day:%Y %b %d} {_clock(a)}-{_clock(b)}" for day in days for a, b in _times_on(hours, day))
    return _oracle(", ".join(rules), hours)


def _times_on(hours: Hours, day: date) -> list[tuple[int, int]]:
    special = [d for d in hours.days if d.first_day <= day <= d.last_day]
    if special:
        return [(d.opens, d.closes) for d in special if d.opens is not None and d.closes is not None]
    if hours.country and day in country_holidays(hours.country, subdiv=hours.subdivision, years=day.year):
        return []
    return [(o.opens, o.closes) for o in hours.week if o.weekday == day.weekday()]


def _oracle(rules: str, hours: Hours) -> OpeningHours:
    return OpeningHours(rules or "24/7 off", timezone=ZoneInfo(hours.time_zone))


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


@settings(max_examples=many(200, 3000))
@given(hours(), st.lists(instants(), min_size=5, max_size=20))
def test_opening_hours_py_says_the_same(hours: Hours, moments: list[datetime]) -> None:
    hours = replace(hours, country=None, subdivision=None, days=())
    oracle = as_osm(hours)

    for moment in moments:
        assert is_open(hours, moment) == oracle.is_open(moment.replace(tzinfo=ZoneInfo("UTC")))


@settings(max_examples=many(150, 3000))
@given(hours(), st.lists(instants(), min_size=3, max_size=6))
def test_opening_hours_py_says_the_same_of_special_days_and_holidays(hours: Hours, moments: list[datetime]) -> None:
    for moment in moments:
        oracle = as_osm_of_dates(hours, moment.astimezone(ZoneInfo(hours.time_zone)).date())

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
