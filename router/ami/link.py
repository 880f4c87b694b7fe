"""Who keeps the connection to one PBX alive, and through whom do orders reach it?"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import NoReturn, assert_never

import structlog

from router.ami.connection import Door, LinkFailed, connect, keep_connected
from router.ami.counters import Counters, Dropped, Tally
from router.ami.journal import OnRecord
from router.ami.outbound import Unsendable, answer_code, change_member, deliver, hand_over, take_back
from router.ami.protocol import Answer, Wire
from router.ami.session import Session
from router.ami.timing import Timing
from router.ami.turn import Turn
from router.calls.calling_back import CallBackEvent
from router.calls.events import Event, HandOverRefused, LinkDown, LinkUp, PlanAccepted, PlanRefused
from router.calls.orders import (
    AddMember,
    AnswerCode,
    Deliver,
    HandOver,
    MemberOrder,
    PauseMember,
    PbxOrder,
    RemoveMember,
)

log = structlog.get_logger(__name__)

DEFAULT_TIMING = Timing()
PBX_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")  # it begins every call_id, before a colon


@dataclass(frozen=True, slots=True, kw_only=True)
class AmiSettings(Door):
    """Where a PBX listens and who we are there. Raises ValueError for what could not be sent or told apart."""

    username: str = "router"
    pbx: str = "pbx"

    def __post_init__(self) -> None:
        if not PBX_NAME.fullmatch(self.pbx):
            raise ValueError(f"the PBX's name {self.pbx!r} may have letters, digits, _ and -, at most 32 of them")
        Door.__post_init__(self)


def _not_heard(event: CallBackEvent) -> None:
    """For whoever has nothing to do with call-backs."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class AmiLink:
    """The link to one PBX. `hear` gets every event, in order, on the loop's own thread; it must return at once.

    So does `hear_call_back` with what becomes of call-backs, which are no calls.

    `journal_since` is how far the records already reach; None reads all that the PBX still has (at most seven days).
    `turn` decides who tries where several routers could speak; without one, who comes later is heard. `adopt` is asked
    before we speak where another router has spoken: it takes over what that one knew, and says what that was.
    """

    def __init__(
        self,
        settings: AmiSettings,
        hear: Callable[[Event], None],
        *,
        journal_since: datetime | None = None,
        turn: Turn | None = None,
        adopt: Callable[[], Awaitable[OnRecord | None]] | None = None,
        timing: Timing = DEFAULT_TIMING,
        now: Callable[[], datetime] = _utc_now,
        hear_call_back: Callable[[CallBackEvent], None] = _not_heard,
    ) -> None:
        self._settings = settings
        self._hear = hear
        self._hear_call_back = hear_call_back
        self._known_until = journal_since
        self._turn = turn
        self._adopt = adopt
        self._last_token = ""
        self._timing = timing
        self._now = now
        self._tally = Tally()
        self._session: Session | None = None
        self._down_because = ""

    @property
    def counters(self) -> Counters:
        return self._tally.snapshot()

    @property
    def speaking(self) -> bool:
        """Whether this router is the one that the PBX hears now."""
        return self._session is not None and self._session.speaking

    async def run(self) -> NoReturn:
        """Connects, again and again, with one socket at a time; ends only by being cancelled, and then says goodbye."""
        await keep_connected(self._one_connection, self._say_down, self._timing)

    def read_journal_again(self, since: datetime) -> None:
        """What ended since then could not all be kept: tells it again, soon or after the next login."""
        self._known_until = min(self._known_until or since, since)
        if self._session is not None:
            self._session.read_again(since)

    async def make_way(self, within: float) -> None:
        """Before a stop: lets who stands by take over while we still speak; `within` so many seconds. Raises nothing.

        Returns at once when nobody does.
        """
        if self._turn is None or not await self._turn.give_away() or self._session is None:
            return
        with suppress(LinkFailed):
            await self._session.make_way(within)

    def give(self, order: PbxOrder) -> None:
        """Writes the order at once. What became of a plan comes back as PlanAccepted or PlanRefused, later.

        A hand-over that can't be comes back as HandOverRefused; one that is done is told by the PBX itself.
        An order about members that fails shows in the next look at them. Who dialled a code and hears nothing from us
        hears from the dialplan that it wasn't possible.
        """
        match order:
            case Deliver(call_id=call_id):
                self._deliver(order, call_id)
            case HandOver():
                self._hand_over(order)
            case AddMember() | RemoveMember() | PauseMember():
                self._change_member(order)
            case AnswerCode():
                self._answer_code(order)
            case _:
                assert_never(order)

    def look_at_members(self) -> None:
        """Asks for a MembersSeen soon; without a link LinkUp will bring them anyway."""
        if self._session is not None:
            self._session.look_at_members()

    async def _one_connection(self) -> tuple[bool, LinkFailed]:
        """One connection, whole: whether we were heard in it, and why it ended. Its socket is gone afterwards."""
        session = Session(
            pbx=self._settings.pbx,
            timing=self._timing,
            tally=self._tally,
            tell=self._tell,
            tell_call_back=self._hear_call_back,
            now=self._now,
            since=self._known_until,
            turn=self._turn,
            token=self._last_token,
            adopt=self._adopt,
        )
        try:
            wire = await connect(self._settings, lambda: Wire(session.hear, self._tally), self._timing)
        except LinkFailed as refused:
            return False, refused
        self._session = session
        try:
            failure = await session.run(wire, self._settings)
        except asyncio.CancelledError:
            await session.farewell()
            raise
        finally:
            self._session = None
            if self._turn is not None:
                self._turn.release()  # who isn't connected can't speak, and must not keep others from it
            self._tally.stand(up=False, stands_by=False, at=self._now())
            self._known_until, self._last_token = session.known_until, session.last_token
            wire.abort("done with it")
            await wire.gone()
        self._tally.connections_lost += 1
        return session.took_over, failure

    def _deliver(self, order: Deliver, call_id: str) -> None:
        try:
            fields = deliver(order, self._settings.pbx)
            session = self._speaking()
            answer = session.ask(fields)
        except (Unsendable, LinkFailed) as refusal:
            # Later, because whoever gives an order is in the middle of hearing an event.
            asyncio.get_running_loop().call_soon(self._refused, call_id, str(refusal))
        else:
            answer.add_done_callback(partial(self._answered, call_id))

    def _hand_over(self, order: HandOver) -> None:
        """Both actions are written together: between them the caller could be left without whom they talked to."""
        try:
            actions = hand_over(order, self._settings.pbx)
            session = self._speaking()
            answers = [session.ask(fields) for fields in actions]
        except (Unsendable, LinkFailed) as refusal:
            asyncio.get_running_loop().call_soon(self._not_handed_over, order.call_id, str(refusal))
        else:
            answers[-1].add_done_callback(partial(self._hand_over_answered, order))

    def _hand_over_answered(self, order: HandOver, future: asyncio.Future[Answer]) -> None:
        answer = future.result()
        if answer.success:
            return
        if order.redirect and self._session is not None and self._session.speaking:
            self._session.ask(take_back(order, self._settings.pbx))
        self._not_handed_over(order.call_id, answer.said)

    def _not_handed_over(self, call_id: str, why: str) -> None:
        self._tally.actions_refused += 1
        self._tell(HandOverRefused(call_id=call_id, why=why, at=self._now()))

    def _answered(self, call_id: str, future: asyncio.Future[Answer]) -> None:
        answer = future.result()
        if answer.success:
            self._tell(PlanAccepted(call_id=call_id, at=self._now()))
        else:
            self._refused(call_id, answer.said)

    def _refused(self, call_id: str, why: str) -> None:
        self._tally.actions_refused += 1
        self._tell(PlanRefused(call_id=call_id, why=why, at=self._now()))

    def _answer_code(self, order: AnswerCode) -> None:
        try:
            self._speaking().ask(answer_code(order, self._settings.pbx))
        except (Unsendable, LinkFailed) as refusal:
            self._tally.actions_refused += 1
            log.warning("a code was not answered", call_id=order.call_id, why=str(refusal))

    def _change_member(self, order: MemberOrder) -> None:
        try:
            answer = self._speaking().change_members(change_member(order))
        except (Unsendable, LinkFailed) as refusal:
            self._member_refused(order, str(refusal))
        else:
            answer.add_done_callback(partial(self._member_answered, order))

    def _member_answered(self, order: MemberOrder, future: asyncio.Future[Answer]) -> None:
        answer = future.result()
        if not answer.success:
            self._member_refused(order, answer.said)

    def _member_refused(self, order: MemberOrder, why: str) -> None:
        self._tally.actions_refused += 1
        log.warning("the PBX refused a change of a desk's members", pbx=self._settings.pbx, order=order, why=why)

    def _speaking(self) -> Session:
        if self._session is None or not self._tally.up:
            raise LinkFailed("there is no link to the PBX")
        if not self._session.speaking:
            raise LinkFailed("the PBX has not confirmed for too long that it hears us: another router may speak")
        return self._session

    def _say_down(self, why: str) -> None:
        if why != self._down_because:  # an outage is told once, not ten times a second
            self._down_because = why
            log.warning("link down", pbx=self._settings.pbx, why=why)
            self._tell(LinkDown(pbx=self._settings.pbx, why=why, at=self._now()))

    def _tell(self, event: Event) -> None:
        if isinstance(event, LinkUp):
            self._down_because = ""
        self._tally.events[type(event).__name__] += 1
        try:
            self._hear(event)
        except Exception:
            # A fault of the listener may cost one call its plan (it goes to the fallback), never the link.
            self._tally.dropped[Dropped.UNHEARD] += 1
            log.exception("an event was not heard", pbx=self._settings.pbx, kind=type(event).__name__)
