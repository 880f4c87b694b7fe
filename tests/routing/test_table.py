"""Is a table that was changed the same as one that was built so?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.routing.accounts import Accounts
from router.routing.callers import CallerIndex
from router.routing.configuration import (
    Change,
    Configuration,
    Noun,
    Put,
    PutAlias,
    PutNumbers,
    Remove,
    RemoveAlias,
    RemoveNumbers,
)
from router.routing.model import Desk, Hours, Line, LineKind, Opening, Person, Phone, PhoneKind
from router.routing.table import Table
from router.routing.table_errors import NotOneSafetyNet, UnknownHolidays, UnknownRegion, UnknownTimeZone
from tests.proof import many
from tests.routing import companies

NOW = datetime(2026, 3, 2, 11, tzinfo=UTC)
SAFETY_NET = Desk(id=1, name="Coordinators", slot=1, safety_net=True)
LINE = Line(id=1, number="+4940555000", label="Business", kind=LineKind.BUSINESS, desk=1)


def desk_phone(id: int, endpoint: str, enabled: bool = True) -> Phone:
    return Phone(id=id, person=1, kind=PhoneKind.DESK, endpoint=endpoint, enabled=enabled)


def table_of(**facts: Any) -> Table:
    """A table of a company that has a safety net, and these facts."""
    smallest = Configuration(region="DE", time_zone="UTC", desks=(SAFETY_NET,))
    return Table.build(replace(smallest, **facts), version=1)


def open_at(table: Table, now: datetime) -> bool:
    spell = table.spell_of(1, now)
    return spell is None or spell.open


# ── What a table answers ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("dialled", ["+4940555000", "0049 40 555000", "040555000", "9000", "business"])
def test_a_line_is_found_in_every_form_in_which_a_trunk_delivers_it(dialled: str) -> None:
    table = table_of(lines=(LINE,), aliases={"9000": 1, "business": 1})

    assert table.line_for(dialled) == LINE


def test_an_alias_comes_before_the_number_it_looks_like() -> None:
    other = Line(id=2, number="+4940555001", label="Other", kind=LineKind.BUSINESS, desk=1)

    assert table_of(lines=(LINE, other), aliases={"+4940555000": 2}).line_for("+4940555000") == other


@pytest.mark.parametrize("dialled", ["", "+4940555999", "anonymous", "9000", "\n"])
def test_what_is_no_line_is_none(dialled: str) -> None:
    assert table_of(lines=(LINE,)).line_for(dialled) is None


def test_a_desk_phone_says_whose_it_is() -> None:
    anna = Person(id=1, name="Anna", phones=(desk_phone(1, "anna"), desk_phone(2, "anna-2")))

    table = table_of(people=(anna,))

    assert [table.person_of_endpoint(name) for name in ("anna", "anna-2", "bert")] == [anna, anna, None]


# ── What no table can be made of ─────────────────────────────────────────────────────────────────────────────────────


def test_without_a_safety_net_there_is_no_table() -> None:
    with pytest.raises(NotOneSafetyNet, match="mark the one desk"):
        table_of(desks=(replace(SAFETY_NET, safety_net=False),))


def test_two_safety_nets_are_named() -> None:
    with pytest.raises(NotOneSafetyNet, match="'Coordinators', 'Other'"):
        table_of(desks=(SAFETY_NET, Desk(id=2, name="Other", slot=2, safety_net=True)))


def test_the_safety_net_can_not_be_removed() -> None:
    with pytest.raises(NotOneSafetyNet):
        table_of().with_change(Remove(noun=Noun.DESK, id=1))


def test_a_time_zone_that_does_not_exist_is_refused_with_the_name_of_the_hours() -> None:
    odd = Hours(id=1, name="odd hours", time_zone="Mars/Base")

    with pytest.raises(UnknownTimeZone, match="odd hours"):
        table_of(hours=(odd,))
    with pytest.raises(UnknownTimeZone, match="odd hours"):
        table_of().with_change(Put(entity=odd))


def test_holidays_of_a_place_that_nobody_knows_are_refused_with_the_name_of_the_hours() -> None:
    odd = Hours(id=1, name="odd hours", time_zone="UTC", country="DE", subdivision="XX")

    with pytest.raises(UnknownHolidays, match=r"odd hours.*DE-XX"):
        table_of(hours=(odd,))
    with pytest.raises(UnknownHolidays, match="odd hours"):
        table_of().with_change(Put(entity=odd))


def test_a_country_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UnknownRegion, match="ISO 3166"):
        table_of(region="Germany")


# ── Changes ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_change_counts_the_version_up_or_takes_the_given_one() -> None:
    table = table_of()

    assert table.with_change(Put(entity=LINE)).version == 2
    assert table.with_change(Put(entity=LINE), version=41).version == 41


def test_a_change_leaves_the_former_table_as_it_was() -> None:
    before = table_of(lines=(LINE,))

    before.with_change(Remove(noun=Noun.LINE, id=1))

    assert before.line_for(LINE.number) == LINE


def test_new_hours_count_from_the_change_on() -> None:
    never = Hours(id=1, name="never", time_zone="UTC")
    before = table_of(hours=(never,))
    assert not open_at(before, NOW)

    always = replace(never, week=tuple(Opening(weekday=day, opens=0, closes=1440) for day in range(7)))
    after = before.with_change(Put(entity=always))

    assert (open_at(before, NOW), open_at(after, NOW)) == (False, True)


def test_what_was_found_out_about_hours_is_found_out_again_when_it_ends() -> None:
    office = Hours(id=1, name="office", time_zone="UTC", week=(Opening(weekday=0, opens=600, closes=720),))
    table = table_of(hours=(office,))

    told = [open_at(table, NOW + timedelta(hours=n)) for n in (0, 1, -2, 0, 24 * 7, 1)]

    assert told == [True, False, False, True, True, False]


Changed = tuple[Configuration, Change, Configuration]  # a company, a change, the company as it stands after that


@st.composite
def changed_entities(draw: st.DrawFn, noun: Noun) -> Changed:
    before = draw(companies.companies())
    id = draw(st.integers(1, 4))
    some = range(1, 5)
    field, entities = {
        Noun.PERSON: ("people", companies.people(id, [1])),
        Noun.DESK: ("desks", companies.desks(id, some, some, [1])),
        Noun.LINE: ("lines", companies.lines(id, some, some, [1])),
        Noun.ACCOUNT: ("accounts", companies.accounts(id, some, some)),
        Noun.JOB: ("jobs", companies.jobs(id, [1, 2], some)),
        Noun.RULE: ("rules", companies.rules(id, some, [1, 2], some, some, [1])),
        Noun.HOURS: ("hours", companies.hours(id)),
        Noun.COVER: ("covers", companies.covers(id, some, some)),
        Noun.OVERRIDE: ("overrides", companies.overrides(id, some, some)),
    }[noun]
    after: list[Any] = [entity for entity in getattr(before, field) if entity.id != id]
    change: Change = Remove(noun=noun, id=id)
    is_safety_net = noun is Noun.DESK and id == 1
    if is_safety_net or draw(st.booleans()):
        entity: Any = draw(cast(st.SearchStrategy[Any], entities))
        change = Put(entity=entity)
        after.append(entity)
    kept: Any = Accounts.build(after) if noun is Noun.ACCOUNT else tuple(after)
    return before, change, replace(before, **{field: kept})


@st.composite
def changed_aliases(draw: st.DrawFn) -> Changed:
    before = replace(draw(companies.companies()), aliases=draw(aliases))
    dialled = draw(st.sampled_from(FORMS))
    if draw(st.booleans()):
        left = {form: line for form, line in before.aliases.items() if form != dialled}
        return before, RemoveAlias(dialled=dialled), replace(before, aliases=left)
    line = draw(st.integers(1, 3))
    return before, PutAlias(dialled=dialled, line=line), replace(before, aliases={**before.aliases, dialled: line})


@st.composite
def changed_numbers(draw: st.DrawFn) -> Changed:
    rows, changed = draw(companies.caller_rows([1, 2])), draw(companies.caller_rows([2, 3]))
    before = replace(draw(companies.companies()), callers=CallerIndex.build(rows))
    if draw(st.booleans()):
        gone = tuple(row[:2] for row in changed)
        left = [row for row in rows if row[:2] not in gone]
        return before, RemoveNumbers(rows=gone), replace(before, callers=CallerIndex.build(left))
    return before, PutNumbers(rows=tuple(changed)), replace(before, callers=CallerIndex.build(rows + changed))


FORMS = ("100", "040555", "")
aliases = st.dictionaries(st.sampled_from(FORMS), st.integers(1, 3))
changes = st.one_of(*(changed_entities(noun) for noun in Noun), changed_aliases(), changed_numbers())


@settings(max_examples=many(100, 1000), suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(changes)
def test_a_changed_table_is_the_one_that_would_be_built_from_the_changed_company(changed: Changed) -> None:
    before, change, after = changed

    assert Table.build(before, version=1).with_change(change) == Table.build(after, version=2)
