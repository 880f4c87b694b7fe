"""Who takes a caller out of a mailbox that somebody else's dialplan led them into?

A connection and an AMI user of its own hears of every application that begins (Newexten), because the link's own user
may hear nothing but our UserEvents. Such an event carries callers' raw text, so it is a hint which channel to ask, and
nothing in it is believed: what counts is the channel's own answer. Then one Redirect, to one fixed place of our
dialplan, where the call is filtered and goes the way of every other call.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NoReturn

import structlog

from router.ami.connection import LinkFailed, LoginRefused, connect, keep_connected, log_in, must
from router.ami.counters import Counters, Tally
from router.ami.dialplan import CONTEXT_GUARDED, VAR_GUARDED
from router.ami.fields import CHANNEL
from router.ami.framing import Message
from router.ami.link import AmiSettings
from router.ami.mailboxes import MAILBOXES, check_applications, check_trunks
from router.ami.outbound import get_global, get_on_channel, redirect_to_guarded
from router.ami.protocol import Wire
from router.ami.timing import Timing

log = structlog.get_logger(__name__)

# Hints can be forged, many with one call, and each costs the PBX an answer: so many it is asked for, and no more.
MOST_A_SECOND = 200  # channels asked: two cores carry no more calls than that, and each asking takes them 0.1 ms
MOST_WAITING = 1_000  # channels: whoever is the last of them is asked after five seconds, within most greetings
REST = 1.0  # seconds after a Redirect: its channel still says that it is in the mailbox until its thread has noticed
MOST_RESCUES = 3  # of one call; a person's transfers don't lead into a mailbox more often than that, but a loop does

# An application that runs another one is told of, the other isn't: so these count when their arguments name a mailbox.
WRAPPERS = frozenset({b"execif", b"exec", b"tryexec"})
ASK_AGAIN = 3  # times, while the channel says that it is in the wrapper still: it evaluates its arguments
ASK_AGAIN_AFTER = 0.02  # seconds; evaluating takes microseconds

# The last such line of manager.conf and what it includes is the one that counts. An Asterisk without func_config
# doesn't say; then it is believed to tell.
DISABLED = "AST_CONFIG(manager.conf,general,disabledevents,-1)"
THERE = (
    f"DIALPLAN_EXISTS({CONTEXT_GUARDED},s,1)"  # a Redirect to nowhere would be answered "Success" and drop the caller
)

NEWEXTEN = b"Event: Newexten\r"
APPLICATION_LINE = b"\nApplication: "

_COUNT = re.compile(r"[0-9]{0,9}")
_DEFAULT_TIMING = Timing()


class Outcome(StrEnum):
    """What became of one hint."""

    RESCUED = "rescued"
    ELSEWHERE = "elsewhere"  # the channel is in no mailbox: forged, or already past it
    GONE = "gone"  # there is no such channel: hung up, or forged
    UNANSWERED = "unanswered"  # the PBX didn't say
    REFUSED = "refused"  # the PBX would not move it; mostly the caller hung up in between
    NOWHERE = "nowhere"  # our dialplan isn't there to lead the call to
    LOOPING = "looping"  # taken out often enough: something of this PBX leads our own calls into a mailbox
    SPARED = "spared"  # of none of the trunks that are guarded
    NOT_SPEAKING = "not_speaking"  # another router is the one that is heard, or none is
    FLOODED = "flooded"  # more hints than can be followed
    MALFORMED = "malformed"  # names no channel


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardSettings:
    """Who the guard is at the PBX, and what it looks for. Raises ValueError for what can't be.

    `ami` is the link's own address with another user. `applications` count as mailboxes. `trunks` are the endpoints
    whose calls are guarded; empty: every channel.
    """

    ami: AmiSettings
    applications: tuple[str, ...] = MAILBOXES
    trunks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_applications(self.applications)
        check_trunks(self.trunks)


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardCounters:
    connection: Counters
    hints: Mapping[Outcome, int]


class Guard:
    """Watches one PBX. `speaking` says whether our router is the one it hears: only then is a caller moved."""

    def __init__(
        self, settings: GuardSettings, speaking: Callable[[], bool], *, timing: Timing = _DEFAULT_TIMING
    ) -> None:
        self._settings = settings
        self._speaking = speaking
        self._timing = timing
        self._tally = Tally()
        self._hints: Counter[Outcome] = Counter()
        self.down_because = "not logged in yet"

    @property
    def counters(self) -> GuardCounters:
        """A snapshot."""
        return GuardCounters(connection=self._tally.snapshot(), hints=dict(self._hints))

    async def run(self) -> NoReturn:
        """Connects again and again; ends only by being cancelled."""
        await keep_connected(self._one_connection, self._say_down, self._timing)

    async def _one_connection(self) -> tuple[bool, LinkFailed]:
        watch = _Watch(self._settings, self._speaking, self._timing, self._hints)
        try:
            wire = await connect(self._settings.ami, lambda: watch.wire(self._tally), self._timing)
        except LinkFailed as refused:
            return False, refused
        try:
            failure = await watch.run(wire, self._tally, self._say_up)
        finally:
            was_up, self._tally.up = self._tally.up, False
            wire.abort("done with it")
            await wire.gone()
        self._tally.connections_lost += 1
        return was_up, failure

    def _say_up(self) -> None:
        self._tally.up = True
        self.down_because = ""
        settings = self._settings
        log.info("guard up", pbx=settings.ami.pbx, mailboxes=settings.applications, trunks=settings.trunks or "all")

    def _say_down(self, why: str) -> None:
        if why != self.down_because:  # an outage is told once, not ten times a second
            self.down_because = why
            log.warning("guard down: callers may end in a mailbox", pbx=self._settings.ami.pbx, why=why)


class _Watch:
    """One connection's life: hints in, at most one Redirect out for each."""

    def __init__(
        self,
        settings: GuardSettings,
        speaking: Callable[[], bool],
        timing: Timing,
        outcomes: Counter[Outcome],
    ) -> None:
        self._settings = settings
        self._speaking = speaking
        self._timing = timing
        self._outcomes = outcomes
        self._named = {name.lower().encode() for name in settings.applications}
        self._inside = re.compile(rb"\b(?:%s)\s*\(" % b"|".join(self._named), re.IGNORECASE)
        self._waiting: dict[str, None] = {}  # in order; a channel stands here once, however many hints name it
        self._hinted = asyncio.Event()
        self._moved: dict[str, float] = {}  # channel → when, by the loop's clock
        self._wire: Wire

    def wire(self, tally: Tally) -> Wire:
        """A connection that listens for what this watch wants to hear."""
        return Wire(self.hear, tally, concerns=self._concerns, refuse=lambda _: None)

    def hear(self, message: Message) -> None:
        """One hint, also one whose lines a caller's text has mixed up: the first channel is Asterisk's own word."""
        channel = message.fields.get("channel", "")
        if not CHANNEL.fullmatch(channel):
            self._outcomes[Outcome.MALFORMED] += 1
        elif not self._guards(channel):
            self._outcomes[Outcome.SPARED] += 1
        elif len(self._waiting) >= MOST_WAITING and channel not in self._waiting:
            self._outcomes[Outcome.FLOODED] += 1
        else:
            self._waiting[channel] = None
            self._hinted.set()

    async def run(self, wire: Wire, tally: Tally, up: Callable[[], None]) -> LinkFailed:
        """Lives until the connection fails, and says why; or until it is cancelled."""
        self._wire = wire
        reasons: list[LinkFailed] = []
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._until_lost())
                tasks.create_task(self._follow_hints())
                # In the body, not a task of its own: so a cancelling from outside can be told from the group's
                await log_in(wire, self._settings.ami, "dialplan", timing=self._timing, tally=tally)
                await self._be_told()
                up()
                await self._stay()
        except* LinkFailed as failures:
            reasons += [failure for failure in failures.exceptions if isinstance(failure, LinkFailed)]
        return reasons[0]  # none of them ends in any other way

    def _concerns(self, block: bytes) -> bool:
        # Unless the PBX filters for us, every step of every call comes by here: so this is bytes only.
        if not block.startswith(NEWEXTEN):
            return False
        _, _, rest = block.rpartition(APPLICATION_LINE)
        application, _, data = rest.partition(b"\r")
        name = application.lower()
        return name in self._named or (name in WRAPPERS and self._inside.search(data) is not None)

    def _guards(self, channel: str) -> bool:
        if not self._settings.trunks:
            return True
        technology, _, rest = channel.partition("/")
        # Whose call a Local channel carries its name doesn't say: one too many is better than one in a mailbox.
        return technology == "Local" or rest.rpartition("-")[0] in self._settings.trunks

    async def _until_lost(self) -> NoReturn:
        raise LinkFailed(await self._wire.gone())

    async def _be_told(self) -> None:
        """Raises LoginRefused when this PBX tells nobody of applications: a guard that is deaf must not look awake."""
        answer = await self._wire.ask(get_global(DISABLED), within=self._timing.answer_within)
        if not answer.fields:
            raise LinkFailed(f"Getvar: {answer.said}")
        if "newexten" in answer.fields.get("value", "").lower():
            raise LoginRefused(
                "the last disabledevents in the PBX's manager.conf has Newexten: include manager.d/router_guard.conf"
                " after manager.d/router.conf"
            )

    async def _stay(self) -> NoReturn:
        while True:
            must(await self._wire.ask({"Action": "Ping"}, within=self._timing.pong_within), "Ping")
            await asyncio.sleep(self._timing.beat_every)

    async def _follow_hints(self) -> NoReturn:
        """One channel after the other: Asterisk answers one connection's questions one by one in any case."""
        while True:
            await self._hinted.wait()
            while self._waiting:
                channel = next(iter(self._waiting))
                del self._waiting[channel]
                if not self._rests(channel):
                    self._outcomes[await self._follow(channel)] += 1
                    await asyncio.sleep(1 / MOST_A_SECOND)
            self._hinted.clear()

    def _rests(self, channel: str) -> bool:
        now = asyncio.get_running_loop().time()
        self._moved = {one: at for one, at in self._moved.items() if now - at < REST}
        return channel in self._moved

    async def _follow(self, channel: str) -> Outcome:
        if not self._speaking():
            return Outcome.NOT_SPEAKING
        within = self._timing.answer_within
        for _ in range(ASK_AGAIN):
            application, rescues, there = await asyncio.gather(
                *(
                    self._wire.ask(get_on_channel(channel, what), within=within)
                    for what in ("CHANNEL(appname)", VAR_GUARDED, THERE)
                )
            )
            if not (application.success and rescues.success):
                return Outcome.GONE if application.fields else Outcome.UNANSWERED
            name = application.fields.get("value", "")
            if name.lower().encode() not in WRAPPERS:
                break
            await asyncio.sleep(ASK_AGAIN_AFTER)
        if name.lower().encode() not in self._named:
            return Outcome.ELSEWHERE
        facts = {"pbx": self._settings.ami.pbx, "channel": channel, "application": name}
        if there.fields.get("value") != "1":
            log.error("a call stays in a mailbox: the dialplan has no router-guarded", **facts)
            return Outcome.NOWHERE
        count = rescues.fields.get("value", "")
        if not _COUNT.fullmatch(count) or int(count or 0) >= MOST_RESCUES:
            log.error("a call comes back to a mailbox again and again", **facts)
            return Outcome.LOOPING
        self._moved[channel] = asyncio.get_running_loop().time()  # even if no answer comes: never a second at once
        moved = await self._wire.ask(redirect_to_guarded(channel), within=within)
        if not moved.success:
            log.info("a call was not taken out of a mailbox", why=moved.said, **facts)
            return Outcome.REFUSED
        log.info("a call was taken out of a mailbox", **facts)
        return Outcome.RESCUED
