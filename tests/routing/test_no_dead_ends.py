"""Whenever a table has no problem, does every call at every instant end where a person can answer?"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from router.routing.configuration import Configuration, Put
from router.routing.decide import CallFacts, Decision, decide
from router.routing.hours import next_changes
from router.routing.model import ClosedBy, Person, PersonState
from router.routing.moments import AHEAD
from router.routing.numbers import Number, read_number
from router.routing.plan import Promise, RingDesk
from router.routing.problem import DeadEnd, LeansOnOne, alike, is_warning, path, say
from router.routing.problems import problems
from router.routing.reasons import DeskClosed, LineClosed
from router.routing.seats import seated
from router.routing.table import Table
from tests.proof import many
from tests.routing.companies import CUSTOMERS, REGION, companies, sound_companies

TABLES = many(8, 300)
INSTANTS = many(20, 200)  # of each table
NOW = datetime(2026, 1, 1, tzinfo=UTC)
A_MINUTE = timedelta(minutes=1)
# Nights in which clocks are set, somewhere: the hours of these tables lie in all those zones.
CLOCKS_SET = [
    datetime(2026, month, day, 1, tzinfo=UTC) for month, day in ((3, 8), (3, 29), (4, 5), (9, 6), (10, 25), (11, 1))
]

slow = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


@settings(max_examples=TABLES, suppress_health_check=slow, deadline=None)
@given(sound_companies(), st.data())
def test_a_table_without_a_problem_leads_every_caller_to_a_person(company: Configuration, data: st.DataObject) -> None:
    table = Table.build(company, version=1)
    assume(not problems(table, NOW))
    edges = sorted({at for edge in edges_of(table) for at in (edge - A_MINUTE, edge, edge + A_MINUTE) if at >= NOW})
    instants = sorted(data.draw(st.lists(st.sampled_from(edges), min_size=INSTANTS, max_size=INSTANTS)))

    for absent in (None, *table.people.values()):
        without = table if absent is None else table.with_change(Put(entity=taken_away(absent)))
        for now in instants:
            members = at_each_desk(without, now)
            for call in every_kind_of_call(table):
                decision = decide(call, without, now)

                assert ends_well(decision, members), (call, now, absent)


@settings(max_examples=many(30, 1000), suppress_health_check=slow, deadline=None)
@given(companies(), st.sampled_from(CLOCKS_SET))
def test_any_company_at_all_can_be_looked_at_and_what_is_found_is_true(company: Configuration, now: datetime) -> None:
    table = Table.build(company, version=1)

    found = problems(table, now)

    assert max(Counter(map(alike, found)).values(), default=1) == 1
    assert list(found) == sorted(found, key=is_warning)
    for problem in found:
        assert say(problem).isprintable()
        if problem.way is not None:
            there = problem.way.decision
            assert there == decide(CallFacts(dialled=there.dialled, caller=there.caller), table, there.decided_at)
            assert now <= there.decided_at <= max(now + AHEAD, *(o.starts_at for o in table.overrides.values()), now)
            assert path(problem)


@settings(max_examples=many(30, 1000), suppress_health_check=slow, deadline=None)
@given(companies(), st.data())
def test_a_call_that_ends_with_nobody_there_is_never_overlooked(company: Configuration, data: st.DataObject) -> None:
    table = Table.build(company, version=1)
    now = data.draw(st.sampled_from([edge for edge in edges_of(table) if edge >= NOW]))
    fewest = [
        len(at_each_desk(table, now)[last.desk])
        for call in every_kind_of_call(table)
        if isinstance(last := decide(call, table, now).plan.steps[-1], RingDesk)
    ]

    found = problems(table, NOW)

    if min(fewest, default=2) == 0:
        assert any(isinstance(problem, DeadEnd) for problem in found)
    if min(fewest, default=2) == 1:
        assert any(isinstance(problem, LeansOnOne) for problem in found)


def at_each_desk(table: Table, at: datetime) -> dict[int, tuple[Person, ...]]:
    return {desk.id: seated(desk, table, at) for desk in table.desks.values()}


def ends_well(decision: Decision, members: Mapping[int, tuple[Person, ...]]) -> bool:
    """At a desk where somebody can be rung; or, where it is closed and that means a promise, at one."""
    last = decision.plan.steps[-1]
    if isinstance(last, RingDesk):
        return bool(members[last.desk])
    closed = [reason for reason in decision.because if isinstance(reason, LineClosed | DeskClosed)]
    return isinstance(last, Promise) and any(reason.closed_by is ClosedBy.PROMISE for reason in closed)


def taken_away(person: Person) -> Person:
    gone = person.state is PersonState.LEFT
    return person if gone else replace(person, state=PersonState.AWAY, away_until=None)


def every_kind_of_call(table: Table) -> Iterator[CallFacts]:
    """Every line, and a number that is none, by a customer, a stranger and somebody who hides the number."""
    for dialled in (*(line.number for line in table.lines.values()), "+4999000000"):
        for caller in kinds_of_caller(table):
            yield CallFacts(dialled=dialled, caller=caller)


def kinds_of_caller(table: Table) -> Iterator[Number]:
    customers = (number for text in CUSTOMERS if table.account_of(number := read_number(text, REGION)))
    yield from (next(customers, read_number(CUSTOMERS[0], REGION)), read_number("+4917612345678", REGION))
    yield read_number("anonymous", REGION)


def edges_of(table: Table) -> list[datetime]:
    """Every instant of the year at which something opens, closes, begins or ends, and at which clocks are set."""
    opening = (
        at
        for hours in table.hours.values()
        for day in range(0, 366, 35)
        for at, _ in next_changes(hours, NOW + timedelta(days=day))
    )
    covers = (at for cover in table.covers.values() for at in (cover.starts_at, cover.ends_at))
    overrides = (at for override in table.overrides.values() for at in (override.starts_at, override.ends_at))
    people = (at for person in table.people.values() for at in (person.leaves_at, person.away_until))
    rules = (at for rule in table.rules for at in (rule.valid_from, rule.valid_until))
    all_edges = chain(CLOCKS_SET, opening, covers, overrides, people, rules)
    return [at for at in all_edges if at is not None and at < NOW + AHEAD]
