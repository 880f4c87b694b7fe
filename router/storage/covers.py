"""Which covers are kept, and do they go together?"""

from collections.abc import Iterable

from sqlalchemy import select

from router.routing.configuration import Change, Put
from router.routing.cover import contradictions, say
from router.routing.model import Cover
from router.storage import schema
from router.storage.database import Contradictory, Transaction


async def all_covers(look: Transaction) -> tuple[Cover, ...]:
    """Every cover, also those that are over. Raises StorageError."""
    rows = await look.rows(select(schema.covers).order_by(schema.covers.c.id))
    return tuple(
        [
            Cover(
                id=row.id,
                person=row.person,
                by_person=row.by_person,
                by_desk=row.by_desk,
                scope=row.scope,
                starts_at=row.starts_at,
                ends_at=row.ends_at,
                reason=row.reason,
            )
            for row in rows
        ]
    )


def touches_covers(changes: Iterable[Change]) -> bool:
    """Whether these changes could make covers contradict each other; taking one away can't."""
    return any(isinstance(change, Put) and isinstance(change.entity, Cover) for change in changes)


async def refuse_contradictions(transaction: Transaction) -> None:
    """To be called under the change lock, when everything is written. Raises Contradictory: overlaps or circles."""
    found = contradictions(await all_covers(transaction))
    if found:
        people = await transaction.rows(select(schema.people.c.id, schema.people.c.name))
        names = {row.id: row.name for row in people}
        raise Contradictory("; ".join(say(contradiction, names) for contradiction in found[:5]))
