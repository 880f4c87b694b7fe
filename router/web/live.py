"""Who follows what happens, and what have they not seen yet?

Followers share what was read last; who has fallen behind that reads from the database by itself. So nobody's slowness
costs memory, and how many there are costs the database next to nothing.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from router.storage.database import Database, StorageError
from router.storage.keys import usable_among
from router.storage.notices import AT_ONCE, KEPT_FOR, Notice, forget_before, newest_notice, notices_after, told_at
from router.storage.wakeups import Heard, Topic

FOLLOWERS_AT_MOST = 100  # open streams: every seat of a company of this kind, on a loop that routes calls meanwhile
REMEMBERED = 2000  # notices that all followers share, 1 MB; a minute of 10 calls/s
POLL_EVERY = 0.25  # seconds; what this process writes wakes us at once, what others write is seen by then
KEYS_EVERY = 1.0  # seconds; a key that is revoked ends its streams by then
FORGET_EVERY = 60.0  # seconds; a company of 10,000 calls a day makes some 30 notices in that time
RESUMES_WITHIN = timedelta(days=1)  # who was away for longer begins with a fresh snapshot

log = structlog.get_logger()


class TooMany(Exception):
    """There are as many followers as there may be; the message says so."""


@dataclass(eq=False, slots=True)
class Follower:
    """One open stream. `ended` is why it has to end: empty as long as it goes on."""

    key: str
    ended: str = ""


class Live:
    """Follows the notices for everybody who is connected, as long as somebody is."""

    def __init__(self, db: Database, now: Callable[[], datetime], *, keep: timedelta = KEPT_FOR) -> None:
        """`keep` is how long records keep whole numbers: what was told of calls is forgotten by then at the latest."""
        self.told = 0  # events that were sent, to all followers together
        self.let_go = 0  # followers that read too slowly
        self._db = db
        self._now = now
        self._keep = min(keep, KEPT_FOR)
        self._followers: set[Follower] = set()
        self._recent: deque[Notice] = deque(maxlen=REMEMBERED)
        self._newest: int | None = None  # None while nobody follows
        self._news = asyncio.Condition()
        self._wake = Heard()
        self._closed = False

    @property
    def followers(self) -> int:
        return len(self._followers)

    async def run(self) -> None:
        """Follow until cancelled; a database that is away is waited for."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow(), name="notices")
            tasks.create_task(self._again(self._check_keys, KEYS_EVERY), name="keys of followers")
            tasks.create_task(self._again(self._forget, FORGET_EVERY), name="old notices")

    async def close(self) -> None:
        """Let every follower go, and take no more: the router stops."""
        self._closed = True
        for follower in self._followers:
            follower.ended = "the router stops"
        await self._tell_followers()

    @contextmanager
    def following(self, key: str) -> Iterator[Follower]:
        """A place among the followers, for who shows the key of this prefix. Raises TooMany."""
        if self._closed or len(self._followers) >= FOLLOWERS_AT_MOST:
            raise TooMany(f"{FOLLOWERS_AT_MOST} streams are open already: close one of them, or try later")
        follower = Follower(key=key)
        self._followers.add(follower)
        self._wake.wake()
        try:
            yield follower
        finally:
            self._followers.discard(follower)
            if not self._followers:
                self._newest = None
                self._recent.clear()

    def let_one_go(self) -> None:
        """A follower doesn't read what it is sent."""
        self.let_go += 1
        log.info("a follower of events is let go", why="it doesn't read")

    async def resumes_after(self, notice: int) -> bool:
        """Whether who has seen this notice last can go on from there. Raises StorageError."""
        at = await told_at(self._db, notice)
        return at is not None and self._now() - at <= RESUMES_WITHIN

    async def after(self, follower: Follower, last: int, within: float) -> tuple[Notice, ...]:
        """What was told after this notice, at most AT_ONCE; nothing when `within` seconds brought nothing, or when
        the follower has to end. Raises StorageError.
        """
        try:
            async with asyncio.timeout(within), self._news:
                await self._news.wait_for(lambda: follower.ended or (self._newest or 0) > last)
        except TimeoutError:
            return ()
        if follower.ended:
            return ()
        if self._recent and self._recent[0].id <= last + 1:
            return tuple([notice for notice in self._recent if notice.id > last][:AT_ONCE])
        return await notices_after(self._db, last)

    async def _follow(self) -> None:
        with self._db.wakeups.following(Topic.NOTICES, heard=self._wake):
            while True:
                await self._wake.wait(POLL_EVERY)
                if not self._followers:
                    continue
                try:
                    await self._catch_up()
                except StorageError as fault:
                    log.warning("the stream of events waits", why=str(fault))
                    await asyncio.sleep(KEYS_EVERY)

    async def _catch_up(self) -> None:
        if self._newest is None:
            self._newest = await newest_notice(self._db)
            await self._tell_followers()
            return
        while fresh := await notices_after(self._db, self._newest):
            if self._newest is None:  # the last follower has gone meanwhile
                return
            self._recent.extend(fresh)
            self._newest = fresh[-1].id
            await self._tell_followers()

    async def _tell_followers(self) -> None:
        async with self._news:
            self._news.notify_all()

    async def _check_keys(self) -> None:
        shown = {follower.key for follower in self._followers}
        if not shown:
            return
        usable = await usable_among(self._db, shown, self._now())
        for follower in self._followers:
            if follower.key in shown - usable:
                follower.ended = "the key is revoked or expired"
        if shown - usable:
            await self._tell_followers()

    async def _forget(self) -> None:
        while await forget_before(self._db, self._now() - self._keep) == AT_ONCE:
            pass

    async def _again(self, work: Callable[[], object], every: float) -> None:
        while True:
            await asyncio.sleep(every)
            try:
                await work()  # type: ignore[misc]
            except StorageError as fault:
                log.warning("the stream of events waits", why=str(fault))
