"""Would a change leave a caller without a person?

A table may be changed while it has problems; it may not be given new ones. As long as no table can be made at all
(there is no safety net yet), no caller is worse off, so anything may be written.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from router.changes.faults import LeadsNowhere
from router.routing.table import Table

Problems = Callable[[Table, datetime], Sequence[str]]
"""Every way on which a caller reaches nobody, each in a sentence that is the same whenever the way is."""


def no_problems(table: Table, now: datetime) -> Sequence[str]:
    """Nobody looks. The walk over the whole table takes this place."""
    return ()


def refuse_new_ones(problems: Problems, before: Table | None, after: Table, now: datetime) -> None:
    """Raises LeadsNowhere, with each path that leads nowhere and did lead somewhere before."""
    if before is None:
        return
    found = problems(after, now)
    if not found:
        return
    known = frozenset(problems(before, now))
    new = [problem for problem in found if problem not in known]
    if new:
        raise LeadsNowhere(new)
