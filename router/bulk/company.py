"""What does the company look like that is to be imported into, or exported?"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from router.bulk.called import Called, names_of
from router.routing.accounts import AccountsBuilder
from router.routing.callers import CallerIndex
from router.routing.configuration import Configuration, Entity, Noun
from router.routing.model import Account, Cover, Desk, Hours, Job, Line, Override, Person, Rule
from router.routing.numbers import read_number
from router.routing.table import Table
from router.routing.table_errors import TableError
from router.storage.database import Database, Transaction
from router.storage.kept import Kept
from router.storage.tables import version_in
from router.storage.whole import kept_all

OfNoun = Mapping[int, Kept]
Value = TypeVar("Value", bound=Entity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the rows don't tell: whose national numbers, the company's clock, which external numbers may be called."""

    region: str
    time_zone: str
    external_prefixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """Every object of every noun by its id, as one look saw them, and the version of the table they make."""

    version: int
    objects: Mapping[Noun, OfNoun]

    def table(self, settings: Settings) -> Table | None:
        """The table that they make; None when they make none. For decisions, and so to be looked through."""
        try:
            return Table.build(self.configuration(settings), self.version)
        except TableError:
            return None

    def configuration(self, settings: Settings) -> Configuration:
        """The same, for a table to be built from."""
        accounts = AccountsBuilder()
        for kept in self.objects[Noun.ACCOUNT].values():
            match kept.entity:
                case Account(id=identity, name=name, manager=manager, desk=desk, priority=priority, deputies=deputies):
                    accounts.add(identity, name, manager, desk, priority, deputies=deputies)
        rows = (
            (number, is_prefix, kept.entity.id)
            for kept in self.objects[Noun.ACCOUNT].values()
            for number, is_prefix in kept.beside["numbers"]
        )
        lines = self.objects[Noun.LINE].values()
        return Configuration(
            region=settings.region,
            time_zone=settings.time_zone,
            external_prefixes=settings.external_prefixes,
            people=self._all(Noun.PERSON, Person),
            desks=self._all(Noun.DESK, Desk),
            lines=self._all(Noun.LINE, Line),
            aliases={alias: kept.entity.id for kept in lines for alias in kept.beside["aliases"]},
            accounts=accounts.finish(),
            callers=CallerIndex.build(rows),
            jobs=self._all(Noun.JOB, Job),
            rules=self._all(Noun.RULE, Rule),
            hours=self._all(Noun.HOURS, Hours),
            covers=self._all(Noun.COVER, Cover),
            overrides=self._all(Noun.OVERRIDE, Override),
        )

    def _all(self, noun: Noun, kind: type[Value]) -> tuple[Value, ...]:
        return tuple([kept.entity for kept in self.objects[noun].values() if isinstance(kept.entity, kind)])


async def load_whole(db: Database, nouns: Iterable[Noun] = tuple(Noun)) -> Whole:
    """Everything there is of these nouns; of the others nothing. Raises StorageError."""
    async with db.reading() as look:
        return await whole_in(look, nouns)


async def whole_in(look: Transaction, nouns: Iterable[Noun]) -> Whole:
    """The same, as this look sees it. Raises StorageError."""
    wanted = set(nouns)
    objects = {noun: await kept_all(look, noun) if noun in wanted else [] for noun in Noun}
    by_id = {noun: {kept.entity.id: kept for kept in found} for noun, found in objects.items()}
    return Whole(version=await version_in(look), objects=by_id)


def called_in(objects: Mapping[Noun, OfNoun], nouns: Iterable[Noun], region: str) -> dict[Noun, Called]:
    """Who is called how, of each of these nouns."""
    found = {}
    for noun in nouns:
        called = found[noun] = nothing_called(noun, region)
        for identity, kept in objects[noun].items():
            called.add(identity, names_of(kept))
    return found


def nothing_called(noun: Noun, region: str) -> Called:
    """For names to be added; telephone numbers are found in every form in which `region` writes them."""
    return Called(noun, lambda text: read_number(text.strip(), region).e164)
