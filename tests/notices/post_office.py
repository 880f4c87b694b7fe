"""Which mail server do these stories have? A real one on a socket, which can be shut, slow to decide, or refuse."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import Message

from router.lab.ports import LOOPBACK


class PostOffice:
    """Takes mail for anybody. `answers` replaces the answer to a command: {"RCPT": "550 no such user"}."""

    def __init__(self) -> None:
        self.mails: list[Message] = []
        self.answers: dict[str, str] = {}
        self.port = 0
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Begin to listen, at the port of before if there was one."""
        self._server = await asyncio.start_server(self._serve, LOOPBACK, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        """Nobody listens at the port any more."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def subjects(self, to: str) -> list[str]:
        """What this address was told, in order."""
        return [mail["Subject"] for mail in self.mails if mail["To"] == to]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 post office\r\n")
        try:
            while line := await reader.readline():
                verb = line.decode().split()[0].partition(":")[0].upper()
                answer = self.answers.get(verb, "354 go on" if verb == "DATA" else "250 yes")
                writer.write(f"{answer}\r\n".encode())
                await writer.drain()
                if verb == "DATA" and answer.startswith("354"):
                    self.mails.append(message_from_bytes(await reader.readuntil(b"\r\n.\r\n")))
                    writer.write(b"250 taken\r\n")
                if verb == "QUIT":
                    break
        finally:
            writer.close()


@asynccontextmanager
async def post_office() -> AsyncIterator[PostOffice]:
    office = PostOffice()
    await office.open()
    try:
        yield office
    finally:
        await office.shut()
