"""Who should answer this call, and why? Stories of one small company."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from router.routing.display import DISPLAY_LENGTH
from router.routing.explain import sentence
from router.routing.model import (
    Account,
    CallerKind,
    ClosedBy,
    Cover,
    CoverScope,
    During,
    Job,
    JobState,
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
from router.routing.plan import MOST_PHONES, Promise, RingPerson
from router.routing.reasons import (
    AccountDesk,
    AccountManager,
    Candidate,
    Covered,
    CoverLeadsNowhere,
    DeskClosed,
    ExternalNotAllowed,
    FormerSalesperson,
    LineClosed,
    LineDesk,
    NotALine,
    NotNow,
    NoUsablePhone,
    Overridden,
    PersonAway,
    PersonLeft,
    PersonOffHours,
    RuleLeadsNowhere,
    RuleMatched,
    RuleNotNow,
    RungEnough,
    RunningJob,
    SafetyNet,
    SeveralManagers,
    StandInAs,
    StandsIn,
)
from router.routing.standing_in import PEOPLE_RING_AT_MOST
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
    MUSTER,
    NIGHT_DESK,
    OFFICE_HOURS,
    RAMP,
    SALES_DESK,
    STRANGER,
    SVEN,
    SVENS_LINE,
    TINA,
    TINAS_LINE,
    TOMORROW,
    company,
    decided,
    rings,
    rule,
)

# ── Who leads ────────────────────────────────────────────────────────────────────────────────────────────────────────


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


# ── Rules ────────────────────────────────────────────────────────────────────────────────────────────────────────────


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


# ── Who of them can be rung ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("anna", "reason"),
    [
        (replace(ANNA, state=PersonState.AWAY), PersonAway(person=1, name="Anna", until=None)),
        (
            replace(ANNA, state=PersonState.AWAY, away_until=TOMORROW),
            PersonAway(person=1, name="Anna", until=TOMORROW),
        ),
        (replace(ANNA, state=PersonState.LEFT), PersonLeft(person=1, name="Anna")),
        (
            replace(ANNA, state=PersonState.LEAVING, leaves_at=MONDAY_NOON),
            PersonLeft(person=1, name="Anna"),
        ),
        (replace(ANNA, phones=()), NoUsablePhone(person=1, name="Anna")),
        (replace(ANNA, phones=(replace(ANNA.phones[0], enabled=False),)), NoUsablePhone(person=1, name="Anna")),
        (
            replace(ANNA, phones=(Phone(id=1, person=1, kind=PhoneKind.EXTERNAL, number="+4917099"),)),
            ExternalNotAllowed(person=1, name="Anna"),
        ),
    ],
)
def test_who_cannot_be_rung_is_skipped_with_the_reason_and_the_deputy_stands_in(anna: Person, reason: object) -> None:
    decision = decided(company(anna))

    assert rings(decision) == ["Carl", "Dora", "Coordinators"]
    assert decision.because[1:3] == (
        reason,
        StandsIn(person=CARL.id, name="Carl", stands_in_for="Anna", stands_in_as=StandInAs.DEPUTY),
    )


def test_outside_their_hours_a_person_is_skipped_until_these_begin() -> None:
    decision = decided(company(replace(ANNA, hours=OFFICE_HOURS.id)), now=MONDAY_NIGHT)

    assert rings(decision)[0] == "Carl"
    tuesday_eight = datetime(2026, 3, 3, 7, tzinfo=UTC)
    assert PersonOffHours(person=1, name="Anna", until=tuesday_eight) in decision.because


@pytest.mark.parametrize(
    "anna",
    [
        replace(ANNA, state=PersonState.AWAY, away_until=MONDAY_NOON),
        replace(ANNA, state=PersonState.LEAVING, leaves_at=TOMORROW),
        replace(ANNA, state=PersonState.LEAVING),
    ],
)
def test_who_is_back_or_still_here_is_rung(anna: Person) -> None:
    assert rings(decided(company(anna)))[0] == "Anna"


def test_for_a_jobs_manager_the_account_manager_stands_in_before_the_deputies() -> None:
    decision = decided(company(LIFT, replace(BERT, state=PersonState.AWAY)))

    assert rings(decision)[:3] == ["Anna", "Carl", "Dora"]
    assert (
        StandsIn(person=ANNA.id, name="Anna", stands_in_for="Bert", stands_in_as=StandInAs.MANAGER) in decision.because
    )


def test_nobody_is_rung_twice() -> None:
    decision = decided(company(replace(LIFT, manager=CARL.id)))

    assert rings(decision) == ["Carl", "Anna", "Dora", "Coordinators"]


def test_when_nobody_can_be_rung_the_desk_takes_the_call() -> None:
    away = [replace(someone, state=PersonState.AWAY) for someone in (ANNA, CARL, DORA)]

    assert rings(decided(company(*away), line=SVENS_LINE)) == ["Sales", "Back office", "Coordinators"]


def test_people_ring_for_a_minute_at_most_and_the_rest_is_not_asked() -> None:
    decision = decided(company(LIFT))

    assert rings(decision) == ["Bert", "Anna", "Carl", "Coordinators"]
    assert sum(step.seconds for step in decision.plan.steps if isinstance(step, RingPerson)) <= PEOPLE_RING_AT_MOST
    assert decision.because[-1] == RungEnough(person=DORA.id, name="Dora")


def test_who_is_rung_outside_takes_twelve_seconds_more_for_the_key() -> None:
    outside = [
        replace(someone, phones=(Phone(id=90 + place, person=someone.id, kind=PhoneKind.EXTERNAL, number="+4917099"),))
        for place, someone in enumerate((BERT, ANNA, CARL))
    ]
    decision = decided(replace(company(LIFT, *outside), external_prefixes=("+49",)))

    assert rings(decision) == ["Bert", "Anna", "Coordinators"]
    assert RungEnough(person=CARL.id, name="Carl") in decision.because


@pytest.mark.parametrize(("prefixes", "number"), [((), None), (("+4918",), None), (("+49",), "+4917099")])
def test_the_last_resort_is_a_number_that_may_be_called(prefixes: tuple[str, ...], number: str | None) -> None:
    (safety_net,) = [desk for desk in company().desks.values() if desk.safety_net]
    table = replace(company(replace(safety_net, last_resort="+4917099")), external_prefixes=prefixes)

    assert decided(table).plan.last_resort == number


def test_a_key_account_brings_its_priority_and_a_stranger_none() -> None:
    table = company(Account(id=1, name="Muster GmbH", manager=ANNA.id, priority=7))

    assert decided(table).plan.priority == 7
    assert decided(table, caller=STRANGER).plan.priority == 0


@pytest.mark.parametrize(("prefixes", "mobile_rings"), [((), False), (("+4918",), False), (("+1", "+4917"), True)])
def test_all_phones_of_a_person_ring_together_but_external_ones_only_where_allowed(
    prefixes: tuple[str, ...], mobile_rings: bool
) -> None:
    desk_phones = tuple(Phone(id=n, person=1, kind=PhoneKind.DESK, endpoint=f"anna-{n}") for n in range(20))
    mobile = Phone(id=99, person=1, kind=PhoneKind.EXTERNAL, number="+4917099")

    table = replace(company(replace(ANNA, phones=(mobile, *desk_phones))), external_prefixes=prefixes)
    step = decided(table).plan.steps[0]

    assert isinstance(step, RingPerson)
    rung = (mobile, *desk_phones) if mobile_rings else desk_phones
    assert step.phones == rung[:MOST_PHONES]


@pytest.mark.parametrize(("configured", "rung"), [(5, 5), (20, 20), (600, 20), (0, 1)])
def test_a_person_rings_as_long_as_configured_but_never_beyond_twenty_seconds(configured: int, rung: int) -> None:
    phones = (replace(ANNA.phones[0], ring_seconds=configured),)

    step = decided(company(replace(ANNA, phones=phones))).plan.steps[0]

    assert isinstance(step, RingPerson)
    assert step.seconds == rung


def test_the_line_of_someone_who_left_still_rings_the_desk_and_says_former() -> None:
    decision = decided(company(replace(SVEN, state=PersonState.LEFT)), caller=STRANGER, line=SVENS_LINE)

    assert rings(decision)[0] == "Sales"
    assert decision.because[0] == FormerSalesperson(line="Sven", person=SVEN.id, name="Sven")


# ── Which desks end it ───────────────────────────────────────────────────────────────────────────────────────────────


def test_after_closing_time_the_duty_desk_takes_the_call_and_says_why() -> None:
    closed = replace(SALES_DESK, hours=OFFICE_HOURS.id, closed_by=ClosedBy.DUTY, duty_desk=NIGHT_DESK.id)

    decision = decided(company(closed), caller=STRANGER, line=SVENS_LINE, now=MONDAY_NIGHT)

    assert rings(decision) == ["Night", "Coordinators"]
    assert decision.because[1] == DeskClosed(
        desk="Sales", closed_by=ClosedBy.DUTY, until=datetime(2026, 3, 3, 7, tzinfo=UTC), duty="Night"
    )


def test_a_closed_desk_without_duty_means_the_waiting_line_of_the_safety_net() -> None:
    closed = replace(SALES_DESK, hours=OFFICE_HOURS.id, closed_by=ClosedBy.WAIT)

    assert rings(decided(company(closed), caller=STRANGER, line=SVENS_LINE, now=MONDAY_NIGHT)) == ["Coordinators"]


def test_a_closed_desk_that_promises_ends_the_plan_with_a_call_back_due_after_opening() -> None:
    closed = replace(SALES_DESK, hours=OFFICE_HOURS.id, closed_by=ClosedBy.PROMISE)

    decision = decided(company(closed), caller=STRANGER, line=SVENS_LINE, now=MONDAY_NIGHT)

    assert decision.plan.steps == (Promise(due_after_opening=datetime(2026, 3, 3, 7, tzinfo=UTC)),)
    assert decision.plan.line_tail[-1] == decision.plan.safety_net


def test_behind_a_desk_that_is_open_people_are_preferred_to_a_promise() -> None:
    closed = replace(BACK_OFFICE, hours=OFFICE_HOURS.id, closed_by=ClosedBy.PROMISE)

    decision = decided(company(closed), caller=STRANGER, line=SVENS_LINE, now=MONDAY_NIGHT)

    assert rings(decision) == ["Sales", "Coordinators"]


def test_a_closed_line_that_promises_still_rings_those_who_can_help_first() -> None:
    line = Line(
        id=1,
        number=BUSINESS_LINE,
        label="Business",
        kind=LineKind.BUSINESS,
        desk=SALES_DESK.id,
        hours=OFFICE_HOURS.id,
        closed_by=ClosedBy.PROMISE,
    )

    decision = decided(company(line), now=MONDAY_NIGHT)

    assert rings(decision) == ["Anna", "Carl", "Dora", "a promise to call back"]


# ── Overrides ────────────────────────────────────────────────────────────────────────────────────────────────────────


def override(**facts: object) -> Override:
    """From now to tomorrow, of Sven's desk, or with other facts."""
    closed = Override(
        id=1, desk=SALES_DESK.id, action=OverrideAction.CLOSED, starts_at=MONDAY_NOON, ends_at=TOMORROW, reason="move"
    )
    return replace(closed, **facts)  # type: ignore[arg-type]


