"""Which words do we share about calling a customer back: what is asked of the PBX, and what is heard of it?

A call-back is no call: nobody is waiting in `[router-in]`, nothing is decided for it and it is counted in no figure of
calls. It has an id of its own form, so that what its phones tell is never taken for a call's.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from router.routing.model import Phone

MARK = "router-callback-"  # how the Uniqueid of a call-back begins; Asterisk makes none that does


def is_call_back(call_id: str) -> bool:
    """Whether this id, `<pbx>:<Uniqueid>`, is a call-back's."""
    return call_id.partition(":")[2].startswith(MARK)


def call_back_id(pbx: str, order: int, now: datetime) -> str:
    """The id of the call-back that this order asked for: known before anything rings, the same after a restart."""
    # The number in full length: Asterisk 22 refuses a Uniqueid that begins another channel's.
    return f"{pbx}:{MARK}{int(now.timestamp())}.{order:08}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBack:
    """Ring these phones of one person for `seconds`, then call `number` and show `shown` there.

    Both are E.164. `display` is what the person's phones show, at most 40 characters.
    """

    call_id: str
    phones: tuple[Phone, ...]
    seconds: int
    number: str
    shown: str
    display: str


class What(StrEnum):
    """begun: the person's phones are to ring · taken: the person has it · calls: the customer's phone is to ring
    · talks: the customer has answered."""

    BEGUN = "begun"
    TAKEN = "taken"
    CALLS = "calls"
    TALKS = "talks"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBackNews:
    """How far a call-back has come; `phone` is who has it when it was taken, else ""."""

    call_id: str
    what: What
    phone: str
    at: datetime


class Failed(StrEnum):
    """Why the customer could not be talked to, as the PBX's Dial says it.

    forbidden, capped: `[router-outside]` has no way to that number, or too many calls at once.
    """

    BUSY = "busy"
    NO_ANSWER = "noanswer"
    CANCELLED = "cancel"
    UNREACHABLE = "chanunavail"
    CONGESTED = "congestion"
    FORBIDDEN = "forbidden"
    CAPPED = "capped"
    ANSWERED = "answer"  # Dial's word after a talk


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBackEnded:
    """A call-back is over; complete in itself, live or from the journal. Instants are None for what never happened."""

    call_id: str
    began_at: datetime
    phone: str | None
    taken_at: datetime | None
    called_at: datetime | None
    talked_at: datetime | None
    at: datetime
    failed: Failed | None


CallBackEvent = CallBackNews | CallBackEnded
