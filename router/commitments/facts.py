"""What does a person have to know of a commitment, in names instead of ids?"""

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from router.commitments.commitment import Commitment, Why
from router.commitments.ledger import ClaimedAlready, NoReason, NotHere, OverAlready, Refusal
from router.routing.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Enough to call back, and no more. `who` is the account or the number, `caller` "" when nobody knows it."""

    who: str
    caller: str
    line: str
    why: str
    owner: str
    due_at: datetime
    urgency: int
    attempts: int
    note: str


def facts_of(commitment: Commitment, table: Table) -> Facts:
    """The commitment in the names of this table. Raises nothing: what is gone from it is told by its number."""
    account = None if commitment.account is None else table.account(commitment.account)
    line = None if commitment.line is None else table.lines.get(commitment.line)
    nobody_knows = "a caller without a number"
    return Facts(
        who=account.name if account else commitment.caller or nobody_knows,
        caller=commitment.caller,
        line=line.label if line else "no line of ours",
        why=why_in_words(commitment.why),
        owner=owner_name(commitment, table),
        due_at=commitment.due_at,
        urgency=commitment.urgency,
        attempts=commitment.attempts,
        note=commitment.note,
    )


def owner_name(commitment: Commitment, table: Table) -> str:
    """The person who owns it, or "desk …"."""
    if commitment.owner is None:
        desk = table.desks.get(commitment.desk, table.safety_net)
        return f"desk {desk.name}"
    return person_name(commitment.owner, table)


def person_name(person_id: int, table: Table) -> str:
    """What the person is called."""
    person = table.people.get(person_id)
    return person.name if person else f"person {person_id}"


def why_in_words(why: Why) -> str:
    """Why we owe it, as the end of "A caller …"."""
    match why:
        case Why.GAVE_UP:
            return "gave up waiting"
        case Why.NOBODY:
            return "reached nobody"
        case Why.ASKED:
            return "asked to be called back"
        case Why.CLOSED:
            return "called when we were closed"
        case Why.LOST:
            return "was cut off by a fault"
        case Why.PROMISED:
            return "was promised something"
        case _:
            assert_never(why)


def refusal_in_words(refusal: Refusal, table: Table) -> str:
    """Why it was not done, as a sentence."""
    match refusal:
        case ClaimedAlready(by=by):
            return f"{person_name(by, table)} has claimed it already."
        case OverAlready(state=state):
            return f"It is {state.value} already."
        case NotHere(person=person):
            return f"{person_name(person, table)} is away, covered or has left: somebody who is here has to see to it."
        case NoReason():
            return "It takes a reason to void what we owe a caller: say why nobody has to call."
        case _:
            assert_never(refusal)
