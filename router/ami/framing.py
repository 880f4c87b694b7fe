"""Where does one AMI message end, and what does it say?

Pure: bytes in, messages out. A message is cut out of the bytes before it is decoded, so that a letter split over two
reads stays whole; and it is judged line by line, because some lines carry what a caller wrote.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

END = b"\r\n\r\n"
GREETING = b"Asterisk Call Manager/"

MOST_BYTES = 65_536  # of one message; the longest of ours, with an entry of the journal, has about 1,000

# A value may not carry what could be taken for the end of a line, here or in Asterisk. CR LF itself is the separator.
_CONTROL = re.compile(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]")

# manager.conf's `channelvars` sends this key once for every variable: the only one that may be there twice.
_MANY = "chanvariable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One AMI message. `fields` has lower-case keys and, where a key repeats, its first value.

    The first is the one to keep: Asterisk writes its own fields before those that carry a caller's text.
    """

    fields: Mapping[str, str]
    repeated: bool = False
    broken: bool = False

    @property
    def clean(self) -> bool:
        """No key repeats, every line has a key, no value has a control character."""
        return not (self.repeated or self.broken)


class Framing:
    """Collects bytes and gives back whole messages; forgets those longer than `most` bytes and counts them."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._buffer = bytearray()
        self._searched = (
            0  # up to here there is no end: a message that trickles in is not searched from its start again
        )
        self._skipping = False
        self._most = most
        self._greeted = False
        self.version = ""
        self.too_long = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that these bytes complete, without their ends, in order."""
        self._buffer += data
        if not self._greeted:
            self._greet()
        blocks: list[bytes] = []
        start = 0
        while (end := self._buffer.find(END, max(start, self._searched - len(END) + 1))) >= 0:
            if self._skipping:
                self._skipping = False
            elif end - start > self._most:
                self.too_long += 1
            elif end > start:
                blocks.append(bytes(self._buffer[start:end]))
            start = end + len(END)
        del self._buffer[:start]
        if len(self._buffer) > self._most:
            self.too_long += not self._skipping
            self._skipping = True
            del self._buffer[: 1 - len(END)]  # an end may have begun
        self._searched = len(self._buffer)
        return blocks

    def _greet(self) -> None:
        # The greeting is a single line; without this it would be taken for the first line of the first message.
        if self._buffer.startswith(GREETING[: len(self._buffer)]):
            line, newline, rest = self._buffer.partition(b"\r\n")
            if not newline and len(line) <= self._most:
                return
            self.version = line[len(GREETING) :].decode("ascii", "replace").strip()
            self._buffer = rest
        self._greeted = True


def parse(block: bytes) -> Message:
    """What one message says. Never raises: bytes that are no UTF-8 become U+FFFD."""
    text = block.decode("utf-8", "replace")
    fields: dict[str, str] = {}
    repeated = False
    # counting is much faster than looking around each of them, and as many ends as letters means no letter alone
    ends = text.count("\r\n")
    broken = text.count("\r") != ends or text.count("\n") != ends or _CONTROL.search(text) is not None
    for line in text.split("\r\n"):
        key, colon, value = line.partition(":")
        if not colon:
            broken = broken or line != ""
            continue
        key = key.lower()
        if key not in fields:
            fields[key] = value.removeprefix(" ")
        elif key != _MANY:
            repeated = True
    return Message(fields=fields, repeated=repeated, broken=broken)
