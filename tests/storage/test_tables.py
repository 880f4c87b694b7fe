"""Is what was saved what decisions are made from?"""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from router.lab.sample import ANNA, BEN, CARLA, COORDINATORS, REGION, SAMPLE, SERVICE, TIME_ZONE
from router.routing.configuration import Change, Noun, Put, PutAlias, PutNumbers, Remove, RemoveAlias, RemoveNumbers
from router.routing.cover import contradictions
from router.routing.decide import CallFacts, decide
from router.routing.model import (
    Account,
    Cover,
    CoverScope,
    Desk,
    Hours,
    Job,
    Line,
    Override,
    OverrideAction,
    Person,
    Phone,
    PhoneKind,
    Rule,
    SpecialDays,
)
from router.routing.numbers import read_number
from router.routing.table import Table
from router.storage.company import Company, save_company
from router.storage.database import Conflict, Contradictory, Database
from router.storage.schema import desks, metadata, people
from router.storage.tables import PART, commit_changes, current_version, load_configuration
from tests.storage.companies import companies
from tests.storage.stories import MONDAY_NOON, after, table_of

# the database of one test serves all its examples: each empties it first
examples = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


async def table_in(db: Database) -> Table:
    return Table.build(*await load_configuration(db, REGION, TIME_ZONE))


@examples
@given(company=companies(), later=st.timedeltas(timedelta(0), timedelta(days=14)))
async def test_a_company_saved_and_loaded_decides_the_same(db: Database, company: Company, later: timedelta) -> None:
    await emptied(db)
    await save_company(db, company, MONDAY_NOON)
    loaded, remembered = await table_in(db), table_of(company)
    assert loaded == remembered
    for line in company.lines:
        for caller in ("+12025550101", "+12025559999", "+4930123456", ""):
            facts = CallFacts(dialled=line.number, caller=read_number(caller, REGION))
            assert decide(facts, loaded, MONDAY_NOON + later) == decide(facts, remembered, MONDAY_NOON + later)


@examples
@given(first=companies(), second=companies())
async def test_a_company_saved_over_another_leaves_its_own_values(
    db: Database, first: Company, second: Company
) -> None:
    both = {cover.id: cover for cover in (*first.covers, *second.covers)}
    if contradictions(both.values()):
        second = replace(second, covers=())
    await emptied(db)
    await save_company(db, first, MONDAY_NOON)
    await save_company(db, second, after(60))
    loaded = await table_in(db)
    for person in second.people:
        assert loaded.people[person.id] == person
    for desk in second.desks:
        assert loaded.desks[desk.id] == desk
    for hours in second.hours:
        assert loaded.hours[hours.id] == hours
    for account in second.accounts:
        assert loaded.account(account.id) == account


STOCKTAKING = SpecialDays(first_day=date(2026, 3, 2), last_day=date(2026, 3, 3), label="Stocktaking")
CHANGES: tuple[Change, ...] = (
    Put(entity=Person(id=ANNA, name="Anna", phones=(Phone(id=50, person=ANNA, kind=PhoneKind.DESK, endpoint="a2"),))),
    Put(entity=Person(id=50, name="Paula", phones=())),
    Put(entity=replace(SAMPLE.desks[0], members=(BEN,))),
    Put(entity=Desk(id=50, name="Night", slot=50, members=(BEN, ANNA), next_desk=COORDINATORS)),
    Put(entity=replace(SAMPLE.lines[0], desk=SERVICE)),
    Put(entity=Account(id=1, name="Birch & Daughters", deputies=(BEN, ANNA))),
    Put(entity=replace(SAMPLE.jobs[0], manager=BEN)),
    Put(entity=replace(SAMPLE.rules[0], enabled=False)),
    Put(entity=replace(SAMPLE.hours[0], week=())),
    Put(entity=replace(SAMPLE.hours[0], country="US", subdivision="NY", days=(STOCKTAKING,))),
    Put(entity=Cover(id=50, person=ANNA, by_desk=SERVICE, starts_at=MONDAY_NOON, ends_at=after(3600))),
    Put(entity=replace(SAMPLE.covers[0], by_person=BEN, scope=CoverScope.ACCOUNTS)),
    Put(entity=Override(id=50, desk=1, action=OverrideAction.CLOSED, starts_at=MONDAY_NOON, ends_at=after(60))),
    Put(entity=replace(SAMPLE.overrides[0], ends_at=after(60))),
    Remove(noun=Noun.COVER, id=1),
    Remove(noun=Noun.OVERRIDE, id=1),
    PutAlias(dialled="100", line=1),
    PutAlias(dialled="5550100", line=2),
    PutNumbers(rows=((12025550111, False, 2), (1646555, True, 3))),
    RemoveNumbers(rows=((12025550111, False), (141555501, True))),
    RemoveAlias(dialled="5550100"),
    Remove(noun=Noun.JOB, id=1),
    Remove(noun=Noun.RULE, id=1),
)


