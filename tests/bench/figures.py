"""What do many measurements come to?"""

from collections.abc import Iterable


def percentile(values: Iterable[float], percent: float) -> float:
    """The smallest of the values that at least `percent` of a hundred do not exceed. Raises ValueError for none."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no measurement, so no percentile")
    rank = -(-len(ordered) * percent // 100)  # rounded up
    return ordered[max(int(rank), 1) - 1]
