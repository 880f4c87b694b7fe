"""Do both databases add up what Python adds up, call by call?"""

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, update

from router.calls.call import Ending
from router.calls.events import Path, Presented
from router.calls.figures import DEFINITIONS, By, Counts, Fact, Kept, count, figures_of
from router.commitments.commitment import State
from router.lab.sample import SAMPLE
from router.routing.model import LineKind, PersonState
from router.storage.call_schema import call_legs, calls
from router.storage.database import Database
from router.storage.owed_schema import commitment_calls, commitments
from router.storage.reports import Period, offsets, period_of, report
from router.storage.schema import people
from tests.storage.stories import MONDAY_NOON

NEW_YORK = ZoneInfo("America/New_York")
CLOCKS_CHANGE = datetime(2026, 3, 8, 7, tzinfo=UTC)  # in New York, to summer time
CALLS = 200
LEFT = 12  # a salesperson who leaves
GONE = {person.id for person in SAMPLE.people if person.state is PersonState.LEFT} | {LEFT}
MANAGERS = {account.id: account.manager for account in SAMPLE.accounts}
LINES = {line.id: line for line in SAMPLE.lines}
JOBS = {job.id: job.manager for job in SAMPLE.jobs}


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_happened_the_database_adds_it_up_as_python_does(furnished: Database, seed: int) -> None:
    draw = random.Random(seed)
    drawn = [_draw(draw, number) for number in range(CALLS)]
    await _write(furnished, drawn)
    period = Period(since=CLOCKS_CHANGE - timedelta(days=3), until=CLOCKS_CHANGE + timedelta(days=2), zone=NEW_YORK)
    counted = [one for one in drawn if _is_in(one, period)]
    assert 0 < len(counted) < CALLS

    assert (await report(furnished, period, None)).total == count([_fact(one) for one in counted])
    for by in By:
        found = await report(furnished, period, by)
        assert found.total == count([_fact(one) for one in counted])
        keys = {_key(one, by) for one in counted}
        expected = {key: count([_fact(one) for one in counted if _key(one, by) == key]) for key in keys}
        told = {group.key: group.counts for group in found.groups}
        if by is By.PERSON:  # legs count for whose phone it was
            assert _without_machines(told) == _without_machines(expected)
        else:
            assert told == expected, by


async def test_a_leg_that_a_machine_answered_counts_for_the_person_whose_phone_it_was(furnished: Database) -> None:
    one = _draw(random.Random(1), 0) | {"is_test": False, "arrived_at": MONDAY_NOON, "taken_by": 1, "machine_legs": 2}
    await _write(furnished, [one])
    period = Period(since=MONDAY_NOON, until=MONDAY_NOON + timedelta(days=1), zone=NEW_YORK)
    groups = {group.key: group.counts.machine_legs for group in (await report(furnished, period, By.PERSON)).groups}
    assert groups[3] == 2


async def test_a_period_without_calls_has_no_groups_and_nothing_to_divide(furnished: Database) -> None:
    period = period_of(None, None, NEW_YORK, MONDAY_NOON)
    found = await report(furnished, period, By.LINE)
    assert (found.total, found.groups) == (Counts(), ())
    assert figures_of(found.total)["answered_share"] is None


def test_every_figure_has_its_definition() -> None:
    assert figures_of(Counts()).keys() == DEFINITIONS.keys()


def test_the_seven_days_before_now_are_the_usual_period_and_a_year_the_longest() -> None:
    period = period_of(None, None, NEW_YORK, MONDAY_NOON)
    assert (period.until - period.since, period.until) == (timedelta(days=7), MONDAY_NOON)
    with pytest.raises(ValueError, match="at most 366 days"):
        period_of(MONDAY_NOON - timedelta(days=400), None, NEW_YORK, MONDAY_NOON)
    with pytest.raises(ValueError, match="must end after it begins"):
        period_of(MONDAY_NOON, MONDAY_NOON, NEW_YORK, MONDAY_NOON)


@pytest.mark.parametrize("name", ["America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Casablanca"])
def test_the_offsets_of_a_year_are_those_of_every_quarter_of_an_hour_in_it(name: str) -> None:
    zone = ZoneInfo(name)
    period = Period(since=MONDAY_NOON, until=MONDAY_NOON + timedelta(days=366), zone=zone)
    known = offsets(period)
    at = period.since
    while at < period.until:
        said = next(offset for until, offset in known if at < until)
        assert timedelta(seconds=said) == at.astimezone(zone).utcoffset(), at
        at += timedelta(minutes=15)


