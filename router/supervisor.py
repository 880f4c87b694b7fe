"""What does systemd hear of us, when it has started us and waits for word?

Its protocol (sd_notify) in a few lines: datagrams of `NAME=value` lines to the socket that NOTIFY_SOCKET names. Whoever
was started by somebody else says nothing, and nothing else differs.
"""

import asyncio
import socket
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

import structlog

LOOK_EVERY = 1.0  # seconds between two looks at how we stand; also between two beats, where half the patience is longer
LONGEST_STATUS = 500  # characters; `systemctl status` shows one line
MICROSECONDS = 1_000_000

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervisor:
    """Who waits for word: at `address`, a path or `@name`; empty for nobody.

    `patience` are the seconds without a beat after which it ends us, None when it waits for no beats.
    """

    address: str = ""
    patience: float | None = None

    async def follow(self, status: Callable[[], str]) -> NoReturn:
        """Say that we are ready, then that this loop lives, and how we stand whenever that changes; until cancelled.

        A loop that hangs says nothing any more: that is the point. Raises nothing of its own.
        """
        every = LOOK_EVERY if self.patience is None else min(LOOK_EVERY, self.patience / 2)
        ready, told = False, ""
        while True:
            stands = _told_by(status, told)
            words = [] if ready else ["READY=1"]
            words += ["WATCHDOG=1"] if self.patience is not None else []
            words += [f"STATUS={stands}"] if stands != told else []
            if words and self._say(words):
                ready, told = True, stands
            await asyncio.sleep(every)

    def stopping(self, status: str) -> None:
        """Say that we stop, because somebody asked us to, and what is still done. Raises nothing."""
        self._say(["STOPPING=1", f"STATUS={_one_line(status)}"])

    def _say(self, words: list[str]) -> bool:
        """Whether there is nothing left to be said; what could not be sent is no reason to wait."""
        if not self.address:
            return True
        address = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wire:
                wire.setblocking(False)
                wire.sendto("\n".join(words).encode(), address)
        except OSError as fault:
            log.warning("systemd can't be told", what=words, why=str(fault))
            return False
        return True


def who_waits(environment: MutableMapping[str, str], pid: int) -> Supervisor:
    """Who started the process with this id and this environment, and waits for word.

    What says so is taken out of the environment: programs that we start are not to answer for us.
    """
    address = environment.pop("NOTIFY_SOCKET", "")
    microseconds = environment.pop("WATCHDOG_USEC", "")
    meant = environment.pop("WATCHDOG_PID", "") or str(pid)
    if not address.startswith(("/", "@")):
        return Supervisor()
    patience = None
    if meant == str(pid):
        with suppress(ValueError):
            patience = int(microseconds) / MICROSECONDS
    return Supervisor(address=address, patience=patience if patience is not None and patience > 0 else None)


def _told_by(status: Callable[[], str], before: str) -> str:
    try:
        said = status()
    except Exception:
        # A slip of ours in a sentence for people must not end a router that steers calls.
        said = "How it stands can't be told; the log says why."
        if said != before:
            log.exception("how we stand can't be told")
    return _one_line(said)


def _one_line(said: str) -> str:
    """A line break would be a word of the protocol."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in said).split())[:LONGEST_STATUS]
