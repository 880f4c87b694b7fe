"""Is it said rightly who ends up answering, and is it the live decision that is followed?"""

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.calls.answering import NOBODY_SAYS, NONE, Answering, Assumptions, Fate, as_json, ending, told, who_answers
from router.calls.events import CallArrived, Presented
from router.calls.presence import Presence, sign_out
from router.calls.tracker import Calls
from router.routing.configuration import Configuration, Put
from router.routing.decide import CallFacts, decide
from router.routing.model import PersonState
from router.routing.numbers import read_number
from router.routing.plan import Promise, RingDesk, RingPerson
from router.routing.table import Table
from tests.proof import many
from tests.routing.companies import REGION, calls, companies, instants
from tests.routing.small_company import (
    ANNA,
    BERT,
    CARL,
    COORDINATORS,
    DORA,
    MONDAY_NOON,
    MUSTER,
    NIGHT_DESK,
    SALES_DESK,
    STRANGER,
    SVENS_LINE,
    company,
)

ZONE = ZoneInfo("Europe/Berlin")
TABLE = company(
    replace(SALES_DESK, members=(BERT.id, CARL.id)),
    replace(COORDINATORS, members=(DORA.id,), last_resort=None),
)


def asked(caller: str = STRANGER, assumptions: Assumptions = NONE, table: Table = TABLE) -> Answering:
    call = CallFacts(dialled=SVENS_LINE, caller=read_number(caller, "DE"))
    return who_answers(call, table, NOBODY_SAYS, assumptions, MONDAY_NOON, ZONE)


@pytest.mark.parametrize(
    ("caller", "assumptions", "sentence"),
    [
        (STRANGER, NONE, "In the end Bert or Carl answers, at the desk Sales."),
        (STRANGER, Assumptions(busy=frozenset({"bert"})), "In the end Carl answers, at the desk Sales."),
        (
            STRANGER,
            Assumptions(busy=frozenset({"bert", "carl"})),
            "In the end Bert or Carl answers, whoever is free first, at the desk Sales.",
        ),
        (STRANGER, Assumptions(away=frozenset({BERT.id})), "In the end Carl answers, at the desk Sales."),
        (
            STRANGER,
            Assumptions(empty_desks=frozenset({SALES_DESK.id})),
            "In the end Dora answers, at the desk Coordinators.",
        ),
        (
            STRANGER,
            Assumptions(empty_desks=frozenset({SALES_DESK.id}), away=frozenset({DORA.id})),
            "Nobody can answer: callers wait with music until somebody is there, for at most half an hour.",
        ),
        (MUSTER, NONE, "In the end Anna answers."),
        (MUSTER, Assumptions(busy=frozenset({"anna"})), "In the end Carl answers."),
        (MUSTER, Assumptions(away=frozenset({ANNA.id, CARL.id})), "In the end Dora answers."),
    ],
)
def test_the_plan_is_followed_to_whoever_can_answer(caller: str, assumptions: Assumptions, sentence: str) -> None:
    answering = asked(caller, assumptions)

    assert ending(answering) == sentence == told(answering, ZONE)[-1]


def test_whoever_is_behind_the_one_who_answers_is_not_reached() -> None:
    assert [one.fate for one in asked(MUSTER).tried][:2] == [Fate.RINGS, Fate.NOT_REACHED]


def test_who_is_signed_out_is_not_at_the_desk_and_it_is_said_since_when() -> None:
    gone = {BERT.id: sign_out(Presence(person=BERT.id, since=MONDAY_NOON), MONDAY_NOON)}
    call = CallFacts(dialled=SVENS_LINE, caller=read_number(STRANGER, "DE"))

    answering = who_answers(call, TABLE, gone, NONE, MONDAY_NOON, ZONE)

    assert told(answering, ZONE) == [
        "At the desk Sales Carl can answer (Bert is signed out since 12:00).",
        "In the end Carl answers, at the desk Sales.",
    ]


def test_the_number_of_last_resort_comes_last() -> None:
    table = company(replace(COORDINATORS, members=(), last_resort="+4917600000"), replace(NIGHT_DESK, members=()))
    table = replace(table, external_prefixes=("+49",))

    assert ending(asked(table=table)) == "In the end +4917600000 is rung, the last resort."


@settings(max_examples=many(60, 1000))
@given(
    company=companies(),
    call=calls(),
    now=instants(),
    away=st.frozensets(st.integers(1, 7), max_size=3),
    busy=st.frozensets(st.sampled_from([f"phone-{person}-{nth}" for person in range(1, 5) for nth in range(3)])),
    empty=st.frozensets(st.integers(1, 7), max_size=3),
)
def test_it_is_the_decision_of_a_real_call_at_a_company_where_the_assumptions_hold(
    company: Configuration,
    call: CallFacts,
    now: datetime,
    away: frozenset[int],
    busy: frozenset[str],
    empty: frozenset[int],
) -> None:
    table = Table.build(company, version=1)
    where_it_holds = table
    for person in away & set(table.people):
        if table.people[person].state is not PersonState.LEFT:
            gone = replace(table.people[person], state=PersonState.AWAY, away_until=None)
            where_it_holds = where_it_holds.with_change(Put(entity=gone), version=1)
    assumptions = Assumptions(away=away, busy=busy, empty_desks=empty)

    answering = who_answers(call, table, NOBODY_SAYS, assumptions, now, ZONE)

    assert answering.decision == decide(call, where_it_holds, now)
    steps = [one.step for one in answering.tried if not isinstance(one.step, str)]
    assert steps == list(answering.decision.plan.steps)
    assert all(sentence.isprintable() for sentence in told(answering, ZONE))
    assert len(as_json(answering, ZONE)["walk"]) == len(answering.tried)
    for tried in answering.tried:
        assert not away & {person.id for person in tried.people}
        match tried.step:
            case RingDesk(desk=desk) if desk in empty:
                assert tried.fate in (Fate.PASSED_OVER, Fate.NOT_REACHED)
            case RingPerson(phones=phones) if tried.fate is Fate.RINGS:
                assert any(phone.call_waiting or (phone.endpoint or phone.number) not in busy for phone in phones)
            case Promise():
                assert tried.fate in (Fate.PROMISED, Fate.NOT_REACHED)
            case _:
                pass


@settings(max_examples=many(60, 1000))
@given(
    company=companies(), dialled=st.sampled_from(["+4940555001", "040555", "777", ""]), now=instants(), data=st.data()
)
def test_without_assumptions_it_is_what_the_call_itself_gets(
    company: Configuration, dialled: str, now: datetime, data: st.DataObject
) -> None:
    caller = data.draw(st.sampled_from(["+49300000", "+4930000001", "+4917612345678", ""]))
    table = Table.build(company, version=1)
    presented = Presented.NUMBER if caller else Presented.WITHHELD
    live = Calls()
    live.step(
        CallArrived(call_id="pbx:1", channel="PJSIP/1", dialled=dialled, caller=caller, presented=presented, at=now),
        table,
    )
    call = live.get("pbx:1")
    assert call is not None

    said = who_answers(
        CallFacts(dialled=dialled, caller=read_number(caller, REGION)), table, NOBODY_SAYS, NONE, now, ZONE
    )

    assert said.decision == call.decision
