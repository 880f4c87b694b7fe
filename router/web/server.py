"""On which address is the API reached, and how does it stop?"""

import asyncio
import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

LAST_REQUESTS_WITHIN = 3  # seconds for requests under way at a stop: each of ours answers in milliseconds
BACKLOG = 128  # connections that wait to be accepted; more at once is nobody of ours
UNREAD_FOR = 10.0  # seconds in which the other side reads nothing of an answer: the kernel ends the connection then


class CannotListen(OSError):
    """The address can't be had; the message says why and what to do."""


class WebServer:
    """One HTTP server in the loop of the whole router. Signals are not its business."""

    def __init__(self, app: FastAPI, host: str, port: int) -> None:
        """Binds at once, so that a wrong address stops the start. Raises CannotListen; port 0 takes a free one."""
        self._socket = _bind(host, port)
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=LAST_REQUESTS_WITHIN,
            server_header=False,
        )
        self._server = _WithoutSignals(config)
        bound, self.port = self._socket.getsockname()[:2]
        self.url = f"http://[{bound}]:{self.port}" if ":" in bound else f"http://{bound}:{self.port}"

    async def run(self) -> None:
        """Answers requests until `stop`, or until it is cancelled."""
        try:
            await self._server.serve(sockets=[self._socket])
        except asyncio.CancelledError:
            self._server.force_exit = True
            raise
        finally:
            self.close()

    def close(self) -> None:
        """Give the address back; for a server that was never run."""
        self._socket.close()

    def stop(self) -> None:
        """Take no more requests; `run` ends when those under way are answered."""
        self._server.should_exit = True


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _WithoutSignals(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _bind(host: str, port: int) -> socket.socket:
    try:
        (family, kind, protocol, _, address), *_ = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except socket.gaierror as fault:
        raise CannotListen(f"{host} is no address of this machine: {fault.strerror}") from None
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; who is accepted inherits it
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(UNREAD_FOR * 1000))
        listening.bind(address)
        listening.listen(BACKLOG)
    except OSError as fault:
        listening.close()
        raise CannotListen(f"can't listen on {host} port {port}: {fault.strerror}") from None
    return listening
