"""Who should look now, because somebody has just written something?

Whoever writes says so within the transaction; whoever follows is woken after its commit: in this process at once, in
others by PostgreSQL's NOTIFY (listening.py). A wake-up is a hint: it says where to look and never what is there, and
whoever misses one looks at the next poll.
"""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum


class Topic(StrEnum):
    """What was written."""

    TABLE = "table"  # a new version of the routing table
    ORDERS = "orders"  # something is asked of a PBX
    PRESENCE = "presence"  # somebody signed in or out, or paused
    NOTICES = "notices"  # something the outside shall learn
    SPEAKER = "speaker"  # whoever spoke for a PBX gave it up


class Heard:
    """What one follower waits with between two looks."""

    def __init__(self) -> None:
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """End the wait that is under way, or the next one."""
        self._woken.set()

    async def wait(self, at_most: float) -> bool:
        """Wait for a wake-up since the last wait ended, for so many seconds at most; says whether there was one."""
        try:
            async with asyncio.timeout(at_most):
                await self._woken.wait()
        except TimeoutError:
            return False
        self._woken.clear()
        return True


class Wakeups:
    """Who follows what in this process."""

    def __init__(self) -> None:
        self._followers: dict[Topic, set[Heard]] = {topic: set() for topic in Topic}

    @contextmanager
    def following(self, *topics: Topic, heard: Heard | None = None) -> Iterator[Heard]:
        """Follow these topics as long as the block lasts; with `heard` for who is woken in other ways as well.

        with wakeups.following(Topic.ORDERS) as heard:
            while True:
                await look()
                await heard.wait(POLL_EVERY)  # what is written during a look ends this wait at once
        """
        heard = heard or Heard()
        for topic in topics:
            self._followers[topic].add(heard)
        try:
            yield heard
        finally:
            for topic in topics:
                self._followers[topic].discard(heard)

    def wake(self, topics: Iterable[Topic]) -> None:
        """Wake whoever follows one of these topics in this process. Call it on the loop's own thread."""
        for topic in topics:
            for heard in self._followers[topic]:
                heard.wake()
