"""Whom do we owe what, in the stories of both databases?"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select, update

from router.calls.call import Call, Ending, Phase
from router.calls.events import Presented
from router.clock import Clock
from router.commitments.commitment import Commitment, Terms
from router.commitments.notice import NoticeKind
from router.lab.sample import IDA, LENA, TIME_ZONE
from router.notices.mail import Encryption, Mailer, MailSettings
from router.routing.table import Table
from router.storage.commitments import Keeper, list_entries
from router.storage.database import Database, Transaction
from router.storage.recorder import Recorder
from router.storage.schema import people
from router.storage.told_schema import About, notices
from tests.storage.stories import SAMPLE_TABLE, SOON, after, answered, arrived

TERMS = Terms()
KEEPER = Keeper(terms=TERMS)
MINUTE = 60.0
IDAS, LENAS = "ida@example.org", "lena@example.org"


def gave_up(call_id: str = "pbx:1.1", at: float = 0, *, rang: float = 30) -> Call:
    """Birch & Sons, whom Ida looks after and Lena as her deputy, hung up so many seconds after noon."""
    call = arrived(call_id, at - rang)
    return replace(call, phase=Phase.OVER, ended_at=after(at), ending=Ending.GAVE_UP)


def got_through(call_id: str = "pbx:2.1", at: float = 600, *, talked: float = 60) -> Call:
    """The same customer was taken so many seconds after noon, and talked for so long."""
    call = replace(answered(call_id), arrived_at=after(at - 5), taken_at=after(at), ended_at=after(at + talked))
    return replace(call, decision=arrived(call_id, at - 5).decision, legs=())


def without_number(call: Call) -> Call:
    """The same call of somebody who withholds the number."""
    return replace(call, caller="", presented=Presented.WITHHELD, decision=None, account=None, line=1)


async def written(db: Database, *calls: Call, keeper: Keeper = KEEPER, table: Table = SAMPLE_TABLE) -> None:
    """These calls are on record, and what they mean for what we owe."""

    async def settle(transaction: Transaction, batch: Sequence[Call]) -> None:
        await keeper.settle(transaction, batch, table)

    recorder = Recorder(db, settle=settle)
    for call in calls:
        recorder.record(call)
    assert await recorder.drain(SOON) == 0
    assert recorder.refused == 0


async def owed(db: Database) -> list[Commitment]:
    """What is still owed."""
    return [entry.commitment for entry in await list_entries(db)]


async def only(db: Database) -> tuple[Commitment, tuple[str, ...]]:
    """The one commitment there is, over or not, and its calls."""
    (entry,) = await list_entries(db, over=True)
    return entry.commitment, entry.calls


async def told(db: Database) -> list[NoticeKind]:
    """What was told of commitments, in order."""
    query = select(notices.c.kind).where(notices.c.about == About.COMMITMENT).order_by(notices.c.id)
    async with db.reading() as look:
        return [NoticeKind(row.kind) for row in await look.rows(query)]


async def give_addresses(db: Database) -> None:
    async with db.writing() as transaction:
        for person, address in ((IDA, IDAS), (LENA, LENAS)):
            await transaction.run(update(people).where(people.c.id == person).values(email=address))


def clock(db: Database, *, keeper: Keeper = KEEPER, table: Table = SAMPLE_TABLE, port: int | None = None) -> Clock:
    """A router's clock; with the mail server at this port."""
    server = None
    if port is not None:
        server = MailSettings(host="127.0.0.1", port=port, sender="router@example.org", encryption=Encryption.NONE)
    mailer = Mailer(settings=server) if server else None
    return Clock(db, keeper, lambda: table, mailer=mailer, zone=ZoneInfo(TIME_ZONE))


def at(minute: float) -> datetime:
    """So many minutes after noon."""
    return after(minute * MINUTE)