@pytest.mark.parametrize("change", CHANGES, ids=str)
async def test_a_change_in_memory_and_in_the_rows_makes_the_same_table(furnished: Database, change: Change) -> None:
    before = await table_in(furnished)
    version = await commit_changes(furnished, [change], after(60))
    assert await table_in(furnished) == before.with_change(change, version=version)


async def test_what_is_put_can_be_removed_with_all_its_parts(furnished: Database) -> None:
    before = await table_in(furnished)
    phone = Phone(id=50, person=50, kind=PhoneKind.DESK, endpoint="paula")
    added: tuple[Person | Hours | Desk | Line | Account | Job | Rule, ...] = (
        replace(SAMPLE.hours[0], id=50, name="Other hours"),
        Person(id=50, name="Paula", phones=(phone,)),
        Desk(id=50, name="Night", slot=50, members=(50,)),
        replace(SAMPLE.lines[0], id=50, number="+12125550150", desk=50),
        Account(id=50, name="Larch", deputies=(50,)),
        Job(id=50, account=50, title="Roof", manager=50),
        replace(SAMPLE.rules[0], id=50, priority=50, account=50),
    )
    nouns = (Noun.HOURS, Noun.PERSON, Noun.DESK, Noun.LINE, Noun.ACCOUNT, Noun.JOB, Noun.RULE)
    await commit_changes(furnished, [Put(entity=entity) for entity in added], after(60))
    version = await commit_changes(furnished, [Remove(noun=noun, id=50) for noun in reversed(nouns)], after(70))
    assert await table_in(furnished) == replace(before, version=version)


async def test_an_account_that_still_has_numbers_cant_be_removed(furnished: Database) -> None:
    await commit_changes(furnished, [Remove(noun=Noun.JOB, id=1)], MONDAY_NOON)
    with pytest.raises(Conflict):
        await commit_changes(furnished, [Remove(noun=Noun.ACCOUNT, id=1)], MONDAY_NOON)


async def test_covers_that_overlap_are_refused_and_named_and_nothing_is_written(furnished: Database) -> None:
    holiday = Cover(id=50, person=ANNA, by_person=BEN, starts_at=MONDAY_NOON, ends_at=after(3600))
    fair = Cover(id=51, person=ANNA, by_person=CARLA, starts_at=after(1800), ends_at=after(7200))
    before = await table_in(furnished)

    with pytest.raises(Contradictory, match="covers 50 and 51 of Anna overlap from 2026-03-02 17:30 UTC on"):
        await commit_changes(furnished, [Put(entity=holiday), Put(entity=fair)], MONDAY_NOON)

    assert await table_in(furnished) == before


