"""Which companies can there be? Any that the schema allows, small enough to be drawn by the hundred."""

from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from router.routing.callers import CallerRow
from router.routing.cover import contradictions
from router.routing.model import (
    Account,
    CallerKind,
    ClosedBy,
    Cover,
    CoverScope,
    Desk,
    During,
    Hours,
    Job,
    JobState,
    Lead,
    Line,
    LineKind,
    Opening,
    Override,
    OverrideAction,
    Person,
    PersonState,
    Phone,
    PhoneKind,
    Rule,
    SpecialDays,
    Strategy,
)
from router.storage.company import Company
from tests.storage.stories import MONDAY_NOON

# none of spaces alone: no door takes such a name
names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(str.strip)
instants = st.one_of(st.none(), st.integers(-5000, 5000).map(lambda minutes: MONDAY_NOON + timedelta(minutes=minutes)))
stretches = st.builds(
    lambda begins, lasts: (MONDAY_NOON + timedelta(minutes=begins), MONDAY_NOON + timedelta(minutes=begins + lasts)),
    st.integers(-5000, 5000),
    st.integers(1, 9000),
)
days = st.one_of(st.none(), st.integers(-3, 3).map(lambda n: date(2026, 3, 2) + timedelta(days=n)))


@st.composite
def companies(draw: st.DrawFn) -> Company:
    hours = draw(some(1, 2, an_hours))
    people = draw(some(1, 4, a_person, hours))
    desks = draw(some(1, 3, a_desk, people, hours))
    lines = draw(some(1, 3, a_line, people, desks, hours))
    accounts = draw(some(1, 5, an_account, people, desks))
    covers = draw(some(0, 4, a_cover, people, desks))
    return Company(
        hours=hours,
        people=people,
        desks=desks,
        lines=lines,
        aliases=draw(st.dictionaries(st.from_regex(r"\+?[0-9]{1,12}", fullmatch=True), one_id(lines), max_size=3)),
        accounts=accounts,
        numbers=draw(numbers(accounts)),
        jobs=draw(some(0, 4, a_job, accounts, people)),
        rules=draw(some(0, 4, a_rule, lines, accounts, hours, people, desks)),
        covers=() if contradictions(covers) else covers,
        overrides=draw(some(0, 3, an_override, lines, desks)),
    )


def some(least: int, most: int, one: Any, *among: Any) -> st.SearchStrategy[tuple[Any, ...]]:
    """From `least` to `most` values with the ids 1, 2, 3 …"""
    counts = st.integers(least, most)
    return counts.flatmap(lambda count: st.tuples(*(one(id_, *among) for id_ in range(1, count + 1))))


def one_id(among: Any) -> st.SearchStrategy[int]:
    return st.sampled_from([one.id for one in among])


def perhaps(among: Any) -> st.SearchStrategy[int | None]:
    return st.one_of(st.none(), one_id(among))


@st.composite
def an_hours(draw: st.DrawFn, id_: int) -> Hours:
    begins = draw(st.sets(st.tuples(st.integers(0, 6), st.integers(0, 1439)), max_size=4))
    week = [Opening(weekday=day, opens=at, closes=draw(st.integers(at + 1, 2880))) for day, at in sorted(begins)]
    country, subdivision = draw(st.sampled_from([(None, None), ("DE", None), ("DE", "HH")]))
    return Hours(
        id=id_,
        name=f"Hours {id_}",
        time_zone="Europe/Berlin",
        country=country,
        subdivision=subdivision,
        week=tuple(week),
        days=tuple(draw(st.lists(special_days(), max_size=3))),
    )


@st.composite
def special_days(draw: st.DrawFn) -> SpecialDays:
    first = date(2026, 3, 2) + timedelta(days=draw(st.integers(-3, 10)))
    opens = draw(st.none() | st.integers(0, 1439))
    return SpecialDays(
        first_day=first,
        last_day=first + timedelta(days=draw(st.integers(0, 3))),
        opens=opens,
        closes=None if opens is None else draw(st.integers(opens + 1, 2880)),
        label=draw(st.just("") | names),
    )


@st.composite
def a_person(draw: st.DrawFn, id_: int, hours: Any) -> Person:
    phones = draw(st.lists(st.sampled_from(PhoneKind), max_size=2))
    return Person(
        id=id_,
        name=draw(names),
        state=draw(st.sampled_from(PersonState)),
        away_until=draw(instants),
        leaves_at=draw(instants),
        hours=draw(perhaps(hours)),
        short_number=str(10 + id_) if draw(st.booleans()) else None,
        phones=tuple([draw(a_phone(id_ * 10 + at, id_, kind)) for at, kind in enumerate(phones)]),
    )


@st.composite
def a_phone(draw: st.DrawFn, id_: int, person: int, kind: PhoneKind) -> Phone:
    return Phone(
        id=id_,
        person=person,
        kind=kind,
        endpoint=f"phone-{id_}" if kind is PhoneKind.DESK else None,
        number=f"+1917555{id_:04}" if kind is PhoneKind.EXTERNAL else None,
        ring_seconds=draw(st.integers(1, 20)),
        call_waiting=draw(st.booleans()),
        enabled=draw(st.booleans()),
    )


