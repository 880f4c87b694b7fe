"""Is each kind of problem found in a table made for it, alone and with the right path, and none where there is none?"""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from router.routing.configuration import Entity, Put
from router.routing.model import (
    Account,
    ClosedBy,
    Cover,
    Hours,
    Lead,
    Line,
    LineKind,
    Override,
    OverrideAction,
    Person,
    PersonState,
    Phone,
    PhoneKind,
)
from router.routing.problem import (
    Circle,
    DeadEnd,
    EmptyDesk,
    EndlessOverride,
    LeansOnOne,
    LeftPerson,
    NeverOpens,
    OwnNumber,
    Problem,
    UnusablePhone,
    as_json,
    is_warning,
    path,
    say,
)
from router.routing.problems import problems
from router.routing.table import Table
from tests.routing.small_company import (
    ANNA,
    BACK_OFFICE,
    BERT,
    BUSINESS_LINE,
    CARL,
    COORDINATORS,
    DORA,
    LIFT,
    MONDAY_NIGHT,
    MONDAY_NOON,
    NIGHT_DESK,
    OFFICE_HOURS,
    RAMP,
    SALES_DESK,
    SVEN,
    SVENS_LINE,
    TINA,
    TINAS_LINE,
    TOMORROW,
    company,
    rule,
)
from tests.storage.stories import SAMPLE_TABLE

STAFFED = (
    replace(COORDINATORS, members=(CARL.id, DORA.id)),
    replace(SALES_DESK, members=(BERT.id,)),
    replace(BACK_OFFICE, members=(BERT.id,)),
    replace(NIGHT_DESK, members=(DORA.id,)),
)
SVENS = Line(id=2, number=SVENS_LINE, label="Sven", kind=LineKind.SALESPERSON, person=SVEN.id, desk=SALES_DESK.id)
NEVER = Hours(id=9, name="never", time_zone="Europe/Berlin")
CHRISTMAS = datetime(2026, 12, 24, 23, tzinfo=UTC)  # when the first day of Christmas begins in Berlin
COVERED = Cover(id=1, person=ANNA.id, by_person=BERT.id, starts_at=MONDAY_NOON - timedelta(days=1))


def sound(*changed: Entity) -> Table:
    """A company with people at every desk, with these put in or replaced."""
    return company(*STAFFED, *changed)


def mobile(person: Person, number: str) -> Person:
    return replace(person, phones=(Phone(id=80, person=person.id, kind=PhoneKind.EXTERNAL, number=number),))


def gone(person: Person) -> Person:
    return replace(person, state=PersonState.LEFT)


def told(problem: Problem) -> tuple[str, list[str]]:
    """What kind it is, and its path without the first sentence's instant."""
    first, *reasons = path(problem)
    return type(problem).__name__, [first.partition(" at ")[0], *reasons]


def test_a_company_with_people_everywhere_has_no_problem() -> None:
    assert problems(sound(), MONDAY_NOON) == ()


@pytest.mark.parametrize("now", [MONDAY_NOON, MONDAY_NIGHT, datetime(2027, 7, 4, tzinfo=UTC)])
def test_the_sample_company_has_no_problem(now: datetime) -> None:
    assert problems(SAMPLE_TABLE, now) == ()


