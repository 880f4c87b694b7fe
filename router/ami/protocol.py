"""How do bytes become answers and events, on one connection?

panoramisk carries the actions: their text, who waits for which answer, where a list ends. The bytes are ours, because
it loses letters and order there, and so is the end of a connection, because it would send old actions again.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from panoramisk.actions import Action
from panoramisk.ami_protocol import AMIProtocol
from panoramisk.message import Message as Heard

from router.ami.counters import Dropped, Tally
from router.ami.framing import Framing, Message, parse
from router.ami.outbound import Fields, check

EVENT_PREFIX = "Router"  # of all our UserEvents
OURS = b"\nUserEvent: " + EVENT_PREFIX.encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the PBX answered to an action, or why it didn't: `said` is its message, or our sentence.

    `items` are the events of a list, without its end. An item that isn't clean is still there: its first fields are
    Asterisk's own, and it may hide something that lives.
    """

    success: bool
    said: str
    fields: Fields
    items: tuple[Message, ...] = ()


def unless_ours(message: Message) -> Dropped | None:
    """Why this is no clean UserEvent of ours, if it is none."""
    if message.repeated:
        return Dropped.REPEATED_KEY
    if message.broken:
        return Dropped.BROKEN
    fields = message.fields
    ours = fields.get("event") == "UserEvent" and fields.get("userevent", "").startswith(EVENT_PREFIX)
    return None if ours else Dropped.NOT_OURS


class Question(Action):  # type: ignore[misc]  # panoramisk has no types
    """One action of ours, and what has come back for it so far."""

    answer: asyncio.Future[Answer]
    listed: list[Message]
    timer: asyncio.TimerHandle


class Wire(AMIProtocol):  # type: ignore[misc]  # panoramisk has no types
    """One connection. `hear` gets each event that is listened for; it must not raise and not wait.

    `concerns` throws away most of what the PBX says while it is still bytes; `refuse` says why a message that is left
    is not heard, if it isn't. Without them clean UserEvents of ours are heard, and nothing else.

    Nothing is kept for another connection: when this one ends, every open question is answered with the reason.
    """

    encoding = "utf-8"

    def __init__(
        self,
        hear: Callable[[Message], None],
        tally: Tally,
        *,
        concerns: Callable[[bytes], bool] = lambda block: OURS in block,
        refuse: Callable[[Message], Dropped | None] = unless_ours,
    ) -> None:
        self._hear = hear
        self._concerns = concerns
        self._refuse = refuse
        self._tally = tally
        self._framing = Framing()
        self._loop = asyncio.get_running_loop()
        self.responses: dict[str, Question] = {}
        self._aborted_because = ""
        self._lost: asyncio.Future[str] = self._loop.create_future()
        self.closed = True

    # asyncio calls these four

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.responses = {}
        self.log = logging.getLogger(__name__)  # panoramisk's `send` wants one
        self.closed = False

    def data_received(self, data: bytes) -> None:
        for block in self._framing.feed(data):
            self._sort(block)
        if self._framing.too_long:
            self._tally.dropped[Dropped.TOO_LONG] += self._framing.too_long
            self._framing.too_long = 0

    def eof_received(self) -> None:
        """Closes the connection."""

    def connection_lost(self, exc: Exception | None) -> None:
        why = self._aborted_because or (f"the connection was lost: {exc}" if exc else "the PBX closed the connection")
        self.closed = True
        self._lost.set_result(why)
        # Not one of them is sent again: what was right before the break may be wrong after it.
        for question in list(self.responses.values()):
            self._end(question, success=False, said=why)

    def ask(self, fields: Fields, *, within: float, many: bool = False) -> asyncio.Future[Answer]:
        """Writes the action at once; the future always ends, `within` seconds at the latest, and never raises.

        `many` says that a list is expected. Raises Unsendable before anything is written.
        """
        # What can't be guessed can't be forged by text that a caller supplies.
        fields = {**fields, "ActionID": secrets.token_hex(12)}
        check(fields)
        question = Question(fields)
        question.answer = self._loop.create_future()
        question.listed = []
        self._tally.actions += 1
        if self.closed:
            question.answer.set_result(Answer(success=False, said="the connection is closed", fields={}))
            return question.answer
        question.timer = self._loop.call_later(within, self._give_up, question, within)
        # panoramisk guesses from the wording whether a list follows; "Added interface to queue" would wait for ever.
        self.send(question, as_list=None if many else False)
        return question.answer

    @property
    def greeted_as(self) -> str:
        """The version of AMI with which the other side greeted us: "" until it has; what is no Asterisk never does."""
        return self._framing.version

    async def gone(self) -> str:
        """Waits until the connection has ended, and says why."""
        return await asyncio.shield(self._lost)  # a waiter that is cancelled must not take the future with it

    def abort(self, why: str) -> None:
        """Ends the connection at once, sending nothing more; wait for `gone` to know that the socket is closed."""
        self.closed = True
        self._aborted_because = why
        self.transport.abort()

    def close(self) -> None:
        """As abort: panoramisk's own would keep unanswered actions for the next connection."""
        self.abort("closed")

    def _sort(self, block: bytes) -> None:
        """An answer to a question of ours, or an event that is listened for; everything else is dropped unread."""
        if b"\nActionID: " not in block and not self._concerns(block):
            self._drop(Dropped.NOT_OURS)
            return
        message = parse(block)
        action_id = message.fields.get("actionid")
        if action_id is not None:
            question = self.responses.get(action_id)
            if question is None:
                self._drop(Dropped.UNASKED)
            else:
                self._collect(question, message)
        elif (why := self._refuse(message)) is not None:
            self._drop(why)
        else:
            self._hear(message)

    def _collect(self, question: Question, message: Message) -> None:
        fields = message.fields
        if "event" in fields:
            # An item of a list. Only its event's name may tell that the list ends: the rest can be a caller's text.
            if not question.responses:
                self._drop(Dropped.UNASKED)
                return
            if not fields["event"].endswith("Complete"):
                question.listed.append(message)
                return
            ended = question.add_message(Heard({"Event": fields["event"]}))
        elif not message.clean:
            self._drop(Dropped.REPEATED_KEY if message.repeated else Dropped.BROKEN)
            return
        elif question.responses:
            self._drop(Dropped.UNASKED)  # a second answer to the same question
            return
        else:
            ended = question.add_message(Heard(dict(fields)))
        if ended:
            first: Any = question.responses[0]
            self._end(question, success=bool(first.success), said=first.message)

    def _give_up(self, question: Question, within: float) -> None:
        self._tally.actions_timed_out += 1
        self._end(question, success=False, said=f"no answer within {within:g} s")

    def _end(self, question: Question, *, success: bool, said: str) -> None:
        question.timer.cancel()
        self.responses.pop(question.id, None)
        if not question.answer.done():
            fields = dict(question.responses[0].items()) if question.responses else {}
            question.answer.set_result(
                Answer(success=success, said=said, fields=fields, items=tuple(question.listed)),
            )

    def _drop(self, why: Dropped) -> None:
        self._tally.dropped[why] += 1
