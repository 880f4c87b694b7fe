"""Does `router forget` ask first, say what it erased, and what it could not?"""

import asyncio
import io
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from router.__main__ import main
from router.lab.sample import BIRCH
from router.storage.database import Database
from router.storage.records import recorded_call
from tests.sample_database import furnish
from tests.storage.owing import gave_up, written
from tests.storage.stories import whole_life


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


Run = Callable[..., Said]


class Terminal(io.StringIO):
    """Somebody sits there, and types this."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(scope="module")
def furnished_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample company; its customer was talked to, gave up later, and is owed a call."""
    file = furnish(tmp_path_factory.mktemp("forget") / "furnished.db")

    async def work() -> None:
        db = Database(f"sqlite:///{file}")
        await written(db, *whole_life("pbx:1.1"), gave_up("pbx:2.1", at=600))
        await db.close()

    asyncio.run(work())
    return file


@pytest.fixture
def database(furnished_file: Path, tmp_path: Path) -> str:
    shutil.copy(furnished_file, tmp_path / "router.db")
    return f"sqlite:///{tmp_path / 'router.db'}"


@pytest.fixture
def router(database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`router …`, by a timer or, with `types`, at a terminal."""

    def run(*arguments: str, types: str | None = None) -> Said:
        monkeypatch.setenv("ROUTER_DATABASE", database)
        monkeypatch.setattr(sys, "stdin", io.StringIO() if types is None else Terminal(types))
        with pytest.raises(SystemExit) as end:
            main(arguments)
        said = capsys.readouterr()
        return Said(code=int(end.value.code or 0), out=said.out, err=said.err)

    return run


def callers(database: str) -> list[str]:
    async def work() -> list[str]:
        db = Database(database)
        found = [await recorded_call(db, call) for call in ("pbx:1.1", "pbx:2.1")]
        await db.close()
        return [record.caller for record in found if record]

    return asyncio.run(work())


def test_it_says_what_was_erased_and_where_the_number_has_to_stay(router: Run, database: str) -> None:
    said = router("forget", BIRCH, "--yes")

    assert (said.code, said.err) == (0, "")
    assert f"Erased {BIRCH} from 2 calls." in said.out
    assert "Commitment 1 is owed to it and keeps it until it is closed: then forget it again." in said.out
    assert "The table has it still: account Birch & Sons (accounts/1)." in said.out
    assert callers(database) == ["+***********", "+***********"]

    again = router("forget", BIRCH[2:], "--yes")
    assert (again.code, f"{BIRCH} stands in no record that could be changed." in again.out) == (0, True)


@pytest.mark.parametrize(("types", "code", "erased"), [("y\n", 0, True), ("n\n", 1, False), ("\n", 1, False)])
def test_at_a_terminal_it_asks_first(router: Run, database: str, types: str, code: int, erased: bool) -> None:
    said = router("forget", BIRCH, types=types)

    assert f"Erase {BIRCH} from all records? It can't be undone. [y/N]" in said.err
    assert said.code == code
    assert (callers(database) != [BIRCH, BIRCH]) == erased


def test_where_nobody_can_be_asked_it_wants_to_be_told(router: Run, database: str) -> None:
    said = router("forget", BIRCH)

    assert (said.code, "say --yes" in said.err) == (2, True)
    assert callers(database) == [BIRCH, BIRCH]


def test_what_is_no_number_is_refused(router: Run) -> None:
    said = router("forget", "Birch", "--yes")

    assert (said.code, "write it with + and its country code" in said.err) == (2, True)
