"""At which instants of the coming year does it make a difference when somebody calls?

Between two edges (something opens or closes, an override or a cover begins or ends, somebody leaves) every decision
stays the same; and of the instants at which the same is open and in force one is as good as all of them, so a year
comes down to a handful.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from router.routing.hours import LOOK_AHEAD, is_open, next_changes
from router.routing.model import Hours
from router.routing.table import Table

AHEAD = timedelta(days=366)  # every holiday comes once in it

Span = tuple[datetime, datetime | None]  # from, until before; None: without end


class Moments:
    """The instants that count for this table, from `now` on. What it found out about hours it keeps."""

    def __init__(self, table: Table, now: datetime) -> None:
        self._table = table
        self._now = now
        self._end = now + AHEAD
        self._changes: dict[int, tuple[bool, list[datetime]]] = {}
        self._of_hours: dict[frozenset[int], list[datetime]] = {}

    def of(self, hours: frozenset[int], spans: Iterable[Span] = (), points: Iterable[datetime] = ()) -> list[datetime]:
        """One instant for each way in which these hours can be open and closed while these spans do or don't hold.

        Ascending, the first is now; `points` are instants after which something is different for good.
        """
        edges = [(at, 0) for at in points if self._now < at < self._end]
        bits = 0
        for nth, (starts, ends) in enumerate(dict.fromkeys(spans), 1):
            bits |= (starts <= self._now and (ends is None or self._now < ends)) << nth
            edges += [(at, 1 << nth) for at in (starts, ends) if at is not None and self._now < at < self._end]
        if not edges:
            if hours not in self._of_hours:
                self._of_hours[hours] = list(self._sweep(hours, [], 0))
            return self._of_hours[hours]
        return list(self._sweep(hours, edges, bits))

    def never_opens(self, hours_id: int | None) -> bool:
        """Whether these hours are closed from now on for a whole year."""
        if hours_id is None or hours_id not in self._table.hours:
            return False
        is_open, changes = self._changes_of(hours_id)
        return not is_open and not changes

    def edges_of(self, hours_id: int) -> list[datetime]:
        """Each instant of the year at which these hours open or close."""
        return self._changes_of(hours_id)[1]

    def _sweep(self, hours: frozenset[int], edges: list[tuple[datetime, int]], bits: int) -> Iterator[datetime]:
        moving = list(edges)
        shift = max((bit for _, bit in edges), default=1).bit_length()
        for nth, hours_id in enumerate(sorted(hours), shift + 1):
            if hours_id in self._table.hours:
                _, changes = self._changes_of(hours_id)  # whether it is open now is the same for all: left out
                moving += [(at, 1 << nth) for at in changes]
        moving.sort()
        points = 0
        seen = {(bits, points)}
        yield self._now
        for nth, (at, bit) in enumerate(moving):
            bits ^= bit
            points += not bit
            if nth + 1 < len(moving) and moving[nth + 1][0] == at:
                continue  # what changes in the same instant changes together
            if (bits, points) not in seen:
                seen.add((bits, points))
                yield at

    def _changes_of(self, hours_id: int) -> tuple[bool, list[datetime]]:
        if hours_id not in self._changes:
            hours = self._table.hours[hours_id]
            self._changes[hours_id] = is_open(hours, self._now), list(_changes(hours, self._now, self._end))
        return self._changes[hours_id]


def _changes(hours: Hours, now: datetime, end: datetime) -> Iterator[datetime]:
    at = now
    while at < end:
        searched = at + timedelta(days=LOOK_AHEAD)
        for change, _ in next_changes(hours, at):
            if change <= searched and change < end:
                yield change
        at = searched
