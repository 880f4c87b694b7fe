"""Do the commands about leaving and cover say where everything goes, and do it when they are told to?"""

import asyncio

import pytest

from router.lab.sample import IDA
from router.routing.model import PersonState
from router.storage.audit import newest_entries
from router.storage.database import Database
from router.storage.leavings import done, newest_of
from router.storage.tables import load_configuration
from tests.test_commands import Run, database, furnished_file, router

__all__ = ["database", "furnished_file", "router"]  # fixtures

UTC = {"time_zone": "UTC"}


def test_it_is_listed_first_done_when_told_to_and_taken_back(router: Run, database: str) -> None:
    shown = router("leave", "Ida", "--to", "Lena", "--give", "jobs=Jonas", "--give", "deputies=nobody")
    assert shown.code == 0
    assert "  the account Birch & Sons → Lena\n" in shown.out
    assert "  the job Loading ramps → Jonas\n" in shown.out
    assert "  the account Fir Furniture, as deputy → nobody\n" in shown.out
    assert "Nothing is changed yet: --yes does it." in shown.out
    assert ida_is(database) is PersonState.ACTIVE

    assert "Ida has left; 7 places go as above." in router("leave", "Ida", "--to", "Lena", "--yes").out
    assert ida_is(database) is PersonState.LEFT
    assert set(asyncio.run(_sources(database))) == {"command"}
    again = router("leave", "Ida", "--to", "Lena", "--yes")
    assert (again.code, "has left already" in again.err) == (1, True)

    assert router("leave", "Ida", "--undo").out == "They stay: everything is as it was before.\n"
    assert ida_is(database) is PersonState.ACTIVE


def test_what_nobody_is_named_for_is_told_and_refused(router: Run, database: str) -> None:
    shown = router("leave", "Ida")
    assert (shown.code, "This would be refused" in shown.err) == (1, True)
    assert "the account Elm Logistics would have no account manager" in shown.out
    refused = router("leave", "Ida", "--yes")
    assert (refused.code, "successors.all" in refused.err) == (1, True)
    assert ida_is(database) is PersonState.ACTIVE


def test_a_time_to_come_is_told_by_the_companys_clock(router: Run, database: str) -> None:
    said = router("leave", "Ida", "--to", "Lena", "--at", "2099-12-01T16:00", "--yes", time_zone="America/New_York")
    assert "Ida leaves on 01 Dec 2099 16:00; 7 places go as above." in said.out
    assert ida_is(database) is PersonState.LEAVING


def test_who_leaves_is_listed_with_what_nobody_was_found_for(router: Run, database: str) -> None:
    assert router("leave", "--list").out == "Nobody is to leave, and nobody has left.\n"
    router("leave", "Ida", "--to", "Lena", "--at", "2099-12-01T16:00", "--yes", **UTC)
    planned = router("leave", "--list", **UTC)
    assert planned.out.startswith("Ida leaves on 01 Dec 2099 16:00, as ")
    assert planned.out.endswith(" asked for\n")

    asyncio.run(_left_with(database, IDA, "the account Elm Logistics would have no account manager"))
    listed = router("leave", "--list", **UTC).out.splitlines()
    assert listed[0].startswith("Ida has left on 01 Dec 2099 16:00")
    assert listed[1:] == ["  left behind: the account Elm Logistics would have no account manager"]
    assert router("leave").code == 2


async def _left_with(url: str, person: int, behind: str) -> None:
    db = Database(url)
    async with db.writing() as work:
        leaving = await newest_of(work, person)
        assert leaving is not None
        await done(work, leaving.id, 3, (), [behind])
    await db.close()


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("Ida", "--to", "Nobody Of Ours"), "nobody has the name"),
        (("Ida", "--give", "jobs"), "KIND=PERSON"),
        (("Ida", "--give", "jobs:x=Lena"), "KIND=PERSON"),
        (("Ida", "--give", "cars=Lena"), "cars"),
        (("Ida", "--give", "jobs=nobody"), "a job always has a manager"),
        (("Ida", "--to", "Lena", "--at", "2020-01-01"), "is over"),
    ],
)
def test_what_is_asked_wrongly_is_said_so(router: Run, arguments: tuple[str, ...], why: str) -> None:
    refused = router("leave", *arguments)
    assert (refused.code, why in refused.err) == (2, True), refused


def test_a_cover_is_one_line_and_says_what_comes_to_whom(router: Run) -> None:
    holiday = ("cover", "Ida", "--by", "Lena", "--until", "2099-12-01")
    planned = router(*holiday, "--dry-run", **UTC)
    assert planned.code == 0
    said = router(*holiday, **UTC)
    assert said.out.startswith("Lena answers for Ida from ")
    assert said.out.endswith(" until Tue 01 Dec 2099 00:00 UTC: 4 accounts, 2 jobs.\n"), said

    again = router("cover", "Ida", "--by", "Jonas", "--until", "2099-12-01", **UTC)
    assert (again.code, "Lena answers for Ida until" in again.err) == (1, True)
    instead = router("cover", "Ida", "--by", "Jonas", "--until", "2099-12-01", "--ends-others", **UTC)
    assert "Lena doesn't answer for them any more." in instead.out
    assert router("cover", "Ida", "--end").out == "Ida answers again (1 covers ended).\n"
    assert router("cover", "Ida", "--end").code == 1
    assert router("cover", "Ida", "--by", "Lena").code == 2


def ida_is(url: str) -> PersonState:
    async def look() -> PersonState:
        db = Database(url)
        configuration, _ = await load_configuration(db, "US", "UTC")
        await db.close()
        return next(person.state for person in configuration.people if person.id == IDA)

    return asyncio.run(look())


async def _sources(url: str) -> list[str]:
    db = Database(url)
    async with db.reading() as look:
        found = [entry.source.value for entry in await newest_entries(look, 50)]
    await db.close()
    return found
