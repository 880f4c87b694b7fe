"""What do we owe, on record, and how does it change by one at a time?

Nobody locks anything: who changes a commitment says which version of it was seen, and has to look again when another
was faster. That holds for two people who claim at once as for two routers on one database.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from functools import partial
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Row, and_, func, insert, or_, select, update

from router.calls.call import Call, Ending
from router.commitments.commitment import Commitment, Level, Terms
from router.commitments.events import Event, Missed, Promised, TakenAfterAll, Talked
from router.commitments.facts import facts_of
from router.commitments.ledger import Changed, Outcome, look, step
from router.commitments.notice import Notice, NoticeKind
from router.commitments.owner import Owner, present_owner
from router.routing.table import Table
from router.storage import outbox
from router.storage.audit import Entry as AuditEntry
from router.storage.audit import append
from router.storage.call_schema import calls
from router.storage.database import Database, Overtaken, StorageError, Transaction
from router.storage.ended_calls import happened
from router.storage.notices import in_order, tell
from router.storage.owed_schema import OVER, OWED, commitment_calls, commitments
from router.storage.told_schema import About, Kind

TRIES = 5  # to change what others change as well
LOOK_AT_ONCE = 100  # commitments whose time has come, in one round of the clock

log = structlog.get_logger()

Noted = Callable[[Commitment | None, Commitment], AuditEntry]
"""Who asks for a change of a commitment says how it goes on record: as it was (None: not at all), and as it is."""


class NoSuchCommitment(StorageError):
    """No commitment has this number; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A commitment and the calls in it, in the order of their ids."""

    commitment: Commitment
    calls: tuple[str, ...]


async def list_entries(db: Database, *, over: bool = False, at_most: int = 1000) -> tuple[Entry, ...]:
    """What is owed, the first that is due first; with `over` also what is kept or void, the last closed first of these.

    Raises StorageError.
    """
    wanted = select(commitments).limit(at_most)
    in_order = (commitments.c.closed_at.desc(), commitments.c.due_at, commitments.c.urgency.desc(), commitments.c.id)
    async with db.reading() as reading:
        rows = list(await reading.rows(wanted.where(OWED).order_by(*in_order[1:])))
        if over:
            rows += await reading.rows(wanted.where(OVER).order_by(in_order[0]))
        linked = await reading.rows(
            select(commitment_calls)
            .where(commitment_calls.c.commitment.in_([row.id for row in rows]))
            .order_by(commitment_calls.c.call)
        )
    calls_of: dict[int, list[str]] = {}
    for link in linked:
        calls_of.setdefault(link.commitment, []).append(link.call)
    return tuple([Entry(commitment=as_commitment(row), calls=tuple(calls_of.get(row.id, ()))) for row in rows])


async def commitment_of(look: Transaction, commitment: int) -> Commitment:
    """One of them. Raises NoSuchCommitment and other StorageErrors."""
    return as_commitment(await _row(look, commitment))


@dataclass(slots=True)
class KeptCounts:
    """How many commitments this process has brought to their end since it started, by their due time or after it."""

    in_time: int = 0
    late: int = 0

    def add(self, kept: Commitment) -> None:
        assert kept.closed_at is not None  # the CHECK on it holds
        if kept.closed_at <= kept.due_at:
            self.in_time += 1
        else:
            self.late += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """Brings what happens into the rows, by these terms.

    `mails`: notices go out to those who shall hear of them. `logs`: each is a line in the log as well.
    `counts` counts what is kept, once that is committed.
    """

    terms: Terms
    mails: bool = False
    logs: bool = False
    counts: KeptCounts | None = None

    async def settle(self, transaction: Transaction, ended: Iterable[Call], table: Table) -> None:
        """What calls mean that ended: to be called where their records are written, as often as these are written.

        Each call counts once. Raises StorageError.
        """
        happenings = sorted([h for call in ended if (h := happened(call, table))], key=lambda happening: happening.at)
        if not happenings:
            return
        linked = await _commitments_of(transaction, [happening.call_id for happening in happenings])
        missed = [h.call_id for h in happenings if isinstance(h, Missed) and h.call_id not in linked]
        answered = await _answered_by_record(transaction, missed) if missed else frozenset()
        keys = {key for happening in happenings for key in happening.party.keys}
        owed = await _owed_among(transaction, keys)
        if not missed and not linked and not owed:
            return  # the usual case: people have talked, and nothing was owed
        for happening in happenings:
            match happening:
                case Missed(call_id=call) if call not in linked and call not in answered:
                    await self._missed(transaction, happening, table)
                    owed |= {happening.party.key, *happening.party.keys}
                case Talked(call_id=call) if call in linked:
                    late = TakenAfterAll(call_id=call, at=happening.at)
                    await self._step_one(transaction, linked[call], late, table)
                case Talked(party=party) if not owed.isdisjoint(party.keys):
                    await self._talked(transaction, happening, table)
                case _:
                    pass

    async def do(
        self, db: Database, commitment: int, event: Event, table: Table, noted: Noted | None = None
    ) -> Outcome:
        """What somebody has done about this commitment. Raises NoSuchCommitment and other StorageErrors.

        `noted` makes of how it was and how it is what is put on record with it.
        """
        async with db.writing() as transaction:
            before = as_commitment(await _row(transaction, commitment))
            outcome = await self._step_one(transaction, commitment, event, table)
            await _note(transaction, noted, before, outcome)
            return outcome

    async def happen(self, transaction: Transaction, commitment: int, event: Event, table: Table) -> Outcome:
        """As `do`, in a transaction with what belongs to it. Raises NoSuchCommitment and other StorageErrors."""
        return await self._step_one(transaction, commitment, event, table)

    async def do_in(self, transaction: Transaction, commitment: int, event: Event, table: Table) -> int:
        """The same in a transaction of others; returns the version that it has then. Raises as `do`."""
        await self._step_one(transaction, commitment, event, table)
        return int((await _row(transaction, commitment)).version)

    async def promise(self, db: Database, event: Promised, table: Table, noted: Noted | None = None) -> Outcome:
        """What somebody has promised: another commitment, or more of the one that is open. Raises StorageError."""
        async with db.writing() as transaction:
            outcome = await self._step_under(transaction, event.party.keys or (event.party.key,), event, table)
            await _note(transaction, noted, None, outcome)
            return outcome

    async def owed(self, db: Database, now: datetime) -> tuple[int, int]:
        """How many commitments are open or claimed, on the whole database, and how many of these are past their due
        time. Raises StorageError."""
        owed = select(func.count()).select_from(commitments).where(OWED)
        async with db.reading() as reading:
            (every,), (late,) = await reading.rows(owed), await reading.rows(owed.where(commitments.c.due_at <= now))
        return int(every[0]), int(late[0])

    async def look(self, db: Database, table: Table, now: datetime) -> int:
        """What the time that has passed means: how many commitments it has changed. Raises StorageError."""
        changed = 0
        for commitment in await self._to_look_at(db, table, now):
            try:
                async with db.writing() as transaction:
                    changed += await self._look_at(transaction, commitment, table, now)
            except StorageError:
                raise
            except Exception:
                # a slip of ours about one of them must not keep the others from being looked at
                log.exception("commitment not looked at", commitment=commitment)
        return changed

    async def _missed(self, transaction: Transaction, event: Missed, table: Table) -> None:
        outcome = await self._step_under(transaction, event.party.keys or (event.party.key,), event, table)
        if not isinstance(outcome, Changed):
            return
        await transaction.run(insert(commitment_calls), [{"call": event.call_id, "commitment": outcome.commitment.id}])
        for talk in await _talks_since(transaction, event):  # the call is told late
            if await self._talked(transaction, talk, table):
                return

    async def _talked(self, transaction: Transaction, event: Talked, table: Table) -> bool:
        """Whether this talk has kept what was owed: to the account, and to the number from before it had one."""
        kept = False
        for key in event.party.keys:
            if await _owed_among(transaction, (key,)):
                kept |= isinstance(await self._step_under(transaction, (key,), event, table), Changed)
        return kept

    async def _step_under(self, transaction: Transaction, keys: Sequence[str], event: Event, table: Table) -> Outcome:
        """The event's step on what is open under the first of these keys, or on nothing."""
        for _ in range(TRIES):
            rows = await transaction.rows(select(commitments).where(commitments.c.party.in_(keys), OWED))
            row = min(rows, key=lambda row: keys.index(row.party), default=None)
            outcome = step(as_commitment(row) if row else None, event, table, self.terms)
            if not isinstance(outcome, Changed):
                return outcome
            if saved := await self._save(transaction, row, outcome, table):
                return saved
        raise Overtaken("others change this commitment all the time: try again")

    async def _step_one(self, transaction: Transaction, commitment: int, event: Event, table: Table) -> Outcome:
        for _ in range(TRIES):
            row = await _row(transaction, commitment)
            outcome = step(as_commitment(row), event, table, self.terms)
            if not isinstance(outcome, Changed):
                return outcome
            if saved := await self._save(transaction, row, outcome, table):
                return saved
        raise Overtaken(f"others change commitment {commitment} all the time: try again")

    async def _look_at(self, transaction: Transaction, commitment: int, table: Table, now: datetime) -> bool:
        row = await _row(transaction, commitment)
        outcome = look(as_commitment(row), table, self.terms, now)
        # of two routers that look at once one is faster, and has told everybody
        return isinstance(outcome, Changed) and await self._save(transaction, row, outcome, table) is not None

    async def _to_look_at(self, db: Database, table: Table, now: datetime) -> list[int]:
        """Those whose next step is due, and those whose owner can't see to them any more."""
        async with db.reading() as reading:
            owners = await reading.rows(select(commitments.c.owner, commitments.c.desk).where(OWED).distinct())
            asked = [Owner(person=row.owner, desk=row.desk) for row in owners]
            gone = [owner for owner in asked if present_owner(owner, None, table, now) != owner]
            whose_time = or_(commitments.c.next_step_at <= now, *[_owned_by(owner) for owner in gone])
            in_order = select(commitments.c.id).where(OWED, whose_time).order_by(commitments.c.next_step_at)
            return [row.id for row in await reading.rows(in_order.limit(LOOK_AT_ONCE))]

    async def _save(
        self, transaction: Transaction, row: Row[Any] | None, outcome: Changed, table: Table
    ) -> Changed | None:
        """Write it and what is told of it; None when somebody else was faster."""
        values = _values(outcome.commitment)
        await in_order(transaction)
        if row is None:
            unless = {"index_elements": ["party"], "index_where": OWED}
            fresh = transaction.insert(commitments).on_conflict_do_nothing(**unless)
            identity = (await transaction.run(fresh.values(version=1, **values).returning(commitments.c.id))).scalar()
            if identity is None:
                return None
        else:
            seen = (commitments.c.id == row.id, commitments.c.version == row.version)
            changed = await transaction.run(update(commitments).where(*seen).values(version=row.version + 1, **values))
            if not changed.rowcount:
                return None
            identity = row.id
        saved = replace(outcome.commitment, id=identity)
        for notice in outcome.notices:
            await self._tell(transaction, replace(notice, commitment=replace(notice.commitment, id=identity)), table)
        return replace(outcome, commitment=saved)

    async def _tell(self, transaction: Transaction, notice: Notice, table: Table) -> None:
        facts = facts_of(notice.commitment, table)
        payload = asdict(facts) | {
            "due_at": facts.due_at.isoformat(),
            "opened_by_call": notice.commitment.opened_by_call,
            "kept_by_call": notice.commitment.kept_by_call,
        }
        row = {
            "at": notice.at,
            "about": About.COMMITMENT,
            "kind": Kind(notice.kind),
            "commitment": notice.commitment.id,
            "payload": payload,
        }
        (identity,) = await tell(transaction, [row])
        if self.counts is not None and notice.kind is NoticeKind.KEPT:
            transaction.told.append(partial(self.counts.add, notice.commitment))
        if self.logs:
            log.info("commitment", what=notice.kind.value, commitment=notice.commitment.id, owner=facts.owner)
        if self.mails and notice.to:
            await outbox.put_in(transaction, identity, await outbox.addresses_of(transaction, notice.to), notice.at)


