"""Which fault strikes when? The same for the same seed."""

import random
from dataclasses import dataclass
from enum import StrEnum

CALM_FIRST = 2.0  # seconds without a fault at the beginning: the PBX learns which desk a line has
CALM_LAST = 0.05  # of the whole time at the end, and at least as long as at the beginning
LONGEST = 12.0  # seconds a fault lasts at most: twice the 6 s after which the dialplan calls the heartbeat stale
LONGEST_ROUND = 17.0  # seconds from one fault's beginning to the next one's; with more time there are more faults
RECOVERY = 0.4  # of that, at least, is left after the fault
SHORTEST_ROUND = 2.5  # seconds; below that a router couldn't be back before the next fault
LEAST = 0.1  # seconds a lasting fault lasts


class Kind(StrEnum):
    """What is done to the system. All but the first three last for a while and are then mended."""

    RESET = "AMI reset"
    RELOAD = "dialplan reload"
    RESTART = "router restarted"
    KILL = "router killed"
    FREEZE = "router frozen"
    BLACKHOLE = "AMI blackholed"
    DATABASE_STOP = "database stopped"
    DATABASE_FREEZE = "database frozen"


AT_ONCE = frozenset({Kind.RESET, Kind.RELOAD, Kind.RESTART})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault, in seconds after the first call: when it strikes, and when it is mended."""

    kind: Kind
    begins: float
    ends: float


class TooShort(ValueError):
    """The faults don't fit into the time; the message says how much they need."""


def schedule(seed: int, seconds: float, each: int) -> tuple[Fault, ...]:
    """Faults one after the other, every kind `each` times at least and none much more often than another.

    After each fault RECOVERY of the time until the next one is left, and CALM_LAST at the end. Raises TooShort.
    """
    calm_last = max(CALM_FIRST, CALM_LAST * seconds)
    room = seconds - CALM_FIRST - calm_last
    rounds = max(each, int(room / LONGEST_ROUND / len(Kind)))
    length = room / (rounds * len(Kind))
    if length < SHORTEST_ROUND:
        needed = each * len(Kind) * SHORTEST_ROUND + 2 * CALM_FIRST
        raise TooShort(f"each of {len(Kind)} kinds of fault {each} times needs {needed / 60:.1f} minutes at least")
    draw = random.Random(f"faults {seed}")
    faults = []
    for place, kind in enumerate(_kinds(draw, rounds)):
        begins = CALM_FIRST + place * length
        longest = min(LONGEST, (1 - RECOVERY) * length)
        lasts = 0.0 if kind in AT_ONCE else draw.uniform(max(LEAST, longest / 4), longest)
        # within its round, so that faults don't come like a clock
        begins += draw.uniform(0.0, (1 - RECOVERY) * length - lasts)
        faults.append(Fault(kind=kind, begins=round(begins, 3), ends=round(begins + lasts, 3)))
    return tuple(faults)


def _kinds(draw: random.Random, rounds: int) -> list[Kind]:
    kinds = []
    for _ in range(rounds):
        some = list(Kind)
        draw.shuffle(some)
        kinds += some
    return kinds
