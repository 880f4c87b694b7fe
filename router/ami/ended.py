"""What ended while nobody listened, or nobody could keep it, by the PBX's own journal?"""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

from router.ami import journal
from router.ami.counters import Dropped, Tally
from router.ami.inbound import read_journal
from router.ami.outbound import Fields
from router.ami.protocol import Answer
from router.calls.calling_back import CallBackEnded, is_call_back
from router.calls.events import CallEnded, LegEnded

Entry = CallEnded | LegEnded | CallBackEnded


class AskEach(Protocol):
    def __call__(self, questions: Sequence[Fields], *, many: bool = False) -> AsyncIterator[Answer]:
        """The answers in the order of the questions."""


class Unreadable(Exception):
    """The PBX didn't hand out a piece of its journal; the message says why."""


class JournalReader:
    """Reads one PBX's journal. `correction` is what to take off the PBX's times, in seconds."""

    def __init__(self, pbx: str, tally: Tally, ask_each: AskEach, correction: Callable[[], float]) -> None:
        self._pbx = pbx
        self._tally = tally
        self._ask_each = ask_each
        self._correction = correction

    async def read(
        self, since: datetime | None, until: datetime, *, by_minute: bool = False
    ) -> AsyncIterator[list[Entry]]:
        """What ended between these two, piece by piece; all that is kept when `since` is None.

        In small pieces `by_minute`, else in few. Raises Unreadable.
        """
        skew = timedelta(seconds=self._tally.skew or 0.0)
        pieces = list(journal.pieces_to_read(since and since + skew, until + skew, by_minute=by_minute))
        # Whole minutes or hours are read; what ended well before was heard when it happened, or is a week old.
        news_since = since - journal.TOLD_WITHIN if since else datetime.min.replace(tzinfo=UTC)
        news_since = max(news_since, pieces[0].begins - skew - journal.MARGIN)
        async for answer in self._ask_each([journal.read_piece(piece) for piece in pieces], many=True):
            if not answer.success:
                raise Unreadable(answer.said)
            yield self._entries(answer, news_since)

    async def by_call(self, since: datetime, until: datetime) -> list[list[CallEnded | LegEnded]]:
        """The calls that ended between these two, in that order, each with its legs. Raises Unreadable."""
        calls: dict[str, list[CallEnded | LegEnded]] = {}
        async for piece in self.read(since, until, by_minute=True):
            for entry in piece:
                if isinstance(entry, CallBackEnded):
                    continue
                calls.setdefault(entry.call_id, []).append(entry)  # a leg may have ended minutes before its call
        return [entries for entries in calls.values() if any(isinstance(entry, CallEnded) for entry in entries)]

    def _entries(self, answer: Answer, news_since: datetime) -> list[Entry]:
        found: list[Entry] = []
        for item in answer.items:
            key, value = item.fields.get("key", ""), item.fields.get("val", "")
            entry = read_journal(key, value, pbx=self._pbx, skew=self._correction())
            if entry is None or not item.clean:
                self._tally.dropped[Dropped.MALFORMED] += 1
            elif entry.at >= news_since and (isinstance(entry, CallBackEnded) or not is_call_back(entry.call_id)):
                found.append(entry)
        return found
