"""What do the calls of a period add up to? calls/figures.py says what each figure means."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, FromClause, Integer, Select, and_, case, cast, func, literal, or_, select

from router.calls.call import Ending
from router.calls.events import Path
from router.calls.figures import COUNTED, PERCENTILES, By, Counts
from router.commitments.commitment import State
from router.routing.model import LineKind, PersonState
from router.storage.call_schema import call_legs, calls
from router.storage.database import Database, Transaction
from router.storage.owed_schema import commitment_calls, commitments
from router.storage.schema import accounts, desks, jobs, lines, people

LONGEST = timedelta(days=366)  # a year; a longer one is a matter for a warehouse
# Seconds for one of its statements: a million calls take a few. The database's own thread or server works meanwhile,
# the loop that routes calls doesn't.
STATEMENT_WITHIN = 60.0
DAY, HOUR = 86400, 3600  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """From `since` up to but not including `until`, divided by the clock of `zone`."""

    since: datetime
    until: datetime
    zone: ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """`key` is an id, a day such as 2026-03-02, or an hour from 0 to 23; None where there is none of them."""

    key: int | str | None
    name: str
    counts: Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    total: Counts
    groups: tuple[Group, ...]


async def report(db: Database, period: Period, by: By | None) -> Report:
    """The figures of the period, of all calls together and divided by `by`. Raises StorageError."""
    async with db.reading(statement_within=STATEMENT_WITHIN) as look:
        if by is None:
            return Report(total=(await _counted(look, period, None)).get(None, Counts()), groups=())
        divided = await _counted(look, period, by)
        whole = await _counted(look, period, None, only_waiting=True)
        names = await _names(look, by)
    groups = [Group(key=_key(key, by), name=_name(key, by, names), counts=counts) for key, counts in divided.items()]
    groups.sort(key=lambda group: (group.key is None, group.key if by in (By.DAY, By.HOUR) else group.name))
    added = {name: sum(getattr(one.counts, name) for one in groups) for name in COUNTED}
    return Report(total=replace(whole.get(None, Counts()), **added), groups=tuple(groups))


async def _counted(
    look: Transaction, period: Period, by: By | None, *, only_waiting: bool = False
) -> dict[Any, Counts]:
    """`only_waiting`: how long they waited can't be added up from its parts, unlike all the rest."""
    key = _key_of(by, period, look.speaks_postgresql).label("key")
    waiting = _percentiles(key, period, by, look.speaks_postgresql)
    found: dict[Any, dict[str, Any]] = {}
    for query in (waiting,) if only_waiting else (_sums(key, period, by), waiting, _machines(key, period, by)):
        for row in await look.rows(query):
            values = {name: value for name, value in row._mapping.items() if name != "key" and value is not None}
            found.setdefault(row.key, {}).update({name: int(value) for name, value in values.items()})
    return {key: Counts(**values) for key, values in found.items()}


def _sums(key: ColumnElement[Any], period: Period, by: By | None) -> Select[Any]:
    answered = calls.c.ended == Ending.ANSWERED
    missed = and_(calls.c.ended.is_not(None), calls.c.ended != Ending.ANSWERED)
    state = commitments.c.state
    in_time = commitments.c.closed_at <= commitments.c.due_at
    manager = func.coalesce(jobs.c.manager, accounts.c.manager)
    managed = manager.is_not(None)
    conditions: Mapping[str, ColumnElement[bool]] = {
        "ended": calls.c.ended.is_not(None),
        "answered": answered,
        "gave_up": calls.c.ended == Ending.GAVE_UP,
        "promised": calls.c.ended == Ending.PROMISED,
        "lost": calls.c.ended == Ending.LOST,
        "kept_in_time": and_(missed, state == State.KEPT, in_time),
        "kept_late": and_(missed, state == State.KEPT, ~in_time),
        "still_owed": and_(missed, state.in_([State.OPEN, State.CLAIMED])),
        "void": and_(missed, state == State.VOID),
        "owed_nothing": and_(missed, state.is_(None)),
        "to_former_salespeople": and_(lines.c.kind == LineKind.SALESPERSON, people.c.state == PersonState.LEFT),
        "with_manager": managed,
        "answered_with_manager": and_(managed, answered),
        "reached_manager": and_(answered, or_(calls.c.taken_by == manager, calls.c.owner == manager)),
        "fallback": and_(calls.c.path.is_not(None), calls.c.path != Path.PLAN),
        "with_path": calls.c.path.is_not(None),
    }
    assert {"calls", "machine_legs", *conditions} == set(COUNTED)
    sums = [func.sum(case((condition, 1), else_=0)).label(name) for name, condition in conditions.items()]
    of = (
        calls.outerjoin(lines, lines.c.id == calls.c.line)
        .outerjoin(people, people.c.id == lines.c.person)
        .outerjoin(accounts, accounts.c.id == calls.c.account)
        .outerjoin(jobs, jobs.c.id == calls.c.job)
        .outerjoin(commitment_calls, and_(missed, commitment_calls.c.call == calls.c.id))
        .outerjoin(commitments, commitments.c.id == commitment_calls.c.commitment)
    )
    query = select(key, func.count().label("calls"), *sums).select_from(of).where(*_counts(period))
    return query if by is None else query.group_by(key)


