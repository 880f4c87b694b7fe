"""How is a whole company written at once?"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from router.routing.callers import CallerRow
from router.routing.model import Account, Cover, Desk, Hours, Job, Line, Override, Person, Rule
from router.storage.covers import refuse_contradictions
from router.storage.database import Database
from router.storage.rows import put, put_aliases, put_numbers
from router.storage.tables import next_version


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """A company given as values. `aliases` say which line a delivered number is; `numbers` can be millions."""

    people: Sequence[Person] = ()
    desks: Sequence[Desk] = ()
    lines: Sequence[Line] = ()
    aliases: Mapping[str, int] = field(default_factory=dict)
    accounts: Iterable[Account] = ()
    numbers: Iterable[CallerRow] = ()
    jobs: Sequence[Job] = ()
    rules: Sequence[Rule] = ()
    hours: Sequence[Hours] = ()
    covers: Sequence[Cover] = ()
    overrides: Sequence[Override] = ()


async def save_company(db: Database, company: Company, now: datetime) -> int:
    """Write all of it as one change and return the version of the table it makes.

    What is there already is changed only where it differs; what the company doesn't name stays. Raises StorageError;
    then nothing was written.
    """
    async with db.changing() as transaction:
        await put(transaction, company.hours, now)
        await put(transaction, company.people, now)
        await put(transaction, company.desks, now)
        await put(transaction, company.lines, now)
        await put_aliases(transaction, company.aliases)
        await put(transaction, company.accounts, now)
        await put_numbers(transaction, company.numbers)
        await put(transaction, company.jobs, now)
        await put(transaction, company.rules, now)
        await put(transaction, company.overrides, now)
        await put(transaction, company.covers, now)
        if company.covers:
            await refuse_contradictions(transaction)
        return await next_version(transaction, now)
