"""Which events go to which program now, and what comes of it?

Each receiver is asked by itself: who is slow or away holds up nobody else, and gets its events in their order.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from time import monotonic

import structlog

from router.notices.webhook import Post, PostFailed, PostGone, send
from router.storage import webhooks
from router.storage.database import Database
from router.storage.webhooks import Waiting

SENDS_FOR = 3.0  # seconds to one receiver, then the others' turn comes again; what is left is taken anew

log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class Courier:
    """Sends what waits for webhooks. Its figures are counters. `private`: see ROUTER_WEBHOOK_PRIVATE."""

    db: Database
    private: bool = False
    sent: int = 0
    failed: int = 0  # tries

    async def post(self, now: datetime) -> int:
        """Send what is due by now; returns how many have arrived. Raises StorageError."""
        arrived = 0
        while taken := await webhooks.take(self.db, now):
            in_turn = sorted(taken, key=lambda one: one.webhook)  # stable: each keeps its order
            each = [list(theirs) for _, theirs in groupby(in_turn, key=lambda one: one.webhook)]
            arrived += sum(await asyncio.gather(*[self._post_to_one(theirs, now) for theirs in each]))
            if len(taken) < webhooks.AT_ONCE:  # else more may be due
                break
        return arrived

    async def _post_to_one(self, theirs: Sequence[Waiting], now: datetime) -> int:
        began = monotonic()
        for place, one in enumerate(theirs):
            if monotonic() - began > SENDS_FOR:
                await webhooks.put_back(self.db, theirs[place:], now)
                return place
            notice = one.notice
            data = notice.data(sees_private=False)
            post = Post(url=one.url, secret=one.secret, id=notice.id, event=notice.name, data=data)
            try:
                await send(post, round(now.timestamp()), private=self.private)
            except PostFailed as fault:
                self.failed += 1
                gone, rest = isinstance(fault, PostGone), theirs[place + 1 :]
                disabled = await webhooks.not_delivered(self.db, one, str(fault), now, rest=rest, gone=gone)
                level = log.error if disabled else log.warning
                level("webhook disabled" if disabled else "webhook waits", webhook=one.webhook, why=str(fault))
                return place
            await webhooks.delivered(self.db, one, now)
            self.sent += 1
        return len(theirs)
