"""How does a change come into force?

Every change takes the same steps in one transaction under the change lock: what was written is checked (its fields,
what it refers to, what only one may have), applied to the rows, the table that it makes is looked through for callers
who would reach nobody, and it is put on record and given its version. Then the table is published: decisions are made
from it before `do` returns. What is refused leaves nothing behind.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeVar

from router.changes.carrying import Carrying
from router.changes.dead_ends import DeadEnds
from router.changes.owed import move_back
from router.changes.showing import shown
from router.changes.wishes import By, Done, Wish
from router.commitments.commitment import Terms
from router.routing.configuration import Change
from router.routing.table import Table
from router.storage.audit import Entry, append
from router.storage.commitments import Keeper
from router.storage.database import Transaction
from router.storage.leavings import taken_back
from router.storage.publisher import Publisher
from router.storage.tables import version_in

T = TypeVar("T")


class Door:
    """The one way by which people, lines, accounts and all the rest are changed."""

    def __init__(
        self,
        publisher: Publisher,
        *,
        external_prefixes: Sequence[str] = (),
        keeper: Keeper = Keeper(terms=Terms()),  # noqa: B008 (a frozen value)
    ) -> None:
        """`keeper` hands over what somebody owes who leaves."""
        self.keeper = keeper
        self._publisher = publisher
        self._external_prefixes = tuple(external_prefixes)
        self._dead_ends = DeadEnds()

    async def do(self, wishes: Sequence[Wish], by: By, now: datetime) -> list[Done]:
        """Carry out these wishes in their order as one change, and return what became of each.

        Where nothing differs there is no new version and nothing on record. Raises ChangeRefused (see its subclasses),
        TableError when no table can be made of it, StorageError; then nothing was changed.
        """

        async def all_of_them(carrying: Carrying, _: Table | None) -> list[Done]:
            return [await carrying.carry_out(wish) for wish in wishes]

        return await self.carry(all_of_them, by, now)

    async def carry(self, work: Callable[[Carrying, Table | None], Awaitable[T]], by: By, now: datetime) -> T:
        """Let `work` change what it is given, and take all the steps that follow. Raises as `do`."""

        async def steps(transaction: Transaction, before: Table | None) -> tuple[Sequence[Change], T]:
            carrying = Carrying(transaction, now, self._external_prefixes)
            told = await work(carrying, before)
            weighed = carrying.changes if carrying.weighed is None else carrying.weighed
            if before is not None and weighed:
                await self._dead_ends.refuse_new_ones(before, before.with_changes(weighed), now)
            version = await version_in(transaction) + 1
            await append(transaction, [_entry(done, by, now, version) for done in carrying.done])
            if before is not None and carrying.changes:
                await self._follow_up(carrying, before.with_changes(carrying.changes), version, now)
            return carrying.changes, told

        return await self._publisher.change(steps, now)

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
