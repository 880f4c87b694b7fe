"""What will be done with a call: whose phones ring, in which order, and which desk it ends at?"""

from dataclasses import dataclass
from datetime import datetime

from router.routing.model import Phone, Strategy

MOST_STEPS = (
    8  # a plan travels in one channel variable of at most 900 bytes; more steps would also outlast any patience
)
MOST_PHONES = 8  # phones rung together in one step; more legs than that is a desk, not a person


@dataclass(frozen=True, slots=True, kw_only=True)
class RingPerson:
    """Ring these phones of one person together, at most `seconds`; skipped when they are on the phone."""

    person: int
    name: str
    phones: tuple[Phone, ...]
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RingDesk:
    """Wait at this desk for at most `seconds`; `strategy` and `slot` name its queue in the PBX."""

    desk: int
    name: str
    strategy: Strategy
    slot: int
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """Say that it is closed and that somebody will call back; `due_after_opening` is when it opens (None: unknown)."""

    due_after_opening: datetime | None

    @property
    def name(self) -> str:
        return "a promise to call back"


Step = RingPerson | RingDesk | Promise


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The ordered steps of one call; the last is always the safety net's desk, or a promise in closed hours.

    `line_tail` is what the PBX remembers for the dialled line, for the day it has to do without us: empty when the
    dialled number is no line. `safety_net` is what it remembers for every other number. `display` is what the ringing
    phone shows: line and account, at most 40 characters, none of them a control character. `last_resort` is the
    external number to ring when nobody is at any desk (None: none, or none that may be called). Callers of a higher
    `priority` (0 to 99) go first in a waiting line.
    """

    steps: tuple[Step, ...]
    line_tail: tuple[RingDesk, ...]
    safety_net: RingDesk
    display: str
    last_resort: str | None = None
    priority: int = 0