def _percentiles(key: ColumnElement[Any], period: Period, by: By | None, postgresql: bool) -> Select[Any]:
    """Each by its place among the ordered: the same on both databases, and no rounding."""
    waited = _milliseconds(calls.c.taken_at, calls.c.arrived_at, postgresql).label("waited")
    each = None if by is None else getattr(key, "element", key)
    ranked = (
        select(
            key,
            waited,
            func.row_number().over(partition_by=each, order_by=waited.element).label("place"),
            func.count().over(partition_by=each).label("among"),
        )
        .select_from(_with_line(by))
        .where(calls.c.ended == Ending.ANSWERED, calls.c.taken_at.is_not(None), *_counts(period))
        .subquery()
    )
    at_place = [
        func.max(case((ranked.c.place == (ranked.c.among * percent + 99) // 100, ranked.c.waited))).label(f"p{percent}")
        for percent in PERCENTILES
    ]
    return select(ranked.c.key, *at_place).group_by(ranked.c.key)


def _machines(key: ColumnElement[Any], period: Period, by: By | None) -> Select[Any]:
    of = _with_line(by).join(call_legs, call_legs.c.call == calls.c.id)
    whose = call_legs.c.person.label("key") if by is By.PERSON else key
    query = select(whose, func.count().label("machine_legs")).select_from(of)
    # in words, so that both databases see that the index of these few legs can be used
    query = query.where(call_legs.c.maybe_machine.is_(True), *_counts(period))
    return query.group_by(whose) if by is not None else query


def _counts(period: Period) -> Iterable[ColumnElement[bool]]:
    return (
        calls.c.arrived_at >= period.since,
        calls.c.arrived_at < period.until,
        calls.c.is_test.is_(False),
    )


def _with_line(by: By | None) -> FromClause:
    return calls.outerjoin(lines, lines.c.id == calls.c.line) if by is By.DESK else calls


def _key_of(by: By | None, period: Period, postgresql: bool) -> ColumnElement[Any]:
    match by:
        case None:
            return literal(None, Integer)
        case By.LINE:
            return calls.c.line
        case By.DESK:
            return lines.c.desk
        case By.PERSON:
            return calls.c.taken_by
        case By.DAY:
            return _local_seconds(period, postgresql) // DAY
        case By.HOUR:
            return _local_seconds(period, postgresql) % DAY // HOUR


def _local_seconds(period: Period, postgresql: bool) -> ColumnElement[int]:
    """Seconds since 1970 as a wall clock counts them; its changes in the period stand in the query."""
    if postgresql:
        seconds = cast(func.floor(func.extract("epoch", calls.c.arrived_at)), Integer)
    else:
        seconds = cast(func.strftime("%s", calls.c.arrived_at), Integer)
    *changes, (_, last) = offsets(period)
    shift = case(*[(calls.c.arrived_at < until, offset) for until, offset in changes], else_=last) if changes else last
    return seconds + shift


def offsets(period: Period) -> list[tuple[datetime, int]]:
    """Until when which offset from UTC is in force, in seconds, in order; the last is that of the period's end."""
    found: list[tuple[datetime, int]] = []
    at = period.since.replace(minute=0, second=0, microsecond=0)
    while at < period.until:  # clocks change at full quarters of an hour; a year has 35,000 of them
        later = at + timedelta(days=1)
        if _offset(at, period.zone) != _offset(later, period.zone):
            step = at
            while _offset(step, period.zone) == _offset(at, period.zone):
                step += timedelta(minutes=15)
            found.append((step, _offset(at, period.zone)))
        at = later
    return [*found, (period.until, _offset(at, period.zone))]


def _offset(at: datetime, zone: ZoneInfo) -> int:
    offset = at.astimezone(zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def _milliseconds(later: ColumnElement[Any], earlier: ColumnElement[Any], postgresql: bool) -> ColumnElement[int]:
    if postgresql:
        return cast(func.round(func.extract("epoch", later - earlier) * 1000), Integer)
    return cast(func.round((func.julianday(later) - func.julianday(earlier)) * (DAY * 1000)), Integer)


async def _names(look: Transaction, by: By | None) -> Mapping[int, str]:
    match by:
        case By.LINE:
            query = select(lines.c.id, lines.c.label.label("name"))
        case By.DESK:
            query = select(desks.c.id, desks.c.name)
        case By.PERSON:
            query = select(people.c.id, people.c.name)
        case _:
            return {}
    return {row.id: row.name for row in await look.rows(query)}


def _key(key: Any, by: By | None) -> int | str | None:
    if by is By.DAY and key is not None:
        return (date(1970, 1, 1) + timedelta(days=int(key))).isoformat()
    return None if key is None else int(key)


def _name(key: Any, by: By | None, names: Mapping[int, str]) -> str:
    if key is None:
        return {By.LINE: "no line of ours", By.DESK: "no desk", By.PERSON: "nobody"}.get(by, "") if by else ""
    if by is By.DAY:
        return str(_key(key, by))
    if by is By.HOUR:
        return f"{int(key):02}:00"
    return names.get(int(key), f"{by.value if by else ''} {key}")


def period_of(since: datetime | None, until: datetime | None, zone: ZoneInfo, now: datetime) -> Period:
    """The period from `since` (seven days before its end) until `until` (now). Raises ValueError with what to say."""
    end = (until or now).astimezone(UTC)
    begin = (since or end - timedelta(days=7)).astimezone(UTC)
    if begin >= end:
        raise ValueError("the period must end after it begins")
    if end - begin > LONGEST:
        raise ValueError(f"a period of at most {LONGEST.days} days: take several")
    return Period(since=begin, until=end, zone=zone)