def test_a_desk_that_is_declared_closed_means_what_its_closed_hours_mean() -> None:
    desk = replace(SALES_DESK, hours=OFFICE_HOURS.id, closed_by=ClosedBy.DUTY, duty_desk=NIGHT_DESK.id)

    decision = decided(company(desk, override()), caller=STRANGER, line=SVENS_LINE)

    assert rings(decision) == ["Night", "Coordinators"]
    assert decision.because[1:] == (
        Overridden(line="", desk="Sales", action=OverrideAction.CLOSED, to="", until=TOMORROW, why="move"),
        DeskClosed(desk="Sales", closed_by=ClosedBy.DUTY, until=TOMORROW, duty="Night"),
    )


def test_what_is_declared_closed_into_the_night_opens_with_the_next_opening() -> None:
    desk = replace(SALES_DESK, hours=OFFICE_HOURS.id, closed_by=ClosedBy.PROMISE)

    decision = decided(company(desk, override(ends_at=MONDAY_NIGHT)), caller=STRANGER, line=SVENS_LINE)

    assert decision.plan.steps == (Promise(due_after_opening=datetime(2026, 3, 3, 7, tzinfo=UTC)),)


def test_a_desk_that_is_declared_open_answers_at_night() -> None:
    desk = replace(SALES_DESK, hours=OFFICE_HOURS.id, closed_by=ClosedBy.PROMISE)
    table = company(desk, override(action=OverrideAction.OPEN))

    assert rings(decided(table, caller=STRANGER, line=SVENS_LINE, now=MONDAY_NIGHT))[0] == "Sales"


