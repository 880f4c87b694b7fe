"""Who ends up answering a call, given who is there and whose phone is in use?

A plan says whom the PBX tries, in which order. Whether they can answer is found out while it rings; this says it
beforehand, of people's presence or of what is assumed. What is decided is decided by `decide`, as for real calls: that
somebody is away is said by the table that it is given.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from enum import StrEnum
from typing import Any, assert_never

from router.calls.presence import Presences, whereabouts, who_is_at, why_not_there
from router.routing.configuration import Put
from router.routing.decide import CallFacts, Decision, decide
from router.routing.explain import instant, on_one_line
from router.routing.model import Person, PersonState, Phone
from router.routing.plan import Plan, Promise, RingDesk, RingPerson, Step
from router.routing.table import Table

NOBODY_SAYS: Presences = {}  # where nobody has said anything everybody counts as signed in


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """Let these people be away, these phones (endpoints, or numbers of external ones) in use, nobody at these desks."""

    away: frozenset[int] = frozenset()
    busy: frozenset[str] = frozenset()
    empty_desks: frozenset[int] = frozenset()


NONE = Assumptions()


class Fate(StrEnum):
    """What becomes of a step: rings · waits: for the first who is free · passed_over · promised · not_reached."""

    RINGS = "rings"
    WAITS = "waits"
    PASSED_OVER = "passed_over"
    PROMISED = "promised"
    NOT_REACHED = "not_reached"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One step of the plan and what becomes of it; `people` are those who can answer it. The last resort has none."""

    step: Step | str
    fate: Fate
    people: tuple[Person, ...] = ()
    absent: tuple[str, ...] = ()  # of a desk's members who isn't there, each with why


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """A decision, what becomes of each of its steps, and the one at which somebody answers (None: callers wait)."""

    decision: Decision
    tried: tuple[Tried, ...]
    answered: Tried | None


def supposing(table: Table, assumptions: Assumptions) -> Table:
    """The same table, in which these people are away. Who has left stays gone. Raises nothing."""
    people = (table.people.get(person) for person in sorted(assumptions.away))
    away = [
        replace(person, state=PersonState.AWAY, away_until=None)
        for person in people
        if person is not None and person.state is not PersonState.LEFT
    ]
    return table.with_changes([Put(entity=person) for person in away], version=table.version) if away else table


def who_answers(
    call: CallFacts, table: Table, presences: Presences, assumptions: Assumptions, now: datetime, zone: tzinfo
) -> Answering:
    """Decide this call as if the assumptions held, and follow its plan to whoever can answer. Raises nothing."""
    as_if = supposing(table, assumptions)
    decision = decide(call, as_if, now)
    tried: list[Tried] = []
    answered: Tried | None = None
    for step in _in_turn(decision.plan):
        if answered is not None:
            tried.append(Tried(step=step, fate=Fate.NOT_REACHED))
            continue
        tried.append(_tried(step, as_if, presences, assumptions, now, zone))
        if tried[-1].fate is not Fate.PASSED_OVER:
            answered = tried[-1]
    return Answering(decision=decision, tried=tuple(tried), answered=answered)


def _in_turn(plan: Plan) -> Iterator[Step | str]:
    yield from plan.steps
    if plan.last_resort is not None and not isinstance(plan.steps[-1], Promise):
        yield plan.last_resort


def _tried(
    step: Step | str, table: Table, presences: Presences, assumptions: Assumptions, now: datetime, zone: tzinfo
) -> Tried:
    match step:
        case RingPerson(person=person, phones=phones):
            if not _free(phones, assumptions):
                return Tried(step=step, fate=Fate.PASSED_OVER)
            return Tried(step=step, fate=Fate.RINGS, people=(table.people[person],))
        case RingDesk(desk=desk):
            if desk in assumptions.empty_desks:
                return Tried(step=step, fate=Fate.PASSED_OVER)
            here = who_is_at(table.desks[desk], table, presences, now)
            absent = tuple(_absent(desk, table, presences, now, zone))
            if not here:
                return Tried(step=step, fate=Fate.PASSED_OVER, absent=absent)
            free = tuple([one for one in here if _free(one.phones, assumptions)])
            fate = Fate.RINGS if free else Fate.WAITS
            return Tried(step=step, fate=fate, people=free or here, absent=absent)
        case Promise():
            return Tried(step=step, fate=Fate.PROMISED)
        case str():
            busy = step in assumptions.busy
            return Tried(step=step, fate=Fate.PASSED_OVER if busy else Fate.RINGS)
        case _:
            assert_never(step)


