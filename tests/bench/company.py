"""Which company is measured? A big one: a million callers, a hundred thousand accounts, ten thousand rules."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from router.routing.callers import CallerRow
from router.routing.model import (
    Account,
    CallerKind,
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
)
from router.storage.company import Company, save_company
from router.storage.database import Database

REGION, TIME_ZONE = "US", "America/New_York"
MONDAY_NOON = datetime(2026, 3, 2, 17, tzinfo=UTC)

BUSINESS_LINE = "+15550100100"
NUMBERS_PER_ACCOUNT = 10
MANAGERS = 20
SALESPEOPLE = 30
COORDINATORS = ("coordinator",)
LINES = 1 + SALESPEOPLE
ALWAYS, OFFICE = 1, 2  # hours
FIRST_NUMBER = 4_930_000_000_000  # +49 30 …: the numbers of customers lie seven apart, those between are strangers'
NUMBERS_APART = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How many numbers and rules; everything else follows from them."""

    numbers: int = 1_000_000
    rules: int = 10_000

    @property
    def accounts(self) -> int:
        return max(self.numbers // NUMBERS_PER_ACCOUNT, 1)


FULL = Size()
QUICK = Size(numbers=20_000, rules=500)


async def fill(url: str, size: Size) -> None:
    """Write the whole company into a database that has its tables but no rows. Raises StorageError."""
    db = Database(url)
    try:
        await save_company(db, company(size), MONDAY_NOON)
    finally:
        await db.close()


def company(size: Size) -> Company:
    return Company(
        hours=(_always_open(), _office_hours()),
        people=tuple(_people()),
        desks=(Desk(id=1, name="Coordinators", slot=1, safety_net=True, members=(MANAGERS + SALESPEOPLE + 1,)),),
        lines=tuple(_lines()),
        aliases={"0100100": 1, "5550100100": 1},
        accounts=_accounts(size),
        numbers=_numbers(size),
        jobs=tuple(_jobs(size)),
        rules=tuple(_rules(size)),
    )


def phones() -> Sequence[str]:
    """The endpoints of everybody who may be rung."""
    return (*(manager_phone(number) for number in range(1, MANAGERS + 1)), *COORDINATORS)


def manager_phone(person: int) -> str:
    return f"manager-{person}"


def customer_number(position: int) -> str:
    """The `position`th number that belongs to an account, counted from 0."""
    return f"+{FIRST_NUMBER + position * NUMBERS_APART}"


def strangers_number(position: int) -> str:
    """A number between two customers', which nobody has."""
    return f"+{FIRST_NUMBER + position * NUMBERS_APART + 3}"


def line_number(line: int) -> str:
    return f"+{int(BUSINESS_LINE) + line - 1}"


def _always_open() -> Hours:
    return Hours(
        id=ALWAYS,
        name="always",
        time_zone=TIME_ZONE,
        week=tuple(Opening(weekday=day, opens=0, closes=1440) for day in range(7)),
    )


def _office_hours() -> Hours:
    week = (
        Opening(weekday=day, opens=opens, closes=closes)
        for day in range(5)
        for opens, closes in ((480, 720), (780, 1080))
    )
    return Hours(id=OFFICE, name="office", time_zone=TIME_ZONE, week=tuple(week))


def _people() -> Iterator[Person]:
    # Call waiting, so that nobody is skipped because the bench's last call is still on the phone.
    for number in range(1, MANAGERS + 1):
        phone = Phone(id=number, person=number, kind=PhoneKind.DESK, endpoint=manager_phone(number), call_waiting=True)
        yield Person(id=number, name=f"Manager {number}", hours=ALWAYS, phones=(phone,))
    for number in range(MANAGERS + 1, MANAGERS + SALESPEOPLE + 1):
        yield Person(id=number, name=f"Salesperson {number}", hours=OFFICE)
    for number, endpoint in enumerate(COORDINATORS, MANAGERS + SALESPEOPLE + 1):
        phone = Phone(id=number, person=number, kind=PhoneKind.DESK, endpoint=endpoint, call_waiting=True)
        yield Person(id=number, name=f"Coordinator {number}", phones=(phone,))


def _lines() -> Iterator[Line]:
    yield Line(id=1, number=BUSINESS_LINE, label="Business line", kind=LineKind.BUSINESS, desk=1, hours=ALWAYS)
    for person in range(MANAGERS + 1, MANAGERS + SALESPEOPLE + 1):
        line = person - MANAGERS + 1
        yield Line(
            id=line,
            number=line_number(line),
            label=f"Line of salesperson {person}",
            kind=LineKind.SALESPERSON,
            person=person,
            desk=1,
            hours=ALWAYS,
        )


def _manager_of(account: int) -> int:
    return account % MANAGERS + 1


def _accounts(size: Size) -> Iterator[Account]:
    for account in range(1, size.accounts + 1):
        manager = _manager_of(account)
        yield Account(
            id=account,
            name=f"Customer {account}",
            manager=manager,
            deputies=(_manager_of(account + 1),) if account % 3 else (),
        )


def _numbers(size: Size) -> Iterator[CallerRow]:
    for position in range(size.numbers):
        yield int(customer_number(position)), False, position // NUMBERS_PER_ACCOUNT % size.accounts + 1


def _jobs(size: Size) -> Iterator[Job]:
    for job, account in enumerate(range(1, size.accounts + 1, 50), 1):
        yield Job(id=job, account=account, title=f"Order {job}", manager=_manager_of(account + 2))


def _rules(size: Size) -> Iterator[Rule]:
    """Rules of every shape; none of them leads a customer to the desk, so a call that arrives there missed its plan."""
    chance = random.Random(1)
    for number in range(1, size.rules + 1):
        position = chance.randrange(size.numbers)
        account = position // NUMBERS_PER_ACCOUNT + 1
        line = chance.randrange(1, LINES + 1)
        person = chance.randrange(1, MANAGERS + 1)
        rule = Rule(id=number, priority=number * 10, label=f"Rule {number}", then=Lead.PERSON, person=person)
        if number <= LINES:  # looked at for every customer who calls this line, and never in force: it is always open
            yield replace(rule, line=number, caller_kind=CallerKind.KNOWN, hours=ALWAYS, during=During.CLOSED)
            continue
        match number % 10:
            case 0 | 1 | 2:
                yield replace(rule, caller=customer_number(position))
            case 3 | 4:
                yield replace(rule, caller=customer_number(position)[:-3], caller_is_prefix=True)
            case 5 | 6:
                yield replace(rule, account=account, then=Lead.MANAGER, person=None)
            case 7:
                yield replace(rule, line=line, caller=customer_number(position), hours=OFFICE, during=During.OPEN)
            case 8:
                yield replace(rule, caller=strangers_number(position), then=Lead.DESK, person=None, desk=1)
            case _:
                yield replace(rule, line=line, account=account, valid_until=MONDAY_NOON + timedelta(days=3650))
