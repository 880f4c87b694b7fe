"""Is it open now, and when does that change?

For each day special days come before public holidays, and these before the week. The clock on the wall decides: in the
night when it is set back, a wall time that comes twice is open both times; one that is skipped when it is set forward
is never reached. This is the only place where wall clocks and zones enter.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import islice
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from router.routing.model import Hours, Opening, SpecialDays
from router.routing.public_holidays import holiday_name

LOOK_AHEAD = 35  # days searched for the next change: longer than any closed season we would announce the end of

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """A stretch of time, from `begins` to before `ends`, in which it is open or closed throughout (instants in UTC).

    `opens_next` is when it opens after being closed, None beyond LOOK_AHEAD days. `occasion` says why the day is not
    like others of its weekday: a public holiday or the label of special days; "" when it is, or when nothing was said.
    """

    open: bool
    begins: datetime
    ends: datetime
    opens_next: datetime | None
    occasion: str = ""

    def holds_at(self, now: datetime) -> bool:
        """Whether this instant lies within the spell."""
        return self.begins <= now < self.ends


def is_open(hours: Hours, now: datetime) -> bool:
    """Whether it is open at this instant. Raises ValueError for an unknown time zone."""
    return _is_open_at(hours, now.astimezone(zone(hours.time_zone)))


def next_change(hours: Hours, now: datetime) -> datetime | None:
    """The next instant (UTC) at which open becomes closed or closed becomes open; None beyond LOOK_AHEAD days.

    Raises ValueError for an unknown time zone.
    """
    return next((at for at, _ in next_changes(hours, now)), None)


def next_opening(hours: Hours, now: datetime) -> datetime | None:
    """The next instant (UTC) from which it is open, after one at which it is closed; None beyond LOOK_AHEAD days.

    Raises ValueError for an unknown time zone.
    """
    return next((at for at, opens in next_changes(hours, now) if opens), None)


def next_time(wall: time, time_zone: str, now: datetime) -> datetime:
    """The next instant (UTC) at which a clock in `time_zone` shows this time of day.

    A time that is skipped when the clock is set forward counts as an hour later. Raises ValueError for an unknown zone.
    """
    here = zone(time_zone)
    today = now.astimezone(here).date()
    shown = (
        datetime.combine(today + days * _DAY, wall, tzinfo=here).replace(fold=fold).astimezone(UTC)
        for days in range(3)
        for fold in (0, 1)  # a time that comes twice
    )
    return next(instant for instant in shown if instant > now)


def spell_at(hours: Hours, now: datetime) -> Spell:
    """The spell that `now` lies in, known from `now` on. Takes up to a millisecond: keep it while it holds.

    Raises ValueError for an unknown time zone.
    """
    changes = list(islice(next_changes(hours, now), 2))
    ends = changes[0][0] if changes else now + LOOK_AHEAD * _DAY
    occasion = ""
    if hours.days or hours.country:  # then each day may have an occasion of its own
        wall = zone(hours.time_zone)
        today = now.astimezone(wall).date()
        occasion = _occasion_of(hours, today)
        ends = min(ends, datetime.combine(today + _DAY, time(), wall).astimezone(UTC))
    return Spell(
        open=is_open(hours, now),
        begins=now,
        ends=ends,
        opens_next=next((at for at, opens in changes if opens), None),
        occasion=occasion,
    )


def next_changes(hours: Hours, now: datetime) -> Iterator[tuple[datetime, bool]]:
    """Each change after `now` within LOOK_AHEAD days: its instant (UTC), and whether it opens then."""
    wall = zone(hours.time_zone)
    was_open = is_open(hours, now)
    first = now.astimezone(wall).date()
    for day in (first + n * _DAY for n in range(LOOK_AHEAD + 1)):
        for at in sorted(_moments(hours, day, wall)):
            if at > now and _is_open_at(hours, at.astimezone(wall)) != was_open:
                was_open = not was_open
                yield at, was_open


@cache  # there are some six hundred zones, and ZoneInfo's own cache is five times slower than this one
def zone(name: str) -> ZoneInfo:
    """The IANA zone of this name. Raises ValueError when there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as unknown:
        raise ValueError(f"no time zone {name!r}: give an IANA name such as Europe/Berlin") from unknown


def _is_open_at(hours: Hours, wall_time: datetime) -> bool:
    minute = wall_time.hour * 60 + wall_time.minute
    today = wall_time.date()
    return any(o.opens <= minute < o.closes for o in _openings_on(hours, today)) or any(
        o.closes > minute + 1440 >= o.opens for o in _openings_on(hours, today - _DAY)
    )


def _openings_on(hours: Hours, day: date) -> Iterable[Opening]:
    """What begins on this day."""
    weekday = day.weekday()
    if special := _special(hours, day):
        return tuple(
            Opening(weekday=weekday, opens=days.opens, closes=days.closes)
            for days in special
            if days.opens is not None and days.closes is not None
        )
    if _holiday_on(hours, day) is not None:
        return ()
    return (opening for opening in hours.week if opening.weekday == weekday)


def _occasion_of(hours: Hours, day: date) -> str:
    if special := _special(hours, day):
        return next((days.label for days in special if days.label), "")
    return _holiday_on(hours, day) or ""


def _special(hours: Hours, day: date) -> tuple[SpecialDays, ...]:
    return tuple([days for days in hours.days if days.first_day <= day <= days.last_day])


def _holiday_on(hours: Hours, day: date) -> str | None:
    return holiday_name(hours.country, hours.subdivision, day) if hours.country else None


def _moments(hours: Hours, day: date, wall: ZoneInfo) -> set[datetime]:
    """The instants of this day at which something may change: its opening and closing times, and a clock being set."""
    midnight = datetime.combine(day, time())
    minutes = {0}
    for opening in _openings_on(hours, day):
        minutes |= {opening.opens, opening.closes}
    for opening in _openings_on(hours, day - _DAY):
        minutes |= {opening.opens - 1440, opening.closes - 1440}
    moments = {
        (midnight + timedelta(minutes=minute)).replace(tzinfo=wall, fold=fold).astimezone(UTC)
        for minute in minutes
        if 0 <= minute < 1440
        for fold in (0, 1)  # a wall time that comes twice is two instants
    }
    start, end = (midnight + n * _DAY for n in (0, 1))
    begins, ends = (at.replace(tzinfo=wall) for at in (start, end))
    if begins.utcoffset() != ends.utcoffset():
        moments.add(_clock_set(begins.astimezone(UTC), ends.astimezone(UTC), wall))
    return moments


def _clock_set(before: datetime, after: datetime, wall: ZoneInfo) -> datetime:
    """The second between these two instants at which the zone's offset changes, by halving."""
    offset = before.astimezone(wall).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(wall).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after
