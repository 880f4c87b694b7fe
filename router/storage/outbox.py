"""Which mails are to be sent, and what became of each?

A mail is taken by one router for as long as sending may last; if that one dies meanwhile, another takes it then. So it
may go out twice in that one case, and is never forgotten.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select, update

from router.storage.database import Database, Transaction
from router.storage.schema import people
from router.storage.told_schema import WAITING, Kind, MailState, notices, outbox

AT_ONCE = 20  # mails taken together; each may last seconds while the mail server is slow
TAKEN_FOR = timedelta(minutes=5)  # longer than AT_ONCE mails take with every one of them at its time limit
FIRST_RETRY = timedelta(seconds=30)  # doubled with every failure
LAST_RETRY = timedelta(minutes=10)  # how late a mail may be after the mail server is back
LONGEST_ERROR = 500  # characters of what a mail server said


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A notice to be sent to one address. `attempts` counts this one. `commitment` is None where it is about none."""

    id: int
    kind: Kind
    commitment: int | None
    payload: dict[str, Any]
    target: str
    attempts: int


async def put_in(transaction: Transaction, notice: int, targets: Iterable[str], now: datetime) -> None:
    """Let this notice go to these addresses, each once. Raises StorageError."""
    rows = [
        {"notice": notice, "target": target, "state": MailState.WAITING, "attempts": 0, "next_try_at": now, "error": ""}
        for target in dict.fromkeys(targets)
    ]
    if rows:
        await transaction.run(insert(outbox), rows)


async def addresses_of(look: Transaction, of: Collection[int]) -> list[str]:
    """Where these people get mail, in order; not those who get none. Raises StorageError."""
    with_address = select(people.c.email).where(people.c.id.in_(of), people.c.email.is_not(None))
    return sorted({row.email for row in await look.rows(with_address) if row.email})


async def take(db: Database, now: datetime) -> tuple[Mail, ...]:
    """The mails that are due, at most AT_ONCE, now ours for TAKEN_FOR. Raises StorageError."""
    due = (
        select(outbox.c.id, outbox.c.attempts, outbox.c.target, notices.c.kind, notices.c.commitment, notices.c.payload)
        .join(notices, notices.c.id == outbox.c.notice)
        .where(WAITING, outbox.c.webhook.is_(None), outbox.c.next_try_at <= now)
        .order_by(outbox.c.next_try_at, outbox.c.id)
        .limit(AT_ONCE)
    )
    async with db.reading() as look:
        rows = await look.rows(due)
    if not rows:
        return ()
    taken = []
    async with db.writing() as transaction:
        for row in rows:
            seen = (outbox.c.id == row.id, outbox.c.attempts == row.attempts, WAITING)
            mine = update(outbox).where(*seen).values(attempts=row.attempts + 1, next_try_at=now + TAKEN_FOR)
            if (await transaction.run(mine)).rowcount:
                taken.append(row)
    return tuple(
        [
            Mail(
                id=row.id,
                kind=row.kind,
                commitment=row.commitment,
                payload=row.payload,
                target=row.target,
                attempts=row.attempts + 1,
            )
            for row in taken
        ]
    )


async def sent(db: Database, mail: Mail, now: datetime) -> None:
    """The mail server has taken it. Raises StorageError."""
    await _note(db, mail, state=MailState.SENT, sent_at=now, error="")


async def put_off(db: Database, mail: Mail, why: str, now: datetime) -> datetime:
    """The mail server has not: when it will be tried again, the later the more often it failed. Raises StorageError."""
    again = now + min(FIRST_RETRY * (1 << min(mail.attempts - 1, 16)), LAST_RETRY)
    await _note(db, mail, next_try_at=again, error=why[:LONGEST_ERROR])
    return again


async def give_up(db: Database, mail: Mail, why: str) -> None:
    """The mail server never will: the address doesn't exist, or it refuses us. Raises StorageError."""
    await _note(db, mail, state=MailState.REFUSED, error=why[:LONGEST_ERROR])


async def _note(db: Database, mail: Mail, **values: Any) -> None:
    mine = (outbox.c.id == mail.id, outbox.c.attempts == mail.attempts, WAITING)
    async with db.writing() as transaction:
        await transaction.run(update(outbox).where(*mine).values(**values))
