"""Who leaves, who takes over what, and who answers for whom meanwhile, from the command line?"""

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

from cyclopts import Parameter

from router.commands.console import by_command, fail, instant_meant, newest_table, open_door, out, with_database
from router.routing.model import CoverScope
from router.settings import Settings, load_settings
from router.storage.database import Database

if TYPE_CHECKING:
    from router.changes.leaving import Agreed
    from router.changes.successors import Successors
    from router.routing.table import Table

Flag = Annotated[bool, Parameter(negative=())]

NOBODY = "nobody"

T = TypeVar("T")


def leave(
    person: str = "",
    /,
    *,
    to: str = "",
    give: tuple[str, ...] = (),
    at: str = "",
    yes: Flag = False,
    undo: Flag = False,
    list_: Annotated[bool, Parameter(name="--list", negative=())] = False,
) -> None:
    """Let somebody leave: list every place in which they act and where it goes; with --yes do it, as one change.

    Parameters
    ----------
    person
        Who leaves: a name, a short number or a phone.
    to
        Who takes over everything that nothing else is said of, save seats at desks, which are given up.
    give
        One kind of places, or one place, to somebody else: accounts=LENA, jobs:3=KARL, leads=nobody. Kinds are lines,
        sold, accounts, deputies, jobs, rules, covers, seats, leads, commitments. Can be given more than once.
    at
        When, by the company's clock: 16:00 (the next time it is), 2026-12-01, or 2026-12-01T08:00. Without it: now.
    yes
        Do it. Without it nothing is changed.
    undo
        Instead: they stay after all, and everything is as it was before.
    list_
        Instead: who is to leave and who has left, and in red what came in meanwhile and nobody was found for.
    """
    from router.changes.leaving import Leavings
    from router.routing.people import person_meant

    settings, now = load_settings(), datetime.now(UTC)
    if list_:
        _list(settings)
        return
    if not person:
        fail("who leaves? name them, or see with --list who does", code=2)
    when = instant_meant(at, settings, now, "--at") if at else None

    async def run(db: Database) -> "tuple[Agreed | None, Table]":
        table = await newest_table(db, settings)
        async with open_door(db, settings) as (door, _):
            leaver, leavings = person_meant(person, table), Leavings(db, door)
            if undo:
                await leavings.undo(leaver.id, by_command(), now)
                return None, table
            said = _successors(to, give, table)
            does = leavings.leave if yes else leavings.preview
            return await does(leaver.id, when, said, by_command(), now), table

    agreed, table = _done(run)
    if agreed is None:
        out.print("They stay: everything is as it was before.")
        return
    if not _told(agreed, table, ZoneInfo(settings.time_zone), yes=yes):
        fail("This would be refused: say more with --to and --give.")


def cover(
    person: str,
    /,
    *,
    by: str = "",
    by_desk: str = "",
    from_: Annotated[str, Parameter(name="--from")] = "",
    until: str = "",
    scope: CoverScope = CoverScope.ALL,
    reason: str = "",
    ends_others: Flag = False,
    dry_run: Flag = False,
    end: Flag = False,
) -> None:
    """Let somebody else answer for a person from … until …, and say what comes to them meanwhile.

    Parameters
    ----------
    person
        Who is away: a name, a short number or a phone.
    by
        Who answers.
    by_desk
        The desk that answers, instead of a person.
    from_
        From when on, by the company's clock: 14:30 (the next time it is), 2026-12-01, or 2026-12-01T08:00; else now.
    until
        When they are back.
    scope
        For what: their lines, their accounts, their commitments, or all of it.
    reason
        Why, for whoever asks.
    ends_others
        End a cover of theirs that overlaps; else it is refused.
    dry_run
        Only say what it would be.
    end
        Instead: they are back, so what counts now ends.
    """
    from router.changes.calendar import CoverFields
    from router.changes.covering import cover as let_cover
    from router.changes.covering import end_cover, preview
    from router.routing.people import desk_meant, person_meant

    settings, now = load_settings(), datetime.now(UTC)
    zone = ZoneInfo(settings.time_zone)
    if not end and (not until or bool(by) == bool(by_desk)):
        fail("who answers, and until when? give --by PERSON or --by-desk DESK, and --until", code=2)
    starts_at = instant_meant(from_, settings, now, "--from") if from_ else now
    ends_at = instant_meant(until, settings, now, "--until") if until else None

    async def run(db: Database) -> list[str]:
        table = await newest_table(db, settings)
        async with open_door(db, settings) as (door, _):
            away = person_meant(person, table)
            if end:
                ended = await end_cover(door, away.id, by_command(), now)
                return [f"{away.name} answers again ({len(ended)} covers ended)."]
            fields = CoverFields.model_construct(
                person=away.id,
                by_person=person_meant(by, table).id if by else None,
                by_desk=desk_meant(by_desk, table).id if by_desk else None,
                scope=scope,
                starts_at=starts_at,
                ends_at=ends_at,
                reason=reason,
            )
            does = preview if dry_run else let_cover
            covered = await does(door, fields, by_command(), now, zone, ends_others=ends_others)
            return [*covered.sentences, *(f"refused: {one.sentence}" for one in covered.nowhere)]

    for sentence in _done(run):
        out.print(sentence, highlight=False, soft_wrap=True, markup=False)


