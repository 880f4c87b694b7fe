"""Do old records lose the ends of their numbers, slowly, once, and what is owed not before it is closed?"""

import asyncio
import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, text

from router.calls.call import Call, Leg, Passing
from router.calls.events import How, LegResult
from router.commitments.events import Kept
from router.lab.sample import BIRCH, BUSINESS_LINE, JONAS
from router.storage import fading
from router.storage import outbox as mails
from router.storage.access_schema import Action, Source
from router.storage.audit import Entry, append, newest_entries
from router.storage.call_backs import ask_call_back
from router.storage.call_schema import OrderKind
from router.storage.commitments import list_entries
from router.storage.database import Database
from router.storage.import_schema import ImportState
from router.storage.imports import open_import, tell_import
from router.storage.orders import ask
from router.storage.owed_schema import call_backs
from router.storage.records import recorded_call
from router.storage.retention import AT_ONCE, due_kinds, fade_some
from router.storage.retention_schema import Kind
from router.storage.schema import metadata
from router.storage.told_schema import notices, outbox
from tests.storage.owing import KEEPER, at, clock, gave_up, owed, written
from tests.storage.stories import MONDAY_NOON, SAMPLE_TABLE, after, answered

DAY = timedelta(days=1)
PRIVATE = "+17185550142"  # a salesperson's own mobile
HIDDEN, PRIVATE_HIDDEN = BIRCH[:-4] + "****", PRIVATE[:-4] + "****"
BIRCH_AS_PEOPLE_WRITE_IT = f"{BIRCH[2:5]}-{BIRCH[5:8]}-{BIRCH[8:]}"


def on_a_mobile(call_id: str) -> Call:
    """A call of the customer that Jonas took on a phone outside, and handed on."""
    leg = Leg(leg="1.2", step=1, phone=PRIVATE, person=JONAS, began_at=after(0.1))
    leg = replace(leg, ended_at=after(60), result=LegResult.ANSWERED, cause=16)
    passing = Passing(
        at=after(30), phone=PRIVATE, person=JONAS, to="Ida", how=How.ORDER, sentence=f"Jonas ({PRIVATE}) hands it on"
    )
    call = replace(answered(call_id), legs=(leg,), taken_phone=PRIVATE, owner_phone=PRIVATE)
    return replace(call, passings=(passing,))


RECORDS = (
    "calls",
    "call_legs",
    "call_passings",
    "commitments",
    "call_backs",
    "notices",
    "outbox",
    "orders",
    "imports",
    "audit",
)


async def everything(db: Database) -> str:
    """All rows of all tables of records, as text."""
    found = []
    async with db.reading() as look:
        for table in RECORDS:
            rows = await look.rows(select(text("*")).select_from(text(table)))
            found += [json.dumps([str(value) for value in row]) for row in rows]
    return "\n".join(found)


async def furnish_records(db: Database) -> None:
    """At noon: a call on a mobile, one that gave up and is owed, mails, an order, and a change of the table."""
    await written(db, on_a_mobile("pbx:1.1"), gave_up("pbx:2.1", at=600), keeper=replace(KEEPER, mails=True))
    async with db.writing() as transaction:
        of_it = select(notices.c.id).where(notices.c.commitment.is_not(None))
        (told, *_) = [row.id for row in await transaction.rows(of_it)]
        await mails.put_in(transaction, told, ["ida@example.org"], MONDAY_NOON)
        error = f"550 'Call back {BIRCH} by 12:30' looks like spam"
        await transaction.run(outbox.update().values(error=error))
        await append(transaction, [entry_of_an_account()])
    asked = await open_import(db, {"files": ["accounts"]}, "crm", None, MONDAY_NOON)
    difference = [{"name": "Birch", "numbers": [None, BIRCH]}]
    await tell_import(db, asked, ImportState.DONE, MONDAY_NOON, outcome={"difference": difference}, version=2)
    payload = {"call": "pbx:1.1", "number": BIRCH}
    await ask(db, "pbx", OrderKind.HAND_OVER, payload, asked_by="anna", now=MONDAY_NOON)
    (owes, *_) = await owed(db)
    assert owes.id is not None
    order = await ask_call_back(db, "pbx", owes.id, None, asked_by="anna", now=MONDAY_NOON)
    tried = {
        "number": BIRCH,
        "shown": BUSINESS_LINE,
        "sentence": f"{BIRCH} was busy",
        "ended_at": MONDAY_NOON,
        "became": "lost",
    }
    async with db.writing() as transaction:
        await transaction.run(call_backs.update().where(call_backs.c.id == order).values(tried))


