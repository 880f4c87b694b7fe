"""How long does a decision take, and what do a million numbers cost?

Without Asterisk, in a process of its own, so that its memory is that of the numbers.
"""

import asyncio
import gc
import logging
import multiprocessing
import os
import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter, perf_counter_ns

import structlog

from router.routing.configuration import Change, Put, PutNumbers
from router.routing.decide import CallFacts, decide
from router.routing.model import Job, Lead, Person, Rule
from router.routing.numbers import read_number
from router.routing.table import Table
from router.storage.database import Database
from router.storage.publisher import Publisher
from router.storage.tables import load_configuration
from tests.bench.company import (
    LINES,
    MONDAY_NOON,
    NUMBERS_PER_ACCOUNT,
    REGION,
    TIME_ZONE,
    Size,
    customer_number,
    line_number,
    strangers_number,
)
from tests.bench.figures import percentile

WARM_UP = 2_000  # decisions before the first that counts: the first of each hour look up when they change
READ_WITHIN = 60.0  # seconds for the publisher's first table; the target is 15


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideFigures:
    """`numbers_mb` (10⁶ bytes) is by how much the process grew while it loaded everything, not only the numbers.

    `publish_ms` is the slowest kind of change: its median, the commit included.
    """

    p50_us: float
    p99_us: float
    numbers_mb: float
    load_s: float
    publish_ms: float
    publish_ms_by_change: dict[str, float]


def measure_alone(url: str, size: Size, decisions: int, changes: int) -> DecideFigures:
    """As `measure`, in a fresh process."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=_only_warnings) as alone:
        return alone.submit(measure, url, size, decisions, changes).result()


def _only_warnings() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))


def measure(url: str, size: Size, decisions: int, changes: int) -> DecideFigures:
    """Load that company and decide `decisions` calls; then make `changes` changes of each kind."""
    gc.collect()
    before = _resident_bytes()
    began = perf_counter()
    table = asyncio.run(_load(url))
    load_s = perf_counter() - began
    gc.collect()
    grown = _resident_bytes() - before
    took = _decide_all(table, size, decisions)
    by_change = asyncio.run(_publish_all(url, size, table, changes))
    return DecideFigures(
        p50_us=percentile(took, 50),
        p99_us=percentile(took, 99),
        numbers_mb=grown / 1e6,
        load_s=load_s,
        publish_ms=max(by_change.values()),
        publish_ms_by_change=by_change,
    )


async def _load(url: str) -> Table:
    db = Database(url)
    try:
        configuration, version = await load_configuration(db, REGION, TIME_ZONE)
        return Table.build(configuration, version)
    finally:
        await db.close()


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _decide_all(table: Table, size: Size, decisions: int) -> Sequence[float]:
    """Microseconds of each, from the caller's number as text to the finished decision."""
    took = []
    for nth, (dialled, caller) in enumerate(_calls(size, WARM_UP + decisions)):
        now = MONDAY_NOON + timedelta(milliseconds=nth)
        began = perf_counter_ns()
        decide(CallFacts(dialled=dialled, caller=read_number(caller, REGION)), table, now)
        took.append((perf_counter_ns() - began) / 1e3)
    return took[WARM_UP:]


def _calls(size: Size, count: int) -> Iterator[tuple[str, str]]:
    """Two of three callers are customers; the others are strangers, and some hide their number."""
    chance = random.Random(2)
    for nth in range(count):
        position = chance.randrange(size.numbers)
        dialled = line_number(chance.randrange(1, LINES + 1))
        match nth % 30:
            case 0:
                yield dialled, ""
            case 1:
                yield "+15550999999", customer_number(position)  # no line of ours
            case turn if turn < 20:
                yield dialled, customer_number(position)
            case _:
                yield dialled, strangers_number(position)


async def _publish_all(url: str, size: Size, table: Table, changes: int) -> dict[str, float]:
    """For each kind of change the median of the milliseconds from asking for it to deciding by it."""
    heard: list[tuple[float, Table]] = []
    arrived = asyncio.Event()

    def publish(table: Table) -> None:
        heard.append((perf_counter(), table))
        arrived.set()

    db = Database(url)
    try:
        publisher = Publisher(db, REGION, TIME_ZONE, publish)
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(publisher.watch())
            async with asyncio.timeout(READ_WITHIN):
                await arrived.wait()
            took: dict[str, list[float]] = {}
            for nth in range(changes):
                for kind, change in _changes(table, size, nth):
                    began = perf_counter()
                    await publisher.apply([change], datetime.now(UTC))
                    took.setdefault(kind, []).append((heard[-1][0] - began) * 1e3)
            watching.cancel()
    finally:
        await db.close()
    return {kind: median(times) for kind, times in took.items()}


def _changes(table: Table, size: Size, nth: int) -> Iterator[tuple[str, Change]]:
    """One change of one row each; every one really changes something."""
    position = (nth * 7_919) % size.numbers
    account = table.account(position // NUMBERS_PER_ACCOUNT + 1)
    person = table.people[nth % len(table.people) + 1]
    assert account is not None
    yield "number", PutNumbers(rows=((int(strangers_number(position)), False, account.id),))
    yield "account", Put(entity=replace(account, priority=account.priority + 1))
    yield "person", Put(entity=_renamed(person, nth))
    yield (
        "rule",
        Put(
            entity=Rule(
                id=size.rules + nth + 1,
                priority=nth * 10 + 5,
                label="new",
                then=Lead.DESK,
                desk=1,
                caller=strangers_number(position),
            )
        ),
    )
    yield "job", Put(entity=Job(id=size.accounts + nth + 1, account=account.id, title="new", manager=person.id))


def _renamed(person: Person, nth: int) -> Person:
    return replace(person, name=f"{person.name} {nth}")
