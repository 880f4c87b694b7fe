"""What happens to what we owe? `at` is an aware UTC instant, the only clock here."""

from dataclasses import dataclass
from datetime import datetime

from router.commitments.commitment import Party, Why
from router.commitments.owner import Owner


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """A call ended at `at` without a person, after it had arrived at `arrived_at`."""

    call_id: str
    party: Party
    why: Why
    arrived_at: datetime
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Promised:
    """`by` has promised the party something, in a call or not; `due_at` None: as soon as after a missed call."""

    call_id: str | None
    party: Party
    by: int
    due_at: datetime | None
    note: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Talked:
    """A person had the party on the phone from `began_at` to `at`."""

    call_id: str
    party: Party
    began_at: datetime
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenAfterAll:
    """A call that seemed to have reached nobody was taken by a person: that was told late."""

    call_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """This person will see to it."""

    by: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """Somebody called, and reached nobody."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Somebody says that it is done; `by` and the call it was done in, as far as they are known."""

    by: int | None
    call_id: str | None
    note: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Voided:
    """Somebody says why nobody has to do it."""

    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver:
    """Its owner can't see to it any more; somebody else owns it now."""

    to: Owner
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDue:
    """The time has come to remind somebody."""

    at: datetime


Event = Missed | Promised | Talked | TakenAfterAll | Claimed | Tried | Kept | Voided | HandedOver | StepDue