def entry_of_an_account() -> Entry:
    return Entry(
        at=MONDAY_NOON, actor="crm", key=None, source=Source.API, kind="account", object=1, action=Action.CREATED,
        before=None, after={"name": "Birch", "numbers": [BIRCH], "since": "2026-03-02T17:00:00Z"}, version=2,
    )  # fmt: skip


async def faded(db: Database, now: datetime) -> int:
    """What the clock goes through at that time."""
    return await clock(db).fade(now)


async def test_after_ninety_days_no_record_holds_a_whole_number_and_nothing_else_has_changed(
    furnished: Database,
) -> None:
    await furnish_records(furnished)
    (commitment,) = await owed(furnished)
    assert commitment.id is not None
    note = Kept(by=JONAS, call_id=None, at=at(20), note=f"reached them at {BIRCH_AS_PEOPLE_WRITE_IT}")
    await KEEPER.do(furnished, commitment.id, note, SAMPLE_TABLE)
    before = await recorded_call(furnished, "pbx:1.1")
    whole = await everything(furnished)
    assert BIRCH in whole
    assert PRIVATE in whole

    assert await faded(furnished, MONDAY_NOON + 89 * DAY) == 0
    assert await everything(furnished) == whole
    assert await faded(furnished, MONDAY_NOON + 91 * DAY) == 7

    left = await everything(furnished)
    for number in (BIRCH, PRIVATE, BIRCH_AS_PEOPLE_WRITE_IT, BIRCH[2:], PRIVATE[2:]):
        assert number not in left
    record = await recorded_call(furnished, "pbx:1.1")
    assert record is not None
    assert before is not None
    assert (record.caller, record.taken_phone, record.legs[0].phone) == (HIDDEN, PRIVATE_HIDDEN, PRIVATE_HIDDEN)
    assert record.passings[0].sentence == f"Jonas ({PRIVATE_HIDDEN}) hands it on"
    assert record.dialled == BUSINESS_LINE
    assert record.decision == json.loads(json.dumps(before.decision).replace(BIRCH, HIDDEN))
    assert replace(
        record, caller=BIRCH, taken_phone=PRIVATE, owner_phone=PRIVATE, decision=before.decision,
        legs=before.legs, passings=before.passings,
    ) == before  # fmt: skip


async def test_what_is_owed_keeps_its_number_until_it_is_closed(furnished: Database) -> None:
    await written(furnished, gave_up("pbx:2.1"))
    (commitment,) = await owed(furnished)
    assert commitment.id is not None

    await faded(furnished, MONDAY_NOON + 200 * DAY)
    (still,) = await owed(furnished)
    assert still.caller == BIRCH
    async with furnished.reading() as look:
        told = select(notices.c.payload).where(notices.c.commitment == commitment.id)
        assert {row.payload["caller"] for row in await look.rows(told)} == {BIRCH}

    done = Kept(by=JONAS, call_id=None, note="", at=MONDAY_NOON + 201 * DAY)
    await KEEPER.do(furnished, commitment.id, done, SAMPLE_TABLE)
    await faded(furnished, MONDAY_NOON + 290 * DAY)
    assert [entry.commitment.caller for entry in await list_entries(furnished, over=True)] == [BIRCH]
    await faded(furnished, MONDAY_NOON + 292 * DAY)
    assert [entry.commitment.caller for entry in await list_entries(furnished, over=True)] == [HIDDEN]


async def test_old_calls_are_gone_through_a_handful_at_a_time_and_each_once(furnished: Database) -> None:
    count = 2 * AT_ONCE + 3
    await written(furnished, *[on_a_mobile(f"pbx:{number}") for number in range(count)])
    late = MONDAY_NOON + 91 * DAY
    (calls, *_) = await due_kinds(furnished, late)

    handfuls = [await fade_some(furnished, calls, late - 90 * DAY, late) for _ in range(4)]

    assert handfuls == [AT_ONCE, AT_ONCE, 3, 0]
    await written(furnished, replace(on_a_mobile("pbx:later"), arrived_at=after(1)))
    assert await fade_some(furnished, calls, late - 90 * DAY, late) == 1
    assert PRIVATE not in await everything(furnished)


