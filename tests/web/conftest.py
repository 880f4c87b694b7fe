"""What stands behind the API in these tests? A real database with the sample company, and the table made of it."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio
from fastapi import FastAPI

from router.bulk.company import Settings
from router.bulk.imports import Imports
from router.calls.presence import Presences
from router.changes.door import Door
from router.commitments.commitment import Terms
from router.lab.postgres import PrivatePostgres, private_postgres
from router.lab.sample import REGION, TIME_ZONE
from router.routing.table import Table
from router.storage.access_schema import Role
from router.storage.commitments import Keeper
from router.storage.database import Database
from router.storage.keys import new_key
from router.storage.migrate import downgrade, upgrade
from router.storage.publisher import Publisher
from router.storage.tables import load_configuration
from router.web.app import build_app
from router.web.figures import Figure, Spread
from router.web.limits import Limits
from router.web.live import Live
from router.web.parts import Parts
from router.web.standing import Standing
from tests.sample_database import MONDAY_NOON, furnish, furnish_database, last_words

ALLOWED = ("+1917",)  # how the external numbers begin that may be called

_numbers = count(1)

READY = Standing(
    link_up=True,
    link_why="",
    table_version=1,
    table_age=0.1,
    table_trouble="",
    records_waiting=0,
    records_age=None,
    since=datetime(2026, 3, 2, 17, tzinfo=UTC),
)


@dataclass
class Office:
    """The app, a client for each role, and what a test may change behind the app's back."""

    db: Database
    folder: Path
    table: Table | None
    app: FastAPI = field(init=False)
    now: datetime = MONDAY_NOON
    standing: Standing = READY
    limits: Limits = Limits(key_rate=0, failures=0)  # noqa: RUF009 (a frozen value)
    figures: tuple[Figure | Spread, ...] = ()
    presences: Presences = field(default_factory=dict)
    keys: dict[Role, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.publisher = Publisher(self.db, REGION, TIME_ZONE, self._publish, external_prefixes=ALLOWED)
        self.door = Door(self.publisher, external_prefixes=ALLOWED)
        settings = Settings(region=REGION, time_zone=TIME_ZONE, external_prefixes=ALLOWED)
        self.imports = Imports(self.db, settings, version=lambda: self.publisher.version, now=lambda: self.now)
        self.live = Live(self.db, lambda: self.now)
        self.app = build_app(
            Parts(
                db=self.db,
                door=self.door,
                keeper=Keeper(terms=Terms()),
                limits=self.limits,
                table=lambda: self.table,
                standing=lambda: self.standing,
                figures=lambda: self.figures,
                now=lambda: self.now,
                bulk=self.imports,
                presences=lambda: self.presences,
                live=self.live,
            )
        )

    def _publish(self, table: Table) -> None:
        self.table = table

    async def ask(
        self,
        method: str,
        path: str,
        *,
        role: Role | None = Role.VIEWER,
        key: str = "",
        body: object = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
    ) -> httpx2.Response:
        """One request with the key of this role, or with this key; None sends no key."""
        shown = key or (self.keys[role] if role else "")
        headers = {b"Authorization": f"Bearer {shown}".encode()} if shown else {}
        if if_match is not None:
            headers[b"If-Match"] = if_match.encode()
        if if_none_match is not None:
            headers[b"If-None-Match"] = if_none_match.encode()
        async with self.client() as client:
            return await client.request(method, path, headers=headers, json=body)

    def client(self) -> httpx2.AsyncClient:
        """For requests that no other way here can make."""
        transport = httpx2.ASGITransport(app=self.app, raise_app_exceptions=False)
        return httpx2.AsyncClient(transport=transport, base_url="http://router")

    async def lose_database(self) -> None:
        await self.db.close()
        shutil.rmtree(self.folder)

    async def lose_tables(self) -> None:
        """As before the first migration."""
        await asyncio.to_thread(downgrade, f"sqlite:///{self.folder / 'router.db'}", "base")

    async def edit(
        self, method: str, path: str, body: object = None, *, if_match: str | None = None
    ) -> httpx2.Response:
        """One request below /api/v1 as an admin."""
        return await self.ask(method, f"/api/v1{path}", role=Role.ADMIN, body=body, if_match=if_match)

    async def get(self, path: str, *, role: Role | None = Role.VIEWER, key: str = "") -> httpx2.Response:
        return await self.ask("GET", path, role=role, key=key)


@pytest.fixture(scope="session")
def furnished_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = furnish(tmp_path_factory.mktemp("web") / "furnished.db")
    asyncio.run(_give_keys(f"sqlite:///{file}"))
    return file


_keys: dict[str, dict[Role, str]] = {}  # of each furnished database, by what its address begins with


async def _give_keys(url: str) -> None:
    db = Database(url)
    _keys[url.partition(":")[0]] = {role: await new_key(db, role.value, role) for role in Role}
    await db.close()


@pytest.fixture(scope="session")
def postgres(pytestconfig: pytest.Config) -> Iterator[PrivatePostgres]:
    with private_postgres(pytestconfig.rootpath / "var") as server:
        furnish_database(url := server.create("furnished"))
        asyncio.run(_give_keys(url))
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def furnished_url(request: pytest.FixtureRequest, furnished_file: Path, tmp_path: Path) -> Iterator[str]:
    """The sample company, on either database."""
    if request.param == "sqlite":
        shutil.copy(furnished_file, tmp_path / "router.db")
        yield f"sqlite:///{tmp_path / 'router.db'}"
        return
    server: PrivatePostgres = request.getfixturevalue("postgres")
    mine = f"office_{next(_numbers)}"
    yield server.create(mine, like="furnished")
    server.drop(mine)


@pytest_asyncio.fixture
async def either_office(furnished_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    """The same office, on either database."""
    db = Database(furnished_url)
    office = await _open(db, tmp_path)
    yield office
    await office.door.close()
    await office.imports.close()
    await db.close()
    await last_words()


@pytest_asyncio.fixture
async def office(furnished_file: Path, tmp_path: Path) -> AsyncIterator[Office]:
    folder = tmp_path / "var"
    folder.mkdir()
    shutil.copy(furnished_file, folder / "router.db")
    db = Database(f"sqlite:///{folder / 'router.db'}")
    office = await _open(db, folder)
    yield office
    await office.door.close()
    await office.imports.close()
    await db.close()
    await last_words()


@pytest_asyncio.fixture
async def empty_office(tmp_path: Path) -> AsyncIterator[Office]:
    """An office of a company that has nothing yet."""
    url = f"sqlite:///{tmp_path / 'router.db'}"
    await asyncio.to_thread(upgrade, url)
    db = Database(url)
    office = Office(db=db, folder=tmp_path, table=None)
    office.keys = {role: await new_key(db, role.value, role) for role in Role}
    yield office
    await office.door.close()
    await office.imports.close()
    await db.close()
    await last_words()


async def _open(db: Database, folder: Path) -> Office:
    configuration, version = await load_configuration(db, REGION, TIME_ZONE)
    office = Office(db=db, folder=folder, table=Table.build(configuration, version))
    office.keys = _keys["postgresql" if db.speaks_postgresql else "sqlite"]
    return office
