"""Which calls must be asked about, and when, so that every kind of call has been?

Lines that are alike but for their number are asked about once, and so are accounts for which the same people answer;
of the instants of a year those at which something is different for that call (moments.py).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import partial

from router.routing.decide import CallFacts
from router.routing.hours import zone
from router.routing.model import (
    Account,
    CallerKind,
    ClosedBy,
    Cover,
    CoverScope,
    Desk,
    During,
    Job,
    JobState,
    Line,
    Override,
    PersonState,
    Rule,
)
from router.routing.moments import Moments, Span
from router.routing.numbers import Number, NumberKind, read_number, read_prefix
from router.routing.table import Table

WITHHELD = Number(kind=NumberKind.WITHHELD, e164="", text="")
# Far from any number in service: +999 is no country. So many, because a line, an account or a rule may have some.
NOBODYS = tuple(f"+99900{n:07}" for n in range(1_000))
LONG_ENOUGH = 11  # digits to which a prefix is filled up, so that it is somebody's number


@dataclass(frozen=True, slots=True)
class Question:
    """Who answers this call at this instant? It is asked for so many that are alike: lines, or accounts."""

    at: datetime
    call: CallFacts
    alike: int = 1


_Asked = tuple[CallFacts, Iterable[datetime], int]  # the int: for how many it is asked


class Questions:
    """Of one table, for the year from `now` on."""

    def __init__(
        self,
        table: Table,
        now: datetime,
        moments: Moments,
        *,
        thin: bool = False,
        minded: frozenset[int] = frozenset(),
        only: Callable[[CallFacts], bool] = lambda call: True,
    ) -> None:
        """`thin`: it also makes a difference who can be rung at the safety net, since at times it is hardly anybody.

        `minded` are people of whom it makes a difference at every desk. `only` such calls are asked about.
        """
        self._only = only
        self._groups: dict[tuple[object, ...], list[int]] | None = None
        self._table = table
        self._now = now
        self._moments = moments
        self._zone = zone(table.time_zone)
        self._unknown = _a_strangers_number(table)
        self._no_line = next((number for number in NOBODYS if table.line_for(number) is None), "")
        self._number_of = table.callers.one_number_each()
        known = next((self._caller(number) for number in self._number_of.values()), None)
        self._kinds = (self._unknown, WITHHELD, *([known] if known else []))
        self._rules = [rule for rule in table.rules if rule.enabled]
        self._by_kind = {rule.line for rule in self._rules if rule.caller_kind is not None}
        self._watched = who_is_at_the_net(table) if thin else (frozenset(), ())
        self._minded = minded
        self._beside: Questions | None = None
        self._with_rules = {rule.line for rule in self._rules if rule.line is not None}
        self._of_desk: dict[int, tuple[frozenset[int], tuple[Span, ...]]] = {}
        plain = [line for line in table.lines.values() if line.id not in self._with_rules]
        self._any_line = next(iter(plain or table.lines.values()), None)

    def tell_apart_as(self, other: "Questions") -> None:
        """Take lines and accounts for alike only if they are so at another table as well."""
        self._beside = other

    def all(self) -> list[Question]:
        """Each question once, by time: so what is known of hours at one instant serves all that are asked then."""
        found = {
            (at, call.dialled, call.caller.text): Question(at, call, alike)
            for call, instants, alike in (
                *self._about_lines(),
                *self._about_accounts(),
                *self._about_rules(),
                *self._about_no_line(),  # last: of two ways to one problem the one by a line says more
            )
            for at in instants
        }
        return sorted(found.values(), key=lambda question: question.at)

    def no_line(self) -> CallFacts:
        """A stranger's call to a number that is none of ours."""
        return CallFacts(dialled=self._no_line, caller=self._unknown)

    def by_line(self, line: Line) -> CallFacts:
        """A stranger's call to this line."""
        return CallFacts(dialled=line.number, caller=self._unknown)

    # Lines: with those of the same desk, hours and so on in one group

    def _about_lines(self) -> Iterator[_Asked]:
        alike: dict[tuple[object, ...], list[tuple[Line, Callable[[], list[datetime]]]]] = {}
        for line in self._table.lines.values():
            for stretch, instants in self._stretches(line):
                alike.setdefault((*stretch, *self._elsewhere(line)), []).append((line, instants))
        for lines in alike.values():
            line, instants = lines[0]
            # Who calls makes a difference to a line by rules only (what an account makes of it is asked about there).
            told_apart = None in self._by_kind or line.id in self._by_kind
            for caller in self._kinds if told_apart else (self._unknown,):
                call = CallFacts(dialled=line.number, caller=caller)
                if self._only(call):
                    yield call, instants(), len(lines)
        for line in self._table.lines.values():
            for caller in self._kinds:
                call = CallFacts(dialled=line.number, caller=caller)
                if self._only(call):
                    yield call, (self._now,), 1

    def _elsewhere(self, line: Line) -> tuple[object, ...]:
        """What makes it alike other lines at the other table."""
        if self._beside is None:
            return ()
        there = self._beside._table.lines.get(line.id)
        if there is None:
            return (None,)
        return (there.number == line.number, *(stretch for stretch, _ in self._beside._stretches(there)))

    def _stretches(self, line: Line) -> Iterator[tuple[tuple[object, ...], Callable[[], list[datetime]]]]:
        """What makes the line's calls alike those of other lines, while it is open and while it is closed; and when."""
        overrides = self._table.overrides_of(line)
        covers = self._table.covers_of(line.person) if line.person is not None else ()
        own = line.id if line.id in self._with_rules else None
        closed = line.duty_desk if line.closed_by is ClosedBy.DUTY else self._table.safety_net.id
        if overrides or covers or line.hours is None or line.hours not in self._table.hours:
            year = (line.desk, line.hours, line.closed_by, line.duty_desk, overrides, covers, own)
            yield year, partial(self._whole_year, line, overrides, covers)
        else:
            yield ("open", line.desk, line.hours, own), partial(self._while_open, line.desk, line.hours, True)
            shut = ("closed", line.closed_by, line.duty_desk, line.hours, own)
            yield shut, partial(self._while_open, closed, line.hours, False)

    def _while_open(self, desk: int | None, hours_id: int, wanted: bool) -> list[datetime]:
        hours, spans = self._behind((desk,))
        instants = self._moments.of(hours | {hours_id}, spans)
        return [at for at in instants if self._moments.is_open(hours_id, at) is wanted]

    def _whole_year(self, line: Line, overrides: Sequence[Override], covers: Sequence[Cover]) -> list[datetime]:
        by_desk = (cover.by_desk for cover in covers if cover.scope in (CoverScope.LINES, CoverScope.ALL))
        diverted = (override.to_desk for override in overrides)
        net = self._table.safety_net.id
        hours, spans = self._behind((line.desk, line.duty_desk, net, *diverted, *by_desk))
        if line.hours is not None:
            hours |= {line.hours}
        overridden = ((override.starts_at, override.ends_at) for override in overrides)
        covered = ((cover.starts_at, cover.ends_at) for cover in covers)
        return self._moments.of(hours, (*spans, *overridden, *covered))

    def _about_no_line(self) -> Iterator[_Asked]:
        hours, spans = self._behind((self._table.safety_net.id,))
        for caller in self._kinds:
            call = CallFacts(dialled=self._no_line, caller=caller)
            if self._only(call):
                yield call, self._moments.of(hours, spans), 1

    def _behind(self, starts: Iterable[int | None]) -> tuple[frozenset[int], tuple[Span, ...]]:
        """The hours and overrides of these desks and of every desk that may come after them."""
        hours, spans = self._watched
        for start in starts:
            if start is not None:
                if start not in self._of_desk:
                    self._of_desk[start] = self._behind_desk(start)
                more_hours, more_spans = self._of_desk[start]
                hours, spans = hours | more_hours, (*spans, *more_spans)
        return hours, spans

    def _behind_desk(self, start: int) -> tuple[frozenset[int], tuple[Span, ...]]:
        desks: dict[int, Desk] = {}
        ahead = [start]
        while ahead:
            desk = self._table.desks.get(ahead.pop())
            if desk is not None and desk.id not in desks:
                desks[desk.id] = desk
                leads_to = (desk.next_desk, desk.duty_desk, *(o.to_desk for o in self._table.overrides_of(desk)))
                ahead += [one for one in leads_to if one is not None]
        overrides = [override for desk in desks.values() for override in self._table.overrides_of(desk)]
        hours = frozenset(desk.hours for desk in desks.values() if desk.hours is not None)
        spans: tuple[Span, ...] = tuple((override.starts_at, override.ends_at) for override in overrides)
        if minded := self._minded & {member for desk in desks.values() for member in desk.members}:
            more_hours, more_spans = _who_is_there(minded, self._table)
            hours, spans = hours | more_hours, (*spans, *more_spans)
        return hours, spans

    # Accounts: those for which the same people answer in one group

    def _about_accounts(self) -> Iterator[_Asked]:
        desks_asked: set[int] = set()
        for alike in self._alike().values():
            account_id = next((one for one in alike if one in self._number_of), None)
            account = None if account_id is None else self._table.account(account_id)
            if account is None:
                continue  # nobody can call from there
            # What is behind a desk is asked about once, unless what is alike here is not so at the other table.
            by_desk = account.desk is not None and (self._beside is not None or account.desk not in desks_asked)
            if account.desk is not None:
                desks_asked.add(account.desk)
            caller = self._caller(self._number_of[account.id])
            for call, instants in self._about_account(account, caller, by_desk=by_desk):
                yield call, instants, len(alike)

    def about_number(self, number: int) -> Iterator[_Asked]:
        """Calls from this number, for when it changes hands."""
        caller = self._caller(number)
        account = self._table.account_of(caller)
        if account is not None:
            yield from ((*asked, 1) for asked in self._about_account(account, caller, by_desk=True))
        elif self._any_line is not None:
            line = self._any_line
            for _, instants in self._stretches(line):
                yield CallFacts(dialled=line.number, caller=caller), instants(), 1

    def _about_account(
        self, account: Account, caller: Number, *, by_desk: bool
    ) -> Iterator[tuple[CallFacts, list[datetime]]]:
        jobs = [job for job in self._table.jobs_of(account.id) if job.state is JobState.RUNNING]
        lines = (line.number if line else self._no_line for line in self._lines_for(account, jobs))
        calls = [call for dialled in lines if self._only(call := CallFacts(dialled=dialled, caller=caller))]
        if not calls:
            return
        hours, spans = self._behind((account.desk,)) if by_desk else (frozenset(), ())
        people = {*account.deputies, *(job.manager for job in jobs)}
        if account.manager is not None:
            people.add(account.manager)
        person_spans, points = self._of_people(people)
        instants = self._moments.of(hours, (*spans, *person_spans), (*points, *self._of_jobs(jobs)))
        for call in calls:
            yield call, instants

    def _alike(self) -> dict[tuple[object, ...], list[int]]:
        if self._beside is None:
            return self._alike_here()
        there = {account: nth for nth, ids in enumerate(self._beside._alike_here().values()) for account in ids}
        groups: dict[tuple[object, ...], list[int]] = {}
        for nth, ids in enumerate(self._alike_here().values()):
            for account in ids:
                groups.setdefault((nth, there.get(account)), []).append(account)
        return groups

    def _alike_here(self) -> dict[tuple[object, ...], list[int]]:
        if self._groups is None:
            self._groups = self._grouped()
        return self._groups

    def _grouped(self) -> dict[tuple[object, ...], list[int]]:
        groups: dict[tuple[object, ...], list[int]] = {}
        special = {rule.account for rule in self._rules if rule.account is not None}
        for nth, ids in enumerate(self._table.accounts.cared_for_alike()):
            for account in ids:
                jobs = tuple(
                    (job.manager, job.salesperson, job.starts_on, job.ends_on)
                    for job in self._table.jobs_of(account)
                    if job.state is JobState.RUNNING
                )
                own = account if account in special else None
                groups.setdefault((nth, jobs, own), []).append(account)
        return groups

    def _lines_for(self, account: Account, jobs: list[Job]) -> Iterator[Line | None]:
        """Any line; and where the line tells which of several jobs is meant, the lines of their salespeople."""
        yield self._any_line
        if len({job.manager for job in jobs}) > 1:
            salespeople = {job.salesperson for job in jobs} - {None}
            yield from (line for line in self._table.lines.values() if line.person in salespeople)

    def _of_people(self, people: Iterable[int]) -> tuple[tuple[Span, ...], tuple[datetime, ...]]:
        """When these, and whoever covers them, are covered; and when they leave or come back."""
        spans: list[Span] = []
        points: list[datetime] = []
        seen: set[int] = set()
        ahead = list(people)
        while ahead:
            id_ = ahead.pop()
            person = self._table.people.get(id_)
            if person is None or id_ in seen:
                continue
            seen.add(id_)
            if person.state is PersonState.LEAVING and person.leaves_at is not None:
                points.append(person.leaves_at)
            if person.state is PersonState.AWAY and person.away_until is not None:
                points.append(person.away_until)
            for cover in self._table.covers_of(id_):
                spans.append((cover.starts_at, cover.ends_at))
                ahead += [cover.by_person] if cover.by_person is not None else []
        return tuple(spans), tuple(points)

    def _of_jobs(self, jobs: Iterable[Job]) -> Iterator[datetime]:
        for job in jobs:
            if job.starts_on is not None:
                yield datetime.combine(job.starts_on, time(), self._zone).astimezone(UTC)
            if job.ends_on is not None:
                yield datetime.combine(job.ends_on + timedelta(days=1), time(), self._zone).astimezone(UTC)

    # Rules: each with a call that it fits

    def _about_rules(self) -> Iterator[_Asked]:
        for rule in self._rules:
            caller = self._who_fits(rule)
            line = self._any_line if rule.line is None else self._table.lines.get(rule.line)
            if caller is None or (rule.line is not None and line is None):
                continue
            call = CallFacts(dialled=line.number if line else self._no_line, caller=caller)
            if not self._only(call):
                continue
            spans, points = self._of_people([rule.person] if rule.person is not None else [])
            if rule.valid_from is not None or rule.valid_until is not None:
                spans = (*spans, (rule.valid_from or datetime.min.replace(tzinfo=UTC), rule.valid_until))
            hours: frozenset[int] = frozenset()
            if rule.during is not During.ANY:
                counts = rule.hours if rule.hours is not None else line.hours if line else None
                hours = frozenset() if counts is None else frozenset({counts})
                overrides = self._table.overrides_of(line) if line and rule.hours is None else ()
                spans = (*spans, *((override.starts_at, override.ends_at) for override in overrides))
            if rule.desk is not None:
                more_hours, more_spans = self._behind((rule.desk,))
                hours, spans = hours | more_hours, (*spans, *more_spans)
            yield call, self._moments.of(hours, spans, points), 1

    def _who_fits(self, rule: Rule) -> Number | None:
        if rule.account is not None:
            number = self._number_of.get(rule.account)
            return None if number is None else self._caller(number)
        if rule.caller:
            if not rule.caller_is_prefix:
                return read_number(rule.caller, self._table.region)
            prefix = read_prefix(rule.caller)
            return self._caller(int(prefix[1:].ljust(LONG_ENOUGH, "0"))) if prefix else None
        match rule.caller_kind:
            case CallerKind.WITHHELD:
                return WITHHELD
            case CallerKind.KNOWN:
                return next((self._caller(number) for number in self._number_of.values()), None)
            case _:
                return self._unknown

    def _caller(self, number: int) -> Number:
        return Number(kind=NumberKind.E164, e164=f"+{number}", text=f"+{number}")


def who_is_at_the_net(table: Table) -> tuple[frozenset[int], tuple[Span, ...]]:
    """The hours and the stretches of time on which it hangs who can be rung at the safety net."""
    return _who_is_there(table.safety_net.members, table)


def _who_is_there(members: Iterable[int], table: Table) -> tuple[frozenset[int], tuple[Span, ...]]:
    people = [person for id_ in members if (person := table.people.get(id_))]
    hours = frozenset(person.hours for person in people if person.hours is not None)
    covers = ((cover.starts_at, cover.ends_at) for person in people for cover in table.covers_of(person.id))
    edges = (at for person in people for at in (person.leaves_at, person.away_until))
    return hours, (*covers, *((at, None) for at in edges if at is not None))


def _a_strangers_number(table: Table) -> Number:
    """The number of somebody who is no customer."""
    numbers = (read_number(text, table.region) for text in NOBODYS)
    return next((number for number in numbers if table.account_of(number) is None), WITHHELD)
