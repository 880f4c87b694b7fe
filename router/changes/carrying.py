"""How is one wish carried out in the rows?"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, assert_never

from router.changes.checks import check_fields, check_taken
from router.changes.faults import (
    Changed,
    ChangedSince,
    ChangeRefused,
    FieldFault,
    Invalid,
    Naming,
    StillNamed,
    TooMuch,
    Unknown,
)
from router.changes.fields import Fields
from router.changes.items import meant, placed
from router.changes.nouns import DESKS, OF_NOUN, Declared
from router.changes.people import DeskFields, PersonFields
from router.changes.showing import (
    GIVEN,
    fields_from,
    keeping_private_numbers,
    merged,
    numbers_from,
    phones_from,
    read_fields,
    shown,
    value_from,
    written,
)
from router.changes.wishes import Amend, Create, Done, Item, Remove, Replace, Undo, Versions, Wish
from router.routing.configuration import Change, Entity, Noun, Put, PutAlias, PutNumbers, RemoveAlias, RemoveNumbers
from router.routing.configuration import Remove as RemoveEntity
from router.routing.model import Desk, Person
from router.routing.table import Table
from router.storage.access_schema import Action, Source
from router.storage.audit import KeptEntry, count_of_version, entries_of_version, entry_of
from router.storage.database import Transaction
from router.storage.kept import Kept, Wanted, kept_among, kept_by_ref, kept_of, kept_page, next_id, slots_taken
from router.storage.leavings import KeptLeaving, leaving_of_version, named_as_heir
from router.storage.naming import owed_by
from router.storage.rows import put, put_with, write
from router.storage.ties import referrers

Former = Mapping[str, Any] | None
"""The object as it was shown before the change that is undone: ids and slots come back with it."""

Afterwards = Callable[[Table, int], Awaitable[None]]
"""What has to be written with the table that the change makes, and its version."""

# Objects of an import, each with some ten statements: that takes half a second, and nobody else can change anything.
UNDONE_AT_ONCE = 200
SLOTS = range(1, 65)  # as many queues of each strategy as the PBX's drop-in defines


class Carrying:
    """Carries out wishes in one transaction, and keeps what they change of the table, and of which objects."""

    def __init__(self, transaction: Transaction, now: datetime, external_prefixes: Sequence[str]) -> None:
        self._rows = transaction
        self._now = now
        self._external_prefixes = external_prefixes
        self.changes: list[Change] = []
        self.done: list[Done] = []
        self.weighed: Sequence[Change] | None = None  # instead of what is changed now: what comes of it later
        self.taken_back: list[KeptLeaving] = []
        self.afterwards: list[Afterwards] = []
        self.version: int | None = None  # of the table that it makes, once that is known

    @property
    def to_weigh(self) -> Sequence[Change]:
        """The changes in which dead ends are looked for."""
        return self.changes if self.weighed is None else self.weighed

    @property
    def rows(self) -> Transaction:
        return self._rows

    async def carry_out(self, wish: Wish) -> Done:
        """Check the wish and write it. Raises ChangeRefused, StorageError."""
        match wish:
            case Create(declared=declared, fields=fields, as_id=as_id):
                return await self._create(declared, fields, as_id)
            case Amend(declared=declared, id=identity, patch=patch, only_if=only_if):
                current = await self._current(declared, identity, only_if)
                fields = read_fields(declared, merged(written(declared, current), patch))
                return await self._change(declared, current, fields)
            case Replace(declared=declared, ref=ref, fields=fields, only_if=only_if):
                return await self._replace(declared, _with_ref(fields, ref), only_if)
            case Remove(declared=declared, id=identity, only_if=only_if):
                return await self._remove(declared, await self._current(declared, identity, only_if))
            case Undo(entry=entry):
                return await self._undo(entry)
            case Item():
                try:
                    return await self.carry_out(await meant(self._rows, wish))
                except ChangeRefused as fault:
                    raise placed(fault, wish) from None
            case _:
                assert_never(wish)

    async def put_all(
        self, noun: Noun, after: Mapping[int, Entity | None], undoes: Mapping[int, int] = MappingProxyType({})
    ) -> list[Done]:
        """Let these objects be so, by their ids (None: gone), checked by who asks for it. Raises StorageError.

        `undoes`: the entries that are taken back by it, by the same ids.
        """
        before = await kept_among(self._rows, noun, list(after))
        for identity in [identity for identity, entity in after.items() if entity is None]:
            await write(self._rows, RemoveEntity(noun=noun, id=identity), self._now)
        await put(self._rows, [entity for entity in after.values() if entity is not None], self._now)
        became = {kept.entity.id: kept for kept in await kept_among(self._rows, noun, list(after))}
        told = []
        for was in before:
            identity = was.entity.id
            now = became.get(identity)
            action = Action.REMOVED if now is None else Action.CHANGED
            change = RemoveEntity(noun=noun, id=identity) if now is None else Put(entity=now.entity)
            done = Done(declared=OF_NOUN[noun], action=action, before=was, after=now, undoes=undoes.get(identity))
            told.append(self._keep(done, [change]))
        return told

    async def _create(self, declared: Declared, fields: Fields, as_id: int | None = None, was: Former = None) -> Done:
        identity = as_id or await next_id(self._rows, declared.noun)
        await check_fields(self._rows, declared, fields, None, self._external_prefixes)
        after, changes = await self._write(declared, identity, fields, None, was)
        return self._keep(Done(declared=declared, action=Action.CREATED, before=None, after=after), changes)

    async def _change(self, declared: Declared, current: Kept, fields: Fields, was: Former = None) -> Done:
        fields = keeping_private_numbers(fields, current)
        await check_fields(self._rows, declared, fields, current, self._external_prefixes)
        if fields == fields_from(declared, current):
            return Done(declared=declared, action=Action.CHANGED, before=current, after=current)
        after, changes = await self._write(declared, current.entity.id, fields, current, was)
        done = Done(declared=declared, action=Action.CHANGED, before=current, after=after)
        return done if after == current else self._keep(done, changes)

    async def _replace(self, declared: Declared, fields: Fields, only_if: Versions | None) -> Done:
        current = await kept_by_ref(self._rows, declared.noun, fields.ref or "")
        if current is None:
            if only_if is not None:
                raise Changed(f"nothing among the {declared.plural} has this reference: leave If-Match out to make it")
            return await self._create(declared, fields)
        _refuse_other_versions(declared, current, only_if)
        return await self._change(declared, current, fields)

    async def _remove(self, declared: Declared, current: Kept) -> Done:
        identity = current.entity.id
        by = [_naming(one.noun, one.id, one.by) for one in await referrers(self._rows, declared.noun, identity)]
        if declared.noun is Noun.PERSON:  # what no foreign key tells
            by += [
                Naming(plural="commitments", id=one.id, field="owner_id") for one in await owed_by(self._rows, identity)
            ]
            heirs = await named_as_heir(self._rows, identity)
            by += [Naming(plural="people", id=leaver, field="leave/successors") for leaver in heirs]
        if by:
            where = ", ".join(f"{one.plural}/{one.id} ({one.field})" for one in by[:5])
            more = f" and {len(by) - 5} more" if len(by) > 5 else ""
            raise StillNamed(f"{where}{more} still name it: let them name another first", by)
        changes = [
            *_changes_beside(declared, identity, current.beside, {}),
            RemoveEntity(noun=declared.noun, id=identity),
        ]
        for change in changes:
            await write(self._rows, change, self._now)
        return self._keep(Done(declared=declared, action=Action.REMOVED, before=current, after=None), changes)

    async def _undo(self, entry_id: int) -> Done:
        entry = await entry_of(self._rows, entry_id)
        if entry is None:
            raise Unknown(f"there is no entry {entry_id}: GET /api/v1/audit lists them")
        if entry.source is Source.IMPORT and entry.version is not None:
            await self._refuse_too_much(entry.version)
        alike = await entries_of_version(self._rows, entry.version) if entry.version is not None else (entry,)
        leaving = await leaving_of_version(self._rows, entry.version) if entry.version is not None else None
        if leaving is not None:
            if leaving.done_version == entry.version and leaving.planned_version is not None:
                alike = (*await entries_of_version(self._rows, leaving.planned_version), *alike)
            self.taken_back.append(leaving)
        done = [] if leaving is None else await self._undo_swaps(alike)
        swapped = {one.undoes for one in done}
        for one in sorted(alike, key=lambda one: one.id, reverse=True):
            if one.id not in swapped:
                done.append(await self._undo_one(one))
        return next(one for one in done if one.undoes == entry.id)

    async def _refuse_too_much(self, version: int) -> None:
        count = await count_of_version(self._rows, version)
        if count > UNDONE_AT_ONCE:
            how = f"'router import --undo {version}', or POST /api/v1/imports/…/undo"
            raise TooMuch(f"an import has changed {count:,} objects with it: take it back as one, with {how}")

    async def _undo_swaps(self, alike: Sequence[KeptEntry]) -> list[Done]:
        """Who leaves can have acted for thousands: where others took their place, that is undone in a few statements.

        Nothing but who it is had changed, so there is nothing to check but that nobody has changed it since.
        """
        done = []
        for noun in (Noun.ACCOUNT, Noun.JOB, Noun.LINE, Noun.RULE):
            declared = OF_NOUN[noun]
            swaps = {one.object: one for one in alike if one.kind == noun.value and one.before and one.after}
            there = await kept_among(self._rows, noun, list(swaps))
            if not there:
                continue
            restored: dict[int, Entity | None] = {}
            for current in there:
                identity = current.entity.id
                entry = swaps[identity]
                refuse_what_changed_since(declared, current, entry)
                fields = read_fields(declared, _content(entry.before))
                restored[identity] = value_from(declared, identity, fields, {})
            entries = {identity: entry.id for identity, entry in swaps.items()}
            done += await self.put_all(noun, restored, entries)
        return done

    async def _undo_one(self, entry: KeptEntry) -> Done:
        declared = next((one for one in OF_NOUN.values() if one.noun.value == entry.kind), None)
        if declared is None:
            raise Unknown(f"what was done to a {entry.kind} can't be undone: make another instead")
        current = await kept_of(self._rows, declared.noun, entry.object)
        refuse_what_changed_since(declared, current, entry)
        was = entry.before or {}
        before = _content(was) or {}
        if current is None:
            done = await self._create(declared, read_fields(declared, before), entry.object, was)
        elif entry.before is None:
            done = await self._remove(declared, current)
        else:
            done = await self._change(declared, current, read_fields(declared, before), was)
        return self._as_undoing(done, entry.id)

    async def _write(
        self, declared: Declared, identity: int, fields: Fields, current: Kept | None, was: Former
    ) -> tuple[Kept, list[Change]]:
        given: dict[str, Any] = {}
        if isinstance(fields, PersonFields):
            phones = current.entity.phones if current and isinstance(current.entity, Person) else ()
            first_new = await next_id(self._rows, declared.noun, part=0)
            given["phones"] = phones_from(fields, identity, phones, first_new, restoring=was is not None)
        if isinstance(fields, DeskFields):
            given["slot"] = await self._slot(fields, current, (was or {}).get("slot"))
            await self._take_the_mark(fields, identity)
        entity = value_from(declared, identity, fields, given)
        await check_taken(self._rows, declared, fields, entity)
        wanted = {name: getattr(fields, name) for name in declared.fields.beside}
        beside = _changes_beside(declared, identity, current.beside if current else {}, wanted)
        columns = {name: value for name, value in wanted.items() if name not in ("numbers", "aliases")}
        await put_with(self._rows, entity, columns, self._now, touched=bool(current and beside))
        for change in beside:
            await write(self._rows, change, self._now)
        kept = await kept_of(self._rows, declared.noun, identity)
        assert kept is not None  # it was written in this very transaction
        return kept, [Put(entity=entity), *beside]

    async def _slot(self, fields: DeskFields, current: Kept | None, wanted: int | None) -> int:
        """A queue of the pool: the one it has, the one it had, or the first that is free. Raises Invalid."""
        if current and isinstance(current.entity, Desk) and current.entity.strategy is fields.strategy:
            return current.entity.slot
        taken = await slots_taken(self._rows)
        for slot in ([wanted] if wanted else []) + list(SLOTS):
            if (fields.strategy, slot) not in taken:
                return slot
        sentence = f"all {len(SLOTS)} queues of this strategy belong to other desks: take another strategy"
        raise Invalid([FieldFault(pointer="/strategy", sentence=sentence)])

    async def _take_the_mark(self, fields: DeskFields, identity: int) -> None:
        """There is one safety net: the desk that has been it so far is it no longer."""
        if not fields.safety_net:
            return
        marked = await kept_page(self._rows, Noun.DESK, Wanted(limit=1, equal={"safety_net": True}))
        for former in marked.kept:
            if former.entity.id != identity:
                was = fields_from(DESKS, former)
                await self._change(DESKS, former, was.model_copy(update={"safety_net": False}))

    async def _current(self, declared: Declared, identity: int, only_if: Versions | None) -> Kept:
        current = await kept_of(self._rows, declared.noun, identity)
        if current is None:
            raise unknown(declared, identity)
        _refuse_other_versions(declared, current, only_if)
        return current

    def _keep(self, done: Done, changes: Sequence[Change]) -> Done:
        self.changes += changes
        self.done.append(done)
        return done

    def _as_undoing(self, done: Done, entry: int) -> Done:
        undoing = Done(declared=done.declared, action=done.action, before=done.before, after=done.after, undoes=entry)
        self.done = [undoing if one is done else one for one in self.done]
        return undoing


def unknown(declared: Declared, identity: int | str) -> Unknown:
    """What to say of an object that isn't there."""
    return Unknown(f"there is no {declared.noun.value} {identity}: GET /api/v1/{declared.plural} lists them")