@pytest.mark.parametrize("of", [{"desk": SALES_DESK.id}, {"desk": None, "line": 2}])
def test_a_diverted_desk_or_line_rings_the_other_desk(of: dict[str, object]) -> None:
    diverted = override(action=OverrideAction.DIVERT, to_desk=NIGHT_DESK.id, **of)

    assert rings(decided(company(diverted), caller=STRANGER, line=SVENS_LINE)) == ["Night", "Coordinators"]


def test_a_customer_with_a_manager_reaches_them_on_a_diverted_line_as_well() -> None:
    diverted = override(action=OverrideAction.DIVERT, to_desk=NIGHT_DESK.id, desk=None, line=2)

    assert rings(decided(company(diverted), line=SVENS_LINE)) == ["Anna", "Carl", "Dora", "Night", "Coordinators"]


@pytest.mark.parametrize("now", [MONDAY_NOON - timedelta(seconds=1), TOMORROW])
def test_an_override_counts_from_its_beginning_to_before_its_end(now: datetime) -> None:
    assert rings(decided(company(override()), caller=STRANGER, line=SVENS_LINE, now=now))[0] == "Sales"


def test_of_two_overrides_the_one_that_began_last_counts() -> None:
    earlier = override(id=2, starts_at=MONDAY_NOON - timedelta(hours=1), action=OverrideAction.OPEN)
    later = override(id=1, action=OverrideAction.DIVERT, to_desk=NIGHT_DESK.id)

    assert rings(decided(company(earlier, later), caller=STRANGER, line=SVENS_LINE))[0] == "Night"


