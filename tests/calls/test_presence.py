"""Who is there, who isn't, and who takes over where nobody is?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.calls.desk_members import wanted_members
from router.calls.presence import (
    MOST_PAUSE_MINUTES,
    CoveredFor,
    Pausing,
    Presence,
    SignedOut,
    away,
    next_due,
    pause,
    presence_of,
    resume,
    sign_in,
    sign_out,
    takeover,
    takeovers,
    whereabouts,
    who_is_at,
    why_not_there,
)
from router.routing.configuration import Configuration
from router.routing.model import Cover, CoverScope, Hours, Opening, Person, PersonState, Phone, PhoneKind
from router.routing.table import Table
from tests.proof import many
from tests.routing.companies import companies, instants
from tests.routing.small_company import (
    ANNA,
    BACK_OFFICE,
    BERT,
    CARL,
    COORDINATORS,
    DORA,
    MONDAY_NIGHT,
    MONDAY_NOON,
    OFFICE_HOURS,
    SALES_DESK,
    TOMORROW,
    company,
)

BERLIN = ZoneInfo("Europe/Berlin")
SALES = replace(SALES_DESK, members=(ANNA.id, BERT.id))
BACK = replace(BACK_OFFICE, members=(CARL.id,))
NET = replace(COORDINATORS, members=(DORA.id,))
OUT = {person: Presence(person=person, signed_in=False, since=MONDAY_NOON) for person in range(1, 7)}


def table(*changed: Any) -> Table:
    return company(SALES, BACK, NET, *changed)


def out(*people: Person) -> dict[int, Presence]:
    return {person.id: OUT[person.id] for person in people}


def there(table: Table, presences: dict[int, Presence], now: datetime = MONDAY_NOON) -> list[str]:
    return [person.name for person in who_is_at(SALES, table, presences, now)]


def test_who_never_said_anything_is_there() -> None:
    assert there(table(), {}) == ["Anna", "Bert"]


def test_who_is_signed_out_is_not_there_until_they_sign_in() -> None:
    gone = sign_out(presence_of(ANNA.id, {}, MONDAY_NOON), MONDAY_NOON)
    assert there(table(), {ANNA.id: gone}) == ["Bert"]
    assert there(table(), {ANNA.id: sign_in(gone, MONDAY_NOON)}) == ["Anna", "Bert"]


def test_who_pauses_is_back_at_the_very_minute() -> None:
    pausing = {ANNA.id: pause(presence_of(ANNA.id, {}, MONDAY_NOON), 15, MONDAY_NOON)}
    assert there(table(), pausing, MONDAY_NOON + timedelta(minutes=14, seconds=59)) == ["Bert"]
    assert there(table(), pausing, MONDAY_NOON + timedelta(minutes=15)) == ["Anna", "Bert"]


def test_a_pause_is_for_those_who_are_signed_in() -> None:
    assert pause(OUT[1], 15, MONDAY_NOON) == OUT[1]
    assert resume(OUT[1], MONDAY_NOON) == OUT[1]


def test_signing_in_ends_a_pause() -> None:
    pausing = pause(presence_of(ANNA.id, {}, MONDAY_NOON), 15, MONDAY_NOON)
    assert sign_in(pausing, MONDAY_NOON).paused_until is None


def test_since_is_when_it_became_so_and_saying_it_again_changes_nothing() -> None:
    gone = sign_out(presence_of(ANNA.id, {}, MONDAY_NOON), MONDAY_NOON)
    assert sign_out(gone, TOMORROW) is gone


@given(st.lists(st.sampled_from(["in", "out", "pause", "resume"])), st.integers(1, MOST_PAUSE_MINUTES))
def test_every_change_is_newer_than_the_one_before_whatever_the_clocks_say(words: list[str], minutes: int) -> None:
    said = presence_of(ANNA.id, {}, MONDAY_NOON)
    for place, word in enumerate(words):
        now = MONDAY_NOON - timedelta(seconds=place)  # a clock that goes backwards
        before = said
        match word:
            case "in":
                said = sign_in(before, now)
            case "out":
                said = sign_out(before, now)
            case "pause":
                said = pause(before, minutes, now)
            case _:
                said = resume(before, now)
        assert said is before or said.since > before.since


@pytest.mark.parametrize(
    "gone",
    [
        replace(ANNA, state=PersonState.AWAY),
        replace(ANNA, state=PersonState.AWAY, away_until=TOMORROW),
        replace(ANNA, state=PersonState.LEFT),
        replace(ANNA, state=PersonState.LEAVING, leaves_at=MONDAY_NOON),
        replace(ANNA, phones=()),
        replace(ANNA, phones=(replace(ANNA.phones[0], enabled=False),)),
        replace(ANNA, phones=(Phone(id=9, person=1, kind=PhoneKind.EXTERNAL, number="+4917099"),)),
    ],
)
def test_whom_the_table_does_not_let_ring_is_not_there_whatever_they_say(gone: Person) -> None:
    assert there(table(gone), {ANNA.id: Presence(person=ANNA.id, since=MONDAY_NOON)}) == ["Bert"]


@pytest.mark.parametrize(
    "here",
    [
        replace(ANNA, state=PersonState.AWAY, away_until=MONDAY_NOON),
        replace(ANNA, state=PersonState.LEAVING, leaves_at=TOMORROW),
        away(replace(ANNA, state=PersonState.AWAY, away_until=TOMORROW), None),
    ],
)
def test_who_is_back_or_not_gone_yet_is_there(here: Person) -> None:
    assert there(table(here), {}) == ["Anna", "Bert"]


def test_outside_their_own_hours_people_are_not_there() -> None:
    part_time = replace(ANNA, hours=OFFICE_HOURS.id)
    assert there(table(part_time), {}, MONDAY_NIGHT) == ["Bert"]
    assert there(table(part_time), {}, MONDAY_NOON) == ["Anna", "Bert"]


@pytest.mark.parametrize(
    ("scope", "members"),
    [
        (CoverScope.LINES, ["Bert"]),
        (CoverScope.ALL, ["Bert"]),
        (CoverScope.ACCOUNTS, ["Anna", "Bert"]),
        (CoverScope.COMMITMENTS, ["Anna", "Bert"]),
    ],
)
def test_a_desks_calls_come_by_a_line_so_who_is_covered_for_lines_is_not_there(
    scope: CoverScope, members: list[str]
) -> None:
    cover = Cover(id=1, person=ANNA.id, by_person=CARL.id, scope=scope, starts_at=MONDAY_NOON, ends_at=TOMORROW)
    assert there(table(cover), {}) == members
    assert there(table(cover), {}, TOMORROW) == ["Anna", "Bert"]


def test_external_phones_of_members_ring_where_they_are_allowed() -> None:
    mobile = Phone(id=99, person=BERT.id, kind=PhoneKind.EXTERNAL, number="+4917099")
    with_mobile = table(replace(BERT, phones=(mobile,)))
    slot = (SALES.strategy, SALES.slot)

    assert list(wanted_members(with_mobile, {}, MONDAY_NOON)[slot]) == ["anna"]
    allowed = replace(with_mobile, external_prefixes=("+49",))
    assert list(wanted_members(allowed, {}, MONDAY_NOON)[slot]) == ["anna", "+4917099"]


# ── Who takes over ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_nobody_takes_over_while_somebody_is_there() -> None:
    assert takeover(SALES, table(), out(ANNA), MONDAY_NOON) == ""


def test_the_next_desk_where_somebody_is_takes_over() -> None:
    assert takeover(SALES, table(), out(ANNA, BERT), MONDAY_NOON) == (
        "Nobody is at the desk Sales now: desk Back office takes over."
    )
    assert takeover(SALES, table(), out(ANNA, BERT, CARL), MONDAY_NOON) == (
        "Nobody is at the desk Sales now: desk Coordinators takes over."
    )


def test_when_nobody_is_anywhere_the_last_resort_is_rung_if_it_may_be() -> None:
    everybody = out(ANNA, BERT, CARL, DORA)
    with_number = table(replace(NET, last_resort="+4940999"))

    assert "callers wait until somebody is" in takeover(SALES, table(), everybody, MONDAY_NOON)
    assert "callers wait" in takeover(SALES, with_number, everybody, MONDAY_NOON)
    allowed = replace(with_number, external_prefixes=("+49",))
    assert takeover(SALES, allowed, everybody, MONDAY_NOON) == (
        "Nobody is at the desk Sales now, nor at any after it: +4940999 is rung, the last resort."
    )


def test_each_empty_desk_of_a_person_has_its_sentence() -> None:
    at_both = table(replace(BACK, members=(ANNA.id,)))
    told = takeovers(ANNA.id, at_both, out(ANNA, BERT), MONDAY_NOON)
    assert [sentence.split(" now")[0] for sentence in told] == [
        "Nobody is at the desk Sales",
        "Nobody is at the desk Back office",
    ]


@settings(max_examples=many(25, 250))
@given(companies(), instants(), st.data())
def test_a_takeover_is_told_just_for_desks_without_anybody(
    configuration: Configuration, now: datetime, data: st.DataObject
) -> None:
    any_table = Table.build(configuration, version=1)
    gone = data.draw(st.sets(st.sampled_from(sorted(any_table.people))))
    presences = {person: Presence(person=person, signed_in=False, since=now) for person in gone}
    wanted = wanted_members(any_table, presences, now)
    for desk in any_table.desks.values():
        assert bool(takeover(desk, any_table, presences, now)) is not bool(wanted[desk.strategy, desk.slot])


# ── When that changes by itself ──────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=many(25, 400))
@given(companies(), instants(), st.timedeltas(timedelta(), timedelta(days=400)), st.data())
def test_nobody_comes_or_goes_by_themselves_before_the_next_due_instant(
    configuration: Configuration, now: datetime, later: timedelta, data: st.DataObject
) -> None:
    any_table = Table.build(configuration, version=1)
    presences = {
        person: Presence(person=person, paused_until=now + data.draw(PAUSES), since=now)
        for person in data.draw(st.sets(st.sampled_from(sorted(any_table.people))))
    }
    due = next_due(any_table, presences, now)
    then = now + later if due is None else min(now + later, due - timedelta(microseconds=1))

    assert due is None or due > now
    assert wanted_members(any_table, presences, then) == wanted_members(any_table, presences, now)


PAUSES = st.timedeltas(timedelta(minutes=-5), timedelta(hours=12))


# ── How it is said ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_where_somebody_is_is_told_by_the_companys_clock_and_with_the_day_when_it_is_another() -> None:
    assert whereabouts(None, BERLIN, MONDAY_NOON) == "is there"
    assert whereabouts(SignedOut(since=MONDAY_NOON), BERLIN, MONDAY_NOON) == "is signed out since 12:00"
    assert whereabouts(Pausing(until=TOMORROW), BERLIN, MONDAY_NOON) == "pauses until Tue 03 Mar 2026 12:00"
    assert whereabouts(CoveredFor(until=None), BERLIN, MONDAY_NOON) == "is covered"


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        (replace(ANNA, state=PersonState.AWAY), "is away"),
        (replace(ANNA, state=PersonState.LEFT), "no longer works here"),
        (replace(ANNA, hours=7), "is off duty until Tue 03 Mar 2026 08:00"),
        (replace(ANNA, phones=()), "has no phone that can be rung"),
    ],
)
def test_what_the_table_says_of_somebody_is_told_first(gone: Person, said: str) -> None:
    mornings = Hours(
        id=7, name="mornings", time_zone="Europe/Berlin", week=(Opening(weekday=1, opens=480, closes=600),)
    )
    why = why_not_there(gone, table(mornings, gone), out(ANNA), MONDAY_NOON)
    assert whereabouts(why, BERLIN, MONDAY_NOON) == said


def test_the_examples_are_told_in_utc_as_well() -> None:
    assert whereabouts(Pausing(until=MONDAY_NOON), UTC, MONDAY_NOON) == "pauses until 11:00"


def test_a_desk_without_members_is_wanted_empty() -> None:
    assert wanted_members(company(), {}, MONDAY_NOON)[SALES.strategy, SALES.slot] == {}
