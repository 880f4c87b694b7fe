"""How does somebody leave, so that nothing is left behind; and how do they stay after all?

What names them is found in the rows, each place is settled (handing_on.py), and all of it changes as one, through the
door. Whose time is to come is only said to be leaving; the successors are kept until then, and what has come in
meanwhile goes to them as well. Dead ends are looked for in what it will make, before it is agreed to.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from router.changes.carrying import Carrying, unknown
from router.changes.door import Door
from router.changes.faults import (
    ChangeRefused,
    FieldFault,
    Invalid,
    LeadsNowhere,
    LeavesAlready,
    LeftBehind,
    Nowhere,
    StaysAnyway,
)
from router.changes.handing_on import HandingOn, Place
from router.changes.left_behind import tell_left_behind
from router.changes.nouns import PEOPLE
from router.changes.owed import move
from router.changes.places import naming_of, said_of
from router.changes.successors import Kind, Successors
from router.changes.wishes import Amend, By, Undo
from router.commitments.facts import person_name
from router.routing.configuration import Change, Noun, Put
from router.routing.model import Account, Cover, Desk, Job, Line, Person, PersonState, Rule
from router.routing.reach import why_absent
from router.routing.reasons import PersonLeft
from router.routing.table import Table
from router.routing.table_errors import TableError
from router.storage import leavings
from router.storage.access_schema import Source
from router.storage.audit import entries_of_version
from router.storage.covers import all_covers
from router.storage.database import Database, StorageError, Transaction
from router.storage.kept import kept_of
from router.storage.leaving_schema import LeavingState
from router.storage.naming import OwedBy, naming, owed_by

TRY_AGAIN_AFTER = timedelta(minutes=1)  # what stands in the way is mended by people; calls pass by who left meanwhile
MOST_HEIRS = 5  # successors who have left themselves: who comes after so many hardly knows what it is about

log = structlog.get_logger()

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """Who leaves when, and where everything goes; `nowhere`: what would be without a person then."""

    person: int
    name: str
    state: LeavingState
    at: datetime
    places: tuple[Place, ...]
    nowhere: tuple[Nowhere, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """One look at what names somebody, and where that goes."""

    handing: HandingOn
    owed: tuple[OwedBy, ...]
    left: Person

    @property
    def changes(self) -> list[Change]:
        return [*self.handing.changes(), Put(entity=self.left)]


class Leavings:
    """Everybody who leaves does it here."""

    def __init__(self, db: Database, door: Door) -> None:
        self._db = db
        self._door = door

    async def preview(self, person: int, at: datetime | None, said: Successors, by: By, now: datetime) -> Agreed:
        """Where each place would go, and what would be wrong then; nothing is changed. Raises as `leave`.

        What nobody is found for is no error here: it is told in the places.
        """
        agreed: list[Agreed] = []
        when = _when(at, now)

        async def look(carrying: Carrying, before: Table | None) -> None:
            found = await _found(carrying.rows, before, person, when, said)
            agreed[:] = [_agreed(found, LeavingState.PLANNED, when)]
            carrying.weighed = found.changes

        try:
            await self._door.carry(look, by, now)
        except LeadsNowhere as refused:
            return replace(agreed[0], nowhere=refused.found)
        return agreed[0]

    async def leave(self, person: int, at: datetime | None, said: Successors, by: By, now: datetime) -> Agreed:
        """Let this person leave, now or at that time, with all that names them in other hands.

        Raises LeftBehind with all that nobody is found for, LeavesAlready, and as `Door.do`.
        """
        when = _when(at, now)

        async def work(carrying: Carrying, before: Table | None) -> Agreed:
            found = await _found(carrying.rows, before, person, when, said)
            _refuse_left_behind(found.handing)
            asked = leavings.Leaving(
                person=person,
                state=LeavingState.PLANNED,
                at=when,
                successors=said.model_dump(mode="json", exclude_unset=True),
                asked_at=now,
                asked_by={"actor": by.actor, "key": by.key, "source": by.source.value},
            )
            if when <= now:
                await self._carry_out(carrying, found, now, asked)
                return _agreed(found, LeavingState.DONE, when)
            carrying.weighed = found.changes
            says = {"state": PersonState.LEAVING, "leaves_at": when.isoformat(), "away_until": None}
            await carrying.carry_out(Amend(declared=PEOPLE, id=person, patch=says, only_if=None))

            async def plan(_: Table, version: int) -> None:
                await leavings.keep(carrying.rows, replace(asked, planned_version=version))

            carrying.afterwards.append(plan)
            return _agreed(found, LeavingState.PLANNED, when)

        return await self._door.carry(work, by, now)

    async def undo(self, person: int, by: By, now: datetime) -> leavings.KeptLeaving:
        """Let everything be as before this person left, or was to leave.

        Raises Unknown for nobody of ours, StaysAnyway when there is nothing to take back, and as the door's `Undo`.
        """
        async with self._db.reading() as look:
            leaving = await leavings.newest_of(look, person)
            holds = leaving is not None and leaving.state in (LeavingState.PLANNED, LeavingState.DONE)
            version = (leaving.done_version or leaving.planned_version) if leaving and holds else None
            entries = () if version is None else await entries_of_version(look, version)
            if not entries:
                raise await _stays(look, person)
        await self._door.do([Undo(entry=entries[0].id)], by, now)
        async with self._db.reading() as look:
            after = await leavings.newest_of(look, person)
        assert after is not None
        return after

    async def newest(self, person: int) -> leavings.KeptLeaving:
        """When somebody leaves or has left, or was to. Raises Unknown, StaysAnyway, StorageError."""
        async with self._db.reading() as look:
            leaving = await leavings.newest_of(look, person)
            gone = await kept_of(look, Noun.PERSON, person) is None
            if leaving is None or gone:
                raise await _stays(look, person)
        return leaving

    async def look(self, now: datetime) -> int:
        """Carry out what is due by now, each once, whichever router is first; returns how many. Raises StorageError."""
        for overtaken in await leavings.cancel_overtaken(self._db):
            log.info("leaving cancelled", person=overtaken.person, why="the table says that they stay")
        count = 0
        for leaving in await leavings.due(self._db, now):
            try:
                count += await self._leave_now(leaving, now)
            except (ChangeRefused, TableError, StorageError) as fault:
                log.error("leaving waits", person=leaving.person, why=str(fault))
                await leavings.put_off(self._db, leaving.id, now + TRY_AGAIN_AFTER)
        return count

    async def _leave_now(self, leaving: leavings.KeptLeaving, now: datetime) -> bool:
        asked_by = leaving.asked_by
        by = By(actor=asked_by["actor"], key=asked_by["key"], source=Source(asked_by["source"]))
        said = Successors.model_validate(leaving.successors)

        async def work(carrying: Carrying, before: Table | None) -> _Found | None:
            planned = await leavings.planned_of(carrying.rows, leaving.id)
            person = before.people.get(leaving.person) if before else None
            if planned is None or person is None or person.state is not PersonState.LEAVING:
                return None  # another router was faster, or they stay
            at = person.leaves_at or now
            found = await _found(carrying.rows, before, leaving.person, at, said, in_time=True)
            await self._carry_out(carrying, found, now, planned)
            return found

        found = await self._door.carry(work, by, now)
        if found is None:
            return False
        log.info("somebody has left", person=leaving.person, places=len(found.handing.places))
        for place in found.handing.left_behind:
            log.warning("left behind", person=leaving.person, kind=place.kind.value, id=place.id, why=place.why)
        return True

    async def _carry_out(self, carrying: Carrying, found: _Found, now: datetime, leaving: leavings.Leaving) -> None:
        """Write it all. What they owe moves in the same transaction, once the table is known."""
        after = dict(found.handing.after) | {(Noun.PERSON, found.left.id): found.left}
        for noun in Noun:
            alike = {identity: entity for (of, identity), entity in after.items() if of is noun}
            if alike:
                await carrying.put_all(noun, alike)

        async def hand_over(table: Table, version: int) -> None:
            rows, places = carrying.rows, found.handing.places
            of_owed = [place for place in places if place.kind.value == "commitments"]
            moved = await move(rows, found.left.id, found.owed, of_owed, self._door.keeper, table, now)
            behind = [said_of(place, lambda one: person_name(one, table)) for place in found.handing.left_behind]
            if isinstance(leaving, leavings.KeptLeaving):
                await leavings.done(rows, leaving.id, version, moved, behind)
                seats = [place.id for place in places if place.kind is Kind.SEATS]
                mails = self._door.keeper.mails
                await tell_left_behind(rows, found.left, behind, seats, table, now, mails=mails)
            else:
                state = LeavingState.DONE
                await leavings.keep(rows, replace(leaving, state=state, done_version=version, moved=moved))

        carrying.afterwards.append(hand_over)


async def _stays(look: Transaction, person: int) -> ChangeRefused:
    """What to say where somebody's leaving is asked for and there is none."""
    if await kept_of(look, Noun.PERSON, person) is None:
        return unknown(PEOPLE, person)
    let_them = f"POST to /api/v1/people/{person}/leave lets them"
    return StaysAnyway(f"person {person} is not to leave, and has not left: {let_them}")


