"""What do we owe callers, and what has somebody done about it, from the command line?"""

from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, TypeVar
from zoneinfo import ZoneInfo

from cyclopts import App, Parameter
from rich.text import Text

from router.commands.console import fail, newest_table, out, with_database
from router.settings import Settings, load_settings
from router.storage.database import Database

if TYPE_CHECKING:
    from router.commitments.commitment import Commitment
    from router.commitments.events import Event
    from router.commitments.ledger import Outcome
    from router.routing.model import Person
    from router.routing.table import Table
    from router.storage.commitments import Entry, Keeper

app = App(name="commitments", help="What we owe callers who reached nobody: who owes it, and until when.")

CALLS_SHOWN = 3  # of one commitment, the latest

T = TypeVar("T")


@app.command(name="list")
def list_(*, all: Annotated[bool, Parameter(negative=())] = False) -> None:
    """What is owed, the first that is due first; red is late.

    Parameters
    ----------
    all
        Also what is kept or void, with the call that kept it or the reason.
    """
    from router.storage.commitments import list_entries

    settings = load_settings()
    entries, table = _with_table(settings, lambda db, _: list_entries(db, over=all))
    if not entries:
        out.print("Nothing is owed to anybody.")
    for entry in entries:
        for line in lines_of(entry, table, ZoneInfo(settings.time_zone), datetime.now(UTC)):
            out.print(line, soft_wrap=True)


@app.command
def claim(commitment: int, *, by: str) -> None:
    """Say that you will see to it. Of two who claim at once one has it, and the other learns who.

    Parameters
    ----------
    commitment
        Its number, as `list` shows it.
    by
        Who will see to it: a name, a short number or a phone.
    """
    from router.commitments.events import Claimed

    _do(commitment, lambda table, now: Claimed(by=_person(by, table).id, at=now), "is yours")


@app.command
def call(commitment: int, *, by: str = "") -> None:
    """Call the customer back now: your phone rings; when you have taken it, the customer's does, and sees our line.

    Carried out by the running router. A talk that is long enough keeps the commitment, an attempt that reached nobody
    is counted and the next is planned.

    Parameters
    ----------
    commitment
        Its number, as `list` shows it.
    by
        Who calls: a name, a short number or a phone; who owns the commitment, when it isn't given.
    """
    from router.commands.calling_back import call_back

    call_back(load_settings(), commitment, by)


@app.command
def tried(commitment: int) -> None:
    """Say that you called and reached nobody: it stays open, and its owner is reminded to try again.

    Parameters
    ----------
    commitment
        Its number, as `list` shows it.
    """
    from router.commitments.events import Tried

    _do(commitment, lambda _, now: Tried(at=now), "will be tried again")


@app.command
def keep(commitment: int, *, by: str, call: str | None = None, note: str = "") -> None:
    """Say that it is done. A talk of 20 s with the customer on one of our lines does it by itself.

    Parameters
    ----------
    commitment
        Its number, as `list` shows it.
    by
        Who did it: a name, a short number or a phone.
    call
        The id of the call in which it was done, if it was one of ours.
    note
        What came of it.
    """
    from router.commitments.events import Kept

    _do(commitment, lambda table, now: Kept(by=_person(by, table).id, call_id=call, note=note, at=now), "is kept")


@app.command
def void(commitment: int, *, reason: str) -> None:
    """Say why nobody has to do it.

    Parameters
    ----------
    commitment
        Its number, as `list` shows it.
    reason
        Why; it stays on record.
    """
    from router.commitments.events import Voided

    _do(commitment, lambda _, now: Voided(reason=reason, at=now), "is void")


@app.command
def promise(call: str, *, note: str, by: str = "", due: datetime | None = None) -> None:
    """Put down what somebody has promised a caller in a call.

    Parameters
    ----------
    call
        The id of the call, as `router calls` shows it.
    note
        What was promised.
    by
        Who promised it; who had the call last, when it isn't given.
    due
        Until when, by the company's clock unless it says otherwise; else as soon as after a missed call.
    """
    from router.commitments.events import Promised
    from router.storage.ended_calls import party_of
    from router.storage.records import recorded_call

    settings = load_settings()
    zone = ZoneInfo(settings.time_zone)
    due_at = None if due is None else (due if due.tzinfo else due.replace(tzinfo=zone)).astimezone(UTC)

    async def work(db: Database, table: "Table") -> "Outcome":
        record = await recorded_call(db, call)
        if record is None:
            fail(f"there is no call {call}: `router calls` shows them")
        person = _person(by, table).id if by else record.owner or record.taken_by
        if person is None:
            fail("nobody of ours is known to have had this call: say with --by who promised it")
        now = datetime.now(UTC)
        event = Promised(call_id=call, party=party_of(record, table), by=person, due_at=due_at, note=note, at=now)
        return await _keeper(settings).promise(db, event, table)

    outcome, table = _with_table(settings, work)
    _tell(outcome, table, zone, "is promised")


