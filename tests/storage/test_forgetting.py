"""Is a number gone from every record when it was forgotten, and only there where it may go?"""

from dataclasses import replace

from router.commitments.events import Kept
from router.lab.sample import BIRCH, JONAS
from router.routing.hiding import STAR
from router.storage.commitments import list_entries
from router.storage.database import Database
from router.storage.forgetting import STRETCH, forget, stands_in_table
from router.storage.orders import settle as settle_order
from router.storage.orders import take
from router.storage.records import recorded_call
from tests.storage.owing import KEEPER, at, gave_up, owed, written
from tests.storage.stories import MONDAY_NOON, SAMPLE_TABLE, answered, arrived
from tests.storage.test_retention import (
    BIRCH_AS_PEOPLE_WRITE_IT,
    PRIVATE,
    everything,
    furnish_records,
    on_a_mobile,
)

GONE = "+" + STAR * (len(BIRCH) - 1)
OTHER = f"{BIRCH[:-1]}9"


async def closed(db: Database) -> None:
    """What is owed is done, and the order of the afternoon carried out."""
    (commitment,) = await owed(db)
    assert commitment.id is not None
    done = Kept(by=JONAS, call_id=None, at=at(20), note=f"reached them at {BIRCH_AS_PEOPLE_WRITE_IT}")
    await KEEPER.do(db, commitment.id, done, SAMPLE_TABLE)
    for order in await take(db, "pbx", MONDAY_NOON):
        await settle_order(db, order.id, done=True, result=f"handed over {BIRCH}")


async def test_a_forgotten_number_is_in_no_record_and_all_others_are_as_before(furnished: Database) -> None:
    await furnish_records(furnished)
    await closed(furnished)
    await written(furnished, replace(on_a_mobile("pbx:other"), caller=OTHER, decision=None))
    assert BIRCH in await everything(furnished)

    forgotten = await forget(furnished, BIRCH, "US", MONDAY_NOON)

    left = await everything(furnished)
    for spelling in (BIRCH, BIRCH_AS_PEOPLE_WRITE_IT, BIRCH[2:]):
        assert spelling not in left
    assert OTHER in left
    assert PRIVATE in left
    record = await recorded_call(furnished, "pbx:1.1")
    assert record is not None
    assert (record.caller, record.taken_phone, record.ended) == (GONE, PRIVATE, "answered")
    assert forgotten.records == {
        "calls": 2, "commitments": 1, "call-backs": 1, "notices": 2, "mails": 1, "orders": 2, "imports": 1,
        "entries of the audit": 1,
    }  # fmt: skip
    assert (forgotten.owed, forgotten.living) == ((), ())


async def test_forgetting_twice_is_forgetting_once(furnished: Database) -> None:
    await furnish_records(furnished)
    await closed(furnished)
    await forget(furnished, BIRCH, "US", MONDAY_NOON)
    once = await everything(furnished)

    assert (await forget(furnished, BIRCH, "US", MONDAY_NOON)).records == {}
    assert await everything(furnished) == once


async def test_a_private_number_is_forgotten_where_its_phone_was_rung(furnished: Database) -> None:
    await furnish_records(furnished)
    forgotten = await forget(furnished, PRIVATE, "US", MONDAY_NOON)
    assert PRIVATE not in await everything(furnished)
    assert forgotten.records == {"calls": 1, "phones rung": 1, "hand-overs": 1}


async def test_what_is_owed_and_a_call_that_lives_keep_the_number_and_are_named(furnished: Database) -> None:
    await written(furnished, gave_up("pbx:2.1"), arrived("pbx:3.1", 700))
    (commitment,) = await owed(furnished)
    assert commitment.id is not None

    first = await forget(furnished, BIRCH, "US", MONDAY_NOON)
    assert (first.records, first.owed, first.living) == ({"calls": 1}, (commitment.id,), ("pbx:3.1",))
    assert [entry.commitment.caller for entry in await list_entries(furnished)] == [BIRCH]

    await KEEPER.do(furnished, commitment.id, Kept(by=JONAS, call_id=None, note="", at=at(20)), SAMPLE_TABLE)
    await written(furnished, replace(answered("pbx:3.1"), decision=None, legs=()))
    second = await forget(furnished, BIRCH, "US", MONDAY_NOON)
    assert (second.records, second.owed, second.living) == ({"calls": 1, "commitments": 1, "notices": 2}, (), ())
    assert BIRCH not in await everything(furnished)


async def test_a_number_far_behind_the_first_stretch_of_records_is_found(furnished: Database) -> None:
    bare = replace(answered("x"), decision=None, caller=OTHER, legs=(), taken_by=None)
    many = [replace(bare, call_id=f"pbx:{number:05}") for number in range(STRETCH + 1)]
    await written(furnished, *many, replace(bare, call_id="pbx:99999", caller=BIRCH))

    assert (await forget(furnished, BIRCH, "US", MONDAY_NOON)).records == {"calls": 1}


async def test_the_table_keeps_its_numbers_and_says_who_has_them(furnished: Database) -> None:
    assert await stands_in_table(furnished, BIRCH) == ("account Birch & Sons (accounts/1)",)
    assert await stands_in_table(furnished, "+12125550100") == ("line Business (lines/1)",)
    assert await stands_in_table(furnished, "+19175550101") == ("a phone of Felix (people/6)",)
    assert await stands_in_table(furnished, OTHER) == ()