async def _found(
    rows: Transaction,
    table: Table | None,
    person_id: int,
    at: datetime,
    said: Successors,
    *,
    in_time: bool = False,
) -> _Found:
    """What names this person, and where it goes. `in_time`: it was agreed to before, so nothing stands in its way."""
    if table is None:
        raise TableError("there is no table yet from which somebody could leave: it needs a safety net")
    person = table.people.get(person_id)
    if person is None:
        raise unknown(PEOPLE, person_id)
    if not in_time:
        if person.state is PersonState.LEFT:
            raise LeavesAlready(f"{person.name} has left already: take that back first (leave/undo)")
        planned = await leavings.newest_of(rows, person_id)
        if planned is not None and planned.state is LeavingState.PLANNED:
            raise LeavesAlready(f"{person.name} is to leave already: take that back first (leave/undo)")
        _refuse_strangers(said, person, table, at)
    heirs = await _heirs(rows, said, table, at) if in_time else {}

    def name_of(one: int) -> str:
        return person_name(one, table)

    handing = HandingOn(
        leaver=person,
        at=at,
        said=said,
        accept=lambda one: heirs.get(one) or (one if _is_here(one, table, at) else None),
        is_here=lambda one: _is_here(one, table, at),
        account=table.account,
    )
    numbers = [phone.number for phone in person.phones if phone.number]

    async def of(noun: Noun, kind: type[T]) -> list[T]:
        kept = await naming(rows, noun, person_id, at, numbers)
        return [one.entity for one in kept if isinstance(one.entity, kind)]

    handing.lines(await of(Noun.LINE, Line))
    handing.accounts(await of(Noun.ACCOUNT, Account))
    handing.jobs(await of(Noun.JOB, Job))
    handing.rules(await of(Noun.RULE, Rule))
    handing.covers(await of(Noun.COVER, Cover), await all_covers(rows), name_of)
    handing.desks(await of(Noun.DESK, Desk))
    owed = await owed_by(rows, person_id)
    handing.commitments({one.id: _whom(one, table) for one in owed})
    left = replace(person, state=PersonState.LEFT, leaves_at=at, away_until=None)
    return _Found(handing=handing, owed=tuple(owed), left=left)


