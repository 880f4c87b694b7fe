"""What would a change lead to?

That is asked of every kind of call of the coming year. For a small table it is found out at once; for a large one it
takes seconds, so it is found out in a child process, and by whoever asks outside of any transaction.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeVar

from router.changes.aside import Child, NotDone
from router.changes.dead_ends import DeadEnds
from router.changes.faults import LeadsNowhere, NotLookedAhead, Nowhere
from router.changes.handed import Forgotten, HandOver, table_of
from router.changes.previewing import Preview, preview
from router.routing.configuration import Change
from router.routing.table import Table

# Objects of a table that is looked through at once, in the loop that routes calls: the sample company has 60, and takes
# 2 ms when its hours are known (each 4 ms more when they are not). One of these objects gives rise to some five
# questions, at 20 µs each.
AT_ONCE = 100

# Seconds to look through a large table. The largest that was measured (2,000 lines, 500 people, 100,000 accounts, with
# covers and overrides all over the year) takes 17, every change may need it to be done twice, and calls go first.
LOOK_WITHIN = 120.0

TRIES = 2  # a process that has died between two questions is replaced; one that dies of the question is not tried again

_UNKNOWN = "what this change leads to could not be found out, so nothing was changed"

T = TypeVar("T")


class Foresight:
    """Looks ahead, here or aside. `close` it: it may have a process of its own."""

    def __init__(self, *, at_once: int = AT_ONCE) -> None:
        self._at_once = at_once
        self._dead_ends = DeadEnds()
        self._child = Child("foresight")
        self._there = HandOver(self._child)
        self._turn = asyncio.Lock()  # one table at a time is handed over and asked about

    @property
    def child(self) -> int | None:
        """The process aside, None while there is none."""
        return self._child.pid

    @property
    def busy(self) -> bool:
        """Whether something is being found out aside."""
        return self._turn.locked()

    def takes_long(self, table: Table) -> bool:
        """Whether it can't be found out at once what a change of this table leads to."""
        return _size(table) > self._at_once

    def refuse_dead_ends(self, before: Table, after: Table, now: datetime) -> None:
        """Raises LeadsNowhere, with each way that leads nowhere and did lead somewhere before. For small tables."""
        if nowhere := self._dead_ends.new_ones(before, after, now):
            raise LeadsNowhere(nowhere)

    async def refuse_dead_ends_aside(self, before: Table, changes: Sequence[Change], now: datetime) -> None:
        """The same for large tables. Raises LeadsNowhere; NotLookedAhead when it can't be found out."""
        if nowhere := await self._aside(before, _new_dead_ends, list(changes), now):
            raise LeadsNowhere(nowhere)

    async def in_force(self, changes: Sequence[Change], after: Table) -> None:
        """The change whose dead ends were looked for last has made this table: what is known of it stays known.

        Raises nothing: if it doesn't get there, the next change takes longer.
        """
        async with self._turn:
            with suppress(NotDone, Forgotten):
                await self._there.follow(changes, after)
                await self._child.do(_in_force, LOOK_WITHIN, after.version)

    async def preview(self, before: Table, changes: Sequence[Change], now: datetime) -> Preview:
        """What these changes would lead to; aside also for a small table, where it takes some 20 ms.

        Raises TableError when they make no table, NotLookedAhead.
        """
        return await self._aside(before, _preview, list(changes), now)

    async def close(self) -> None:
        """End the process, if there is one."""
        await self._child.close()

    async def _aside(self, table: Table, function: Callable[..., T], *about: Any) -> T:
        async with self._turn:
            for _ in range(TRIES):
                try:
                    token = await self._there.hand(table)
                    return await self._child.do(function, LOOK_WITHIN, token, *about)
                except Forgotten:
                    continue  # it has died meanwhile, and another one was asked
                except NotDone as fault:
                    raise NotLookedAhead(f"{_UNKNOWN}, because {fault}: try again") from None
        raise NotLookedAhead(f"{_UNKNOWN}: try again")


def _size(table: Table) -> int:
    few = (table.people, table.desks, table.lines, table.jobs, table.covers, table.overrides, table.rules, table.hours)
    return sum(map(len, few)) + len(table.accounts)


# ── In the process aside ─────────────────────────────────────────────────────────────────────────────────────────────

_dead_ends = DeadEnds()


def _new_dead_ends(token: int, changes: Sequence[Change], now: datetime) -> list[Nowhere]:
    before = table_of(token)
    return _dead_ends.new_ones_of_much(before, before.with_changes(changes), now)


def _preview(token: int, changes: Sequence[Change], now: datetime) -> Preview:
    return preview(table_of(token), changes, now)


def _in_force(version: int) -> None:
    _dead_ends.in_force(version)
