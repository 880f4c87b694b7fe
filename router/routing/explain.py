"""How do we say it?

One set of sentences for the API, the log, the records and the commands. They name people and desks, and nothing that
a caller should not be told is told to a caller: these sentences are for those who work here.
"""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, tzinfo
from enum import Enum
from re import sub
from typing import Any, assert_never

from router.routing.decide import Decision
from router.routing.model import ClosedBy
from router.routing.plan import Promise, RingDesk, RingPerson, Step
from router.routing.reasons import (
    AccountDesk,
    AccountManager,
    ComesBack,
    Covered,
    CoverLeadsNowhere,
    DeskClosed,
    DesksInCircle,
    DeskStandsIn,
    Elsewhere,
    ExternalNotAllowed,
    FormerSalesperson,
    HandedOver,
    LineClosed,
    LineDesk,
    Main,
    NotALine,
    NotNow,
    NoUsablePhone,
    Overridden,
    PersonAway,
    PersonLeft,
    PersonOffHours,
    Reason,
    RuleLeadsNowhere,
    RuleMatched,
    RuleNotNow,
    RungEnough,
    RunningJob,
    SafetyNet,
    SeveralManagers,
    Skipped,
    StandsIn,
    UnknownPerson,
)


def sentence(decision: Decision, zone: tzinfo = UTC) -> str:
    """One line: who rings, and the main reason. Times are told in `zone`. Raises nothing."""
    main = main_reason(decision)
    rings = ", then ".join(_step(step, decision, zone) for step in _told(decision.plan.steps))
    missed = _why_missed(main, decision, zone)
    return on_one_line(f"{rings}: {_clause(main, zone)}{missed}")


def sentences(decision: Decision, zone: tzinfo = UTC) -> list[str]:
    """Each reason as a sentence, in the order in which they were found. Times are told in `zone`. Raises nothing."""
    return [_as_sentence(reason, zone) for reason in decision.because]


def main_reason(decision: Decision) -> Main:
    """The reason that led the call; every decision has exactly one."""
    return next(reason for reason in decision.because if isinstance(reason, Main))


def as_json(decision: Decision, zone: tzinfo = UTC) -> dict[str, Any]:
    """The decision as JSON types: ids with their names, instants in RFC 3339, each reason with its facts and sentence.

    Raises nothing.
    """
    line, account, job = decision.line, decision.account, decision.job
    return {
        "table_version": decision.table_version,
        "decided_at": as_data(decision.decided_at),
        "dialled": decision.dialled,
        "line": line and {"id": line.id, "number": line.number, "label": line.label, "kind": line.kind.value},
        "caller": as_data(decision.caller),
        "caller_kind": decision.caller_kind.value,
        "account": account and {"id": account.id, "name": account.name},
        "job": job and {"id": job.id, "title": job.title},
        "display": decision.plan.display,
        "steps": [_plain_step(step) for step in decision.plan.steps],
        "sentence": sentence(decision, zone),
        "reasons": [
            {"kind": kind_of(reason), **as_data(reason), "sentence": _as_sentence(reason, zone)}
            for reason in decision.because
        ],
    }


def kind_of(reason: Reason) -> str:
    """The reason's name as data: `person_away`."""
    return sub(r"(?<!^)(?=[A-Z])", "_", type(reason).__name__).lower()


# ── Who rings ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _told(steps: tuple[Step, ...]) -> Iterator[Step]:
    """The steps worth telling in one line: all people, and the first desk; what is behind it can be read in full."""
    for step in steps:
        yield step
        if not isinstance(step, RingPerson):
            return


def _step(step: Step, decision: Decision, zone: tzinfo) -> str:
    match step:
        case RingDesk():
            return f"desk {step.name}"
        case RingPerson():
            role = _role(step.person, decision)
            return f"{step.name}{f' ({role})' if role else ''} for {step.seconds} s"
        case Promise(due_after_opening=opens):
            return f"{step.name}{f' after {instant(opens, zone)}' if opens else ''}"
        case _:
            assert_never(step)


def _role(person: int, decision: Decision) -> str:
    for reason in decision.because:
        match reason:
            case RunningJob(manager=manager) | AccountManager(manager=manager) if manager == person:
                return "account manager"
            case StandsIn(person=stand_in, stands_in_as=role) if stand_in == person:
                return role.value
            case ComesBack(person=giver) if giver == person:
                return "who gave it"
    return ""


def _why_missed(main: Main, decision: Decision, zone: tzinfo) -> str:
    """Why the one whom the main reason names is not the one who rings."""
    first = decision.plan.steps[0]
    if isinstance(first, RingPerson) and not _stands_in(first.person, decision) and not _gave(first.person, decision):
        return ""
    skipped = [_clause(reason, zone) for reason in decision.because if isinstance(reason, Skipped)]
    elsewhere = [_clause(reason, zone) for reason in decision.because if isinstance(reason, Elsewhere)]
    return "".join(f", but {clause}" for clause in (skipped or elsewhere)[:1])


def _stands_in(person: int, decision: Decision) -> bool:
    return any(isinstance(reason, StandsIn) and reason.person == person for reason in decision.because)


def _gave(person: int, decision: Decision) -> bool:
    return any(isinstance(reason, ComesBack) and reason.person == person for reason in decision.because)


# ── Why ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _as_sentence(reason: Reason, zone: tzinfo) -> str:
    clause = _clause(reason, zone)
    return on_one_line(f"{clause[0].upper()}{clause[1:]}.")


