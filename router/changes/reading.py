"""How is a big table read that somebody else has made, without holding up a call?

In a process aside, which hands it over in pieces: what can be hundreds of thousands as columns of bytes, which are
taken over as they are, and the rest some hundred objects at a time. Reading a hundred thousand accounts here takes a
second or two in steps of a millisecond, and in each of them a call waits; on a busy machine for ten times as long.
"""

import asyncio
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import structlog

from router.changes.aside import Child, NotDone, tell
from router.routing.configuration import Configuration
from router.storage.database import Database
from router.storage.tables import load_configuration, size_of

# Accounts and numbers: fewer are read within 0.1 s, which is less than it takes to start a process.
BIG = 10_000

WITHIN = 120.0  # seconds to read a table: a million numbers take two or three
AT_ONCE = 200  # objects in one piece: people with their phones, rules, jobs; about 1 ms

_SEVERAL = ("people", "desks", "lines", "jobs", "rules", "hours", "covers", "overrides")
_WHOLE = ("aliases", "accounts", "callers")

log = structlog.get_logger()


class Reading:
    """Reads tables, big ones aside. `close` it: it may have a process of its own."""

    def __init__(self) -> None:
        self._child = Child("reading")

    async def load(
        self, db: Database, region: str, time_zone: str, external_prefixes: tuple[str, ...]
    ) -> tuple[Configuration, int]:
        """As storage's `load_configuration`. Raises StorageError."""
        if await size_of(db) < BIG:
            return await load_configuration(db, region, time_zone, external_prefixes)
        several: dict[str, list[Any]] = {name: [] for name in _SEVERAL}
        whole: dict[str, Any] = {}

        def take(piece: tuple[str, Any]) -> None:
            name, value = piece
            if name in _WHOLE:
                whole[name] = value
            else:
                several[name] += value

        try:
            version = await self._child.follow(_read, WITHIN, take, db.url, region, time_zone, external_prefixes)
        except NotDone as fault:
            log.warning("table not read aside", why=str(fault))
            return await load_configuration(db, region, time_zone, external_prefixes)
        parts: dict[str, Any] = whole | {name: tuple(values) for name, values in several.items()}
        configuration = Configuration(region=region, time_zone=time_zone, external_prefixes=external_prefixes, **parts)
        return configuration, version

    async def close(self) -> None:
        """End the process aside, if there is one."""
        await self._child.close()


# ── In the process aside ─────────────────────────────────────────────────────────────────────────────────────────────


def _read(url: str, region: str, time_zone: str, external_prefixes: tuple[str, ...]) -> int:
    """Tell all parts of the newest table, and return its version. Raises StorageError."""
    configuration, version = asyncio.run(_load(url, region, time_zone, external_prefixes))
    for name in _SEVERAL:
        for piece in _pieces(getattr(configuration, name)):
            tell((name, piece))
    for name in _WHOLE:
        tell((name, getattr(configuration, name)))
    return version


async def _load(url: str, region: str, time_zone: str, external_prefixes: tuple[str, ...]) -> tuple[Configuration, int]:
    db = Database(url)
    try:
        return await load_configuration(db, region, time_zone, external_prefixes)
    finally:
        await db.close()


def _pieces(things: Iterable[Any]) -> Iterator[list[Any]]:
    ahead = iter(things)
    while piece := list(islice(ahead, AT_ONCE)):
        yield piece
