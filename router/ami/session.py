"""What do we do on one connection: log in, become the one that is heard, stay it, and leave?"""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import NoReturn

import structlog

from router.ami.call_back_events import of_call_back, read_call_back
from router.ami.connection import Door, LinkFailed, log_in, must
from router.ami.counters import Dropped, Tally
from router.ami.dialplan import GLOBAL_BEAT, GLOBAL_TOKEN
from router.ami.ended import Entry, JournalReader, Unreadable
from router.ami.framing import Message
from router.ami.inbound import read_event
from router.ami.journal import OnRecord
from router.ami.living import live_calls
from router.ami.members import members_seen
from router.ami.outbound import Fields, get_global, set_beat, set_token
from router.ami.pbx_clock import PbxClock, correction
from router.ami.protocol import Answer, Wire
from router.ami.timing import Timing
from router.ami.turn import Silence, Turn, until_our_turn
from router.calls.calling_back import CallBackEnded, CallBackEvent
from router.calls.events import (
    CallEnded,
    Event,
    JournalRead,
    LegEnded,
    LinkDown,
    LinkUp,
    MemberSeen,
    MembersSeen,
    PbxEvent,
)

log = structlog.get_logger(__name__)

MOST_KEPT = 50_000  # events while resynchronising: 200 calls/s for half a minute; more means that it will never end
STAND_BACK = 0.6  # seconds for whoever is heard instead of us to take the turn that we had
MADE_WAY_EVERY = 0.02  # seconds between two looks whether somebody is heard instead of us

LOOKS_AT_MOST = 3  # one after the other; what the last one shows is put right by the next, a minute later
TOLD_AT_ONCE = 20  # calls of the journal that is read again: taking them in holds up another call for a millisecond
AT_ONCE = 16  # questions written together: few enough that their answers are no burst which delays a call

_SECONDS = re.compile(r"[0-9]{1,10}")


