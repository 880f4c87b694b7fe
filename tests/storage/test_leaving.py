"""Whoever leaves any company: is nothing left behind, does nothing get worse, and comes all of it back?"""

from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, update

from router.changes.door import Door
from router.changes.leaving import Leavings
from router.changes.successors import Successors
from router.changes.wishes import By
from router.commitments.commitment import Party
from router.commitments.events import Promised
from router.lab.sample import REGION, TIME_ZONE
from router.routing.configuration import Noun
from router.routing.model import JobState, Opening, Person, PersonState, Phone, PhoneKind
from router.routing.problem import alike, is_warning
from router.routing.problems import problems
from router.routing.table import Table
from router.storage.access_schema import Source
from router.storage.company import Company, save_company
from router.storage.database import Database
from router.storage.naming import naming
from router.storage.publisher import Publisher
from router.storage.schema import desks, metadata
from tests.proof import many
from tests.storage.companies import companies
from tests.storage.owing import KEEPER, owed
from tests.storage.stories import MONDAY_NOON
from tests.storage.test_tables import table_in

RELIEF = 90
MONDAYS = Opening(weekday=0, opens=0, closes=1440)
ADMIN = By(actor="admin", source=Source.API)

examples = settings(
    max_examples=many(6, 150),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to shrink a company takes minutes, and says little more
)


@st.composite
def companies_with_relief(draw: st.DrawFn) -> Company:
    """Any company whose people work there and have phones, two always answer, hours open; and one whom nothing names.

    So it hangs on nobody who leaves whether somebody answers, and a change is refused for nothing else.
    """
    company = draw(companies())
    more = [Person(id=id_, name=name) for id_, name in ((RELIEF, "Relief"), (91, "Olga"), (92, "Paul"))]
    return replace(
        company,
        people=tuple([_works_here(one) for one in (*company.people, *more)]),
        desks=tuple([replace(desk, members=(*desk.members, 91, 92)) for desk in company.desks]),
        hours=tuple([replace(one, week=(MONDAYS,), days=()) for one in company.hours]),
    )


@examples
@given(company=companies_with_relief(), data=st.data())
async def test_whoever_leaves_is_named_nowhere_nothing_gets_worse_and_all_of_it_comes_back(
    db: Database, company: Company, data: st.DataObject
) -> None:
    leaver = data.draw(st.sampled_from([one for one in company.people if one.id < RELIEF]))
    company = replace(company, people=tuple([_here(one) if one is leaver else one for one in company.people]))
    await emptied_but_for_records(db)
    await save_company(db, company, MONDAY_NOON)
    before = await table_in(db)
    await KEEPER.promise(db, _promise(leaver.id), before)
    owned = [(one.owner, one.desk, one.state) for one in await owed(db)]
    leavings = Leavings(db, Door(publisher := _publisher(db), keeper=KEEPER))

    done = await leavings.leave(leaver.id, None, Successors(all=RELIEF, seats=RELIEF), ADMIN, MONDAY_NOON)

    after = await table_in(db)
    assert after == publisher.table
    assert all(place.settled for place in done.places)
    assert not await places_left(db, leaver)
    assert not acting(after, leaver.id)
    assert leaver.id not in [one.owner for one in await owed(db)]
    assert wrong(after) <= wrong(before)

    await leavings.undo(leaver.id, ADMIN, MONDAY_NOON)

    assert replace(await table_in(db), version=before.version) == before
    assert [(one.owner, one.desk, one.state) for one in await owed(db)] == owned


async def emptied_but_for_records(db: Database) -> None:
    """The audit is only ever added to, so no version may be given twice."""
    async with db.writing() as transaction:
        await transaction.run(update(desks).values(closed_by="wait", duty_desk=None, next_desk=None))
        for table in reversed(metadata.sorted_tables):
            if table.name not in ("audit", "table_versions"):
                await transaction.run(delete(table))


async def places_left(db: Database, leaver: Person) -> list[tuple[Noun, int]]:
    """What still names them in the rows, save the lines that were theirs."""
    async with db.reading() as look:
        found = [(noun, await naming(look, noun, leaver.id, MONDAY_NOON)) for noun in Noun]
    return [(noun, one.entity.id) for noun, kept in found for one in kept if noun is not Noun.LINE]


def acting(table: Table, person: int) -> list[Any]:
    """What still leads a call to them."""
    accounts = [table.account(one) for alike in table.accounts.cared_for_alike() for one in alike]
    return [
        *(one for one in accounts if one and person in (one.manager, *one.deputies)),
        *(job for one in accounts if one for job in table.jobs_of(one.id) if _runs_under(job, person)),
        *(rule for rule in table.rules if rule.person == person),
        *(desk for desk in table.desks.values() if person in (desk.lead, *desk.members)),
        *(one for other in table.people for one in table.covers_of(other) if _covers(one, person)),
    ]


def wrong(table: Table) -> set[Any]:
    return {alike(one) for one in problems(table, MONDAY_NOON) if not is_warning(one)}


def _runs_under(job: Any, person: int) -> bool:
    return job.state is not JobState.CLOSED and person in (job.manager, job.salesperson)


def _covers(cover: Any, person: int) -> bool:
    to_come = cover.ends_at is None or cover.ends_at > MONDAY_NOON
    return to_come and person in (cover.person, cover.by_person)


def _here(person: Person) -> Person:
    return replace(person, state=PersonState.ACTIVE, away_until=None, leaves_at=None)


def _works_here(person: Person) -> Person:
    phone = Phone(id=person.id * 10, person=person.id, kind=PhoneKind.DESK, endpoint=f"phone-{person.id}")
    there = replace(person, phones=(phone,))
    return there if person.state is PersonState.AWAY else _here(there)


def _promise(person: int) -> Promised:
    party = Party(account=None, caller="+12025550199", line=1)
    return Promised(call_id=None, party=party, by=person, due_at=None, note="the papers", at=MONDAY_NOON)


def _publisher(db: Database) -> Publisher:
    return Publisher(db, REGION, TIME_ZONE, lambda _: None)
