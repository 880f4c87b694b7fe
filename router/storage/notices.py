"""What shall the outside learn, in which order, and what of it has a reader not seen yet?

A reader remembers the id of the last notice it has seen, so an id must never become visible after a larger one. SQLite
has one writer at a time; on PostgreSQL who is about to tell something takes a lock that is held until the commit:
`in_order`. It comes after the rows of calls and before those of commitments, everywhere, so that nobody waits in a
circle.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, text

from router.calls.call import Call, Ending
from router.calls.news import CallNews, News, Told, is_without_phone, news_of, who_called
from router.commitments.notice import NoticeKind
from router.routing.table import Table
from router.storage.call_schema import calls
from router.storage.database import Database, Transaction
from router.storage.owed_schema import OWED, commitments
from router.storage.schema import table_versions
from router.storage.told_schema import About, Kind, MailState, notices, outbox, webhooks
from router.storage.wakeups import Topic

EXTERNAL = "external"  # what stands in place of a private number
ORDER_LOCK = 0x6E6F7469636573  # "notices": PostgreSQL's advisory lock that makes ids visible in their order
AT_ONCE = 500  # notices read together: some 200 kB
LIVING_AT_MOST = 1000  # calls in a snapshot; what a PBX of this kind can carry
OWED_AT_MOST = 1000  # commitments in a snapshot; more is a company that calls nobody back
KEPT_FOR = timedelta(days=14)  # notices of calls and tables; the journal, which could tell of a call again, keeps 7
FORGET_AT_ONCE = 500  # notices in one transaction: milliseconds, so that no record waits for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing that happened. `payload` names calls, people and lines; phones in it may be private numbers."""

    id: int
    at: datetime
    about: About
    kind: Kind
    commitment: int | None
    payload: Mapping[str, Any]

    @property
    def name(self) -> str:
        """What it is called outside: `call.ringing`, `commitment.opened`, `table.published`."""
        return name_of(self.about, self.kind)

    def data(self, *, sees_private: bool) -> dict[str, Any]:
        """What is sent of it. An external phone is known by its number, which is private: else it is just EXTERNAL."""
        told: dict[str, Any] = {"id": self.id, "at": self.at.isoformat()}
        if self.commitment is not None:
            told["commitment"] = self.commitment
        return told | shown(self.payload, sees_private=sees_private)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """How everything stands after the notice `last`: living calls, what is owed, the table's version."""

    last: int
    table: int
    calls: tuple[Mapping[str, Any], ...]
    commitments: tuple[Mapping[str, Any], ...]


def name_of(about: About, kind: Kind) -> str:
    return f"{about.value}.{kind.value}"


def shown(payload: Mapping[str, Any], *, sees_private: bool) -> dict[str, Any]:
    """The payload for who may see people's private numbers, or may not."""
    told = dict(payload)
    if not sees_private:
        if "phone" in told:
            told["phone"] = _without_number(told["phone"])
        if "phones" in told:
            told["phones"] = [_without_number(phone) for phone in told["phones"]]
    return told


def _without_number(phone: str | None) -> str | None:
    return EXTERNAL if phone is not None and phone.startswith("+") else phone


async def in_order(transaction: Transaction) -> None:
    """From here to the end of this transaction nobody else tells anything. Raises StorageError."""
    if transaction.speaks_postgresql:
        await transaction.run(text(f"SELECT pg_advisory_xact_lock({ORDER_LOCK})"))


EVENTS = (
    *(name_of(About.CALL, Kind(kind)) for kind in CallNews),
    *(name_of(About.COMMITMENT, Kind(kind)) for kind in NoticeKind),
    name_of(About.TABLE, Kind.PUBLISHED),
    name_of(About.PERSON, Kind.LEFT_BEHIND),
)


async def tell(transaction: Transaction, rows: Sequence[Mapping[str, Any]]) -> Sequence[int]:
    """Let these notices go out when the transaction is committed; their ids, in this order. Raises StorageError."""
    if not rows:
        return ()
    await in_order(transaction)
    # In words: ids rise in the order of the rows, on both databases, within this one statement of one transaction.
    told = await transaction.run(insert(notices).returning(notices.c.id, sort_by_parameter_order=True), rows)
    ids = [row.id for row in told]
    await transaction.wake(Topic.NOTICES)
    await _address(transaction, dict(zip(ids, rows, strict=True)))
    return ids


