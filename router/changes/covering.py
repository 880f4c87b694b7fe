"""How does a manager say on Friday afternoon that somebody else answers for Ben until Monday week?

One cover, made through the door, and told in words: what comes to whom meanwhile. A cover that is there already is
ended only when that is said. "They are back" ends what counts now.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from router.changes.calendar import CoverFields
from router.changes.carrying import Carrying, unknown
from router.changes.checks import check_fields
from router.changes.door import Door
from router.changes.faults import FieldFault, LeadsNowhere, NotCovered, Nowhere, Taken
from router.changes.nouns import COVERS, PEOPLE
from router.changes.wishes import Amend, By, Create, Remove
from router.commitments.facts import person_name
from router.routing.configuration import Noun, Put
from router.routing.cover import Overlapping, contradictions
from router.routing.explain import instant
from router.routing.model import Cover, CoverScope, Lead, Line, Rule
from router.routing.table import Table
from router.routing.table_errors import TableError
from router.storage.covers import all_covers
from router.storage.kept import Kept, kept_of
from router.storage.naming import naming, owed_by


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """The cover, what is ended for it, and what it means, in words; `nowhere`: what would be without a person."""

    cover: Cover
    kept: Kept | None
    ended: tuple[Cover, ...]
    sentences: tuple[str, ...]
    nowhere: tuple[Nowhere, ...] = ()


async def cover(
    door: Door, fields: CoverFields, by: By, now: datetime, zone: tzinfo, *, ends_others: bool = False
) -> Covered:
    """Let somebody answer for somebody. `ends_others`: covers of theirs for the same at the same time end for it.

    Raises Taken for such a cover unless they end, and as `Door.do`.
    """

    async def work(carrying: Carrying, table: Table | None) -> Covered:
        told = await _told(carrying, table, fields, zone, ends_others=ends_others)
        for other in told.ended:
            await _end(carrying, other, fields.starts_at)
        done = await carrying.carry_out(Create(declared=COVERS, fields=fields))
        return Covered(cover=told.cover, kept=done.kept, ended=told.ended, sentences=told.sentences)

    return await door.carry(work, by, now)


async def preview(
    door: Door, fields: CoverFields, by: By, now: datetime, zone: tzinfo, *, ends_others: bool = False
) -> Covered:
    """What `cover` would do, and what would be wrong then; nothing is changed. Raises as `cover`."""
    found: list[Covered] = []

    async def look(carrying: Carrying, table: Table | None) -> None:
        told = await _told(carrying, table, fields, zone, ends_others=ends_others)
        found[:] = [told]
        carrying.weighed = [Put(entity=told.cover)]

    try:
        await door.carry(look, by, now)
    except LeadsNowhere as refused:
        told = found[0]
        return Covered(cover=told.cover, kept=None, ended=told.ended, sentences=told.sentences, nowhere=refused.found)
    return found[0]


async def end_cover(door: Door, person: int, by: By, now: datetime) -> tuple[Cover, ...]:
    """Let nobody answer for this person from now on: what counts now ends.

    Raises Unknown for nobody of ours, NotCovered when there is nothing to end, and as `Door.do`.
    """

    async def work(carrying: Carrying, table: Table | None) -> tuple[Cover, ...]:
        covers = await all_covers(carrying.rows)
        theirs = tuple([one for one in covers if one.person == person and one.holds_at(now)])
        if not theirs:
            if await kept_of(carrying.rows, Noun.PERSON, person) is None:
                raise unknown(PEOPLE, person)
            name = person_name(person, table) if table else f"person {person}"
            to_come = f"GET /api/v1/covers?person_id={person} lists what is to come"
            raise NotCovered(f"nobody answers for {name} now: {to_come}")
        for one in theirs:
            await _end(carrying, one, now)
        return theirs

    return await door.carry(work, by, now)


async def _end(carrying: Carrying, cover: Cover, at: datetime) -> None:
    if cover.starts_at >= at:
        await carrying.carry_out(Remove(declared=COVERS, id=cover.id, only_if=None))
    else:
        patch = {"ends_at": at.isoformat()}
        await carrying.carry_out(Amend(declared=COVERS, id=cover.id, patch=patch, only_if=None))


async def _told(
    carrying: Carrying, table: Table | None, fields: CoverFields, zone: tzinfo, *, ends_others: bool
) -> Covered:
    if table is None:
        raise TableError("there is no table yet in which somebody could be covered: it needs a safety net")
    if fields.person not in table.people:
        raise unknown(PEOPLE, fields.person)
    await check_fields(carrying.rows, COVERS, fields, None, ())
    wanted = Cover(
        id=0,
        person=fields.person,
        by_person=fields.by_person,
        by_desk=fields.by_desk,
        scope=fields.scope,
        starts_at=fields.starts_at,
        ends_at=fields.ends_at,
        reason=fields.reason,
    )
    theirs = [one for one in await all_covers(carrying.rows) if one.person == fields.person]
    overlaps = contradictions([*theirs, wanted])
    with_it = {
        one.id: one
        for pair in overlaps
        if isinstance(pair, Overlapping) and wanted in (pair.first, pair.second)
        for one in (pair.first, pair.second)
        if one is not wanted
    }
    if with_it and not ends_others:
        raise Taken(
            [FieldFault(pointer="/starts_at", sentence=_there_already(one, table, zone)) for one in with_it.values()]
        )
    sentences = [
        await _says(carrying, wanted, table, zone),
        *(f"{_who(one, table)} doesn't answer for them any more." for one in with_it.values()),
    ]
    return Covered(cover=wanted, kept=None, ended=tuple(with_it.values()), sentences=tuple(sentences))


async def _says(carrying: Carrying, cover: Cover, table: Table, zone: tzinfo) -> str:
    until = f"from {instant(cover.starts_at, zone)} on"
    if cover.ends_at is not None:
        until = f"from {instant(cover.starts_at, zone)} until {instant(cover.ends_at, zone)}"
    what = await _what(carrying, cover)
    listed = ", ".join(what) or "nothing comes to them now"
    return f"{_who(cover, table)} answers for {person_name(cover.person, table)} {until}: {listed}."


async def _what(carrying: Carrying, cover: Cover) -> Sequence[str]:
    """What comes to the covered person, as far as the cover is for it."""

    async def count(noun: Noun) -> list[Kept]:
        return await naming(carrying.rows, noun, cover.person, cover.starts_at)

    told: list[tuple[int, str]] = []
    if cover.scope in (CoverScope.ALL, CoverScope.ACCOUNTS):
        told.append((len(await count(Noun.ACCOUNT)), "account"))
        jobs = [one.entity for one in await count(Noun.JOB)]
        told.append((sum(getattr(job, "manager", None) == cover.person for job in jobs), "job"))
    if cover.scope in (CoverScope.ALL, CoverScope.LINES):
        rules = [one.entity for one in await count(Noun.RULE)]
        told.append((sum(isinstance(rule, Rule) and rule.then is Lead.PERSON for rule in rules), "rule"))
        if cover.by_desk is not None:
            told.append((sum(isinstance(one.entity, Line) for one in await count(Noun.LINE)), "line"))
    if cover.scope in (CoverScope.ALL, CoverScope.COMMITMENTS):
        told.append((len(await owed_by(carrying.rows, cover.person)), "open commitment"))
    return [f"{number} {name}{'' if number == 1 else 's'}" for number, name in told if number]


def _there_already(cover: Cover, table: Table, zone: tzinfo) -> str:
    until = f"until {instant(cover.ends_at, zone)}" if cover.ends_at else "without an end"
    name = person_name(cover.person, table)
    return f"{_who(cover, table)} answers for {name} {until} already (covers/{cover.id}): say ends_others to end that"


def _who(cover: Cover, table: Table) -> str:
    if cover.by_person is not None:
        return person_name(cover.by_person, table)
    desk = table.desks.get(cover.by_desk or 0)
    return f"desk {desk.name}" if desk else f"desk {cover.by_desk}"
