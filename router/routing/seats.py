"""Who could be rung at a desk now, as far as the table tells? (Who is signed in is not part of it.)"""

from datetime import datetime

from router.routing.model import Cover, CoverScope, Desk, Person
from router.routing.reach import Unreachable, why_unreachable
from router.routing.table import Table


def why_not_seated(person: Person, table: Table, now: datetime) -> Unreachable | Cover | None:
    """Why the table has this person at no desk now: a reason, or who covers them; None when it has. Raises nothing.

    Who is covered for lines, or for all, is not rung at a desk, since a desk's calls come by a line; whoever covers
    them does not sit down there in their place: the others of the desk are there, or the next desk takes over.
    """
    if unreachable := why_unreachable(person, table.spell_of(person.hours, now), table.external_prefixes, now):
        return unreachable
    return table.cover_of(person.id, CoverScope.LINES, now) if table.covers else None


def seated(desk: Desk, table: Table, now: datetime) -> tuple[Person, ...]:
    """The members of this desk who can be rung there now if they are signed in, in their order. Raises nothing."""
    members = (table.people.get(member) for member in desk.members)
    return tuple([m for m in members if m is not None and why_not_seated(m, table, now) is None])
