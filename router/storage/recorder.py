"""How does what happened to a call get on record, without a call ever waiting for it?

`record` only remembers; one task writes what is remembered, a batch in a transaction. While the database is away the
newest state of each call waits in memory, and is written when it is back. Writing twice is writing once: a call's row
is changed until the call has ended, and then only by one that knows better.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, tzinfo
from itertools import islice
from time import monotonic
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Insert, and_, func, or_

from router.calls.call import Call, Ending, Leg
from router.calls.calling_in import is_test
from router.routing.decide import Decision
from router.routing.explain import as_json
from router.storage.call_schema import call_legs, call_passings, calls
from router.storage.database import Database, NotMigrated, StorageError, Transaction, Unavailable

GATHER_FOR = 0.5  # seconds a batch gathers: a call tells of itself six times in its first second, one row is enough
BATCH = 40  # calls in one transaction, which costs as much as ten of them: all that 20 calls/s tell of in GATHER_FOR
AT_ONCE = 5  # of a batch that are prepared between two turns of the loop, which a decision each holds up for 0.6 ms
REMEMBER_AT_MOST = 100_000  # calls, a few kB each: more than an hour without a database at 20 calls/s
RETRY_FIRST = 0.1  # seconds, doubled with every failure
RETRY_LAST = 2.0  # seconds: how late records may be after the database is back

Settle = Callable[[Transaction, Sequence[Call]], Awaitable[None]]
Tell = Callable[[Transaction, Sequence[Call]], Awaitable[Collection[str]]]

log = structlog.get_logger()


class Recorder:
    """The newest state of each call that isn't written yet, and the task that writes it. Its figures are counters."""

    def __init__(
        self,
        db: Database,
        *,
        zone: tzinfo = UTC,
        at_most: int = REMEMBER_AT_MOST,
        settle: Settle | None = None,
        tell: Tell | None = None,
        missed: Callable[[datetime], None] = lambda since: None,
    ) -> None:
        """`zone` is the one in which the sentences of a decision tell their times.

        `settle` is told the calls that are written, in the transaction that writes them; before it `tell`, which says
        of which calls it wants to hear again soon, also when nothing happens to them. `missed` is told, when there is
        room again, since when calls arrived that memory had no room for.
        """
        self.written = 0  # calls, each as often as it was written
        self.failures = 0  # batches that had to be tried again
        self.refused = 0  # calls that the database will never take; each is in the log
        self.dropped = 0  # calls that memory had no room for
        self._upserts: tuple[Insert, Insert, Insert, Insert] | None = None
        self._db = db
        self._zone = zone
        self._at_most = at_most
        self._settle = settle
        self._tell = tell
        # As which decision the record of a call that lives has it already: it is most of a row, and is written once.
        self._decided: dict[str, Decision] = {}
        self._again: dict[str, Call] = {}  # as they were written; to be written once more with the next batch
        self._missed = missed
        self._dropped_since: datetime | None = None
        self._pending: dict[str, Call] = {}
        self._since: dict[str, float] = {}
        self._wake = asyncio.Event()
        self._writing = asyncio.Lock()  # one batch at a time, so that no older state follows a newer one

    @property
    def pending(self) -> int:
        """How many calls wait to be written."""
        return len(self._pending)

    def oldest_age(self) -> float:
        """Seconds for which the oldest of them has waited, 0 when none does."""
        return monotonic() - next(iter(self._since.values())) if self._since else 0.0

    def record(self, call: Call) -> None:
        """Remember this state of the call, in place of an earlier one. Never waits, never raises.

        Without room for another call it is dropped and counted; its end stays in the PBX's journal, which is read
        again when there is room.
        """
        if call.call_id not in self._pending:
            if len(self._pending) >= self._at_most:
                self.dropped += 1
                self._dropped_since = min(self._dropped_since or call.arrived_at, call.arrived_at)
                return
            self._since[call.call_id] = monotonic()
        elif call.ended_at is not None:
            # To the end of the line: what is written then is everything that happened before the newest end among it.
            # After a restart the journal is read from that end on.
            del self._pending[call.call_id]
        self._pending[call.call_id] = call
        self._wake.set()

    async def run(self) -> None:
        """Write until cancelled."""
        wait = RETRY_FIRST
        while True:
            await self._wake.wait()
            await asyncio.sleep(GATHER_FOR)
            self._wake.clear()
            self._recall()
            try:
                await self._write_pending()
                wait = RETRY_FIRST
                if self._dropped_since is not None and len(self._pending) < self._at_most:
                    since, self._dropped_since = self._dropped_since, None
                    log.warning("records are missing: the PBX's journal is read again", since=since.isoformat())
                    self._missed(since)
            except StorageError as fault:
                self.failures += 1
                log.warning("records wait", why=str(fault), pending=self.pending, seconds=round(self.oldest_age(), 1))
                self._wake.set()
                await asyncio.sleep(wait)
                wait = min(wait * 2, RETRY_LAST)

    async def drain(self, within: float) -> int:
        """Write what is left, for at most so many seconds, and return how many calls could not be written.

        For the end of the process; `run` may still be running or be cancelled.
        """
        try:
            async with asyncio.timeout(within):
                while self._pending:
                    await self._write_pending()
        except (StorageError, TimeoutError) as fault:
            log.error("records are lost with this process", why=str(fault), pending=self.pending)
        return self.pending

    def _recall(self) -> None:
        again, self._again = self._again, {}
        for call_id, call in again.items():
            if call_id not in self._pending:
                self.record(call)

    async def _write_pending(self) -> None:
        """Write, in their order, as many as are pending now; what comes meanwhile is for the next time, and gathers."""
        for _ in range(0, len(self._pending), BATCH):
            async with self._writing:
                if batch := list(islice(self._pending.values(), BATCH)):
                    await self._write(batch)

    async def _write(self, batch: Sequence[Call]) -> None:
        try:
            await self._write_together(batch)
        except (Unavailable, NotMigrated):
            raise
        except Exception:
            # One of them is at fault, in the database's eyes or through a slip of ours. It must not keep the others
            # from being written, now and for ever: each is tried alone, and what can't be written is told and left.
            for call in batch:
                await self._write_alone(call)

    async def _write_alone(self, call: Call) -> None:
        try:
            await self._write_together([call])
        except (Unavailable, NotMigrated):
            raise
        except Exception as fault:
            self.refused += 1
            self._forget(call)
            log.error("record refused", call_id=call.call_id, why=str(fault))

    async def _write_together(self, batch: Sequence[Call]) -> None:
        rows = [row async for row in self._rows(batch)]
        legs = [_leg_row(call, leg, position) for call in batch for position, leg in enumerate(call.legs, 1)]
        passings = [{"call": call.call_id, **asdict(one)} for call in batch for one in call.passings]
        async with self._db.writing() as transaction:
            if self._upserts is None:  # the same for every batch: building it costs as much as sending it
                of_calls = _upsert_calls(transaction), _upsert_calls(transaction, _NEVER_CHANGES)
                self._upserts = *of_calls, _upsert_legs(transaction), _upsert_passings(transaction)
            heard = [row for call, row in zip(batch, rows, strict=True) if call.decision is not None]
            # whose beginning nobody heard is a row without a caller until its end tells who it was
            told_late = [row for call, row in zip(batch, rows, strict=True) if call.decision is None]
            for statement, values in zip(self._upserts, (heard, told_late, legs, passings), strict=True):
                if values:
                    await transaction.run(statement, values)
            # of a test call nobody is told, and nothing is owed for it
            real = [call for call in batch if not is_test(call.call_id)]
            again = await self._tell(transaction, real) if self._tell is not None else ()
            if self._settle is not None:
                await self._settle(transaction, real)
        self.written += len(batch)
        for call in batch:
            self._remember_decision(call)
            self._forget(call)
            if call.call_id in again and call.call_id not in self._pending:
                self._again[call.call_id] = call
                self._wake.set()

    async def _rows(self, batch: Sequence[Call]) -> AsyncIterator[dict[str, Any]]:
        for nth, call in enumerate(batch, 1):
            known = call.decision is self._decided.get(call.call_id)
            yield _call_row(call, self._zone, decision_known=known)
            if nth % AT_ONCE == 0:
                await asyncio.sleep(0)  # a call may want to be decided

    def _remember_decision(self, call: Call) -> None:
        if call.ended_at is not None:
            self._decided.pop(call.call_id, None)
        elif call.decision is not None and len(self._decided) < self._at_most:
            self._decided[call.call_id] = call.decision

    def _forget(self, call: Call) -> None:
        if self._pending.get(call.call_id) is call:  # else it has changed while it was being written
            del self._pending[call.call_id]
            del self._since[call.call_id]


