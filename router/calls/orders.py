"""What is asked of the world: of the PBX, and of the records?"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from router.calls.call import Call
from router.calls.presence import Presence
from router.routing.model import Strategy
from router.routing.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliver:
    """Give this plan to the call that waits on this channel."""

    call_id: str
    channel: str
    plan: Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """Give this plan to a call that somebody has, or had until now.

    `to_person` or `to_desk` is whom it is handed to, neither when it goes back. `redirect`: the caller still talks and
    is taken out of that; else they wait already.
    """

    call_id: str
    plan: Plan
    to_person: int | None
    to_desk: int | None
    redirect: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """Tell who gave the order of this number what came of it, in a sentence."""

    order: int
    done: bool
    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Write down all that is known of this call; a later order for the same call replaces this one."""

    call: Call


@dataclass(frozen=True, slots=True, kw_only=True)
class AddMember:
    """Let this endpoint answer for the desk in this slot; paused: not yet."""

    strategy: Strategy
    slot: int
    endpoint: str
    paused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveMember:
    """Let this member answer for the desk in this slot no longer.

    `endpoint` is the phone behind it; a member that is none of our making has the PBX's own name alone.
    """

    strategy: Strategy
    slot: int
    member: str
    endpoint: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseMember:
    """Let this member of the desk in this slot not be rung (or be rung again), without leaving it."""

    strategy: Strategy
    slot: int
    endpoint: str
    paused: bool


class Word(StrEnum):
    """What whoever dialled a code is told by a voice."""

    SIGNED_IN = "in"
    SIGNED_OUT = "out"
    PAUSED = "paused"
    RESUMED = "resumed"
    AWAY = "away"
    BACK = "back"
    NOT_POSSIBLE = "no"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerCode:
    """Tell whoever waits on this channel what came of their code; `text` is for the phone's display, or empty."""

    call_id: str
    channel: str
    word: Word
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepPresence:
    """Write down what somebody said of themselves; it counts already."""

    presence: Presence


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepAway:
    """Let the table say that this person is away until then, or back (None); an AwayKept follows."""

    call_id: str
    channel: str
    person: int
    until: datetime | None


MemberOrder = AddMember | RemoveMember | PauseMember
PbxOrder = Deliver | HandOver | MemberOrder | AnswerCode
Order = PbxOrder | Record | Settle | KeepPresence | KeepAway
