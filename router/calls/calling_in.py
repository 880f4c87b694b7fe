"""What is a test call, and did it end where it was explained that it would?

It is a call like any other, on the same way through the same dialplan, but its caller is the PBX itself. It is known by
the form of its id, which nobody outside can give a call: it leads to no commitment and counts in no figure.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from router.calls.call import Ending
from router.calls.events import Path
from router.routing.model import PhoneKind
from router.routing.numbers import NumberKind, read_number
from router.routing.plan import Plan, RingDesk, RingPerson
from router.routing.table import Table

MARK = "router-test-"  # how the Uniqueid of a test call begins; Asterisk makes none that does
WITHHELD = "withheld"  # as the caller: the number is hidden
_DIALLED = re.compile(r"\+?[0-9]{2,15}").fullmatch
SHOWN_FIRST = "TEST"  # before the name on the phones that ring, so that whoever answers knows


def is_test(call_id: str) -> bool:
    """Whether this id, `<pbx>:<Uniqueid>`, is a test call's."""
    return call_id.partition(":")[2].startswith(MARK)


def call_in_id(pbx: str, order: int, asked_at: datetime) -> str:
    """The id of the test call that this order asks for: known before anything rings, the same after a restart."""
    # The number in full length: Asterisk 22 refuses a Uniqueid that begins another channel's.
    return f"{pbx}:{MARK}{int(asked_at.timestamp())}.{order:08}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallIn:
    """Let `caller` (E.164, or WITHHELD) call `dialled`, and give up after `seconds` in which nobody took it."""

    call_id: str
    caller: str
    dialled: str
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What is on record of a test call that is over."""

    path: Path | None
    ending: Ending | None
    taken_by: int | None
    taken_phone: str | None
    table_version: int | None


def caller_meant(text: str, region: str) -> str | None:
    """The caller as a test call names them: E.164 or WITHHELD; None for anything else. Raises nothing."""
    number = read_number(text, region)
    if number.kind is NumberKind.WITHHELD and text.strip():
        return WITHHELD
    return number.e164 or None


def line_meant(text: str) -> str | None:
    """What is dialled, in the form that was given: a trunk may deliver any. None for no number. Raises nothing."""
    compact = re.sub(r"[ ()./-]", "", text)
    return compact if _DIALLED(compact) else None


def marked(display: str) -> str:
    """What phones show of a test call. Raises nothing."""
    return f"{SHOWN_FIRST} {display}".rstrip()


def outside_of(plan: Plan, table: Table) -> tuple[str, ...]:
    """Who may be rung outside the company by this plan: people with external phones, and the last resort."""
    return tuple(dict.fromkeys(_outside_of(plan, table)))


def _outside_of(plan: Plan, table: Table) -> Iterator[str]:
    # The desks of the tail and the safety net as well: that is where a call goes on, and where it falls back to.
    for step in (*plan.steps, *plan.line_tail, plan.safety_net):
        people: tuple[int, ...] = (step.person,) if isinstance(step, RingPerson) else ()
        if isinstance(step, RingDesk) and step.desk in table.desks:
            people = table.desks[step.desk].members
        for person in people:
            known = table.people.get(person)
            if known and any(phone.kind is PhoneKind.EXTERNAL and phone.enabled for phone in known.phones):
                yield known.name
    if plan.last_resort is not None:
        yield "the number of last resort"


def agrees(explained: Mapping[str, Any], outcome: Outcome) -> bool:
    """Whether it went by the plan and ended with whom `explained` (answering.as_json) had named. Raises nothing."""
    answered_by = explained["answered_by"]
    if outcome.path is not Path.PLAN:
        return False
    match answered_by["kind"]:
        case "person" | "desk":
            return outcome.taken_by in [person["id"] for person in answered_by["people"]]
        case "last_resort":
            return bool(outcome.taken_phone == explained["walk"][answered_by["step"] - 1]["name"])
        case "promise":
            return outcome.ending is Ending.PROMISED
        case _:  # nobody: callers wait
            return outcome.taken_phone is None


def otherwise(explained: Mapping[str, Any], outcome: Outcome, who: str | None) -> Iterator[str]:
    """What was explained and came otherwise, in sentences; `who` took it (None: nobody). Raises nothing."""
    if outcome.table_version not in (None, explained["table_version"]):
        versions = f"version {explained['table_version']} of the table and decided by {outcome.table_version}"
        yield f"It was explained by {versions}: somebody changed it in between."
    if not agrees(explained, outcome):
        yield f"Explained was: {explained['answered_by']['sentence']} But {who or 'nobody'} took it."