async def _heirs(rows: Transaction, said: Successors, table: Table, at: datetime) -> Mapping[int, int]:
    """For each who was named, who takes over by now: whoever follows one who has left meanwhile."""
    found = {}
    for _, named in said.said():
        at_last: int | None = named
        for _ in range(MOST_HEIRS):
            if at_last is None or _is_here(at_last, table, at):
                break
            at_last = await leavings.heir_of(rows, at_last)
        if at_last is not None and _is_here(at_last, table, at):
            found[named] = at_last
    return found


def _refuse_strangers(said: Successors, leaver: Person, table: Table, at: datetime) -> None:
    faults = []
    for where, named in said.said():
        known = table.people.get(named)
        if known is None:
            sentence = f"there is no person {named}: GET /api/v1/people lists them"
        elif named == leaver.id:
            sentence = f"{leaver.name} can't take over from themselves: name somebody else"
        elif not _is_here(named, table, at):
            sentence = f"{known.name} has left by then: name somebody else"
        else:
            continue
        faults.append(FieldFault(pointer=f"/successors{where}", sentence=sentence))
    if faults:
        raise Invalid(faults)


def _refuse_left_behind(handing: HandingOn) -> None:
    behind = handing.left_behind
    if not behind:
        return
    faults, by = [], []
    for place in behind:
        where = naming_of(place)
        how = f"name who takes it over, in successors.each, successors.{place.kind.value} or successors.all"
        sentence = f"{where.plural}/{place.id} ({place.name}) {place.why}: {how}"
        faults.append(FieldFault(pointer=f"/successors/{place.kind.value}", sentence=sentence))
        by.append(where)
    raise LeftBehind(faults, by)


def _agreed(found: _Found, state: LeavingState, at: datetime) -> Agreed:
    person, places = found.left, tuple(found.handing.places)
    return Agreed(person=person.id, name=person.name, state=state, at=at, places=places)


def _is_here(person_id: int, table: Table, at: datetime) -> bool:
    """Whether they work here then; who is away comes back."""
    person = table.people.get(person_id)
    return person is not None and not isinstance(why_absent(person, at), PersonLeft)


def _whom(owed: OwedBy, table: Table) -> str:
    account = None if owed.account is None else table.account(owed.account)
    return account.name if account else owed.caller or "a caller without a number"


def _when(at: datetime | None, now: datetime) -> datetime:
    """What is over can't be changed: who left yesterday leaves now."""
    return now if at is None or at < now else at
