"""Whatever list of changes is made: is it what was foreseen, and does taking it back restore everything exactly?"""

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from router.changes.door import Door
from router.changes.faults import ChangeRefused, LeadsNowhere
from router.changes.nouns import DECLARED, Declared
from router.changes.previewing import Preview
from router.changes.wishes import By, Done, Item, Undo, Verb
from router.lab.sample import REGION, TIME_ZONE
from router.routing.configuration import Change
from router.routing.decide import CallFacts, decide
from router.routing.numbers import read_number
from router.routing.table import Table
from router.routing.table_errors import TableError
from router.storage.access_schema import Source
from router.storage.audit import entries_of_version
from router.storage.database import Database, StorageError
from router.storage.kept import Wanted, kept_page
from router.storage.publisher import Publisher
from router.storage.tables import load_configuration
from tests.proof import many
from tests.sample_database import MONDAY_NOON, furnish, last_words
from tests.web.cases import BODIES, PATCHES

TESTER = By(actor="tester", source=Source.COMMAND)
OF_PLURAL = {declared.plural: declared for declared in DECLARED}
Refusals = (ChangeRefused, StorageError, TableError)


@dataclass
class Books:
    db: Database
    publisher: Publisher
    door: Door

    @property
    def table(self) -> Table:
        assert self.publisher.table is not None
        return self.publisher.table

    async def make(self, items: list[Item]) -> list[Done]:
        return await self.door.do(items, TESTER, MONDAY_NOON)

    async def take_back(self, version: int) -> int:
        """All that was changed with this version; the version that this makes."""
        async with self.db.reading() as look:
            first, *_ = await entries_of_version(look, version)
        (done,) = await self.door.do([Undo(entry=first.id)], TESTER, MONDAY_NOON)
        assert done.version is not None
        return done.version

    async def everything(self) -> tuple[Any, ...]:
        """All objects with what is kept beside them, and the table that the rows make; not how often they changed."""
        rows = []
        async with self.db.reading() as look:
            for declared in DECLARED:
                page = await kept_page(look, declared.noun, Wanted(limit=200))
                rows += [(one.entity, dict(one.beside)) for one in page.kept]
        configuration, _ = await load_configuration(self.db, REGION, TIME_ZONE, ("+1917",))
        return rows, Table.build(configuration, 0)


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return furnish(tmp_path_factory.mktemp("lists") / "furnished.db")


@pytest_asyncio.fixture
async def books(furnished: Path, tmp_path: Path) -> AsyncIterator[Books]:
    shutil.copy(furnished, tmp_path / "router.db")
    db = Database(f"sqlite:///{tmp_path / 'router.db'}")
    publisher = Publisher(db, REGION, TIME_ZONE, lambda _: None, external_prefixes=("+1917",))
    await publisher.change(_nothing, MONDAY_NOON)  # reads the table
    door = Door(publisher, external_prefixes=("+1917",))
    yield Books(db=db, publisher=publisher, door=door)
    await door.close()
    await db.close()
    await last_words()


async def _nothing(*_: object) -> tuple[tuple[Change, ...], None]:
    return (), None


@st.composite
def items(draw: st.DrawFn) -> dict[str, Any]:
    """Something of some noun: made, made or replaced, changed or removed, by id or by its reference."""
    declared: Declared = OF_PLURAL[draw(st.sampled_from([*BODIES, "people", "desks", "lines", "accounts"]))]
    verb = draw(st.sampled_from([Verb.MAKE, Verb.MERGE, Verb.MERGE, Verb.REPLACE, Verb.REMOVE]))
    ref = BODIES[declared.plural]["ref"]
    body: dict[str, Any] = dict(BODIES[declared.plural])
    if verb is Verb.MERGE:
        fields = draw(st.lists(st.sampled_from(list(PATCHES[declared.plural])), min_size=1, unique=True))
        body = {name: PATCHES[declared.plural][name] for name in fields}
    by_ref = verb is Verb.REPLACE or (verb is not Verb.MAKE and draw(st.booleans()))
    return {
        "declared": declared,
        "verb": verb,
        "id": None if by_ref or verb is Verb.MAKE else draw(st.integers(1, 4)),
        "ref": ref if by_ref else None,
        "body": {} if verb is Verb.REMOVE else body,
    }


@settings(max_examples=many(12, 400), suppress_health_check=list(HealthCheck), deadline=None)
@given(lists=st.lists(st.lists(items(), min_size=1, max_size=4), min_size=1, max_size=3))
async def test_taking_every_list_back_restores_everything_exactly(
    books: Books, lists: list[list[dict[str, Any]]]
) -> None:
    begin = await books.everything()
    before_each: list[tuple[int, Any]] = []
    for one in lists:
        before = await books.everything()
        try:
            done = await books.make(placed(one))
        except Refusals:
            assert await books.everything() == before, "what is refused leaves nothing behind"
            continue
        if done[0].version is not None:
            before_each.append((done[0].version, before))
    for version, before in reversed(before_each):
        after = await books.everything()
        undone = await books.take_back(version)
        assert await books.everything() == before
        again = await books.take_back(undone)
        assert await books.everything() == after, "taking back what took it back makes it again"
        await books.take_back(again)
    assert await books.everything() == begin


@settings(max_examples=many(12, 400), suppress_health_check=list(HealthCheck), deadline=None)
@given(one=st.lists(items(), min_size=1, max_size=4))
async def test_what_was_foreseen_is_what_decide_says_before_and_after(books: Books, one: list[dict[str, Any]]) -> None:
    begin = await books.everything()
    table = books.table
    try:
        foreseen: Preview | Exception = await books.door.preview(placed(one), MONDAY_NOON)
    except Refusals as fault:
        foreseen = fault
    assert (await books.everything(), books.table) == (begin, table), "nothing is changed by looking ahead"

    try:
        made: list[Done] | Exception = await books.make(placed(one))
    except Refusals as fault:
        made = fault

    event(type(made).__name__)
    if isinstance(made, Exception) and not isinstance(made, LeadsNowhere):
        assert (type(foreseen), str(foreseen)) == (type(made), str(made))
        return
    assert isinstance(foreseen, Preview)
    nowhere = made.found if isinstance(made, LeadsNowhere) else ()
    assert [told["sentence"] for told in foreseen.refused] == [way.sentence for way in nowhere]
    if isinstance(made, LeadsNowhere):
        return
    for move in foreseen.moves:
        example = move["example"]
        call = CallFacts(dialled=example["line"], caller=read_number(example["caller"], REGION))
        at = datetime.fromisoformat(example["at"])
        names = [[step.name for step in decide(call, which, at).plan.steps] for which in (table, books.table)]
        assert names == [move["before"]["steps"], move["after"]["steps"]]
    if made[0].version is not None:
        await books.take_back(made[0].version)
    assert await books.everything() == begin


def placed(one: list[dict[str, Any]]) -> list[Item]:
    return [Item(at=f"/changes/{place}", **item) for place, item in enumerate(one)]
