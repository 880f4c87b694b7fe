"""Which table do the rows make, and which is the newest?"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from itertools import chain, groupby
from typing import Any

from sqlalchemy import Row, Select, func, insert, literal, select

from router.routing.accounts import Accounts, AccountsBuilder
from router.routing.callers import CallerIndex, CallerIndexBuilder
from router.routing.configuration import Change, Configuration, Noun
from router.routing.model import Desk, Hours, Job, Line, Override, Person, Rule
from router.storage import schema
from router.storage.covers import all_covers, refuse_contradictions, touches_covers
from router.storage.database import Database, Overtaken, Transaction
from router.storage.notices import tell_table
from router.storage.rows import write
from router.storage.values import values_of
from router.storage.wakeups import Topic

PART = 250  # rows at a time of what can be millions: taking them in holds up the loop for about 1 ms


async def load_configuration(
    db: Database, region: str, time_zone: str, external_prefixes: tuple[str, ...] = ()
) -> tuple[Configuration, int]:
    """Everything decisions are made from, as one look sees it, and its version (0 before the first change).

    `region` and `time_zone` are the company's, an ISO 3166 country and an IANA name; `external_prefixes` begin the
    external numbers that may be called. A million account numbers come in
    small parts, between which other tasks have their turn. Raises StorageError.
    """
    async with db.reading() as look:
        version = await version_in(look)
        configuration = Configuration(
            region=region,
            time_zone=time_zone,
            people=await values_of(look, Noun.PERSON, Person),
            desks=await values_of(look, Noun.DESK, Desk),
            lines=await values_of(look, Noun.LINE, Line),
            aliases={row.dialled: row.line for row in await look.rows(select(schema.line_aliases))},
            accounts=await _accounts(look),
            callers=await _callers(look),
            jobs=await values_of(look, Noun.JOB, Job),
            rules=await values_of(look, Noun.RULE, Rule),
            hours=await values_of(look, Noun.HOURS, Hours),
            covers=await all_covers(look),
            overrides=await values_of(look, Noun.OVERRIDE, Override),
            external_prefixes=external_prefixes,
        )
    return configuration, version


async def current_version(db: Database) -> int:
    """The version of the newest table, 0 before the first. Raises StorageError."""
    async with db.reading() as look:
        return await version_in(look)


async def size_of(db: Database) -> int:
    """How many accounts and numbers there are, of which alone there can be many. Raises StorageError."""
    async with db.reading() as look:
        counts = [select(func.count()).select_from(table) for table in (schema.accounts, schema.account_numbers)]
        return sum([int((await look.rows(count))[0][0]) for count in counts])


async def commit_changes(db: Database, changes: Sequence[Change], now: datetime, *, onto: int | None = None) -> int:
    """Write these changes in this order as one, and return the version of the table they make.

    With `onto`, only if that is still the newest version; else Overtaken is raised. Raises StorageError, Contradictory
    for covers that overlap or lead in a circle; then none of them was written.
    """
    async with db.changing() as transaction:
        if onto is not None and (newest := await version_in(transaction)) != onto:
            raise Overtaken(f"table {newest} has followed table {onto}: look at it, and try again")
        for change in changes:
            await write(transaction, change, now)
        if touches_covers(changes):
            await refuse_contradictions(transaction)
        return await next_version(transaction, now)


async def next_version(transaction: Transaction, now: datetime) -> int:
    """Give the table that this transaction makes its version; to be called under the change lock."""
    newest = select(func.coalesce(func.max(schema.table_versions.c.version), 0) + 1, literal(now, schema.UtcTime))
    await transaction.wake(Topic.TABLE)
    numbered = insert(schema.table_versions).from_select(["version", "at"], newest)
    version = int((await transaction.run(numbered.returning(schema.table_versions.c.version))).scalar_one())
    await tell_table(transaction, version, now)
    return version


async def version_in(look: Transaction) -> int:
    """The version of the newest table as this look sees it, 0 before the first. Raises StorageError."""
    newest = await look.rows(select(func.coalesce(func.max(schema.table_versions.c.version), 0)))
    return int(newest[0][0])


async def _accounts(look: Transaction) -> Accounts:
    own, stand_in = schema.accounts, schema.deputies
    columns = (own.c.id, own.c.name, own.c.manager, own.c.desk, own.c.priority, stand_in.c.person)
    with_deputies = select(*columns).outerjoin(stand_in, stand_in.c.account == own.c.id)
    builder = AccountsBuilder()
    async for rows in _whole_groups(look, with_deputies.order_by(own.c.id, stand_in.c.position)):
        for _, alike in groupby(rows, lambda row: row.id):
            first, *more = alike
            deputies = tuple([row.person for row in (first, *more) if row.person is not None])
            builder.add(first.id, first.name, first.manager, first.desk, first.priority, deputies=deputies)
    return builder.finish()


async def _callers(look: Transaction) -> CallerIndex:
    numbers = schema.account_numbers
    builder = CallerIndexBuilder()
    in_order = select(numbers.c.number, numbers.c.is_prefix, numbers.c.account).order_by(*numbers.primary_key.columns)
    async for rows in look.parts(in_order, PART):
        builder.add(rows)  # type: ignore[arg-type]  # a row is a tuple of its columns
    return builder.finish()


async def _whole_groups(look: Transaction, query: Select[Any]) -> AsyncIterator[Sequence[Row[Any]]]:
    """The rows in parts of about PART, where rows with the same first column are never in two of them."""
    kept: list[Row[Any]] = []
    async for rows in look.parts(query, PART):
        last = rows[-1][0]
        ready = [row for row in chain(kept, rows) if row[0] != last]
        if ready:
            yield ready
        kept = [row for row in chain(kept, rows) if row[0] == last]
    if kept:
        yield kept
