"""How does a change come into force?

Every change takes the same steps in one transaction under the change lock: what was written is checked (its fields,
what it refers to, what only one may have), applied to the rows, the table that it makes is looked through for callers
who would reach nobody, and it is put on record and given its version. Then the table is published: decisions are made
from it before `do` returns. What is refused leaves nothing behind.

To look through a large table takes seconds. Then the change is rehearsed and undone, looked at without the lock, and
made if the table is still the one it was rehearsed on.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from router.changes.carrying import Carrying
from router.changes.foresight import Foresight
from router.changes.owed import move_back
from router.changes.previewing import NOTHING, Preview
from router.changes.showing import shown
from router.changes.wishes import By, Done, Wish
from router.commitments.commitment import Terms
from router.routing.configuration import Change
from router.routing.table import Table
from router.storage.audit import Entry, append
from router.storage.commitments import Keeper
from router.storage.database import Overtaken, Transaction
from router.storage.leavings import taken_back
from router.storage.publisher import Publisher
from router.storage.tables import version_in

TRIES = 3  # to make a change that was looked at for seconds; others have changed the table each time

T = TypeVar("T")
Work = Callable[[Carrying, Table | None], Awaitable[T]]
"""Changes what it is given. It may be asked more than once, each time with nothing of the time before in the rows."""


class _MovedOn(Exception):
    """The table that was looked ahead from is the newest no longer."""


class Door:
    """The one way by which people, lines, accounts and all the rest are changed. `close` it in the end."""

    def __init__(
        self,
        publisher: Publisher,
        *,
        external_prefixes: Sequence[str] = (),
        foresight: Foresight | None = None,
        keeper: Keeper = Keeper(terms=Terms()),  # noqa: B008 (a frozen value)
    ) -> None:
        """`keeper` hands over what somebody owes who leaves."""
        self.keeper = keeper
        self._publisher = publisher
        self._external_prefixes = tuple(external_prefixes)
        self._foresight = foresight or Foresight()
        self._looking_ahead = asyncio.Lock()  # or of two at once one would have to do it again

    async def do(self, wishes: Sequence[Wish], by: By, now: datetime) -> list[Done]:
        """Carry out these wishes in their order as one change, and return what became of each.

        Where nothing differs there is no new version and nothing on record. Raises ChangeRefused (see its subclasses),
        TableError when no table can be made of it, StorageError; then nothing was changed.
        """

        last: list[Carrying] = []

        async def all_of_them(carrying: Carrying, _: Table | None) -> list[Done]:
            last[:] = [carrying]
            return [await carrying.carry_out(wish) for wish in wishes]

        done = await self.carry(all_of_them, by, now)
        return [replace(one, version=last[0].version) for one in done]

    async def carry(self, work: Work[T], by: By, now: datetime) -> T:
        """Let `work` change what it is given, and take all the steps that follow. Raises as `do`."""
        if not self._takes_long():
            with suppress(_MovedOn):  # it has grown meanwhile
                _, told = await self._in_force(work, by, now, None)
                return told
        async with self._looking_ahead:
            for _ in range(TRIES):
                looked_from = await self._look_ahead(work, now)
                with suppress(_MovedOn):
                    changes, told = await self._in_force(work, by, now, looked_from)
                    await self._tell_foresight(changes, looked_from)
                    return told
        raise Overtaken("others change the table all the time: try again")

    async def preview(self, wishes: Sequence[Wish], now: datetime) -> Preview:
        """What these wishes would lead to as one change; nothing is changed, and nobody waits for it. Raises as `do`.

        That it would leave callers without a person is told, not raised.
        """

        async def rehearsed(transaction: Transaction, _: Table | None) -> tuple[Sequence[Change], None]:
            carrying = Carrying(transaction, now, self._external_prefixes)
            for wish in wishes:
                await carrying.carry_out(wish)
            return carrying.changes, None

        before, changes, _ = await self._publisher.rehearse(rehearsed)
        if before is None or not changes:
            return NOTHING  # no call is decided yet, or none is decided otherwise
        return await self._foresight.preview(before, changes, now)

    async def close(self) -> None:
        """End the process that looks ahead, if there is one."""
        await self._foresight.close()

    def _takes_long(self) -> bool:
        return self._publisher.table is not None and self._foresight.takes_long(self._publisher.table)

    async def _look_ahead(self, work: Work[T], now: datetime) -> Table | None:
        """For a large table: before the change lock is taken, so that nobody waits for it. Raises as `do`."""

        async def rehearsed(transaction: Transaction, before: Table | None) -> tuple[Sequence[Change], None]:
            carrying = Carrying(transaction, now, self._external_prefixes)
            await work(carrying, before)
            return carrying.to_weigh, None

        before, changes, _ = await self._publisher.rehearse(rehearsed)
        if before is not None and changes:
            before.with_changes(changes)  # where no table can be made of it there is nothing to look at
            await self._foresight.refuse_dead_ends_aside(before, changes, now)
        return before

    async def _in_force(
        self, work: Work[T], by: By, now: datetime, looked_from: Table | None
    ) -> tuple[Sequence[Change], T]:
        async def steps(
            transaction: Transaction, before: Table | None
        ) -> tuple[Sequence[Change], tuple[Sequence[Change], T]]:
            carrying = Carrying(transaction, now, self._external_prefixes)
            told = await work(carrying, before)
            if before is not None and carrying.to_weigh:
                if not self._foresight.takes_long(before):
                    self._foresight.refuse_dead_ends(before, before.with_changes(carrying.to_weigh), now)
                elif before is not looked_from:
                    raise _MovedOn
            version = await version_in(transaction) + 1
            carrying.version = version if carrying.changes else None
            await append(transaction, [_entry(done, by, now, version) for done in carrying.done])
            if before is not None and carrying.changes:
                await self._follow_up(carrying, before.with_changes(carrying.changes), version, now)
            return carrying.changes, (carrying.changes, told)

        return await self._publisher.change(steps, now)

    async def _tell_foresight(self, changes: Sequence[Change], looked_from: Table | None) -> None:
        table = self._publisher.table
        if changes and looked_from is not None and table is not None and table.version == looked_from.version + 1:
            await self._foresight.in_force(changes, table)

    async def _follow_up(self, carrying: Carrying, after: Table, version: int, now: datetime) -> None:
        for leaving in carrying.taken_back:
            await move_back(carrying.rows, leaving, self.keeper, after, now)
            await taken_back(carrying.rows, leaving)
        for then in carrying.afterwards:
            await then(after, version)


def _entry(done: Done, by: By, now: datetime, version: int) -> Entry:
    return Entry(
        at=now,
        actor=by.actor,
        key=by.key,
        source=by.source,
        kind=done.declared.noun.value,
        object=done.kept.entity.id,
        action=done.action,
        before=None if done.before is None else shown(done.declared, done.before),
        after=None if done.after is None else shown(done.declared, done.after),
        version=version,
        undoes=done.undoes,
    )
