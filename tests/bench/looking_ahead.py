"""How long does it take to name everything that is wrong with a big company's table, and to preview a change of it?

One that makes it hard: every desk and line has hours of its own choice, with public holidays of three places, nobody
answers for more than a few accounts alone, covers and jobs come and go. Pure, so in this process, without a database.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from time import perf_counter

from router.changes.previewing import preview
from router.routing.accounts import Accounts
from router.routing.callers import CallerIndex
from router.routing.configuration import Configuration, Put
from router.routing.model import (
    Account,
    ClosedBy,
    Cover,
    Desk,
    During,
    Hours,
    Job,
    Lead,
    Line,
    LineKind,
    Opening,
    Person,
    Phone,
    PhoneKind,
    Rule,
    SpecialDays,
)
from router.routing.problems import problems
from router.routing.table import Table
from tests.bench.company import MONDAY_NOON

NUMBERS_PER_ACCOUNT = 10
HOURS = 20
MOST_DEPUTIES = 3
SEED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    lines: int = 2_000
    people: int = 500
    desks: int = 50
    accounts: int = 100_000
    teams: int = 2_000  # of an account manager, deputies and perhaps a desk: so many different ones
    rules: int = 1_000
    jobs: int = 5_000
    covers: int = 100


FULL = Size()
QUICK = Size(lines=40, people=60, desks=5, accounts=500, teams=50, rules=30, jobs=20, covers=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemsFigures:
    """`seconds` for all problems of the table; `found` is how many there were: none, or it was the wrong company.

    `preview_seconds` for a preview of one rule more.
    """

    seconds: float
    preview_seconds: float
    found: int
    lines: int
    people: int
    desks: int
    accounts: int


def measure(size: Size) -> ProblemsFigures:
    """Look through such a company once, and at one change of it."""
    table = Table.build(company(size), version=1)
    began = perf_counter()
    found = problems(table, MONDAY_NOON)
    seconds = perf_counter() - began
    one_more = Rule(id=size.rules + 1, priority=size.rules + 1, label="One more", line=1, then=Lead.PERSON, person=1)
    began = perf_counter()
    preview(table, [Put(entity=one_more)], MONDAY_NOON)
    return ProblemsFigures(
        seconds=seconds,
        preview_seconds=perf_counter() - began,
        found=len(found),
        lines=size.lines,
        people=size.people,
        desks=size.desks,
        accounts=size.accounts,
    )


def company(size: Size) -> Configuration:
    chance = random.Random(SEED)
    numbers = range(4_930_000_000_000, 4_930_000_000_000 + size.accounts * NUMBERS_PER_ACCOUNT * 7, 7)
    return Configuration(
        region="DE",
        time_zone="Europe/Berlin",
        people=tuple(_people(size)),
        desks=tuple(_desks(size, chance)),
        lines=tuple(_lines(size, chance)),
        hours=tuple(_hours()),
        accounts=Accounts.build(_accounts(size, chance)),
        callers=CallerIndex.build(
            (number, False, nth // NUMBERS_PER_ACCOUNT + 1) for nth, number in enumerate(numbers)
        ),
        jobs=tuple(_jobs(size, chance)),
        rules=tuple(_rules(size, chance)),
        covers=tuple(_covers(size)),
    )


def _hours() -> Iterator[Hours]:
    christmas = SpecialDays(first_day=date(2026, 12, 24), last_day=date(2026, 12, 31), label="Christmas")
    for nth in range(1, HOURS + 1):
        week = tuple(Opening(weekday=day, opens=420 + nth * 5, closes=1_000 + nth * 7) for day in range(5))
        place = ("HH", "BY", "BE")[nth % 3]
        yield Hours(
            id=nth,
            name=f"Hours {nth}",
            time_zone="Europe/Berlin",
            country="DE",
            subdivision=place,
            week=week,
            days=(christmas,),
        )


def _people(size: Size) -> Iterator[Person]:
    for id_ in range(1, size.people + 1):
        phone = Phone(id=id_, person=id_, kind=PhoneKind.DESK, endpoint=f"phone-{id_}")
        yield Person(id=id_, name=f"Person {id_}", hours=id_ % HOURS + 1 if id_ % 2 else None, phones=(phone,))


def _desks(size: Size, chance: random.Random) -> Iterator[Desk]:
    for id_ in range(1, size.desks + 1):
        yield Desk(
            id=id_,
            name=f"Desk {id_}",
            slot=id_,
            safety_net=id_ == 1,
            hours=id_ % HOURS + 1 if id_ > 1 else None,
            closed_by=ClosedBy.DUTY,
            duty_desk=chance.randrange(1, id_) if id_ > 1 else None,
            next_desk=chance.randrange(1, id_) if id_ > 1 else None,
            members=tuple(chance.sample(range(1, size.people + 1), 5)),
        )


def _lines(size: Size, chance: random.Random) -> Iterator[Line]:
    for id_ in range(1, size.lines + 1):
        yield Line(
            id=id_,
            number=f"+4940{id_:07}",
            label=f"Line {id_}",
            kind=LineKind.SALESPERSON,
            person=chance.randrange(1, size.people + 1),
            desk=chance.randrange(1, size.desks + 1),
            hours=chance.randrange(1, HOURS + 1),
            closed_by=chance.choice(list(ClosedBy)),
            duty_desk=chance.randrange(1, size.desks + 1),
        )


def _accounts(size: Size, chance: random.Random) -> Iterator[Account]:
    teams = [
        (
            chance.randrange(1, size.people + 1),
            chance.randrange(1, size.desks + 1) if chance.random() < 0.3 else None,
            tuple(chance.sample(range(1, size.people + 1), chance.randrange(MOST_DEPUTIES + 1))),
        )
        for _ in range(size.teams)
    ]
    for id_ in range(1, size.accounts + 1):
        manager, desk, deputies = chance.choice(teams)
        yield Account(id=id_, name=f"Customer {id_}", manager=manager, desk=desk, deputies=deputies)


def _jobs(size: Size, chance: random.Random) -> Iterator[Job]:
    for id_ in range(1, size.jobs + 1):
        manager, salesperson = (chance.randrange(1, size.people + 1) for _ in range(2))
        account = chance.randrange(1, size.accounts + 1)
        yield Job(id=id_, account=account, title=f"Job {id_}", manager=manager, salesperson=salesperson)


def _rules(size: Size, chance: random.Random) -> Iterator[Rule]:
    for id_ in range(1, size.rules + 1):
        yield Rule(
            id=id_,
            priority=id_,
            label=f"Rule {id_}",
            line=chance.randrange(1, size.lines + 1) if id_ % 3 else None,
            account=None if id_ % 3 else chance.randrange(1, size.accounts + 1),
            caller=f"+4930{id_:05}" if id_ % 3 == 1 else None,
            during=chance.choice(list(During)),
            then=Lead.PERSON,
            person=chance.randrange(1, size.people + 1),
        )


def _covers(size: Size) -> Iterator[Cover]:
    for id_ in range(1, size.covers + 1):
        starts = MONDAY_NOON + timedelta(days=id_)
        person = id_ * 3 % size.people + 1
        stand_in = person % size.people + 1
        yield Cover(id=id_, person=person, by_person=stand_in, starts_at=starts, ends_at=starts + timedelta(days=1))
