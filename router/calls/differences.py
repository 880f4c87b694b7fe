"""Where did a call go otherwise than it was decided?

A decision says whom the PBX rings, in which order. What happened is told by the phones that rang. Where the two agree
there is nothing to say, also when the first in turn didn't answer and the next did: that is said as what it was.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from re import sub
from typing import Any, assert_never

from router.calls.call import Ending, Leg, Passing
from router.calls.events import LegResult, Path, Promised


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """One step as it was decided: a person with desk phones (endpoints), a desk, or a promise (neither)."""

    name: str
    person: int | None = None
    phones: tuple[str, ...] = ()
    desk: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """What is on record of the call itself. `members` are the desk phones of each desk's members, where known."""

    path: Path | None
    legs: tuple[Leg, ...]
    taken_by: int | None
    taken_phone: str | None
    passings: tuple[Passing, ...]
    ending: Ending | None
    promise: Promised | None
    members: Mapping[int, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotByThePlan:
    """The PBX went its own way, to the desk it remembered."""

    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedOver:
    """No phone rang in this step, though the call went further: nobody there was free, or had a usable phone."""

    step: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DidNotRing:
    """Phones that this step was to ring, while others of it rang; of a desk, its members' phones."""

    step: int
    name: str
    phones: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RangBesides:
    """A phone that rang in a person's step and was not to."""

    step: int
    phone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DidNotTake:
    """This step was tried, and the call went on: with what each of its phones said."""

    step: int
    name: str
    results: tuple[tuple[str, LegResult | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenOtherwise:
    """Who took it was in no step of the plan: the last resort, or who picked it up for another."""

    phone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOn:
    """Who took it gave it to somebody else; `to` is empty where it came back."""

    phone: str
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotAnswered:
    """It ended without a person."""

    ending: Ending
    promise: Promised | None


Difference = NotByThePlan | PassedOver | DidNotRing | RangBesides | DidNotTake | TakenOtherwise | HandedOn | NotAnswered


def differences(decided: Sequence[Decided], happened: Happened) -> tuple[Difference, ...]:
    """Each difference, in the order in which the call met them; none, when it went as decided. Raises nothing.

    Of a call that went by the fallback only what it shares with any call is compared: its steps are others.
    """
    found: list[Difference] = []
    if happened.path not in (None, Path.PLAN):
        assert happened.path is not None
        found.append(NotByThePlan(path=happened.path))
    elif happened.path is Path.PLAN:
        found += _by_step(decided, happened)
    found += [HandedOn(phone=one.phone, to=one.to) for one in happened.passings]
    if happened.ending not in (None, Ending.ANSWERED):
        assert happened.ending is not None
        found.append(NotAnswered(ending=happened.ending, promise=happened.promise))
    return tuple(found)


def decided_steps(decision: Mapping[str, Any]) -> tuple[Decided, ...]:
    """The steps of a decision as `explain.as_json` told it and the records kept it. Raises nothing."""
    return tuple(
        Decided(
            name=str(step.get("name") or "a promise to call back"),
            person=step.get("person"),
            phones=tuple(phone for phone in step.get("phones", ()) if phone),
            desk=step.get("desk"),
        )
        for step in decision.get("steps", ())
    )


def kind_of(difference: Difference) -> str:
    """The difference's name as data: `did_not_take`. Raises nothing."""
    return sub(r"(?<!^)(?=[A-Z])", "_", type(difference).__name__).lower()


def sentence_of(difference: Difference, shown: Callable[[str], str] = str) -> str:
    """The difference in words; `shown` says how a phone may be named. Raises nothing."""
    match difference:
        case NotByThePlan(path=Path.INVALID):
            return "The PBX refused the plan and went to the desk that it remembered for the line."
        case NotByThePlan():
            return "The PBX didn't get the plan in time and went to the desk that it remembered for the line."
        case PassedOver(step=step, name=name):
            return f"Step {step}: no phone of {name} rang."
        case DidNotRing(step=step, name=name, phones=phones):
            return f"Step {step}: {_listed(phones, shown)} of {name} didn't ring."
        case RangBesides(step=step, phone=phone):
            return f"Step {step}: {shown(phone)} rang, and was not to."
        case DidNotTake(step=step, name=name, results=results):
            said = ", ".join(f"{shown(phone)}: {_result(result)}" for phone, result in results)
            return f"Step {step}: {name} didn't take it ({said})."
        case TakenOtherwise(phone=phone):
            return f"{shown(phone)} took it, and stands in no step."
        case HandedOn(phone=phone, to=""):
            return f"It came back to {shown(phone)}."
        case HandedOn(phone=phone, to=to):
            return f"{shown(phone)} handed it over to {to}."
        case NotAnswered(ending=ending, promise=promise):
            return _without_a_person(ending, promise)
        case _:
            assert_never(difference)


def _by_step(decided: Sequence[Decided], happened: Happened) -> Iterator[Difference]:
    last_rung = max((leg.step for leg in happened.legs), default=0)
    taken = next((leg for leg in happened.legs if leg.result is LegResult.ANSWERED), None)
    for number, step in enumerate(decided, 1):
        legs = [leg for leg in happened.legs if leg.step == number]
        if not legs:
            if number < last_rung or (happened.ending is not None and number <= last_rung):
                yield PassedOver(step=number, name=step.name)
            continue
        yield from _in_step(number, step, legs, happened)
        if number < last_rung and (taken is None or taken.step != number):
            yield DidNotTake(
                step=number, name=step.name, results=tuple(sorted({(leg.phone, leg.result) for leg in legs}, key=str))
            )
    if happened.taken_phone is not None and taken is not None and taken.step > len(decided):
        yield TakenOtherwise(phone=happened.taken_phone)


def _in_step(number: int, step: Decided, legs: Sequence[Leg], happened: Happened) -> Iterator[Difference]:
    rang = {leg.phone for leg in legs}
    meant = set(step.phones)
    if step.desk is not None:
        # who isn't signed in, is paused or on the phone doesn't ring: worth knowing of a desk, and no fault
        meant = set(happened.members.get(step.desk, ()))
    silent = tuple(sorted(meant - rang))
    if silent:
        yield DidNotRing(step=number, name=step.name, phones=silent)
    if step.person is not None:
        others = sorted({leg.phone for leg in legs if leg.person != step.person and leg.phone not in meant})
        yield from (RangBesides(step=number, phone=phone) for phone in others)


def _listed(phones: Sequence[str], shown: Callable[[str], str]) -> str:
    return ", ".join(shown(phone) for phone in phones)


def _result(result: LegResult | None) -> str:
    return "rings" if result is None else result.value.replace("_", " ")


def _without_a_person(ending: Ending, promise: Promised | None) -> str:
    match ending:
        case Ending.GAVE_UP:
            return "The caller gave up."
        case Ending.PROMISED if promise is Promised.ASKED:
            return "The caller asked to be called back."
        case Ending.PROMISED:
            return "The caller was let go with a promise to be called back."
        case Ending.LOST:
            return "Nobody knows how it ended: it went with the PBX."
        case Ending.ANSWERED:
            return "A person took it."
        case _:
            assert_never(ending)
