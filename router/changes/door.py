"""How does a change come into force?

Every change takes the same steps in one transaction under the change lock: what was written is checked (its fields,
what it refers to, what only one may have), applied to the rows, the table that it makes is looked through for callers
who would reach nobody, and it is put on record and given its version. Then the table is published: decisions are made
from it before `do` returns. What is refused leaves nothing behind.

To look through a large table takes seconds. Then the change is rehearsed and undone, looked at without the lock, and
made if the table is still the one it was rehearsed on.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial

from router.changes.carrying import Carrying
from router.changes.foresight import Foresight
from router.changes.showing import shown
from router.changes.wishes import By, Done, Wish
from router.routing.configuration import Change
from router.routing.table import Table
from router.storage.audit import Entry, append
from router.storage.database import Overtaken, Transaction
from router.storage.publisher import Publisher
from router.storage.tables import version_in

TRIES = 3  # to make a change that was looked at for seconds; others have changed the table each time


class _MovedOn(Exception):
    """The table that was looked ahead from is the newest no longer."""


class Door:
    """The one way by which people, lines, accounts and all the rest are changed. `close` it in the end."""

    def __init__(
        self, publisher: Publisher, *, external_prefixes: Sequence[str] = (), foresight: Foresight | None = None
    ) -> None:
        self._publisher = publisher
        self._external_prefixes = tuple(external_prefixes)
        self._foresight = foresight or Foresight()
        self._looking_ahead = asyncio.Lock()  # or of two at once one would have to do it again

    async def do(self, wishes: Sequence[Wish], by: By, now: datetime) -> list[Done]:
        """Carry out these wishes in their order as one change, and return what became of each.

        Where nothing differs there is no new version and nothing on record. Raises ChangeRefused (see its subclasses),
        TableError when no table can be made of it, StorageError; then nothing was changed.
        """
        if not self._takes_long():
            with suppress(_MovedOn):  # it has grown meanwhile
                return await self._publisher.change(partial(self._carry_out, wishes, by, now, None), now)
        async with self._looking_ahead:
            for _ in range(TRIES):
                looked_from = await self._look_ahead(wishes, now)
                with suppress(_MovedOn):
                    return await self._carried_out(wishes, by, now, looked_from)
        raise Overtaken("others change the table all the time: try again")

    async def close(self) -> None:
        """End the process that looks ahead, if there is one."""
        await self._foresight.close()

    def _takes_long(self) -> bool:
        return self._publisher.table is not None and self._foresight.takes_long(self._publisher.table)

    async def _look_ahead(self, wishes: Sequence[Wish], now: datetime) -> Table | None:
        """For a large table: before the change lock is taken, so that nobody waits for it. Raises as `do`."""
        before, changes, _ = await self._publisher.rehearse(partial(self._written, wishes, now))
        if before is not None and changes:
            before.with_changes(changes)  # where no table can be made of it there is nothing to look at
            await self._foresight.refuse_dead_ends_aside(before, changes, now)
        return before

    async def _carried_out(
        self, wishes: Sequence[Wish], by: By, now: datetime, looked_from: Table | None
    ) -> list[Done]:
        carried: list[Sequence[Change]] = []

        async def work(transaction: Transaction, before: Table | None) -> tuple[Sequence[Change], list[Done]]:
            changes, told = await self._carry_out(wishes, by, now, looked_from, transaction, before)
            carried.append(changes)
            return changes, told

        done = await self._publisher.change(work, now)
        table, (*_, changes) = self._publisher.table, carried
        if changes and looked_from is not None and table is not None and table.version == looked_from.version + 1:
            await self._foresight.in_force(changes, table)
        return done

    async def _carry_out(
        self,
        wishes: Sequence[Wish],
        by: By,
        now: datetime,
        looked_from: Table | None,
        transaction: Transaction,
        before: Table | None,
    ) -> tuple[Sequence[Change], list[Done]]:
        carrying = Carrying(transaction, now, self._external_prefixes)
        told = [await carrying.carry_out(wish) for wish in wishes]
        if before is not None and carrying.changes:
            after = before.with_changes(carrying.changes)
            if not self._foresight.takes_long(before):
                self._foresight.refuse_dead_ends(before, after, now)
            elif before is not looked_from:
                raise _MovedOn
        version = await version_in(transaction) + 1
        await append(transaction, [_entry(done, by, now, version) for done in carrying.done])
        return carrying.changes, told

    async def _written(
        self, wishes: Sequence[Wish], now: datetime, transaction: Transaction, _: Table | None
    ) -> tuple[Sequence[Change], list[Done]]:
        carrying = Carrying(transaction, now, self._external_prefixes)
        told = [await carrying.carry_out(wish) for wish in wishes]
        return carrying.changes, told


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
