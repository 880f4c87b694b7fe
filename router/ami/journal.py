"""Which hours of the PBX's journal tell what ended while we were away?"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from router.ami.dialplan import DB_ENDED
from router.ami.outbound import Fields

KEPT = timedelta(days=7)  # a weekday's name comes round again then, and the dialplan clears it before
MARGIN = timedelta(minutes=1)  # an entry's hour is taken a little before its event is sent


def hours_to_read(since: datetime | None, now: datetime) -> Iterator[datetime]:
    """The beginnings of the hours (UTC) from `since` to `now`, both by the PBX's clock; all that are kept when None."""
    latest = _hour(now + MARGIN)
    first = _hour(max(since - MARGIN, now - KEPT)) if since else _hour(now - KEPT)
    earliest = latest - KEPT + timedelta(hours=1)  # an hour before would have the name of one that is in the list
    hour = max(first, earliest)
    while hour <= latest:
        yield hour
        hour += timedelta(hours=1)


def read_hour(hour: datetime) -> Fields:
    """The action that lists what ended in this hour."""
    weekday = hour.isoweekday() % 7  # the PBX counts from Sunday
    return {"Action": "DBGetTree", "Family": f"{DB_ENDED}{weekday}", "Key": f"{hour.hour:02}"}


def _hour(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
