"""Are the right hours of the journal read, each once?"""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from router.ami.journal import MARGIN, hours_to_read, read_hour

NOON = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)  # a Saturday


def test_an_absence_within_an_hour_is_one_question() -> None:
    assert [read_hour(hour) for hour in hours_to_read(NOON - timedelta(minutes=5), NOON)] == [
        {"Action": "DBGetTree", "Family": "router-ended-6", "Key": "12"}
    ]


def test_an_absence_over_midnight_reads_both_days() -> None:
    midnight = NOON.replace(hour=0, minute=10)
    read = [read_hour(hour) for hour in hours_to_read(midnight - timedelta(hours=1), midnight)]
    assert [(one["Family"], one["Key"]) for one in read] == [("router-ended-5", "23"), ("router-ended-6", "00")]


def test_at_the_first_start_a_whole_week_is_read_and_sunday_is_the_zeroth_day() -> None:
    asked = [(one["Family"], one["Key"]) for one in map(read_hour, hours_to_read(None, NOON))]
    assert len(asked) == len(set(asked)) == 7 * 24
    assert ("router-ended-0", "00") in asked


instants = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 (hypothesis adds the zone)


@given(instants, st.timedeltas(timedelta(), timedelta(days=30)), st.floats(0, 1))
def test_every_end_in_the_last_week_lies_in_exactly_one_hour_that_is_read(
    now: datetime, absence: timedelta, when: float
) -> None:
    since = now - absence
    hours = list(hours_to_read(since, now))
    ended = now - min(absence, timedelta(days=6, hours=22)) * when
    found = [hour for hour in hours if hour <= ended < hour + timedelta(hours=1)]
    assert len(found) == 1
    assert len(hours) <= 7 * 24
    assert len({(read_hour(hour)["Family"], hour.hour) for hour in hours}) == len(hours)


@given(instants)
def test_an_entry_of_the_very_turn_of_the_hour_is_read(now: datetime) -> None:
    hours = list(hours_to_read(now, now))
    assert hours[0] <= now - MARGIN
    assert now + MARGIN < hours[-1] + timedelta(hours=1)
