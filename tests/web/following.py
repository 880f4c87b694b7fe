"""How does somebody follow the stream of events in these tests? With a real connection to a real server."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx2

from router.web.server import WebServer
from tests.web.conftest import Office

WITHIN = 10.0  # seconds for what takes milliseconds, on a machine that is busy with other things


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event as it came over the wire; a comment has the name "" and its text as data."""

    name: str
    id: int
    data: Any


class Listener:
    """One open stream."""

    def __init__(self, answer: httpx2.Response) -> None:
        self.answer = answer
        self._lines = answer.aiter_lines()

    async def next(self) -> Event:
        """The next event or comment. Raises StopAsyncIteration at the end, TimeoutError after WITHIN seconds."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(WITHIN):
            while True:
                line = await anext(self._lines)
                if not line:
                    if {"data", ""} & fields.keys():
                        break
                    continue  # so many milliseconds to wait before connecting anew: nothing to hand on
                name, _, value = line.partition(": ")
                fields[name] = value
        if "" in fields:
            return Event(name="", id=0, data=fields[""])
        return Event(name=fields["event"], id=int(fields["id"]), data=json.loads(fields["data"]))

    async def next_of(self, count: int) -> list[Event]:
        return [await self.next() for _ in range(count)]


@asynccontextmanager
async def served(office: Office) -> AsyncIterator[WebServer]:
    """The office's API on a port of its own, with its stream of events."""
    server = WebServer(office.app, "127.0.0.1", 0)
    running = [asyncio.create_task(server.run()), asyncio.create_task(office.live.run())]
    try:
        yield server
    finally:
        await office.live.close()
        server.stop()
        await running[0]
        running[1].cancel()
        with suppress(asyncio.CancelledError):
            await running[1]


@asynccontextmanager
async def following(server: WebServer, key: str, last: int | None = None) -> AsyncIterator[Listener]:
    """A listener with this key, who has seen this event last."""
    headers = {"Authorization": f"Bearer {key}"} | ({"Last-Event-ID": str(last)} if last is not None else {})
    async with (
        httpx2.AsyncClient(timeout=WITHIN) as client,
        client.stream("GET", f"{server.url}/api/v1/events", headers=headers) as answer,
    ):
        yield Listener(answer)
