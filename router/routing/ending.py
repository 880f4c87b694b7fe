"""Which desks end a call at this hour, or which promise?"""

from datetime import datetime

from router.routing.desks import MOST_DESKS
from router.routing.model import Account, ClosedBy, CoverScope, Desk, Line, Override, OverrideAction
from router.routing.plan import Promise, RingDesk
from router.routing.reasons import DeskClosed, DesksInCircle, DeskStandsIn, LineClosed, Overridden, Reason
from router.routing.standing import Standing, standing_of
from router.routing.table import Table


def usual_end(
    line: Line | None, account: Account | None, table: Table, now: datetime, because: list[Reason]
) -> Desk | Promise:
    """What is behind the people: the account's own desk, else the line's (by its hours), else the safety net.

    Why is added to `because`. Raises nothing.
    """
    desk = table.desks.get(account.desk) if account and account.desk is not None else None
    if desk is not None:
        return desk
    if line is None:
        return table.safety_net
    override = table.override_of(line, now)
    if override is not None:
        because.append(_overridden(line, override, table))
        if diverted := _diverted(override, table):
            return diverted
    standing = standing_of(line, table, now)
    if not standing.open:
        duty = _duty_desk(line, table)
        because.append(
            LineClosed(
                line=line.label,
                closed_by=line.closed_by,
                until=standing.until,
                duty=duty.name if duty else "",
                occasion=standing.occasion,
            )
        )
        return duty or _when_closed(line, standing) or table.safety_net
    return _desk_that_covers(line, table, now, because) or table.desks.get(line.desk, table.safety_net)


def _desk_that_covers(line: Line, table: Table, now: datetime, because: list[Reason]) -> Desk | None:
    """The desk that answers for the line's salesperson. A person who does is not rung: a line rings a desk."""
    cover = None if line.person is None else table.cover_of(line.person, CoverScope.LINES, now)
    desk = None if cover is None or cover.by_desk is None else table.desks.get(cover.by_desk)
    if cover is not None and desk is not None:
        covered = table.people.get(cover.person)
        because.append(
            DeskStandsIn(
                desk=desk.name,
                stands_in_for=covered.name if covered else f"person {cover.person}",
                until=cover.ends_at,
                why=cover.reason,
            )
        )
    return desk


def ending_at(
    end: Desk | Promise, table: Table, now: datetime, because: list[Reason]
) -> tuple[RingDesk | Promise, ...]:
    """The last steps of a plan: the promise, or this desk and those behind it. Why is added to `because`."""
    return (end,) if isinstance(end, Promise) else _desks(end, table, now, because)


def _desks(start: Desk, table: Table, now: datetime, because: list[Reason]) -> tuple[RingDesk | Promise, ...]:
    """This desk and those behind it, closed ones replaced, at most MOST_DESKS; the last is the safety net.

    A promise stands there alone: where a desk that is open was tried before, people are preferred to it.
    """
    chain: list[RingDesk] = []
    seen: set[int] = set()  # desks may point at each other in a circle
    rang = False  # the one before
    desk: Desk | None = start
    while desk is not None and desk.id not in seen and len(chain) < MOST_DESKS - 1:
        seen.add(desk.id)
        override = table.override_of(desk, now)
        if override is not None:
            because.append(_overridden(desk, override, table))
            if diverted := _diverted(override, table):
                desk, rang = diverted, False
                continue
        standing = standing_of(desk, table, now)
        rang = standing.open
        if rang:
            if desk.safety_net:
                break
            chain.append(table.tail_of(desk.id)[0])
            desk = None if desk.next_desk is None else table.desks.get(desk.next_desk)
        else:
            duty = _duty_desk(desk, table)
            because.append(
                DeskClosed(
                    desk=desk.name,
                    closed_by=desk.closed_by,
                    until=standing.until,
                    duty=duty.name if duty else "",
                    occasion=standing.occasion,
                )
            )
            promise = _when_closed(desk, standing)
            if promise and not chain:
                return (promise,)
            desk = duty
    # From one that rang to another that did, or round and round among closed ones. (Back to a closed one for which a
    # desk was on duty, or from it to that desk again, is what people mean by such a setting.)
    if desk is not None and desk.id in seen and not desk.safety_net:
        rang_twice = rang and any(step.desk == desk.id for step in chain)
        if rang_twice or not chain:
            because.append(DesksInCircle(desk=desk.name))
    return (*chain, *table.tail_of(table.safety_net.id))


def _diverted(override: Override, table: Table) -> Desk | None:
    if override.action is not OverrideAction.DIVERT or override.to_desk is None:
        return None
    return table.desks.get(override.to_desk)


def _overridden(of: Line | Desk, override: Override, table: Table) -> Overridden:
    to = _diverted(override, table)
    return Overridden(
        line=of.label if isinstance(of, Line) else "",
        desk=of.name if isinstance(of, Desk) else "",
        action=override.action,
        to=to.name if to else "",
        until=override.ends_at,
        why=override.reason,
    )


def _duty_desk(closed: Line | Desk, table: Table) -> Desk | None:
    if closed.closed_by is not ClosedBy.DUTY or closed.duty_desk is None:
        return None
    return table.desks.get(closed.duty_desk)


def _when_closed(closed: Line | Desk, standing: Standing) -> Promise | None:
    """A promise, where closed hours mean one; else the waiting line of the safety net."""
    return Promise(due_after_opening=standing.until) if closed.closed_by is ClosedBy.PROMISE else None
