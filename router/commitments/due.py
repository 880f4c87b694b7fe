"""Until when do we owe it, and when does somebody have to be told before and after?"""

from collections.abc import Iterator
from datetime import datetime

from router.commitments.commitment import Commitment, Level, Terms
from router.routing.standing import standing_of
from router.routing.table import Table


def due_at(line_id: int | None, desk_id: int, table: Table, terms: Terms, now: datetime) -> datetime:
    """As soon after `now` as the terms say; while the line or its desk is closed, so soon after the next opening.

    An opening that is not in sight can't be waited for: then it counts from now. Raises nothing.
    """
    line = None if line_id is None else table.lines.get(line_id)
    for place in (line, table.desks.get(desk_id)):
        if place is not None and not (standing := standing_of(place, table, now)).open:
            return (standing.until or now) + terms.due_after
    return now + terms.due_after


def level_at_start(due: datetime, terms: Terms, now: datetime) -> Level:
    """What is due sooner than a reminder could come begins without one: its owner is told of it anyway."""
    return Level.REMINDED if due - terms.remind_before <= now else Level.FRESH


def level_by(commitment: Commitment, terms: Terms, now: datetime) -> Level:
    """How far this has gone by now. Steps that nobody took in time are not taken one after the other: the last counts.

    The owner is told with every step, so nobody is passed over by that.
    """
    gone = [level for level, at in _ladder(commitment.due_at, terms) if at <= now]
    return max([commitment.level, *gone])


def next_step_at(commitment: Commitment, terms: Terms) -> datetime | None:
    """When the clock has to look at this again; None when everybody has been told, or it is over."""
    if commitment.over:
        return None
    to_come = [at for level, at in _ladder(commitment.due_at, terms) if level > commitment.level]
    if commitment.try_again_at is not None:
        to_come.append(commitment.try_again_at)
    return min(to_come, default=None)


def _ladder(due: datetime, terms: Terms) -> Iterator[tuple[Level, datetime]]:
    yield Level.REMINDED, due - terms.remind_before
    for level, after in zip((Level.LATE, Level.DESK_TOLD, Level.LEAD_TOLD), terms.escalate_after, strict=True):
        yield level, due + after
