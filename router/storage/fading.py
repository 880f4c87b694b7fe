"""Which columns of our records hold phone numbers, and how are they taken out?"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Row, Table, bindparam, update

from router.routing.hiding import in_data
from router.storage.access_schema import audit
from router.storage.call_schema import call_legs, call_passings, calls, orders
from router.storage.database import Transaction
from router.storage.import_schema import imports
from router.storage.owed_schema import call_backs, commitments
from router.storage.told_schema import notices, outbox

Change = Callable[[str], str]
Values = Mapping[str, Any]

CALLER = "caller:"  # how the key of a party begins that is a number


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A table whose rows hold numbers.

    `numbers` are nothing else, whatever their form, `parties` are keys of parties, `texts` may hold some, and so may
    the texts in `data`. `sets` are columns that say that a row was changed, with what they become.
    """

    table: Table
    key: tuple[str, ...]
    numbers: tuple[str, ...] = ()
    parties: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    data: tuple[str, ...] = ()

    @property
    def columns(self) -> list[Column[Any]]:
        """Those that may hold a number."""
        return [self.table.c[name] for name in (*self.numbers, *self.parties, *self.texts, *self.data)]

    def changed(self, row: Row[Any], number: Change, text: Change) -> Values:
        """What shall stand in this row when its numbers and its texts are changed so; empty when nothing changes."""
        there = row._mapping
        after = {name: there[name] and number(there[name]) for name in self.numbers}
        after |= {name: _party(there[name], number) for name in self.parties}
        after |= {name: there[name] and text(there[name]) for name in self.texts}
        after |= {name: in_data(there[name], text) for name in self.data}
        return after if any(value != there[name] for name, value in after.items()) else {}

    async def write(self, transaction: Transaction, rows: Sequence[tuple[Row[Any], Values]], **also: Any) -> int:
        """Put these values into these rows, and `also` these into each; returns how many it were.

        Raises StorageError.
        """
        if not rows:
            return 0
        named: dict[str, Any] = {name: bindparam(f"new_{name}") for name in rows[0][1]}
        where = [self.table.c[name] == bindparam(f"of_{name}") for name in self.key]
        values = [
            {f"of_{name}": row._mapping[name] for name in self.key}
            | {f"new_{name}": value for name, value in new.items()}
            for row, new in rows
        ]
        await transaction.run(update(self.table).where(*where).values({**named, **also}), values)
        return len(rows)


def _party(key: str, number: Change) -> str:
    return CALLER + number(key.removeprefix(CALLER)) if key.startswith(CALLER) else key


CALLS = Holder(
    table=calls,
    key=("id",),
    numbers=("dialled", "caller"),
    texts=("why", "taken_phone", "owner_phone"),
    data=("decision",),
)
LEGS = Holder(table=call_legs, key=("call", "leg"), texts=("phone",))
PASSINGS = Holder(table=call_passings, key=("call", "at"), texts=("phone", "to", "sentence"))
COMMITMENTS = Holder(
    table=commitments, key=("id",), numbers=("caller",), parties=("party",), texts=("void_reason", "note")
)
CALL_BACKS = Holder(table=call_backs, key=("id",), numbers=("number",), texts=("phone", "sentence"))
NOTICES = Holder(table=notices, key=("id",), data=("payload",))
OUTBOX = Holder(table=outbox, key=("id",), texts=("error",))  # a mail server may repeat what it was sent
ORDERS = Holder(table=orders, key=("id",), texts=("result",), data=("payload",))
IMPORTS = Holder(table=imports, key=("id",), data=("asked", "progress", "outcome"))
AUDIT = Holder(table=audit, key=("id",), data=("before", "after"))
