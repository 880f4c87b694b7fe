"""Can anybody change or remove what is on record of a change, with the database's own means?"""

from collections.abc import Sequence
from datetime import datetime

import pytest
from sqlalchemy import Executable, delete, insert, text, update

from router.storage.access_schema import Action, Source, audit
from router.storage.audit import Entry, append, entry_of
from router.storage.database import Database, Refused
from tests.storage.stories import MONDAY_NOON

NUMBER = "+12025550111"
BEFORE = {"name": "Birch", "numbers": [NUMBER], "share_%": 10, "phones": [{"id": 7, "text": "50% \\ 100"}]}


async def on_record(db: Database) -> None:
    entry = Entry(
        at=MONDAY_NOON,
        actor="crm",
        key="1f2e3d4c",
        source=Source.API,
        kind="account",
        object=1,
        action=Action.CHANGED,
        before=BEFORE,
        after=None,
        version=12,
    )
    async with db.writing() as transaction:
        await append(transaction, [entry])


def numbers(*numbers: str) -> dict[str, object]:
    return {**BEFORE, "numbers": list(numbers)}


@pytest.mark.parametrize(
    "values",
    [
        {"actor": "somebody else"},
        {"at": datetime.fromisoformat("2026-03-03T00:00:00Z")},
        {"version": None},
        {"undoes": 1},
        {"action": Action.CREATED},
        {"hidden_at": MONDAY_NOON, "key": None},
        {"before": numbers("+1202555****")},  # without saying so
        {"hidden_at": MONDAY_NOON, "before": None},
        {"hidden_at": MONDAY_NOON, "after": BEFORE},
        {"hidden_at": MONDAY_NOON, "before": numbers("+12025550112")},
        {"hidden_at": MONDAY_NOON, "before": numbers("+1202556****")},
        {"hidden_at": MONDAY_NOON, "before": numbers()},
        {"hidden_at": MONDAY_NOON, "before": {**BEFORE, "name": "birch"}},
        {"hidden_at": MONDAY_NOON, "before": {**BEFORE, "name": "*****"}},
    ],
    ids=lambda values: "-".join(values),
)
async def test_an_entry_of_the_audit_cant_be_changed(db: Database, values: dict[str, object]) -> None:
    await on_record(db)
    with pytest.raises(Refused, match="only ever added to"):
        async with db.writing() as transaction:
            await transaction.run(update(audit).values(values))


async def test_an_entry_of_the_audit_cant_be_removed_or_replaced(db: Database) -> None:
    await on_record(db)
    for statement in _removals(db):
        with pytest.raises(Refused, match="only ever added to"):
            async with db.writing() as transaction:
                await transaction.run(statement)
    async with db.reading() as look:
        assert await entry_of(look, 1) is not None


@pytest.mark.parametrize("hidden", ["+1202555****", "+***********", "+*2*2*5*0*1*"])
async def test_digits_alone_may_be_hidden_later_and_the_entry_says_so(db: Database, hidden: str) -> None:
    await on_record(db)
    async with db.writing() as transaction:
        await transaction.run(update(audit).values(before=numbers(hidden), hidden_at=MONDAY_NOON))
    async with db.reading() as look:
        entry = await entry_of(look, 1)
    assert entry is not None
    assert (entry.before, entry.after, entry.hidden_at) == (numbers(hidden), None, MONDAY_NOON)


def _removals(db: Database) -> Sequence[Executable]:
    again = insert(audit).values(
        id=1, at=MONDAY_NOON, actor="x", source=Source.API, kind="x", object=1, action=Action.REMOVED
    )
    if db.speaks_postgresql:
        return delete(audit), text("TRUNCATE audit")
    return delete(audit), again.prefix_with("OR REPLACE")
