"""Do the commands about presence say what is so, and who takes over?"""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from router.calls.presence import Presences
from router.lab import sample
from router.lab.sample import BUSINESS_LINE
from router.routing.model import Person, PersonState
from router.storage.audit import KeptEntry, newest_entries
from router.storage.database import Database
from router.storage.presence import load_presences
from router.storage.schema import people
from router.storage.tables import load_configuration
from tests.test_commands import Run, database, furnished_file, router

__all__ = ["database", "furnished_file", "router"]  # fixtures

NEW_YORK = {"time_zone": sample.TIME_ZONE}


def test_the_list_tells_of_each_desk_who_is_there_and_who_is_not(router: Run) -> None:
    router("presence", "sign-out", "Ben")

    said = router("presence", "list", **NEW_YORK)

    lines = said.out.splitlines()
    assert lines[:3] == ["Coordinators (safety net): 2 of 3", "  Anna is there", lines[2]]
    assert lines[2].startswith("  Ben is signed out since ")
    assert "Service: 2 of 2" in lines
    assert "  Hugo no longer works here" in lines, "also who sits at no desk"


@pytest.mark.parametrize("who", ["Ben", "ben", "12", " BEN "])
def test_somebody_is_meant_by_name_short_number_or_phone(router: Run, database: str, who: str) -> None:
    said = router("presence", "sign-out", who)

    assert said.code == 0
    assert said.out.startswith("Ben is signed out since ")
    assert not presences(database)[sample.BEN].signed_in


def test_saying_it_twice_changes_nothing_and_says_the_same(router: Run, database: str) -> None:
    first = router("presence", "sign-out", "Ben")
    before = presences(database)
    second = router("presence", "sign-out", "Ben")

    assert (first.out, first.code) == (second.out, second.code)
    assert presences(database) == before


def test_the_last_one_to_sign_out_is_told_which_desk_takes_over(router: Run) -> None:
    assert "takes over" not in router("presence", "sign-out", "Dora").out
    last = router("presence", "sign-out", "Emil")

    assert last.code == 0
    assert last.out.splitlines()[1:] == ["Nobody is at the desk Service now: desk Coordinators takes over."]
    for person in ("Anna", "Ben"):
        router("presence", "pause", person, "--minutes", "5")
    nobody = router("presence", "pause", "Carla", "--minutes", "5").out
    assert "Nobody is at the desk Coordinators now, nor at any after it: callers wait until somebody is." in nobody
    assert "desk Service takes over" not in nobody


def test_who_signs_in_again_is_there(router: Run) -> None:
    router("presence", "pause", "Ben", "--minutes", "5")
    assert router("presence", "sign-in", "Ben").out == "Ben is there.\n"


def test_a_pause_ends_when_it_was_said_or_when_somebody_says_so(router: Run, database: str) -> None:
    said = router("presence", "pause", "Ben", "--minutes", "15")
    until = presences(database)[sample.BEN].paused_until
    assert said.out.startswith("Ben pauses until ")
    assert until is not None
    assert timedelta(minutes=14) < until - datetime.now(UTC) <= timedelta(minutes=15)
    assert router("presence", "resume", "Ben").out == "Ben is there.\n"


def test_an_absence_stands_in_the_table_and_ends_with_being_back(router: Run, database: str) -> None:
    said = router("presence", "away", "Ben", "--until", "2099-12-01", **NEW_YORK)

    ben, version = in_the_table(database)
    assert said.out == "Ben is away until Tue 01 Dec 2099 00:00.\n"
    assert (ben.state, ben.away_until, version) == (PersonState.AWAY, datetime(2099, 12, 1, 5, tzinfo=UTC), 2)
    assert router("presence", "back", "Ben").out == "Ben is there.\n"
    ben, version = in_the_table(database)
    assert (ben.state, ben.away_until, version) == (PersonState.ACTIVE, None, 3)
    router("presence", "back", "Ben")
    assert in_the_table(database)[1] == 3, "saying it again makes no version"


