"""What do the storage stories tell of?"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from router.calls.call import Call, Ending, Leg, Phase
from router.calls.events import LegResult, Path, Presented
from router.lab.sample import BIRCH, BUSINESS_LINE, JONAS, REGION, SAMPLE, TIME_ZONE
from router.routing.accounts import Accounts
from router.routing.callers import CallerIndex
from router.routing.configuration import Configuration
from router.routing.decide import CallFacts, decide
from router.routing.numbers import read_number
from router.routing.table import Table
from router.storage.company import Company

MONDAY_NOON = datetime(2026, 3, 2, 17, tzinfo=UTC)
SOON = 10.0  # seconds a story waits for what takes milliseconds, on a machine that is busy with other things


def table_of(company: Company, version: int = 1) -> Table:
    """The table of a company that never saw a database."""
    configuration = Configuration(
        region=REGION,
        time_zone=TIME_ZONE,
        people=tuple(company.people),
        desks=tuple(company.desks),
        lines=tuple(company.lines),
        aliases=company.aliases,
        accounts=Accounts.build(company.accounts),
        callers=CallerIndex.build(company.numbers),
        jobs=tuple(company.jobs),
        rules=tuple(company.rules),
        hours=tuple(company.hours),
        covers=tuple(company.covers),
        overrides=tuple(company.overrides),
    )
    return Table.build(configuration, version)


SAMPLE_TABLE = table_of(SAMPLE)


def after(seconds: float) -> datetime:
    return MONDAY_NOON + timedelta(seconds=seconds)


def arrived(call_id: str = "pbx:1.1", at: float = 0) -> Call:
    """A customer with a running job has called, and the plan is given."""
    facts = CallFacts(dialled=BUSINESS_LINE, caller=read_number(BIRCH, REGION))
    return Call(
        call_id=call_id,
        phase=Phase.ARRIVED,
        dialled=BUSINESS_LINE,
        caller=BIRCH,
        presented=Presented.NUMBER,
        arrived_at=after(at),
        decision=decide(facts, SAMPLE_TABLE, after(at)),
    )


def ringing(call_id: str = "pbx:1.1") -> Call:
    leg = Leg(leg="1.2", step=1, phone="jonas", person=JONAS, began_at=after(0.1))
    return replace(arrived(call_id), phase=Phase.RINGING, path=Path.PLAN, why="plan", legs=(leg,))


def talking(call_id: str = "pbx:1.1") -> Call:
    return replace(ringing(call_id), phase=Phase.TALKING, taken_phone="jonas", taken_by=JONAS, taken_at=after(4))


def answered(call_id: str = "pbx:1.1") -> Call:
    call = talking(call_id)
    leg = replace(call.legs[0], ended_at=after(60), result=LegResult.ANSWERED, cause=16)
    return replace(call, phase=Phase.OVER, legs=(leg,), ended_at=after(60), ending=Ending.ANSWERED)


def whole_life(call_id: str = "pbx:1.1") -> tuple[Call, ...]:
    return arrived(call_id), ringing(call_id), talking(call_id), answered(call_id)


async def until(condition: Callable[[], bool], within: float = SOON) -> None:
    """Wait until this holds. Raises TimeoutError when it never does."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 (what is waited for tells nobody)
            await asyncio.sleep(0.005)
