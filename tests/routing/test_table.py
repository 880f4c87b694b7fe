"""Is a table that was changed the same as one that was built so?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.routing.accounts import Accounts
from router.routing.callers import CallerIndex
from router.routing.model import Desk, Hours, Line, LineKind, Person, PersonState, Phone, PhoneKind
from router.routing.table import (
    Change,
    Configuration,
    NotOneSafetyNet,
    Noun,
    Put,
    PutAlias,
    PutNumbers,
    Remove,
    RemoveAlias,
    RemoveNumbers,
    Table,
    UnknownRegion,
    UnknownTimeZone,
)
from tests.proof import many
from tests.routing import companies

NOW = datetime(2026, 3, 2, 11, tzinfo=UTC)
SAFETY_NET = Desk(id=1, name="Coordinators", slot=1, safety_net=True)
LINE = Line(id=1, number="+4940555000", label="Business", kind=LineKind.BUSINESS, desk=1)


def desk_phone(id: int, endpoint: str, **facts: object) -> Phone:
    return Phone(**{"id": id, "person": 1, "kind": PhoneKind.DESK, "endpoint": endpoint, **facts})


def table_of(**facts: object) -> Table:
    return Table.build(
        Configuration(**{"region": "DE", "time_zone": "UTC", "desks": (SAFETY_NET,), **facts}), version=1
    )


# ── What a table answers ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("dialled", ["+4940555000", "0049 40 555000", "040555000", "9000", "business"])
def test_a_line_is_found_in_every_form_in_which_a_trunk_delivers_it(dialled: str):
    table = table_of(lines=(LINE,), aliases={"9000": 1, "business": 1})

    assert table.line_for(dialled) == LINE


def test_an_alias_comes_before_the_number_it_looks_like():
    other = Line(id=2, number="+4940555001", label="Other", kind=LineKind.BUSINESS, desk=1)

    assert table_of(lines=(LINE, other), aliases={"+4940555000": 2}).line_for("+4940555000") == other


@pytest.mark.parametrize("dialled", ["", "+4940555999", "anonymous", "9000", "\n"])
def test_what_is_no_line_is_none(dialled: str):
    assert table_of(lines=(LINE,)).line_for(dialled) is None


def test_a_desk_phone_says_whose_it_is():
    anna = Person(id=1, name="Anna", phones=(desk_phone(1, "anna"), desk_phone(2, "anna-2")))

    table = table_of(people=(anna,))

    assert [table.person_of_endpoint(name) for name in ("anna", "anna-2", "bert")] == [anna, anna, None]


def test_those_who_are_here_answer_for_their_desk_on_every_desk_phone_in_order():
    members = (
        Person(id=1, name="Anna", phones=(desk_phone(1, "anna"), desk_phone(2, "anna-off", enabled=False))),
        Person(id=2, name="Bert", phones=(desk_phone(3, "bert"),), state=PersonState.AWAY),
        Person(id=3, name="Carl", phones=(desk_phone(4, "carl"),), state=PersonState.AWAY, away_until=NOW),
        Person(id=4, name="Dora", phones=(desk_phone(5, "dora"),), state=PersonState.LEAVING, leaves_at=NOW),
        Person(id=5, name="Emil", phones=(Phone(id=6, person=5, kind=PhoneKind.EXTERNAL, number="+4917099"),)),
    )
    desk = replace(SAFETY_NET, members=(3, 1, 2, 4, 5, 99))

    assert table_of(people=members, desks=(desk,)).wanted_members(NOW) == {1: ("carl", "anna")}


def test_a_desk_that_nobody_answers_for_is_wanted_empty():
    assert table_of().wanted_members(NOW) == {1: ()}


# ── What no table can be made of ─────────────────────────────────────────────────────────────────────────────────────


def test_without_a_safety_net_there_is_no_table():
    with pytest.raises(NotOneSafetyNet, match="mark the one desk"):
        table_of(desks=(replace(SAFETY_NET, safety_net=False),))


def test_two_safety_nets_are_named():
    with pytest.raises(NotOneSafetyNet, match="'Coordinators', 'Other'"):
        table_of(desks=(SAFETY_NET, Desk(id=2, name="Other", slot=2, safety_net=True)))


def test_the_safety_net_can_not_be_removed():
    with pytest.raises(NotOneSafetyNet):
        table_of().with_change(Remove(noun=Noun.DESK, id=1))


def test_a_time_zone_that_does_not_exist_is_refused_with_the_name_of_the_hours():
    odd = Hours(id=1, name="odd hours", time_zone="Mars/Base")

    with pytest.raises(UnknownTimeZone, match="odd hours"):
        table_of(hours=(odd,))
    with pytest.raises(UnknownTimeZone, match="odd hours"):
        table_of().with_change(Put(entity=odd))


def test_a_country_that_does_not_exist_is_refused():
    with pytest.raises(UnknownRegion, match="ISO 3166"):
        table_of(region="Germany")


# ── Changes ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_change_counts_the_version_up_or_takes_the_given_one():
    table = table_of()

    assert table.with_change(Put(entity=LINE)).version == 2
    assert table.with_change(Put(entity=LINE), version=41).version == 41


def test_a_change_leaves_the_former_table_as_it_was():
    before = table_of(lines=(LINE,))

    before.with_change(Remove(noun=Noun.LINE, id=1))

    assert before.line_for(LINE.number) == LINE


def test_new_hours_count_from_the_change_on():
    never = Hours(id=1, name="never", time_zone="UTC")
    table = table_of(hours=(never,))
    assert not table.spell_of(1, NOW).open

    week = tuple(companies.Opening(weekday=day, opens=0, closes=1440) for day in range(7))
    changed = table.with_change(Put(entity=replace(never, week=week)))

    assert changed.spell_of(1, NOW).open
    assert not table.spell_of(1, NOW).open


def test_what_was_found_out_about_hours_is_found_out_again_when_it_ends():
    office = Hours(id=1, name="office", time_zone="UTC", week=(companies.Opening(weekday=0, opens=600, closes=720),))
    table = table_of(hours=(office,))

    told = [table.spell_of(1, NOW + timedelta(hours=n)).open for n in (0, 1, -2, 0, 24 * 7, 1)]

    assert told == [True, False, False, True, True, False]


@st.composite
def changed_companies(draw: st.DrawFn) -> tuple[Configuration, Change, Configuration]:
    """A company, a change, and the company as it stands in the database after that change."""
    before = draw(companies.companies())
    noun = draw(st.sampled_from([*Noun, "alias", "numbers"]))
    removes = draw(st.booleans())
    match noun:
        case "alias":
            if removes or not before.lines:
                gone = draw(st.sampled_from(["100", "no alias"]))
                rest = {dialled: line for dialled, line in before.aliases.items() if dialled != gone}
                return before, RemoveAlias(dialled=gone), replace(before, aliases=rest)
            line = draw(st.sampled_from([line.id for line in before.lines]))
            return before, PutAlias(dialled="100", line=line), replace(before, aliases={**before.aliases, "100": line})
        case "numbers":
            had = draw(companies.caller_rows([1, 2]))
            before = replace(before, callers=CallerIndex.build(had))
            rows = draw(companies.caller_rows([1, 2, 3]))
            if removes:
                gone = [row[:2] for row in rows]
                left = [row for row in had if row[:2] not in gone]
                return before, RemoveNumbers(rows=tuple(gone)), replace(before, callers=CallerIndex.build(left))
            return before, PutNumbers(rows=tuple(rows)), replace(before, callers=CallerIndex.build(had + rows))
    id = draw(st.integers(1, 4))
    everyone, every_desk, every_line = range(1, 5), range(1, 5), range(1, 5)
    plural, entities = {
        Noun.PERSON: ("people", companies.people(id, [1])),
        Noun.DESK: ("desks", companies.desks(id, every_desk, everyone, [1])),
        Noun.LINE: ("lines", companies.lines(id, every_desk, everyone, [1])),
        Noun.ACCOUNT: ("accounts", companies.accounts(id, everyone, every_desk)),
        Noun.JOB: ("jobs", companies.jobs(id, [1, 2], everyone)),
        Noun.RULE: ("rules", companies.rules(id, every_line, [1, 2], everyone, every_desk, [1])),
        Noun.HOURS: ("hours", companies.hours(id)),
    }[noun]
    rest = [entity for entity in getattr(before, plural) if entity.id != id]
    if removes and not (noun is Noun.DESK and id == 1):
        change: Change = Remove(noun=noun, id=id)
    else:
        entity = draw(entities)
        change = Put(entity=entity)
        rest.append(entity)
    after = Accounts.build(rest) if noun is Noun.ACCOUNT else tuple(rest)
    return before, change, replace(before, **{plural: after})


@settings(max_examples=many(100, 2000), suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(changed_companies())
def test_a_changed_table_is_the_one_that_would_be_built_from_the_changed_company(
    changed: tuple[Configuration, Change, Configuration],
):
    before, change, after = changed

    assert Table.build(before, version=1).with_change(change) == Table.build(after, version=2)
