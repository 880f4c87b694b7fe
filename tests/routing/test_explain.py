"""Does every decision read like something a colleague would say?"""

from dataclasses import replace
from datetime import timedelta
from typing import get_args
from zoneinfo import ZoneInfo

import pytest

from router.routing.explain import as_json, kind_of, sentence, sentences
from router.routing.model import Account, ClosedBy, Cover, During, OverrideAction, PersonState
from router.routing.reasons import (
    AccountDesk,
    AccountManager,
    Candidate,
    ComesBack,
    Covered,
    CoverLeadsNowhere,
    DeskClosed,
    DesksInCircle,
    DeskStandsIn,
    ExternalNotAllowed,
    FormerSalesperson,
    HandedOver,
    LineClosed,
    LineDesk,
    NotALine,
    NotNow,
    NoUsablePhone,
    Overridden,
    PersonAway,
    PersonLeft,
    PersonOffHours,
    Reason,
    RuleLeadsNowhere,
    RuleMatched,
    RuleNotNow,
    RungEnough,
    RunningJob,
    SafetyNet,
    SeveralManagers,
    StandInAs,
    StandsIn,
    UnknownPerson,
)
from tests.routing.small_company import (
    ANNA,
    LIFT,
    MONDAY_NIGHT,
    MONDAY_NOON,
    OFFICE_HOURS,
    SALES_DESK,
    STRANGER,
    SVENS_LINE,
    TOMORROW,
    company,
    decided,
    rule,
)

EACH_REASON: list[tuple[Reason, str]] = [
    (NotALine(dialled="+4940999"), "+4940999 is none of our lines."),
    (NotALine(dialled=""), "What was dialled is none of our lines."),
    (FormerSalesperson(line="Sven", person=5, name="Sven"), "Sven is the line of Sven, a former colleague."),
    (
        RuleNotNow(rule=1, priority=10, label="fair", why=NotNow.NOT_YET, missed=TOMORROW),
        "Rule 10 'fair' fits, but not before Tue 03 Mar 2026 11:00 UTC.",
    ),
    (
        RuleNotNow(rule=1, priority=10, label="fair", why=NotNow.NO_LONGER, missed=MONDAY_NOON),
        "Rule 10 'fair' fits, but it ended Mon 02 Mar 2026 11:00 UTC.",
    ),
    (
        RuleNotNow(rule=1, priority=10, label="fair", why=NotNow.ONLY_OPEN, missed=None),
        "Rule 10 'fair' fits, but only while open.",
    ),
    (
        RuleNotNow(rule=1, priority=10, label="fair", why=NotNow.ONLY_CLOSED, missed=None),
        "Rule 10 'fair' fits, but only while closed.",
    ),
    (
        RuleLeadsNowhere(rule=1, priority=10, label="VIP"),
        "Rule 10 'VIP' applies, but there is nobody it could lead to.",
    ),
    (RuleMatched(rule=1, priority=10, label="VIP", leads_to="Anna"), "Rule 10 'VIP' leads to Anna."),
    (
        RunningJob(account=1, account_name="Muster GmbH", job=1, title="Lift 7", manager=2, manager_name="Bert"),
        "Muster GmbH has a running job 'Lift 7'.",
    ),
    (
        RunningJob(
            account=1, account_name="Muster GmbH", job=1, title="Lift 7", manager=2, manager_name="Bert", by_line="Sven"
        ),
        "Muster GmbH has a running job 'Lift 7', seen from the line Sven.",
    ),
    (
        SeveralManagers(
            account=1,
            account_name="Muster GmbH",
            candidates=(
                Candidate(manager=2, manager_name="Bert", title="Lift 7"),
                Candidate(manager=3, manager_name="Carl", title="Ramp 2"),
            ),
        ),
        "Muster GmbH has running jobs of several account managers, so the desk asks: Bert ('Lift 7'), Carl ('Ramp 2').",
    ),
    (
        AccountManager(account=1, account_name="Muster GmbH", manager=1, manager_name="Anna"),
        "Anna is the account manager of Muster GmbH.",
    ),
    (
        AccountDesk(account=1, account_name="Muster GmbH", desk="Sales"),
        "Muster GmbH has no account manager, but its own desk Sales.",
    ),
    (LineDesk(line="Sven", desk="Sales"), "Sales is the desk of the line Sven."),
    (SafetyNet(desk="Coordinators"), "Coordinators is the safety net."),
    (
        StandsIn(person=3, name="Carl", stands_in_for="Anna", stands_in_as=StandInAs.DEPUTY),
        "Carl (deputy) stands in for Anna.",
    ),
    (PersonAway(person=1, name="Anna", until=None), "Anna is away."),
    (PersonAway(person=1, name="Anna", until=TOMORROW), "Anna is away until Tue 03 Mar 2026 11:00 UTC."),
    (PersonLeft(person=1, name="Anna"), "Anna no longer works here."),
    (PersonOffHours(person=1, name="Anna", until=TOMORROW), "Anna is off duty until Tue 03 Mar 2026 11:00 UTC."),
    (PersonOffHours(person=1, name="Anna", until=None), "Anna is off duty."),
    (NoUsablePhone(person=1, name="Anna"), "Anna has no phone that can be rung."),
    (
        ExternalNotAllowed(person=1, name="Anna"),
        "Anna has external phones only, at numbers that ROUTER_EXTERNAL_PREFIXES doesn't allow.",
    ),
    (UnknownPerson(person=17), "Person 17 is not in the table."),
    (
        RungEnough(person=1, name="Anna"),
        "Anna is not asked any more: the caller has waited long enough by then.",
    ),
    (
        LineClosed(line="Sven", closed_by=ClosedBy.DUTY, until=TOMORROW, duty="Night"),
        "The line Sven is closed until Tue 03 Mar 2026 11:00 UTC and desk Night is on duty.",
    ),
    (
        DeskClosed(desk="Sales", closed_by=ClosedBy.WAIT, until=None, duty=""),
        "Desk Sales is closed and the waiting line of the safety net takes over.",
    ),
    (
        DeskClosed(desk="Sales", closed_by=ClosedBy.PROMISE, until=TOMORROW, duty="", occasion="Labor Day"),
        "Desk Sales is closed (Labor Day) until Tue 03 Mar 2026 11:00 UTC and a call-back is promised.",
    ),
    (
        Covered(person=1, name="Anna", by="desk Night", until=TOMORROW, why="fair"),
        "Desk Night answers for Anna until Tue 03 Mar 2026 11:00 UTC (fair).",
    ),
    (Covered(person=1, name="Anna", by="Tina", until=None, why=""), "Tina answers for Anna."),
    (
        CoverLeadsNowhere(person=1, name="Anna"),
        "Who answers for Anna can't be told: the covers lead in a circle, too far or nowhere.",
    ),
    (
        Overridden(line="Sven", desk="", action=OverrideAction.DIVERT, to="Night", until=TOMORROW, why="move"),
        "The line Sven is diverted to desk Night until Tue 03 Mar 2026 11:00 UTC (move).",
    ),
    (
        Overridden(line="", desk="Sales", action=OverrideAction.CLOSED, to="", until=TOMORROW, why=""),
        "Desk Sales is declared closed until Tue 03 Mar 2026 11:00 UTC.",
    ),
    (
        DesksInCircle(desk="Sales"),
        "The desks lead in a circle, back to desk Sales, so the safety net takes over.",
    ),
    (
        DeskStandsIn(desk="Night", stands_in_for="Sven", until=None, why=""),
        "Desk Night answers for Sven.",
    ),
    (HandedOver(by="Bert", giver=2, to="Anna"), "Handed over by Bert to Anna."),
    (HandedOver(by="Bert", giver=2, to="", dialled="99"), "Bert dialled 99 to hand it over, which nobody has."),
    (HandedOver(by="Bert", giver=2, to=""), "Bert dialled no short number to hand it over, which nobody has."),
    (ComesBack(person=2, name="Bert"), "It comes back to Bert when nobody takes it."),
]


