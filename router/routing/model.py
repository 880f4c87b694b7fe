"""What is the company: who works here, on which phones, at which desks and lines, for which customers?

Ids are the primary keys of the rows these values were read from. Instants are aware and in UTC.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class PersonState(StrEnum):
    ACTIVE = "active"
    AWAY = "away"
    LEAVING = "leaving"
    LEFT = "left"


class PhoneKind(StrEnum):
    DESK = "desk"
    EXTERNAL = "external"


class LineKind(StrEnum):
    BUSINESS = "business"
    SALESPERSON = "salesperson"


class Strategy(StrEnum):
    """How a desk's phones ring: all at once, the longest idle first, or in turn."""

    ALL = "all"
    LONGEST_IDLE = "longest_idle"
    ROUND_ROBIN = "round_robin"


class ClosedBy(StrEnum):
    """What closed hours mean: another desk, the waiting line, or a spoken promise and a commitment. Never a mailbox."""

    DUTY = "duty"
    WAIT = "wait"
    PROMISE = "promise"


class JobState(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"
    CLOSED = "closed"


class CallerKind(StrEnum):
    """known: its number belongs to an account · unknown: it doesn't (short and malformed ones too) · withheld."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    WITHHELD = "withheld"


class During(StrEnum):
    """When a rule applies, by the hours it names (or, if it names none, by the line's)."""

    ANY = "any"
    OPEN = "open"
    CLOSED = "closed"


class Lead(StrEnum):
    """Where a rule leads."""

    PERSON = "person"
    DESK = "desk"
    MANAGER = "manager"


class CoverScope(StrEnum):
    """For what somebody answers in another's place.

    lines: calls that come to them by a line, which are those of their own line's desk (a desk that covers takes its
    place; a person never does, since a line rings a desk) and those a rule leads to them · accounts: calls for them as
    account manager, job's manager or deputy · commitments: what they owe callers · all: the three of them.
    """

    LINES = "lines"
    ACCOUNTS = "accounts"
    COMMITMENTS = "commitments"
    ALL = "all"


class OverrideAction(StrEnum):
    """Whatever the hours say: it is open, it is closed, or another desk answers."""

    OPEN = "open"
    CLOSED = "closed"
    DIVERT = "divert"


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """One way to ring a person: a SIP endpoint of this PBX, or a number through a trunk."""

    id: int
    person: int
    kind: PhoneKind
    endpoint: str | None = None
    number: str | None = None
    ring_seconds: int = 20
    call_waiting: bool = False
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    id: int
    name: str
    state: PersonState = PersonState.ACTIVE
    away_until: datetime | None = None
    leaves_at: datetime | None = None
    hours: int | None = None
    short_number: str | None = None
    phones: tuple[Phone, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A team of coordinators that answers together; `slot` (1…64) is its place in the PBX's pool of queues."""

    id: int
    name: str
    strategy: Strategy = Strategy.ALL
    slot: int
    ring_seconds: int = 300
    wrap_up_seconds: int = 0
    hours: int | None = None
    closed_by: ClosedBy = ClosedBy.WAIT
    duty_desk: int | None = None
    next_desk: int | None = None
    lead: int | None = None
    safety_net: bool = False
    last_resort: str | None = None
    members: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A published number. `number` is E.164 with its plus; aliases say in which other forms a trunk delivers it."""

    id: int
    number: str
    label: str
    kind: LineKind
    desk: int
    person: int | None = None
    hours: int | None = None
    closed_by: ClosedBy = ClosedBy.WAIT
    duty_desk: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A customer company; its numbers stand in the caller index. Higher priority goes first in a waiting line."""

    id: int
    name: str
    manager: int | None = None
    desk: int | None = None
    priority: int = 0
    deputies: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """An order in progress; it counts while running and between its dates (whole days in the company's time zone)."""

    id: int
    account: int
    title: str
    manager: int
    salesperson: int | None = None
    state: JobState = JobState.RUNNING
    starts_on: date | None = None
    ends_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """An admin's explicit instruction; every condition that is set must hold; lower priority number first, unique."""

    id: int
    priority: int
    label: str
    enabled: bool = True
    line: int | None = None
    caller: str | None = None
    caller_is_prefix: bool = False
    account: int | None = None
    caller_kind: CallerKind | None = None
    hours: int | None = None
    during: During = During.ANY
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    then: Lead
    person: int | None = None
    desk: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """From `starts_at` to before `ends_at` a person or a desk answers for this person, who isn't rung meanwhile.

    Without end it names the successor of somebody who left.
    """

    id: int
    person: int
    by_person: int | None = None
    by_desk: int | None = None
    scope: CoverScope = CoverScope.ALL
    starts_at: datetime
    ends_at: datetime | None = None
    reason: str = ""

    def holds_at(self, now: datetime) -> bool:
        """Whether it counts at this instant."""
        return self.starts_at <= now and (self.ends_at is None or now < self.ends_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """From `starts_at` to before `ends_at` this line or this desk is open, closed or diverted; the end is never open.

    Of several that count at once the one that began last does.
    """

    id: int
    line: int | None = None
    desk: int | None = None
    action: OverrideAction
    to_desk: int | None = None
    starts_at: datetime
    ends_at: datetime
    reason: str = ""

    def holds_at(self, now: datetime) -> bool:
        """Whether it counts at this instant."""
        return self.starts_at <= now < self.ends_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Open on `weekday` (0 = Monday) from `opens` to `closes`, in minutes after that day's midnight.

    `closes` may be up to 2880, which is midnight at the end of the following day.
    """

    weekday: int
    opens: int
    closes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecialDays:
    """On the days from `first_day` to `last_day` (the last included) neither week nor public holiday counts, but this.

    Open from `opens` to `closes`, in minutes as in Opening; without them closed all day. Where several hold for a day,
    each opens it: "closed from Christmas to New Year" and "but open on the 28th" can stand side by side.
    """

    first_day: date
    last_day: date
    opens: int | None = None
    closes: int | None = None
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Opening times on a wall clock in `time_zone` (an IANA name).

    `country` (ISO 3166) and its `subdivision` (the part after the hyphen of ISO 3166-2) say whose public holidays are
    kept: closed all day, unless special days say otherwise. What opens on one day and closes on the next belongs to
    the day on which it opens.
    """

    id: int
    name: str
    time_zone: str
    country: str | None = None
    subdivision: str | None = None
    week: tuple[Opening, ...] = ()
    days: tuple[SpecialDays, ...] = ()
