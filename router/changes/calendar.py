"""What may be written of hours, covers and overrides?"""

from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, Field

from router.changes.fields import (
    Closes,
    Day,
    DeskId,
    Fields,
    Instant,
    LineId,
    Name,
    Opens,
    Part,
    PersonId,
    Reason,
    Weekday,
    Wrong,
    formed,
    text,
)
from router.routing.hours import zone
from router.routing.model import CoverScope, OverrideAction
from router.routing.public_holidays import UnknownPlace, prepare


class OpeningFields(Part):
    """Open from … to … on that day of the week; what closes after midnight closes at 24:00 or later."""

    weekday: Weekday
    opens: Opens
    closes: Closes


class DaysFields(Part):
    """Days that are not like others of their weekday, the last included; without times closed all day."""

    first_day: Day
    last_day: Day
    opens: Opens | None = None
    closes: Closes | None = None
    label: Annotated[str, text(100, shortest=0)] = ""


def _by_day(week: tuple[OpeningFields, ...]) -> tuple[OpeningFields, ...]:
    return tuple(sorted(week, key=lambda one: (one.weekday, one.opens)))


class HoursFields(Fields):
    """Opening times on the wall clock of a time zone; public holidays of the country, if one is named, are closed."""

    name: Name
    time_zone: Annotated[str, text(64)] = Field(examples=["Europe/Berlin"])
    country: Annotated[str, formed(r"^[A-Z]{2}$", "write the country's two capitals, as US")] | None = None
    subdivision: Annotated[str, formed(r"^[A-Z0-9]{1,6}$", "write the subdivision's capitals, as NY")] | None = None
    week: Annotated[tuple[OpeningFields, ...], AfterValidator(_by_day), Field(max_length=50)] = ()
    days: Annotated[tuple[DaysFields, ...], Field(max_length=400)] = ()

    def wrong(self) -> Iterator[Wrong]:
        try:
            zone(self.time_zone)
        except ValueError as unknown:
            yield "/time_zone", str(unknown)
        if self.country is not None:
            try:
                prepare(self.country, self.subdivision)
            except UnknownPlace as unknown:
                yield "/country", str(unknown)
        elif self.subdivision is not None:
            yield "/subdivision", "a subdivision needs its country"
        starts = [(one.weekday, one.opens) for one in self.week]
        if len(set(starts)) != len(starts):
            yield "/week", "two openings begin at the same time: leave one of them out"
        for place, opening in enumerate(self.week):
            if opening.closes <= opening.opens:
                yield f"/week/{place}/closes", "it closes before it opens; after midnight is 24:00 and later"
        for place, days in enumerate(self.days):
            at = f"/days/{place}"
            if days.last_day < days.first_day:
                yield f"{at}/last_day", "it ends before it begins"
            if (days.opens is None) != (days.closes is None):
                yield f"{at}/closes", "say both opens and closes, or neither of them for closed all day"
            if days.opens is not None and days.closes is not None and days.closes <= days.opens:
                yield f"{at}/closes", "it closes before it opens; after midnight is 24:00 and later"


class CoverFields(Fields):
    """From … to … somebody answers in another's place; without an end: the successor of somebody who left."""

    person: PersonId = Field(alias="person_id")
    by_person: PersonId | None = Field(default=None, alias="by_person_id")
    by_desk: DeskId | None = Field(default=None, alias="by_desk_id")
    scope: CoverScope = CoverScope.ALL
    starts_at: Instant
    ends_at: Instant | None = None
    reason: Reason = ""

    def wrong(self) -> Iterator[Wrong]:
        if (self.by_person is None) == (self.by_desk is None):
            yield "/by_person_id", "name either the person or the desk that answers"
        if self.by_person == self.person:
            yield "/by_person_id", "nobody can cover for themselves"
        if self.ends_at and self.ends_at <= self.starts_at:
            yield "/ends_at", "it ends before it starts"


class OverrideFields(Fields):
    """From … to … this line or desk is open, closed or diverted, whatever its hours say. It always ends."""

    line: LineId | None = Field(default=None, alias="line_id")
    desk: DeskId | None = Field(default=None, alias="desk_id")
    action: OverrideAction
    to_desk: DeskId | None = Field(default=None, alias="to_desk_id")
    starts_at: Instant
    ends_at: Instant
    reason: Reason = ""

    def wrong(self) -> Iterator[Wrong]:
        if (self.line is None) == (self.desk is None):
            yield "/line_id", "name either the line or the desk"
        if (self.action is OverrideAction.DIVERT) != (self.to_desk is not None):
            yield "/to_desk_id", "divert needs the desk it goes to, and nothing else has one"
        if self.to_desk is not None and self.to_desk == self.desk:
            yield "/to_desk_id", "a desk can't be diverted to itself"
        if self.ends_at <= self.starts_at:
            yield "/ends_at", "it ends before it starts"
