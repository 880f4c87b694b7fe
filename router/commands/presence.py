"""Who is there, who isn't, and who says so?"""

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

from cyclopts import App, Parameter
from cyclopts.validators import Number

from router.commands.console import (
    by_command,
    fail,
    instant_meant,
    newest_table,
    open_door,
    out,
    with_database,
)
from router.settings import Settings, load_settings
from router.storage.database import Database

if TYPE_CHECKING:
    from router.calls.presence import Presence, Presences
    from router.routing.model import Person
    from router.routing.table import Table

    Outcome = tuple[Person, Table, Presences]

app = App(name="presence", help="Who is there to answer at the desks: sign people in and out, let them pause, be away.")

# PERSON is a name, a short number or a phone (a SIP endpoint).
Minutes = Annotated[int, Parameter(validator=Number(gte=1, lte=720))]


@app.command(name="list")
def list_() -> None:
    """Each desk with its members: who is there, and who isn't, until when; and who takes over where nobody is."""
    from router.calls.presence import takeover, who_is_at

    settings = load_settings()
    table, presences = with_database(settings, lambda db: _known(db, settings))
    now = datetime.now(UTC)
    for desk in sorted(table.desks.values(), key=lambda desk: desk.name):
        there = len(who_is_at(desk, table, presences, now))
        _say(f"{desk.name}{' (safety net)' if desk.safety_net else ''}: {there} of {len(desk.members)}", style="bold")
        for member in desk.members:
            if member in table.people:
                _say(f"  {_standing(table.people[member], table, presences, now)}")
        if not there:
            _say(f"  {takeover(desk, table, presences, now)}", style="red")
    seated = {member for desk in table.desks.values() for member in desk.members}
    others = [person for person in table.people.values() if person.id not in seated]
    if others:
        _say("At no desk:", style="bold")
    for person in sorted(others, key=lambda person: person.name):
        _say(f"  {_standing(person, table, presences, now)}")


@app.command
def sign_in(person: str, /) -> None:
    """Let this person's phones ring at their desks again. A pause ends as well.

    Parameters
    ----------
    person
        A name, a short number or a phone.
    """
    from router.calls.presence import sign_in

    _change(person, sign_in)


@app.command
def sign_out(person: str, /) -> None:
    """Let this person's phones ring at no desk, until they sign in. Says which desk takes over if nobody is left.

    Parameters
    ----------
    person
        A name, a short number or a phone.
    """
    from router.calls.presence import sign_out

    _change(person, sign_out)


@app.command
def pause(person: str, /, *, minutes: Minutes) -> None:
    """Let this person's phones ring at no desk for some minutes.

    Parameters
    ----------
    person
        A name, a short number or a phone.
    minutes
        For how long, from now on: at most 720.
    """
    from router.calls.presence import pause

    _change(person, lambda before, now: pause(before, minutes, now))


@app.command
def resume(person: str, /) -> None:
    """End this person's pause.

    Parameters
    ----------
    person
        A name, a short number or a phone.
    """
    from router.calls.presence import resume

    _change(person, resume)


@app.command
def away(person: str, /, *, until: str) -> None:
    """Let the table say that this person is away: no call comes to them, at no desk and by no account.

    Parameters
    ----------
    person
        A name, a short number or a phone.
    until
        When they are back, by the company's clock: 14:30 (the next time it is), 2026-12-01, or 2026-12-01T08:00.
    """
    settings = load_settings()
    _change_table(person, instant_meant(until, settings, datetime.now(UTC), "--until"), settings)


@app.command
def back(person: str, /) -> None:
    """End this person's absence.

    Parameters
    ----------
    person
        A name, a short number or a phone.
    """
    _change_table(person, None, load_settings())


def _change(text: str, change: Callable[["Presence", datetime], "Presence"]) -> None:
    from router.calls.presence import presence_of
    from router.routing.people import person_meant
    from router.storage.presence import save_presences

    settings, now = load_settings(), datetime.now(UTC)

    async def run(db: Database) -> "Outcome":
        table, presences = await _known(db, settings)
        person = person_meant(text, table)
        before = presence_of(person.id, presences, now)
        after = change(before, now)
        if after != before:
            await save_presences(db, [after])
        return person, table, {**presences, person.id: after}

    _told(settings, run, now)


def _change_table(text: str, until: datetime | None, settings: Settings) -> None:
    from router.changes.absence import say_away
    from router.routing.people import person_meant

    now = datetime.now(UTC)

    async def run(db: Database) -> "Outcome":
        table, presences = await _known(db, settings)
        async with open_door(db, settings) as (door, publisher):
            person = await say_away(door, person_meant(text, table).id, until, by_command(), now)
            return person, publisher.table or table, presences

    _told(settings, run, now)


async def _known(db: Database, settings: Settings) -> "tuple[Table, Presences]":
    from router.storage.presence import load_presences

    return await newest_table(db, settings), await load_presences(db)


def _told(settings: Settings, run: "Callable[[Database], Coroutine[Any, Any, Outcome]]", now: datetime) -> None:
    """Do this, and say how the person stands now and who takes over where nobody is left; or why it can't be done."""
    from router.calls.presence import takeovers
    from router.changes.faults import ChangeRefused
    from router.routing.people import NobodyMeant

    try:
        person, table, presences = with_database(settings, run)
    except NobodyMeant as nobody:
        fail(str(nobody), code=2)
    except ChangeRefused as refusal:
        fail(str(refusal))
    _say(f"{_standing(person, table, presences, now)}.")
    for sentence in takeovers(person.id, table, presences, now):
        _say(sentence, style="red")


def _standing(person: "Person", table: "Table", presences: "Presences", now: datetime) -> str:
    from router.calls.presence import whereabouts, why_not_there

    why = why_not_there(person, table, presences, now)
    return f"{person.name} {whereabouts(why, ZoneInfo(table.time_zone), now)}"


def _say(sentence: str, style: str | None = None) -> None:
    out.print(sentence, style=style, highlight=False, soft_wrap=True, markup=False)
