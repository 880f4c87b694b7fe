"""Which companies can there be, who calls them, and when?

Strategies for property tests. Everything that a database would let through may happen: desks that point at each other
in circles, people who left and still have jobs, rules that lead nowhere, hours that never open.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

from hypothesis import strategies as st

from router.routing.accounts import Accounts
from router.routing.callers import CallerIndex, CallerRow
from router.routing.configuration import Configuration
from router.routing.cover import contradictions
from router.routing.decide import CallFacts
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
from router.routing.numbers import read_number

REGION = "DE"
TIME_ZONE = "Europe/Berlin"

# Zones that set their clock at night, at midnight, by half an hour, in the other half of the year, and never.
TIME_ZONES = ("Europe/Berlin", "America/Havana", "Australia/Lord_Howe", "America/Santiago", "Asia/Kolkata", "UTC")

CUSTOMERS = tuple(f"+4930{n:06}" for n in range(12))
LINES = tuple(f"+4940555{n:03}" for n in range(6))

T = TypeVar("T")


def instants() -> st.SearchStrategy[datetime]:
    """Instants (UTC) of 2026, many of them around the nights in which clocks are set."""
    nights = [datetime(2026, m, d, tzinfo=UTC) for m, d in ((3, 8), (3, 28), (4, 4), (9, 5), (10, 24), (11, 1))]
    near = st.builds(lambda night, minutes: night + timedelta(minutes=minutes), st.sampled_from(nights), minutes(2880))
    anywhere = st.builds(lambda n: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=n), minutes(365 * 1440))
    return near | anywhere


def minutes(most: int) -> st.SearchStrategy[int]:
    return st.integers(0, most)


@st.composite
def openings(draw: st.DrawFn) -> Opening:
    opens = draw(st.sampled_from((0, 120, 150, 480, 1320)) | minutes(1439))
    closes = draw(st.sampled_from((180, 1080, 1440, 1560, 2880)) | minutes(2880))
    return Opening(weekday=draw(st.integers(0, 6)), opens=opens, closes=max(opens + 1, closes))


# Whole stretches and single days, many of them around the nights in which clocks are set.
DAYS = st.sampled_from([date(2026, m, d) for m, d in ((3, 7), (3, 8), (3, 28), (3, 29), (10, 24), (10, 25), (12, 25))])


@st.composite
def special_days(draw: st.DrawFn) -> SpecialDays:
    first = draw(DAYS | st.dates(date(2026, 1, 1), date(2026, 12, 31)))
    times = draw(st.none() | openings())
    return SpecialDays(
        first_day=first,
        last_day=first + timedelta(days=draw(st.integers(0, 20))),
        opens=times.opens if times else None,
        closes=times.closes if times else None,
        label=draw(st.sampled_from(("", "Stocktaking", "Summer"))),
    )


def hours(id: int = 1) -> st.SearchStrategy[Hours]:
    places = st.sampled_from(((None, None), (None, None), ("DE", None), ("DE", "BY"), ("US", None)))
    return places.flatmap(lambda place: _hours_in(id, *place))


def _hours_in(id: int, country: str | None, subdivision: str | None) -> st.SearchStrategy[Hours]:
    return st.builds(
        Hours,
        id=st.just(id),
        name=st.just(f"hours {id}"),
        time_zone=st.sampled_from(TIME_ZONES),
        country=st.just(country),
        subdivision=st.just(subdivision),
        week=st.lists(openings(), max_size=10).map(tuple),
        days=st.lists(special_days(), max_size=4).map(tuple),
    )


@st.composite
def people(draw: st.DrawFn, id: int, hours_ids: Sequence[int]) -> Person:
    phones = tuple(
        Phone(
            id=id * 10 + n,
            person=id,
            kind=kind,
            endpoint=f"phone-{id}-{n}" if kind is PhoneKind.DESK else None,
            number=None if kind is PhoneKind.DESK else f"+49170{id:04}{n:02}",
            ring_seconds=draw(st.sampled_from((1, 15, 20, 120))),
            enabled=draw(st.booleans()),
        )
        for n, kind in enumerate(draw(st.lists(st.sampled_from(PhoneKind), max_size=10)))
    )
    return Person(
        id=id,
        name=f"Person {id}",
        state=draw(st.sampled_from(PersonState)),
        away_until=draw(st.none() | instants()),
        leaves_at=draw(st.none() | instants()),
        hours=draw(one_of_or_none(hours_ids)),
        phones=phones,
    )


@st.composite
def desks(draw: st.DrawFn, id: int, ids: Sequence[int], people_ids: Sequence[int], hours_ids: Sequence[int]) -> Desk:
    return Desk(
        id=id,
        name=f"Desk {id}",
        strategy=draw(st.sampled_from(Strategy)),
        slot=id,
        hours=draw(one_of_or_none(hours_ids)),
        closed_by=draw(st.sampled_from(ClosedBy)),
        duty_desk=draw(one_of_or_none(ids)),
        next_desk=draw(one_of_or_none(ids)),
        safety_net=id == ids[0],
        members=tuple(draw(st.lists(st.sampled_from(people_ids), unique=True, max_size=3))),
    )


@st.composite
def lines(
    draw: st.DrawFn, id: int, desk_ids: Sequence[int], people_ids: Sequence[int], hours_ids: Sequence[int]
) -> Line:
    kind = draw(st.sampled_from(LineKind))
    return Line(
        id=id,
        number=LINES[id - 1],
        label=draw(st.just(f"Line {id}") | st.text(max_size=60)),
        kind=kind,
        desk=draw(st.sampled_from(desk_ids)),
        person=draw(st.sampled_from(people_ids)) if kind is LineKind.SALESPERSON else None,
        hours=draw(one_of_or_none(hours_ids)),
        closed_by=draw(st.sampled_from(ClosedBy)),
        duty_desk=draw(one_of_or_none(desk_ids)),
    )


@st.composite
def accounts(draw: st.DrawFn, id: int, people_ids: Sequence[int], desk_ids: Sequence[int]) -> Account:
    return Account(
        id=id,
        name=draw(st.just(f"Customer {id}") | st.text(max_size=60)).replace("\0", " "),
        manager=draw(one_of_or_none(people_ids)),
        desk=draw(one_of_or_none(desk_ids)),
        priority=draw(st.integers(0, 3)),
        deputies=tuple(draw(st.lists(st.sampled_from(people_ids), unique=True, max_size=4))),
    )


@st.composite
def jobs(draw: st.DrawFn, id: int, account_ids: Sequence[int], people_ids: Sequence[int]) -> Job:
    return Job(
        id=id,
        account=draw(st.sampled_from(account_ids)),
        title=f"Job {id}",
        manager=draw(st.sampled_from(people_ids)),
        salesperson=draw(one_of_or_none(people_ids)),
        state=draw(st.sampled_from([JobState.RUNNING, *JobState])),
        starts_on=draw(st.none() | st.dates(date(2026, 1, 1), date(2026, 12, 31))),
        ends_on=draw(st.none() | st.dates(date(2026, 1, 1), date(2026, 12, 31))),
    )


@st.composite
def rules(
    draw: st.DrawFn,
    id: int,
    line_ids: Sequence[int],
    account_ids: Sequence[int],
    people_ids: Sequence[int],
    desk_ids: Sequence[int],
    hours_ids: Sequence[int],
) -> Rule:
    caller_is_prefix = draw(st.booleans())
    prefixes = st.sampled_from(CUSTOMERS).flatmap(lambda number: st.integers(2, 11).map(lambda most: number[:most]))
    then = draw(st.sampled_from(Lead))
    return Rule(
        id=id,
        priority=draw(st.integers(0, 9)) * 100 + id,  # unique, and not in the order of the ids
        label=f"rule {id}",
        enabled=draw(st.sampled_from((True, True, True, False))),
        line=draw(st.none() | one_of_or_none(line_ids)),
        caller=draw(st.none() | (prefixes if caller_is_prefix else callers())),
        caller_is_prefix=caller_is_prefix,
        account=draw(st.none() | one_of_or_none(account_ids)),
        caller_kind=draw(st.none() | st.sampled_from(CallerKind)),
        hours=draw(one_of_or_none(hours_ids)),
        during=draw(st.sampled_from(During)),
        valid_from=draw(st.none() | instants()),
        valid_until=draw(st.none() | instants()),
        then=then,
        person=draw(st.sampled_from(people_ids)) if then is Lead.PERSON else None,
        desk=draw(st.sampled_from(desk_ids)) if then is Lead.DESK else None,
    )


@st.composite
def covers(draw: st.DrawFn, id: int, people_ids: Sequence[int], desk_ids: Sequence[int]) -> Cover:
    by_person = draw(one_of_or_none(people_ids))
    return Cover(
        id=id,
        person=draw(st.sampled_from(people_ids)),
        by_person=by_person,
        by_desk=draw(st.sampled_from(desk_ids)) if by_person is None else None,
        scope=draw(st.sampled_from([CoverScope.ALL, *CoverScope])),
        starts_at=draw(instants()) - timedelta(days=draw(st.sampled_from((0, 200)))),
        ends_at=draw(st.none() | instants()),
    )


@st.composite
def overrides(draw: st.DrawFn, id: int, line_ids: Sequence[int], desk_ids: Sequence[int]) -> Override:
    line = draw(one_of_or_none(line_ids))
    starts = draw(instants())
    return Override(
        id=id,
        line=line,
        desk=draw(st.sampled_from(desk_ids)) if line is None else None,
        action=draw(st.sampled_from(OverrideAction)),
        to_desk=draw(one_of_or_none(desk_ids)),
        starts_at=starts,
        ends_at=starts + timedelta(days=draw(st.sampled_from((1, 30, 200)))),
    )


@st.composite
def sound_companies(draw: st.DrawFn) -> Configuration:
    """A company that somebody has put in order, more or less: many of them have no problem.

    Whoever is named works here and has a phone, desks lead to earlier ones, hours open; absences, covers, overrides,
    rules, promises and jobs are as they come.
    """
    company = draw(companies())
    coming_and_going = st.sampled_from((PersonState.ACTIVE, PersonState.ACTIVE, PersonState.AWAY))
    people = [
        replace(person, state=draw(coming_and_going), phones=(_desk_phone(person.id),), hours=None)
        for person in company.people
    ]
    relief = [
        Person(
            id=id_,
            name=f"Relief {id_}",
            state=draw(st.sampled_from((PersonState.ACTIVE, *PersonState))),
            away_until=draw(st.none() | instants()),
            leaves_at=draw(st.none() | instants()),
            phones=(_desk_phone(id_),),
        )
        for id_ in range(90, 90 + draw(st.integers(2, 5)))
    ]
    desks = [
        replace(
            desk,
            next_desk=desk.next_desk if desk.next_desk and desk.next_desk < desk.id else None,
            duty_desk=desk.duty_desk if desk.duty_desk and desk.duty_desk < desk.id else None,
            members=(*desk.members, *(one.id for one in relief)),
        )
        for desk in company.desks
    ]
    opened = Opening(weekday=draw(st.integers(0, 6)), opens=480, closes=1080)
    return replace(
        company,
        people=(*people, *relief),
        desks=tuple(desks),
        hours=tuple(replace(hours, week=(*hours.week, opened)) for hours in company.hours),
        covers=() if contradictions(company.covers) else company.covers,
    )


def _desk_phone(person: int) -> Phone:
    return Phone(id=person * 10, person=person, kind=PhoneKind.DESK, endpoint=f"phone-{person}")


def caller_rows(account_ids: Sequence[int]) -> st.SearchStrategy[list[CallerRow]]:
    """Numbers and prefixes of these accounts, in any order, with repetitions."""
    if not account_ids:
        return st.just([])
    number = st.sampled_from(CUSTOMERS).map(int)
    exact = st.tuples(number, st.just(False), st.sampled_from(account_ids))
    prefix = st.builds(
        lambda n, cut, account: (n // 10**cut, True, account), number, minutes(9), st.sampled_from(account_ids)
    )
    return st.lists(exact | prefix, max_size=12)


@st.composite
def companies(draw: st.DrawFn) -> Configuration:
    """A small company, complete with a safety net, in which anything else may be odd."""
    hours_ids = range(1, 1 + draw(st.integers(0, 3)))
    people_ids = range(1, 1 + draw(st.integers(1, 6)))
    desk_ids = range(1, 1 + draw(st.integers(1, 6)))
    line_ids = range(1, 1 + draw(st.integers(0, len(LINES))))
    account_ids = range(1, 1 + draw(st.integers(0, 4)))
    job_ids = range(1, 1 + draw(st.integers(0, 4) if account_ids else st.just(0)))
    rule_ids = range(1, 1 + draw(st.integers(0, 8)))
    return Configuration(
        region=REGION,
        time_zone=TIME_ZONE,
        people=tuple(draw(people(n, hours_ids)) for n in people_ids),
        desks=tuple(draw(desks(n, desk_ids, people_ids, hours_ids)) for n in desk_ids),
        lines=tuple(draw(lines(n, desk_ids, people_ids, hours_ids)) for n in line_ids),
        aliases=draw(
            st.dictionaries(st.sampled_from(("100", "040555", "")), st.sampled_from(line_ids))
            if line_ids
            else st.just({})
        ),
        accounts=Accounts.build([draw(accounts(n, people_ids, desk_ids)) for n in account_ids]),
        callers=CallerIndex.build(draw(caller_rows(account_ids))),
        jobs=tuple(draw(jobs(n, account_ids, people_ids)) for n in job_ids),
        rules=tuple(draw(rules(n, line_ids, account_ids, people_ids, desk_ids, hours_ids)) for n in rule_ids),
        hours=tuple(draw(hours(n)) for n in hours_ids),
        covers=tuple(draw(covers(n, people_ids, desk_ids)) for n in range(1, 1 + draw(st.integers(0, 5)))),
        overrides=tuple(draw(overrides(n, line_ids, desk_ids)) for n in range(1, 1 + draw(st.integers(0, 3)))),
    )


def callers() -> st.SearchStrategy[str]:
    """What a trunk says of the caller: mostly customers, in several forms, but also strangers and rubbish."""
    return st.sampled_from((*CUSTOMERS, "030000001", "00493000002", "+4917612345678", "110", "", "anonymous", "+49x"))


def calls() -> st.SearchStrategy[CallFacts]:
    """Calls to lines, in several forms, and to numbers that are none."""
    dialled = st.sampled_from((*LINES, "040555001", "0049 40 555002", "100", "040555", "", "+4999", "777")) | st.text(
        max_size=20
    )
    caller = (callers() | st.text(max_size=20)).map(lambda text: read_number(text, REGION))
    return st.builds(CallFacts, dialled=dialled, caller=caller)


def one_of_or_none(values: Sequence[T]) -> st.SearchStrategy[T | None]:
    return st.none() | st.sampled_from(values) if values else st.none()
