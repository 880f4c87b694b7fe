"""Which pieces of the PBX's journal tell what ended while we were away?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from router.ami.dialplan import DB_ENDED
from router.ami.outbound import Fields

KEPT = timedelta(days=7)  # a weekday's name comes round again then, and the dialplan clears it before
MARGIN = timedelta(minutes=1)  # an entry's minute is taken a little before its event is sent
TOLD_WITHIN = timedelta(seconds=10)  # from the time in an entry to its event; milliseconds, unless Asterisk swaps

# A short absence is read minute by minute: after an hour of 10 calls/s its whole hour would be 72,000 entries, of which
# nearly all were heard when they happened; reading them took 0.5 s, and taking them in held up every call for seconds.
SHORT = timedelta(minutes=10)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A minute or an hour of the journal, by its beginning (UTC)."""

    begins: datetime
    lasts: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class OnRecord:
    """What the records tell: every end up to `until`, and which calls have none yet, each with when it arrived."""

    until: datetime
    open: Mapping[str, datetime] = field(default_factory=dict)


def pieces_to_read(since: datetime | None, now: datetime, *, by_minute: bool = False) -> Iterator[Piece]:
    """The journal from `since` to `now`, both by the PBX's clock, in order; all that is kept when None."""
    lasts = MINUTE if by_minute or (since and now - since <= SHORT) else HOUR
    latest = _beginning(now + MARGIN, lasts)
    first = _beginning(max(since - MARGIN, now - KEPT) if since else now - KEPT, lasts)
    earliest = latest - KEPT + lasts  # a piece before would have the name of one that is in the list
    begins = max(first, earliest)
    while begins <= latest:
        yield Piece(begins=begins, lasts=lasts)
        begins += lasts


def read_piece(piece: Piece) -> Fields:
    """The action that lists what ended in it."""
    at = piece.begins
    weekday = at.isoweekday() % 7  # the PBX counts from Sunday
    key = f"{at:%H}" if piece.lasts == HOUR else f"{at:%H/%M}"
    return {"Action": "DBGetTree", "Family": f"{DB_ENDED}{weekday}", "Key": key}


def _beginning(at: datetime, lasts: timedelta) -> datetime:
    whole = at.astimezone(UTC).replace(second=0, microsecond=0)
    return whole.replace(minute=0) if lasts == HOUR else whole
