"""What do we know of one call?"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from router.calls.events import How, LegResult, Path, Presented, Promised
from router.routing.decide import Decision


class Phase(StrEnum):
    """arrived: waits for its path · ringing: somebody's phone rings · talking: a person has it · over: it ended."""

    ARRIVED = "arrived"
    RINGING = "ringing"
    TALKING = "talking"
    OVER = "over"


class Ending(StrEnum):
    """answered by a person · the caller gave up · let go with a promise · lost: gone with the PBX, nobody knows how."""

    ANSWERED = "answered"
    GAVE_UP = "gave_up"
    PROMISED = "promised"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One phone being rung for a call, with its result (None while it lasts)."""

    leg: str
    step: int
    phone: str
    person: int | None
    began_at: datetime
    ended_at: datetime | None = None
    result: LegResult | None = None
    cause: int | None = None
    maybe_machine: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Passing:
    """One hand-over of a call: from which phone, to whom (a name; "" is back to the giver), and how.

    `sentence` says who was to ring and why; "" when another router, or none, was there at that moment.
    """

    at: datetime
    phone: str
    person: int | None
    to: str
    how: How
    sentence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handing:
    """A hand-over that the PBX was asked for and hasn't told of yet; `order` asked for it, None for a transfer key."""

    to: str
    sentence: str
    order: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One caller's attempt. A value: every event makes a new one.

    `taken_…` is the first person who took it, `owner…` the one who has it now, or had it last: another one after a
    hand-over. `owner_since` is when that was said, which is the end itself once the call's end has told who it was.
    """

    call_id: str
    phase: Phase
    dialled: str
    caller: str
    presented: Presented
    arrived_at: datetime
    decision: Decision | None = None
    line: int | None = None  # of a call that nobody decided: what the table says of its two numbers
    account: int | None = None
    path: Path | None = None
    why: str = ""
    legs: tuple[Leg, ...] = ()
    taken_phone: str | None = None
    taken_by: int | None = None
    taken_at: datetime | None = None
    owner_phone: str | None = None
    owner: int | None = None
    owner_since: datetime | None = None
    handing: Handing | None = None
    passings: tuple[Passing, ...] = ()
    promise: Promised | None = None
    ended_at: datetime | None = None
    ending: Ending | None = None
