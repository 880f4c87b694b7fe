"""Is what people say of themselves kept, and known everywhere soon, also when the database is away for a while?"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from router.calls.presence import Presence, Presences
from router.lab.postgres import PrivatePostgres, private_postgres
from router.lab.sample import ANNA, BEN, KARL, SAMPLE
from router.routing.configuration import Noun, Remove
from router.storage.company import save_company
from router.storage.database import Conflict, Database
from router.storage.migrate import upgrade
from router.storage.presence import PresenceBook, load_presences, save_presences
from router.storage.schema import people
from router.storage.tables import commit_changes
from tests.storage.stories import MONDAY_NOON, after, until

NOBODYS = 9999
KNOWN_WITHIN = 0.5  # seconds until another process knows it, and as much again for a machine that is busy


class Published(list[Presences]):
    """All that was handed out, in order."""


@asynccontextmanager
async def watching(book: PresenceBook) -> AsyncIterator[None]:
    task = asyncio.create_task(book.watch())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def signed_out(person: int, seconds: float = 0) -> Presence:
    return Presence(person=person, signed_in=False, since=after(seconds))


async def test_what_is_written_comes_back_as_it_was(furnished: Database) -> None:
    pausing = Presence(person=BEN, paused_until=after(90.5), since=MONDAY_NOON)

    await save_presences(furnished, [signed_out(ANNA), pausing])

    assert await load_presences(furnished) == {ANNA: signed_out(ANNA), BEN: pausing}


async def test_who_said_something_last_is_believed_in_whichever_order_it_is_written(furnished: Database) -> None:
    newer = Presence(person=ANNA, since=after(10))

    await save_presences(furnished, [newer])
    await save_presences(furnished, [signed_out(ANNA, 5)])

    assert await load_presences(furnished) == {ANNA: newer}


async def test_somebody_who_isnt_there_has_no_presence(furnished: Database) -> None:
    with pytest.raises(Conflict):
        await save_presences(furnished, [signed_out(NOBODYS)])


async def test_a_person_can_be_removed_with_what_they_said(furnished: Database) -> None:
    newcomer = Remove(noun=Noun.PERSON, id=77)
    async with furnished.writing() as transaction:
        row = {"id": 77, "name": "Nina", "state": "active", "version": 1, "updated_at": MONDAY_NOON}
        await transaction.run(people.insert(), [row])
    await save_presences(furnished, [signed_out(77)])

    await commit_changes(furnished, [newcomer], after(1))

    assert await load_presences(furnished) == {}


async def test_what_another_process_wrote_is_known_soon(furnished: Database, furnished_url: str) -> None:
    published = Published()
    elsewhere = Database(furnished_url)
    async with watching(PresenceBook(furnished, published.append)):
        await until(lambda: published == [{}])
        await save_presences(elsewhere, [signed_out(ANNA)])
        await until(lambda: len(published) == 2, within=2 * KNOWN_WITHIN)
    await elsewhere.close()
    assert published[-1] == {ANNA: signed_out(ANNA)}


async def test_what_was_said_here_gets_its_row_and_nobody_is_told_twice(furnished: Database) -> None:
    published = Published()
    async with watching(book := PresenceBook(furnished, published.append)):
        await until(lambda: published == [{}])
        book.keep(signed_out(ANNA))
        book.keep(signed_out(KARL))
        await until(lambda: book.pending == 0)
        await until(lambda: len(published) == 2)
    assert await load_presences(furnished) == {ANNA: signed_out(ANNA), KARL: signed_out(KARL)}


async def test_one_who_was_removed_meanwhile_keeps_nobody_elses_word_from_being_written(furnished: Database) -> None:
    book = PresenceBook(furnished, Published().append)
    book.keep(signed_out(NOBODYS))
    book.keep(signed_out(ANNA))
    async with watching(book):
        await until(lambda: book.pending == 0)
    assert await load_presences(furnished) == {ANNA: signed_out(ANNA)}


async def test_the_word_said_last_is_handed_out_even_before_it_is_written(furnished: Database) -> None:
    await save_presences(furnished, [signed_out(ANNA)])
    published = Published()
    book = PresenceBook(furnished, published.append)
    back = replace(signed_out(ANNA), signed_in=True, since=MONDAY_NOON + timedelta(seconds=1))
    book.keep(back)
    async with watching(book):
        await until(lambda: bool(published))
    assert published == [{ANNA: back}]


async def test_what_is_left_at_the_end_is_written(furnished: Database) -> None:
    book = PresenceBook(furnished, Published().append)
    book.keep(signed_out(ANNA))

    assert await book.drain(5.0) == 0

    assert await load_presences(furnished) == {ANNA: signed_out(ANNA)}


@pytest.fixture
def own_server(pytestconfig: pytest.Config) -> Iterator[PrivatePostgres]:
    with private_postgres(pytestconfig.rootpath / "var") as server:
        upgrade(server.url)
        yield server


@pytest.mark.postgresql
async def test_with_the_database_gone_the_word_waits_and_is_written_when_it_is_back(
    own_server: PrivatePostgres,
) -> None:
    db, published = Database(own_server.url), Published()
    await save_company(db, SAMPLE, MONDAY_NOON)
    async with watching(book := PresenceBook(db, published.append)):
        await until(lambda: published == [{}])
        own_server.stop()
        book.keep(signed_out(ANNA))
        await until(lambda: book.trouble != "")
        assert book.pending == 1
        own_server.start()
        await until(lambda: book.pending == 0)
    assert await load_presences(db) == {ANNA: signed_out(ANNA)}
    await db.close()
