"""What becomes of what we owe when something happens?"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from router.commitments.commitment import Commitment, State, Terms, Why
from router.commitments.due import due_at, level_at_start, level_by, next_step_at
from router.commitments.events import (
    Claimed,
    Event,
    HandedOver,
    Kept,
    Missed,
    Promised,
    StepDue,
    TakenAfterAll,
    Talked,
    Tried,
    Voided,
)
from router.commitments.notice import STEPS, Notice, NoticeKind, notice_of
from router.commitments.owner import Owner, desk_behind, is_here, owner_of, present_owner, stand_in
from router.routing.table import Table

# The whole life of a commitment: None is nothing owed. What is over stays over; the next call makes another one.
TRANSITIONS: dict[tuple[State | None, type[Event]], State] = {
    (None, Missed): State.OPEN,
    (None, Promised): State.OPEN,
    (State.OPEN, Missed): State.OPEN,
    (State.OPEN, Promised): State.OPEN,
    (State.OPEN, Claimed): State.CLAIMED,
    (State.OPEN, Tried): State.OPEN,
    (State.OPEN, HandedOver): State.OPEN,
    (State.OPEN, StepDue): State.OPEN,
    (State.OPEN, Talked): State.KEPT,
    (State.OPEN, TakenAfterAll): State.KEPT,
    (State.OPEN, Kept): State.KEPT,
    (State.OPEN, Voided): State.VOID,
    (State.CLAIMED, Missed): State.CLAIMED,
    (State.CLAIMED, Promised): State.CLAIMED,
    (State.CLAIMED, Tried): State.CLAIMED,
    (State.CLAIMED, HandedOver): State.OPEN,  # who claimed it is away: somebody else may
    (State.CLAIMED, StepDue): State.CLAIMED,
    (State.CLAIMED, Talked): State.KEPT,
    (State.CLAIMED, TakenAfterAll): State.KEPT,
    (State.CLAIMED, Kept): State.KEPT,
    (State.CLAIMED, Voided): State.VOID,
}

LONGEST_NOTE = 2000  # characters, of all that was noted together; the rest is cut


@dataclass(frozen=True, slots=True, kw_only=True)
class Unchanged:
    """Nothing to be done: too short a call or talk, or a talk that began before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedAlready:
    """Somebody was faster."""

    by: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OverAlready:
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class NotHere:
    """Who is away, covered or gone can't see to it."""

    person: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NoReason:
    """Nothing is void without a reason."""


Refusal = ClaimedAlready | OverAlready | NotHere | NoReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """How it stands now, and who has to learn of it."""

    commitment: Commitment
    notices: tuple[Notice, ...]


Outcome = Changed | Unchanged | Refusal


def step(found: Commitment | None, event: Event, table: Table, terms: Terms) -> Outcome:
    """What this event makes of the commitment, or of nothing owed. Raises nothing.

    The caller has seen to it that `found` is the one the event is about: open, under the party's keys, or by its id.
    """
    before = None if found is None else found.state
    if (before, type(event)) not in TRANSITIONS:
        if found is not None and isinstance(event, Claimed) and found.claimed_by is not None and not found.over:
            return Unchanged() if found.claimed_by == event.by else ClaimedAlready(by=found.claimed_by)
        return Unchanged() if found is None else OverAlready(state=found.state)
    if found is None:
        return _begun(event, table, terms)
    refusal = _refused(found, event, table, terms)
    if refusal is not None:
        return refusal
    kind, told = _told(found, event, table, terms)
    after = replace(told, state=_state_after(told, event, TRANSITIONS[before, type(event)]))
    if after == found:
        return Unchanged()
    if after.over:
        after = replace(after, closed_at=event.at, try_again_at=None)
    after = replace(after, next_step_at=next_step_at(after, terms))
    return Changed(commitment=after, notices=(notice_of(kind, after, table, event.at),))


def look(found: Commitment, table: Table, terms: Terms, now: datetime) -> Changed | Unchanged:
    """What the time that has passed makes of it: a new owner for one who is away, then who has to be told what."""
    if found.over:
        return Unchanged()
    commitment = found
    notices: tuple[Notice, ...] = ()
    for event in (_hand_over(found, table, now), StepDue(at=now)):
        outcome = Unchanged() if event is None else step(commitment, event, table, terms)
        if isinstance(outcome, Changed):
            commitment, notices = outcome.commitment, (*notices, *outcome.notices)
    return Unchanged() if commitment == found else Changed(commitment=commitment, notices=notices)


