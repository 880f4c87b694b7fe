"""Who of those who lead a call can be rung, and what does their phone show? Stories of one small company."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from router.routing.display import DISPLAY_LENGTH
from router.routing.model import (
    Account,
    Line,
    LineKind,
    Person,
    PersonState,
    Phone,
    PhoneKind,
)
from router.routing.plan import MOST_PHONES, RingPerson
from router.routing.reasons import (
    ExternalNotAllowed,
    FormerSalesperson,
    NoUsablePhone,
    PersonAway,
    PersonLeft,
    PersonOffHours,
    RungEnough,
    StandInAs,
    StandsIn,
)
from router.routing.standing_in import PEOPLE_RING_AT_MOST
from tests.routing.small_company import (
    ANNA,
    BERT,
    BUSINESS_LINE,
    CARL,
    DORA,
    LIFT,
    MONDAY_NIGHT,
    MONDAY_NOON,
    OFFICE_HOURS,
    STRANGER,
    SVEN,
    SVENS_LINE,
    TOMORROW,
    company,
    decided,
    rings,
)


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