async def tell_calls(transaction: Transaction, batch: Sequence[Call], table: Table, now: datetime) -> frozenset[str]:
    """What is new of these calls, whose records this transaction has just written; each news once.

    Returns the calls that should be looked at again in a moment: nobody's phone rings, perhaps only just now. Raises
    StorageError.
    """
    await in_order(transaction)
    told = await _told_of(transaction, [call.call_id for call in batch])
    news = {call.call_id: news_of(call, told.get(call.call_id, ()), table, now) for call in batch}
    ends = [call for call in batch if any(one.kind is CallNews.ENDED for one in news[call.call_id])]
    outdated = await _outdated(transaction, ends)
    rows = []
    for call in batch:
        if call.call_id in outdated or not news[call.call_id]:
            continue
        who = who_called(call, table)
        for nth, one in enumerate(news[call.call_id], len(told.get(call.call_id, ())) + 1):
            rows.append(_row(call, nth, one, who))
    rows.sort(key=lambda row: row["at"])
    await tell(transaction, _each_call_in_its_order(rows))
    again = [call for call in batch if is_without_phone(call) and not _waits(told.get(call.call_id, ()), news, call)]
    return frozenset(call.call_id for call in again)


async def tell_table(transaction: Transaction, version: int, now: datetime) -> None:
    """Calls are decided from this table from now on. Raises StorageError."""
    payload = {"version": version}
    await tell(transaction, [{"at": now, "about": About.TABLE, "kind": Kind.PUBLISHED, "payload": payload}])


async def notices_after(db: Database, last: int, at_most: int = AT_ONCE) -> tuple[Notice, ...]:
    """What was told after this notice, in order. Raises StorageError."""
    query = select(notices).where(notices.c.id > last).order_by(notices.c.id).limit(at_most)
    async with db.reading() as look:
        return tuple([notice_of(row) for row in await look.rows(query)])


async def told_at(db: Database, notice: int) -> datetime | None:
    """When this notice was told; None when there is none, or none any more. Raises StorageError."""
    async with db.reading() as look:
        rows = await look.rows(select(notices.c.at).where(notices.c.id == notice))
    return rows[0].at if rows else None


async def newest_notice(db: Database) -> int:
    """The id of the newest notice, 0 when there is none. Raises StorageError."""
    async with db.reading() as look:
        return await _newest(look)


async def snapshot(db: Database) -> Snapshot:
    """How everything stands, and the notice up to which that is so. Raises StorageError."""
    living = (
        select(notices)
        .join(calls, calls.c.id == notices.c.call)
        .where(calls.c.ended_at.is_(None))
        .order_by(notices.c.id.desc())
        .limit(LIVING_AT_MOST * len(CallNews))
    )
    owed = (
        select(commitments.c.id, commitments.c.state, commitments.c.claimed_by, commitments.c.opened_by_call)
        .where(OWED)
        .order_by(commitments.c.due_at, commitments.c.id)
        .limit(OWED_AT_MOST)
    )
    async with db.reading() as look:
        last = await _newest(look)
        version = (await look.rows(select(func.coalesce(func.max(table_versions.c.version), 0))))[0][0]
        newest: dict[str, Notice] = {}
        for row in await look.rows(living):
            newest.setdefault(row.call, notice_of(row))
        states = {row.id: row for row in await look.rows(owed)}
        facts: dict[int, Notice] = {}
        told = select(notices).where(notices.c.commitment.in_(states)).order_by(notices.c.id.desc())
        for row in await look.rows(told):
            facts.setdefault(row.commitment, notice_of(row))
    return Snapshot(
        last=last,
        table=version,
        calls=tuple([_living(one) for one in reversed(newest.values())][-LIVING_AT_MOST:]),
        commitments=tuple([_owed(states[key], facts[key]) for key in states if key in facts]),
    )