def on_one_line(text: str) -> str:
    """The text for a log or a terminal: what was dialled, and any name, may contain control characters."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def _clause(reason: Reason, zone: tzinfo) -> str:
    match reason:
        case NotALine():
            return f"{reason.dialled or 'what was dialled'} is none of our lines"
        case FormerSalesperson():
            return f"{reason.line} is the line of {reason.name}, a former colleague"
        case RuleNotNow(missed=missed):
            when = f" {instant(missed, zone)}" if missed else ""
            return f"rule {reason.priority} '{reason.label}' fits, but {_not_now(reason)}{when}"
        case RuleLeadsNowhere():
            return f"rule {reason.priority} '{reason.label}' applies, but there is nobody it could lead to"
        case RuleMatched():
            return f"rule {reason.priority} '{reason.label}' leads to {reason.leads_to}"
        case RunningJob():
            seen = f", seen from the line {reason.by_line}" if reason.by_line else ""
            return f"{reason.account_name} has a running job '{reason.title}'{seen}"
        case SeveralManagers():
            whose = ", ".join(f"{c.manager_name} ('{c.title}')" for c in reason.candidates)
            return f"{reason.account_name} has running jobs of several account managers, so the desk asks: {whose}"
        case AccountManager():
            return f"{reason.manager_name} is the account manager of {reason.account_name}"
        case AccountDesk():
            return f"{reason.account_name} has no account manager, but its own desk {reason.desk}"
        case LineDesk():
            return f"{reason.desk} is the desk of the line {reason.line}"
        case SafetyNet():
            return f"{reason.desk} is the safety net"
        case StandsIn():
            return f"{reason.name} ({reason.stands_in_as.value}) stands in for {reason.stands_in_for}"
        case PersonAway(until=until):
            return f"{reason.name} is away{f' until {instant(until, zone)}' if until else ''}"
        case PersonLeft():
            return f"{reason.name} no longer works here"
        case PersonOffHours(until=until):
            return f"{reason.name} is off duty{_on(reason.occasion)}{f' until {instant(until, zone)}' if until else ''}"
        case NoUsablePhone():
            return f"{reason.name} has no phone that can be rung"
        case ExternalNotAllowed():
            return f"{reason.name} has external phones only, at numbers that ROUTER_EXTERNAL_PREFIXES doesn't allow"
        case Covered(until=until):
            while_ = f" until {instant(until, zone)}" if until else ""
            return f"{reason.by} answers for {reason.name}{while_}{_on(reason.why)}"
        case CoverLeadsNowhere():
            return f"who answers for {reason.name} can't be told: the covers lead in a circle, too far or nowhere"
        case UnknownPerson():
            return f"person {reason.person} is not in the table"
        case RungEnough():
            return f"{reason.name} is not asked any more: the caller has waited long enough by then"
        case LineClosed():
            return f"the line {reason.line} is closed{_on(reason.occasion)}{_until_and_who(reason, zone)}"
        case DeskClosed():
            return f"desk {reason.desk} is closed{_on(reason.occasion)}{_until_and_who(reason, zone)}"
        case Overridden():
            what = f"the line {reason.line}" if reason.line else f"desk {reason.desk}"
            how = f"diverted to desk {reason.to}" if reason.to else f"declared {reason.action.value}"
            return f"{what} is {how} until {instant(reason.until, zone)}{_on(reason.why)}"
        case DesksInCircle():
            return f"the desks lead in a circle, back to desk {reason.desk}, so the safety net takes over"
        case DeskStandsIn(until=until):
            while_ = f" until {instant(until, zone)}" if until else ""
            return f"desk {reason.desk} answers for {reason.stands_in_for}{while_}{_on(reason.why)}"
        case HandedOver():
            if not reason.to:
                return f"{reason.by} dialled {reason.dialled or 'no short number'} to hand it over, which nobody has"
            return f"handed over by {reason.by} to {reason.to}"
        case ComesBack():
            return f"it comes back to {reason.name} when nobody takes it"
        case _:
            assert_never(reason)


def _not_now(reason: RuleNotNow) -> str:
    match reason.why:
        case NotNow.NOT_YET:
            return "not before"
        case NotNow.NO_LONGER:
            return "it ended"
        case NotNow.ONLY_OPEN:
            return "only while open"
        case NotNow.ONLY_CLOSED:
            return "only while closed"
        case _:
            assert_never(reason.why)


def _on(occasion: str) -> str:
    return f" ({occasion})" if occasion else ""


def _until_and_who(closed: LineClosed | DeskClosed, zone: tzinfo) -> str:
    if closed.duty:
        who = f"desk {closed.duty} is on duty"
    elif closed.closed_by is ClosedBy.PROMISE:
        who = "a call-back is promised"
    else:
        who = "the waiting line of the safety net takes over"
    return f"{f' until {instant(closed.until, zone)}' if closed.until else ''} and {who}"


def instant(instant: datetime, zone: tzinfo) -> str:
    """An instant as people say it: `Tue 24 Nov 2026 08:00`, with the name of the zone."""
    return instant.astimezone(zone).strftime("%a %d %b %Y %H:%M %Z").strip()


# ── As data ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _plain_step(step: Step) -> dict[str, Any]:
    match step:
        case RingPerson():
            phones = [phone.endpoint for phone in step.phones]
            return {
                "kind": "person",
                "person": step.person,
                "name": step.name,
                "phones": phones,
                "seconds": step.seconds,
            }
        case RingDesk():
            return {"kind": "desk", **as_data(step)}
        case Promise():
            return {"kind": "promise", **as_data(step)}
        case _:
            assert_never(step)


def as_data(value: Any) -> Any:
    """A value made of dataclasses, tuples, enums and instants as JSON has it."""
    if is_dataclass(value):
        return {field.name: as_data(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [as_data(item) for item in value]
    return value
