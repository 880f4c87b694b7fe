"""How does somebody at a terminal call a customer back, and see how far it has come?"""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime

from router.commands.console import fail, newest_table, out, who_asks, with_database
from router.commitments.calling_back import Became
from router.commitments.facts import Facts, facts_of, person_name
from router.routing.people import NobodyMeant, person_meant
from router.routing.table import Table
from router.settings import Settings
from router.storage.call_backs import Attempt, CalledAlready, ask_call_back, attempt_of
from router.storage.commitments import commitment_of
from router.storage.database import Database

LOOK_EVERY = 0.2  # seconds between two looks at how far it has come
TAKEN_WITHIN = 12.0  # seconds until a router must have taken the order, which expires after 10
LASTS_AT_MOST = 4 * 3600.0  # seconds; a longer talk goes on, but nobody reads here what became of it


def call_back(settings: Settings, commitment: int, by: str) -> None:
    """Ask for it, tell each step as a line, and end with 0 only when they talked."""

    async def work(db: Database) -> Attempt | None:
        table = await newest_table(db, settings)
        async with db.reading() as look:
            facts = facts_of(await commitment_of(look, commitment), table)
        person = person_meant(by, table).id if by else None
        now = datetime.now(UTC)
        order = await ask_call_back(db, settings.pbx, commitment, person, asked_by=by or who_asks(), now=now)
        return await _follow(db, order, facts, table)

    try:
        attempt = with_database(settings, work)
    except NobodyMeant as nobody:
        fail(str(nobody), code=2)
    except CalledAlready as already:
        fail(str(already))
    if attempt is None:
        fail(f"no router took this order within {TAKEN_WITHIN:g} s, so nobody is called: is one up?")
    if attempt.became is not Became.TALKED:
        fail(attempt.sentence or "they still talk, but nobody waits here any longer: see `router commitments list`")
    out.print(attempt.sentence, highlight=False, soft_wrap=True)


def steps(attempt: Attempt, facts: Facts, table: Table) -> Iterator[str]:
    """How far it has come, a line for each step, from the first."""
    who = "" if attempt.person is None else person_name(attempt.person, table)
    if attempt.placed_at:
        yield f"rings {who} …"
    if attempt.taken_at:
        yield f"{who} has it …"
    if attempt.called_at:
        yield f"rings {facts.who}, who sees {attempt.shown} …"
    if attempt.talked_at:
        yield "they talk"


async def _follow(db: Database, order: int, facts: Facts, table: Table) -> Attempt | None:
    """Tells each step once; returns how it ended, None when nobody took the order."""
    told = 0
    for look in range(round(LASTS_AT_MOST / LOOK_EVERY)):
        attempt = await attempt_of(db, order)
        if attempt is None or (attempt.placed_at is None and look * LOOK_EVERY > TAKEN_WITHIN):
            return None
        known = list(steps(attempt, facts, table))
        for line in known[told:]:
            out.print(line, highlight=False, soft_wrap=True)
        told = len(known)
        if attempt.ended_at is not None:
            break
        await asyncio.sleep(LOOK_EVERY)
    return attempt