def _begun(event: Event, table: Table, terms: Terms) -> Changed | Unchanged:
    match event:
        case Missed():
            if _too_short(event, terms):
                return Unchanged()
            owner = owner_of(event.party, table, terms, event.at)
            why, wanted, note = event.why, None, ""
        case Promised():
            behind = Owner(person=None, desk=desk_behind(event.party, table))
            owner = stand_in(event.by, behind, event.party.account, table, event.at)
            why, wanted, note = Why.PROMISED, event.due_at, event.note[:LONGEST_NOTE]
        case _:
            return Unchanged()
    due = wanted or due_at(event.party.line, owner.desk, table, terms, event.at)
    begun = Commitment(
        party=event.party.key,
        account=event.party.account,
        caller=event.party.caller,
        line=event.party.line,
        why=why,
        opened_by_call=event.call_id,
        owner=owner.person,
        desk=owner.desk,
        opened_at=event.at,
        due_at=due,
        latest_at=event.at,
        level=level_at_start(due, terms, event.at),
        note=note,
    )
    begun = replace(begun, next_step_at=next_step_at(begun, terms))
    return Changed(commitment=begun, notices=(notice_of(NoticeKind.OPENED, begun, table, event.at),))


def _refused(found: Commitment, event: Event, table: Table, terms: Terms) -> Unchanged | Refusal | None:
    match event:
        case Missed():
            return Unchanged() if _too_short(event, terms) else None
        case Talked():
            # A promise made in a talk, or a call that came during it, is not kept by that talk's end.
            later = event.began_at >= found.latest_at
            return None if later and event.at - event.began_at >= terms.talked_at_least else Unchanged()
        case Claimed():
            here = Owner(person=event.by, desk=found.desk)
            mine = stand_in(event.by, replace(here, person=None), None, table, event.at)
            return None if mine == here else NotHere(person=event.by)
        case Voided():
            return None if event.reason.strip() else NoReason()
        case Promised() | TakenAfterAll() | Tried() | Kept() | HandedOver() | StepDue():
            return None
        case _:
            assert_never(event)


def _told(found: Commitment, event: Event, table: Table, terms: Terms) -> tuple[NoticeKind, Commitment]:
    """How it stands after this event, apart from its state."""
    match event:
        case Missed():
            due = due_at(event.party.line, found.desk, table, terms, event.at)
            return NoticeKind.REPEATED, _added(found, due, event.at)
        case Promised():
            # Who has claimed it has it; else who has just spoken to them knows best what is owed.
            mine = found.state is State.OPEN and is_here(event.by, table, event.at)
            due = event.due_at or due_at(event.party.line, found.desk, table, terms, event.at)
            more = replace(_added(found, due, event.at), note=_noted(found.note, event.note))
            return NoticeKind.REPEATED, replace(more, owner=event.by if mine else found.owner)
        case Talked():
            return NoticeKind.KEPT, replace(found, kept_by_call=event.call_id)
        case TakenAfterAll():
            if found.urgency > 1:
                return NoticeKind.CORRECTED, replace(found, urgency=found.urgency - 1)
            return NoticeKind.KEPT, replace(found, kept_by_call=event.call_id)
        case Claimed():
            return NoticeKind.CLAIMED, replace(found, claimed_by=event.by, owner=event.by)
        case Tried():
            again = event.at + terms.try_again_after
            return NoticeKind.TRIED, replace(found, attempts=found.attempts + 1, try_again_at=again)
        case Kept():
            kept = replace(found, claimed_by=event.by or found.claimed_by, kept_by_call=event.call_id)
            return NoticeKind.KEPT, replace(kept, note=_noted(found.note, event.note))
        case Voided():
            return NoticeKind.VOIDED, replace(found, void_reason=event.reason.strip()[:LONGEST_NOTE])
        case HandedOver():
            return NoticeKind.HANDED_OVER, replace(found, owner=event.to.person, desk=event.to.desk, claimed_by=None)
        case StepDue():
            return _reminded(found, terms, event.at)
        case _:
            assert_never(event)


def _state_after(told: Commitment, event: Event, usual: State) -> State:
    """Other calls are still owed when one of several turns out to have been taken."""
    stays = isinstance(event, TakenAfterAll) and told.kept_by_call is None
    return told.state if stays else usual


def _added(found: Commitment, due: datetime, at: datetime) -> Commitment:
    return replace(found, urgency=found.urgency + 1, due_at=min(found.due_at, due), latest_at=max(found.latest_at, at))


def _reminded(found: Commitment, terms: Terms, now: datetime) -> tuple[NoticeKind, Commitment]:
    level = level_by(found, terms, now)
    try_again = found.try_again_at is not None and found.try_again_at <= now
    reminded = replace(found, level=level, try_again_at=None if try_again else found.try_again_at)
    return (NoticeKind.TRY_AGAIN if level is found.level else STEPS[level]), reminded


def _hand_over(found: Commitment, table: Table, now: datetime) -> HandedOver | None:
    owner = Owner(person=found.owner, desk=found.desk)
    present = present_owner(owner, found.account, table, now)
    return None if present == owner else HandedOver(to=present, at=now)


def _too_short(event: Missed, terms: Terms) -> bool:
    return event.why is Why.GAVE_UP and event.at - event.arrived_at < terms.gave_up_after


def _noted(before: str, more: str) -> str:
    return "\n".join(part for part in (before, more.strip()) if part)[:LONGEST_NOTE]
