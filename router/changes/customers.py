"""What may be written of lines, accounts, jobs and rules?"""

from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from router.changes.fields import (
    E164,
    LARGEST,
    AccountId,
    Day,
    DeskId,
    Dialled,
    Fields,
    Flag,
    HoursId,
    Instant,
    LineId,
    LongName,
    Name,
    NumberOrBlock,
    PersonId,
    Prefix,
    Whole,
    Wrong,
    one_of_each,
)
from router.routing.model import CallerKind, ClosedBy, During, JobState, Lead, LineKind

NUMBERS_AT_MOST = 1000  # of one account; a company with more has blocks
DEPUTIES_AT_MOST = 20  # each is tried for 20 s, and a plan has 8 steps

SHORTEST_NUMBER = 7  # digits, with the country code; what is shorter is a prefix


class LineFields(Fields):
    """A published number: people dial it, and a trunk delivers it in this form or as one of the aliases."""

    beside: ClassVar = frozenset({"ref", "aliases"})

    number: E164
    label: Name
    kind: LineKind = LineKind.BUSINESS
    person: PersonId | None = Field(default=None, alias="person_id", description="Whose line a salesperson's is.")
    desk: DeskId = Field(alias="desk_id")
    hours: HoursId | None = Field(default=None, alias="hours_id")
    closed_by: ClosedBy = Field(default=ClosedBy.WAIT, description="What closed hours mean.")
    duty_desk: DeskId | None = Field(default=None, alias="duty_desk_id")
    aliases: Annotated[tuple[Dialled, ...], AfterValidator(one_of_each), Field(max_length=20)] = ()

    def wrong(self) -> Iterator[Wrong]:
        if self.kind is LineKind.SALESPERSON and self.person is None:
            yield "/person_id", "a salesperson's line needs the person whose it is"
        if self.closed_by is ClosedBy.DUTY and self.duty_desk is None:
            yield "/duty_desk_id", "closed_by says duty: name the desk that is on duty"


class AccountFields(Fields):
    """A customer company: its numbers, its account manager, and those who stand in, in order."""

    beside: ClassVar = frozenset({"ref", "numbers"})

    name: LongName
    manager: PersonId | None = Field(default=None, alias="manager_id")
    desk: DeskId | None = Field(default=None, alias="desk_id", description="Instead of the line's own desk.")
    priority: Annotated[Whole, Field(ge=-LARGEST, le=LARGEST)] = Field(
        default=0, description="In a waiting line the higher one goes first."
    )
    deputies: Annotated[tuple[PersonId, ...], AfterValidator(one_of_each), Field(max_length=DEPUTIES_AT_MOST)] = Field(
        default=(), alias="deputy_ids"
    )
    numbers: Annotated[tuple[NumberOrBlock, ...], AfterValidator(one_of_each), Field(max_length=NUMBERS_AT_MOST)] = (
        Field(default=(), description="With + and the country code; a block as what its numbers begin with and a star.")
    )


class JobFields(Fields):
    """An order in progress. It counts while it runs and between its dates, which are whole days."""

    account: AccountId = Field(alias="account_id")
    title: LongName
    manager: PersonId = Field(alias="manager_id")
    salesperson: PersonId | None = Field(default=None, alias="salesperson_id")
    state: JobState = JobState.RUNNING
    starts_on: Day | None = None
    ends_on: Day | None = None

    def wrong(self) -> Iterator[Wrong]:
        if self.starts_on and self.ends_on and self.ends_on < self.starts_on:
            yield "/ends_on", "it ends before it starts"


class RuleFields(Fields):
    """An explicit instruction that comes before everything else; the lower priority number first."""

    priority: Annotated[Whole, Field(ge=-LARGEST, le=LARGEST)]
    label: LongName
    enabled: Flag = True
    line: LineId | None = Field(default=None, alias="line_id")
    caller: Prefix | None = None
    caller_is_prefix: Flag = False
    account: AccountId | None = Field(default=None, alias="account_id")
    caller_kind: CallerKind | None = None
    hours: HoursId | None = Field(default=None, alias="hours_id")
    during: During = During.ANY
    valid_from: Instant | None = None
    valid_until: Instant | None = None
    then: Lead
    person: PersonId | None = Field(default=None, alias="person_id")
    desk: DeskId | None = Field(default=None, alias="desk_id")

    def wrong(self) -> Iterator[Wrong]:
        if self.caller_is_prefix and self.caller is None:
            yield "/caller", "say which prefix, or leave caller_is_prefix out"
        if self.caller and not self.caller_is_prefix and len(self.caller) <= SHORTEST_NUMBER:
            yield "/caller", "this is no whole number: say caller_is_prefix, or add the missing digits"
        if self.valid_from and self.valid_until and self.valid_until <= self.valid_from:
            yield "/valid_until", "it ends before it begins"
        if self.then is Lead.PERSON and self.person is None:
            yield "/person_id", "then says person: name them"
        if self.then is Lead.DESK and self.desk is None:
            yield "/desk_id", "then says desk: name it"
