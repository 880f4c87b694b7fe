"""Who receives webhooks in these tests? A real HTTP server on loopback that can fail, hang and redirect."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

HANGS = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    headers: Mapping[str, str]
    body: bytes

    @property
    def data(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True)
class Receiver:
    """`status` is what it answers next, HANGS for nothing at all; `to` is where it redirects."""

    port: int = 0
    status: int = 204
    to: str = ""
    received: list[Received] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/events"

    @property
    def ids(self) -> list[int]:
        """Of the events that it has taken, in order."""
        return [int(one.headers["router-id"]) for one in self.received]

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            lines = [line.partition(": ") for line in head.split("\r\n")[1:] if line]
            headers = {name.lower(): value for name, _, value in lines}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            if self.status == HANGS:
                await reader.read()  # until the other side has had enough
                return
            if 200 <= self.status < 300:
                self.received.append(Received(headers=headers, body=body))
            location = f"Location: {self.to}\r\n" if self.to else ""
            writer.write(f"HTTP/1.1 {self.status} X\r\n{location}Content-Length: 0\r\n\r\n".encode())
            await writer.drain()
        finally:
            writer.close()


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.answer, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
