"""Which parts do the stories of this folder share?"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime

import pytest

from router.ami.link import AmiLink, AmiSettings
from router.ami.timing import Timing
from tests.ami.fake_asterisk import FakeAsterisk, Listener, fake_asterisk

QUICK = Timing(
    connect_within=1.0,
    login_within=2.0,
    answer_within=2.0,
    list_within=2.0,
    beat_every=0.02,
    pong_within=1.0,
    look_every=60.0,
    retry_first=0.01,
    retry_most=0.04,
    retry_refused=0.2,
    farewell_within=0.3,
)

Router = Callable[..., AbstractAsyncContextManager[tuple[AmiLink, Listener]]]


@pytest.fixture
async def asterisk() -> AsyncIterator[FakeAsterisk]:
    async with fake_asterisk() as asterisk:
        yield asterisk


@pytest.fixture
def router(asterisk: FakeAsterisk) -> Router:
    """Starts a link to the fake Asterisk, and stops it in the ordinary way."""

    @asynccontextmanager
    async def start(
        *,
        secret: str = "right",
        timing: Timing = QUICK,
        since: datetime | None = None,
        listener: Listener | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> AsyncIterator[tuple[AmiLink, Listener]]:
        listener = listener or Listener()
        settings = AmiSettings(port=asterisk.port, secret=secret, pbx="pbx")
        link = AmiLink(settings, listener, journal_since=since, timing=timing, now=now)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(link.run())
            try:
                yield link, listener
            finally:
                running.cancel()

    return start
