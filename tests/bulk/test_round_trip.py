"""Does exporting, importing and exporting again give the same files, byte for byte?"""

from dataclasses import replace

from hypothesis import HealthCheck, Phase, assume, given, settings
from sqlalchemy import delete, update

from router.bulk.plan import Options
from router.storage.access_schema import audit
from router.storage.company import Company, save_company
from router.storage.database import Database
from router.storage.schema import desks, metadata
from tests.bulk.files import exported, imported
from tests.proof import many
from tests.sample_database import MONDAY_NOON
from tests.storage.companies import companies

# Without shrinking: an example writes a company several times, and a smaller one would be looked for for minutes.
examples = settings(
    max_examples=many(10, 150),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@examples
@given(company=companies())
async def test_an_export_imported_where_it_came_from_changes_nothing(db: Database, company: Company) -> None:
    await emptied(db)
    await save_company(db, company, MONDAY_NOON)
    files = await exported(db)

    done = await imported(db, files, Options(replace=True))

    assert done.version is None
    assert await exported(db) == files


@examples
@given(company=companies())
async def test_an_export_imported_where_nothing_is_gives_the_same_export(db: Database, company: Company) -> None:
    await emptied(db)
    await save_company(db, company, MONDAY_NOON)
    files = await exported(db)
    # what nothing tells apart can only be imported where it has its ids
    assume(not any("id:" in content or content.startswith("id,") for content in files.values()))
    await emptied(db)
    await save_company(db, _without_what_is_imported(company), MONDAY_NOON)

    await imported(db, files)

    assert await exported(db) == files


async def emptied(db: Database) -> None:
    async with db.writing() as transaction:
        await transaction.run(update(desks).values(closed_by="wait", duty_desk=None, next_desk=None))
        for table in reversed(metadata.sorted_tables):
            if table is not audit:  # which is only ever added to
                await transaction.run(delete(table))


def _without_what_is_imported(company: Company) -> Company:
    # without a safety net there is no table yet, so nothing is refused for leading nowhere
    desks = [replace(desk, members=(), lead=None, safety_net=False) for desk in company.desks]
    return Company(hours=company.hours, desks=desks)
