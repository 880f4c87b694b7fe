"""What do the phones see while it goes on? Their logs, read as they grow, without keeping them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Generic, TypeVar

from router.lab.sip_log import Message, messages_in
from router.lab.witness import Placed, Rung

PIECE = 1_000_000  # bytes read at a time; no message is nearly as long
REPEATED_WITHIN = timedelta(seconds=35)  # SIP repeats a message for at most 32 s: an ended dialogue is over then

TELLING = ("CANCEL", "BYE", "INFO")  # who ended it, when and why; which key took it

Seen = TypeVar("Seen", Placed, Rung)


class Following(Generic[Seen]):
    """One message log. `seen` makes of a dialogue what its side saw (witness.call_of, witness.leg_of).

    Only dialogues that live keep all their messages; `over` are the others, which keep what tells who took and who
    ended them.
    """

    def __init__(self, log: Path, seen: Callable[[tuple[Message, ...]], Seen]) -> None:
        self.over: list[Seen] = []
        self._log = log
        self._seen: Callable[[tuple[Message, ...]], Seen] = seen
        self._read_until = 0
        self._dialogues: dict[str, dict[bytes, Message]] = {}

    def read(self) -> None:
        """Take in the whole messages that were written since."""
        if not self._log.exists():
            return
        newest = None
        with self._log.open("rb") as log:
            while True:
                log.seek(self._read_until)
                before = self._read_until
                for message, ends in messages_in(log.read(PIECE)):
                    self._read_until = before + ends
                    self._dialogues.setdefault(message.header("Call-ID"), {}).setdefault(message.raw, message)
                    newest = message.at
                if self._read_until == before:
                    break
        if newest is None:
            return
        for call_id, dialogue in list(self._dialogues.items()):
            last = next(reversed(dialogue.values()))
            if last.at < newest - REPEATED_WITHIN and self._has_ended(dialogue):
                self._put_away(call_id)

    def finish(self) -> None:
        """The log is whole: read it to its end; nothing lives any more."""
        self.read()
        for call_id in list(self._dialogues):
            self._put_away(call_id)

    def living(self) -> list[Seen]:
        """Those that may still go on, as they stand now."""
        return [self._seen(tuple(one.values())) for one in self._dialogues.values() if _begins_here(one)]

    def _has_ended(self, dialogue: dict[bytes, Message]) -> bool:
        return not _begins_here(dialogue) or self._seen(tuple(dialogue.values())).ended_at is not None

    def _put_away(self, call_id: str) -> None:
        dialogue = self._dialogues.pop(call_id)
        if _begins_here(dialogue):
            seen = self._seen(tuple(dialogue.values()))
            telling = tuple(message for message in seen.messages if message.method in TELLING)
            self.over.append(replace(seen, messages=telling))


def _begins_here(dialogue: dict[bytes, Message]) -> bool:
    """Not what was repeated after its end, nor anything that is no call."""
    return next(iter(dialogue.values())).method == "INVITE"