def _list(settings: Settings) -> None:
    from router.commitments.facts import person_name
    from router.storage.leaving_schema import LeavingState
    from router.storage.leavings import KeptLeaving, latest

    async def load(db: Database) -> "tuple[list[KeptLeaving], Table]":
        return await latest(db), await newest_table(db, settings)

    found, table = with_database(settings, load)
    if not found:
        out.print("Nobody is to leave, and nobody has left.")
    for one in found:
        at = one.at.astimezone(ZoneInfo(settings.time_zone))
        verb = "leaves on" if one.state is LeavingState.PLANNED else "has left on"
        said = f"{person_name(one.person, table)} {verb} {at:%d %b %Y %H:%M}, as {one.asked_by['actor']} asked for"
        out.print(said, highlight=False, soft_wrap=True, markup=False)
        for behind in one.left_behind:
            out.print(f"  left behind: {behind}", style="red", highlight=False, soft_wrap=True, markup=False)


def _done(run: Callable[[Database], Coroutine[Any, Any, T]]) -> T:
    """What came of it; or why not, as the end."""
    from router.changes.faults import ChangeRefused
    from router.routing.people import NobodyMeant

    try:
        return with_database(load_settings(), run)
    except NobodyMeant as nobody:
        fail(str(nobody), code=2)
    except ChangeRefused as refusal:
        fail(str(refusal))


def _successors(to: str, give: tuple[str, ...], table: "Table") -> "Successors":
    from pydantic import ValidationError

    from router.changes.successors import Successors
    from router.routing.people import person_meant

    def meant(text: str) -> int | None:
        return None if text.strip().casefold() == NOBODY else person_meant(text, table).id

    said: dict[str, Any] = {"all": meant(to)} if to else {}
    each = []
    for one in give:
        where, equals, whom = one.partition("=")
        kind, colon, identity = where.partition(":")
        if not equals or (colon and not identity.isdecimal()):
            fail(f"--give {one!r}: write KIND=PERSON or KIND:ID=PERSON, such as accounts=Lena or jobs:3=Karl", code=2)
        if colon:
            each.append({"kind": kind, "id": int(identity), "to": meant(whom)})
        else:
            said[kind] = meant(whom)
    try:
        return Successors.model_validate(said | {"each": each})
    except ValidationError as fault:
        told = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in fault.errors())
        fail(f"--give can't be so: {told}", code=2)


def _told(agreed: "Agreed", table: "Table", zone: ZoneInfo, *, yes: bool) -> bool:
    """Say where everything goes, and whether it could be so."""
    from router.changes.places import said_of
    from router.commitments.facts import person_name

    for place in agreed.places:
        style = None if place.settled else "red"
        sentence = said_of(place, lambda one: person_name(one, table))
        out.print(f"  {sentence}", style=style, highlight=False, soft_wrap=True, markup=False)
    for end in agreed.nowhere:
        out.print(f"  {end.sentence}", style="red", highlight=False, soft_wrap=True, markup=False)
    right = not agreed.nowhere and all(place.settled for place in agreed.places)
    when = agreed.at.astimezone(zone).strftime("%d %b %Y %H:%M")
    count = f"{len(agreed.places)} places go as above"
    if yes:
        verb = "has left" if agreed.state.value == "done" else f"leaves on {when}"
        out.print(f"{agreed.name} {verb}; {count}.", style="bold", highlight=False, soft_wrap=True)
    elif right:
        out.print(
            f"{agreed.name} would leave on {when}; {count}. Nothing is changed yet: --yes does it.",
            style="bold",
            highlight=False,
            soft_wrap=True,
        )
    return right
