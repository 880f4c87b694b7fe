"""Who answers for someone who is covered, or who left? Stories of one small company."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from router.routing.model import (
    Cover,
    CoverScope,
    PersonState,
)
from router.routing.reasons import (
    Covered,
    CoverLeadsNowhere,
    PersonLeft,
    StandInAs,
    StandsIn,
)
from tests.routing.small_company import (
    ANNA,
    BERT,
    LIFT,
    MONDAY_NOON,
    NIGHT_DESK,
    STRANGER,
    SVEN,
    SVENS_LINE,
    TINA,
    TOMORROW,
    company,
    decided,
    rings,
)


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