async def _note(transaction: Transaction, noted: Noted | None, before: Commitment | None, outcome: Outcome) -> None:
    if noted is not None and isinstance(outcome, Changed):
        await append(transaction, [noted(before, outcome.commitment)])


async def _row(transaction: Transaction, commitment: int) -> Row[Any]:
    rows = await transaction.rows(select(commitments).where(commitments.c.id == commitment))
    if not rows:
        raise NoSuchCommitment(f"there is no commitment {commitment}: `router commitments list` shows them")
    return rows[0]


async def _commitments_of(transaction: Transaction, ended: Sequence[str]) -> Mapping[str, int]:
    rows = await transaction.rows(select(commitment_calls).where(commitment_calls.c.call.in_(ended)))
    return {row.call: row.commitment for row in rows}


async def _answered_by_record(transaction: Transaction, ended: Sequence[str]) -> frozenset[str]:
    """The record knows better than who reads the journal of a call whose taking was told later."""
    answered = select(calls.c.id).where(calls.c.id.in_(ended), calls.c.ended == Ending.ANSWERED)
    return frozenset(row.id for row in await transaction.rows(answered))


async def _owed_among(transaction: Transaction, keys: Collection[str]) -> set[str]:
    """The keys under which something is owed."""
    if not keys:
        return set()
    owed = select(commitments.c.party).where(commitments.c.party.in_(keys), OWED)
    return {row.party for row in await transaction.rows(owed)}


