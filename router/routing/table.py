"""What are decisions made from?

A table is one version of the whole configuration, indexed for one question: who should answer this call? It is never
changed; a change gives another table that shares with the former all that it doesn't touch.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, TypeVar, assert_never

import phonenumbers

from router.routing.accounts import Accounts
from router.routing.callers import CallerIndex
from router.routing.configuration import (
    Change,
    Configuration,
    Entity,
    Noun,
    Put,
    PutAlias,
    PutNumbers,
    Remove,
    RemoveAlias,
    RemoveNumbers,
)
from router.routing.desks import tails
from router.routing.hours import Spell, is_open, next_opening, spell_at
from router.routing.model import Account, Cover, CoverScope, Desk, Hours, Job, Line, Override, Person, Rule
from router.routing.numbers import Number, NumberKind, read_number
from router.routing.plan import RingDesk
from router.routing.rules import RuleIndex
from router.routing.table_errors import UnknownRegion, check_hours, check_zone, safety_net_of

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One version of everything decisions are made from. Made by `Table.build` and `with_change` only."""

    version: int
    region: str
    time_zone: str
    people: Mapping[int, Person]
    desks: Mapping[int, Desk]
    lines: Mapping[int, Line]
    aliases: Mapping[str, int]
    hours: Mapping[int, Hours]
    jobs: Mapping[int, Job]
    accounts: Accounts
    callers: CallerIndex
    rule_index: RuleIndex
    covers: Mapping[int, Cover]
    overrides: Mapping[int, Override]
    safety_net: Desk
    external_prefixes: tuple[str, ...]
    _tails: Mapping[int, tuple[RingDesk, ...]]
    _line_of_number: Mapping[str, int]
    _person_of_endpoint: Mapping[str, int]
    _jobs_of_account: Mapping[int, tuple[Job, ...]]
    _covers_of_person: Mapping[int, tuple[Cover, ...]]
    _overrides_of_line: Mapping[int, tuple[Override, ...]]
    _overrides_of_desk: Mapping[int, tuple[Override, ...]]
    # The one thing that grows: what was found out about hours holds until they change, and finding out takes longer
    # than a whole decision. Two threads that find out at once find the same.
    _spells: dict[int, Spell] = field(default_factory=dict, compare=False, repr=False)
    _openings: dict[tuple[int, datetime], datetime | None] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def build(cls, configuration: Configuration, version: int) -> "Table":
        """Index this configuration. Raises TableError (see there) when no table can be made of it."""
        c = configuration
        if c.region not in phonenumbers.SUPPORTED_REGIONS:
            raise UnknownRegion(f"no country {c.region!r}: give its ISO 3166 code in capitals, such as DE")
        check_zone(c.time_zone, "the company")
        for hours in c.hours:
            check_hours(hours)
        desks = {desk.id: desk for desk in c.desks}
        safety_net = safety_net_of(desks.values())
        return cls(
            version=version,
            region=c.region,
            time_zone=c.time_zone,
            people={person.id: person for person in c.people},
            desks=desks,
            lines={line.id: line for line in c.lines},
            aliases=dict(c.aliases),
            hours={hours.id: hours for hours in c.hours},
            jobs={job.id: job for job in c.jobs},
            accounts=c.accounts,
            callers=c.callers,
            rule_index=RuleIndex.build(c.rules, c.region),
            covers={cover.id: cover for cover in c.covers},
            overrides={override.id: override for override in c.overrides},
            safety_net=safety_net,
            external_prefixes=c.external_prefixes,
            _tails=tails(desks, safety_net),
            _line_of_number=_by_number(c.lines, c.region),
            _person_of_endpoint=_by_endpoint(c.people),
            _jobs_of_account=_by_account(c.jobs),
            _covers_of_person=_by_covered(c.covers),
            _overrides_of_line=_newest_first(c.overrides, "line"),
            _overrides_of_desk=_newest_first(c.overrides, "desk"),
        )

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All rules, also those that are switched off, in order of priority."""
        return self.rule_index.rules

    def line_for(self, dialled: str) -> Line | None:
        """The line that a trunk means by this: by alias as it stands, else by number in whichever form."""
        line = self.aliases.get(dialled)
        if line is None:
            line = self._line_of_number.get(dialled)  # most trunks deliver E.164: nothing to be read then
        if line is None:
            line = self._line_of_number.get(read_number(dialled, self.region).e164)
        return None if line is None else self.lines.get(line)

    def account(self, account_id: int) -> Account | None:
        """The account of this id."""
        return self.accounts.get(account_id)

    def account_of(self, number: Number) -> Account | None:
        """The account that calls from this number."""
        if number.kind is not NumberKind.E164:
            return None
        account_id = self.callers.account_of(int(number.e164))
        return None if account_id is None else self.accounts.get(account_id)

    def jobs_of(self, account_id: int) -> tuple[Job, ...]:
        """All jobs of this account, whatever their state, by id."""
        return self._jobs_of_account.get(account_id, ())

    def person_of_endpoint(self, endpoint: str) -> Person | None:
        """Whose desk phone this is."""
        person = self._person_of_endpoint.get(endpoint)
        return None if person is None else self.people.get(person)

    def spell_of(self, hours_id: int | None, now: datetime) -> Spell | None:
        """Whether these hours are open now, and until when; None when there are none, which means always open."""
        if hours_id is None:
            return None
        spell = self._spells.get(hours_id)
        if spell is None or not spell.holds_at(now):
            hours = self.hours.get(hours_id)
            if hours is None:
                return None
            spell = self._spells[hours_id] = spell_at(hours, now)
        return spell

    def opening_after(self, hours_id: int | None, ends: datetime) -> datetime | None:
        """When it is open again after something that ends then: at once, or at the next opening (None: not in sight).

        `ends` is that of an override: of these there are few, so what was found out is kept.
        """
        hours = None if hours_id is None else self.hours.get(hours_id)
        if hours is None:
            return ends
        asked = hours.id, ends
        if asked not in self._openings:
            self._openings[asked] = ends if is_open(hours, ends) else next_opening(hours, ends)
        return self._openings[asked]

    def override_of(self, whose: Line | Desk, now: datetime) -> Override | None:
        """What overrides the hours of this line or desk now: of several the one that began last."""
        overrides_of = self._overrides_of_line if isinstance(whose, Line) else self._overrides_of_desk
        overrides = overrides_of.get(whose.id)
        return next((o for o in overrides if o.holds_at(now)), None) if overrides else None

    def overrides_of(self, whose: Line | Desk) -> tuple[Override, ...]:
        """All overrides of this line or desk, also those that are over, the one that begins last first."""
        overrides_of = self._overrides_of_line if isinstance(whose, Line) else self._overrides_of_desk
        return overrides_of.get(whose.id, ())

    def covers_of(self, person: int) -> tuple[Cover, ...]:
        """All covers of this person, also those that are over, by id."""
        return self._covers_of_person.get(person, ())

    def cover_of(self, person: int, scope: CoverScope, now: datetime) -> Cover | None:
        """The cover that answers for this person in this scope now; one for just this comes before one for all."""
        covers = self._covers_of_person.get(person)
        if covers is None:
            return None
        now_covering = [cover for cover in covers if cover.holds_at(now)]
        for wanted in (scope, CoverScope.ALL):
            for cover in now_covering:
                if cover.scope is wanted:
                    return cover
        return None

    def tail_of(self, desk_id: int) -> tuple[RingDesk, ...]:
        """This desk and those behind it whatever the hour, the safety net last; for an unknown desk that one alone."""
        return self._tails.get(desk_id) or self._tails[self.safety_net.id]

    def with_change(self, change: Change, *, version: int | None = None) -> "Table":
        """The next table: this one with one change, under `version` or the next number.

        Raises TableError when no table can be made of it. Takes a few milliseconds with a million numbers.
        """
        next_version = self.version + 1 if version is None else version
        changed = replace(self, version=next_version, _spells={}, _openings={})
        match change:
            case Put(entity=entity):
                return changed._with(entity)
            case Remove(noun=noun, id=gone):
                return changed._without(noun, gone)
            case PutAlias(dialled=dialled, line=line):
                return replace(changed, aliases={**self.aliases, dialled: line})
            case RemoveAlias(dialled=dialled):
                return replace(changed, aliases=_lacking(self.aliases, dialled))
            case PutNumbers(rows=rows):
                return replace(changed, callers=self.callers.with_numbers(rows))
            case RemoveNumbers(rows=numbers):
                return replace(changed, callers=self.callers.without_numbers(numbers))
            case _:
                assert_never(change)

    def with_changes(self, changes: Iterable[Change], *, version: int | None = None) -> "Table":
        """The next table with all these changes as one: desks change together, so the safety net's mark can move.

        Raises TableError as `with_change`.
        """
        next_version = self.version + 1 if version is None else version
        table = replace(self, version=next_version, _spells={}, _openings={})
        desks, others = dict(self.desks), list[Change]()
        for change in changes:
            match change:
                case Put(entity=Desk() as desk):
                    desks[desk.id] = desk
                case Remove(noun=Noun.DESK, id=gone):
                    desks.pop(gone, None)
                case _:
                    others.append(change)
        if desks != self.desks:
            table = table._with_desks(desks)
        for change in others:
            table = table.with_change(change, version=next_version)
        return table

    def _with(self, entity: Entity) -> "Table":
        match entity:
            case Person():
                return self._with_people({**self.people, entity.id: entity})
            case Desk():
                return self._with_desks({**self.desks, entity.id: entity})
            case Line():
                return self._with_lines({**self.lines, entity.id: entity})
            case Account():
                return replace(self, accounts=self.accounts.with_account(entity))
            case Job():
                return self._with_job(entity.id, entity)
            case Rule():
                return replace(self, rule_index=self.rule_index.with_rule(entity))
            case Hours():
                check_hours(entity)
                return replace(self, hours={**self.hours, entity.id: entity})
            case Cover():
                return self._with_covers({**self.covers, entity.id: entity})
            case Override():
                return self._with_overrides({**self.overrides, entity.id: entity})
            case _:
                assert_never(entity)

    def _without(self, noun: Noun, gone: int) -> "Table":
        match noun:
            case Noun.PERSON:
                return self._with_people(_lacking(self.people, gone))
            case Noun.DESK:
                return self._with_desks(_lacking(self.desks, gone))
            case Noun.LINE:
                return self._with_lines(_lacking(self.lines, gone))
            case Noun.ACCOUNT:
                return replace(self, accounts=self.accounts.without_account(gone))
            case Noun.JOB:
                return self._with_job(gone, None)
            case Noun.RULE:
                return replace(self, rule_index=self.rule_index.without_rule(gone))
            case Noun.HOURS:
                return replace(self, hours=_lacking(self.hours, gone))
            case Noun.COVER:
                return self._with_covers(_lacking(self.covers, gone))
            case Noun.OVERRIDE:
                return self._with_overrides(_lacking(self.overrides, gone))
            case _:
                assert_never(noun)

    def _with_people(self, people: Mapping[int, Person]) -> "Table":
        return replace(self, people=people, _person_of_endpoint=_by_endpoint(people.values()))

    def _with_desks(self, desks: Mapping[int, Desk]) -> "Table":
        safety_net = safety_net_of(desks.values())
        return replace(self, desks=desks, safety_net=safety_net, _tails=tails(desks, safety_net))

    def _with_lines(self, lines: Mapping[int, Line]) -> "Table":
        return replace(self, lines=lines, _line_of_number=_by_number(lines.values(), self.region))

    def _with_covers(self, covers: Mapping[int, Cover]) -> "Table":
        return replace(self, covers=covers, _covers_of_person=_by_covered(covers.values()))

    def _with_overrides(self, overrides: Mapping[int, Override]) -> "Table":
        return replace(
            self,
            overrides=overrides,
            _overrides_of_line=_newest_first(overrides.values(), "line"),
            _overrides_of_desk=_newest_first(overrides.values(), "desk"),
        )

    def _with_job(self, job_id: int, job: Job | None) -> "Table":
        jobs, jobs_of_account = dict(self.jobs), dict(self._jobs_of_account)
        former = jobs.pop(job_id, None)
        if job is not None:
            jobs[job_id] = job
        for account in {j.account for j in (former, job) if j is not None}:
            rest = [j for j in jobs_of_account.pop(account, ()) if j.id != job_id]
            rest += [job] if job is not None and job.account == account else []
            if rest:
                jobs_of_account |= _by_account(rest)
        return replace(self, jobs=jobs, _jobs_of_account=jobs_of_account)


def _by_number(lines: Iterable[Line], region: str) -> dict[str, int]:
    numbers = ((read_number(line.number, region).e164, line.id) for line in lines)
    return {e164: line for e164, line in numbers if e164}


def _by_endpoint(people: Iterable[Person]) -> dict[str, int]:
    """By endpoint, and by the number of external phones."""
    return {name: person.id for person in people for phone in person.phones if (name := phone.endpoint or phone.number)}


def _by_account(jobs: Iterable[Job]) -> dict[int, tuple[Job, ...]]:
    of_account: dict[int, list[Job]] = {}
    for job in sorted(jobs, key=lambda job: job.id):
        of_account.setdefault(job.account, []).append(job)
    return {account: tuple(its_jobs) for account, its_jobs in of_account.items()}


def _by_covered(covers: Iterable[Cover]) -> dict[int, tuple[Cover, ...]]:
    of_person: dict[int, tuple[Cover, ...]] = {}
    for cover in sorted(covers, key=lambda cover: cover.id):
        of_person[cover.person] = (*of_person.get(cover.person, ()), cover)
    return of_person


def _newest_first(overrides: Iterable[Override], of: Literal["line", "desk"]) -> dict[int, tuple[Override, ...]]:
    overrides_of: dict[int, tuple[Override, ...]] = {}
    for override in sorted(overrides, key=lambda override: (override.starts_at, override.id), reverse=True):
        whose = override.line if of == "line" else override.desk
        if whose is not None:
            overrides_of[whose] = (*overrides_of.get(whose, ()), override)
    return overrides_of


def _lacking(mapping: Mapping[_Key, _Value], gone: _Key) -> dict[_Key, _Value]:
    return {key: value for key, value in mapping.items() if key != gone}
