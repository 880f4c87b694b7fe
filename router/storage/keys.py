"""Who presents this API key, and what may they do?

A key is `rtr_<prefix>_<random>`: the prefix finds its row, the random part proves it. Only its SHA-256 is kept, which
is enough for 256 random bits: there is nothing to guess that a slower hash would protect.
"""

import hmac
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, insert, or_, select, update

from router.storage.access_schema import Action, Role, Source, api_keys
from router.storage.audit import Entry, append
from router.storage.database import Database, Transaction

_SHAPE = re.compile(r"rtr_(?P<prefix>[0-9a-f]{8})_[A-Za-z0-9_-]{43}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    id: int
    name: str
    prefix: str
    role: Role
    sees_private: bool
    expires_at: datetime | None = None

    def expired(self, now: datetime) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and self.expires_at <= now


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyStanding:
    """What may be shown of a key: never the key."""

    name: str
    prefix: str
    role: Role
    sees_private: bool
    expires_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyBy:
    """Who makes or revokes a key, for the record."""

    at: datetime
    actor: str
    key: str | None
    source: Source

    def entry(
        self, identity: int, action: Action, *, before: dict[str, Any] | None, after: dict[str, Any] | None
    ) -> Entry:
        """What is put on record; a key makes no version of the table."""
        return Entry(
            at=self.at,
            actor=self.actor,
            key=self.key,
            source=self.source,
            kind="key",
            object=identity,
            action=action,
            before=before,
            after=after,
            version=None,
        )


async def new_key(
    db: Database,
    name: str,
    role: Role,
    *,
    expires_at: datetime | None = None,
    sees_private: bool | None = None,
    by: KeyBy | None = None,
) -> str:
    """Make a key and return it: the only time that it can be read. Raises StorageError.

    Whether it sees private numbers is, unless said, so for admins only.
    """
    key = f"rtr_{secrets.token_hex(4)}_{secrets.token_urlsafe(32)}"
    async with db.writing() as transaction:
        await _keep(transaction, key, name, role, expires_at=expires_at, sees_private=sees_private, by=by)
    return key


async def keep_key(db: Database, key: str, name: str, role: Role, *, by: KeyBy | None = None) -> bool:
    """Make this the key of `name`, drawn elsewhere; False when it is known already, and then nothing is changed.

    Raises ValueError when it has not the shape of a key, or when another one begins like it; StorageError.
    """
    shape = _SHAPE.fullmatch(key)
    if shape is None:
        raise ValueError(
            "a key is rtr_, eight hexadecimal digits, _ and 43 letters and digits (32 random bytes, base64)"
        )
    async with db.writing() as transaction:
        known = await transaction.rows(select(api_keys.c.sha256).where(api_keys.c.prefix == shape["prefix"]))
        if known and not hmac.compare_digest(known[0].sha256, _hashed(key)):
            raise ValueError(f"another key begins with rtr_{shape['prefix']}_: draw this one anew")
        if not known:
            await _keep(transaction, key, name, role, expires_at=None, sees_private=None, by=by)
    return not known


async def _keep(
    transaction: Transaction,
    key: str,
    name: str,
    role: Role,
    *,
    expires_at: datetime | None,
    sees_private: bool | None,
    by: KeyBy | None,
) -> None:
    prefix = key.split("_")[1]
    if sees_private is None:
        sees_private = role is Role.ADMIN
    row = {"name": name, "prefix": prefix, "sha256": _hashed(key), "role": role, "expires_at": expires_at}
    made = insert(api_keys).values(**row, sees_private=sees_private).returning(api_keys.c.id)
    identity = int((await transaction.run(made)).scalar_one())
    if by is not None:
        shown = {"name": name, "prefix": prefix, "role": role.value, "sees_private": sees_private}
        await append(transaction, [by.entry(identity, Action.CREATED, before=None, after=shown)])


async def find_key(db: Database, presented: str, now: datetime) -> ApiKey | None:
    """Whose key this is; None when it is nobody's, revoked or expired. Raises StorageError."""
    shape = _SHAPE.fullmatch(presented)
    if shape is None:
        return None
    async with db.reading() as look:
        rows = await look.rows(select(api_keys).where(api_keys.c.prefix == shape["prefix"], *_usable(now)))
    presented_hash = _hashed(presented)
    for row in rows:
        if hmac.compare_digest(row.sha256, presented_hash):
            return ApiKey(
                id=row.id,
                name=row.name,
                prefix=row.prefix,
                role=row.role,
                sees_private=row.sees_private,
                expires_at=row.expires_at,
            )
    return None


async def any_key(db: Database, now: datetime) -> bool:
    """Whether any key would be accepted. Raises StorageError."""
    async with db.reading() as look:
        return bool(await look.rows(select(api_keys.c.id).where(*_usable(now)).limit(1)))


async def list_keys(db: Database) -> tuple[KeyStanding, ...]:
    """Every key that was ever made, oldest first. Raises StorageError."""
    async with db.reading() as look:
        rows = await look.rows(select(api_keys).order_by(api_keys.c.id))
    return tuple(
        KeyStanding(
            name=row.name,
            prefix=row.prefix,
            role=row.role,
            sees_private=row.sees_private,
            expires_at=row.expires_at,
            revoked_at=row.revoked_at,
        )
        for row in rows
    )


async def revoke_key(db: Database, prefix: str, now: datetime, *, by: KeyBy | None = None) -> bool:
    """Let the key with this prefix be accepted no longer; False when there is none. Raises StorageError.

    Revoking it again changes nothing.
    """
    async with db.writing() as transaction:
        known = await transaction.rows(select(api_keys).where(api_keys.c.prefix == prefix))
        unrevoked = (api_keys.c.prefix == prefix) & api_keys.c.revoked_at.is_(None)
        await transaction.run(update(api_keys).where(unrevoked).values(revoked_at=now))
        if known and by is not None and known[0].revoked_at is None:
            shown = {name: known[0]._mapping[name] for name in ("name", "prefix", "role", "sees_private")}
            await append(transaction, [by.entry(known[0].id, Action.REMOVED, before=shown, after=None)])
    return bool(known)


async def usable_among(db: Database, prefixes: Collection[str], now: datetime) -> frozenset[str]:
    """Those of these keys' prefixes that still open the API. Raises StorageError."""
    query = select(api_keys.c.prefix).where(api_keys.c.prefix.in_(prefixes), *_usable(now))
    async with db.reading() as look:
        return frozenset(row.prefix for row in await look.rows(query))


def _usable(now: datetime) -> list[ColumnElement[bool]]:
    return [
        api_keys.c.revoked_at.is_(None),
        or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > now),
    ]


def _hashed(key: str) -> bytes:
    return sha256(key.encode()).digest()
