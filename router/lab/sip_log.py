"""What does a message log of SIPp hold?"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_HEAD = re.compile(
    rb"^-{20,} (\S+(?: \S+)?)\n(?:UDP|TCP) message (sent|received) [\[(](\d+)[\])] bytes ?:\n\n", re.MULTILINE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One SIP message as one side logged it. `raw` is exactly what was on the wire."""

    at: datetime
    sent: bool
    raw: bytes

    @property
    def text(self) -> str:
        return self.raw.decode("utf-8", "replace")

    @property
    def first_line(self) -> str:
        return self.text.split("\n", 1)[0].rstrip("\r")

    @property
    def method(self) -> str:
        """INVITE, ACK, …; empty for a response."""
        word = self.first_line.split(" ", 1)[0]
        return "" if word.startswith("SIP/") else word

    @property
    def status(self) -> int:
        """The code of a response; 0 for a request."""
        found = re.match(r"SIP/2\.0 (\d{3})", self.first_line)
        return int(found[1]) if found else 0

    def header(self, name: str) -> str:
        """The first header of that name, or nothing."""
        found = re.search(rf"^{re.escape(name)}[ \t]*:[ \t]*(.*?)\r?$", self.text, re.MULTILINE | re.IGNORECASE)
        return found[1] if found else ""


def messages(log: Path) -> Iterator[Message]:
    """Every message of a log, in order."""
    for message, _ in messages_in(log.read_bytes() if log.exists() else b""):
        yield message


def messages_in(data: bytes) -> Iterator[tuple[Message, int]]:
    """Every whole message in a piece of a log, and at which byte of the piece it ends."""
    at = 0
    while (head := _HEAD.search(data, at)) is not None:
        # the length is taken from the log, so nothing that a message says can look like the next one's head
        at = head.end() + int(head[3])
        if at > len(data):
            return
        yield Message(at=_instant(head[1].decode()), sent=head[2] == b"sent", raw=data[head.end() : at]), at


def dialogues(log: Path) -> list[tuple[Message, ...]]:
    """The messages of each call that began with an INVITE, told apart by Call-ID, without repeated ones."""
    calls: dict[str, dict[bytes, Message]] = {}
    for message in messages(log):
        calls.setdefault(message.header("Call-ID"), {}).setdefault(message.raw, message)
    dialogues = (tuple(call.values()) for call in calls.values())
    return [dialogue for dialogue in dialogues if dialogue[0].method == "INVITE"]


def _instant(text: str) -> datetime:
    """SIPp 3.8 writes 2026-01-31T09:00:00.000001Z; before, local time with a blank between."""
    instant = datetime.fromisoformat(text.replace("\t", " "))
    return instant.astimezone(UTC)
