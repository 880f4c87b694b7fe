"""Why is this who answers?

Each reason is complete in itself: it carries the names its sentence needs, so that a record can still be read when
the table has long moved on. Instants are aware and in UTC.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from router.routing.model import ClosedBy, OverrideAction


class StandInAs(StrEnum):
    """As what somebody stands in."""

    MANAGER = "account manager"
    DEPUTY = "deputy"
    COVER = "cover"


class NotNow(StrEnum):
    """What keeps a rule, whose line and caller match, from applying at this moment."""

    NOT_YET = "not yet"
    NO_LONGER = "no longer"
    ONLY_OPEN = "only while open"
    ONLY_CLOSED = "only while closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotALine:
    """The dialled number is none of ours."""

    dialled: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FormerSalesperson:
    """The dialled line belonged to someone who left."""

    line: str
    person: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleNotNow:
    """A rule fits the line and the caller, but not the moment; `missed` is when it begins or when it ended."""

    rule: int
    priority: int
    label: str
    why: NotNow
    missed: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleLeadsNowhere:
    """A rule applies, but whom it leads to doesn't exist: an unknown caller has no account manager."""

    rule: int
    priority: int
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleMatched:
    """A rule decides; `leads_to` is the name of the person or desk."""

    rule: int
    priority: int
    label: str
    leads_to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningJob:
    """The account has a running job with one manager; `by_line` when that was seen from the salesperson's line."""

    account: int
    account_name: str
    job: int
    title: str
    manager: int
    manager_name: str
    by_line: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One of several managers whose job the call may be about."""

    manager: int
    manager_name: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeveralManagers:
    """Running jobs of several managers, and nothing that tells which is meant: a desk asks, we don't guess."""

    account: int
    account_name: str
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountManager:
    """The caller's account has a manager."""

    account: int
    account_name: str
    manager: int
    manager_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDesk:
    """The caller's account has no manager, but a desk of its own."""

    account: int
    account_name: str
    desk: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LineDesk:
    """Nothing else applies: the line's own desk."""

    line: str
    desk: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyNet:
    """Nothing else is left: the desk that is always there."""

    desk: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StandsIn:
    """Somebody stands in for whom the call was meant."""

    person: int
    name: str
    stands_in_for: str
    stands_in_as: StandInAs


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonAway:
    """Skipped: away; `until` is None when nobody said until when."""

    person: int
    name: str
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonLeft:
    """Skipped: no longer works here."""

    person: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonOffHours:
    """Skipped: outside their hours; `until` is when they begin again, None when that isn't in sight."""

    person: int
    name: str
    until: datetime | None
    occasion: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoUsablePhone:
    """Skipped: no phone, or none that is enabled."""

    person: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalNotAllowed:
    """Skipped: reachable on external phones alone, at numbers that may not be called."""

    person: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """Skipped: `by` (a person or a desk) answers for them; `until` is None when it has no end, as for a successor."""

    person: int
    name: str
    by: str
    until: datetime | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverLeadsNowhere:
    """Who answers for them can't be told: the covers lead in a circle, too far, or to a desk that isn't there."""

    person: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownPerson:
    """Skipped: somebody whom the table names, but doesn't know."""

    person: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RungEnough:
    """Not asked any more: others ring before, and the caller has waited long enough by then."""

    person: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LineClosed:
    """The line is closed; `until` is its next opening, `duty` the desk that takes over ("" for none).

    `occasion` is the public holiday, or what the special days are called: "" on an ordinary day.
    """

    line: str
    closed_by: ClosedBy
    until: datetime | None
    duty: str
    occasion: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskClosed:
    """A desk is closed; everything else as in LineClosed."""

    desk: str
    closed_by: ClosedBy
    until: datetime | None
    duty: str
    occasion: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DesksInCircle:
    """The chain of desks is cut where it would come back to this one."""

    desk: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Overridden:
    """An override counts instead of the hours: of the line, or of the desk (the other is ""); `to` is where it diverts.

    `to` is "" when it doesn't divert.
    """

    line: str
    desk: str
    action: OverrideAction
    to: str
    until: datetime
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskStandsIn:
    """The line's salesperson is covered by this desk, so it answers instead of the line's own."""

    desk: str
    stands_in_for: str
    until: datetime | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver:
    """Somebody who had the caller passed them on; `giver` is their id, None when the table doesn't know their phone.

    `to` names the person or the desk; "" when the short number `dialled` is nobody's, so that it comes back.
    """

    by: str
    giver: int | None
    to: str
    dialled: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComesBack:
    """When nobody takes it, the call rings at its giver's again, before any desk."""

    person: int
    name: str


Main = RuleMatched | RunningJob | SeveralManagers | AccountManager | AccountDesk | LineDesk | SafetyNet | HandedOver
Skipped = (
    PersonAway
    | PersonLeft
    | PersonOffHours
    | NoUsablePhone
    | ExternalNotAllowed
    | Covered
    | CoverLeadsNowhere
    | UnknownPerson
    | RungEnough
)
# Why another desk answers than the one the main reason names, or none.
Elsewhere = LineClosed | DeskClosed | Overridden | DeskStandsIn
Reason = (
    Main
    | Skipped
    | Elsewhere
    | DesksInCircle
    | NotALine
    | FormerSalesperson
    | RuleNotNow
    | RuleLeadsNowhere
    | StandsIn
    | ComesBack
)
