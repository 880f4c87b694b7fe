"""What does the loop hear, from the PBX and from ourselves?

`at` is always an aware UTC instant: the PBX's own time, corrected by the measured skew. It is the only clock here.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from router.calls.calling_back import CallBackEnded
from router.calls.presence import Presences
from router.routing.model import Strategy
from router.routing.table import Table

Slot = tuple[Strategy, int]  # where a desk sits in the PBX's pool of queues; 0 is the safety net's own queue


class Path(StrEnum):
    """Which way a call took in the dialplan: a plan of ours, the fallback, or the fallback after an invalid plan."""

    PLAN = "plan"
    FALLBACK = "fallback"
    INVALID = "invalid"


class LegResult(StrEnum):
    """What became of one phone. From NO_KEY on they befall external phones only, which ask for a key.

    no_key: nothing of use was pressed · hung_up_in_prompt: it hung up while it was asked · too_late: it pressed 1 when
    the caller was already gone or taken · capped: too many external legs at once · forbidden: no number to call
    · returned: it came back as a call to one of our lines, because the phone diverts there.
    """

    ANSWERED = "answered"
    REFUSED = "refused"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    UNREACHABLE = "unreachable"
    CANCELLED = "cancelled"
    NO_KEY = "no_key"
    HUNG_UP_IN_PROMPT = "hung_up_in_prompt"
    TOO_LATE = "too_late"
    CAPPED = "capped"
    FORBIDDEN = "forbidden"
    RETURNED = "returned"


class Presented(StrEnum):
    """What the PBX says of the caller's number."""

    NUMBER = "number"
    WITHHELD = "withheld"
    MALFORMED = "malformed"


class Promised(StrEnum):
    """Why a caller was let go with a commitment.

    asked: pressed 1 in the waiting line · closed: heard the closed-hours promise to its end · nobody: for half an hour
    nobody could be reached.
    """

    ASKED = "asked"
    CLOSED = "closed"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallArrived:
    """A call entered `[router-in]` and waits for a plan. `dialled` and `caller` are already filtered to `+0-9`.

    `dialled` is empty when the dialled number was malformed, `caller` unless `presented` is NUMBER.
    """

    call_id: str
    channel: str
    dialled: str
    caller: str
    presented: Presented
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PathTaken:
    """The dialplan stopped waiting. `why`: plan, stale, deadline, invalid."""

    call_id: str
    path: Path
    why: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LegBegan:
    """A phone begins to ring. `leg` is unique in the PBX, `step` counts from 1.

    `phone` is the endpoint, or the number of an external phone.
    """

    call_id: str
    leg: str
    step: int
    phone: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LegEnded:
    """A phone stopped ringing or hung up; complete in itself, so that it needs no LegBegan before it.

    `maybe_machine`: it answered at once, or answered and pressed nothing. A hint for reports, which decides nothing.
    """

    call_id: str
    leg: str
    step: int
    phone: str
    began_at: datetime
    at: datetime
    result: LegResult
    cause: int
    maybe_machine: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTaken:
    """A person has the caller: said by the outer Dial or by the queue; said again when another one took it over.

    `slot` is where the desk sits that they took it from, None when it came by no queue of ours.
    """

    call_id: str
    step: int
    phone: str
    at: datetime
    slot: Slot | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnded:
    """The caller's channel is gone; complete in itself. Live from the hangup handler, or later from the journal.

    `phone` and `taken_at` are None when nobody took the call, else who took it first; `owner` is the phone that took
    it last, another one after a hand-over. `promise` is why the caller was let go with a commitment, if they were.
    `cause` is the Q.850 hang-up cause.
    """

    call_id: str
    dialled: str
    caller: str
    presented: Presented
    arrived_at: datetime
    path: Path
    phone: str | None
    taken_at: datetime | None
    at: datetime
    cause: int
    promise: Promised | None = None
    owner: str | None = None