def _do(commitment: int, event_of: "Callable[[Table, datetime], Event]", done: str) -> None:
    settings = load_settings()

    def work(db: Database, table: "Table") -> "Awaitable[Outcome]":
        return _keeper(settings).do(db, commitment, event_of(table, datetime.now(UTC)), table)

    outcome, table = _with_table(settings, work)
    _tell(outcome, table, ZoneInfo(settings.time_zone), done)


def _tell(outcome: "Outcome", table: "Table", zone: ZoneInfo, done: str) -> None:
    from router.commitments.facts import facts_of, refusal_in_words
    from router.commitments.ledger import Changed, Unchanged

    match outcome:
        case Changed(commitment=commitment):
            facts = facts_of(commitment, table)
            words = f"Commitment {commitment.id} {done}: {facts.who}, {facts.caller or 'number withheld'}"
            due = "" if commitment.over else f", due {_wall(commitment.due_at, zone)}, {facts.owner}"
            out.print(f"{words}{due}.", highlight=False, soft_wrap=True, markup=False)
        case Unchanged():
            out.print("It stands so already.")
        case refusal:
            fail(refusal_in_words(refusal, table))


def lines_of(entry: "Entry", table: "Table", zone: ZoneInfo, now: datetime) -> Iterator[Text]:
    """Two lines: what has to be done until when by whom for whom, and what is known of it."""
    from router.commitments.facts import facts_of

    commitment = entry.commitment
    facts = facts_of(commitment, table)
    late = not commitment.over and commitment.due_at <= now
    when = f"due {_wall(commitment.due_at, zone)}{_late(now - commitment.due_at) if late else ''}"
    if commitment.over:
        when = f"{commitment.state.value} {_wall(commitment.closed_at or commitment.due_at, zone)}"
    yield Text.assemble(
        f"{commitment.id:>5}  ",
        (f"{when:<28}", "bold red" if late else "dim" if commitment.over else "green"),
        (f"  {facts.owner:<20}", "bold"),
        f"  {facts.who}",
        f"  {facts.caller}" if facts.caller != facts.who else "",
        (f"  ×{commitment.urgency}" if commitment.urgency > 1 else "", "bold yellow"),
        "  claimed" if commitment.state.value == "claimed" else "",
    )
    yield Text("       " + " · ".join(_details(entry, facts.why, facts.line, zone)), style="dim")


def _details(entry: "Entry", why: str, line: str, zone: ZoneInfo) -> Iterator[str]:
    commitment: Commitment = entry.commitment
    yield f"{why}, {line}"
    if commitment.attempts:
        again = commitment.try_again_at
        yield f"tried {commitment.attempts}×" + (f", again at {_wall(again, zone)}" if again else "")
    if entry.calls:
        more = len(entry.calls) - CALLS_SHOWN
        yield "calls " + ", ".join(entry.calls[-CALLS_SHOWN:]) + (f" and {more} before" if more > 0 else "")
    if commitment.kept_by_call:
        yield f"kept by call {commitment.kept_by_call}"
    if commitment.void_reason:
        yield f"void: {commitment.void_reason}"
    if commitment.note:
        yield " / ".join(commitment.note.splitlines())


def _wall(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%d %b %H:%M")


def _late(by: timedelta) -> str:
    minutes = int(by.total_seconds() // 60)
    return f", {minutes} min late" if minutes < 120 else f", {minutes // 60} h late"


def _person(said: str, table: "Table") -> "Person":
    from router.routing.people import NobodyMeant, person_meant

    try:
        return person_meant(said, table)
    except NobodyMeant as nobody:
        fail(str(nobody), code=2)


def _keeper(settings: Settings) -> "Keeper":
    from router.storage.commitments import Keeper

    return Keeper(terms=settings.commitment.terms(), mails=bool(settings.mail.host))


def _with_table(settings: Settings, work: "Callable[[Database, Table], Awaitable[T]]") -> "tuple[T, Table]":
    """What the work on the database gives, and the table of now."""

    async def run(db: Database) -> "tuple[T, Table]":
        table = await newest_table(db, settings)
        return await work(db, table), table

    return with_database(settings, run)
