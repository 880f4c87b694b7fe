"""Which ports on loopback belong to this one private Asterisk and its phones?"""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing

# Below 32,768, where the kernel begins to hand out ports of its own to whoever asks.
FIRST = 10_000
BLOCK = 4_400  # five blocks: as many private Asterisks at a time
RTP = 4_000  # two per channel: 2,000 channels
LOOPBACK = "127.0.0.1"


class NoPortsLeft(Exception):
    """Every block is taken: other private Asterisks run on this machine."""


class Ports:
    """A block of ports, claimed by holding its first one open: released by close(), and by the end of the process."""

    def __init__(self) -> None:
        for base in range(FIRST, 32_768 - BLOCK, BLOCK):
            claim = _bind(socket.SOCK_STREAM, base)
            if claim is not None:
                self._claim = claim
                break
        else:
            raise NoPortsLeft("five private Asterisks run on this machine already: stop one of them")
        self.rtp = (base + BLOCK - RTP, base + BLOCK - 1)
        self._rest = iter(range(base + 2, base + BLOCK - RTP, 2))

    def one(self) -> int:
        """A port that is free for TCP and UDP on every loopback address; the one after it is never given away."""
        for port in self._rest:
            if _free(port) and _free(port + 1):
                return port
        raise NoPortsLeft("this private Asterisk has used up its ports")

    def close(self) -> None:
        self._claim.close()


def _free(port: int) -> bool:
    with ExitStack() as stack:
        for bound in _bound(port):
            if bound is None:
                return False
            stack.enter_context(closing(bound))
    return True


def _bound(port: int) -> Iterator[socket.socket | None]:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        yield _bind(kind, port, "0.0.0.0")  # closed at once; a program that listens on one address is found as well


def _bind(kind: socket.SocketKind, port: int, address: str = LOOPBACK) -> socket.socket | None:
    bound = socket.socket(socket.AF_INET, kind)
    try:
        bound.bind((address, port))
    except OSError:
        bound.close()
        return None
    return bound
