"""Which other programs are told what happens, and what became of each event for them?

An event is taken by one router for as long as sending may last; if that one dies meanwhile, another takes it then.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, func, insert, or_, select, update

from router.storage.access_schema import Action, Source
from router.storage.audit import Entry, append
from router.storage.database import Database, Transaction
from router.storage.notices import Notice, notice_of
from router.storage.outbox import LONGEST_ERROR
from router.storage.told_schema import WAITING, MailState, notices, outbox, webhooks

AT_ONCE = 50  # events taken together, of all webhooks
# Longer than a courier sends to one receiver what it has taken: SENDS_FOR of courier.py, and the last one at its limit.
TAKEN_FOR = timedelta(seconds=15)
FIRST_RETRY = timedelta(seconds=5)  # doubled with every failure
LAST_RETRY = timedelta(minutes=10)
GIVE_UP_AFTER = timedelta(days=1)  # from when it happened; who was away for longer reads the records
DISABLED_AFTER = timedelta(days=3)  # of nothing but failures; somebody has to enable it again


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One receiver, as it may be shown: never its secret. `kinds` empty: every event."""

    id: int
    version: int
    url: str
    kinds: tuple[str, ...]
    enabled: bool
    updated_at: datetime
    failing_since: datetime | None
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A notice for one receiver, now ours to send. `attempts` counts this one."""

    id: int
    webhook: int
    url: str
    secret: str
    attempts: int
    notice: Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class By:
    """Who makes, changes or removes a webhook, for the record."""

    at: datetime
    actor: str
    key: str | None
    source: Source


async def list_webhooks(db: Database) -> tuple[Webhook, ...]:
    """All of them, oldest first. Raises StorageError."""
    async with db.reading() as look:
        return tuple([_webhook(row) for row in await look.rows(select(webhooks).order_by(webhooks.c.id))])


async def webhook_of(db: Database, identity: int) -> tuple[Webhook, str] | None:
    """One, with its secret: for who sends. Raises StorageError."""
    async with db.reading() as look:
        rows = await look.rows(select(webhooks).where(webhooks.c.id == identity))
    return (_webhook(rows[0]), rows[0].secret) if rows else None


async def make_webhook(db: Database, url: str, kinds: Sequence[str], enabled: bool, by: By) -> tuple[Webhook, str]:
    """Make one; its secret can be read this once. Raises StorageError."""
    secret = f"whs_{secrets.token_urlsafe(32)}"
    row = {"version": 1, "url": url, "secret": secret, "kinds": list(kinds), "enabled": enabled, "error": ""}
    async with db.writing() as transaction:
        made = await transaction.run(insert(webhooks).values(updated_at=by.at, **row).returning(webhooks))
        webhook = _webhook(made.one())
        await append(transaction, [_entry(by, webhook.id, Action.CREATED, None, webhook)])
    return webhook, secret


async def change_webhook(
    db: Database, identity: int, only_if: frozenset[int] | None, changes: Mapping[str, Any], by: By
) -> Webhook | None:
    """Change its url, kinds or enabled, if it is still at one of these versions; None when it isn't, or is gone.

    Who is enabled again hears of what happens from then on. Raises StorageError.
    """
    async with db.writing() as transaction:
        rows = await transaction.rows(select(webhooks).where(webhooks.c.id == identity))
        if not rows or (only_if is not None and rows[0].version not in only_if):
            return None
        before = _webhook(rows[0])
        values = {**changes, "version": before.version + 1, "updated_at": by.at, "failing_since": None, "error": ""}
        seen = (webhooks.c.id == identity, webhooks.c.version == before.version)
        changed = (await transaction.run(update(webhooks).where(*seen).values(**values).returning(webhooks))).first()
        if changed is None:
            return None
        if changes.get("enabled") is False:
            await _drop(transaction, identity, "the webhook was disabled")
        after = _webhook(changed)
        await append(transaction, [_entry(by, identity, Action.CHANGED, before, after)])
    return after


async def remove_webhook(db: Database, identity: int, only_if: frozenset[int] | None, by: By) -> bool:
    """Remove it, if it is still at one of these versions; says whether. Raises StorageError."""
    async with db.writing() as transaction:
        rows = await transaction.rows(select(webhooks).where(webhooks.c.id == identity))
        if not rows or (only_if is not None and rows[0].version not in only_if):
            return False
        await _drop(transaction, identity, "the webhook was removed")
        await transaction.run(delete(webhooks).where(webhooks.c.id == identity))
        await append(transaction, [_entry(by, identity, Action.REMOVED, _webhook(rows[0]), None)])
    return True


async def take(db: Database, now: datetime) -> tuple[Waiting, ...]:
    """What is due, at most AT_ONCE in the order in which it happened, now ours for TAKEN_FOR. Raises StorageError."""
    # Who hasn't got an event yet gets none of those that followed it.
    held = (
        select(outbox.c.webhook, func.min(outbox.c.notice).label("notice"))
        .where(WAITING, outbox.c.webhook.is_not(None), outbox.c.next_try_at > now)
        .group_by(outbox.c.webhook)
        .subquery()
    )
    due = (
        select(outbox.c.id, outbox.c.attempts, outbox.c.webhook, outbox.c.notice, webhooks.c.url, webhooks.c.secret)
        .join(webhooks, webhooks.c.id == outbox.c.webhook)
        .outerjoin(held, held.c.webhook == outbox.c.webhook)
        .where(WAITING, outbox.c.next_try_at <= now, webhooks.c.enabled.is_(True))
        .where(or_(held.c.notice.is_(None), outbox.c.notice < held.c.notice))
        .order_by(outbox.c.notice, outbox.c.id)
        .limit(AT_ONCE)
    )
    async with db.reading() as look:
        rows = await look.rows(due)
        ids = {row.notice for row in rows}
        told = {row.id: notice_of(row) for row in await look.rows(select(notices).where(notices.c.id.in_(ids)))}
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
            Waiting(
                id=row.id,
                webhook=row.webhook,
                url=row.url,
                secret=row.secret,
                attempts=row.attempts + 1,
                notice=told[row.notice],
            )
            for row in taken
        ]
    )


async def delivered(db: Database, waiting: Waiting, now: datetime) -> None:
    """The receiver has it. Raises StorageError."""
    async with db.writing() as transaction:
        await _note(transaction, waiting, state=MailState.SENT, sent_at=now, error="")
        fails = (webhooks.c.id == waiting.webhook, webhooks.c.failing_since.is_not(None))
        await transaction.run(update(webhooks).where(*fails).values(failing_since=None, error=""))


async def put_back(db: Database, rest: Sequence[Waiting], now: datetime) -> None:
    """These were not come to: whoever is next takes them. Raises StorageError."""
    async with db.writing() as transaction:
        for one in rest:
            await _note(transaction, one, next_try_at=now)


async def not_delivered(
    db: Database, waiting: Waiting, why: str, now: datetime, *, rest: Sequence[Waiting] = (), gone: bool = False
) -> bool:
    """The receiver has it not, and is not asked about the `rest` now; says whether the webhook is disabled by that.

    Raises StorageError.
    """
    why = why[:LONGEST_ERROR]
    async with db.writing() as transaction:
        for one in (waiting, *rest):
            if now - one.notice.at >= GIVE_UP_AFTER:
                await _note(transaction, one, state=MailState.REFUSED, error=why)
            else:
                again = now + min(FIRST_RETRY * (1 << min(waiting.attempts - 1, 16)), LAST_RETRY)
                await _note(transaction, one, next_try_at=again, error=why)
        rows = await transaction.rows(select(webhooks).where(webhooks.c.id == waiting.webhook))
        if not rows:
            return False
        since = rows[0].failing_since or now
        disabled = gone or now - since >= DISABLED_AFTER
        values = {"failing_since": since, "error": why} | ({"enabled": False} if disabled else {})
        await transaction.run(update(webhooks).where(webhooks.c.id == waiting.webhook).values(**values))
        if disabled:
            await _drop(transaction, waiting.webhook, why)
    return disabled


async def _drop(transaction: Transaction, webhook: int, why: str) -> None:
    mine = (outbox.c.webhook == webhook, WAITING)
    await transaction.run(update(outbox).where(*mine).values(state=MailState.REFUSED, error=why))


async def _note(transaction: Transaction, waiting: Waiting, **values: Any) -> None:
    mine = (outbox.c.id == waiting.id, outbox.c.attempts == waiting.attempts, WAITING)
    await transaction.run(update(outbox).where(*mine).values(**values))


def _webhook(row: Row[Any]) -> Webhook:
    return Webhook(
        id=row.id,
        version=row.version,
        url=row.url,
        kinds=tuple(row.kinds),
        enabled=row.enabled,
        updated_at=row.updated_at,
        failing_since=row.failing_since,
        error=row.error,
    )


def _entry(by: By, identity: int, action: Action, before: Webhook | None, after: Webhook | None) -> Entry:
    return Entry(
        at=by.at,
        actor=by.actor,
        key=by.key,
        source=by.source,
        kind="webhook",
        object=identity,
        action=action,
        before=_shown(before),
        after=_shown(after),
        version=None,
    )


def _shown(webhook: Webhook | None) -> dict[str, Any] | None:
    if webhook is None:
        return None
    return {"id": webhook.id, "url": webhook.url, "kinds": list(webhook.kinds), "enabled": webhook.enabled}