@pytest.mark.parametrize(("reason", "said"), EACH_REASON)
def test_each_reason_is_a_sentence(reason: Reason, said: str) -> None:
    decision = replace(decided(company()), because=(reason,))

    assert sentences(decision) == [said]


def test_no_kind_of_reason_is_left_out_above() -> None:
    assert {type(reason) for reason, _ in EACH_REASON} == set(get_args(Reason))


@pytest.mark.parametrize(
    ("changed", "caller", "said"),
    [
        (
            [LIFT],
            "+4930100200",
            "Bert (account manager) for 20 s, then Anna (account manager) for 20 s, then Carl (deputy) for 20 s,"
            " then desk Sales: Muster GmbH has a running job 'Lift 7'",
        ),
        (
            [replace(ANNA, state=PersonState.AWAY, away_until=TOMORROW)],
            "+4930100200",
            "Carl (deputy) for 20 s, then Dora (deputy) for 20 s, then desk Sales: Anna is the account manager of"
            " Muster GmbH, but Anna is away until Tue 03 Mar 2026 11:00 UTC",
        ),
        (
            [Account(id=1, name="Muster GmbH", manager=ANNA.id), replace(ANNA, state=PersonState.LEFT)],
            "+4930100200",
            "desk Sales: Anna is the account manager of Muster GmbH, but Anna no longer works here",
        ),
        ([], STRANGER, "desk Sales: Sales is the desk of the line Sven"),
        ([rule()], STRANGER, "desk Night: rule 10 'to the night desk' leads to desk Night"),
    ],
)
def test_a_decision_is_said_in_one_line(changed: list[Account], caller: str, said: str) -> None:
    assert sentence(decided(company(*changed), caller=caller, line=SVENS_LINE)) == said


