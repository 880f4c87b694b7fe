"""What can a caller do who keeps no rules? Calls whose every byte is ours, with CANCEL in the same breath as INVITE.

SIPp keeps rules: it waits a millisecond before a CANCEL and puts no line break into a header. The log has SIPp's shape,
so the witness reads both.
"""

import re
import select
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from router.lab.configuration import TRUNK_ADDRESS
from router.lab.ports import LOOPBACK
from router.lab.scenarios import PlacedCall

LISTEN_AFTER = 20.0  # seconds after the last call was placed: longer than the fallback's first step
UNHEARD_AFTER = 2.0  # seconds without any answer: Asterisk threw the message away unread
LARGEST = 65_535  # bytes of a UDP message


def place_raw(folder: Path, calls: Sequence[PlacedCall], *, to_port: int, per_second: float = 100.0) -> Path:
    """Place calls byte by byte, wait until they are over or `LISTEN_AFTER` has passed, and return their message log.

    `dialled` stands in the Request-URI as it is, also with line breaks; bytes that are not UTF-8 are written as
    surrogates. `gives_up` 0 sends INVITE and CANCEL with nothing between them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log_file = folder / "messages.log"
    with log_file.open("wb") as log, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)  # answers to hundreds of calls at a time
        wire.bind((TRUNK_ADDRESS, 0))
        _Breach(wire, log, (LOOPBACK, to_port)).place(calls, per_second)
    return log_file


@dataclass(slots=True, kw_only=True)
class _Attempt:
    """One call on its way; `due` is when its caller acts next, by CANCEL or BYE."""

    call: PlacedCall
    id: bytes
    placed_at: float
    due: float | None = None
    to: bytes = b""
    heard: bool = False
    answered: bool = False
    over: bool = False


class _Breach:
    def __init__(self, wire: socket.socket, log: BinaryIO, far: tuple[str, int]) -> None:
        self._wire = wire
        self._log = log
        self._far = far
        self._here = b"%s:%d" % (wire.getsockname()[0].encode(), wire.getsockname()[1])
        self._attempts: dict[bytes, _Attempt] = {}

    def place(self, calls: Sequence[PlacedCall], per_second: float) -> None:
        began = time.monotonic()
        stop = began + len(calls) / per_second + LISTEN_AFTER
        waiting = list(enumerate(calls))
        while (now := time.monotonic()) < stop:
            while waiting and now >= began + waiting[0][0] / per_second:
                self._invite(*waiting.pop(0))
            for attempt in self._attempts.values():
                self._act(attempt, now)
            if not waiting and all(attempt.over for attempt in self._attempts.values()):
                return
            if select.select([self._wire], [], [], 0.002)[0]:
                self._hear(self._wire.recv(LARGEST))

    def _invite(self, number: int, call: PlacedCall) -> None:
        now = time.monotonic()
        attempt = _Attempt(call=call, id=b"raw-%d-%d" % (number, time.time_ns()), placed_at=now)
        self._attempts[attempt.id] = attempt
        sdp = (
            "v=0\r\no=raw 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {self._here.rpartition(b':')[2].decode()} RTP/AVP 0\r\n"
        )
        headers = [*call.headers, "Content-Type: application/sdp"]
        self._send(attempt, b"INVITE", b"invite", headers, sdp)
        if call.gives_up == 0:
            self._send(attempt, b"CANCEL", b"invite")
        elif call.gives_up is not None:
            attempt.due = now + call.gives_up

    def _act(self, attempt: _Attempt, now: float) -> None:
        if not attempt.over and not attempt.heard and now > attempt.placed_at + UNHEARD_AFTER:
            attempt.over = True
        if attempt.over or attempt.due is None or now < attempt.due:
            return
        attempt.due = None
        if attempt.answered:
            self._send(attempt, b"BYE", b"bye")
        else:
            self._send(attempt, b"CANCEL", b"invite")

    def _hear(self, message: bytes) -> None:
        self._note("received", message)
        found = re.search(rb"^Call-ID: *(\S+)", message, re.MULTILINE)
        attempt = self._attempts.get(found[1]) if found else None
        if attempt is None:
            return
        attempt.heard = True
        status = re.match(rb"SIP/2\.0 (\d{3})", message)
        asked = re.search(rb"^CSeq: *\d+ (\w+)", message, re.MULTILINE)
        method = asked[1] if asked else b""
        if status is None:
            self._reply(message)
            attempt.over = attempt.over or method == b"BYE"
        elif method == b"INVITE" and int(status[1]) >= 200:
            self._confirm(attempt, message, answered=status[1] == b"200")
        elif method == b"BYE":
            attempt.over = True

    def _confirm(self, attempt: _Attempt, message: bytes, answered: bool) -> None:
        to = re.search(rb"^To: *(.*?)\r?$", message, re.MULTILINE)
        attempt.to = to[1] if to else b""
        self._send(attempt, b"ACK", b"ack" if answered else b"invite")
        if not answered:
            attempt.over = True
        elif not attempt.answered:
            attempt.answered = True
            talks = 0.0 if attempt.call.gives_up == 0 else attempt.call.talks
            attempt.due = None if talks is None else time.monotonic() + talks

    def _reply(self, request: bytes) -> None:
        kept = re.findall(rb"^((?:Via|From|To|Call-ID|CSeq): *.*?)\r?$", request, re.MULTILINE)
        self._write(b"\r\n".join([b"SIP/2.0 200 OK", *kept, b"Content-Length: 0", b"", b""]))

    def _send(
        self, attempt: _Attempt, method: bytes, branch: bytes, headers: Sequence[str] = (), body: str = ""
    ) -> None:
        call = attempt.call
        target = b"sip:%s@%s:%d" % (_raw(call.dialled), self._far[0].encode(), self._far[1])
        source = _raw(call.from_header or f"<sip:{call.caller}@{TRUNK_ADDRESS}>")
        lines = [
            b"%s %s SIP/2.0" % (method, target),
            b"Via: SIP/2.0/UDP %s;branch=z9hG4bK-%s-%s" % (self._here, attempt.id, branch),
            b"From: %s;tag=%s" % (source, attempt.id),
            b"To: %s" % (attempt.to or b"<sip:called@%s>" % self._far[0].encode()),
            b"Call-ID: %s" % attempt.id,
            b"CSeq: %d %s" % (2 if method == b"BYE" else 1, method),
            b"Contact: <sip:raw@%s>" % self._here,
            b"Max-Forwards: 70",
            *(_raw(header) for header in headers),
            b"Content-Length: %d" % len(body),
            b"",
            body.encode(),
        ]
        self._write(b"\r\n".join(lines))

    def _write(self, message: bytes) -> None:
        self._wire.sendto(message, self._far)
        self._note("sent", message)

    def _note(self, what: str, message: bytes) -> None:
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        self._log.write(f"{'-' * 47} {at}\nUDP message {what} [{len(message)}] bytes:\n\n".encode() + message + b"\n")


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
