"""Who keeps the connection to one PBX alive, and through whom do orders reach it?"""

import asyncio
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from ssl import SSLContext
from typing import NoReturn, assert_never

import structlog

from router.ami.counters import Counters, Dropped, Tally
from router.ami.framing import Message
from router.ami.outbound import Unsendable, add_member, check, deliver, remove_member
from router.ami.protocol import Answer, Wire
from router.ami.session import LinkFailed, LoginRefused, Session
from router.ami.timing import Timing
from router.calls.events import Event, LinkDown, LinkUp, PlanAccepted, PlanRefused
from router.calls.orders import AddMember, Deliver, PbxOrder, RemoveMember

log = structlog.get_logger(__name__)

DEFAULT_TIMING = Timing()
PBX_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")  # it begins every call_id, before a colon


@dataclass(frozen=True, slots=True, kw_only=True)
class AmiSettings:
    """Where a PBX listens and who we are there. Raises ValueError for what could not be sent or told apart."""

    host: str = "127.0.0.1"
    port: int = 5038
    username: str = "router"
    secret: str = field(repr=False)
    pbx: str = "pbx"
    ssl: SSLContext | None = None

    def __post_init__(self) -> None:
        if not PBX_NAME.fullmatch(self.pbx):
            raise ValueError(f"the PBX's name {self.pbx!r} may have letters, digits, _ and -, at most 32 of them")
        check({"Username": self.username, "Secret": self.secret})


def _utc_now() -> datetime:
    return datetime.now(UTC)


async def open_wire(settings: AmiSettings, timing: Timing, *, hear: Callable[[Message], None], tally: Tally) -> Wire:
    """A connection to that PBX, on which nothing was said yet. Raises LinkFailed, with the reason."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(timing.connect_within):
            _, wire = await loop.create_connection(
                lambda: Wire(hear, tally), settings.host, settings.port, ssl=settings.ssl
            )
    except TimeoutError:
        raise LinkFailed(f"{settings.host}:{settings.port} did not accept within {timing.connect_within:g} s") from None
    except OSError as error:
        raise LinkFailed(f"{settings.host}:{settings.port}: {error.strerror or error}") from error
    return wire


class AmiLink:
    """The link to one PBX. `hear` gets every event, in order, on the loop's own thread; it must return at once.

    `journal_since` is how far the records already reach; None reads all that the PBX still has (at most seven days).
    """

    def __init__(
        self,
        settings: AmiSettings,
        hear: Callable[[Event], None],
        *,
        journal_since: datetime | None = None,
        timing: Timing = DEFAULT_TIMING,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._settings = settings
        self._hear = hear
        self._known_until = journal_since
        self._timing = timing
        self._now = now
        self._tally = Tally()
        self._session: Session | None = None
        self._down_because = ""

    @property
    def counters(self) -> Counters:
        return self._tally.snapshot()

    async def run(self) -> NoReturn:
        """Connects, again and again, with one socket at a time; ends only by being cancelled, and then says goodbye."""
        wait = self._timing.retry_first
        while True:
            took_over, failure = await self._one_connection()
            if (task := asyncio.current_task()) and task.cancelling():
                raise asyncio.CancelledError  # it came in the very moment the connection failed
            self._say_down(str(failure))
            if took_over:
                wait = self._timing.retry_first
            pause = self._timing.retry_refused if isinstance(failure, LoginRefused) else wait
            await asyncio.sleep(pause * random.uniform(0.8, 1.0))  # so that several routers don't knock in step
            wait = min(wait * 2, self._timing.retry_most)

    def give(self, order: PbxOrder) -> None:
        """Writes the order at once. What became of a plan comes back as PlanAccepted or PlanRefused, later.

        An order about members that fails shows in the next look at them.
        """
        match order:
            case Deliver(call_id=call_id):
                self._deliver(order, call_id)
            case AddMember() | RemoveMember():
                self._change_member(order)
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
            now=self._now,
            since=self._known_until,
        )
        try:
            wire = await open_wire(self._settings, self._timing, hear=session.hear, tally=self._tally)
        except LinkFailed as unreachable:
            return False, unreachable
        self._session = session
        try:
            failure = await session.run(wire, username=self._settings.username, secret=self._settings.secret)
        except asyncio.CancelledError:
            await session.farewell()
            raise
        finally:
            self._session = None
            self._tally.up = False
            self._known_until = session.known_until
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

    def _answered(self, call_id: str, future: asyncio.Future[Answer]) -> None:
        answer = future.result()
        if answer.success:
            self._tell(PlanAccepted(call_id=call_id, at=self._now()))
        else:
            self._refused(call_id, answer.said)

    def _refused(self, call_id: str, why: str) -> None:
        self._tally.actions_refused += 1
        self._tell(PlanRefused(call_id=call_id, why=why, at=self._now()))

    def _change_member(self, order: AddMember | RemoveMember) -> None:
        try:
            fields = add_member(order) if isinstance(order, AddMember) else remove_member(order)
            answer = self._speaking().ask(fields)
        except (Unsendable, LinkFailed) as refusal:
            self._member_refused(order, str(refusal))
        else:
            answer.add_done_callback(partial(self._member_answered, order))

    def _member_answered(self, order: AddMember | RemoveMember, future: asyncio.Future[Answer]) -> None:
        answer = future.result()
        if not answer.success:
            self._member_refused(order, answer.said)

    def _member_refused(self, order: AddMember | RemoveMember, why: str) -> None:
        self._tally.actions_refused += 1
        log.warning("the PBX refused a change of a desk's members", pbx=self._settings.pbx, order=order, why=why)

    def _speaking(self) -> Session:
        if self._session is None or not self._session.speaking:
            raise LinkFailed("there is no link to the PBX")
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
