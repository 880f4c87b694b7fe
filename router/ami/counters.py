"""What has the link done so far, and what did it refuse to hear?"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Dropped(StrEnum):
    """Why a message was not heard."""

    NOT_OURS = "not_ours"  # an event of the PBX that is none of our UserEvents
    UNASKED = "unasked"  # an answer to nothing we asked, or to what we no longer wait for
    REPEATED_KEY = "repeated_key"  # a key stands twice: somebody's text broke out of its field
    BROKEN = "broken"  # a line without a key, or a control character
    WRONG_TOKEN = "wrong_token"  # of a time before our login, for another router, or forged
    MALFORMED = "malformed"  # one of our UserEvents or journal entries with a field that can't be
    TOO_LONG = "too_long"
    UNHEARD = "unheard"  # our own listener raised


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """A snapshot. `round_trip` and `skew` (the PBX's clock minus ours) are in seconds, None before the first Ping."""

    up: bool  # this router is the one that is heard
    stands_by: bool  # another is, and this one would take over
    since: datetime | None  # when it became so
    took_over: int  # how often this process became the one that is heard
    logins: int
    refused_logins: int
    connections_lost: int
    actions: int
    actions_timed_out: int
    actions_refused: int
    events: Mapping[str, int]
    dropped: Mapping[Dropped, int]
    round_trip: float | None
    skew: float | None


@dataclass(slots=True)
class Tally:
    """Where the rooms of this door count; only the link hands out snapshots."""

    up: bool = False
    stands_by: bool = False
    since: datetime | None = None
    took_over: int = 0
    logins: int = 0
    refused_logins: int = 0
    connections_lost: int = 0
    actions: int = 0
    actions_timed_out: int = 0
    actions_refused: int = 0
    events: Counter[str] = field(default_factory=Counter)
    dropped: Counter[Dropped] = field(default_factory=Counter)
    round_trip: float | None = None
    skew: float | None = None

    def stand(self, *, up: bool, stands_by: bool, at: datetime) -> None:
        """Note how this router stands to the PBX; the time is when that began."""
        if (up, stands_by) != (self.up, self.stands_by) or self.since is None:
            self.up, self.stands_by, self.since = up, stands_by, at

    def snapshot(self) -> Counters:
        return Counters(
            up=self.up,
            stands_by=self.stands_by,
            since=self.since,
            took_over=self.took_over,
            logins=self.logins,
            refused_logins=self.refused_logins,
            connections_lost=self.connections_lost,
            actions=self.actions,
            actions_timed_out=self.actions_timed_out,
            actions_refused=self.actions_refused,
            events=dict(self.events),
            dropped=dict(self.dropped),
            round_trip=self.round_trip,
            skew=self.skew,
        )
