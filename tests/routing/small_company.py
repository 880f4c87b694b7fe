"""Who works at the company that these stories are about?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from router.routing.accounts import Accounts
from router.routing.callers import CallerIndex
from router.routing.configuration import Configuration, Entity, Put
from router.routing.decide import CallFacts, Decision, decide
from router.routing.model import (
    Account,
    Desk,
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
from router.routing.numbers import read_number
from router.routing.table import Table

MONDAY_NOON = datetime(2026, 3, 2, 11, tzinfo=UTC)  # 12:00 in Berlin
MONDAY_NIGHT = datetime(2026, 3, 2, 21, tzinfo=UTC)
TOMORROW = MONDAY_NOON + timedelta(days=1)

BUSINESS_LINE = "+4940555000"
SVENS_LINE = "+4940555001"
TINAS_LINE = "+4940555002"

MUSTER = "+4930100200"  # Muster GmbH: account manager Anna, deputies Carl, then Dora
STRANGER = "+4917612345678"


def person(id: int, name: str) -> Person:
    phone = Phone(id=id, person=id, kind=PhoneKind.DESK, endpoint=name.lower())
    return Person(id=id, name=name, phones=(phone,))


ANNA, BERT, CARL, DORA, SVEN, TINA = (
    person(id, name) for id, name in enumerate(("Anna", "Bert", "Carl", "Dora", "Sven", "Tina"), start=1)
)
OFFICE_HOURS = Hours(
    id=1,
    name="office",
    time_zone="Europe/Berlin",
    week=tuple(Opening(weekday=day, opens=480, closes=1080) for day in range(5)),
)
COORDINATORS = Desk(id=1, name="Coordinators", slot=1, safety_net=True)
SALES_DESK = Desk(id=2, name="Sales", slot=2, next_desk=3)
BACK_OFFICE = Desk(id=3, name="Back office", slot=3)
NIGHT_DESK = Desk(id=4, name="Night", slot=4)

LIFT = Job(id=1, account=1, title="Lift 7", manager=BERT.id, salesperson=SVEN.id)
RAMP = Job(id=2, account=1, title="Ramp 2", manager=CARL.id, salesperson=TINA.id)


def company(*changed: Entity) -> Table:
    """The company, with these put in or replaced."""
    configuration = Configuration(
        region="DE",
        time_zone="Europe/Berlin",
        people=(ANNA, BERT, CARL, DORA, SVEN, TINA),
        desks=(COORDINATORS, SALES_DESK, BACK_OFFICE, NIGHT_DESK),
        lines=(
            Line(id=1, number=BUSINESS_LINE, label="Business", kind=LineKind.BUSINESS, desk=COORDINATORS.id),
            Line(id=2, number=SVENS_LINE, label="Sven", kind=LineKind.SALESPERSON, person=SVEN.id, desk=SALES_DESK.id),
            Line(id=3, number=TINAS_LINE, label="Tina", kind=LineKind.SALESPERSON, person=TINA.id, desk=SALES_DESK.id),
        ),
        accounts=Accounts.build([Account(id=1, name="Muster GmbH", manager=ANNA.id, deputies=(CARL.id, DORA.id))]),
        callers=CallerIndex.build([(int(MUSTER), False, 1)]),
        hours=(OFFICE_HOURS,),
    )
    table = Table.build(configuration, version=1)
    for entity in changed:
        table = table.with_change(Put(entity=entity))
    return table


def decided(table: Table, caller: str = MUSTER, line: str = BUSINESS_LINE, now: datetime = MONDAY_NOON) -> Decision:
    return decide(CallFacts(dialled=line, caller=read_number(caller, "DE")), table, now)


def rings(decision: Decision) -> list[str]:
    return [step.name for step in decision.plan.steps]


def rule(**facts: Any) -> Rule:
    """A rule that leads to the night desk, whoever calls, or with other facts."""
    return replace(Rule(id=1, priority=10, label="to the night desk", then=Lead.DESK, desk=NIGHT_DESK.id), **facts)