def _content(as_shown: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What can be written of it: the version alone may have gone up, by a change that was taken back."""
    return None if as_shown is None else {name: value for name, value in as_shown.items() if name not in GIVEN}


def refuse_what_changed_since(declared: Declared, current: Kept | None, entry: KeptEntry) -> None:
    """Only what is still as an entry says can be made as it was before it. Raises ChangedSince."""
    if entry.hidden_at is not None:
        raise ChangedSince(f"numbers in entry {entry.id} are hidden since {entry.hidden_at:%Y-%m-%d}: write it anew")
    if (None if current is None else _content(shown(declared, current))) != _content(entry.after):
        where = f"{declared.plural}/{entry.object}"
        raise ChangedSince(f"{where} has been changed again since entry {entry.id}: undo that first")


def _refuse_other_versions(declared: Declared, current: Kept, only_if: Versions | None) -> None:
    if only_if is not None and current.version not in only_if:
        where = f"{declared.plural}/{current.entity.id}"
        raise Changed(f"{where} is at version {current.version} by now: read it again, and repeat what you meant")


def _changes_beside(
    declared: Declared, identity: int, there: Mapping[str, Any], wanted: Mapping[str, Any]
) -> list[Change]:
    """What has to change of the numbers and aliases, which live on their own."""
    match declared.noun:
        case Noun.ACCOUNT:
            had, wants = set(there.get("numbers", ())), set(numbers_from(wanted.get("numbers", ())))
            gone = [RemoveNumbers(rows=tuple(sorted(had - wants)))] if had - wants else []
            new = tuple([(number, is_prefix, identity) for number, is_prefix in sorted(wants - had)])
            return [*gone, *([PutNumbers(rows=new)] if new else [])]
        case Noun.LINE:
            had_aliases, wants_aliases = set(there.get("aliases", ())), set(wanted.get("aliases", ()))
            return [
                *(RemoveAlias(dialled=alias) for alias in sorted(had_aliases - wants_aliases)),
                *(PutAlias(dialled=alias, line=identity) for alias in sorted(wants_aliases - had_aliases)),
            ]
        case _:
            return []


def _naming(noun: Noun, identity: int, by: str) -> Naming:
    declared = OF_NOUN[noun]
    # a part of it names it by the person: a desk's members, an account's deputies
    several = next((one.written for one in declared.references if one.several and by == "person"), None)
    return Naming(plural=declared.plural, id=identity, field=several or declared.written(by))


def _with_ref(fields: Fields, ref: str) -> Fields:
    if fields.ref not in (None, ref):
        raise Invalid([FieldFault(pointer="/ref", sentence="the path says another reference: leave it out here")])
    return fields.model_copy(update={"ref": ref})
