"""Who speaks to the PBX in the router's name, and not as the router would?

A plain client on a socket: it sees every byte that the router's AMI user may see, and answers as a story tells it to.
"""

import itertools
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from router.ami.dialplan import BEAT_EVERY, EVENT_ARRIVED, GLOBAL_BEAT, GLOBAL_TOKEN, VAR_PLAN
from router.lab.asterisk import PrivateAsterisk
from router.lab.ports import LOOPBACK

LOGIN_WITHIN = 5.0  # seconds
WAIT_AT_MOST = 10.0  # seconds for something that the PBX is about to say

_numbers = itertools.count(1)

Answer = Callable[["Said"], tuple[float, str] | None]  # seconds after the arrival, and the value of the plan variable


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One message of the PBX, whole: its header lines in order, repeated ones too."""

    at: float
    lines: tuple[tuple[str, str], ...]

    def __getitem__(self, key: str) -> str:
        """The last value of that key, or nothing: what a careless reader would take."""
        return dict(self.lines).get(key, "")

    @property
    def repeats(self) -> list[str]:
        keys = [key for key, _ in self.lines]
        return sorted({key for key in keys if keys.count(key) > 1})


@dataclass(slots=True)
class _Due:
    at: float
    channel: str
    value: str


@dataclass(slots=True)
class Scripted:
    """Logged in as `router`. With `beats` it sets heartbeat and token as the router does, so that callers wait.

    with Scripted(pbx, answer=lambda arrived: (0.0, "nonsense")) as liar:
        …
    liar.said                     # everything that the PBX said meanwhile
    """

    pbx: PrivateAsterisk
    answer: Answer | None = None
    beats: bool = True
    token: str = "scripted"
    said: list[Said] = field(default_factory=list)
    _socket: socket.socket = field(init=False)
    _threads: list[threading.Thread] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _heard: threading.Condition = field(default_factory=threading.Condition)
    _due: list[_Due] = field(default_factory=list)
    _sending: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        self._socket = socket.create_connection((LOOPBACK, self.pbx.ami_port), LOGIN_WITHIN)
        self._socket.settimeout(None)
        self._start(self._listen)
        self.send(Action="Login", Username="router", Secret=self.pbx.lab.ami_secret)
        self.wait_for(lambda: any(message["Message"] == "Authentication accepted" for message in self.said))
        if self.beats:
            self.set_global(GLOBAL_TOKEN, self.token)
            self.set_global(GLOBAL_BEAT, str(int(time.time())))
            self._start(self._beat)
        self._start(self._deliver)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        with self._heard:
            self._heard.notify_all()
        self._socket.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(WAIT_AT_MOST)
        self._socket.close()

    def send(self, **headers: str) -> None:
        """Send one action."""
        text = "".join(f"{key}: {value}\r\n" for key, value in headers.items()) + "\r\n"
        with self._sending:
            self._socket.sendall(text.encode())

    def set_global(self, name: str, value: str) -> None:
        """Set a global variable, and wait until it is set."""
        asked = f"{name}-{next(_numbers)}"
        self.send(Action="Setvar", ActionID=asked, Variable=name, Value=value)
        self.wait_for(lambda: any(message["ActionID"] == asked for message in self.said))

    def events(self, name: str) -> list[Said]:
        """Our UserEvents of that name, so far."""
        return [message for message in list(self.said) if message["UserEvent"] == name]

    def wait_for(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds, looking at each message. Raises AssertionError when it never does."""
        with self._heard:
            assert self._heard.wait_for(holds, WAIT_AT_MOST), f"the PBX never said so; last: {self.said[-3:]}"

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _listen(self) -> None:
        lines: list[tuple[str, str]] = []
        with self._socket.makefile("rb") as stream:
            for raw in stream:
                text = raw.decode("utf-8", "surrogateescape").rstrip("\r\n")
                if text:
                    key, _, value = text.partition(":")
                    lines.append((key, value.strip()))
                    continue
                self._hear(Said(at=time.monotonic(), lines=tuple(lines)))
                lines = []

    def _hear(self, message: Said) -> None:
        due = self.answer(message) if self.answer and message["UserEvent"] == EVENT_ARRIVED else None
        with self._heard:
            self.said.append(message)
            if due is not None:
                self._due.append(_Due(at=message.at + due[0], channel=message["Channel"], value=due[1]))
            self._heard.notify_all()

    def _deliver(self) -> None:
        while not self._stop.is_set():
            with self._heard:
                self._heard.wait_for(lambda: self._due or self._stop.is_set())
                due = min(self._due, key=lambda one: one.at) if self._due else None
                if due is not None and due.at - time.monotonic() > 0.001:
                    self._heard.wait(due.at - time.monotonic() - 0.0005)  # a new one may be due earlier
                    continue
                if due is not None:
                    self._due.remove(due)
            if due is not None:
                while time.monotonic() < due.at:  # the last half millisecond; a timer would be late by as much
                    pass
                self.send(Action="Setvar", Channel=due.channel, Variable=VAR_PLAN, Value=due.value)

    def _beat(self) -> None:
        while not self._stop.wait(BEAT_EVERY):
            self.send(Action="Setvar", Variable=GLOBAL_BEAT, Value=str(int(time.time())))
