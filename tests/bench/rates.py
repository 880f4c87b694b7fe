"""Which is the highest rate that still holds?"""

from collections.abc import Callable

STEP = 1.04  # between two rates that are told apart: two runs of the same one differ by about as much
LOWEST, HIGHEST = 20.0, 1_000.0  # calls per second
RATES = [LOWEST]
while RATES[-1] * STEP <= HIGHEST:
    RATES.append(RATES[-1] * STEP)

FIRST_LEAP = 2  # rates passed over at first when looking for one on the other side; twice as many each time


def highest_rate(holds: Callable[[float], bool], start: float) -> float:
    """The highest of RATES that holds, beginning near `start`; 0 when not even the lowest does.

    A rate that failed is tried once more, since one hiccup of a shared machine would otherwise decide. Asks about ten
    times when `start` is far off, four times when it is near.
    """
    tried: dict[int, bool] = {-1: True, len(RATES): False}

    def held(at: int) -> bool:
        if at not in tried:
            tried[at] = holds(RATES[at]) or holds(RATES[at])
        return tried[at]

    at = min(range(len(RATES)), key=lambda place: abs(RATES[place] - start))
    upwards, leap = held(at), FIRST_LEAP
    while -1 < at < len(RATES) and held(at) is upwards:
        at = max(-1, min(len(RATES), at + (leap if upwards else -leap)))
        leap *= 2
    good = max(place for place, was in tried.items() if was)
    bad = min(place for place, was in tried.items() if not was and place > good)
    while bad - good > 1:
        middle = (good + bad) // 2
        if held(middle):
            good = middle
        else:
            bad = middle
    return RATES[good] if good >= 0 else 0.0
