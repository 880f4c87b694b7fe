"""What time is it at the PBX, and what has to be taken off its times?"""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from router.ami.connection import LinkFailed, must
from router.ami.counters import Tally
from router.ami.protocol import Wire
from router.ami.timing import Timing

# Every AMI client may differ from the PBX's clock by the time a message travels; below this it is no skew.
SKEW_WORTH_CORRECTING = 0.5  # seconds
ROUND_TRIP_TO_TRUST = 0.5  # seconds; a slower Ping says too little about when its answer was written
SKEW_STEADY = 0.1  # seconds; a new measure nearer than this is noise, and must not turn the order of two times

_PBX_TIME = re.compile(r"[0-9]{9,10}\.[0-9]{1,9}")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Measure:
    """One look at the PBX's clock, in seconds; the fastest says most. It is `ahead` of ours by so much."""

    round_trip: float
    ahead: float
    says: float


async def measure(wire: Wire, now: Callable[[], datetime], within: float) -> Measure:
    """Ask by Ping: half the round trip ago it was what the answer says. Raises LinkFailed."""
    loop = asyncio.get_running_loop()
    sent, before = now(), loop.time()
    answer = await wire.ask({"Action": "Ping"}, within=within)
    must(answer, "Ping")
    stamp = answer.fields.get("timestamp", "")
    if not _PBX_TIME.fullmatch(stamp):
        raise LinkFailed("the PBX answers Ping without its time")
    round_trip = loop.time() - before
    says = float(stamp)
    return Measure(round_trip=round_trip, ahead=says - sent.timestamp() - round_trip / 2, says=says)


class PbxClock:
    """The PBX's clock, as Ping shows it. `seconds` is what it said last, in seconds since 1970; 0 before that."""

    def __init__(self, wire: Wire, timing: Timing, tally: Tally, now: Callable[[], datetime]) -> None:
        self._wire = wire
        self._timing = timing
        self._tally = tally
        self._now = now
        self.seconds = 0.0

    async def ask(self) -> None:
        """Proves that the PBX listens, and measures its clock. Raises LinkFailed."""
        found = await measure(self._wire, self._now, self._timing.pong_within)
        self.seconds = found.says
        self._tally.round_trip = found.round_trip
        known = self._tally.skew
        if found.round_trip < ROUND_TRIP_TO_TRUST and (known is None or abs(found.ahead - known) > SKEW_STEADY):
            self._tally.skew = found.ahead


def correction(tally: Tally) -> float:
    """The PBX's clock minus ours, in seconds; 0 where that is no more than the time a message travels."""
    skew = tally.skew or 0.0
    return skew if abs(skew) > SKEW_WORTH_CORRECTING else 0.0
