"""Which callers of the coming year would find nobody, or go ways that nobody can have meant?

Every kind of call is asked about at every instant that makes a difference (questions.py), by the very `decide` that
calls use. What its reasons tell is what is wrong: there is no second opinion here.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from router.routing.decide import CallFacts, Decision, decide
from router.routing.model import ClosedBy, Desk, Line, Person, PersonState, PhoneKind
from router.routing.moments import Moments
from router.routing.plan import Promise, RingDesk, RingPerson
from router.routing.problem import (
    Circle,
    DeadEnd,
    EmptyDesk,
    EndlessOverride,
    LeansOnOne,
    LeftPerson,
    NeverOpens,
    OwnNumber,
    Problem,
    UnusablePhone,
    Way,
    alike,
    is_warning,
)
from router.routing.questions import Questions, who_is_at_the_net
from router.routing.reach import usable_phones, why_absent
from router.routing.reasons import (
    AccountManager,
    Covered,
    CoverLeadsNowhere,
    DeskClosed,
    DesksInCircle,
    ExternalNotAllowed,
    LineClosed,
    NoUsablePhone,
    PersonAway,
    PersonLeft,
    PersonOffHours,
    RuleMatched,
    RunningJob,
)
from router.routing.seats import seated
from router.routing.table import Table
from router.routing.touched import Touched

# Nobody plans so far ahead: such an end was put there because one had to be given.
NO_END = timedelta(days=100 * 365)

ENOUGH = 2  # people at the safety net: one may be absent


def problems(table: Table, now: datetime, only: Callable[[CallFacts], bool] = lambda call: True) -> tuple[Problem, ...]:
    """All problems and warnings of the year from `now` (aware) on, each kind once for whom it concerns. Never raises.

    `only` such calls are asked about. Problems first. Nobody's presence counts: who is signed out today is not part of
    the table.
    """
    # What is found out about hours ahead is no use to the calls of today, which may be decided meanwhile.
    walk = _Walk(replace(table, _spells={}, _openings={}), now, only)
    found: dict[tuple[object, ...], Problem] = {}
    for problem in walk.problems():
        found.setdefault(alike(problem), problem)
    return tuple(sorted(found.values(), key=is_warning))


def same_problems(before: Table, after: Table, now: datetime) -> bool:
    """Whether the calls that differ between these tables tell of the same problems in both, and so all calls do.

    For a small change of a large table it takes a fraction of the time that `problems` takes. Never raises.
    """
    touched = Touched(before, after).may_go_elsewhere
    there, then = (frozenset(map(alike, problems(table, now, touched))) for table in (before, after))
    return there == then


class _Walk:
    """Once through the table."""

    def __init__(self, table: Table, now: datetime, only: Callable[[CallFacts], bool]) -> None:
        self._table = table
        self._now = now
        self._moments = Moments(table, now)
        self._net = table.safety_net
        self._at_the_net: dict[datetime, tuple[Person, ...]] = {}
        instants = self._moments.of(*who_is_at_the_net(table))
        self._thin = any(len(seated(self._net, table, at)) < ENOUGH for at in instants)
        self._questions = Questions(table, now, self._moments, thin=self._thin, only=only)
        self._to_person: dict[int, Way] = {}  # the first way that leads there
        self._to_desk: dict[int, Way] = {}
        self._told: set[tuple[object, ...]] = set()
        self._desk_named = {desk.name: desk for desk in table.desks.values()}

    def problems(self) -> Iterator[Problem]:
        for question in self._questions.all():
            decision = decide(question.call, self._table, question.at)
            self._remember(decision)
            yield from self._of(decision)
        yield from self._own_numbers()
        yield from self._endless_overrides()

    # What the reasons of a decision tell

    def _of(self, decision: Decision) -> Iterator[Problem]:
        at = decision.decided_at
        covered = {reason.person for reason in decision.because if isinstance(reason, Covered)}
        for reason in decision.because:
            match reason:
                case PersonLeft(person=person) if person not in covered:
                    yield from self._left(person, decision)
                case NoUsablePhone(person=person) | ExternalNotAllowed(person=person):
                    yield from self._without_phone(person, decision)
                case PersonAway(person=person) | PersonOffHours(person=person) if person not in covered:
                    yield from self._without_phone(person, decision)
                    yield from self._never_on_duty(person, decision)
                case CoverLeadsNowhere(name=name) if self._is_new("cover", name):
                    yield Circle(person=name, way=Way(decision=decision))
                case DesksInCircle(desk=name) if self._is_new("circle", name):
                    yield Circle(desk=name, way=Way(decision=decision))
                case LineClosed() if decision.line is not None:
                    yield from self._never_open(decision.line, decision.line.label, reason.duty, decision)
                case DeskClosed(desk=name) if name in self._desk_named:
                    yield from self._never_open(self._desk_named[name], f"desk {name}", reason.duty, decision)
                case _:
                    pass
        for step in decision.plan.steps:
            if isinstance(step, RingDesk) and step.desk != self._net.id:
                yield from self._empty(step.desk, at, decision)
        if self._thin and isinstance(decision.plan.steps[-1], RingDesk):
            yield from self._of_the_safety_net(decision)

    def _left(self, id_: int, decision: Decision) -> Iterator[Problem]:
        wanted_as, stands_in = _wanted_as(id_, decision)
        person = self._table.people[id_]
        leaves = person.leaves_at if person.state is PersonState.LEAVING else None
        if self._is_new("left", id_, wanted_as):
            yield LeftPerson(
                id=person.id,
                person=person.name,
                wanted_as=wanted_as,
                since=leaves or self._now,
                stands_in=stands_in,
                still_here=leaves is not None and leaves > self._now,
                way=Way(decision=decision),
            )

    def _without_phone(self, id_: int, decision: Decision) -> Iterator[Problem]:
        person = self._table.people[id_]
        wanted_as, stands_in = _wanted_as(id_, decision)
        if usable_phones(person, self._table.external_prefixes) or not self._is_new("phone", id_, wanted_as):
            return
        yield UnusablePhone(
            person=person.name,
            wanted_as=wanted_as,
            not_allowed=any(phone.enabled and phone.number for phone in person.phones),
            stands_in=stands_in,
            way=Way(decision=decision),
        )

    def _never_on_duty(self, id_: int, decision: Decision) -> Iterator[Problem]:
        hours = self._table.people[id_].hours
        if hours is not None and self._moments.never_opens(hours) and self._is_new("duty", id_):
            name = self._table.hours[hours].name
            yield NeverOpens(hours=name, of=self._table.people[id_].name, waits=False, way=Way(decision=decision))

    def _never_open(self, whose: Line | Desk, name: str, duty: str, decision: Decision) -> Iterator[Problem]:
        # With a desk on duty it is no more than a way to say that this one is meant.
        if duty or whose.hours is None or not self._moments.never_opens(whose.hours):
            return
        promised = isinstance(decision.plan.steps[-1], Promise)
        if (promised or whose.closed_by is not ClosedBy.PROMISE) and self._is_new("hours", name, promised):
            hours = self._table.hours[whose.hours].name
            yield NeverOpens(hours=hours, of=name, waits=not promised, way=Way(decision=decision))

    def _empty(self, desk_id: int, at: datetime, decision: Decision) -> Iterator[Problem]:
        desk = self._table.desks[desk_id]
        people = (self._table.people.get(id_) for id_ in desk.members)
        works = any(self._works_with_a_phone(person, at) for person in people)
        if not works and self._is_new("empty", desk_id):
            yield EmptyDesk(desk=desk.name, way=Way(decision=decision))

    # Who is there at its end

    def _of_the_safety_net(self, decision: Decision) -> Iterator[Problem]:
        at = decision.decided_at
        if at not in self._at_the_net:
            self._at_the_net[at] = seated(self._net, self._table, at)
        here = self._at_the_net[at]
        if not here and self._is_new("dead"):
            yield DeadEnd(desk=self._net.name, since=at, way=Way(decision=decision))
        elif len(here) == 1 and self._is_new("one", here[0].id):
            members = (self._table.people.get(id_) for id_ in self._net.members)
            others = [one for one in members if one not in (None, here[0]) and self._works_with_a_phone(one, self._now)]
            yield LeansOnOne(
                desk=self._net.name, person=here[0].name, since=at, for_now=bool(others), way=Way(decision=decision)
            )

    def _works_with_a_phone(self, person: Person | None, at: datetime) -> bool:
        """Whether this person could answer at a desk, if not now then another day."""
        if person is None:
            return False
        gone = isinstance(why_absent(person, at), PersonLeft)
        return not gone and bool(usable_phones(person, self._table.external_prefixes))

    # What no reason tells

    def _own_numbers(self) -> Iterator[Problem]:
        for person in self._table.people.values():
            if isinstance(why_absent(person, self._now), PersonLeft):
                continue
            for phone in person.phones:
                if phone.kind is PhoneKind.EXTERNAL and phone.number and phone.enabled:
                    way = self._to_person.get(person.id) or self._to_a_desk_of(person.id)
                    yield from self._own_number(person.name, phone.number, way)
        for desk in self._table.desks.values():
            if desk.last_resort:
                yield from self._own_number(
                    f"the last resort of desk {desk.name}", desk.last_resort, self._to_desk.get(desk.id)
                )

    def _own_number(self, whose: str, number: str, way: Way | None) -> Iterator[Problem]:
        line = self._table.line_for(number)
        if line is not None:
            yield OwnNumber(whose=whose, number=number, line=line.label, way=way)

    def _to_a_desk_of(self, person: int) -> Way | None:
        desks = (desk.id for desk in self._table.desks.values() if person in desk.members)
        return next((self._to_desk[desk] for desk in desks if desk in self._to_desk), None)

    def _endless_overrides(self) -> Iterator[Problem]:
        for override in self._table.overrides.values():
            if override.ends_at - self._now < NO_END:
                continue
            at = max(self._now, override.starts_at)
            line = None if override.line is None else self._table.lines.get(override.line)
            desk = None if override.desk is None else self._table.desks.get(override.desk)
            if line is not None:
                way: Way | None = self._way(self._questions.by_line(line), at)
            else:
                way = self._to_desk.get(desk.id) if desk else None
            of = f"the line {line.label}" if line else f"desk {desk.name}" if desk else "nothing"
            yield EndlessOverride(of=of, ends_at=override.ends_at, why=override.reason, way=way)

    # Ways

    def _way(self, call: CallFacts, at: datetime) -> Way:
        decision = decide(call, self._table, at)
        self._remember(decision)
        return Way(decision=decision)

    def _remember(self, decision: Decision) -> None:
        for step in decision.plan.steps:
            if isinstance(step, RingDesk):
                if step.desk not in self._to_desk:
                    self._to_desk[step.desk] = Way(decision=decision)
            elif isinstance(step, RingPerson) and step.person not in self._to_person:
                self._to_person[step.person] = Way(decision=decision)

    def _is_new(self, *what: object) -> bool:
        if what in self._told:
            return False
        self._told.add(what)
        return True


def _wanted_as(person: int, decision: Decision) -> tuple[str, bool]:
    """As what this decision wants this person, and whether they only stand in for somebody."""
    account = decision.account
    for reason in decision.because:
        match reason:
            case RunningJob(manager=manager) if manager == person:
                return "the account manager of a running job", False
            case AccountManager(manager=manager) if manager == person:
                return "an account manager", False
            case RuleMatched(priority=priority, label=label):
                if account is None or person not in (account.manager, *account.deputies):
                    return f"whom rule {priority} '{label}' leads to", False
            case _:
                pass
    if account is not None and account.manager == person:
        return "an account manager", False
    if account is not None and person in account.deputies:
        return "a deputy", True
    return "the cover of somebody", False
