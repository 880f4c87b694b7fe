"""How do events reach somebody who keeps a connection open (Server-Sent Events)?"""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

# Seconds to take what was sent; who can't in that time is let go, and resumes when they can. Longer than the kernel
# waits (UNREAD_FOR of server.py), which ends such a connection at once and frees what it holds.
SEND_WITHIN = 20.0
RETRY = 2000  # milliseconds after which a browser connects anew
MEDIA_TYPE = "text/event-stream"


def event(name: str, data: Mapping[str, Any], identity: int) -> bytes:
    """One event; JSON has no line breaks, so `data` is one line."""
    return f"id: {identity}\nevent: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def comment(text: str) -> bytes:
    """What a reader ignores, and a dead connection is noticed by."""
    return f": {text}\n\n".encode()


class EventStream(Response):
    """Sends what `parts` gives until that ends, or the other side goes; `slow` is called when it doesn't read.

    `done` is called in any case.
    """

    media_type = MEDIA_TYPE

    def __init__(
        self,
        parts: AsyncGenerator[bytes, None],
        *,
        slow: Callable[[], None],
        done: Callable[[], None],
        send_within: float = SEND_WITHIN,
        status_code: int = 200,  # the framework looks for it when it describes the operation
    ) -> None:
        super().__init__(status_code=status_code, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._parts = parts
        self._slow = slow
        self._done = done
        self._send_within = send_within

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sending = asyncio.create_task(self._send(send))
        leaving = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, leaving):
                task.cancel()
            ends = await asyncio.gather(sending, leaving, return_exceptions=True)
            await self._parts.aclose()
            self._done()
        for end in ends:
            if isinstance(end, Exception):
                raise end

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async for part in self._parts:
            try:
                async with asyncio.timeout(self._send_within):
                    await send({"type": "http.response.body", "body": part, "more_body": True})
            except TimeoutError:
                self._slow()
                return  # without an end: the server closes the connection
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
