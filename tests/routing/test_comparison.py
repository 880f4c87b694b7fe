"""Is what is said to go elsewhere what `decide` says before and after, and is nothing passed over?"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from router.routing.comparison import as_json, goes, moves, say
from router.routing.configuration import Change, Configuration, Noun, Put, PutNumbers, Remove, RemoveNumbers
from router.routing.decide import CallFacts, decide
from router.routing.model import Account
from router.routing.problem import alike
from router.routing.problems import problems, same_problems
from router.routing.table import Table
from router.routing.touched import Touched
from tests.proof import many
from tests.routing.companies import CUSTOMERS, calls, companies, instants
from tests.routing.small_company import (
    ANNA,
    BERT,
    COORDINATORS,
    MONDAY_NOON,
    NIGHT_DESK,
    OFFICE_HOURS,
    SALES_DESK,
    company,
)

MUSTER_GMBH = Account(id=1, name="Muster GmbH", manager=ANNA.id, deputies=(3, 4))


def told(*changes: Change) -> list[str]:
    table = company()
    return [say(move) for move in moves(table, table.with_changes(changes), MONDAY_NOON)]


def test_another_account_manager_moves_that_accounts_calls_and_no_others() -> None:
    said = told(Put(entity=replace(MUSTER_GMBH, manager=BERT.id)))

    assert all(one.startswith("Muster GmbH on ") for one in said)
    assert said[0] == (
        "Muster GmbH on Business (+4940555000), a number that is no line, now:"
        " Anna for 20 s, then Carl for 20 s, then Dora for 20 s, then desk Coordinators (nobody)"
        " → Bert for 20 s, then Carl for 20 s, then Dora for 20 s, then desk Coordinators (nobody)."
    )


def test_hours_for_a_desk_move_the_calls_of_its_lines_while_it_is_closed() -> None:
    said = told(Put(entity=OFFICE_HOURS), Put(entity=replace(SALES_DESK, hours=OFFICE_HOURS.id)))

    assert len(said) == 1
    assert said[0].startswith("an unknown caller (and 1 alike) on Sven (+4940555001), while open, such as Mon 02 Mar")


def test_who_sits_at_a_desk_is_told_as_well() -> None:
    said = told(Put(entity=replace(NIGHT_DESK, members=(ANNA.id,))), Put(entity=replace(COORDINATORS, members=(1,))))

    assert all("desk Coordinators (nobody) → " in one for one in said)
    assert all(one.endswith("desk Coordinators (Anna).") for one in said)
    assert not any("Night" in one for one in said), "nothing leads there"


def test_what_is_only_called_otherwise_goes_nowhere_else() -> None:
    assert told(Put(entity=replace(ANNA, name="Annabel")), Put(entity=replace(NIGHT_DESK, name="Night owls"))) == []


def test_numbers_that_change_hands_are_asked_about() -> None:
    table = company()
    number = 4930777777
    after = table.with_changes([PutNumbers(rows=((number, False, 1),))])

    move = moves(table, after, MONDAY_NOON, [number])[0]

    assert as_json(move)["example"]["caller"] == f"+{number}"
    assert as_json(move)["after"]["steps"][0] == "Anna"


@st.composite
def changed_companies(draw: st.DrawFn) -> tuple[Configuration, Sequence[Change]]:
    """A company, and what somebody might change of it: any objects of another company in place of its own."""
    here, there = draw(companies()), draw(companies())
    others: list[Any] = [*there.people, *there.desks, *there.lines, *there.accounts, *there.jobs, *there.rules]
    others += [*there.hours, *there.covers, *there.overrides]
    changes: list[Change] = [Put(entity=one) for one in draw(st.lists(st.sampled_from(others), min_size=1, max_size=4))]
    known: dict[Noun, Any] = {
        Noun.RULE: here.rules,
        Noun.JOB: here.jobs,
        Noun.COVER: here.covers,
        Noun.LINE: here.lines,
    }
    noun = draw(st.sampled_from(list(known)))
    if known[noun] and draw(st.booleans()):
        changes.append(Remove(noun=noun, id=draw(st.sampled_from([one.id for one in known[noun]]))))
    number = int(draw(st.sampled_from(CUSTOMERS)))
    changes += draw(
        st.sampled_from([[], [PutNumbers(rows=((number, False, 1),))], [RemoveNumbers(rows=((number, False),))]])
    )
    return here, changes


@settings(max_examples=many(40, 600))
@given(changed_companies(), instants(), st.lists(st.tuples(calls(), instants()), max_size=10))
def test_before_and_after_are_what_decide_says_before_and_after(
    drawn: tuple[Configuration, Sequence[Change]], now: datetime, others: list[tuple[CallFacts, datetime]]
) -> None:
    company, changes = drawn
    before = Table.build(company, version=1)
    after = before.with_changes(changes)
    numbers = [int(number) for number in CUSTOMERS]

    found = moves(before, after, now, numbers)

    for move in found:
        assert say(move).isprintable()
        for call in move.calls:
            facts, at = CallFacts(dialled=call.before.dialled, caller=call.before.caller), call.before.decided_at
            assert (decide(facts, before, at), decide(facts, after, at)) == (call.before, call.after)
            assert goes(call.before, before) != goes(call.after, after)
    # And the other way round: what was asked about by none of them is moved by none.
    if not found:
        for facts, _ in others:
            assert goes(decide(facts, before, now), before) == goes(decide(facts, after, now), after)


@settings(max_examples=many(25, 1000), deadline=None)
@given(changed_companies(), instants(), st.lists(st.tuples(calls(), instants()), max_size=20))
def test_a_call_that_a_change_can_not_touch_is_decided_alike_and_for_the_same_reasons(
    drawn: tuple[Configuration, Sequence[Change]], now: datetime, others: list[tuple[CallFacts, datetime]]
) -> None:
    company, changes = drawn
    before = Table.build(company, version=1)
    after = before.with_changes(changes, version=1)
    touched = Touched(before, after)

    for facts, at in others:
        if not touched.may_go_elsewhere(facts):
            one, other = decide(facts, before, at), decide(facts, after, at)
            assert one.because == other.because
            assert one.plan.steps == other.plan.steps
            assert goes(one, before) == goes(other, after)


@settings(max_examples=many(12, 600), deadline=None)
@given(changed_companies(), instants())
def test_asking_only_what_a_change_can_touch_finds_what_asking_everything_does(
    drawn: tuple[Configuration, Sequence[Change]], now: datetime
) -> None:
    company, changes = drawn
    before = Table.build(company, version=1)
    after = before.with_changes(changes)
    numbers = [int(number) for number in CUSTOMERS]

    assert moves(before, after, now, numbers) == moves(before, after, now, numbers, only=lambda call: True)
    if same_problems(before, after, now):
        there, then = (set(map(alike, problems(table, now))) for table in (before, after))
        assert there == then
