"""Who listens while a story is told: somebody who follows the stream of events, and somebody who receives webhooks."""

import asyncio
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from router.lab.stand import Stand
from tests.notices.receiver import Receiver, receiving

AGAIN = 0.1  # seconds before connecting anew
SILENCE = 30.0  # seconds; a comment comes twice as often
HEARD_WITHIN = 30.0  # seconds for what was written; a dead router's events are taken over after 15
LOOK_EVERY = 0.05  # seconds between two looks at something that tells nobody


@dataclass(slots=True)
class Follower:
    """Follows `GET /events` in a thread, and goes on where it was whenever it is cut off."""

    stand: Stand
    events: list[tuple[int, str, dict[str, Any]]] = field(default_factory=list)  # id, name, data
    connected: int = 0
    _last: int | None = None
    _over: bool = False
    _connection: http.client.HTTPConnection | None = None

    def cut(self) -> None:
        """Cut the connection, as a proxy or a train's tunnel would."""
        connection = self._connection
        if connection is not None and connection.sock is not None:
            with suppress(OSError):
                connection.sock.shutdown(2)

    def named(self, name: str) -> list[dict[str, Any]]:
        return [data for _, event, data in self.events if event == name]

    def ids(self) -> list[int]:
        """Of all events but snapshots."""
        return [identity for identity, event, _ in self.events if event != "snapshot"]

    def run(self) -> None:
        while not self._over:
            with suppress(OSError, http.client.HTTPException, ValueError):
                self._follow()
            time.sleep(AGAIN)

    def stop(self) -> None:
        self._over = True
        self.cut()

    def _follow(self) -> None:
        address = self.stand.router.address.removeprefix("http://")
        headers = {"Authorization": f"Bearer {self.stand.key}"}
        if self._last is not None:
            headers["Last-Event-ID"] = str(self._last)
        self._connection = http.client.HTTPConnection(address, timeout=SILENCE)
        with closing(self._connection):
            self._connection.request("GET", "/api/v1/events", headers=headers)
            with self._connection.getresponse() as answer:
                if answer.status == 200:
                    self.connected += 1
                    self._read(answer)

    def _read(self, answer: http.client.HTTPResponse) -> None:
        fields: dict[str, str] = {}
        while line := answer.readline():
            text = line.decode().rstrip("\n")
            if text:
                name, _, value = text.partition(": ")
                fields[name] = value
                continue
            if "event" in fields:
                self.events.append((int(fields["id"]), fields["event"], json.loads(fields["data"])))
                self._last = int(fields["id"])
            fields = {}


@contextmanager
def following(stand: Stand) -> Iterator[Follower]:
    follower = Follower(stand)
    thread = threading.Thread(target=follower.run, daemon=True)
    thread.start()
    try:
        wait_for(lambda: bool(follower.events))
        yield follower
    finally:
        follower.stop()
        thread.join(HEARD_WITHIN)


@contextmanager
def receiver_in_a_thread() -> Iterator[Receiver]:
    """A receiver of webhooks that answers while the story waits for phones."""
    started, over = threading.Event(), asyncio.Event()
    found: list[Receiver] = []
    loop = asyncio.new_event_loop()

    async def receive() -> None:
        async with receiving() as receiver:
            found.append(receiver)
            started.set()
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(receive()), daemon=True)
    thread.start()
    assert started.wait(HEARD_WITHIN)
    try:
        yield found[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(HEARD_WITHIN)
        loop.close()


def wait_for(condition: Callable[[], bool], within: float = HEARD_WITHIN) -> None:
    """Wait until this holds. Raises TimeoutError when it doesn't within so many seconds."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(LOOK_EVERY)
