"""How often may one key ask, and one address guess?

Calls don't come this way: they are decided from memory, and nothing here counts them or waits for them. What this
limits is how much of the loop that routes them can be taken up by whoever asks over HTTP. Being refused costs next to
nothing: no database is asked, and nothing waits.
"""

import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

# An answer takes 2 to 5 ms of the loop. 100 a second are what a CRM needs that passes on 100 changes a second, and
# leave calls more than half of one core; who needs more runs `--only web` processes beside the one with the calls.
KEY_RATE = 100  # requests a second of one key, unless the settings say otherwise
BURST = 2.0  # seconds' worth that may come at once: a page that loads, fifty editors who press save together

# A key has 256 random bits, so nobody guesses one; this keeps those who try from asking the database all the time. A
# program whose key has expired tries now and then, and is told the truth for its first tries in a minute.
FAILURES = 30  # refused keys a minute from one address, unless the settings say otherwise

# An entry takes some hundred bytes: 2 MB at most. Who is forgotten begins anew, which only many others can bring about.
REMEMBERED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`key_rate` is requests a second of one key, `failures` refused keys a minute from one address; 0: any number."""

    key_rate: float = KEY_RATE
    failures: float = FAILURES


class Buckets:
    """For each name a bucket that holds `size` drops and gains `rate` of them a second; a request takes one."""

    def __init__(self, rate: float, size: float, clock: Callable[[], float], *, remembered: int = REMEMBERED) -> None:
        self._rate = rate
        self._size = max(1.0, size)
        self._clock = clock
        self._remembered = remembered
        self._levels: OrderedDict[object, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._levels)

    def wait(self, name: object) -> float:
        """After how many seconds there is a drop: 0.0 when there is one now. Takes none."""
        level = self._level(name)
        return 0.0 if self._rate <= 0 or level >= 1 else (1 - level) / self._rate

    def take(self, name: object) -> float:
        """Take a drop, if there is one; after how many seconds there will be one, 0.0 when it was there."""
        if self._rate <= 0:
            return 0.0
        wait = self.wait(name)
        if not wait:
            self._levels[name] = (self._level(name) - 1, self._clock())
            self._levels.move_to_end(name)
            if len(self._levels) > self._remembered:
                self._levels.popitem(last=False)
        return wait

    def _level(self, name: object) -> float:
        level, at = self._levels.get(name, (self._size, 0.0))
        return min(self._size, level + (self._clock() - at) * self._rate)


def network_of(address: str) -> str:
    """Whom an address stands for: itself, or the /64 that every IPv6 customer has to itself. Raises nothing."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
