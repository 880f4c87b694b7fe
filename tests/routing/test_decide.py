"""Who should answer this call, and why? Stories of one small company."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from router.routing.accounts import Accounts
from router.routing.callers import CallerIndex
from router.routing.decide import DISPLAY_LENGTH, PEOPLE_RING_AT_MOST, CallFacts, Decision, decide
from router.routing.model import (
    Account,
    CallerKind,
    ClosedBy,
    Desk,
    During,
    Hours,
    Job,
    JobState,
    Lead,
    Line,
    LineKind,
    Opening,
    Person,
    PersonState,
    Phone,
    PhoneKind,
    Rule,
)
from router.routing.numbers import read_number
from router.routing.plan import MOST_PHONES, RingPerson
from router.routing.reasons import (
    AccountDesk,
    AccountManager,
    Candidate,
    DeskClosed,
    FormerSalesperson,
    LineClosed,
    LineDesk,
    NotALine,
    NotNow,
    NoUsablePhone,
    OnlyExternalPhones,
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
from router.routing.table import Configuration, Put, Table

MONDAY_NOON = datetime(2026, 3, 2, 11, tzinfo=UTC)  # 12:00 in Berlin
MONDAY_NIGHT = datetime(2026, 3, 2, 21, tzinfo=UTC)
TOMORROW = MONDAY_NOON + timedelta(days=1)

BUSINESS_LINE = "+4940555000"
SVENS_LINE = "+4940555001"
TINAS_LINE = "+4940555002"

MUSTER = "+4930100200"  # Muster GmbH: account manager Anna, deputies Carl, then Dora
STRANGER = "+4917612345678"


def person(id: int, name: str, **facts: object) -> Person:
    phone = Phone(id=id, person=id, kind=PhoneKind.DESK, endpoint=name.lower())
    return Person(**{"id": id, "name": name, "phones": (phone,), **facts})


ANNA, BERT, CARL, DORA, SVEN, TINA = (
    person(id, name) for id, name in enumerate(("Anna", "Bert", "Carl", "Dora", "Sven", "Tina"), start=1)
)
OFFICE_HOURS = Hours(
    id=1,
    name="office",
    time_zone="Europe/Berlin",
    week=tuple(Opening(weekday=day, opens=480, closes=1080) for day in range(5)),
)
COORDINATORS = Desk(id=1, name="Coordinators", slot=1, safety_net=True)
SALES_DESK = Desk(id=2, name="Sales", slot=2, next_desk=3)
BACK_OFFICE = Desk(id=3, name="Back office", slot=3)
NIGHT_DESK = Desk(id=4, name="Night", slot=4)

LIFT = Job(id=1, account=1, title="Lift 7", manager=BERT.id, salesperson=SVEN.id)
RAMP = Job(id=2, account=1, title="Ramp 2", manager=CARL.id, salesperson=TINA.id)


def company(*changed: Person | Desk | Line | Account | Job | Rule | Hours) -> Table:
    """The company, with these put in or replaced."""
    configuration = Configuration(
        region="DE",
        time_zone="Europe/Berlin",
        people=(ANNA, BERT, CARL, DORA, SVEN, TINA),
        desks=(COORDINATORS, SALES_DESK, BACK_OFFICE, NIGHT_DESK),
        lines=(
            Line(id=1, number=BUSINESS_LINE, label="Business", kind=LineKind.BUSINESS, desk=COORDINATORS.id),
            Line(id=2, number=SVENS_LINE, label="Sven", kind=LineKind.SALESPERSON, person=SVEN.id, desk=SALES_DESK.id),
            Line(id=3, number=TINAS_LINE, label="Tina", kind=LineKind.SALESPERSON, person=TINA.id, desk=SALES_DESK.id),
        ),
        accounts=Accounts.build([Account(id=1, name="Muster GmbH", manager=ANNA.id, deputies=(CARL.id, DORA.id))]),
        callers=CallerIndex.build([(int(MUSTER), False, 1)]),
        hours=(OFFICE_HOURS,),
    )
    table = Table.build(configuration, version=1)
    for entity in changed:
        table = table.with_change(Put(entity=entity))
    return table


def decided(table: Table, caller: str = MUSTER, line: str = BUSINESS_LINE, now: datetime = MONDAY_NOON) -> Decision:
    return decide(CallFacts(dialled=line, caller=read_number(caller, "DE")), table, now)


def rings(decision: Decision) -> list[str]:
    return [step.name for step in decision.plan.steps]


def rule(**facts: object) -> Rule:
    return Rule(**{"id": 1, "priority": 10, "label": "to the night desk", "then": Lead.DESK, "desk": 4, **facts})


# ── Who leads ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_unknown_caller_of_a_salespersons_line_reaches_the_coordinators_and_not_the_salesperson():
    decision = decided(company(), caller=STRANGER, line=SVENS_LINE)

    assert rings(decision) == ["Sales", "Back office", "Coordinators"]
    assert decision.because == (LineDesk(line="Sven", desk="Sales"),)
    assert decision.caller_kind is CallerKind.UNKNOWN


def test_a_known_caller_reaches_the_account_manager_then_the_deputies_then_the_lines_desk():
    decision = decided(company(), line=SVENS_LINE)

    assert rings(decision) == ["Anna", "Carl", "Dora", "Sales", "Back office", "Coordinators"]
    assert decision.because[0] == AccountManager(
        account=1, account_name="Muster GmbH", manager=ANNA.id, manager_name="Anna"
    )


def test_a_customer_with_a_running_job_reaches_its_manager_whichever_line_they_dialled():
    for line in (BUSINESS_LINE, SVENS_LINE, TINAS_LINE, "+49999999999"):
        decision = decided(company(LIFT), line=line)

        assert rings(decision)[:3] == ["Bert", "Anna", "Carl"]
        assert decision.job == LIFT


def test_running_jobs_of_several_managers_are_told_apart_by_the_salespersons_line():
    decision = decided(company(LIFT, RAMP), line=TINAS_LINE)

    assert rings(decision)[0] == "Carl"
    assert decision.because[0] == RunningJob(
        account=1, account_name="Muster GmbH", job=2, title="Ramp 2", manager=3, manager_name="Carl", by_line="Tina"
    )


def test_running_jobs_of_several_managers_are_never_guessed():
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


def test_several_jobs_of_one_manager_need_no_telling_apart():
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
def test_only_a_job_that_runs_today_counts(over: Job):
    assert rings(decided(company(over)))[0] == "Anna"


def test_a_job_runs_on_its_last_day_until_midnight_in_the_companys_zone():
    table = company(replace(LIFT, ends_on=date(2026, 3, 2)))

    assert rings(decided(table, now=datetime(2026, 3, 2, 22, 59, tzinfo=UTC)))[0] == "Bert"
    assert rings(decided(table, now=datetime(2026, 3, 2, 23, 0, tzinfo=UTC)))[0] == "Anna"


def test_an_account_without_a_manager_goes_to_its_own_desk():
    decision = decided(company(Account(id=1, name="Muster GmbH", desk=BACK_OFFICE.id)))

    assert rings(decision) == ["Back office", "Coordinators"]
    assert decision.because == (AccountDesk(account=1, account_name="Muster GmbH", desk="Back office"),)


def test_the_accounts_own_desk_stands_behind_its_manager():
    decision = decided(
        company(Account(id=1, name="Muster GmbH", manager=ANNA.id, desk=BACK_OFFICE.id)), line=SVENS_LINE
    )

    assert rings(decision) == ["Anna", "Back office", "Coordinators"]


def test_a_number_that_is_no_line_goes_to_the_safety_net_and_says_so():
    decision = decided(company(), caller=STRANGER, line="+4940999")

    assert rings(decision) == ["Coordinators"]
    assert decision.because == (NotALine(dialled="+4940999"), SafetyNet(desk="Coordinators"))
    assert decision.plan.line_tail == ()


@pytest.mark.parametrize(
    ("caller", "kind"), [("", CallerKind.WITHHELD), ("200", CallerKind.UNKNOWN), ("x", CallerKind.UNKNOWN)]
)
def test_a_caller_without_a_useful_number_reaches_the_lines_desk(caller: str, kind: CallerKind):
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
def test_a_rule_comes_before_a_running_job(condition: dict[str, object]):
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
def test_a_rule_for_others_is_not_even_mentioned(condition: dict[str, object]):
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
):
    decision = decided(company(rule(**condition)))

    assert decision.because[0] == RuleNotNow(rule=1, priority=10, label="to the night desk", why=why, missed=missed)
    assert rings(decision)[0] == "Anna"


def test_a_rule_without_hours_goes_by_those_of_the_line():
    line = Line(id=1, number=BUSINESS_LINE, label="Business", kind=LineKind.BUSINESS, desk=1, hours=OFFICE_HOURS.id)
    table = company(line, rule(during=During.CLOSED))

    assert rings(decided(table, now=MONDAY_NOON))[0] == "Anna"
    assert rings(decided(table, now=MONDAY_NIGHT))[0] == "Night"


def test_of_two_rules_the_lower_number_decides():
    first = rule(id=2, priority=5, label="to the back office", desk=BACK_OFFICE.id, line=1)

    assert rings(decided(company(rule(account=1), first)))[0] == "Back office"


def test_a_rule_can_lead_to_a_person_with_the_callers_deputies_behind():
    decision = decided(company(rule(then=Lead.PERSON, person=TINA.id, desk=None)))

    assert rings(decision) == ["Tina", "Carl", "Dora", "Coordinators"]


def test_a_rule_to_the_manager_leads_past_a_running_job_and_nowhere_for_a_stranger():
    table = company(LIFT, rule(then=Lead.MANAGER, desk=None))

    assert rings(decided(table))[0] == "Anna"
    assert decided(table, caller=STRANGER).because[0] == RuleLeadsNowhere(
        rule=1, priority=10, label="to the night desk"
    )


def test_at_most_twenty_rules_say_that_it_is_not_their_time():
    late = [rule(id=n, priority=n, valid_from=TOMORROW) for n in range(1, 31)]

    reasons = decided(company(*late)).because

    assert [reason.rule for reason in reasons if isinstance(reason, RuleNotNow)] == list(range(1, 21))


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
            OnlyExternalPhones(person=1, name="Anna"),
        ),
    ],
)
def test_who_cannot_be_rung_is_skipped_with_the_reason_and_the_deputy_stands_in(anna: Person, reason: object):
    decision = decided(company(anna))

    assert rings(decision) == ["Carl", "Dora", "Coordinators"]
    assert decision.because[1:3] == (
        reason,
        StandsIn(person=CARL.id, name="Carl", stands_in_for="Anna", stands_in_as=StandInAs.DEPUTY),
    )


def test_outside_their_hours_a_person_is_skipped_until_these_begin():
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
def test_who_is_back_or_still_here_is_rung(anna: Person):
    assert rings(decided(company(anna)))[0] == "Anna"


def test_for_a_jobs_manager_the_account_manager_stands_in_before_the_deputies():
    decision = decided(company(LIFT, replace(BERT, state=PersonState.AWAY)))

    assert rings(decision)[:3] == ["Anna", "Carl", "Dora"]
    assert (
        StandsIn(person=ANNA.id, name="Anna", stands_in_for="Bert", stands_in_as=StandInAs.MANAGER) in decision.because
    )


def test_nobody_is_rung_twice():
    decision = decided(company(replace(LIFT, manager=CARL.id)))

    assert rings(decision) == ["Carl", "Anna", "Dora", "Coordinators"]


def test_when_nobody_can_be_rung_the_desk_takes_the_call():
    away = [replace(someone, state=PersonState.AWAY) for someone in (ANNA, CARL, DORA)]

    assert rings(decided(company(*away), line=SVENS_LINE)) == ["Sales", "Back office", "Coordinators"]


def test_people_ring_for_a_minute_at_most_and_the_rest_is_not_asked():
    decision = decided(company(LIFT))

    assert rings(decision) == ["Bert", "Anna", "Carl", "Coordinators"]
    assert sum(step.seconds for step in decision.plan.steps if isinstance(step, RingPerson)) == PEOPLE_RING_AT_MOST
    assert decision.because[-1] == RungEnough(person=DORA.id, name="Dora")


def test_all_desk_phones_of_a_person_ring_together_and_the_external_ones_do_not():
    desk_phones = tuple(Phone(id=n, person=1, kind=PhoneKind.DESK, endpoint=f"anna-{n}") for n in range(20))
    mobile = Phone(id=99, person=1, kind=PhoneKind.EXTERNAL, number="+4917099")

    step = decided(company(replace(ANNA, phones=(mobile, *desk_phones)))).plan.steps[0]

    assert isinstance(step, RingPerson)
    assert step.phones == desk_phones[:MOST_PHONES]


@pytest.mark.parametrize(("configured", "rung"), [(5, 5), (20, 20), (600, 20), (0, 1)])
def test_a_person_rings_as_long_as_configured_but_never_beyond_twenty_seconds(configured: int, rung: int):
    phones = (replace(ANNA.phones[0], ring_seconds=configured),)

    assert decided(company(replace(ANNA, phones=phones))).plan.steps[0].seconds == rung


def test_the_line_of_someone_who_left_still_rings_the_desk_and_says_former():
    decision = decided(company(replace(SVEN, state=PersonState.LEFT)), caller=STRANGER, line=SVENS_LINE)

    assert rings(decision)[0] == "Sales"
    assert decision.because[0] == FormerSalesperson(line="Sven", person=SVEN.id, name="Sven")


# ── Which desks end it ───────────────────────────────────────────────────────────────────────────────────────────────


def test_after_closing_time_the_duty_desk_takes_the_call_and_says_why():
    closed = replace(SALES_DESK, hours=OFFICE_HOURS.id, closed_by=ClosedBy.DUTY, duty_desk=NIGHT_DESK.id)

    decision = decided(company(closed), caller=STRANGER, line=SVENS_LINE, now=MONDAY_NIGHT)

    assert rings(decision) == ["Night", "Coordinators"]
    assert decision.because[1] == DeskClosed(
        desk="Sales", closed_by=ClosedBy.DUTY, until=datetime(2026, 3, 3, 7, tzinfo=UTC), duty="Night"
    )


@pytest.mark.parametrize("closed_by", [ClosedBy.WAIT, ClosedBy.PROMISE])
def test_a_closed_desk_without_duty_means_the_waiting_line_of_the_safety_net(closed_by: ClosedBy):
    closed = replace(SALES_DESK, hours=OFFICE_HOURS.id, closed_by=closed_by)

    assert rings(decided(company(closed), caller=STRANGER, line=SVENS_LINE, now=MONDAY_NIGHT)) == ["Coordinators"]


def test_a_closed_line_goes_to_its_own_duty_desk():
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


def test_even_a_closed_safety_net_ends_the_plan():
    closed = replace(COORDINATORS, hours=OFFICE_HOURS.id, closed_by=ClosedBy.DUTY, duty_desk=NIGHT_DESK.id)

    assert rings(decided(company(closed), caller=STRANGER, now=MONDAY_NIGHT)) == ["Night", "Coordinators"]


def test_desks_that_point_at_each_other_are_each_rung_once():
    circle = replace(BACK_OFFICE, next_desk=SALES_DESK.id)

    decision = decided(company(circle), caller=STRANGER, line=SVENS_LINE)

    assert rings(decision) == ["Sales", "Back office", "Coordinators"]


def test_what_the_pbx_remembers_of_a_line_does_not_depend_on_the_hour():
    closed = replace(SALES_DESK, hours=OFFICE_HOURS.id, closed_by=ClosedBy.DUTY, duty_desk=NIGHT_DESK.id)

    tail = decided(company(closed), line=SVENS_LINE, now=MONDAY_NIGHT).plan.line_tail

    assert [step.name for step in tail] == ["Sales", "Back office", "Coordinators"]


# ── What the phone shows ─────────────────────────────────────────────────────────────────────────────────────────────


def test_the_ringing_phone_shows_line_and_account():
    assert decided(company(), line=SVENS_LINE).plan.display == "Sven: Muster GmbH"


def test_a_strange_name_is_shown_without_anything_a_parser_could_stumble_on():
    odd = Account(id=1, name='Müller & Söhne\r\n"<sip:x@y>;,$\\{EXTEN}\x00\u202e', manager=ANNA.id)

    assert decided(company(odd)).plan.display == "Business: Müller + Söhne sip:x y EXTEN"


def test_a_long_label_leaves_room_for_the_account():
    line = Line(id=1, number=BUSINESS_LINE, label="Business line of the head office", kind=LineKind.BUSINESS, desk=1)

    shown = decided(company(line)).plan.display

    assert shown == "Business line of t: Muster GmbH"
    assert len(shown) <= DISPLAY_LENGTH