def test_times_are_told_on_the_clock_of_who_reads_them() -> None:
    table = company(replace(ANNA, state=PersonState.AWAY, away_until=MONDAY_NOON + timedelta(hours=1)))

    assert "Anna is away until Mon 02 Mar 2026 13:00 CET." in sentences(decided(table), ZoneInfo("Europe/Berlin"))


def test_a_decision_is_written_down_with_names_facts_and_sentences() -> None:
    table = company(LIFT, rule(during=During.CLOSED))

    assert as_json(decided(table, line=SVENS_LINE)) == {
        "table_version": 3,
        "decided_at": "2026-03-02T11:00:00Z",
        "dialled": "+4940555001",
        "line": {"id": 2, "number": "+4940555001", "label": "Sven", "kind": "salesperson"},
        "caller": {"kind": "e164", "e164": "+4930100200", "text": "+4930100200"},
        "caller_kind": "known",
        "account": {"id": 1, "name": "Muster GmbH"},
        "job": {"id": 1, "title": "Lift 7"},
        "display": "Sven: Muster GmbH",
        "steps": [
            {"kind": "person", "person": 2, "name": "Bert", "phones": ["bert"], "seconds": 20},
            {"kind": "person", "person": 1, "name": "Anna", "phones": ["anna"], "seconds": 20},
            {"kind": "person", "person": 3, "name": "Carl", "phones": ["carl"], "seconds": 20},
            {"kind": "desk", "desk": 2, "name": "Sales", "strategy": "all", "slot": 2, "seconds": 300},
            {"kind": "desk", "desk": 3, "name": "Back office", "strategy": "all", "slot": 3, "seconds": 300},
            {"kind": "desk", "desk": 1, "name": "Coordinators", "strategy": "all", "slot": 1, "seconds": 300},
        ],
        "sentence": sentence(decided(table, line=SVENS_LINE)),
        "reasons": [
            {
                "kind": "rule_not_now",
                "rule": 1,
                "priority": 10,
                "label": "to the night desk",
                "why": "only while closed",
                "missed": None,
                "sentence": "Rule 10 'to the night desk' fits, but only while closed.",
            },
            {
                "kind": "running_job",
                "account": 1,
                "account_name": "Muster GmbH",
                "job": 1,
                "title": "Lift 7",
                "manager": 2,
                "manager_name": "Bert",
                "by_line": "",
                "sentence": "Muster GmbH has a running job 'Lift 7'.",
            },
            {
                "kind": "stands_in",
                "person": 1,
                "name": "Anna",
                "stands_in_for": "Bert",
                "stands_in_as": "account manager",
                "sentence": "Anna (account manager) stands in for Bert.",
            },
            {
                "kind": "stands_in",
                "person": 3,
                "name": "Carl",
                "stands_in_for": "Bert",
                "stands_in_as": "deputy",
                "sentence": "Carl (deputy) stands in for Bert.",
            },
            {
                "kind": "rung_enough",
                "person": 4,
                "name": "Dora",
                "sentence": "Dora is not asked any more: the caller has waited long enough by then.",
            },
        ],
    }


@pytest.mark.parametrize(("reason", "kind"), [(NotALine(dialled=""), "not_a_line"), (SafetyNet(desk=""), "safety_net")])
def test_a_kind_of_reason_is_its_name(reason: Reason, kind: str) -> None:
    assert kind_of(reason) == kind


def test_a_promise_is_told_with_the_opening_after_which_it_is_due() -> None:
    closed = replace(SALES_DESK, hours=OFFICE_HOURS.id, closed_by=ClosedBy.PROMISE)

    decision = decided(company(closed), caller=STRANGER, line=SVENS_LINE, now=MONDAY_NIGHT)

    assert sentence(decision) == (
        "a promise to call back after Tue 03 Mar 2026 07:00 UTC: Sales is the desk of the line Sven,"
        " but desk Sales is closed until Tue 03 Mar 2026 07:00 UTC and a call-back is promised"
    )
    assert as_json(decision)["steps"] == [{"kind": "promise", "due_after_opening": "2026-03-03T07:00:00Z"}]


def test_who_covers_is_told_as_such_and_for_whom() -> None:
    cover = Cover(id=1, person=1, by_person=6, starts_at=MONDAY_NOON, ends_at=TOMORROW, reason="fair")

    assert sentence(decided(company(cover))).startswith("Tina (cover) for 20 s, then Carl (deputy)")
    assert sentence(decided(company(cover))).endswith(
        "but Tina answers for Anna until Tue 03 Mar 2026 11:00 UTC (fair)"
    )
