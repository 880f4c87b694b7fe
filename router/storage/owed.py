"""What is owed, page by page and one by one, and what happened to it?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, or_, select

from router.commitments.commitment import Commitment
from router.commitments.notice import NoticeKind
from router.storage.commitments import as_commitment
from router.storage.database import Transaction
from router.storage.owed_schema import OVER, OWED, commitment_calls, commitments
from router.storage.paging import cursor_after, in_order
from router.storage.records import CallRecord, calls_by_id
from router.storage.schema import accounts
from router.storage.searching import contains
from router.storage.told_schema import notices

PAGE_AT_MOST = 200  # commitments in one answer
CALLS_AT_MOST = 200  # of one commitment, the latest; nobody reads more


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedWanted:
    """Which commitments, in which order: due_at, opened_at, updated_at or id, with - in front for the reverse.

    `over`: what is kept or void, or only what is not. `search` is a part of the note, the number or the account's name.
    """

    limit: int
    order: str = "due_at"
    cursor: str | None = None
    over: bool | None = None
    equal: Mapping[str, Any] = field(default_factory=dict)
    numbers: Sequence[str] = ()
    due_before: datetime | None = None
    updated_since: datetime | None = None
    search: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """A commitment as it stands in the rows, and the ids of the calls in it, the first that came first."""

    commitment: Commitment
    version: int
    updated_at: datetime
    calls: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedPage:
    """Some of them, and the cursor of those that follow, None at the end."""

    owed: tuple[Owed, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Something that happened to a commitment; `facts` is how it stood then, in names."""

    at: datetime
    kind: NoticeKind
    facts: Mapping[str, Any]


async def owed_page(look: Transaction, wanted: OwedWanted) -> OwedPage:
    """The commitments that are wanted, at most PAGE_AT_MOST. Raises BadCursor, StorageError."""
    limit = max(1, min(wanted.limit, PAGE_AT_MOST))
    name = wanted.order.removeprefix("-")
    query = select(commitments).where(*_conditions(wanted)).limit(limit + 1)
    rows = await look.rows(in_order(query, wanted.order, commitments.c[name], commitments.c.id, wanted.cursor))
    found = await _with_calls(look, rows[:limit])
    if len(rows) <= limit:
        return OwedPage(owed=found, next_cursor=None)
    last = rows[limit - 1]
    return OwedPage(owed=found, next_cursor=cursor_after(wanted.order, last._mapping[name], last.id))


async def owed_by_id(look: Transaction, identity: int) -> Owed | None:
    """One commitment, None when there is none. Raises StorageError."""
    found = await _with_calls(look, await look.rows(select(commitments).where(commitments.c.id == identity)))
    return found[0] if found else None


async def calls_in(look: Transaction, owed: Owed) -> tuple[CallRecord, ...]:
    """The records of its latest calls. Raises StorageError."""
    return await calls_by_id(look, owed.calls[-CALLS_AT_MOST:])


async def history_of(look: Transaction, identity: int) -> tuple[Told, ...]:
    """Everything that happened to it, in order. Raises StorageError."""
    query = select(notices.c.at, notices.c.kind, notices.c.payload).where(notices.c.commitment == identity)
    rows = await look.rows(query.order_by(notices.c.id))
    return tuple([Told(at=row.at, kind=row.kind, facts=row.payload) for row in rows])


def _conditions(wanted: OwedWanted) -> list[ColumnElement[bool]]:
    own = commitments.c
    found: list[ColumnElement[bool]] = [own[name] == value for name, value in wanted.equal.items()]
    if wanted.over is not None:
        found.append(OVER if wanted.over else OWED)  # type: ignore[arg-type]
    if wanted.numbers:
        found.append(own.caller.in_(wanted.numbers))
    if wanted.due_before is not None:
        found.append(own.due_at < wanted.due_before)
    if wanted.updated_since is not None:
        found.append(own.updated_at >= wanted.updated_since)
    if wanted.search:
        named = own.account.in_(select(accounts.c.id).where(contains(accounts.c.name, wanted.search)))
        found.append(or_(contains(own.note, wanted.search), contains(own.caller, wanted.search), named))
    return found


async def _with_calls(look: Transaction, rows: Sequence[Row[Any]]) -> tuple[Owed, ...]:
    link = commitment_calls.c
    of_these = select(commitment_calls).where(link.commitment.in_([row.id for row in rows])).order_by(link.call)
    calls: dict[int, list[str]] = {}
    for one in await look.rows(of_these):
        calls.setdefault(one.commitment, []).append(one.call)
    return tuple(
        Owed(
            commitment=as_commitment(row),
            version=row.version,
            updated_at=row.updated_at,
            calls=tuple(calls.get(row.id, ())),
        )
        for row in rows
    )
