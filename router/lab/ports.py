"""Which ports on loopback belong to this one private Asterisk and its phones?"""

import itertools
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing

# Below 32,768, where the kernel begins to hand out ports of its own to whoever asks.
FIRST = 10_000
LAST = 32_767
KEPT = 100  # for what stays as long as the Asterisk does: its own ports, and where phones listen
PASSING = 300  # for callers and phones of one story after the other
RTP = 2_400  # two per channel: 1,200 channels
BLOCK = KEPT + PASSING + RTP  # room for eight private Asterisks at a time
LOOPBACK = "127.0.0.1"


class NoPortsLeft(Exception):
    """Every block is taken: other private Asterisks run on this machine."""


class Ports:
    """A block of ports, claimed by holding its first one open: released by close(), and by the end of the process."""

    def __init__(self) -> None:
        for base in range(FIRST, LAST - BLOCK, BLOCK):
            claim = _bind(socket.SOCK_STREAM, base)
            if claim is not None:
                self._claim = claim
                break
        else:
            raise NoPortsLeft("eight private Asterisks run on this machine already: stop one of them")
        passing = base + KEPT
        self.rtp = (passing + PASSING, base + BLOCK - 1)
        # every other port: what takes one may take its neighbour as well, as RTP and RTCP do
        self._kept = iter(range(base + 2, passing, 2))
        self._passing = itertools.cycle(range(passing, passing + PASSING, 2))

    def one(self) -> int:
        """A port for good: free for TCP and UDP on every address, and never given away again."""
        for port in self._kept:
            if _free(port) and _free(port + 1):
                return port
        raise NoPortsLeft("this private Asterisk has used up its ports")

    def passing(self) -> int:
        """A port for a while: free now, and given away again when it is free and all others had their turn."""
        for port in itertools.islice(self._passing, PASSING // 2):
            if _free(port) and _free(port + 1):
                return port
        raise NoPortsLeft("too many phones and callers at a time")

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