class Session:
    """One connection's life. `tell` gets the events and must not raise; `since` is how far the journal is known.

    `turn` says who tries to be heard; without one, who comes later is heard. `token` is the one we were heard by last,
    empty when another router has spoken since; then, before we speak, `adopt` takes over what that one knew, if it can.
    """

    def __init__(
        self,
        *,
        pbx: str,
        timing: Timing,
        tally: Tally,
        tell: Callable[[Event], None],
        tell_call_back: Callable[[CallBackEvent], None],
        now: Callable[[], datetime],
        since: datetime | None,
        turn: Turn | None = None,
        token: str = "",
        adopt: Callable[[], Awaitable[OnRecord | None]] | None = None,
    ) -> None:
        self._pbx = pbx
        self._timing = timing
        self._tally = tally
        self._tell = tell
        self._tell_call_back = tell_call_back
        self._now = now
        self._wire: Wire
        self._token = ""
        self._clock: PbxClock
        self._kept: list[PbxEvent] | None = None
        self._journal = JournalReader(pbx, tally, self._ask_each, lambda: correction(tally))
        self._journal_read = False
        self._missing_since: datetime | None = None
        self._missing = asyncio.Event()
        self._look = asyncio.Event()
        self._changes = 0  # of members, asked for so far
        self._turn = turn
        self._adopt = adopt
        self._confirmed_at = 0.0  # by the loop's clock: the PBX heard us
        self._speaks = False
        self._stands_by = False
        self.known_until = since
        self.last_token = token
        self.took_over = False

    @property
    def speaking(self) -> bool:
        """Whether the PBX hears us. A process that was frozen doesn't know it any more: then others have taken over."""
        unconfirmed = asyncio.get_running_loop().time() - self._confirmed_at
        return self._speaks and unconfirmed < self._timing.stale_after

    def hear(self, message: Message) -> None:
        """One clean UserEvent of ours, as the wire reads it. Parses and passes on; nothing else."""
        if not self._token or message.fields.get("token") != self._token:
            self._tally.dropped[Dropped.WRONG_TOKEN] += 1
            return
        if of_call_back(message.fields):
            # Kept apart from calls from here on, and not held until these are known: it counts once in any order.
            self._hear_call_back(message.fields)
            return
        event = read_event(message.fields, pbx=self._pbx, skew=correction(self._tally))
        if event is None:
            self._tally.dropped[Dropped.MALFORMED] += 1
        elif self._kept is None:
            self._tell(event)
        elif len(self._kept) < MOST_KEPT:
            self._kept.append(event)
        else:
            self._wire.abort("too many events while resynchronising")

    def _hear_call_back(self, fields: Fields) -> None:
        if (news := read_call_back(fields, pbx=self._pbx, skew=correction(self._tally))) is not None:
            self._tell_call_back(news)

    async def run(self, wire: Wire, door: Door) -> LinkFailed:
        """Lives until the connection fails, and says why; or until it is cancelled."""
        self._wire, self._clock = wire, PbxClock(wire, self._timing, self._tally, self._now)
        reasons: list[LinkFailed] = []
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._until_lost())
                tasks.create_task(self._keep_looking())
                tasks.create_task(self._keep_reading_again())
                # In the body, not a fourth task: only so does Python 3.11 undo the cancelling with which the group
                # interrupts us when the link is lost, and a real one can still be told from it.
                await self._live(door)
        except* LinkFailed as failures:
            reasons += [failure for failure in failures.exceptions if isinstance(failure, LinkFailed)]
        return reasons[0]  # none of the four ends in any other way

    def ask(self, fields: Fields) -> asyncio.Future[Answer]:
        """An action for a call: written at once. Raises Unsendable."""
        return self._wire.ask(fields, within=self._timing.answer_within)

    def change_members(self, fields: Fields) -> asyncio.Future[Answer]:
        """An action that changes a queue's members: what is being looked at meanwhile is no longer so."""
        self._changes += 1
        return self.ask(fields)

    def look_at_members(self) -> None:
        self._look.set()

    async def farewell(self) -> None:
        """Tells the dialplan not to wait for us any more, and logs off; takes hardly longer than its limit."""
        within = self._timing.farewell_within
        if self._token:
            token = await self._wire.ask(get_global(GLOBAL_TOKEN), within=within)
            if not token.success:
                return  # it doesn't listen any more
            if token.fields.get("value") == self._token:  # else somebody else is heard, and must be waited for
                await self._wire.ask(set_beat(0), within=within)
        await self._wire.ask({"Action": "Logoff"}, within=within)

    def read_again(self, since: datetime) -> None:
        """What ended since then could not all be kept: tell it once more."""
        self._missing_since = since
        self._missing.set()

    async def make_way(self, within: float) -> None:
        """Speaks on until another router is heard instead, for so many seconds at most. Raises LinkFailed."""
        for _ in range(round(within / MADE_WAY_EVERY)):
            if not self._token or await self._global(GLOBAL_TOKEN) != self._token:
                return
            await asyncio.sleep(MADE_WAY_EVERY)

    async def _until_lost(self) -> NoReturn:
        raise LinkFailed(await self._wire.gone())

    async def _live(self, door: Door) -> NoReturn:
        # Only UserEvents, even if the AMI user may read more: every other event can carry a caller's raw text.
        await log_in(self._wire, door, "user", timing=self._timing, tally=self._tally)
        while True:
            await self._until_our_turn()
            await self._take_over()
            while await self._speak() == "":
                # A `dialplan reload` with clearglobalvars takes both globals away. What was raised since had no token
                # and was dropped; its ends are in the journal.
                await self._take_over()
            if self._turn is not None:
                self._turn.release()
            self.last_token = ""
            self._stand_by()

    # Becoming the one that is heard

    async def _until_our_turn(self) -> None:
        """Until we have the turn, or whoever has it says nothing any more."""
        if self._turn is None:
            if self._stands_by:
                await self._until_nobody_speaks()
            return
        if self._stands_by:
            with suppress(TimeoutError):
                async with asyncio.timeout(STAND_BACK):
                    await self._until_nobody_speaks()
        self._turn.want(speaking=False)
        if self.last_token and not self._turn.elsewhere and await self._global(GLOBAL_TOKEN) == self.last_token:
            return  # nobody has spoken since we were cut off
        await until_our_turn(self._turn, self._silence, self._stand_by, self._timing)

    async def _take_over(self) -> None:
        """From the token on, events of this PBX are ours; they are kept until the state before them is known."""
        if self._turn is not None:
            self._turn.want(speaking=True)
        await self._clock.ask()
        alone = self.last_token and await self._global(GLOBAL_TOKEN) in ("", self.last_token)
        self._kept = []
        await self._set_token()
        still_open: Mapping[str, datetime] = {}
        if self._adopt is not None and not alone and (known := await self._adopt()) is not None:
            self.known_until, still_open = known.until, known.open
        asked_at = self._now()
        alive = await live_calls(self._pbx, self._ask_each, self._tally)
        ended, call_backs = await self._ended(
            {call: at for call, at in still_open.items() if call not in alive}, until=asked_at
        )
        members = await members_seen(self._ask_each, self._tally)
        self.took_over, self._stands_by = True, False
        self._confirmed()
        self._tally.took_over += 1
        self._tally.stand(up=True, stands_by=False, at=self._now())
        log.info("link up", pbx=self._pbx, live_calls=len(alive), ended=len(ended), kept=len(self._kept))
        self._tell(
            LinkUp(
                pbx=self._pbx,
                live_calls=alive,
                ended=ended,
                members=members,
                at=asked_at,
                call_backs=call_backs,
            )
        )
        if self._journal_read:
            self.known_until = asked_at  # not before it is told: this connection could fail in between
        kept, self._kept = self._kept, None
        for event in kept:
            self._tell(event)

    async def _set_token(self) -> None:
        self._token = self.last_token = secrets.token_hex(16)
        must(await self._wire.ask(set_token(self._token), within=self._timing.answer_within), "Setvar")

    async def _ended(
        self, gone: Mapping[str, datetime], *, until: datetime
    ) -> tuple[tuple[CallEnded | LegEnded, ...], tuple[CallBackEnded, ...]]:
        """What the journal tells since the last contact. Asked after the live calls: none can end unseen in between."""
        # what is gone has no end on record: then the journal is read from when it arrived, and all is told once more
        self._journal_read = True
        since = min([self.known_until, *gone.values()]) if self.known_until else None
        told = await self._told_between(since, until)
        call_backs = tuple(entry for entry in told if isinstance(entry, CallBackEnded))
        ended = [entry for entry in told if not isinstance(entry, CallBackEnded)]
        ended.sort(key=lambda entry: (entry.at, isinstance(entry, CallEnded)))
        return tuple(ended), call_backs

    async def _told_between(self, since: datetime | None, until: datetime) -> list[Entry]:
        ended: list[Entry] = []
        try:
            async for piece in self._journal.read(since, until):
                ended += piece
        except Unreadable as fault:
            # Steering calls comes before recording them: the next login reads them again.
            log.warning("the journal could not be read whole", pbx=self._pbx, why=str(fault))
            self._journal_read = False
        return ended

    # Staying it

    async def _speak(self) -> str:
        """Sets the heartbeat until the token is not ours any more, and returns what it is then: another's, or empty."""
        while True:
            asked_at = asyncio.get_running_loop().time()
            _, token = await asyncio.gather(self._clock.ask(), self._global(GLOBAL_TOKEN))
            if token != self._token:
                return token
            if asyncio.get_running_loop().time() - asked_at > self._timing.pong_within:
                continue  # this process was frozen meanwhile: the answers are as old as that
            self._confirmed()
            beat = set_beat(int(self._clock.seconds))
            must(await self._wire.ask(beat, within=self._timing.pong_within), "Setvar")
            if self._journal_read:
                self.known_until = self._now()  # every event until now has been heard
            await asyncio.sleep(self._timing.beat_every)

    def _confirmed(self) -> None:
        self._speaks, self._confirmed_at = True, asyncio.get_running_loop().time()

    def _stand_by(self) -> None:
        if self._stands_by:
            return
        self._speaks, self._stands_by = False, True
        self._tally.stand(up=False, stands_by=True, at=self._now())
        self._token = ""
        why = "another router speaks for this PBX"
        log.warning("standing by", pbx=self._pbx, why=why)
        self._tell(LinkDown(pbx=self._pbx, why=why, at=self._now()))

    async def _until_nobody_speaks(self) -> None:
        while True:
            if (await self._silence()).seconds > self._timing.stale_after:
                return
            await asyncio.sleep(min(self._timing.beat_every, self._timing.stand_by_every))

    async def _silence(self) -> Silence:
        _, beat = await asyncio.gather(self._clock.ask(), self._global(GLOBAL_BEAT))
        last = int(beat) if _SECONDS.fullmatch(beat) else 0
        return Silence(seconds=self._clock.seconds - last, left=last == 0)

    async def _keep_looking(self) -> NoReturn:
        while True:
            try:
                async with asyncio.timeout(self._timing.look_every):
                    await self._look.wait()
            except TimeoutError:
                pass
            self._look.clear()
            if not self.speaking:
                continue
            try:
                members = await self._members_at_rest()
            except LinkFailed as failure:
                # A look that failed is no reason to leave the calls alone; a PBX that is gone is found out by Ping.
                log.warning("the members could not be looked at", pbx=self._pbx, why=str(failure))
            else:
                self._tell(MembersSeen(members=members, at=self._now()))

    async def _members_at_rest(self) -> tuple[MemberSeen, ...]:
        """A look during which we changed nothing: else it shows some queues before and some after our orders."""
        for _ in range(LOOKS_AT_MOST):
            changes = self._changes
            members = await members_seen(self._ask_each, self._tally)
            if self._changes == changes:
                break
        return members

    async def _keep_reading_again(self) -> NoReturn:
        while True:
            await self._missing.wait()
            self._missing.clear()
            if self._missing_since is None or not self.speaking:
                continue
            # Should this connection end meanwhile, the next one reads from there.
            self.known_until = min(self.known_until or self._missing_since, self._missing_since)
            self._journal_read = False
            try:
                calls = await self._journal.by_call(self._missing_since, self._now())
            except Unreadable as fault:
                log.warning("the journal could not be read again", pbx=self._pbx, why=str(fault))
                continue
            for first in range(0, len(calls), TOLD_AT_ONCE):
                some = [entry for call in calls[first : first + TOLD_AT_ONCE] for entry in call]
                self._tell(JournalRead(ended=tuple(some), at=self._now()))
                await asyncio.sleep(0)  # calls that live come first
            self._journal_read = True

    # Asking

    async def _global(self, variable: str) -> str:
        answer = await self._wire.ask(get_global(variable), within=self._timing.pong_within)
        must(answer, "Getvar")
        return answer.fields.get("value", "")

    async def _ask_each(self, questions: Sequence[Fields], *, many: bool = False) -> AsyncIterator[Answer]:
        """The answers in the order of the questions, which are written a few at a time."""
        for first in range(0, len(questions), AT_ONCE):
            some = questions[first : first + AT_ONCE]
            within = self._timing.list_within
            for answer in await asyncio.gather(*(self._wire.ask(one, within=within, many=many) for one in some)):
                yield answer