def test_a_time_of_day_is_the_next_by_the_companys_clock(router: Run, database: str) -> None:
    router("presence", "away", "Ben", "--until", "14:30", **NEW_YORK)

    until = in_the_table(database)[0].away_until
    assert until is not None
    assert timedelta() < until - datetime.now(UTC) <= timedelta(days=1, hours=1)
    assert (until.minute, until.hour in (18, 19)) == (30, True)


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("sign-out", "Be"), 2, "do you mean Ben (12, ben)?"),
        (("sign-out", "Carlo"), 2, "do you mean Carla (13, carla), Karl"),
        (("sign-out", "zzz"), 2, "router presence list"),
        (("pause", "Ben", "--minutes", "0"), 2, "minutes"),
        (("pause", "Ben", "--minutes", "721"), 2, "minutes"),
        (("away", "Ben", "--until", "tomorrow"), 2, "give 14:30, 2026-12-01"),
        (("away", "Ben", "--until", "2020-01-01"), 2, "is over"),
        (("away", "Ben", "--until", "9999-01-01"), 2, "2199"),
        (("away", "Hugo", "--until", "2099-01-01"), 1, "Hugo is left"),
    ],
)
def test_what_can_not_be_done_is_said_and_changes_nothing(
    router: Run, database: str, arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    said = router("presence", *arguments)

    assert said.code == code
    assert sentence in said.err
    assert presences(database) == {}
    assert in_the_table(database)[1] == 1


def test_two_people_of_one_name_are_told_apart_by_their_phones(router: Run, database: str) -> None:
    asyncio.run(rename(database, sample.CARLA, "Ben"))

    both = router("presence", "sign-out", "BEN")

    assert both.code == 2
    assert "several people are called 'BEN': Ben (12, ben), Ben (13, carla)" in both.err
    assert router("presence", "sign-out", "13").code == 0


def test_explain_says_who_takes_over_where_nobody_is_now_and_decides_the_same(router: Run) -> None:
    question = ("explain", "--caller", "withheld", "--line", BUSINESS_LINE)
    before = router(*question).out.splitlines()
    for person in ("Anna", "Ben", "Carla"):
        router("presence", "sign-out", person)

    after = router(*question).out.splitlines()
    at_another_time = router(*question, "--at", "2026-03-02 12:00").out

    decided = [line for line in before if "→" not in line]
    assert [line for line in after if "→" not in line] == decided
    assert after[len(decided)].startswith(
        "  → At the desk Coordinators is nobody, so it is passed over (Anna is signed"
    )
    assert after[-1].startswith("  → Nobody can answer: callers wait")
    assert "→ In the end Anna or Ben or Carla answers" in at_another_time


def presences(database: str) -> Presences:
    async def load() -> Presences:
        db = Database(database)
        try:
            return await load_presences(db)
        finally:
            await db.close()

    return asyncio.run(load())


def in_the_table(database: str) -> tuple[Person, int]:
    """Ben, and the table's version."""

    async def load() -> tuple[Person, int]:
        db = Database(database)
        try:
            configuration, version = await load_configuration(db, sample.REGION, sample.TIME_ZONE)
        finally:
            await db.close()
        return next(person for person in configuration.people if person.id == sample.BEN), version

    return asyncio.run(load())


async def rename(database: str, person: int, name: str) -> None:
    db = Database(database)
    async with db.writing() as transaction:
        await transaction.run(update(people).where(people.c.id == person).values(name=name))
    await db.close()


def test_who_was_said_to_be_away_by_whom_is_on_record(router: Run, database: str) -> None:
    router("presence", "away", "Ben", "--until", "2099-12-01")
    router("presence", "back", "Ben")

    entries = asyncio.run(_audit(database))
    assert [(entry.source, entry.kind, entry.object) for entry in entries] == [("command", "person", sample.BEN)] * 2
    back, away = entries
    assert [entry.after["state"] for entry in (away, back) if entry.after] == ["away", "active"]


async def _audit(url: str) -> list[KeptEntry]:
    db = Database(url)
    async with db.reading() as look:
        found = list(await newest_entries(look, 10))
    await db.close()
    return found