def test_a_rule_for_closed_hours_goes_by_an_override_of_the_line() -> None:
    closed = override(desk=None, line=1)

    assert rings(decided(company(closed, rule(during=During.CLOSED))))[0] == "Night"


def test_desks_diverted_in_a_circle_end_at_the_safety_net() -> None:
    there = override(action=OverrideAction.DIVERT, to_desk=NIGHT_DESK.id)
    back = override(id=2, desk=NIGHT_DESK.id, action=OverrideAction.DIVERT, to_desk=SALES_DESK.id)

    assert rings(decided(company(there, back), caller=STRANGER, line=SVENS_LINE)) == ["Coordinators"]


# ── Cover, and who left ──────────────────────────────────────────────────────────────────────────────────────────────


def cover(**facts: object) -> Cover:
    """Tina answers for Anna until tomorrow, or with other facts."""
    by_tina = Cover(id=1, person=ANNA.id, by_person=TINA.id, starts_at=MONDAY_NOON, ends_at=TOMORROW, reason="fair")
    return replace(by_tina, **facts)  # type: ignore[arg-type]


def test_who_covers_somebody_is_rung_in_their_place_and_before_the_deputies() -> None:
    decision = decided(company(cover()))

    assert rings(decision) == ["Tina", "Carl", "Dora", "Coordinators"]
    assert decision.because[1:3] == (
        Covered(person=ANNA.id, name="Anna", by="Tina", until=TOMORROW, why="fair"),
        StandsIn(person=TINA.id, name="Tina", stands_in_for="Anna", stands_in_as=StandInAs.COVER),
    )


