"""Who answers at the desks, as the PBX sees it?"""

from router.ami.connection import must
from router.ami.counters import Dropped, Tally
from router.ami.dialplan import SLOTS, STRATEGIES, queue_name
from router.ami.ended import AskEach
from router.ami.inbound import read_member
from router.calls.events import MemberSeen
from router.routing.model import Strategy


async def members_seen(ask_each: AskEach, tally: Tally) -> tuple[MemberSeen, ...]:
    """Queue by queue, ours only: a list of all would carry text of callers who wait in other people's queues.

    Raises LinkFailed.
    """
    slots = [(Strategy(strategy), slot) for strategy in STRATEGIES for slot in range(1, SLOTS + 1)]
    slots.append((Strategy.ALL, 0))  # the safety net's own queue
    asked = [{"Action": "QueueStatus", "Queue": queue_name(strategy, slot)} for strategy, slot in slots]
    seen: list[MemberSeen] = []
    places = iter(slots)
    async for answer in ask_each(asked, many=True):
        strategy, slot = next(places)
        # Also the sign that it has booted: FullyBooted is an event of a class we may not read, and an Asterisk that
        # starts listens before app_queue is loaded.
        must(answer, "QueueStatus")
        for item in answer.items:
            if item.fields.get("event") != "QueueMember":
                continue
            member = read_member(item.fields, strategy=strategy, slot=slot) if item.clean else None
            if member is None:
                tally.dropped[Dropped.MALFORMED] += 1
            else:
                seen.append(member)
    return tuple(seen)
