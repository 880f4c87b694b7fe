"""What names this person in a place where they act?

What is over doesn't: closed jobs and covers that have ended tell of former times.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, or_, select

from router.routing.configuration import Noun
from router.routing.model import JobState
from router.storage import schema
from router.storage.database import Transaction
from router.storage.kept import Kept, kept_among
from router.storage.owed_schema import OWED, commitments


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedBy:
    """A commitment that this person owns; `party` is whom it is owed."""

    id: int
    account: int | None
    caller: str
    desk: int
    claimed: bool


async def naming(look: Transaction, noun: Noun, person: int, at: datetime, numbers: Sequence[str] = ()) -> list[Kept]:
    """The objects of this noun that name the person, in the order of their ids.

    `numbers` are those of the person's external phones, which may be a desk's last resort. Raises StorageError.
    """
    condition = _condition(noun, person, at, numbers)
    if condition is None:
        return []
    own = schema.metadata.tables[_TABLES[noun]]
    rows = await look.rows(select(own.c.id).where(condition).order_by(own.c.id))
    return await kept_among(look, noun, [row.id for row in rows])


async def owed_by(look: Transaction, person: int) -> list[OwedBy]:
    """What this person owes callers. Raises StorageError."""
    theirs = or_(commitments.c.owner == person, commitments.c.claimed_by == person)
    rows = await look.rows(select(commitments).where(OWED, theirs).order_by(commitments.c.id))
    return [
        OwedBy(id=row.id, account=row.account, caller=row.caller, desk=row.desk, claimed=row.claimed_by == person)
        for row in rows
    ]


async def version_of_owed(look: Transaction, commitment: int) -> int | None:
    """The version of a commitment that is still owed, None of another. Raises StorageError."""
    rows = await look.rows(select(commitments.c.version).where(OWED, commitments.c.id == commitment))
    return int(rows[0].version) if rows else None


_TABLES = {
    Noun.LINE: "lines",
    Noun.ACCOUNT: "accounts",
    Noun.JOB: "jobs",
    Noun.RULE: "rules",
    Noun.COVER: "covers",
    Noun.DESK: "desks",
}


def _condition(noun: Noun, person: int, at: datetime, numbers: Sequence[str]) -> ColumnElement[bool] | None:
    match noun:
        case Noun.LINE:
            return schema.lines.c.person == person
        case Noun.ACCOUNT:
            deputies = schema.deputies.c
            as_deputy = exists().where(deputies.account == schema.accounts.c.id, deputies.person == person)
            return or_(schema.accounts.c.manager == person, as_deputy)
        case Noun.JOB:
            jobs = schema.jobs.c
            return and_(or_(jobs.manager == person, jobs.salesperson == person), jobs.state != JobState.CLOSED)
        case Noun.RULE:
            return schema.rules.c.person == person
        case Noun.COVER:
            covers = schema.covers.c
            to_come = or_(covers.ends_at.is_(None), covers.ends_at > at)
            return and_(or_(covers.person == person, covers.by_person == person), to_come)
        case Noun.DESK:
            desks, members = schema.desks.c, schema.desk_members.c
            seated = exists().where(members.desk == desks.id, members.person == person)
            return or_(desks.lead == person, seated, desks.last_resort.in_(numbers))
        case Noun.PERSON | Noun.HOURS | Noun.OVERRIDE:
            return None  # they name nobody
