"""How does a process aside come to know the table, without holding up the loop that has it?

Pickling a table with a million numbers and some ten thousand jobs and rules takes 0.1 s, in which no call would be
routed. So it is handed over in pieces of about a millisecond, and of a table that follows another only what differs;
the process aside puts it together again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from router.changes.aside import Child
from router.routing.callers import CallerIndexBuilder
from router.routing.configuration import Change, Configuration
from router.routing.table import Table

HAND_WITHIN = 10.0  # seconds for one piece, which takes milliseconds; the first one waits for the process to start
ENTITIES = 200  # in one piece: people with their phones, rules, jobs; about 1 ms
NUMBERS = 2**16  # in one piece, 12 bytes each; about 1 ms

_MAPPINGS = ("people", "desks", "lines", "jobs", "hours", "covers", "overrides")
_OTHERS = ("rules", "aliases", "accounts", "callers")
PARTS = (*_MAPPINGS, *_OTHERS)


class Forgotten(Exception):
    """The process aside doesn't know the table that it is asked about: it is another one than was told."""


class HandOver:
    """Knows which table a child has, and gives it another."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self._handed: Table | None = None
        self._token = 0

    async def hand(self, table: Table) -> int:
        """Let the child have this table, and return how to name it there. Raises NotDone, Forgotten."""
        if self._handed is table and self._child.pid is not None:
            return self._token
        former = self._handed if self._child.pid is not None else None
        self._handed = None  # until it is whole
        renewed = [name for name in PARTS if former is None or not _same(name, former, table)]
        await self._child.do(_begin, HAND_WITHIN, self._token if former is not None else None, renewed)
        for name in renewed:
            for piece in _pieces(name, table):
                await self._child.do(_take, HAND_WITHIN, name, piece)
        self._token += 1
        scalars = {one: getattr(table, one) for one in ("region", "time_zone", "external_prefixes")}
        await self._child.do(_finish, HAND_WITHIN, self._token, table.version, scalars)
        self._handed = table
        return self._token

    async def follow(self, changes: Sequence[Change], table: Table) -> int:
        """Let the child make this table of the one it has. Raises NotDone, Forgotten."""
        former, self._handed = self._token, None
        self._token += 1
        await self._child.do(_follow, HAND_WITHIN, former, self._token, list(changes), table.version)
        self._handed = table
        return self._token


def _same(name: str, former: Table, table: Table) -> bool:
    """A change shares with the former table all that it doesn't touch."""
    held = "rule_index" if name == "rules" else name
    return getattr(former, held) is getattr(table, held)


def _pieces(name: str, table: Table) -> Iterator[object]:
    match name:
        case "callers":
            yield from table.callers.pieces(NUMBERS)
        case "accounts":
            yield table.accounts  # columns of bytes: 2 ms for a hundred thousand
        case "aliases":
            yield from _in_pieces(table.aliases.items())
        case "rules":
            yield from _in_pieces(table.rules)
        case _:
            yield from _in_pieces(getattr(table, name).values())


def _in_pieces(things: Iterable[Any]) -> Iterator[list[Any]]:
    ahead = iter(things)
    while piece := list(islice(ahead, ENTITIES)):
        yield piece


# ── In the process aside ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Memory:
    """The table that was handed over, under the token that names it; or the parts that came of another so far."""

    token: int | None = None
    table: Table | None = None
    parts: dict[str, list[Any]] = field(default_factory=dict)


_memory = _Memory()


def table_of(token: int) -> Table:
    """The table of this name. Raises Forgotten."""
    if _memory.table is None or _memory.token != token:
        raise Forgotten(f"no table {token}")
    return _memory.table


def _begin(former: int | None, renewed: Sequence[str]) -> None:
    kept = {} if former is None else _parts_of(table_of(former), renewed)
    _memory.token, _memory.table, _memory.parts = None, None, {**kept, **{name: [] for name in renewed}}


def _parts_of(table: Table, renewed: Sequence[str]) -> dict[str, list[Any]]:
    kept: dict[str, list[Any]] = {}
    for name in set(PARTS) - set(renewed):
        match name:
            case "callers" | "accounts":
                kept[name] = [getattr(table, name)]
            case "aliases":
                kept[name] = list(table.aliases.items())
            case "rules":
                kept[name] = list(table.rules)
            case _:
                kept[name] = list(getattr(table, name).values())
    return kept


def _take(name: str, piece: Any) -> None:
    if name not in _memory.parts:
        raise Forgotten(f"nothing was begun with {name}")
    _memory.parts[name] += [piece] if name in ("callers", "accounts") else piece


def _finish(token: int, version: int, scalars: Mapping[str, Any]) -> None:
    parts = _memory.parts
    if set(parts) != set(PARTS):
        raise Forgotten("some of the table is missing")
    named: dict[str, Any] = {name: tuple(parts[name]) for name in (*_MAPPINGS, "rules")}
    configuration = Configuration(
        aliases=dict(parts["aliases"]),
        accounts=parts["accounts"][0],
        callers=_whole(parts["callers"]),
        **named,
        **scalars,
    )
    _memory.table, _memory.token, _memory.parts = Table.build(configuration, version), token, {}


def _whole(pieces: Sequence[Any]) -> Any:
    if len(pieces) == 1 and not isinstance(pieces[0], tuple):
        return pieces[0]  # the index that was there
    builder = CallerIndexBuilder()
    for piece in pieces:
        builder.add_piece(piece)
    return builder.finish()


def _follow(former: int, token: int, changes: Sequence[Change], version: int) -> None:
    _memory.table, _memory.token = table_of(former).with_changes(changes, version=version), token