async def _talks_since(transaction: Transaction, event: Missed) -> list[Talked]:
    """Talks with the same party that are on record already: this call is told late, perhaps by the journal."""
    party = event.party
    same = calls.c.caller == party.caller if party.account is None else calls.c.account == party.account
    later = select(calls).where(calls.c.arrived_at >= event.at, calls.c.ended == Ending.ANSWERED, same)
    return [
        Talked(call_id=row.id, party=party, began_at=row.taken_at, at=row.ended_at)
        for row in await transaction.rows(later.order_by(calls.c.taken_at).limit(LOOK_AT_ONCE))
        if row.taken_at is not None and row.ended_at is not None
    ]


def as_commitment(row: Row[Any]) -> Commitment:
    """A row of the commitments as a value. Raises nothing."""
    values = {name: value for name, value in row._mapping.items() if name not in ("version", "updated_at")}
    return Commitment(**values | {"level": Level(row.level)})


_COLUMNS = tuple(field.name for field in fields(Commitment) if field.name != "id")


def _values(commitment: Commitment) -> dict[str, Any]:
    return {name: getattr(commitment, name) for name in _COLUMNS} | {"level": int(commitment.level)}


def _owned_by(owner: Owner) -> ColumnElement[bool]:
    return and_(commitments.c.owner.is_not_distinct_from(owner.person), commitments.c.desk == owner.desk)
