"""How does it get into the table that somebody is away?

Through the door, so it is on record; but it is never refused for where calls go then: that somebody is away is a fact,
and calls pass by them to whoever takes over, which they are told.
"""

from datetime import datetime

from router.calls.presence import may_go_away
from router.changes.carrying import Carrying, unknown
from router.changes.door import Door
from router.changes.faults import LeavesAlready
from router.changes.nouns import PEOPLE
from router.changes.wishes import Amend, By
from router.routing.configuration import Noun
from router.routing.model import Person, PersonState
from router.routing.table import Table
from router.storage.kept import kept_of


async def say_away(door: Door, person: int, until: datetime | None, by: By, now: datetime) -> Person:
    """Let the table say that this person is away until then, or (None) back; returns the person as they are now.

    Raises LeavesAlready for one who has left or is to leave, which the table has to go on saying; and as `Door.do`.
    """

    async def work(carrying: Carrying, _: Table | None) -> Person:
        kept = await kept_of(carrying.rows, Noun.PERSON, person)
        if kept is None or not isinstance(kept.entity, Person):
            raise unknown(PEOPLE, person)
        if not may_go_away(kept.entity):
            name, state = kept.entity.name, kept.entity.state.value
            raise LeavesAlready(f"{name} is {state}, which the table has to go on saying: sign them out instead")
        state = PersonState.AWAY if until else PersonState.ACTIVE
        says = {"state": state.value, "away_until": until.isoformat() if until else None}
        carrying.weighed = ()
        done = await carrying.carry_out(Amend(declared=PEOPLE, id=person, patch=says, only_if=None))
        assert isinstance(done.kept.entity, Person)
        return done.kept.entity

    return await door.carry(work, by, now)
