"""Who calls, from where, and how long do they wait and talk? The same for the same seed."""

import math
import random

from router.lab.scenarios import PlacedCall
from tests.chaos.company import ACCOUNT_NUMBERS, LINE, MANAGERS, OTHER_NUMBERS, SALES_LINE

PATIENCE = 60.0  # seconds: who waits so long should have been answered long before, and counts as lost
IMPATIENT = 0.35  # of the callers give up at a moment of their own, if nobody has answered by then
SOONEST, LATEST = 0.03, 8.0  # seconds after the last sign of life, drawn so that short waits are as likely as long ones

SHORTEST_TALK, LONGEST_TALK = 1.0, 3.0  # seconds; the witness wants half a second to see who shares a talk
LONG_TALKS = 0.04  # of the calls: they live through a fault from its beginning to its end
LONG_TALK = 15.0  # seconds at most

WITHHELD = "anonymous"
WITHHELD_FROM = f'"Anonymous" <sip:{WITHHELD}@anonymous.invalid>'
# A phone shows nothing by which two withheld callers could be told apart, so no two of them call at the same time.
WITHHELD_EVERY = 10.0  # seconds
WITHHELD_PATIENCE = 3.0  # seconds in which the one before has been answered or has given up
WITHHELD_TALK = 1.0  # seconds


def calls(seed: int, seconds: float, rate: float, spare: float = 0.0) -> tuple[PlacedCall, ...]:
    """The calls of one run, to be placed in this order at `rate` a second. Every number calls once.

    After those of `seconds` come those of `spare` seconds more, in case that the faults take longer.
    """
    draw = random.Random(f"calls {seed}")
    found = []
    withheld_until = WITHHELD_EVERY / 2
    for number in range(round((seconds + spare) * rate)):
        at = number / rate
        if at >= withheld_until:
            withheld_until = at + WITHHELD_EVERY
            found.append(_withheld(draw))
        else:
            found.append(_shown(draw, number, left=max(seconds - at, 0.0)))
    return tuple(found)


def _shown(draw: random.Random, number: int, left: float) -> PlacedCall:
    long = draw.random() < LONG_TALKS
    talks = draw.uniform(LONGEST_TALK, LONG_TALK) if long else draw.uniform(SHORTEST_TALK, LONGEST_TALK)
    return PlacedCall(
        caller=_caller(draw, number),
        dialled=SALES_LINE if draw.random() < 0.2 else LINE,
        gives_up=_gives_up(draw, LATEST) if draw.random() < IMPATIENT else PATIENCE,
        # the last callers don't keep everybody else waiting for their end
        talks=round(min(talks, left + LONGEST_TALK), 3),
    )


def _withheld(draw: random.Random) -> PlacedCall:
    return PlacedCall(
        caller=WITHHELD,
        dialled=LINE,
        from_header=WITHHELD_FROM,
        gives_up=_gives_up(draw, WITHHELD_PATIENCE),
        talks=WITHHELD_TALK,
    )


def _caller(draw: random.Random, number: int) -> str:
    drawn = draw.random()
    for place, manager in enumerate(MANAGERS):
        drawn -= manager.share
        if drawn < 0:
            return f"{ACCOUNT_NUMBERS}{place}{number:06}"
    return f"{OTHER_NUMBERS}{number:07}"


def _gives_up(draw: random.Random, latest: float) -> float:
    return round(math.exp(draw.uniform(math.log(SOONEST), math.log(latest))), 3)
