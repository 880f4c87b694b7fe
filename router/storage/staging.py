"""How are a hundred thousand rows written in one transaction that others hardly notice?

They are put ready in temporary tables of this connection first, which is in nobody's way. Under the change lock they
only have to be taken over, by one statement for each so many rows: the time that takes is all that others wait for.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from sqlalchemy import (
    Column,
    Integer,
    MetaData,
    Table,
    and_,
    delete,
    insert,
    select,
    text,
    true,
    tuple_,
    update,
)

from router.storage import schema
from router.storage.access_schema import audit
from router.storage.database import Transaction

AT_ONCE = 2_000  # rows in one statement that puts ready
TAKEN_AT_ONCE = 20_000  # rows in one statement that takes over: well within the limit of a statement, also under load

Row = Mapping[str, Any]


@dataclass(slots=True)
class Rows:
    """What becomes of one table: rows by their primary key that are put (made or replaced), and keys that go."""

    put: list[Row] = field(default_factory=list)
    gone: list[Row] = field(default_factory=list)


# Who refers to others goes first and comes last.
_PUT = (
    schema.people,
    schema.phones,
    schema.lines,
    schema.line_aliases,
    schema.accounts,
    schema.deputies,
    schema.account_numbers,
    schema.jobs,
)
_GONE = (*reversed(_PUT[1:]), schema.presence, schema.people)

# What only one row may have, though others may hand it over: it is let go before anybody takes it up.
_HANDED_OVER: Mapping[Table, Sequence[str]] = {
    schema.people: ("ref", "short_number"),
    schema.phones: ("endpoint",),
    schema.lines: ("ref", "number"),
    schema.accounts: ("ref",),
    schema.jobs: ("ref",),
}


class Staging:
    """The rows of one import; `stage` first, then `take_over` under the change lock of the same transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._staged: dict[Table, tuple[Table, Table]] = {}
        self._ranges: dict[Table, list[tuple[int, int]]] = {}

    async def stage(self, rows: Mapping[Table, Rows], entries: Iterable[Row]) -> None:
        """Put these rows ready, and the entries of the audit. Raises StorageError."""
        for table, of_table in rows.items():
            put = await self._temporary(table, "put", [column.name for column in table.columns])
            gone = await self._temporary(table, "gone", [column.name for column in _key(table)])
            self._staged[table] = put, gone
            key = _key(table)[0].name
            self._ranges[table] = _ranges([row[key] for row in of_table.put])
            await self._fill(put, of_table.put)
            await self._fill(gone, of_table.gone)
            # rows that are there are compared with those that are put, one by one
            await self._transaction.run(text(f"CREATE INDEX ix_{put.name} ON {put.name} ({key})"))
        put = await self._temporary(audit, "put", ["nth", *(c.name for c in audit.columns if c.name != "id")])
        numbered = [{"nth": nth, **entry} for nth, entry in enumerate(entries)]
        self._staged[audit] = put, put
        self._ranges[audit] = _ranges([row["nth"] for row in numbered])
        await self._fill(put, numbered)

    async def take_over(self) -> None:
        """Write them where they belong. Raises StorageError; Conflict where they contradict rows that are there."""
        for table in _GONE:
            if table in self._staged:
                gone = self._staged[table][1]
                keys = _key(table)
                these = select(*(gone.c[key.name] for key in keys))
                found = keys[0].in_(these) if len(keys) == 1 else tuple_(*keys).in_(these)
                await self._transaction.run(delete(table).where(found))
        for table in _PUT:
            if table in self._staged:
                await self._let_go(table)
                await self._take_over(table)
        put = self._staged[audit][0]
        names = [column.name for column in put.columns if column.name != "nth"]
        for first, last in self._ranges[audit]:
            part = select(*(put.c[name] for name in names)).where(put.c.nth.between(first, last)).order_by(put.c.nth)
            await self._transaction.run(insert(audit).from_select(names, part))
        await self._never_use_ids_again()

    async def drop(self) -> None:
        """Leave nothing behind for whoever uses this connection next. Raises StorageError."""
        for put, gone in self._staged.values():
            for name in {put.name, gone.name}:
                await self._transaction.run(text(f"DROP TABLE IF EXISTS {name}"))

    async def _temporary(self, table: Table, purpose: str, names: Sequence[str]) -> Table:
        kinds = {column.name: column.type for column in table.columns} | {"nth": Integer()}
        temporary = Table(f"import_{purpose}_{table.name}", MetaData(), *(Column(name, kinds[name]) for name in names))
        copied = ", ".join(f"0 AS {name}" if name == "nth" else f'"{name}"' for name in names)
        await self._transaction.run(text(f"DROP TABLE IF EXISTS {temporary.name}"))
        made = f"CREATE TEMPORARY TABLE {temporary.name} AS SELECT {copied} FROM {table.name} WHERE 1 = 0"
        await self._transaction.run(text(made))
        return temporary

    async def _fill(self, temporary: Table, rows: Iterable[Row]) -> None:
        rest = iter(rows)
        while some := list(islice(rest, AT_ONCE)):
            await self._transaction.run(insert(temporary), some)

    async def _let_go(self, table: Table) -> None:
        put = self._staged[table][0]
        for name in _HANDED_OVER.get(table, ()):
            theirs = select(put.c[name]).where(put.c.id == table.c.id).scalar_subquery()
            among = table.c.id.in_(select(put.c.id))
            # A line is never without a number. None that anybody has begins with +9 and so many zeros.
            nothing = text("'+9' || substr('000000000000' || id, -12, 12)") if name == "number" else None
            if nothing is not None and self._transaction.speaks_postgresql:
                nothing = text("'+9' || lpad(id::text, 12, '0')")
            changes = and_(among, table.c[name].is_not(None), table.c[name].is_distinct_from(theirs))
            await self._transaction.run(update(table).where(changes).values({name: nothing}))

    async def _take_over(self, table: Table) -> None:
        put, keys = self._staged[table][0], _key(table)
        names = [column.name for column in table.columns]
        for first, last in self._ranges[table]:
            part = select(*(put.c[name] for name in names)).where(put.c[keys[0].name].between(first, last), true())
            statement = self._transaction.insert(table)
            others: dict[str, Any] = {
                name: statement.excluded[name] for name in names if name not in {key.name for key in keys}
            }
            if "version" in others:
                others["version"] = table.c.version + 1
            if table is schema.phones:
                del others["ref"]  # nothing that is imported says it
            upsert = statement.on_conflict_do_update(index_elements=[key.name for key in keys], set_=others)
            await self._transaction.run(upsert.from_select(names, part))

    async def _never_use_ids_again(self) -> None:
        """PostgreSQL's counters don't notice ids that were given; SQLite's AUTOINCREMENT does."""
        if not self._transaction.speaks_postgresql:
            return
        for table in self._staged:
            if table is not audit and isinstance(table.c.get("id"), Column):
                counter = f"pg_get_serial_sequence('{table.name}', 'id')"
                highest = f"(SELECT max(id) FROM {table.name})"
                await self._transaction.run(text(f"SELECT setval({counter}, greatest({highest}, nextval({counter})))"))


def _key(table: Table) -> list[Column[Any]]:
    if table is schema.deputies:  # an account's are replaced as a whole
        return [table.c.account, table.c.position]
    return list(table.primary_key.columns)


def _ranges(keys: Sequence[int | str]) -> list[tuple[Any, Any]]:
    """From the first to the last key of each part that is taken over at once."""
    ordered = sorted(set(keys))
    return [
        (part[0], part[-1])
        for start in range(0, len(ordered), TAKEN_AT_ONCE)
        if (part := ordered[start : start + TAKEN_AT_ONCE])
    ]