def test_for_a_jobs_manager_the_cover_comes_before_the_account_manager() -> None:
    assert rings(decided(company(LIFT, cover(person=BERT.id))))[:2] == ["Tina", "Anna"]


@pytest.mark.parametrize("now", [MONDAY_NOON - timedelta(seconds=1), TOMORROW])
def test_a_cover_counts_from_its_beginning_to_before_its_end(now: datetime) -> None:
    assert rings(decided(company(cover()), now=now))[0] == "Anna"


@pytest.mark.parametrize(
    ("scope", "first"),
    [
        (CoverScope.ALL, "Tina"),
        (CoverScope.ACCOUNTS, "Tina"),
        (CoverScope.LINES, "Anna"),
        (CoverScope.COMMITMENTS, "Anna"),
    ],
)
def test_a_cover_answers_an_accounts_calls_when_it_is_for_accounts_or_for_all(scope: CoverScope, first: str) -> None:
    assert rings(decided(company(cover(scope=scope))))[0] == first


def test_the_cover_of_a_cover_is_rung_and_each_of_them_is_told() -> None:
    decision = decided(company(cover(), cover(id=2, person=TINA.id, by_person=BERT.id)))

    assert rings(decision)[0] == "Bert"
    assert [reason.by for reason in decision.because if isinstance(reason, Covered)] == ["Tina", "Bert"]


def test_covers_in_a_circle_are_passed_over_for_the_deputies() -> None:
    decision = decided(company(cover(), cover(id=2, person=TINA.id, by_person=ANNA.id)))

    assert rings(decision) == ["Carl", "Dora", "Coordinators"]
    assert CoverLeadsNowhere(person=ANNA.id, name="Anna") in decision.because


def test_a_desk_that_covers_somebody_answers_in_their_place() -> None:
    decision = decided(company(cover(by_person=None, by_desk=NIGHT_DESK.id)))

    assert rings(decision) == ["Night", "Coordinators"]


def test_a_desk_that_covers_a_salesperson_answers_their_line_but_a_person_does_not() -> None:
    by_desk = cover(person=SVEN.id, by_person=None, by_desk=NIGHT_DESK.id, scope=CoverScope.LINES)
    by_person = cover(person=SVEN.id)

    assert rings(decided(company(by_desk), caller=STRANGER, line=SVENS_LINE)) == ["Night", "Coordinators"]
    assert rings(decided(company(by_person), caller=STRANGER, line=SVENS_LINE))[0] == "Sales"


def test_the_accounts_of_someone_who_left_go_to_the_successor_and_their_line_to_the_desk() -> None:
    left = replace(ANNA, state=PersonState.LEFT)
    table = company(left, cover(ends_at=None, reason="successor"))

    decision = decided(table)

    assert rings(decision) == ["Tina", "Carl", "Dora", "Coordinators"]
    assert decision.because[1:3] == (
        PersonLeft(person=ANNA.id, name="Anna"),
        Covered(person=ANNA.id, name="Anna", by="Tina", until=None, why="successor"),
    )


