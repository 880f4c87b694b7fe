"""Does the proxy break the wire in the way it says, and mend it?"""

import asyncio
from collections.abc import AsyncIterator

import pytest

from router.lab.faults import AmiProxy

SOON = 2.0  # seconds; everything here happens on loopback within a millisecond


@pytest.fixture
async def echo() -> AsyncIterator[int]:
    """The port of a server that says every line back."""

    async def say_back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(line)
        except OSError:
            pass
        writer.close()

    server = await asyncio.start_server(say_back, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def _line(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(SOON):
        return await reader.readline()


async def test_an_unbroken_wire_carries_everything(echo: int) -> None:
    async with AmiProxy(echo) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"hello\n")

        assert await _line(reader) == b"hello\n"
        assert (proxy.accepted, proxy.open_wires) == (1, 1)
        writer.close()


async def test_a_cut_is_a_reset_and_the_next_connection_works(echo: int) -> None:
    async with AmiProxy(echo) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"hello\n")
        await _line(reader)
        proxy.cut()
        with pytest.raises(ConnectionResetError):
            await _line(reader)
        writer.close()

        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"again\n")
        assert await _line(reader) == b"again\n"
        writer.close()


async def test_refused_until_it_is_mended(echo: int) -> None:
    async with AmiProxy(echo) as proxy:
        proxy.refuse()
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        with pytest.raises(ConnectionResetError):
            await _line(reader)
        writer.close()
        proxy.mend()

        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"hello\n")
        assert await _line(reader) == b"hello\n"
        writer.close()


async def test_what_is_swallowed_arrives_only_when_the_wire_is_mended(echo: int) -> None:
    async with AmiProxy(echo) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        proxy.swallow()
        writer.write(b"held\n")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.readline(), 0.1)
        assert proxy.open_wires == 1
        proxy.mend()

        assert await _line(reader) == b"held\n"
        writer.close()


async def test_a_delay_makes_all_of_it_later_and_keeps_the_order(echo: int) -> None:
    async with AmiProxy(echo) as proxy:
        proxy.delay(0.05)
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        began = asyncio.get_running_loop().time()
        writer.write(b"one\n")
        await writer.drain()
        writer.write(b"two\n")

        assert await _line(reader) + await _line(reader) == b"one\ntwo\n"
        assert 0.1 <= asyncio.get_running_loop().time() - began < 1.0
        writer.close()


async def test_a_dead_far_end_is_seen_as_a_reset() -> None:
    async with AmiProxy(1) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)

        with pytest.raises(ConnectionResetError):
            await _line(reader)
        writer.close()