async def forget_before(db: Database, then: datetime) -> int:
    """Forget what was told of calls and tables before `then`: their records stay. Returns how many, FORGET_AT_ONCE at
    most. Raises StorageError.
    """
    old = (
        select(notices.c.id)
        .where(notices.c.at < then, notices.c.about != About.COMMITMENT)
        .order_by(notices.c.at)
        .limit(FORGET_AT_ONCE)
    )
    async with db.reading() as look:
        ids = [row.id for row in await look.rows(old)]
    if ids:
        async with db.writing() as transaction:
            await transaction.run(delete(outbox).where(outbox.c.notice.in_(ids)))
            await transaction.run(delete(notices).where(notices.c.id.in_(ids)))
    return len(ids)


async def _address(transaction: Transaction, told: Mapping[int, Mapping[str, Any]]) -> None:
    """Let these notices go to every webhook that wants to hear of them."""
    wanting = await transaction.rows(select(webhooks.c.id, webhooks.c.kinds).where(webhooks.c.enabled.is_(True)))
    posts = [
        {
            "notice": notice,
            "target": f"webhook {hook.id}",
            "webhook": hook.id,
            "state": MailState.WAITING,
            "attempts": 0,
            "next_try_at": row["at"],
            "error": "",
        }
        for hook in wanting
        for notice, row in told.items()
        if not hook.kinds or name_of(row["about"], row["kind"]) in hook.kinds
    ]
    if posts:
        await transaction.run(insert(outbox), posts)


async def _newest(look: Transaction) -> int:
    rows = await look.rows(select(notices.c.id).order_by(notices.c.id.desc()).limit(1))
    return int(rows[0].id) if rows else 0


async def _told_of(transaction: Transaction, ids: Sequence[str]) -> dict[str, tuple[Told, ...]]:
    columns = (notices.c.call, notices.c.kind, notices.c.payload)
    told: dict[str, tuple[Told, ...]] = {}
    query = select(*columns).where(notices.c.call.in_(ids)).order_by(notices.c.call, notices.c.nth)
    for row in await transaction.rows(query):
        ended = row.payload.get("ended") if row.kind is Kind.ENDED else None
        one = Told(kind=CallNews(row.kind), ending=Ending(ended) if ended else None)
        told[row.call] = (*told.get(row.call, ()), one)
    return told


async def _outdated(transaction: Transaction, ended: Sequence[Call]) -> frozenset[str]:
    """Those whose record knows better how they ended: a journal tells less than who has heard it all."""
    if not ended:
        return frozenset()
    ending = {call.call_id: call.ending for call in ended}
    rows = await transaction.rows(select(calls.c.id, calls.c.ended).where(calls.c.id.in_(ending)))
    return frozenset(row.id for row in rows if row.ended is not ending[row.id])


def _row(call: Call, nth: int, news: News, who: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "at": news.at,
        "about": About.CALL,
        "kind": Kind(news.kind),
        "call": call.call_id,
        "nth": nth,
        "payload": {**who, **news.facts},
    }


def _each_call_in_its_order(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same places for each call, filled in the order in which its news counts: a clock may have been set back."""
    of: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        of.setdefault(row["call"], []).append(row)
    turns = {call: iter(sorted(theirs, key=lambda row: row["nth"])) for call, theirs in of.items()}
    return [next(turns[row["call"]]) for row in rows]


def _waits(told: Sequence[Told], news: Mapping[str, Sequence[News]], call: Call) -> bool:
    fresh = news[call.call_id]
    last = fresh[-1].kind if fresh else told[-1].kind if told else None
    return last is CallNews.WAITING


def notice_of(row: Row[Any]) -> Notice:
    """The value of a row. Raises nothing."""
    return Notice(
        id=row.id,
        at=row.at,
        about=row.about,
        kind=row.kind,
        commitment=row.commitment,
        payload=row.payload,
    )


def _living(notice: Notice) -> Mapping[str, Any]:
    return {"state": notice.kind.value, "since": notice.at.isoformat(), **notice.payload}


def _owed(row: Row[Any], notice: Notice) -> Mapping[str, Any]:
    return {"commitment": row.id, "state": row.state, **notice.payload}
