"""What can be wrong with a table, and how do we say it?

A problem carries the way there: a call that meets it, as `decide` answers it. What costs nobody a person, but should be
known, is a warning.
"""

from dataclasses import dataclass, fields
from datetime import UTC, datetime, tzinfo
from typing import Any, assert_never

from router.routing.decide import Decision
from router.routing.explain import as_data, instant, on_one_line, sentences
from router.routing.model import CallerKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How callers come there: the first call that was found to, of perhaps many."""

    decision: Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadEnd:
    """Nobody at the safety net can be rung: every call that nobody else takes ends there."""

    desk: str
    since: datetime
    way: Way


@dataclass(frozen=True, slots=True, kw_only=True)
class LeansOnOne:
    """One person alone answers at the safety net: when that one is absent too, nobody does.

    `for_now`: others sit there as well, but are away or leave; that is a warning.
    """

    desk: str
    person: str
    since: datetime
    for_now: bool
    way: Way


@dataclass(frozen=True, slots=True, kw_only=True)
class EmptyDesk:
    """Calls are led to a desk where nobody works (any more) who has a phone; they pass it by."""

    desk: str
    way: Way


@dataclass(frozen=True, slots=True, kw_only=True)
class Circle:
    """Desks lead to each other in a circle (`desk` is where it closes), or covers do (`person` is whose)."""

    desk: str = ""
    person: str = ""
    way: Way


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftPerson:
    """Calls are led to somebody who has left, and nobody has taken over.

    `wanted_as` says as what. It is a warning when they were only to stand in, and as long as they are still there.
    """

    id: int
    person: str
    wanted_as: str
    since: datetime
    stands_in: bool
    still_here: bool
    way: Way


@dataclass(frozen=True, slots=True, kw_only=True)
class UnusablePhone:
    """Calls are led to somebody without a phone that may be rung; a warning when they only stand in.

    `not_allowed`: there are external phones, at numbers that ROUTER_EXTERNAL_PREFIXES doesn't allow.
    """

    person: str
    wanted_as: str
    not_allowed: bool
    stands_in: bool
    way: Way


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnNumber:
    """An external number is one of our own lines: ringing it would only bring the call back to us."""

    whose: str
    number: str
    line: str
    way: Way | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndlessOverride:
    """An override that will not end: what it says ought to stand in the hours."""

    of: str
    ends_at: datetime
    why: str
    way: Way | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NeverOpens:
    """Hours that don't open once in the coming year. Callers only hear promises, or a person is never rung.

    `of` is the line, the desk or the person. `waits`: the safety net takes the calls meanwhile, so it is a warning.
    """

    hours: str
    of: str
    waits: bool
    way: Way


Problem = (
    DeadEnd | LeansOnOne | EmptyDesk | Circle | LeftPerson | UnusablePhone | OwnNumber | EndlessOverride | NeverOpens
)


def is_warning(problem: Problem) -> bool:
    """Whether every caller still finds a person as the table means it, so that this can wait."""
    match problem:
        case LeansOnOne(for_now=True) | NeverOpens(waits=True):
            return True
        case LeftPerson(stands_in=stands_in, still_here=still_here):
            return stands_in or still_here
        case UnusablePhone(stands_in=stands_in):
            return stands_in
        case _:
            return False


def alike(problem: Problem) -> tuple[Any, ...]:
    """What makes two problems the same, in one table or in two: all but the way, and since when."""
    told = (field.name for field in fields(problem) if field.name not in ("way", "since"))
    return (type(problem).__name__, *(getattr(problem, name) for name in told))


def say(problem: Problem, zone: tzinfo = UTC) -> str:
    """The problem and what to do about it, as one sentence."""
    return on_one_line(_said(problem, zone))


def path(problem: Problem, zone: tzinfo = UTC) -> list[str]:
    """The way there in words: which call, and the reasons of its decision in order; empty when no call gets there."""
    if problem.way is None:
        return []
    decision = problem.way.decision
    line = f"{decision.dialled} ({decision.line.label})" if decision.line else f"{decision.dialled}, which is no line"
    call = f"{_caller(decision)} calls {line} at {instant(decision.decided_at, zone)}."
    return [on_one_line(call[0].upper() + call[1:]), *sentences(decision, zone)]


def as_json(problem: Problem, zone: tzinfo = UTC) -> dict[str, Any]:
    """The problem with its facts, its sentence and its path, ready for JSON."""
    facts = {field.name: as_data(getattr(problem, field.name)) for field in fields(problem) if field.name != "way"}
    return {
        "problem": type(problem).__name__,
        "warning": is_warning(problem),
        "sentence": say(problem, zone),
        "path": path(problem, zone),
        **facts,
    }


def _said(problem: Problem, zone: tzinfo) -> str:
    match problem:
        case DeadEnd(desk=desk, since=since):
            return (
                f"from {instant(since, zone)} on nobody can be rung at the safety net {desk}: give it a member who can"
            )
        case LeansOnOne(desk=desk, person=person, for_now=False):
            return (
                f"only {person} answers at the safety net {desk}: give it a second member, for when {person} is absent"
            )
        case LeansOnOne(desk=desk, person=person, since=since):
            return (
                f"from {instant(since, zone)} on only {person} is left at the safety net {desk}, the others are absent"
            )
        case EmptyDesk(desk=desk):
            return f"calls are led to desk {desk}, where nobody works who has a phone: give it members, or lead them on"
        case Circle(desk=desk) if desk:
            return f"desks lead in a circle that closes at desk {desk}: let one of them lead somewhere else"
        case Circle(person=person):
            return (
                f"who answers for {person} can't be told, the covers lead in a circle or too far: let one of them end"
            )
        case LeftPerson(person=person, wanted_as=wanted_as, since=since, still_here=still_here):
            when = f"leaves on {instant(since, zone)}" if still_here else "has left"
            return f"{person} {when} and is {wanted_as}: name somebody else, or a cover without end as successor"
        case UnusablePhone(person=person, wanted_as=wanted_as, not_allowed=True):
            return (
                f"{person} is {wanted_as}, but has external phones only, at numbers that ROUTER_EXTERNAL_PREFIXES"
                " doesn't allow"
            )
        case UnusablePhone(person=person, wanted_as=wanted_as):
            return f"{person} is {wanted_as}, but has no phone that can be rung: give them one, or enable it"
        case OwnNumber(whose=whose, number=number, line=line):
            return f"the number {number} of {whose} is our own line {line}: a call there comes back to us; correct it"
        case EndlessOverride(of=of, ends_at=ends_at):
            return f"the override of {of} doesn't end before {ends_at.year}: let it end, or change the hours instead"
        case NeverOpens(hours=hours, of=of, waits=True):
            return f"the hours {hours!r} of {of} don't open within a year, so the safety net takes every call"
        case NeverOpens(hours=hours, of=of):
            return f"the hours {hours!r} of {of} don't open within a year: give them opening times"
        case _:
            assert_never(problem)


def _caller(decision: Decision) -> str:
    match decision.caller_kind:
        case CallerKind.KNOWN:
            return decision.account.name if decision.account else "a customer"
        case CallerKind.UNKNOWN:
            return "an unknown caller"
        case CallerKind.WITHHELD:
            return "a caller who hides the number"
        case _:
            assert_never(decision.caller_kind)
