"""Where does each place go in which somebody acts who leaves?

What is said of the one place counts, then what is said of its kind, then the one successor for all, then what is
obvious. A place for which all that finds nobody, though it needs somebody, is left behind.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from router.changes.successors import NOT_FOR_ALL, Kind, Successors
from router.routing.configuration import Change, Entity, Noun, Put, Remove
from router.routing.cover import contradictions
from router.routing.model import Account, Cover, Desk, Job, Lead, Line, LineKind, Person, Rule


class Settled(StrEnum):
    """By what it is known where a place goes."""

    EACH = "each"
    KIND = "kind"
    ALL = "all"
    SUGGESTED = "suggested"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One place: `to` acts there afterwards, None: nobody. `settled` None: nobody is found, and `why`."""

    kind: Kind
    id: int
    name: str
    to: int | None
    settled: Settled | None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Obvious:
    to: int | None


Accept = Callable[[int], int | None]
"""Who takes over where this person is named: the same, somebody who follows them, or nobody who is here."""


@dataclass(slots=True, kw_only=True)
class HandingOn:
    """Settles place after place, and keeps what that makes of each object."""

    leaver: Person
    at: datetime
    said: Successors
    accept: Accept
    is_here: Callable[[int], bool]
    account: Callable[[int], Account | None]
    places: list[Place] = field(default_factory=list)
    _after: dict[tuple[Noun, int], Entity | None] = field(default_factory=dict)

    @property
    def left_behind(self) -> list[Place]:
        return [place for place in self.places if place.settled is None]

    @property
    def after(self) -> Mapping[tuple[Noun, int], Entity | None]:
        """What becomes of each object that changes; None: it goes."""
        return self._after

    def changes(self) -> list[Change]:
        """What becomes of all objects."""
        return [
            Remove(noun=noun, id=identity) if entity is None else Put(entity=entity)
            for (noun, identity), entity in self._after.items()
        ]

    def lines(self, lines: Iterable[Line]) -> None:
        for line in lines:
            place = self._settle(Kind.LINES, line.id, line.label, _Obvious(to=None))
            stays = place.to is None and line.kind is LineKind.SALESPERSON
            self._become(Noun.LINE, line, line if stays else replace(line, person=place.to))

    def accounts(self, accounts: Iterable[Account]) -> None:
        for account in accounts:
            manager, deputies = account.manager, account.deputies
            others = [deputy for deputy in deputies if deputy != self.leaver.id and self.is_here(deputy)]
            if manager == self.leaver.id:
                obvious = _Obvious(to=others[0]) if others else None
                place = self._settle(Kind.ACCOUNTS, account.id, account.name, obvious)
                manager = manager if place.settled is None else place.to
            if self.leaver.id in deputies:
                place = self._settle(Kind.DEPUTIES, account.id, account.name, _Obvious(to=None))
                deputies = _exchanged(deputies, self.leaver.id, None if place.to == manager else place.to)
            if manager != account.manager:  # nobody stands in for themselves
                deputies = tuple([deputy for deputy in deputies if deputy != manager])
            self._become(Noun.ACCOUNT, account, replace(account, manager=manager, deputies=deputies))

    def jobs(self, jobs: Iterable[Job]) -> None:
        """After the accounts: a job is suggested to its account's new manager."""
        for job in jobs:
            manager, salesperson = job.manager, job.salesperson
            if manager == self.leaver.id:
                place = self._settle(Kind.JOBS, job.id, job.title, self._manager_of(job.account), nobody=False)
                manager = place.to or manager
            if salesperson == self.leaver.id:
                place = self._settle(Kind.SOLD, job.id, job.title, _Obvious(to=None))
                salesperson = place.to or salesperson
            self._become(Noun.JOB, job, replace(job, manager=manager, salesperson=salesperson))

    def rules(self, rules: Iterable[Rule]) -> None:
        for rule in rules:
            leads = rule.then is Lead.PERSON
            obvious = None if leads else _Obvious(to=None)
            place = self._settle(Kind.RULES, rule.id, rule.label, obvious, nobody=not leads)
            if place.settled is not None:
                self._become(Noun.RULE, rule, replace(rule, person=place.to))

    def covers(self, covers: Iterable[Cover], every_cover: Sequence[Cover], name_of: Callable[[int], str]) -> None:
        """`every_cover`: all there are, since a successor may be covered by the very person they would stand in for."""
        now: dict[int, Cover] = {cover.id: cover for cover in every_cover}
        for cover in covers:
            ended = None if cover.starts_at >= self.at else replace(cover, ends_at=self.at)
            if cover.person == self.leaver.id:
                by = "a desk" if cover.by_person is None else name_of(cover.by_person)
                self._settle(Kind.COVERED, cover.id, by, _Obvious(to=None))
            else:
                place = self._settle(Kind.COVERS, cover.id, name_of(cover.person), None)
                if place.settled is None:
                    continue
                handed = replace(cover, by_person=place.to) if place.to is not None else None
                if handed is not None and self._goes_together(handed, now):
                    ended = handed
                else:  # nobody stands in for themselves, be it by a detour
                    self.places[-1] = replace(place, to=None)
            self._become(Noun.COVER, cover, ended)
            now = {id_: other for id_, other in now.items() if id_ != cover.id}
            now |= {} if ended is None else {cover.id: ended}

    def desks(self, desks: Iterable[Desk]) -> None:
        numbers = {phone.number for phone in self.leaver.phones if phone.number}
        for desk in desks:
            after = desk
            if self.leaver.id in desk.members:
                place = self._settle(Kind.SEATS, desk.id, desk.name, _Obvious(to=None))
                after = replace(after, members=_exchanged(desk.members, self.leaver.id, place.to))
            if desk.lead == self.leaver.id:
                place = self._settle(Kind.LEADS, desk.id, desk.name, None)
                after = replace(after, lead=desk.lead if place.settled is None else place.to)
            if desk.last_resort in numbers:
                self._settle(Kind.LAST_RESORTS, desk.id, desk.name, _Obvious(to=None))
                after = replace(after, last_resort=None)
            self._become(Noun.DESK, desk, after)

    def commitments(self, owed: Mapping[int, str]) -> None:
        """`owed`: to whom, by the numbers of the commitments."""
        for identity, name in owed.items():
            self._settle(Kind.COMMITMENTS, identity, name, _Obvious(to=None))

    def _become(self, noun: Noun, before: Entity, after: Entity | None) -> None:
        if after != before:
            self._after[noun, before.id] = after

    def _goes_together(self, handed: Cover, now: Mapping[int, Cover]) -> bool:
        if handed.by_person == handed.person:
            return False
        others = [cover for cover in now.values() if cover.id != handed.id]
        return len(contradictions([*others, handed])) <= len(contradictions(others))

    def _settle(self, kind: Kind, identity: int, name: str, obvious: _Obvious | None, *, nobody: bool = True) -> Place:
        place = Place(kind=kind, id=identity, name=name, to=None, settled=None, why=_LACKS.get(kind, ""))
        for settled, to in self._candidates(kind, identity, obvious):
            if to is None and nobody:
                place = replace(place, settled=settled, why="")
                break
            if to is not None and (taker := self.accept(to)) is not None:
                place = replace(place, to=taker, settled=settled, why="")
                break
        self.places.append(place)
        return place

    def _candidates(self, kind: Kind, identity: int, obvious: _Obvious | None) -> Iterable[tuple[Settled, int | None]]:
        if (kind, identity) in self.said.of_place:
            yield Settled.EACH, self.said.of_place[kind, identity]
        if kind in self.said.of_kind:
            yield Settled.KIND, self.said.of_kind[kind]
        if self.said.all is not None and kind not in NOT_FOR_ALL:
            yield Settled.ALL, self.said.all
        if obvious is not None:
            yield Settled.SUGGESTED, obvious.to

    def _manager_of(self, account_id: int) -> _Obvious | None:
        known = self._after.get((Noun.ACCOUNT, account_id), self.account(account_id))
        if not isinstance(known, Account):
            return None
        wanted = (known.manager, *known.deputies)
        here = [one for one in wanted if one is not None and one != self.leaver.id and self.is_here(one)]
        return _Obvious(to=here[0]) if here else None


_LACKS = {
    Kind.ACCOUNTS: "would have no account manager, and has no deputy who is here",
    Kind.JOBS: "would have no manager, and its account has none who is here",
    Kind.RULES: "would lead to somebody who has left",
    Kind.COVERS: "would have nobody to stand in",
    Kind.LEADS: "would have no lead",
}


def _exchanged(people: Sequence[int], gone: int, by: int | None) -> tuple[int, ...]:
    """The same list with another in the place of one who goes; nobody stands there twice."""
    by = None if by in people else by
    return tuple([who for person in people if (who := by if person == gone else person) is not None])
