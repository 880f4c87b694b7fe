"""Is a big table that was read aside the one that is kept?"""

import asyncio
from pathlib import Path

from router.changes.reading import BIG, Reading
from router.lab.sample import REGION, SAMPLE, TIME_ZONE
from router.routing.model import Account
from router.storage.company import Company, save_company
from router.storage.database import Database
from router.storage.migrate import upgrade
from router.storage.tables import load_configuration
from tests.sample_database import MONDAY_NOON


async def test_a_big_table_read_aside_is_the_same_as_one_read_here(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'router.db'}"
    await asyncio.to_thread(upgrade, url)
    db, reading = Database(url), Reading()
    try:
        await save_company(db, SAMPLE, MONDAY_NOON)
        small = await reading.load(db, REGION, TIME_ZONE, ("+1917",))
        many = [Account(id=100, name="Maple Mills", deputies=(1, 2))]
        numbers = [(49_000_000_000 + at, False, 100) for at in range(BIG)]
        await save_company(db, Company(accounts=many, numbers=numbers), MONDAY_NOON)

        big = await reading.load(db, REGION, TIME_ZONE, ("+1917",))

        assert big == await load_configuration(db, REGION, TIME_ZONE, ("+1917",))
        assert (small[1], big[1]) == (1, 2)
        assert big[0].callers.account_of(49_000_000_000 + BIG - 1) == 100
    finally:
        await reading.close()
        await db.close()
