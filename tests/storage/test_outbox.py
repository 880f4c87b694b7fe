"""Does every mail arrive, and arrive once, whatever the mail server and the routers do?"""

import asyncio
from datetime import datetime, timedelta

from sqlalchemy import select

from router.commitments.notice import NoticeKind
from router.storage import outbox
from router.storage.commitments import Keeper
from router.storage.database import Database
from router.storage.told_schema import MailState
from router.storage.told_schema import outbox as mails
from tests.notices.post_office import post_office
from tests.storage.owing import IDAS, TERMS, at, clock, gave_up, give_addresses, told, written

KEEPER = Keeper(terms=TERMS, mails=True)
HOUR = 60  # minutes


async def test_with_the_mail_server_down_for_an_hour_the_mail_arrives_once(
    furnished: Database, furnished_url: str
) -> None:
    await give_addresses(furnished)
    other = Database(furnished_url)
    async with post_office() as office:
        await office.shut()
        await written(furnished, gave_up(), keeper=KEEPER)
        routers = [clock(db, keeper=KEEPER, port=office.port) for db in (furnished, other)]
        for minute in range(HOUR):
            await asyncio.gather(*[router.post(at(minute)) for router in routers])
        assert sum(router.mails_failed for router in routers) < 15, "the server isn't asked every minute"
        await office.open()
        for minute in range(HOUR, HOUR + 12):
            await asyncio.gather(*[router.post(at(minute)) for router in routers])
        assert office.subjects(IDAS) == ["Call back Birch & Sons by 12:30"]
    await other.close()
    assert await states(furnished) == [MailState.SENT]


async def test_reminder_and_escalation_are_mailed_to_whom_they_concern_once(
    furnished: Database, furnished_url: str
) -> None:
    await give_addresses(furnished)
    other = Database(furnished_url)
    async with post_office() as office:
        await written(furnished, gave_up(), keeper=KEEPER)
        routers = [clock(db, keeper=KEEPER, port=office.port) for db in (furnished, other)]
        for minute in range(100):
            await asyncio.gather(*[router.look(at(minute)) for router in routers])
            await asyncio.gather(*[router.post(at(minute)) for router in routers])
        assert office.subjects(IDAS) == [
            "Call back Birch & Sons by 12:30",
            "Reminder: call back Birch & Sons by 12:30",
            "Late: Birch & Sons should have been called back by 12:30",
            "Nobody has called Birch & Sons back (due 12:30)",
            "Nobody has called Birch & Sons back (due 12:30)",
        ]
    await other.close()


async def test_a_router_that_dies_while_it_sends_leaves_the_mail_to_another(furnished: Database) -> None:
    await give_addresses(furnished)
    await written(furnished, gave_up(), keeper=KEEPER)
    assert len(await outbox.take(furnished, at(1))) == 1  # and dies
    async with post_office() as office:
        router = clock(furnished, keeper=KEEPER, port=office.port)
        assert await router.post(at(2)) == 0, "perhaps it still sends"
        assert await router.post(at(1) + outbox.TAKEN_FOR) == 1
        assert len(office.mails) == 1


async def test_an_address_that_doesnt_exist_is_not_tried_again(furnished: Database) -> None:
    await give_addresses(furnished)
    await written(furnished, gave_up(), keeper=KEEPER)
    async with post_office() as office:
        office.answers["RCPT"] = "550 no such user"
        router = clock(furnished, keeper=KEEPER, port=office.port)
        assert [await router.post(at(minute)) for minute in range(5)] == [0] * 5
        assert router.mails_failed == 1
    assert await states(furnished) == [MailState.REFUSED]


async def test_the_longer_it_fails_the_later_it_is_tried_but_never_too_late(furnished: Database) -> None:
    await give_addresses(furnished)
    await written(furnished, gave_up(), keeper=KEEPER)
    now: datetime = at(0)
    waits: list[timedelta] = []
    for _ in range(8):
        (mail,) = await outbox.take(furnished, now)
        again = await outbox.put_off(furnished, mail, "nobody listens", now)
        waits.append(again - now)
        now = again
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (outbox.FIRST_RETRY, outbox.LAST_RETRY)


async def test_without_mail_notices_are_on_record_and_nothing_waits(furnished: Database) -> None:
    await give_addresses(furnished)
    await written(furnished, gave_up())
    assert await told(furnished) == [NoticeKind.OPENED]
    assert await states(furnished) == []
    assert await clock(furnished).post(at(1)) == 0


async def states(db: Database) -> list[MailState]:
    async with db.reading() as look:
        return [row.state for row in await look.rows(select(mails.c.state))]
