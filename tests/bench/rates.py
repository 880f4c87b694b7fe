"""Which is the highest rate that still holds?"""

from collections.abc import Callable, Sequence

FINE = 1.05  # between two rates that are told apart: two runs of the same one differ by about as much
COARSE = 1.3
LOWEST, HIGHEST = 20.0, 1_000.0  # calls per second

FIRST_LEAP = 2  # rates passed over at first when looking for one on the other side; twice as many each time


def ladder(step: float) -> Sequence[float]:
    """The rates that are told apart, each `step` times the one before."""
    rates = [LOWEST]
    while rates[-1] * step <= HIGHEST:
        rates.append(rates[-1] * step)
    return rates


def highest_rate(holds: Callable[[float], bool], rates: Sequence[float], start: float) -> float:
    """The highest of `rates` (ascending) that holds, looking first near `start`; 0 when not even the lowest does.

    A rate that failed is tried once more, since one hiccup of a shared machine would otherwise decide. With a start
    that is near it asks four or five times, with any other fewer than twenty.
    """
    held = {-1: True, len(rates): False}  # what needs no asking: standing still holds, and nothing beyond the ladder

    def ask(at: int) -> bool:
        if at not in held:
            held[at] = holds(rates[at]) or holds(rates[at])
        return held[at]

    at = min(range(len(rates)), key=lambda place: abs(rates[place] - start))
    upwards, leap = ask(at), FIRST_LEAP
    while ask(at) is upwards:
        at = max(-1, min(len(rates), at + (leap if upwards else -leap)))
        leap *= 2
    good = max(place for place, holding in held.items() if holding)
    bad = min(place for place, holding in held.items() if not holding and place > good)
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if ask(middle) else (good, middle)
    return rates[good] if good >= 0 else 0.0
