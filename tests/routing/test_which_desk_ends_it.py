"""At which desk does a plan end, by hours, holidays and what was declared for today? Stories of one small company."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from router.routing.explain import sentence
from router.routing.model import (
    ClosedBy,
    During,
    Line,
    LineKind,
    Override,
    OverrideAction,
)
from router.routing.plan import Promise
from router.routing.reasons import (
    DeskClosed,
    LineClosed,
    Overridden,
)
from tests.routing.small_company import (
    BACK_OFFICE,
    BUSINESS_LINE,
    COORDINATORS,
    MONDAY_NIGHT,
    MONDAY_NOON,
    NIGHT_DESK,
    OFFICE_HOURS,
    SALES_DESK,
    STRANGER,
    SVENS_LINE,
    TOMORROW,
    company,
    decided,
    rings,
    rule,
)


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
