"""What holds for every company and every call?"""

import json
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.routing.configuration import Configuration
from router.routing.decide import CallFacts, decide
from router.routing.display import DISPLAY_LENGTH
from router.routing.explain import as_json, main_reason, sentence, sentences
from router.routing.model import CallerKind, ClosedBy, Cover, CoverScope, PersonState, Rule
from router.routing.numbers import Number, NumberKind, read_number
from router.routing.plan import MOST_PHONES, MOST_STEPS, Promise, RingDesk, RingPerson
from router.routing.reach import why_unreachable
from router.routing.reasons import RuleMatched, RuleNotNow
from router.routing.standing_in import PEOPLE_RING_AT_MOST
from router.routing.table import Table
from tests.proof import many
from tests.routing.companies import REGION, calls, companies, instants

any_company = settings(max_examples=many(40, 400), suppress_health_check=[HealthCheck.too_slow])

questions = st.lists(st.tuples(calls(), instants()), min_size=5, max_size=30)
Questions = list[tuple[CallFacts, datetime]]


@any_company
@given(companies(), questions)
def test_every_call_ends_at_the_safety_net_or_where_configured_at_a_promise(
    company: Configuration, questions: Questions
) -> None:
    table = Table.build(company, version=7)
    for call, now in questions:
        plan = decide(call, table, now).plan

        if isinstance(plan.steps[-1], Promise):
            assert not any(isinstance(step, RingDesk) for step in plan.steps)
            means = [*(line.closed_by for line in company.lines), *(desk.closed_by for desk in company.desks)]
            assert ClosedBy.PROMISE in means
        else:
            assert plan.steps[-1] == plan.safety_net
        assert plan.safety_net.desk == table.safety_net.id
        assert len(plan.steps) <= MOST_STEPS
        assert len(set(plan.steps)) == len(plan.steps)


@any_company
@given(companies(), questions)
def test_people_come_before_desks_and_only_those_who_can_be_rung(company: Configuration, questions: Questions) -> None:
    table = Table.build(company, version=1)
    for call, now in questions:
        steps = decide(call, table, now).plan.steps

        people = [step for step in steps if isinstance(step, RingPerson)]
        assert not any(isinstance(step, RingPerson) for step in steps[len(people) :])
        assert sum(step.seconds for step in people) <= PEOPLE_RING_AT_MOST
        for step in people:
            assert None in [
                table.cover_of(step.person, scope, now) for scope in (CoverScope.LINES, CoverScope.ACCOUNTS)
            ]
            person = table.people[step.person]
            assert why_unreachable(person, table.spell_of(person.hours, now), table.external_prefixes, now) is None
            assert 0 < len(step.phones) <= MOST_PHONES


@any_company
@given(companies(), questions)
def test_with_everybody_covered_away_or_gone_a_desk_or_a_promise_takes_every_call(
    company: Configuration, questions: Questions
) -> None:
    gone = [replace(one, state=PersonState.LEFT) if one.id % 2 else one for one in company.people]
    circle = [one.id for one in company.people]
    covers = [
        Cover(id=100 + n, person=one, by_person=other, starts_at=datetime(2020, 1, 1, tzinfo=UTC))
        for n, (one, other) in enumerate(zip(circle, [*circle[1:], circle[0]], strict=True))
    ]
    table = Table.build(replace(company, people=tuple(gone), covers=tuple(covers)), version=1)
    for call, now in questions:
        first = decide(call, table, now).plan.steps[0]

        assert isinstance(first, RingDesk | Promise)


@any_company
@given(companies(), questions)
def test_what_travels_to_the_pbx_is_complete_and_has_nothing_to_stumble_on(
    company: Configuration, questions: Questions
) -> None:
    table = Table.build(company, version=1)
    for call, now in questions:
        decision = decide(call, table, now)
        plan = decision.plan

        assert bool(plan.line_tail) == (decision.line is not None)
        assert plan.line_tail[-1:] in ((), (plan.safety_net,))
        assert len(set(plan.line_tail)) == len(plan.line_tail)
        assert 0 < len(plan.display) <= DISPLAY_LENGTH
        assert all(character.isalnum() or character in "_ .+/:-" for character in plan.display)


@any_company
@given(companies(), questions)
def test_every_decision_can_be_said_and_written_down(company: Configuration, questions: Questions) -> None:
    table = Table.build(company, version=1)
    for call, now in questions:
        decision = decide(call, table, now)

        said = sentences(decision)

        assert len(said) == len(decision.because) > 0
        assert sum(reason is main_reason(decision) for reason in decision.because) == 1
        assert sentence(decision).isprintable()
        assert [reason["sentence"] for reason in json.loads(json.dumps(as_json(decision)))["reasons"]] == said


@any_company
@given(companies(), questions)
def test_a_table_that_was_asked_before_answers_as_a_fresh_one(company: Configuration, questions: Questions) -> None:
    asked_before = Table.build(company, version=1)
    for call, now in questions:
        assert decide(call, asked_before, now) == decide(call, Table.build(company, version=1), now)


@any_company
@given(companies(), questions)
def test_the_rule_that_decides_is_the_first_that_a_plain_reading_finds(
    company: Configuration, questions: Questions
) -> None:
    table = Table.build(company, version=1)
    by_priority = sorted(company.rules, key=lambda rule: rule.priority)
    for call, now in questions:
        decision = decide(call, table, now)
        account = decision.account.id if decision.account else None
        line = decision.line.id if decision.line else None

        fitting = list(table.rule_index.fitting(line, call.caller, account, decision.caller_kind))

        assert fitting == [r for r in by_priority if fits(r, line, call.caller, account, decision.caller_kind)]
        mentioned = [r.priority for r in decision.because if isinstance(r, RuleNotNow | RuleMatched)]
        assert mentioned == sorted(mentioned)


def fits(rule: Rule, line: int | None, caller: Number, account: int | None, kind: CallerKind) -> bool:
    """Whether the rule fits, read condition by condition."""
    return (
        rule.enabled
        and rule.line in (None, line)
        and rule.account in (None, account)
        and rule.caller_kind in (None, kind)
        and (not rule.caller or caller_fits(rule.caller, rule.caller_is_prefix, caller))
    )


def caller_fits(wanted: str, is_prefix: bool, caller: Number) -> bool:
    if is_prefix:
        return caller.kind is NumberKind.E164 and caller.e164.startswith(wanted)
    number = read_number(wanted, REGION)
    if number.kind is NumberKind.SHORT:
        return caller.kind is NumberKind.SHORT and caller.text == number.text
    return number.kind is NumberKind.E164 and caller.e164 == number.e164