def _free(phones: Iterable[Phone], assumptions: Assumptions) -> bool:
    """Whether one of them can be rung: none that is in use, unless its person allows call waiting."""
    return any(phone.call_waiting or (phone.endpoint or phone.number) not in assumptions.busy for phone in phones)


def _absent(desk: int, table: Table, presences: Presences, now: datetime, zone: tzinfo) -> Iterator[str]:
    for member in table.desks[desk].members:
        person = table.people.get(member)
        if person is not None and (why := why_not_there(person, table, presences, now)) is not None:
            yield f"{person.name} {whereabouts(why, zone, now)}"


# ── How it is said ───────────────────────────────────────────────────────────────────────────────────────────────────


def told(answering: Answering, zone: tzinfo) -> list[str]:
    """Each step that is reached, and what becomes of it; the last sentence says who ends up answering."""
    reached = [one for one in answering.tried if one.fate is not Fate.NOT_REACHED]
    return [on_one_line(f"{_said(one, zone)}.") for one in reached] + [ending(answering)]


def ending(answering: Answering) -> str:
    """Who ends up answering, as a sentence."""
    answered = answering.answered
    if answered is None:
        return "Nobody can answer: callers wait with music until somebody is there, for at most half an hour."
    who = " or ".join(person.name for person in answered.people)
    match answered.step, answered.fate:
        case Promise(), _:
            return "In the end nobody answers: callers are promised a call back."
        case str() as number, _:
            return f"In the end {number} is rung, the last resort."
        case RingDesk(name=name), Fate.WAITS:
            return on_one_line(f"In the end {who} answers, whoever is free first, at the desk {name}.")
        case RingDesk(name=name), _:
            return on_one_line(f"In the end {who} answers, at the desk {name}.")
        case RingPerson(), _:
            return on_one_line(f"In the end {who} answers.")
        case _:
            raise AssertionError(answered)


def as_json(answering: Answering, zone: tzinfo) -> dict[str, Any]:
    """What becomes of each step, and who ends up answering, ready for JSON. Raises nothing."""
    answered = answering.answered
    return {
        "walk": [_as_data(nth, one, zone) for nth, one in enumerate(answering.tried, start=1)],
        "answered_by": {
            "step": None if answered is None else answering.tried.index(answered) + 1,
            "kind": "nobody" if answered is None else _kind(answered.step),
            "people": _people(answered),
            "sentence": ending(answering),
        },
    }


def _as_data(nth: int, tried: Tried, zone: tzinfo) -> dict[str, Any]:
    reached = tried.fate is not Fate.NOT_REACHED
    return {
        "step": nth,
        "kind": _kind(tried.step),
        "name": tried.step if isinstance(tried.step, str) else tried.step.name,
        "fate": tried.fate.value,
        "people": _people(tried),
        "sentence": on_one_line(f"{_said(tried, zone)}.") if reached else "",
    }


def _people(tried: Tried | None) -> list[dict[str, Any]]:
    return [] if tried is None else [{"id": person.id, "name": person.name} for person in tried.people]


def _kind(step: Step | str) -> str:
    match step:
        case RingPerson():
            return "person"
        case RingDesk():
            return "desk"
        case Promise():
            return "promise"
        case str():
            return "last_resort"
        case _:
            assert_never(step)


def _said(tried: Tried, zone: tzinfo) -> str:
    names = ", ".join(person.name for person in tried.people)
    absent = f" ({'; '.join(tried.absent)})" if tried.absent else ""
    match tried.step, tried.fate:
        case RingPerson(name=name, seconds=seconds), Fate.RINGS:
            return f"{name} rings for {seconds} s"
        case RingPerson(name=name), _:
            return f"{name} is on the phone and passed over"
        case RingDesk(name=name), Fate.RINGS:
            return f"At the desk {name} {names} can answer{absent}"
        case RingDesk(name=name, seconds=seconds), Fate.WAITS:
            return f"At the desk {name} everybody is on the phone ({names}): callers wait there, at most {seconds} s"
        case RingDesk(name=name), _:
            return f"At the desk {name} is nobody, so it is passed over{absent}"
        case Promise(due_after_opening=opens), _:
            return f"Callers hear that somebody will call back{f' after {instant(opens, zone)}' if opens else ''}"
        case str() as number, Fate.RINGS:
            return f"{number} is rung, the last resort"
        case str() as number, _:
            return f"{number}, the last resort, is in use"
        case _:
            raise AssertionError(tried)
