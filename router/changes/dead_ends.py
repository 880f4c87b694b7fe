"""Would a change leave a caller without a person?

A table may be changed while it has problems; it may not be given new ones. That somebody leaves is never refused: it
is a fact, calls go on to deputies and desks at once, and as long as it isn't written down they ring an empty chair. (To
lead calls to somebody who has left is another thing.) As long as no table can be made at all
(there is no safety net yet), no caller is worse off, so anything may be written.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from router.changes.faults import Nowhere
from router.routing.model import PersonState
from router.routing.problem import LeftPerson, Problem, alike, is_warning, path, say
from router.routing.problems import problems, same_problems
from router.routing.table import Table
from router.routing.touched import touches_little

TOLD_AT_MOST = 20  # problems in one refusal: who sees that many has taken away the ground of all

Look = Callable[[Table, datetime], Iterable[Problem]]


class DeadEnds:
    """Knows what was wrong with the table before, so that only what is new counts."""

    def __init__(self, look: Look = problems) -> None:
        self._look = look
        self._known: tuple[int, frozenset[tuple[object, ...]]] | None = None  # the version they are of
        # in the table that was looked at last; None when all of it wasn't
        self._found: frozenset[tuple[object, ...]] | None = frozenset()

    def new_ones(self, before: Table, after: Table, now: datetime) -> list[Nowhere]:
        """Each way that leads nowhere in the table after a change, and led somewhere before it. Raises nothing."""
        found = self._of(after, now)
        self._found = frozenset(map(alike, found))
        if not found:
            return []
        if self._known is None or self._known[0] != before.version:
            self._known = before.version, frozenset(map(alike, self._of(before, now)))
        zone = ZoneInfo(after.time_zone)
        known = self._known[1]
        new = [problem for problem in found if alike(problem) not in known and not _leaves(problem, before)]
        return [Nowhere(sentence=say(one, zone), path=tuple(path(one, zone))) for one in new[:TOLD_AT_MOST]]

    def new_ones_of_much(self, before: Table, after: Table, now: datetime) -> list[Nowhere]:
        """The same for large tables: first only the calls that the change can touch are looked at. Raises nothing."""
        if touches_little(before, after) and same_problems(before, after, now):
            self._found = None
            return []
        return self.new_ones(before, after, now)

    def in_force(self, version: int) -> None:
        """The table that was looked at last came into force under this version: the next change starts from it."""
        self._known = None if self._found is None else (version, self._found)

    def _of(self, table: Table, now: datetime) -> list[Problem]:
        return [problem for problem in self._look(table, now) if not is_warning(problem)]


def _leaves(problem: Problem, before: Table) -> bool:
    """Whether all that is wrong is that somebody leaves with this very change."""
    if not isinstance(problem, LeftPerson):
        return False
    person = before.people.get(problem.id)
    return person is not None and person.state is not PersonState.LEFT