ONE_PROBLEM = [
    (
        "nobody sits at the safety net",
        sound(COORDINATORS),
        DeadEnd,
        "nobody can be rung at the safety net Coordinators",
        ["An unknown caller calls +4940555000 (Business)", "Coordinators is the desk of the line Business."],
    ),
    (
        "everybody at the safety net has left",
        sound(
            gone(CARL), gone(DORA), replace(NIGHT_DESK, members=(BERT.id,)), Account(id=1, name="M", manager=ANNA.id)
        ),
        DeadEnd,
        "nobody can be rung at the safety net Coordinators",
        ["An unknown caller calls +4940555000 (Business)"],
    ),
    (
        "at night nobody at the safety net is on duty",
        sound(replace(CARL, hours=OFFICE_HOURS.id), replace(DORA, hours=OFFICE_HOURS.id)),
        DeadEnd,
        "from Mon 02 Mar 2026 17:00 UTC on nobody can be rung at the safety net Coordinators",
        ["An unknown caller calls +4940555000 (Business)", "Coordinators is the desk of the line Business."],
    ),
    (
        "only one sits at the safety net",
        sound(replace(COORDINATORS, members=(CARL.id,))),
        LeansOnOne,
        "only Carl answers at the safety net Coordinators",
        ["An unknown caller calls +4940555000 (Business)"],
    ),
    (
        "everybody at a desk has left",
        sound(gone(BERT), replace(BACK_OFFICE, members=(CARL.id,))),
        EmptyDesk,
        "desk Sales, where nobody works who has a phone",
        ["An unknown caller calls +4940555001 (Sven)", "Sales is the desk of the line Sven."],
    ),
    (
        "desks lead to each other",
        sound(replace(BACK_OFFICE, next_desk=SALES_DESK.id, members=(BERT.id,))),
        Circle,
        "closes at desk Sales",
        [
            "An unknown caller calls +4940555001 (Sven)",
            "Sales is the desk of the line Sven.",
            "The desks lead in a circle, back to desk Sales, so the safety net takes over.",
        ],
    ),
    (
        "closed desks are on duty for each other",
        sound(
            OFFICE_HOURS,
            replace(STAFFED[1], hours=1, closed_by=ClosedBy.DUTY, duty_desk=BACK_OFFICE.id),
            replace(STAFFED[2], hours=1, closed_by=ClosedBy.DUTY, duty_desk=SALES_DESK.id),
        ),
        Circle,
        "closes at desk Sales",
        ["An unknown caller calls +4940555001 (Sven)"],
    ),
    (
        "two people answer for each other",
        sound(COVERED, replace(COVERED, id=2, person=BERT.id, by_person=ANNA.id)),
        Circle,
        "who answers for Anna can't be told",
        ["Muster GmbH calls +4940555000 (Business)", "Anna is the account manager of Muster GmbH."],
    ),
    (
        "the account manager has left",
        sound(gone(ANNA)),
        LeftPerson,
        "Anna has left and is an account manager",
        [
            "Muster GmbH calls +4940555000 (Business)",
            "Anna is the account manager of Muster GmbH.",
            "Anna no longer works here.",
        ],
    ),
    (
        "the manager of a running job has left",
        sound(replace(LIFT, manager=SVEN.id), gone(SVEN)),
        LeftPerson,
        "Sven has left and is the account manager of a running job",
        ["Muster GmbH calls +4940555000 (Business)", "Muster GmbH has a running job 'Lift 7'."],
    ),
    (
        "one of two managers of jobs has left, which only his line tells",
        sound(replace(LIFT, manager=SVEN.id), RAMP, gone(SVEN)),
        LeftPerson,
        "Sven has left and is the account manager of a running job",
        [
            "Muster GmbH calls +4940555001 (Sven)",
            "Sven is the line of Sven, a former colleague.",
            "Muster GmbH has a running job 'Lift 7', seen from the line Sven.",
        ],
    ),
    (
        "a rule leads to somebody who has left",
        sound(rule(then=Lead.PERSON, person=SVEN.id, desk=None, caller="+49171", caller_is_prefix=True), gone(SVEN)),
        LeftPerson,
        "Sven has left and is whom rule 10 'to the night desk' leads to",
        ["An unknown caller calls +4940555000 (Business)", "Rule 10 'to the night desk' leads to Sven."],
    ),
    (
        "the account manager's phone is switched off for good",
        sound(replace(ANNA, phones=(replace(ANNA.phones[0], enabled=False),))),
        UnusablePhone,
        "Anna is an account manager, but has no phone that can be rung",
        ["Muster GmbH calls +4940555000 (Business)", "Anna is the account manager of Muster GmbH."],
    ),
    (
        "the account manager's number may not be called",
        sound(mobile(ANNA, "+49171555001")),
        UnusablePhone,
        "at numbers that ROUTER_EXTERNAL_PREFIXES doesn't allow",
        ["Muster GmbH calls +4940555000 (Business)"],
    ),
    (
        "a private number is one of our own lines",
        replace(sound(mobile(ANNA, SVENS_LINE)), external_prefixes=("+49",)),
        OwnNumber,
        "the number +4940555001 of Anna is our own line Sven",
        ["Muster GmbH calls +4940555000 (Business)", "Anna is the account manager of Muster GmbH."],
    ),
    (
        "the last resort is one of our own lines",
        sound(replace(STAFFED[1], last_resort=BUSINESS_LINE)),
        OwnNumber,
        "of the last resort of desk Sales is our own line Business",
        ["An unknown caller calls +4940555001 (Sven)"],
    ),
    (
        "an override without an end",
        sound(
            Override(
                id=1,
                line=2,
                action=OverrideAction.DIVERT,
                to_desk=NIGHT_DESK.id,
                starts_at=TOMORROW,
                ends_at=datetime(9999, 12, 31, tzinfo=UTC),
            )
        ),
        EndlessOverride,
        "the override of the line Sven doesn't end before 9999",
        ["An unknown caller calls +4940555001 (Sven)", "Sales is the desk of the line Sven."],
    ),
    (
        "hours that never open, and callers hear promises",
        sound(NEVER, replace(SVENS, hours=NEVER.id, closed_by=ClosedBy.PROMISE)),
        NeverOpens,
        "the hours 'never' of Sven don't open within a year",
        [
            "An unknown caller calls +4940555001 (Sven)",
            "Sales is the desk of the line Sven.",
            "The line Sven is closed and a call-back is promised.",
        ],
    ),
    (
        "a manager whose hours never open",
        sound(NEVER, replace(ANNA, hours=NEVER.id)),
        NeverOpens,
        "the hours 'never' of Anna don't open within a year",
        [
            "Muster GmbH calls +4940555000 (Business)",
            "Anna is the account manager of Muster GmbH.",
            "Anna is off duty.",
        ],
    ),
]