async def test_of_two_routers_one_goes_through_old_records_and_again_an_hour_later(
    furnished: Database, furnished_url: str
) -> None:
    other = Database(furnished_url)
    both = await asyncio.gather(due_kinds(furnished, MONDAY_NOON), due_kinds(other, MONDAY_NOON))
    soon = await due_kinds(other, MONDAY_NOON + timedelta(minutes=59))
    later = await asyncio.gather(
        due_kinds(furnished, MONDAY_NOON + timedelta(minutes=61)), due_kinds(other, MONDAY_NOON + timedelta(minutes=61))
    )
    await other.close()

    assert sorted([*both[0], *both[1]]) == sorted(Kind)
    assert soon == ()
    assert sorted([*later[0], *later[1]]) == sorted(Kind)


async def test_the_next_old_calls_are_found_by_an_index(furnished: Database) -> None:
    """Else each handful of a table of millions would hold up whoever writes."""
    await furnish_records(furnished)
    plans = await _plans(furnished)
    assert "ix_calls_arrived_at" in plans[0]
    assert "ix_commitments_closed_at" in plans[1]


async def test_an_entry_of_the_audit_whose_numbers_are_hidden_says_so(furnished: Database) -> None:
    await furnish_records(furnished)
    now = MONDAY_NOON + 91 * DAY
    await faded(furnished, now)
    async with furnished.reading() as look:
        entry = (await newest_entries(look, 1))[0]
    assert (entry.after, entry.hidden_at) == (
        {"name": "Birch", "numbers": [HIDDEN], "since": "2026-03-02T17:00:00Z"},
        now,
    )


async def test_lines_of_our_own_stay_in_the_audit_as_they_were(furnished: Database) -> None:
    line = replace(entry_of_an_account(), kind="line", after={"number": BUSINESS_LINE})
    async with furnished.writing() as transaction:
        await append(transaction, [line])
    await faded(furnished, MONDAY_NOON + 91 * DAY)
    async with furnished.reading() as look:
        entry = (await newest_entries(look, 1))[0]
    assert (entry.after, entry.hidden_at) == ({"number": BUSINESS_LINE}, None)


def test_every_table_is_known_to_hold_numbers_or_to_be_no_record() -> None:
    """A new table, or a new text in one, has to be looked at: may it hold a number? Then `fading` has to know."""
    holders = [holder for holder in vars(fading).values() if isinstance(holder, fading.Holder)]
    held = {f"{holder.table.name}.{column.name}" for holder in holders for column in holder.columns}
    texts = {
        f"{holder.table.name}.{column.name}"
        for holder in holders
        for column in holder.table.columns
        if _holds_text(column)
    }
    assert {holder.table.name for holder in holders} == set(RECORDS)
    assert texts - held == HOLD_NO_NUMBER
    assert set(metadata.tables) - set(RECORDS) == NO_RECORDS


HOLD_NO_NUMBER = {
    *("calls.id", "call_legs.call", "call_legs.leg", "call_passings.call", "notices.call", "outbox.target"),
    *("call_backs.pbx", "call_backs.call_id", "call_backs.shown", "call_backs.asked_by"),
    *("commitments.opened_by_call", "commitments.kept_by_call", "orders.pbx", "orders.asked_by"),
    *("audit.actor", "audit.key", "audit.kind", "imports.actor", "imports.key"),
}
# What somebody has in the table stays there; and of what remains, only ids and names.
NO_RECORDS = {
    *("people", "phones", "presence", "desks", "desk_members", "lines", "line_aliases", "accounts", "account_numbers"),
    *("deputies", "jobs", "rules", "hours", "hours_week", "hours_days", "covers", "overrides", "leavings"),
    *("api_keys", "table_versions", "commitment_calls", "retention", "webhooks"),
}


def _holds_text(column: Any) -> bool:
    return type(column.type).__name__ in ("Text", "String", "JSON")


async def _plans(db: Database) -> list[str]:
    """How the database would look for the next old calls and commitments."""
    found = []
    async with db.reading() as look:
        if db.speaks_postgresql:  # with so few rows it would rather read them all
            await look.run(text("SET LOCAL enable_seqscan = off"))
        for table, at, first, over in (
            ("calls", "arrived_at", "''", ""),
            ("commitments", "closed_at", "0", "state IN ('kept', 'void') AND "),
        ):
            behind = f"{at} > '2026-01-01' OR ({at} = '2026-01-01' AND id > {first})"
            query = (
                f"SELECT * FROM {table} WHERE {over}{at} < '2026-03-02' AND {at} >= '2026-01-01' AND ({behind})"
                f" ORDER BY {at}, id LIMIT 10"
            )
            explain = "EXPLAIN" if db.speaks_postgresql else "EXPLAIN QUERY PLAN"
            rows = (await look.run(text(f"{explain} {query}"))).all()
            found.append(" ".join(str(value) for row in rows for value in row))
    return found
