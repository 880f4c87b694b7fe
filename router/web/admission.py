"""Who is asking, and may they?

Every operation declares whom it is open to, with `needs`; one that declares nothing is open to nobody.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from http import HTTPStatus
from math import ceil
from typing import Annotated, Any

import structlog
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from router.storage.access_schema import Role
from router.storage.database import Database, Unavailable
from router.storage.keys import ApiKey, find_key
from router.web.limits import BURST, Buckets, Limits, network_of
from router.web.problems import Refusal

log = structlog.get_logger()

ANYONE = "anyone"
DECLARED = "x-role"  # where an operation declares it, for this file and for readers of the API's description

# An outage of the database should not hide the figures that tell of it, so keys that it confirmed are believed for as
# long as it takes to mend one by hand. A key revoked meanwhile can't be known to be.
BELIEVED = timedelta(minutes=15)

# One row, found by its prefix: milliseconds. Storage's own limits are for statements that work; a probe that asks for
# readiness during an outage should not wait for them, and gives up itself after three seconds or more.
ASKED_WITHIN = 2.0  # seconds; a busy machine with two cores was seen to take more than one

_HOLDERS: dict[Role, frozenset[Role]] = {
    Role.VIEWER: frozenset(Role),
    Role.COORDINATOR: frozenset({Role.COORDINATOR, Role.EDITOR, Role.ADMIN}),
    Role.EDITOR: frozenset({Role.EDITOR, Role.ADMIN, Role.SERVICE}),
    Role.ADMIN: frozenset({Role.ADMIN}),
}

bearer = HTTPBearer(auto_error=False, description="A key made with `router key new NAME --role …`.")


def needs(role: Role) -> dict[str, Any]:
    """Declare that an operation takes a key of at least this role: `@endpoints.get("/calls", **needs(Role.VIEWER))`."""
    return {"openapi_extra": {DECLARED: role.value}}


def open_to_anyone() -> dict[str, Any]:
    return {"openapi_extra": {DECLARED: ANYONE}}


def may(role: Role, declared: str | None) -> bool:
    """Whether keys of this role are let in where this is declared; where nothing is, nobody's are."""
    return declared == ANYONE or (declared is not None and role in _HOLDERS[Role(declared)])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Believed:
    key: ApiKey
    confirmed_at: datetime


class Doorkeeper:
    """Knows whose a key is, from the database at each request, from memory while the database is gone.

    So a key that is revoked or expires is refused from the next request on, by every process. Keys are never compared
    as such: only their hashes are, in constant time (storage.keys), and only hashes are kept here.
    """

    def __init__(
        self,
        db: Database,
        now: Callable[[], datetime],
        limits: Limits = Limits(),  # noqa: B008 (a frozen value)
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = db
        self._now = now
        self._believed: dict[bytes, _Believed] = {}
        self._asked = Buckets(limits.key_rate, limits.key_rate * BURST, clock)
        self._failed = Buckets(limits.failures / 60, limits.failures, clock)

    async def let_in(self, presented: str | None, address: str) -> ApiKey:
        """Whose key it is that this address shows. Raises Refusal, and Unavailable when that can't be found out."""
        digest = _digest(presented) if presented is not None else b""
        network = network_of(address)
        # Behind one address may be many: who has a key that was good just now doesn't pay for those who guess.
        if digest not in self._believed and (wait := self._failed.wait(network)):
            detail = f"too many keys from {network} were refused: check the key, and try again in {ceil(wait)} s"
            raise _too_many("too-many-refused", detail, wait)
        if digest in self._believed and (wait := self._asked.take(digest)):
            detail = f"this key asks too often: spread the requests, and go on in {ceil(wait)} s"
            raise _too_many("too-many-requests", detail, wait)
        if presented is None:
            self._failed.take(network)
            raise _unknown(
                "key-missing", "send a key as 'Authorization: Bearer …'; 'router key new NAME --role …' makes one"
            )
        key = await self.whose(presented)
        if key is None:
            self._failed.take(network)
            detail = "this key is unknown, revoked or expired; 'router key new NAME --role …' makes another"
            raise _unknown("key-refused", detail)
        return key

    async def whose(self, presented: str) -> ApiKey | None:
        """The key's particulars, None when it is nobody's. Raises Unavailable when that can't be found out."""
        digest = _digest(presented)
        now = self._now()
        try:
            async with asyncio.timeout(ASKED_WITHIN):
                key = await find_key(self._db, presented, now)
        except (Unavailable, TimeoutError):
            believed = self._believed.get(digest)
            if believed is None or now - believed.confirmed_at > BELIEVED or believed.key.expired(now):
                raise Unavailable("whose key this is can't be found out") from None
            return believed.key
        if key is None:
            self._believed.pop(digest, None)
        else:
            self._believed[digest] = _Believed(key=key, confirmed_at=now)
        return key

    def forget(self, prefix: str) -> None:
        """Believe the key with this prefix no longer, also when the database goes next: it was revoked here."""
        for digest in [digest for digest, one in self._believed.items() if one.key.prefix == prefix]:
            del self._believed[digest]


async def admit(request: Request, shown: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> None:
    """Stands before every operation of the app. Raises Refusal."""
    declared = (getattr(request.scope.get("route"), "openapi_extra", None) or {}).get(DECLARED)
    if declared == ANYONE:
        return
    if declared is None:
        log.error("operation without a role", path=request.url.path)
        raise Refusal(HTTPStatus.FORBIDDEN, "closed", "this operation says of no role that it may use it")
    doorkeeper: Doorkeeper = request.app.state.doorkeeper
    address = request.client.host if request.client else ""
    key = await doorkeeper.let_in(shown.credentials if shown else None, address)
    if not may(key.role, declared):
        detail = f"the key '{key.name}' is of the role {key.role.value}; this takes {declared}"
        raise Refusal(HTTPStatus.FORBIDDEN, "role-too-small", detail)
    request.state.key = key


def key_of(request: Request) -> ApiKey:
    """The key that `admit` let in."""
    key = request.state.key
    assert isinstance(key, ApiKey)
    return key


def _unknown(kind: str, detail: str) -> Refusal:
    return Refusal(HTTPStatus.UNAUTHORIZED, kind, detail, headers={"WWW-Authenticate": "Bearer"})


def _too_many(kind: str, detail: str, wait: float) -> Refusal:
    return Refusal(HTTPStatus.TOO_MANY_REQUESTS, kind, detail, headers={"Retry-After": str(ceil(wait))})


def _digest(presented: str) -> bytes:
    return sha256(presented.encode("utf-8", "replace")).digest()
