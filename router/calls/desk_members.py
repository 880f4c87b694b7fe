"""Which phones should answer for each desk, and what must change in the PBX so that they do?"""

from collections.abc import Container, Iterable, Mapping
from datetime import datetime

from router.calls.events import MemberSeen, Slot
from router.calls.orders import AddMember, MemberOrder, PauseMember, RemoveMember
from router.calls.presence import Presences, who_is_at
from router.routing.model import Desk, Strategy
from router.routing.reach import usable_phones
from router.routing.table import Table

# The safety net also answers for a queue of its own, where the PBX leads a caller whom it knows nothing about.
SAFETY_NET: Slot = (Strategy.ALL, 0)

Wanted = Mapping[Slot, Mapping[str, bool]]  # for each slot the endpoints in their order, and whether each is paused
NOBODY: Container[tuple[int, str]] = frozenset()


def wanted_members(
    table: Table, presences: Presences, now: datetime, wrapping_up: Container[tuple[int, str]] = NOBODY
) -> dict[Slot, Mapping[str, bool]]:
    """The phones that should answer for each desk at this moment, by the slot the desk has in the PBX.

    Who isn't there is no member at all, so that a desk with nobody is left at once for the next one. `wrapping_up` are
    desks' ids with an endpoint each: they stay members, paused, so that callers wait for them. At the safety net's own
    queue nobody is paused: it is for the day on which nobody would let them go on.
    """
    wanted: dict[Slot, Mapping[str, bool]] = {}
    for desk in table.desks.values():
        endpoints = _endpoints(desk, table, presences, now)
        wanted[desk.strategy, desk.slot] = {one: (desk.id, one) in wrapping_up for one in endpoints}
        if desk.id == table.safety_net.id:
            wanted[SAFETY_NET] = dict.fromkeys(endpoints, False)
    return wanted


def differences(wanted: Wanted, seen: Iterable[MemberSeen]) -> tuple[MemberOrder, ...]:
    """The orders that turn the members seen into the endpoints wanted; none when they agree.

    Additions come first, in the order wanted (a desk that rings in turn follows it): so a desk whose members all change
    is never empty in between. A slot that no desk wants loses all its members; an endpoint seen twice, its second.
    """
    present: set[tuple[Slot, str]] = set()
    removals: list[MemberOrder] = []
    pauses: list[MemberOrder] = []
    for member in seen:
        slot, endpoint = (member.strategy, member.slot), member.endpoint
        paused = None if endpoint is None else wanted.get(slot, {}).get(endpoint)
        if endpoint is None or paused is None or (slot, endpoint) in present:
            name = member.member
            removals.append(RemoveMember(strategy=member.strategy, slot=member.slot, member=name, endpoint=endpoint))
            continue
        present.add((slot, endpoint))
        if member.paused is not paused:
            pauses.append(PauseMember(strategy=member.strategy, slot=member.slot, endpoint=endpoint, paused=paused))
    additions = [
        AddMember(strategy=strategy, slot=number, endpoint=endpoint, paused=paused)
        for (strategy, number), endpoints in wanted.items()
        for endpoint, paused in endpoints.items()
        if ((strategy, number), endpoint) not in present
    ]
    return (*additions, *pauses, *removals)


def after(seen: Iterable[MemberSeen], orders: Iterable[MemberOrder]) -> tuple[MemberSeen, ...]:
    """The members as they are once the PBX has carried out these orders."""
    members = list(seen)
    for order in orders:
        here = [m for m in members if (m.strategy, m.slot) == (order.strategy, order.slot)]
        match order:
            case AddMember(endpoint=endpoint, paused=paused):
                name = next((m.member for m in here if m.endpoint == endpoint), "")
                members.append(_member(order, endpoint, name, paused))
            case RemoveMember(member=name, endpoint=endpoint):
                for member in [m for m in here if (m.member, m.endpoint) == (name, endpoint)][-1:]:
                    places = [place for place, one in enumerate(members) if one == member]
                    del members[places[-1]]
            case PauseMember(endpoint=endpoint, paused=paused):
                for member in here:
                    if member.endpoint == endpoint:
                        members[members.index(member)] = _member(order, endpoint, member.member, paused)
    return tuple(members)


def _member(order: MemberOrder, endpoint: str, name: str, paused: bool) -> MemberSeen:
    return MemberSeen(strategy=order.strategy, slot=order.slot, endpoint=endpoint, member=name, paused=paused)


def _endpoints(desk: Desk, table: Table, presences: Presences, now: datetime) -> list[str]:
    return [
        phone.endpoint or phone.number or ""
        for person in who_is_at(desk, table, presences, now)
        for phone in usable_phones(person, table.external_prefixes)
    ]