def _call_row(call: Call, zone: tzinfo, *, decision_known: bool) -> dict[str, Any]:
    decision = call.decision
    return {
        "id": call.call_id,
        "dialled": call.dialled,
        "line": (decision.line.id if decision.line else None) if decision else call.line,
        "caller": call.caller,
        "presented": call.presented,
        "caller_kind": decision.caller_kind if decision else None,
        "account": (decision.account.id if decision.account else None) if decision else call.account,
        "job": decision.job.id if decision and decision.job else None,
        "arrived_at": call.arrived_at,
        "table_version": decision.table_version if decision else None,
        "path": call.path,
        "why": call.why,
        "decision": as_json(decision, zone) if decision and not decision_known else None,
        "taken_phone": call.taken_phone,
        "taken_by": call.taken_by,
        "taken_at": call.taken_at,
        "owner_phone": call.owner_phone,
        "owner": call.owner,
        "ended_at": call.ended_at,
        "ended": call.ending,
        "promise": call.promise,
        "is_test": is_test(call.call_id),
    }


# What only the decision says: a call that was taken over from the records, or read from the journal, brings none.
_DECIDED = frozenset({"line", "caller_kind", "account", "job", "table_version", "decision"})

_NEVER_CHANGES = frozenset({"id", "is_test"})
# What a call that was heard from its beginning has from then on: an index is only touched for what may have changed.
_STAYS = _NEVER_CHANGES | {"dialled", "caller", "presented", "arrived_at"}