async def test_covers_that_lead_in_a_circle_are_refused_and_named(furnished: Database) -> None:
    there = Cover(id=50, person=ANNA, by_person=BEN, starts_at=MONDAY_NOON, ends_at=after(3600))
    back = Cover(id=51, person=BEN, by_person=ANNA, starts_at=after(1800), ends_at=after(7200))
    await commit_changes(furnished, [Put(entity=there)], MONDAY_NOON)

    with pytest.raises(Contradictory, match="from Anna to Ben to Anna"):
        await commit_changes(furnished, [Put(entity=back)], MONDAY_NOON)
    with pytest.raises(Contradictory):
        await save_company(furnished, Company(covers=(back,)), MONDAY_NOON)


async def test_two_covers_can_change_places_in_one_go(furnished: Database) -> None:
    first = Cover(id=50, person=ANNA, by_person=BEN, starts_at=MONDAY_NOON, ends_at=after(60))
    second = replace(first, id=51, starts_at=after(60), ends_at=after(120))
    await commit_changes(furnished, [Put(entity=first), Put(entity=second)], MONDAY_NOON)
    swapped = [replace(first, starts_at=after(60), ends_at=after(120)), replace(second, starts_at=MONDAY_NOON)]
    swapped[1] = replace(swapped[1], ends_at=after(60))

    await commit_changes(furnished, [Put(entity=cover) for cover in swapped], MONDAY_NOON)

    assert (await table_in(furnished)).covers[50] == swapped[0]


async def test_saving_the_same_company_twice_leaves_the_same_rows(furnished: Database) -> None:
    before = await rows_in(furnished)
    await save_company(furnished, SAMPLE, after(3600))
    assert await rows_in(furnished) == before
    assert await current_version(furnished) == 2


async def test_a_changed_part_raises_the_version_of_the_whole_and_of_nothing_else(furnished: Database) -> None:
    phone = replace(SAMPLE.people[0].phones[0], ring_seconds=7)
    await commit_changes(furnished, [Put(entity=replace(SAMPLE.people[0], phones=(phone,)))], after(60))
    async with furnished.reading() as look:
        seen = {row.id: (row.version, row.updated_at) for row in await look.rows(select(people))}
    assert seen[ANNA] == (2, after(60))
    assert seen[BEN] == (1, MONDAY_NOON)


async def test_the_id_of_a_removed_row_is_never_given_again(furnished: Database) -> None:
    await commit_changes(furnished, [Put(entity=Person(id=80, name="Paula"))], MONDAY_NOON)
    await commit_changes(furnished, [Remove(noun=Noun.PERSON, id=80)], MONDAY_NOON)
    someone = {"name": "Quentin", "state": "active", "version": 1, "updated_at": MONDAY_NOON}
    async with furnished.writing() as transaction:
        await transaction.run(people.insert(), [someone])
        newest = await transaction.rows(select(people.c.id).where(people.c.name == "Quentin"))
    assert newest[0].id > 80


async def test_numbers_and_accounts_of_many_parts_arrive_whole(furnished: Database) -> None:
    many = PART * 3 + 1
    company = Company(
        accounts=[Account(id=100 + at, name=f"Account {at}", deputies=(BEN, ANNA)) for at in range(many)],
        numbers=[(49_000_000_000 + at, False, 100 + at) for at in range(many)],
    )
    await save_company(furnished, company, MONDAY_NOON)
    loaded = await table_in(furnished)
    assert [account for account in loaded.accounts if account.id >= 100] == company.accounts
    assert all(loaded.callers.account_of(number) == account for number, _, account in company.numbers)


async def emptied(db: Database) -> None:
    async with db.writing() as transaction:
        await transaction.run(update(desks).values(closed_by="wait", duty_desk=None, next_desk=None))
        for table in reversed(metadata.sorted_tables):
            await transaction.run(delete(table))


async def rows_in(db: Database) -> dict[str, list[Any]]:
    async with db.reading() as look:
        return {
            name: [tuple(row) for row in await look.rows(select(table).order_by(*table.primary_key.columns))]
            for name, table in metadata.tables.items()
            if name not in ("table_versions", "notices")
        }