@pytest.mark.parametrize(
    ("table", "kind", "says", "way"), [case[1:] for case in ONE_PROBLEM], ids=[c[0] for c in ONE_PROBLEM]
)
def test_the_table_made_for_it_has_exactly_this_problem(
    table: Table, kind: type[Problem], says: str, way: Sequence[str]
) -> None:
    (found,) = [problem for problem in problems(table, MONDAY_NOON) if not is_warning(problem)]

    assert isinstance(found, kind)
    assert says in say(found)
    assert told(found)[1][: len(way)] == list(way)


ONE_WARNING = [
    ("a deputy has left", sound(gone(CARL), replace(STAFFED[0], members=(BERT.id, DORA.id))), LeftPerson),
    (
        "an account manager will leave",
        sound(replace(ANNA, state=PersonState.LEAVING, leaves_at=TOMORROW)),
        LeftPerson,
    ),
    (
        "one of two at the safety net is covered",
        sound(replace(COVERED, person=CARL.id, ends_at=TOMORROW)),
        LeansOnOne,
    ),
    (
        "one of two at the safety net is away",
        sound(replace(CARL, state=PersonState.AWAY, away_until=TOMORROW)),
        LeansOnOne,
    ),
    ("hours that never open, and the safety net takes over", sound(NEVER, replace(SVENS, hours=NEVER.id)), NeverOpens),
]


@pytest.mark.parametrize(("table", "kind"), [case[1:] for case in ONE_WARNING], ids=[c[0] for c in ONE_WARNING])
def test_what_costs_nobody_a_person_is_only_a_warning(table: Table, kind: type[Problem]) -> None:
    (found,) = problems(table, MONDAY_NOON)

    assert isinstance(found, kind)
    assert is_warning(found)


FINE = {
    "a safety net with nobody at night, when every line promises a call back": sound(
        replace(CARL, hours=OFFICE_HOURS.id),
        replace(DORA, hours=OFFICE_HOURS.id),
        replace(STAFFED[0], hours=OFFICE_HOURS.id, closed_by=ClosedBy.PROMISE),
        replace(SVENS, hours=OFFICE_HOURS.id, closed_by=ClosedBy.PROMISE),
        replace(SVENS, id=3, number=TINAS_LINE, person=TINA.id, hours=OFFICE_HOURS.id, closed_by=ClosedBy.PROMISE),
    ),
    "a promise in closed hours": sound(OFFICE_HOURS, replace(SVENS, hours=OFFICE_HOURS.id, closed_by=ClosedBy.PROMISE)),
    "somebody left, and somebody else has taken over": sound(gone(ANNA), COVERED),
    "an absent account manager": sound(replace(ANNA, state=PersonState.AWAY)),
    "hours that never open, with a desk on duty": sound(
        NEVER, replace(SVENS, hours=NEVER.id, closed_by=ClosedBy.DUTY, duty_desk=NIGHT_DESK.id)
    ),
    "a night desk that leads back to the desk it is on duty for": sound(
        OFFICE_HOURS,
        replace(STAFFED[1], hours=OFFICE_HOURS.id, closed_by=ClosedBy.DUTY, duty_desk=NIGHT_DESK.id),
        replace(STAFFED[3], next_desk=SALES_DESK.id),
        rule(caller="+49171", caller_is_prefix=True),
    ),
    "a desk that nobody is led to and nobody sits at": sound(NIGHT_DESK),
    "a desk all of whose people are away": sound(
        replace(SVEN, state=PersonState.AWAY), replace(STAFFED[1], members=(SVEN.id,))
    ),
}