def test_a_successor_who_is_away_leaves_it_to_the_deputies() -> None:
    table = company(replace(TINA, state=PersonState.AWAY), cover(ends_at=None))

    assert rings(decided(table)) == ["Carl", "Dora", "Coordinators"]


def test_a_closed_line_goes_to_its_own_duty_desk() -> None:
    closed = Line(
        id=1,
        number=BUSINESS_LINE,
        label="Business",
        kind=LineKind.BUSINESS,
        desk=SALES_DESK.id,
        hours=OFFICE_HOURS.id,
        closed_by=ClosedBy.DUTY,
        duty_desk=NIGHT_DESK.id,
    )

    decision = decided(company(closed), caller=STRANGER, now=MONDAY_NIGHT)

    assert rings(decision) == ["Night", "Coordinators"]
    assert isinstance(decision.because[1], LineClosed)


def test_on_a_public_holiday_the_decision_names_it() -> None:
    labour_day = datetime(2026, 5, 1, 10, tzinfo=UTC)
    line = Line(
        id=1,
        number=BUSINESS_LINE,
        label="Business",
        kind=LineKind.BUSINESS,
        desk=SALES_DESK.id,
        hours=OFFICE_HOURS.id,
        closed_by=ClosedBy.DUTY,
        duty_desk=NIGHT_DESK.id,
    )

    decision = decided(company(replace(OFFICE_HOURS, country="DE"), line), caller=STRANGER, now=labour_day)

    assert rings(decision) == ["Night", "Coordinators"]
    assert sentence(decision).startswith("desk Night: Sales is the desk of the line Business, but")
    assert "the line Business is closed (Labor Day) until Mon 04 May 2026 06:00 UTC" in sentence(decision)


def test_even_a_closed_safety_net_ends_the_plan() -> None:
    closed = replace(COORDINATORS, hours=OFFICE_HOURS.id, closed_by=ClosedBy.DUTY, duty_desk=NIGHT_DESK.id)

    assert rings(decided(company(closed), caller=STRANGER, now=MONDAY_NIGHT)) == ["Night", "Coordinators"]


def test_desks_that_point_at_each_other_are_each_rung_once() -> None:
    circle = replace(BACK_OFFICE, next_desk=SALES_DESK.id)

    decision = decided(company(circle), caller=STRANGER, line=SVENS_LINE)

    assert rings(decision) == ["Sales", "Back office", "Coordinators"]
    assert [step.name for step in decision.plan.line_tail] == ["Sales", "Back office", "Coordinators"]


def test_what_the_pbx_remembers_of_a_line_does_not_depend_on_the_hour() -> None:
    closed = replace(SALES_DESK, hours=OFFICE_HOURS.id, closed_by=ClosedBy.DUTY, duty_desk=NIGHT_DESK.id)

    tail = decided(company(closed), line=SVENS_LINE, now=MONDAY_NIGHT).plan.line_tail

    assert [step.name for step in tail] == ["Sales", "Back office", "Coordinators"]


# ── What the phone shows ─────────────────────────────────────────────────────────────────────────────────────────────


def test_the_ringing_phone_shows_line_and_account() -> None:
    assert decided(company(), line=SVENS_LINE).plan.display == "Sven: Muster GmbH"


def test_a_strange_name_is_shown_without_anything_a_parser_could_stumble_on() -> None:
    odd = Account(id=1, name='Müller & Söhne\r\n"<sip:x@y>;,$\\{EXTEN}\x00\u202e', manager=ANNA.id)

    assert decided(company(odd)).plan.display == "Business: Müller + Söhne sip:x y EXTEN"


def test_a_long_label_leaves_room_for_the_account() -> None:
    line = Line(id=1, number=BUSINESS_LINE, label="Business line of the head office", kind=LineKind.BUSINESS, desk=1)

    shown = decided(company(line)).plan.display

    assert shown == "Business line of t: Muster GmbH"
    assert len(shown) <= DISPLAY_LENGTH
