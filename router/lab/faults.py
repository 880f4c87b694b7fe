"""What if a wire of the router fails? A proxy on loopback that cuts, swallows and delays."""

import asyncio
import socket
import struct
from pathlib import Path
from types import TracebackType
from typing import Self

from router.lab.ports import LOOPBACK

CHUNK = 65_536  # bytes read at a time
CLOSE_WITHIN = 2.0  # seconds for the ends of reset connections to be noticed; one round of the loop is usual
HELD = 256  # chunks kept while the wire is mute or slow; then the sender notices, as it would on a real one


class AmiProxy:
    """Stands between the router and an Asterisk's AMI port, or a PostgreSQL's socket.

        async with AmiProxy(pbx.ami_port) as proxy:
            router = start_router(ami_port=proxy.port)
            proxy.swallow()   # connected, and nothing gets through
            proxy.mend()      # what was held arrives now, as after a network's pause

    Nothing here waits: a fault holds from the moment it is asked for.
    """

    def __init__(self, to: int | Path) -> None:
        self.to = to
        self.port = 0  # known once it is open; stays the same after refuse() and mend()
        self.accepted = 0
        self._delay = 0.0
        self._through = asyncio.Event()
        self._through.set()
        self._refusing = False
        self._wires: set[asyncio.StreamWriter] = set()
        self._carriers: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def open_wires(self) -> int:
        """Connections that stand now."""
        return len(self._wires) // 2

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._carry, LOOPBACK, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
            self._through.set()
            self.cut()
            await self._server.wait_closed()
            if self._carriers:
                await asyncio.wait(self._carriers, timeout=CLOSE_WITHIN)

    def cut(self) -> None:
        """Reset every connection that stands; new ones are let through."""
        for wire in tuple(self._wires):
            _reset(wire)

    def refuse(self) -> None:
        """Reset every connection, and each new one as soon as it comes."""
        self._refusing = True
        self.cut()

    def swallow(self) -> None:
        """Keep connections, also new ones, and let nothing through in either direction."""
        self._through.clear()

    def delay(self, seconds: float) -> None:
        """Let everything arrive this much later, in both directions."""
        self._delay = seconds

    def mend(self) -> None:
        """Undo every fault; what was swallowed arrives."""
        self._refusing = False
        self._delay = 0.0
        self._through.set()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if self._refusing:
            _reset(writer)
            return
        try:
            if isinstance(self.to, Path):
                far_reader, far_writer = await asyncio.open_unix_connection(self.to)
            else:
                far_reader, far_writer = await asyncio.open_connection(LOOPBACK, self.to)
        except OSError:
            _reset(writer)
            return
        self._wires |= {writer, far_writer}
        carrier = asyncio.current_task()
        assert carrier is not None
        self._carriers.add(carrier)
        there: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(HELD)
        back: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(HELD)
        try:
            async with asyncio.TaskGroup() as wire:
                wire.create_task(self._take(reader, there))
                wire.create_task(self._give(there, far_writer))
                wire.create_task(self._take(far_reader, back))
                wire.create_task(self._give(back, writer))
        except* _HungUpError:
            pass
        finally:
            self._wires -= {writer, far_writer}
            self._carriers.discard(carrier)
            writer.close()
            far_writer.close()

    # Reading and writing are apart, so that a delay makes everything later and nothing slower.

    async def _take(self, reader: asyncio.StreamReader, held: asyncio.Queue[tuple[float, bytes]]) -> None:
        data = b"-"
        while data:
            try:
                data = await reader.read(CHUNK)
            except OSError:
                data = b""
            await held.put((asyncio.get_running_loop().time() + self._delay, data))

    async def _give(self, held: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        while True:
            due, data = await held.get()
            await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
            await self._through.wait()
            if not data:
                raise _HungUpError
            writer.write(data)
            try:
                await writer.drain()
            except OSError:
                raise _HungUpError from None


class _HungUpError(Exception):
    """One side is gone, so the other is let go as well."""


def _reset(writer: asyncio.StreamWriter) -> None:
    """End a connection the hard way: the other side sees a reset, not an orderly end."""
    line = writer.get_extra_info("socket")
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
