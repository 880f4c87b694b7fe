"""What is asked of the world: of the PBX, and of the records."""

from dataclasses import dataclass

from router.calls.call import Call
from router.routing.model import Strategy
from router.routing.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliver:
    """Give this plan to the call that waits on this channel."""

    call_id: str
    channel: str
    plan: Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Write down all that is known of this call; a later order for the same call replaces this one."""

    call: Call


@dataclass(frozen=True, slots=True, kw_only=True)
class AddMember:
    """Let this endpoint answer for the desk in this slot."""

    strategy: Strategy
    slot: int
    endpoint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveMember:
    """Let this member (the PBX's own name for it) answer for the desk in this slot no longer."""

    strategy: Strategy
    slot: int
    member: str


PbxOrder = Deliver | AddMember | RemoveMember
Order = PbxOrder | Record