class How(StrEnum):
    """How a call is handed over: by an order to us, or by the phone's own transfer key."""

    ORDER = "order"
    KEY = "key"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferAsked:
    """Who has the caller pressed the transfer key and a short number (`to`); the caller hears music and waits for us.

    `phone` is the giver's, "" when the PBX doesn't know it. `to` is empty when what was dialled was no short number.
    """

    call_id: str
    phone: str
    to: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver:
    """The caller left `phone` and is being delivered anew, with steps after `step`.

    `to_person` or `to_desk` is where it leads, neither when it goes back to `phone`.
    """

    call_id: str
    phone: str
    to_person: int | None
    to_desk: int | None
    how: How
    step: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOverRefused:
    """The PBX refused a hand-over, or didn't answer in time."""

    call_id: str
    why: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedHandOver:
    """Somebody asks by an order: hand this call over. `order` is the order's number.

    `call` is a call_id, or the phone or the name of who has the caller. One of `person` and `desk` is the name of whom
    it shall go to; neither means the account's manager. `by` is who asks, "" for who has the caller.
    """

    order: int
    call: str
    person: str
    desk: str
    by: str
    expires_at: datetime
    at: datetime


class Code(StrEnum):
    """What somebody dials on their own phone to say whether they are there."""

    SIGN_IN = "in"
    SIGN_OUT = "out"
    PAUSE = "pause"
    AWAY = "away"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeDialled:
    """Somebody dialled a code on this phone and waits on `channel` to be told. It is no call; nobody else hears of it.

    `phone` is the endpoint, `digits` what followed the code: minutes of a pause, or the hour of coming back (1430).
    """

    call_id: str
    channel: str
    phone: str
    code: Code
    digits: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanAccepted:
    """The PBX took the plan: its answer to our Setvar."""

    call_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRefused:
    """The PBX refused the plan, or didn't answer in time; mostly the caller was already gone."""

    call_id: str
    why: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberSeen:
    """One member of the queue in this slot, as the PBX reports it.

    `endpoint` is the phone behind it, None when it is no member of our making. `member` is the PBX's own name for it:
    nobody but `ami` reads it.
    """

    strategy: Strategy
    slot: int
    endpoint: str | None
    member: str
    paused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkUp:
    """Logged in and resynchronised: the calls that live, those that ended meanwhile, the members of every desk.

    `call_backs` are those that ended meanwhile; those that live are among `live_calls`.

    `at` is when the PBX was asked which calls live: what arrived after that is not missing from `live_calls`.
    """

    pbx: str
    live_calls: frozenset[str]
    ended: tuple[LegEnded | CallEnded, ...]
    members: tuple[MemberSeen, ...]
    at: datetime
    call_backs: tuple[CallBackEnded, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalRead:
    """What ended some time ago, once more by the PBX's journal, since it could not all be kept."""

    ended: tuple[LegEnded | CallEnded, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkDown:
    pbx: str
    why: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TablePublished:
    """From now on decisions are made from this table."""

    table: Table
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MembersSeen:
    """A fresh, complete look at the members of every desk's queue."""

    members: tuple[MemberSeen, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PresencePublished:
    """Who is signed in, out or pausing: all that is kept of it, in place of what was known."""

    presences: Presences
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AwayKept:
    """What became of an order KeepAway: the table has it (it was published before), or `why` it can't."""

    call_id: str
    channel: str
    person: int
    until: datetime | None
    why: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Time has passed: what is due by now is due without any other event."""

    at: datetime


PbxEvent = (
    CallArrived | PathTaken | LegBegan | LegEnded | CallTaken | TransferAsked | HandedOver | CallEnded | CodeDialled
)
LinkEvent = PlanAccepted | PlanRefused | HandOverRefused | LinkUp | JournalRead | LinkDown | MembersSeen
OwnEvent = TablePublished | PresencePublished | AwayKept | AskedHandOver | Tick
Event = PbxEvent | LinkEvent | OwnEvent
