"""How far away is a PBX: its clock, its events, and the router that it hears?

Asked on a connection of its own. It sets nothing. The events that it raises carry no token, so a router that runs
meanwhile drops them unread.
"""

import asyncio
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from router.ami.connection import connected, log_in, must
from router.ami.counters import Tally
from router.ami.dialplan import GLOBAL_BEAT
from router.ami.framing import Message, parse
from router.ami.link import AmiSettings
from router.ami.outbound import Fields, get_global
from router.ami.pbx_clock import measure
from router.ami.protocol import Answer, Wire
from router.ami.timing import Timing

PINGS = 5  # the fastest counts: it says most about when its answer was written
ECHOES = 5  # events; enough for a median, and nothing to a PBX
HEARD_WITHIN = 2.0  # seconds; a few milliseconds are usual, and [router-in] goes on without us after 1.5
ECHO = "RouterEcho"  # no event that the dialplan raises, and no router listens for it

DEFAULT_TIMING = Timing()
_SECONDS = re.compile(r"[0-9]{9,10}(\.[0-9]{1,9})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """What was measured, in seconds.

    `ahead` is the PBX's clock minus ours. `heartbeat` is how long ago a router was heard last, by the PBX's clock;
    None when it knows of none. `echoes` are the times from asking for an event to hearing it: None for one that was
    not heard, which is the last, and none at all where the user may not ask for it (`why_not`).
    """

    round_trip: float
    ahead: float
    heartbeat: float | None
    echoes: tuple[float | None, ...]
    why_not: str = ""


async def feel_pulse(
    settings: AmiSettings,
    now: Callable[[], datetime],
    *,
    heard_within: float = HEARD_WITHIN,
    timing: Timing = DEFAULT_TIMING,
) -> Pulse:
    """Log in, measure, and leave; an event that isn't heard within so many seconds is lost.

    Raises LinkFailed, and LoginRefused, a kind of it.
    """
    tally = Tally()
    echoes = _Echoes(heard_within)
    async with connected(settings, lambda: _EchoWire(echoes, tally), timing) as wire:
        await log_in(wire, settings, "user", timing=timing, tally=tally)
        clock = min([await measure(wire, now, timing.list_within) for _ in range(PINGS)])
        beat = await _ask(wire, get_global(GLOBAL_BEAT), timing)
        last = beat.fields.get("value", "")
        heard: list[float | None] = []
        why_not = ""
        for _ in range(ECHOES):
            why_not = await echoes.ask(wire, timing, heard)
            if why_not or None in heard:
                break
        await wire.ask({"Action": "Logoff"}, within=timing.farewell_within)
    return Pulse(
        round_trip=clock.round_trip,
        ahead=clock.ahead,
        heartbeat=clock.says - float(last) if _SECONDS.fullmatch(last) else None,
        echoes=tuple(heard),
        why_not=why_not,
    )


class _Echoes:
    """Events that were asked for, each by a word that nobody can guess, until they are heard."""

    def __init__(self, heard_within: float) -> None:
        self._heard_within = heard_within
        self._awaited: dict[str, asyncio.Future[float]] = {}

    async def ask(self, wire: Wire, timing: Timing, heard: list[float | None]) -> str:
        """Have one raised and add to `heard` how long it took; why that is refused, else empty."""
        loop = asyncio.get_running_loop()
        word = secrets.token_hex(8)
        heard_at = self._awaited[word] = loop.create_future()
        asked_at = loop.time()
        answer = await wire.ask({"Action": "UserEvent", "UserEvent": ECHO, "Word": word}, within=timing.answer_within)
        if not answer.success:
            return answer.said
        try:
            async with asyncio.timeout(self._heard_within):
                heard.append(await heard_at - asked_at)  # mostly it comes before the answer
        except TimeoutError:
            heard.append(None)
        return ""

    def hear(self, message: Message) -> None:
        future = self._awaited.pop(message.fields.get("word", ""), None)
        if future is not None and not future.done():
            future.set_result(asyncio.get_running_loop().time())


class _EchoWire(Wire):
    """Asterisk writes the ActionID of the one who asked into the event, so it would be taken for an answer."""

    def __init__(self, echoes: _Echoes, tally: Tally) -> None:
        super().__init__(lambda message: None, tally)
        self._echoes = echoes

    def _sort(self, block: bytes) -> None:
        if f"\nUserEvent: {ECHO}\r".encode() in block:
            self._echoes.hear(parse(block))
        else:
            super()._sort(block)


async def _ask(wire: Wire, fields: Fields, timing: Timing) -> Answer:
    answer = await wire.ask(fields, within=timing.list_within)
    must(answer, fields["Action"])
    return answer
