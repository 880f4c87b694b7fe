"""Which rule, job, manager or desk leads a call? Stories of one small company."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from router.routing.model import (
    Account,
    CallerKind,
    During,
    Job,
    JobState,
    Lead,
    Line,
    LineKind,
)
from router.routing.reasons import (
    AccountDesk,
    AccountManager,
    Candidate,
    LineDesk,
    NotALine,
    NotNow,
    RuleLeadsNowhere,
    RuleMatched,
    RuleNotNow,
    RunningJob,
    SafetyNet,
    SeveralManagers,
)
from tests.routing.small_company import (
    ANNA,
    BACK_OFFICE,
    BERT,
    BUSINESS_LINE,
    LIFT,
    MONDAY_NIGHT,
    MONDAY_NOON,
    MUSTER,
    OFFICE_HOURS,
    RAMP,
    STRANGER,
    SVENS_LINE,
    TINA,
    TINAS_LINE,
    TOMORROW,
    company,
    decided,
    rings,
    rule,
)


def test_an_unknown_caller_of_a_salespersons_line_reaches_the_coordinators_and_not_the_salesperson() -> None:
    decision = decided(company(), caller=STRANGER, line=SVENS_LINE)

    assert rings(decision) == ["Sales", "Back office", "Coordinators"]
    assert decision.because == (LineDesk(line="Sven", desk="Sales"),)
    assert decision.caller_kind is CallerKind.UNKNOWN


def test_a_known_caller_reaches_the_account_manager_then_the_deputies_then_the_lines_desk() -> None:
    decision = decided(company(), line=SVENS_LINE)

    assert rings(decision) == ["Anna", "Carl", "Dora", "Sales", "Back office", "Coordinators"]
    assert decision.because[0] == AccountManager(
        account=1, account_name="Muster GmbH", manager=ANNA.id, manager_name="Anna"
    )


def test_a_customer_with_a_running_job_reaches_its_manager_whichever_line_they_dialled() -> None:
    for line in (BUSINESS_LINE, SVENS_LINE, TINAS_LINE, "+49999999999"):
        decision = decided(company(LIFT), line=line)

        assert rings(decision)[:3] == ["Bert", "Anna", "Carl"]
        assert decision.job == LIFT


def test_running_jobs_of_several_managers_are_told_apart_by_the_salespersons_line() -> None:
    decision = decided(company(LIFT, RAMP), line=TINAS_LINE)

    assert rings(decision)[0] == "Carl"
    assert decision.because[0] == RunningJob(
        account=1, account_name="Muster GmbH", job=2, title="Ramp 2", manager=3, manager_name="Carl", by_line="Tina"
    )


def test_running_jobs_of_several_managers_are_never_guessed() -> None:
    decision = decided(company(LIFT, RAMP), line=BUSINESS_LINE)

    assert rings(decision) == ["Coordinators"]
    assert decision.because == (
        SeveralManagers(
            account=1,
            account_name="Muster GmbH",
            candidates=(
                Candidate(manager=2, manager_name="Bert", title="Lift 7"),
                Candidate(manager=3, manager_name="Carl", title="Ramp 2"),
            ),
        ),
    )
    assert decision.job is None


def test_several_jobs_of_one_manager_need_no_telling_apart() -> None:
    assert rings(decided(company(LIFT, replace(RAMP, manager=BERT.id))))[0] == "Bert"


@pytest.mark.parametrize(
    "over",
    [
        replace(LIFT, state=JobState.PAUSED),
        replace(LIFT, state=JobState.CLOSED),
        replace(LIFT, starts_on=date(2026, 3, 3)),
        replace(LIFT, ends_on=date(2026, 3, 1)),
    ],
)
def test_only_a_job_that_runs_today_counts(over: Job) -> None:
    assert rings(decided(company(over)))[0] == "Anna"


def test_a_job_runs_on_its_last_day_until_midnight_in_the_companys_zone() -> None:
    table = company(replace(LIFT, ends_on=date(2026, 3, 2)))

    assert rings(decided(table, now=datetime(2026, 3, 2, 22, 59, tzinfo=UTC)))[0] == "Bert"
    assert rings(decided(table, now=datetime(2026, 3, 2, 23, 0, tzinfo=UTC)))[0] == "Anna"


def test_an_account_without_a_manager_goes_to_its_own_desk() -> None:
    decision = decided(company(Account(id=1, name="Muster GmbH", desk=BACK_OFFICE.id)))

    assert rings(decision) == ["Back office", "Coordinators"]
    assert decision.because == (AccountDesk(account=1, account_name="Muster GmbH", desk="Back office"),)


def test_the_accounts_own_desk_stands_behind_its_manager() -> None:
    decision = decided(
        company(Account(id=1, name="Muster GmbH", manager=ANNA.id, desk=BACK_OFFICE.id)), line=SVENS_LINE
    )

    assert rings(decision) == ["Anna", "Back office", "Coordinators"]


def test_a_number_that_is_no_line_goes_to_the_safety_net_and_says_so() -> None:
    decision = decided(company(), caller=STRANGER, line="+4940999")

    assert rings(decision) == ["Coordinators"]
    assert decision.because == (NotALine(dialled="+4940999"), SafetyNet(desk="Coordinators"))
    assert decision.plan.line_tail == ()


@pytest.mark.parametrize(
    ("caller", "kind"), [("", CallerKind.WITHHELD), ("200", CallerKind.UNKNOWN), ("x", CallerKind.UNKNOWN)]
)
def test_a_caller_without_a_useful_number_reaches_the_lines_desk(caller: str, kind: CallerKind) -> None:
    decision = decided(company(), caller=caller)

    assert (rings(decision), decision.caller_kind) == (["Coordinators"], kind)


@pytest.mark.parametrize(
    "condition",
    [
        {"line": 1},
        {"caller": MUSTER},
        {"caller": "030 100200"},
        {"caller": "+4930", "caller_is_prefix": True},
        {"account": 1},
        {"caller_kind": CallerKind.KNOWN},
        {"line": 1, "caller": "+49", "caller_is_prefix": True, "account": 1, "caller_kind": CallerKind.KNOWN},
        {},
    ],
)
def test_a_rule_comes_before_a_running_job(condition: dict[str, object]) -> None:
    decision = decided(company(LIFT, rule(**condition)))

    assert rings(decision) == ["Night", "Coordinators"]
    assert decision.because[0] == RuleMatched(rule=1, priority=10, label="to the night desk", leads_to="desk Night")


@pytest.mark.parametrize(
    "condition",
    [
        {"line": 2},
        {"caller": STRANGER},
        {"caller": "+4989", "caller_is_prefix": True},
        {"account": 2},
        {"caller_kind": CallerKind.WITHHELD},
        {"line": 1, "account": 2},
        {"enabled": False},
    ],
)
def test_a_rule_for_others_is_not_even_mentioned(condition: dict[str, object]) -> None:
    assert decided(company(rule(**condition))).because == decided(company()).because


@pytest.mark.parametrize(
    ("condition", "why", "missed"),
    [
        ({"valid_from": TOMORROW}, NotNow.NOT_YET, TOMORROW),
        ({"valid_until": MONDAY_NOON}, NotNow.NO_LONGER, MONDAY_NOON),
        ({"hours": 1, "during": During.CLOSED}, NotNow.ONLY_CLOSED, None),
        ({"during": During.CLOSED}, NotNow.ONLY_CLOSED, None),
    ],
)
def test_a_rule_for_another_time_is_mentioned_and_passed_over(
    condition: dict[str, object], why: NotNow, missed: datetime | None
) -> None:
    decision = decided(company(rule(**condition)))

    assert decision.because[0] == RuleNotNow(rule=1, priority=10, label="to the night desk", why=why, missed=missed)
    assert rings(decision)[0] == "Anna"


def test_a_rule_without_hours_goes_by_those_of_the_line() -> None:
    line = Line(id=1, number=BUSINESS_LINE, label="Business", kind=LineKind.BUSINESS, desk=1, hours=OFFICE_HOURS.id)
    table = company(line, rule(during=During.CLOSED))

    assert rings(decided(table, now=MONDAY_NOON))[0] == "Anna"
    assert rings(decided(table, now=MONDAY_NIGHT))[0] == "Night"


def test_of_two_rules_the_lower_number_decides() -> None:
    first = rule(id=2, priority=5, label="to the back office", desk=BACK_OFFICE.id, line=1)

    assert rings(decided(company(rule(account=1), first)))[0] == "Back office"


def test_a_rule_can_lead_to_a_person_with_the_callers_deputies_behind() -> None:
    decision = decided(company(rule(then=Lead.PERSON, person=TINA.id, desk=None)))

    assert rings(decision) == ["Tina", "Carl", "Dora", "Coordinators"]


def test_a_rule_to_the_manager_leads_past_a_running_job_and_nowhere_for_a_stranger() -> None:
    table = company(LIFT, rule(then=Lead.MANAGER, desk=None))

    assert rings(decided(table))[0] == "Anna"
    assert decided(table, caller=STRANGER).because[0] == RuleLeadsNowhere(
        rule=1, priority=10, label="to the night desk"
    )


def test_at_most_twenty_rules_that_are_passed_over_are_mentioned() -> None:
    late = [rule(id=n, priority=n, valid_from=TOMORROW) for n in range(1, 16)]
    to_nobody = [rule(id=n, priority=n, then=Lead.MANAGER, desk=None) for n in range(16, 31)]

    reasons = decided(company(*late, *to_nobody), caller=STRANGER).because

    told = [reason.rule for reason in reasons if isinstance(reason, RuleNotNow | RuleLeadsNowhere)]
    assert told == list(range(1, 21))
