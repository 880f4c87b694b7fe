"""Are the right pieces of the journal read, each once, and no more than need be?"""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from router.ami.journal import MARGIN, SHORT, pieces_to_read, read_piece

NOON = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)  # a Saturday


def keys(since: datetime | None, now: datetime) -> list[tuple[str, str]]:
    asked = [read_piece(piece) for piece in pieces_to_read(since, now)]
    assert {one["Action"] for one in asked} == {"DBGetTree"}
    return [(one["Family"], one["Key"]) for one in asked]


def test_after_a_short_absence_only_its_minutes_are_read_however_many_calls_the_hour_had() -> None:
    assert keys(NOON - timedelta(seconds=2), NOON) == [
        ("router-ended-6", minute) for minute in ("12/28", "12/29", "12/30", "12/31")
    ]


def test_a_longer_absence_within_an_hour_is_one_question() -> None:
    assert keys(NOON - timedelta(minutes=25), NOON) == [("router-ended-6", "12")]


def test_an_absence_over_midnight_reads_both_days() -> None:
    midnight = NOON.replace(hour=0, minute=10)
    assert keys(midnight - timedelta(hours=1), midnight) == [("router-ended-5", "23"), ("router-ended-6", "00")]
    just_after = NOON.replace(hour=0, minute=0)
    assert keys(just_after, just_after) == [
        ("router-ended-5", "23/59"), ("router-ended-6", "00/00"), ("router-ended-6", "00/01"),
    ]  # fmt: skip


def test_at_the_first_start_a_whole_week_is_read_and_sunday_is_the_zeroth_day() -> None:
    asked = keys(None, NOON)
    assert len(asked) == len(set(asked)) == 7 * 24
    assert ("router-ended-0", "00") in asked


instants = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 (hypothesis adds the zone)
absences = st.timedeltas(timedelta(), timedelta(days=30)) | st.timedeltas(timedelta(), SHORT * 1.1)


@given(instants, absences, st.floats(0, 1))
def test_every_end_in_the_last_week_lies_in_exactly_one_piece_that_is_read(
    now: datetime, absence: timedelta, when: float
) -> None:
    since = now - absence
    pieces = list(pieces_to_read(since, now))
    ended = now - min(absence, timedelta(days=6, hours=22)) * when
    found = [piece for piece in pieces if piece.begins <= ended < piece.begins + piece.lasts]
    assert len(found) == 1
    assert len(pieces) <= 7 * 24
    assert len(keys(since, now)) == len(set(keys(since, now)))


@given(instants, absences)
def test_an_entry_of_the_very_turn_of_a_piece_is_read(now: datetime, absence: timedelta) -> None:
    since = max(now - absence, now - timedelta(days=6))
    pieces = list(pieces_to_read(since, now))
    assert pieces[0].begins <= since - MARGIN
    assert now + MARGIN < pieces[-1].begins + pieces[-1].lasts
