"""On which databases are these tests run? On both, each test with one of its own."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import pytest
import pytest_asyncio

from router.lab.postgres import PrivatePostgres, private_postgres
from router.lab.sample import SAMPLE
from router.storage.company import save_company
from router.storage.database import Database
from router.storage.migrate import upgrade
from tests.storage.stories import MONDAY_NOON

BOTH = ("sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql))

_numbers = count(1)


@pytest.fixture(scope="session")
def postgres(pytestconfig: pytest.Config) -> Iterator[PrivatePostgres]:
    with private_postgres(pytestconfig.rootpath / "var") as server:
        upgrade(server.create("migrated"))
        server.create("furnished", like="migrated")
        asyncio.run(_furnish(server.url_of("furnished")))
        yield server


@pytest.fixture(scope="session")
def sqlite_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sqlite")
    upgrade(f"sqlite:///{folder}/migrated.db")
    shutil.copy(folder / "migrated.db", folder / "furnished.db")
    asyncio.run(_furnish(f"sqlite:///{folder}/furnished.db"))
    return folder


@pytest.fixture(scope="session", params=BOTH)
def shared_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The sample company, one copy for all tests that undo what they do."""
    yield from _copy("furnished", request, tmp_path_factory.mktemp("shared"))


@pytest.fixture(params=BOTH)
def blank_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without any table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/router.db"
        return
    yield from database_like(request.getfixturevalue("postgres"), "template1")


@pytest.fixture(params=BOTH)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database with all tables and no rows."""
    yield from _copy("migrated", request, tmp_path)


@pytest.fixture(params=BOTH)
def furnished_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database with the sample company."""
    yield from _copy("furnished", request, tmp_path)


@pytest_asyncio.fixture
async def db(url: str) -> AsyncIterator[Database]:
    """Empty tables."""
    database = Database(url)
    yield database
    await database.close()


@pytest_asyncio.fixture
async def furnished(furnished_url: str) -> AsyncIterator[Database]:
    """The sample company."""
    database = Database(furnished_url)
    yield database
    await database.close()


@pytest_asyncio.fixture
async def shared(shared_url: str) -> AsyncIterator[Database]:
    """The sample company, for tests that leave nothing behind."""
    database = Database(shared_url)
    yield database
    await database.close()


def _copy(name: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_files") / f"{name}.db", folder / "router.db")
        yield f"sqlite:///{folder}/router.db"
        return
    yield from database_like(request.getfixturevalue("postgres"), name)


def database_like(server: PrivatePostgres, name: str) -> Iterator[str]:
    mine = f"test_{next(_numbers)}"
    yield server.create(mine, like=name)
    server.drop(mine)


async def _furnish(url: str) -> None:
    database = Database(url)
    await save_company(database, SAMPLE, MONDAY_NOON)
    await database.close()