def _upsert_calls(transaction: Transaction, stays: frozenset[str] = _STAYS) -> Insert:
    statement = transaction.insert(calls)
    new = statement.excluded
    columns: dict[str, ColumnElement[Any]] = {}
    for column in calls.columns:
        if column.name in _DECIDED or column.name == "path":
            columns[column.name] = func.coalesce(new[column.name], column)
        elif column.name == "why":
            columns[column.name] = func.coalesce(func.nullif(new.why, ""), column)
        elif column.name not in stays:
            columns[column.name] = new[column.name]
    # a row that has its end stays as it is, however often the journal is read; but a taking that was told late, or the
    # journal of a call that seemed lost, knows better
    answered_after_all = and_(calls.c.ended != Ending.ANSWERED, new.ended == Ending.ANSWERED)
    not_lost_after_all = and_(calls.c.ended == Ending.LOST, new.ended.is_not(None))
    changes = or_(calls.c.ended_at.is_(None), answered_after_all, not_lost_after_all)
    return statement.on_conflict_do_update(index_elements=["id"], set_=columns, where=changes)


def _leg_row(call: Call, leg: Leg, position: int) -> dict[str, Any]:
    return {
        "call": call.call_id,
        "leg": leg.leg,
        "position": position,
        "step": leg.step,
        "phone": leg.phone,
        "person": leg.person,
        "began_at": leg.began_at,
        "ended_at": leg.ended_at,
        "result": leg.result,
        "cause": leg.cause,
        "maybe_machine": leg.maybe_machine,
    }


def _upsert_legs(transaction: Transaction) -> Insert:
    statement = transaction.insert(call_legs)
    new = statement.excluded
    columns = {column.name: new[column.name] for column in call_legs.columns if not column.primary_key}
    # an end without a result is one of a call that went with the PBX: should the journal know more, it counts
    changes = or_(call_legs.c.ended_at.is_(None), call_legs.c.result.is_(None))
    return statement.on_conflict_do_update(index_elements=["call", "leg"], set_=columns, where=changes)


def _upsert_passings(transaction: Transaction) -> Insert:
    statement = transaction.insert(call_passings)
    new = statement.excluded
    columns = {column.name: new[column.name] for column in call_passings.columns if not column.primary_key}
    return statement.on_conflict_do_update(index_elements=["call", "at"], set_=columns)
