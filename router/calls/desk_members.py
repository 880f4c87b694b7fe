"""Which phones should answer for each desk, and what must change in the PBX so that they do?"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from router.calls.events import MemberSeen
from router.calls.orders import AddMember, RemoveMember
from router.routing.model import Strategy
from router.routing.table import Table

Slot = tuple[Strategy, int]  # where a desk sits in the PBX's pool of queues

# The safety net also answers for a queue of its own, where the PBX leads a caller whom it knows nothing about.
SAFETY_NET: Slot = (Strategy.ALL, 0)


def wanted_members(table: Table, now: datetime) -> dict[Slot, tuple[str, ...]]:
    """The endpoints that should answer for each desk at this moment, by the slot the desk has in the PBX."""
    wanted = table.wanted_members(now)
    slots = {(desk.strategy, desk.slot): wanted.get(desk.id, ()) for desk in table.desks.values()}
    return slots | {SAFETY_NET: wanted.get(table.safety_net.id, ())}


def differences(
    wanted: Mapping[Slot, tuple[str, ...]], seen: Iterable[MemberSeen]
) -> tuple[AddMember | RemoveMember, ...]:
    """The orders that turn the members seen into the endpoints wanted; none when they agree.

    Additions come first, in the order wanted (a desk that rings in turn follows it): so a desk whose members all change
    is never empty in between. A slot that no desk wants loses all its members; an endpoint seen twice, its second.
    """
    present: set[tuple[Slot, str]] = set()
    removals: list[RemoveMember] = []
    for member in seen:
        slot = (member.strategy, member.slot)
        endpoint = member.endpoint
        if endpoint is None or endpoint not in wanted.get(slot, ()) or (slot, endpoint) in present:
            removals.append(RemoveMember(strategy=member.strategy, slot=member.slot, member=member.member))
        else:
            present.add((slot, endpoint))
    additions = [
        AddMember(strategy=strategy, slot=number, endpoint=endpoint)
        for (strategy, number), endpoints in wanted.items()
        for endpoint in dict.fromkeys(endpoints)
        if ((strategy, number), endpoint) not in present
    ]
    return (*additions, *removals)
