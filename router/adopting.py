"""What must a router know that takes over from another one?"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from router.ami.journal import OnRecord
from router.calls.call import Call
from router.storage.call_backs import under_way
from router.storage.database import Database, StorageError
from router.storage.records import newest_end, open_calls

log = structlog.get_logger()

WITHIN = 3.0  # seconds to learn which calls were open: callers wait meanwhile, and the journal tells their ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """The calls that live on record, and how far the record goes; None where nothing has ended on record yet."""

    calls: Sequence[Call]
    on_record: OnRecord | None


async def left_by_another(db: Database, pbx: str) -> Left | None:
    """What is on record of this PBX; None when the database doesn't tell it in time. Raises nothing."""
    try:
        async with asyncio.timeout(WITHIN):
            still_open = await open_calls(db, pbx)
            until = await newest_end(db, pbx)
            async with db.reading() as look:
                call_backs = await under_way(look, pbx)
    except (StorageError, TimeoutError) as fault:
        log.warning("open calls not taken over", why=str(fault))
        return None
    if until is None:
        return Left(calls=still_open, on_record=None)
    # From the oldest call that lives, not only from the newest end: the end of a leg may come on record after its
    # call's, and be lost with a router that is killed in between.
    arrivals = {call.call_id: call.arrived_at for call in still_open}
    placed = [one.placed_at or one.asked_at for one in call_backs]
    return Left(calls=still_open, on_record=OnRecord(until=min([until, *arrivals.values(), *placed]), open=arrivals))
