"""At which instants of the coming year does it make a difference when somebody calls?

Between two edges (something opens or closes, an override or a cover begins or ends, somebody leaves) every decision
stays the same; and of the instants at which the same is open and in force one is as good as all of them, so a year
comes down to a handful.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from router.routing.hours import LOOK_AHEAD, is_open, next_changes
from router.routing.model import Hours
from router.routing.table import Table

AHEAD = timedelta(days=366)  # every holiday comes once in it

# Finding out when one office opens and closes in a year takes 4 ms, most of a walk through a small table. A company has
# a few dozen hours; an entry is some 40 kB.
REMEMBERED = 64

Span = tuple[datetime, datetime | None]  # from, until before; None: without end


class Moments:
    """The instants that count for this table, from `now` on. What it found out about hours it keeps."""

    def __init__(self, table: Table, now: datetime, *, also: frozenset[int] = frozenset()) -> None:
        """`also`: hours that count beside those of lines, desks, rules and the members of the safety net."""
        self._table = table
        self._now = now
        self._end = now + AHEAD
        self._changes: dict[int, tuple[bool, list[datetime]]] = {}
        # Of all hours by which lines, desks, rules and the safety net go: a bit of each, and the first instant of each
        # combination. A few of these hours have the combinations of all, looked at through their bits alone.
        of_lines = (line.hours for line in table.lines.values())
        of_desks = (desk.hours for desk in table.desks.values())
        of_rules = (rule.hours for rule in table.rules)
        members = (table.people.get(member) for member in table.safety_net.members)
        of_members = (member.hours for member in members if member is not None)
        together = {
            one
            for one in (*of_lines, *of_desks, *of_rules, *of_members, *also)
            if one is not None and one in table.hours
        }
        self._bit = {hours_id: 1 << nth for nth, hours_id in enumerate(sorted(together))}
        self._combinations = self._swept([(at, bit) for one, bit in self._bit.items() for at in self.edges_of(one)])
        self._of_hours: dict[int, list[datetime]] = {}

    def of(self, hours: frozenset[int], spans: Iterable[Span] = (), points: Iterable[datetime] = ()) -> list[datetime]:
        """One instant for each way in which these hours can be open and closed while these spans do or don't hold.

        Ascending, the first is now; `points` are instants after which something is different for good.
        """
        bits = sum(self._bit.get(one, 0) for one in hours)
        moving = [(at, 0) for at in points if self._now < at < self._end]
        held, bit = 0, 1 << len(self._bit)
        for starts, ends in dict.fromkeys(spans):
            held |= bit * (starts <= self._now and (ends is None or self._now < ends))
            moving += [(at, bit) for at in (starts, ends) if at is not None and self._now < at < self._end]
            bit <<= 1
        if moving:
            moving += [(at, self._bit[one]) for one in hours if one in self._bit for at in self.edges_of(one)]
            return [at for at, _ in self._swept(moving, held)]
        if bits not in self._of_hours:
            first = {combination & bits: at for at, combination in reversed(self._combinations)}
            self._of_hours[bits] = sorted(first.values())
        return self._of_hours[bits]

    def is_open(self, hours_id: int, at: datetime) -> bool:
        """Whether these hours are open at this instant of the year."""
        is_open, changes = self._changes_of(hours_id)
        return is_open ^ (bisect_right(changes, at) % 2 == 1)

    def never_opens(self, hours_id: int | None) -> bool:
        """Whether these hours are closed from now on for a whole year."""
        if hours_id is None or hours_id not in self._table.hours:
            return False
        is_open, changes = self._changes_of(hours_id)
        return not is_open and not changes

    def edges_of(self, hours_id: int) -> list[datetime]:
        """Each instant of the year at which these hours open or close."""
        return self._changes_of(hours_id)[1]

    def _swept(self, moving: list[tuple[datetime, int]], bits: int = 0) -> list[tuple[datetime, int]]:
        """The first instant of each combination of bits, when these turn over; 0 makes it another one for good."""
        moving.sort()
        found = [(self._now, bits)]
        seen = {(bits, 0)}
        points = 0
        for nth, (at, bit) in enumerate(moving):
            bits ^= bit
            points += not bit
            if nth + 1 < len(moving) and moving[nth + 1][0] == at:
                continue  # what changes in the same instant changes together
            if (bits, points) not in seen:
                seen.add((bits, points))
                found.append((at, bits))
        return found

    def _changes_of(self, hours_id: int) -> tuple[bool, list[datetime]]:
        if hours_id not in self._changes:
            hours = self._table.hours[hours_id]
            self._changes[hours_id] = is_open(hours, self._now), _changes_between(hours, self._now, self._end)
        return self._changes[hours_id]


def _changes_between(hours: Hours, now: datetime, end: datetime) -> list[datetime]:
    """Each instant after now and before the end at which these hours open or close."""
    changes = _changes_from(hours, now.astimezone(UTC).date())
    return list(changes[bisect_right(changes, now) : bisect_left(changes, end)])


@lru_cache(maxsize=REMEMBERED)
def _changes_from(hours: Hours, day: date) -> tuple[datetime, ...]:
    begins = datetime.combine(day, time(), UTC)
    return tuple(_changes(hours, begins, begins + AHEAD + timedelta(days=1)))


def _changes(hours: Hours, now: datetime, end: datetime) -> Iterator[datetime]:
    at = now
    while at < end:
        searched = at + timedelta(days=LOOK_AHEAD)
        for change, _ in next_changes(hours, at):
            if change <= searched and change < end:
                yield change
        at = searched
