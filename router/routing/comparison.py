"""Which calls would go elsewhere by another table?

Both tables are asked about every kind of call that the change can touch (touched.py), at every instant that makes a
difference to either of them, as when problems are looked for (questions.py). What is compared is where `decide` leads
the call: who rings, at which desk, and who sits there as far as the table tells; not why, and not what anything is
called.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from typing import Any, assert_never

from router.routing.decide import CallFacts, Decision, decide
from router.routing.explain import as_data, instant, on_one_line, sentence
from router.routing.hours import zone
from router.routing.model import CallerKind
from router.routing.moments import Moments
from router.routing.plan import Promise, RingDesk, RingPerson, Step
from router.routing.questions import Question, Questions
from router.routing.seats import seated
from router.routing.standing import standing_of
from router.routing.table import Table
from router.routing.touched import Touched

NUMBERS_AT_MOST = 200  # that change hands, of different accounts; whoever moves more knows what they do
NAMED_AT_MOST = 20  # lines, accounts or times in one sentence: more are counted

_SEATS = ("people", "desks", "hours", "covers")  # on which it hangs who sits at a desk

Goes = tuple[object, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One kind of call that goes elsewhere: `before` and `after` are its decisions by either table.

    It stands for `alike` lines or accounts; `when` says what is special about the instant.
    """

    before: Decision
    after: Decision
    alike: int
    when: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Calls that go from the same to the same, at least one; `calls[0]` is the first of them.

    `before` and `after` say where: each step, and who sits at a desk.
    """

    calls: tuple[Call, ...]
    before: str
    after: str


def moves(
    before: Table,
    after: Table,
    now: datetime,
    numbers: Iterable[int] = (),
    only: Callable[[CallFacts], bool] | None = None,
) -> tuple[Move, ...]:
    """All kinds of call of the year from `now` (aware) on that go elsewhere, those that go the same way together.

    `only` such calls are asked about; unless it is told, those that can go elsewhere. `numbers` are those that belong
    to another account afterwards, or to none, or did before. Raises nothing.
    """
    # What is found out about hours ahead is no use to the calls of today, which may be decided meanwhile.
    one, other = (replace(table, _spells={}, _openings={}) for table in (before, after))
    found: dict[tuple[Goes, Goes], list[Call]] = {}
    same_seats = all(getattr(before, name) is getattr(after, name) for name in _SEATS)
    for question in _questions(one, other, now, numbers, only or Touched(before, after).may_go_elsewhere):
        decisions = decide(question.call, one, question.at), decide(question.call, other, question.at)
        plans = decisions[0].plan, decisions[1].plan
        if same_seats and plans[0].steps == plans[1].steps and plans[0].last_resort == plans[1].last_resort:
            continue  # most of them, and who sits at a desk takes longer to find out than where a call is led
        from_, to = goes(decisions[0], one), goes(decisions[1], other)
        if from_ != to:
            call = Call(
                before=decisions[0],
                after=decisions[1],
                alike=question.alike,
                when=_when(decisions[1] if decisions[1].line else decisions[0], other, now),
            )
            found.setdefault((from_, to), []).append(call)
    return tuple(
        [
            Move(calls=tuple(calls), before=_steps(calls[0].before, one), after=_steps(calls[0].after, other))
            for calls in found.values()
        ]
    )


def goes(decision: Decision, table: Table) -> Goes:
    """Where a decision leads: two that are alike in this ring the same phones in the same order."""
    return (*(_goes(step, decision, table) for step in decision.plan.steps), decision.plan.last_resort)


def _goes(step: Step, decision: Decision, table: Table) -> Goes:
    match step:
        case RingPerson(person=person, phones=phones, seconds=seconds):
            return "person", person, seconds, tuple([phone.endpoint or phone.number for phone in phones])
        case RingDesk(desk=desk, seconds=seconds):
            return "desk", desk, seconds, tuple([one.id for one in _at_desk(desk, decision, table)])
        case Promise(due_after_opening=opens):
            return "promise", opens
        case _:
            assert_never(step)


def _at_desk(desk: int, decision: Decision, table: Table) -> Any:
    return seated(table.desks[desk], table, decision.decided_at)


# ── What is asked ────────────────────────────────────────────────────────────────────────────────────────────────────


def _questions(
    before: Table, after: Table, now: datetime, numbers: Iterable[int], only: Callable[[CallFacts], bool]
) -> list[Question]:
    """Each question of either table once, by time; and about the numbers that change hands."""
    minded = _minded(before, after)
    of_tables = []
    for table in (before, after):
        hours = (table.people[person].hours for person in minded if person in table.people)
        moments = Moments(table, now, also=frozenset(one for one in hours if one is not None))
        of_tables.append(Questions(table, now, moments, minded=minded, only=only))
    one, other = of_tables
    one.tell_apart_as(other)
    other.tell_apart_as(one)
    asked = [*one.all(), *other.all()]
    for number in _that_stand_for_all(numbers, before, after):
        for questions in of_tables:
            for call, instants, alike in questions.about_number(number):
                asked += [Question(at, call, alike) for at in instants]
    found = {(question.at, question.call.dialled, question.call.caller.text): question for question in asked}
    return sorted(found.values(), key=lambda question: question.at)


def _minded(before: Table, after: Table) -> frozenset[int]:
    """Of whom it may make a difference at a desk: they change, or their covers, or sit there in one table only."""
    found: set[int] = set()
    if before.people is not after.people:
        both = {*before.people, *after.people}
        found |= {person for person in both if before.people.get(person) != after.people.get(person)}
    if before.covers is not after.covers:
        found |= {cover.person for cover in {*before.covers.values()} ^ {*after.covers.values()}}
    if before.desks is not after.desks:
        for desk in {*before.desks, *after.desks}:
            members = [set(table.desks[desk].members) if desk in table.desks else set() for table in (before, after)]
            found |= members[0] ^ members[1]
    return frozenset(found)


def _that_stand_for_all(numbers: Iterable[int], before: Table, after: Table) -> Iterator[int]:
    """One number for each pair of accounts between which numbers change hands."""
    told: set[tuple[int | None, int | None]] = set()
    for number in numbers:
        pair = before.callers.account_of(number), after.callers.account_of(number)
        if pair[0] != pair[1] and pair not in told and len(told) < NUMBERS_AT_MOST:
            told.add(pair)
            yield number


# ── How it is said ───────────────────────────────────────────────────────────────────────────────────────────────────


def say(move: Move) -> str:
    """Who calls which lines when, where these calls went and where they would go, as one sentence."""
    calls = move.calls
    who = _listed([_who(call) for call in calls])
    lines = _listed([_line(call) for call in calls])
    when = _listed([call.when for call in calls])
    more = max(call.alike for call in calls) - 1
    others = f" (and {more} alike)" if more else ""
    return on_one_line(f"{who}{others} on {lines}, {when}: {move.before} → {move.after}.")


def as_json(move: Move, in_zone: tzinfo = UTC) -> dict[str, Any]:
    """The move as JSON types, with its sentence and a call to ask explain about. Raises nothing."""
    first = move.calls[0]
    return {
        "sentence": say(move),
        "callers": list(dict.fromkeys(_who(call) for call in move.calls))[:NAMED_AT_MOST],
        "lines": list(dict.fromkeys(_line(call) for call in move.calls))[:NAMED_AT_MOST],
        "when": list(dict.fromkeys(call.when for call in move.calls))[:NAMED_AT_MOST],
        "kinds_of_call": len(move.calls),
        "alike": max(call.alike for call in move.calls),
        "example": {
            "caller": first.before.caller.e164 or "withheld",
            "line": first.before.dialled,
            "at": as_data(first.before.decided_at),
        },
        "before": {"steps": _names(first.before), "sentence": sentence(first.before, in_zone)},
        "after": {"steps": _names(first.after), "sentence": sentence(first.after, in_zone)},
    }


def _names(decision: Decision) -> list[str]:
    return [step.name for step in decision.plan.steps]


def _who(call: Call) -> str:
    match call.before.caller_kind if call.after.caller_kind is CallerKind.UNKNOWN else call.after.caller_kind:
        case CallerKind.KNOWN:
            account = call.after.account or call.before.account
            return account.name if account else "a customer"
        case CallerKind.UNKNOWN:
            return "an unknown caller"
        case CallerKind.WITHHELD:
            return "a caller who hides the number"


def _line(call: Call) -> str:
    line = call.after.line or call.before.line
    return f"{line.label} ({line.number})" if line else "a number that is no line"


def _when(decision: Decision, table: Table, now: datetime) -> str:
    at, line = decision.decided_at, decision.line
    if at == now:
        return "now"
    told = instant(at, zone(table.time_zone))
    if line is None:
        return f"such as {told}"
    standing = standing_of(table.lines.get(line.id, line), table, at)
    how = "open" if standing.open else f"closed{f' ({standing.occasion})' if standing.occasion else ''}"
    return f"while {how}, such as {told}"


def _steps(decision: Decision, table: Table) -> str:
    return ", then ".join(_step(step, decision, table) for step in decision.plan.steps)


def _step(step: Step, decision: Decision, table: Table) -> str:
    match step:
        case RingPerson(name=name, seconds=seconds):
            return f"{name} for {seconds} s"
        case RingDesk(name=name, desk=desk):
            names = [one.name for one in _at_desk(desk, decision, table)]
            return f"desk {name} ({_listed(names) if names else 'nobody'})"
        case Promise(name=name):
            return name
        case _:
            assert_never(step)


def _listed(names: Iterable[str]) -> str:
    different = list(dict.fromkeys(names))
    more = len(different) - NAMED_AT_MOST
    return ", ".join(different[:NAMED_AT_MOST]) + (f" and {more} more" if more > 0 else "")
