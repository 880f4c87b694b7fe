"""Which desks take a call in turn, whatever the hour?"""

from collections.abc import Mapping

from router.routing.model import Desk
from router.routing.plan import MOST_STEPS, RingDesk

MOST_DESKS = MOST_STEPS // 2  # in one chain; each may keep a caller for minutes, and people want steps as well


def ring_desk(desk: Desk) -> RingDesk:
    """The step of a plan that waits at this desk."""
    return RingDesk(desk=desk.id, name=desk.name, strategy=desk.strategy, slot=desk.slot, seconds=desk.ring_seconds)


def tails(desks: Mapping[int, Desk], safety_net: Desk) -> dict[int, tuple[RingDesk, ...]]:
    """For each desk: itself, its next desks, and the safety net as the last, each once, at most MOST_DESKS."""
    steps = {desk.id: ring_desk(desk) for desk in desks.values()}
    return {desk: tuple(steps[at] for at in (*_until_safety_net(desk, desks), safety_net.id)) for desk in desks}


def _until_safety_net(start: int, desks: Mapping[int, Desk]) -> tuple[int, ...]:
    chain: list[int] = []
    desk = desks.get(start)
    # Desks may point at each other in a circle: it is cut where it would begin again.
    while desk is not None and not desk.safety_net and desk.id not in chain and len(chain) < MOST_DESKS - 1:
        chain.append(desk.id)
        desk = None if desk.next_desk is None else desks.get(desk.next_desk)
    return tuple(chain)