def _draw(draw: random.Random, number: int) -> dict[str, Any]:
    """One call, of any kind, with what belongs to it."""
    arrived_at = CLOCKS_CHANGE + timedelta(milliseconds=draw.randint(-6 * 86_400_000, 4 * 86_400_000))
    ending = draw.choice([*Ending, Ending.ANSWERED, Ending.ANSWERED, Ending.GAVE_UP, None])
    taken = ending is Ending.ANSWERED
    waited = draw.randint(0, 120_000)
    account = draw.choice([None, *MANAGERS])
    return {
        "id": f"pbx:{number}",
        "line": draw.choice([None, *LINES]),
        "account": account,
        "job": draw.choice([None, *JOBS]) if account else None,
        "arrived_at": arrived_at,
        "path": draw.choice([None, Path.PLAN, Path.PLAN, Path.FALLBACK, Path.INVALID]),
        "taken_by": draw.choice([None, 1, 2, 3, *MANAGERS.values()]) if taken else None,
        "owner": draw.choice([1, 2, *MANAGERS.values()]) if taken else None,
        "taken_at": arrived_at + timedelta(milliseconds=waited) if taken else None,
        "ended": ending,
        "ended_at": None if ending is None else arrived_at + timedelta(minutes=5),
        "is_test": draw.random() < 0.1,
        "kept": draw.choice([None, *Kept]) if ending not in (None, Ending.ANSWERED) or draw.random() < 0.1 else None,
        "machine_legs": draw.choice([0, 0, 0, 1, 2]),
    }


def _is_in(one: dict[str, Any], period: Period) -> bool:
    return not one["is_test"] and period.since <= one["arrived_at"] < period.until


def _fact(one: dict[str, Any]) -> Fact:
    line = LINES.get(one["line"])
    manager = JOBS.get(one["job"]) or MANAGERS.get(one["account"])
    former = line is not None and line.kind is LineKind.SALESPERSON and line.person in GONE
    waited = (one["taken_at"] - one["arrived_at"]) // timedelta(milliseconds=1) if one["taken_at"] else None
    return Fact(
        ending=one["ended"],
        waited=waited,
        path=one["path"],
        kept=one["kept"],
        machine_legs=one["machine_legs"],
        to_former=former,
        manager=manager,
        taken_by=one["taken_by"],
        owner=one["owner"],
    )


def _key(one: dict[str, Any], by: By) -> int | str | None:
    local: datetime = one["arrived_at"].astimezone(NEW_YORK)
    match by:
        case By.LINE:
            line: int | None = one["line"]
            return line
        case By.DESK:
            return LINES[one["line"]].desk if one["line"] else None
        case By.PERSON:
            person: int | None = one["taken_by"]
            return person
        case By.DAY:
            return date.isoformat(local)[:10]
        case By.HOUR:
            return local.hour


def _without_machines(groups: dict[Any, Counts]) -> dict[Any, dict[str, int | None]]:
    facts = {key: {name: getattr(one, name) for name in Counts.__slots__} for key, one in groups.items()}
    return {key: known | {"machine_legs": 0} for key, known in facts.items() if known["calls"]}


async def _write(db: Database, drawn: Sequence[dict[str, Any]]) -> None:
    beside = ("kept", "machine_legs")
    kept_as = {Kept.IN_TIME: State.KEPT, Kept.LATE: State.KEPT, Kept.OWED: State.OPEN, Kept.VOID: State.VOID}
    rest = {"dialled": "", "caller": "", "presented": Presented.NUMBER, "why": ""}
    async with db.writing() as transaction:
        await transaction.run(update(people).where(people.c.id == LEFT).values(state="left"))
        rows = [{name: value for name, value in one.items() if name not in beside} | rest for one in drawn]
        await transaction.run(insert(calls), rows)
        legs = [
            {
                "call": one["id"],
                "leg": f"{one['id']}.{place}",
                "position": place,
                "step": 1,
                "phone": "+19175550101",
                "person": 3,
                "began_at": one["arrived_at"],
                "maybe_machine": place <= one["machine_legs"],
            }
            for one in drawn
            for place in (1, 2, 3)
        ]
        await transaction.run(insert(call_legs), legs)
        for number, one in enumerate(drawn, 1):
            if one["kept"] is None:
                continue
            due, over = one["arrived_at"] + timedelta(minutes=30), one["kept"] is not Kept.OWED
            late = timedelta(minutes=1 if one["kept"] is Kept.LATE else -1)
            owed = {
                "id": number,
                "version": 1,
                "party": f"caller:{number}",
                "caller": "",
                "why": "gave_up",
                "desk": 1,
                "opened_at": one["arrived_at"],
                "due_at": due,
                "latest_at": due,
                "urgency": 1,
                "state": kept_as[one["kept"]],
                "attempts": 0,
                "level": 0,
                "void_reason": "spam" if one["kept"] is Kept.VOID else "",
                "note": "",
                "closed_at": due + late if over else None,
            }
            await transaction.run(insert(commitments), [owed])
            await transaction.run(insert(commitment_calls), [{"call": one["id"], "commitment": number}])