@pytest.mark.parametrize("table", FINE.values(), ids=FINE)
def test_what_looks_odd_but_is_meant_is_no_problem(table: Table) -> None:
    assert problems(table, MONDAY_NOON) == ()


def test_a_desk_that_only_a_holiday_leads_to_is_found_on_that_holiday() -> None:
    round_the_clock = Hours(
        id=5,
        name="round the clock",
        time_zone="Europe/Berlin",
        country="DE",
        week=tuple(replace(OFFICE_HOURS.week[0], weekday=day, opens=0, closes=1440) for day in range(7)),
    )
    line = replace(SVENS, hours=5, closed_by=ClosedBy.DUTY, duty_desk=NIGHT_DESK.id)
    december = CHRISTMAS - timedelta(days=7)

    (found,) = problems(sound(round_the_clock, line, NIGHT_DESK), december)

    assert isinstance(found, EmptyDesk)
    assert path(found) == [
        "An unknown caller calls +4940555001 (Sven) at Thu 24 Dec 2026 23:00 UTC.",
        "Sales is the desk of the line Sven.",
        "The line Sven is closed (Christmas Day) until Sat 26 Dec 2026 23:00 UTC and desk Night is on duty.",
    ]


def test_the_day_the_last_but_one_leaves_the_safety_net_is_told_ahead() -> None:
    leaving = replace(CARL, state=PersonState.LEAVING, leaves_at=CHRISTMAS)
    also = replace(DORA, state=PersonState.LEAVING, leaves_at=CHRISTMAS + timedelta(days=1))
    members = (replace(STAFFED[3], members=(BERT.id,)), Account(id=1, name="Muster GmbH", manager=ANNA.id))

    first, second = problems(sound(leaving, also, *members), MONDAY_NOON)

    assert isinstance(first, DeadEnd)
    assert first.since == CHRISTMAS + timedelta(days=1)
    assert isinstance(second, LeansOnOne)
    assert (second.person, second.since, second.for_now) == ("Dora", CHRISTMAS, True)


def test_accounts_that_are_alike_have_one_problem_together() -> None:
    table = sound(gone(ANNA))
    many = [Account(id=id_, name=f"Customer {id_}", manager=ANNA.id) for id_ in range(2, 50)]
    for account in many:
        table = table.with_change(Put(entity=account))
    numbers = [(493055500000 + account.id, False, account.id) for account in many]
    table = replace(table, callers=table.callers.with_numbers(numbers))

    found = problems(table, MONDAY_NOON)

    assert [type(problem) for problem in found] == [LeftPerson]


def test_an_account_without_a_number_leads_nobody_anywhere() -> None:
    table = sound(Account(id=2, name="Silent", manager=SVEN.id), gone(SVEN))

    assert problems(table, MONDAY_NOON) == ()


@pytest.mark.parametrize("table", [case[1] for case in ONE_PROBLEM], ids=[case[0] for case in ONE_PROBLEM])
def test_each_problem_can_be_written_as_json(table: Table) -> None:
    for problem in problems(table, MONDAY_NOON):
        written = json.loads(json.dumps(as_json(problem)))

        assert written["problem"] == type(problem).__name__
        assert written["sentence"] == say(problem)
        assert written["path"] == path(problem)


def test_looking_ahead_leaves_the_table_as_it_was() -> None:
    table = sound(OFFICE_HOURS, replace(SVENS, hours=OFFICE_HOURS.id))

    problems(table, MONDAY_NOON)

    assert table._spells == {}


def test_a_company_of_one_desk_and_nobody_is_told_once() -> None:
    table = company()
    for desk in (SALES_DESK, BACK_OFFICE, NIGHT_DESK):
        table = table.with_change(Put(entity=replace(desk, members=(BERT.id,))))

    (found,) = problems(table, MONDAY_NOON)

    assert isinstance(found, DeadEnd)