@st.composite
def a_desk(draw: st.DrawFn, id_: int, people: Any, hours: Any) -> Desk:
    closed_by = draw(st.sampled_from(ClosedBy)) if id_ > 1 else ClosedBy.WAIT
    return Desk(
        id=id_,
        name=f"Desk {id_}",
        strategy=draw(st.sampled_from(Strategy)),
        slot=id_,
        ring_seconds=draw(st.integers(1, 3600)),
        wrap_up_seconds=draw(st.integers(0, 60)),
        hours=draw(perhaps(hours)),
        closed_by=closed_by,
        duty_desk=1 if closed_by is ClosedBy.DUTY else None,
        # desks may be named before they are there: their order in a company means nothing
        next_desk=draw(st.sampled_from([None, 1])) if id_ > 1 else None,
        lead=draw(perhaps(people)),
        safety_net=id_ == 1,
        members=tuple(draw(st.lists(one_id(people), unique=True, max_size=4))),
    )


@st.composite
def a_line(draw: st.DrawFn, id_: int, people: Any, desks: Any, hours: Any) -> Line:
    kind = draw(st.sampled_from(LineKind))
    closed_by = draw(st.sampled_from(ClosedBy))
    return Line(
        id=id_,
        number=f"+1212555010{id_}",
        label=draw(names),
        kind=kind,
        desk=draw(one_id(desks)),
        person=draw(one_id(people) if kind is LineKind.SALESPERSON else perhaps(people)),
        hours=draw(perhaps(hours)),
        closed_by=closed_by,
        duty_desk=draw(one_id(desks) if closed_by is ClosedBy.DUTY else perhaps(desks)),
    )


@st.composite
def an_account(draw: st.DrawFn, id_: int, people: Any, desks: Any) -> Account:
    return Account(
        id=id_,
        name=draw(names),
        manager=draw(perhaps(people)),
        desk=draw(perhaps(desks)),
        priority=draw(st.integers(-5, 5)),
        deputies=tuple(draw(st.lists(one_id(people), unique=True, max_size=3))),
    )


@st.composite
def a_cover(draw: st.DrawFn, id_: int, people: Any, desks: Any) -> Cover:
    person = draw(one_id(people))
    others = [one.id for one in people if one.id != person]
    by_person = draw(st.sampled_from([None, *others]))
    starts, ends = draw(stretches)
    return Cover(
        id=id_,
        person=person,
        by_person=by_person,
        by_desk=None if by_person else draw(one_id(desks)),
        scope=draw(st.sampled_from(CoverScope)),
        starts_at=starts,
        ends_at=draw(st.sampled_from([None, ends])),
        reason=draw(st.just("") | names),
    )


@st.composite
def an_override(draw: st.DrawFn, id_: int, lines: Any, desks: Any) -> Override:
    desk = draw(perhaps(desks))
    elsewhere = [one.id for one in desks if one.id != desk]
    action = draw(st.sampled_from(OverrideAction if elsewhere else [OverrideAction.OPEN, OverrideAction.CLOSED]))
    starts, ends = draw(stretches)
    return Override(
        id=id_,
        line=None if desk else draw(one_id(lines)),
        desk=desk,
        action=action,
        to_desk=draw(st.sampled_from(elsewhere)) if action is OverrideAction.DIVERT else None,
        starts_at=starts,
        ends_at=ends,
        reason=draw(st.just("") | names),
    )


def numbers(accounts: Any) -> st.SearchStrategy[tuple[CallerRow, ...]]:
    exact = st.tuples(st.integers(12025550100, 12025550109), st.just(False))
    blocks = st.tuples(st.sampled_from([1202, 1202555, 120255501]), st.just(True))
    rows = st.dictionaries(st.one_of(exact, blocks), one_id(accounts), max_size=6)
    return rows.map(lambda found: tuple([(number, prefix, account) for (number, prefix), account in found.items()]))


@st.composite
def a_job(draw: st.DrawFn, id_: int, accounts: Any, people: Any) -> Job:
    first, last = draw(days), draw(days)
    if first and last and last < first:
        first, last = last, first
    return Job(
        id=id_,
        account=draw(one_id(accounts)),
        title=draw(names),
        manager=draw(one_id(people)),
        salesperson=draw(perhaps(people)),
        state=draw(st.sampled_from(JobState)),
        starts_on=first,
        ends_on=last,
    )


@st.composite
def a_rule(draw: st.DrawFn, id_: int, lines: Any, accounts: Any, hours: Any, people: Any, desks: Any) -> Rule:
    then = draw(st.sampled_from(Lead))
    caller, is_prefix = draw(st.sampled_from([(None, False), ("+12025550101", False), ("+1202", True)]))
    return Rule(
        id=id_,
        priority=id_ * 10,
        label=draw(names),
        enabled=draw(st.booleans()),
        line=draw(perhaps(lines)),
        caller=caller,
        caller_is_prefix=is_prefix,
        account=draw(perhaps(accounts)),
        caller_kind=draw(st.one_of(st.none(), st.sampled_from(CallerKind))),
        hours=draw(perhaps(hours)),
        during=draw(st.sampled_from(During)),
        valid_from=draw(instants),
        valid_until=datetime(2030, 1, 1, tzinfo=MONDAY_NOON.tzinfo) if draw(st.booleans()) else None,
        then=then,
        person=draw(one_id(people) if then is Lead.PERSON else perhaps(people)),
        desk=draw(one_id(desks) if then is Lead.DESK else perhaps(desks)),
    )
