"""Who is to leave, with which successors, and what has become of those who were?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, insert, or_, select, update

from router.routing.model import PersonState
from router.storage.database import Database, Transaction
from router.storage.leaving_schema import LeavingState, leavings
from router.storage.schema import people

LISTED = 50  # leavings in a list: more than leave a company of this kind in a year


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedCommitment:
    """A commitment that was handed over: who had it, and the version that it has had since."""

    id: int
    version: int
    person: int
    desk: int
    claimed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """That somebody leaves, or has left. `successors` as they were said, `asked_by` as the audit tells it.

    `planned_version` is the table that says since when it is known, `done_version` the one in which they have left.
    """

    person: int
    state: LeavingState
    at: datetime
    successors: Mapping[str, Any]
    asked_at: datetime
    asked_by: Mapping[str, Any]
    planned_version: int | None = None
    done_version: int | None = None
    moved: Sequence[MovedCommitment] = ()
    left_behind: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptLeaving(Leaving):
    id: int


async def keep(transaction: Transaction, leaving: Leaving) -> None:
    """Put this on record. Raises StorageError; Conflict for somebody who is to leave already."""
    await transaction.run(insert(leavings).values(**_columns(leaving)))


async def newest_of(look: Transaction, person: int) -> KeptLeaving | None:
    """The latest leaving of this person, None when there was none. Raises StorageError."""
    return await _one(look, leavings.c.person == person)


async def latest(db: Database) -> list[KeptLeaving]:
    """Who is to leave, and who has left; LISTED of them, the one asked for last first. Raises StorageError."""
    holds = leavings.c.state.in_((LeavingState.PLANNED, LeavingState.DONE))
    async with db.reading() as look:
        rows = await look.rows(select(leavings).where(holds).order_by(leavings.c.id.desc()).limit(LISTED))
    return [_leaving(row) for row in rows]


async def planned_of(look: Transaction, identity: int) -> KeptLeaving | None:
    """This leaving, if it is still planned. Raises StorageError."""
    return await _one(look, leavings.c.id == identity, leavings.c.state == LeavingState.PLANNED)


async def leaving_of_version(look: Transaction, version: int) -> KeptLeaving | None:
    """What was planned or done with this version of the table and still holds. Raises StorageError."""
    of_version = or_(leavings.c.planned_version == version, leavings.c.done_version == version)
    return await _one(look, of_version, leavings.c.state.in_((LeavingState.PLANNED, LeavingState.DONE)))


async def due(db: Database, now: datetime) -> list[KeptLeaving]:
    """Those whose time has come. Raises StorageError."""
    theirs = leavings.join(people, people.c.id == leavings.c.person)
    ready = (people.c.state == PersonState.LEAVING, people.c.leaves_at <= now)
    again = or_(leavings.c.next_try_at.is_(None), leavings.c.next_try_at <= now)
    query = select(leavings).select_from(theirs).where(leavings.c.state == LeavingState.PLANNED, *ready, again)
    async with db.reading() as look:
        return [_leaving(row) for row in await look.rows(query.order_by(leavings.c.id))]


async def cancel_overtaken(db: Database) -> list[KeptLeaving]:
    """Those planned of whom the table says otherwise by now will not be carried out. Raises StorageError."""
    still = select(people.c.id).where(people.c.state == PersonState.LEAVING)
    overtaken = (leavings.c.state == LeavingState.PLANNED, leavings.c.person.not_in(still))
    async with db.reading() as look:
        found = [_leaving(row) for row in await look.rows(select(leavings).where(*overtaken))]
    if found:
        async with db.writing() as transaction:
            await transaction.run(update(leavings).where(*overtaken).values(state=LeavingState.CANCELLED))
    return found


async def done(
    transaction: Transaction,
    identity: int,
    version: int,
    moved: Sequence[MovedCommitment],
    left_behind: Sequence[str],
) -> None:
    """They have left. Raises StorageError."""
    values = {"state": LeavingState.DONE, "done_version": version, "left_behind": list(left_behind)}
    values["moved"] = [_moved(one) for one in moved]
    await transaction.run(update(leavings).where(leavings.c.id == identity).values(**values))


async def taken_back(transaction: Transaction, leaving: KeptLeaving) -> None:
    """They don't leave after all. Raises StorageError."""
    state = LeavingState.UNDONE if leaving.state is LeavingState.DONE else LeavingState.CANCELLED
    await transaction.run(update(leavings).where(leavings.c.id == leaving.id).values(state=state))


async def put_off(db: Database, identity: int, until: datetime) -> None:
    """It could not be carried out: it is tried again then. Raises StorageError."""
    async with db.writing() as transaction:
        await transaction.run(update(leavings).where(leavings.c.id == identity).values(next_try_at=until))


async def heir_of(look: Transaction, person: int) -> int | None:
    """Who has taken over from somebody who left, or is to: the one successor for all, if there was one."""
    leaving = await newest_of(look, person)
    if leaving is None or leaving.state not in (LeavingState.PLANNED, LeavingState.DONE):
        return None
    for_all = leaving.successors.get("all")
    return for_all if isinstance(for_all, int) else None


async def named_as_heir(look: Transaction, person: int) -> list[int]:
    """Who is to leave and has named this person as a successor. Raises StorageError."""
    planned = select(leavings.c.person, leavings.c.successors).where(leavings.c.state == LeavingState.PLANNED)
    return [
        row.person for row in await look.rows(planned.order_by(leavings.c.person)) if _names(row.successors, person)
    ]


def _names(successors: Mapping[str, Any], person: int) -> bool:
    each = [one["to"] for one in successors.get("each", ())]
    return person in each or person in [to for kind, to in successors.items() if kind != "each"]


async def _one(look: Transaction, *where: ColumnElement[bool]) -> KeptLeaving | None:
    rows = await look.rows(select(leavings).where(*where).order_by(leavings.c.id.desc()).limit(1))
    return _leaving(rows[0]) if rows else None


def _leaving(row: Row[Any]) -> KeptLeaving:
    values = {name: value for name, value in row._mapping.items() if name != "next_try_at"}
    moved = [MovedCommitment(**one) for one in values.pop("moved")]
    return KeptLeaving(**values, moved=moved)


def _columns(leaving: Leaving) -> dict[str, Any]:
    values = {name: getattr(leaving, name) for name in Leaving.__dataclass_fields__}
    return values | {"moved": [_moved(one) for one in leaving.moved], "left_behind": list(leaving.left_behind)}


def _moved(one: MovedCommitment) -> dict[str, Any]:
    return {name: getattr(one, name) for name in MovedCommitment.__dataclass_fields__}
