"""How is one field of an object written, read and checked?

An object comes as JSON. Its fields are named as those of the value it becomes, save references, which end in `_id` or,
where there are several, in `_ids`. What is written is what is read: nothing is trimmed, rounded or guessed.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    Strict,
    StringConstraints,
    WithJsonSchema,
)

from router.routing.configuration import Noun

# Far from where a calendar ends: hours are looked at for weeks around an instant, in zones of any offset.
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)

LARGEST = 2**31 - 1  # what both databases hold in an integer

PRINTABLE = r"^[^\x00-\x1f\x7f]*$"


@dataclass(frozen=True, slots=True)
class Refers:
    """This field names an object of that noun by its id."""

    to: Noun


FORMS: dict[str, str] = {PRINTABLE: "write it in one line, without control characters"}
"""How what has to look like this is asked for, by its regular expression."""


def formed(pattern: str, so: str) -> Any:
    """Text of this form; who writes it otherwise is told `so`."""
    FORMS[pattern] = so
    return StringConstraints(pattern=pattern, strict=True)


def text(longest: int, *, shortest: int = 1) -> Any:
    """A line of text, without control characters."""
    return StringConstraints(min_length=shortest, max_length=longest, pattern=PRINTABLE, strict=True)


def _written_as(pattern: str, so: str) -> Callable[[object], object]:
    """Numbers would be read as seconds since 1970, which nobody means here."""

    def check(written: object) -> object:
        if isinstance(written, date) or (isinstance(written, str) and re.fullmatch(pattern, written, re.ASCII)):
            return written
        raise ValueError(f"write it as {so}")

    return check


_INSTANT = _written_as(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d.*", "2026-03-02T09:00:00Z, with its offset from UTC")
_DAY = _written_as(r"\d{4}-\d\d-\d\d", "2026-03-02")


def _utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC)


def _minutes(written: object) -> object:
    if isinstance(written, str):
        found = re.fullmatch(r"([0-3][0-9]|4[0-8]):([0-5][0-9])", written, re.ASCII)
        if found is None:
            raise ValueError("write a time of day as 09:30; closing after midnight as 24:00 to 48:00")
        return int(found[1]) * 60 + int(found[2])
    raise ValueError("write a time of day as 09:30")


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _weekday(written: object) -> object:
    if isinstance(written, str):
        if written not in WEEKDAYS:
            raise ValueError(f"one of {', '.join(WEEKDAYS)}")
        return WEEKDAYS.index(written)
    raise ValueError(f"one of {', '.join(WEEKDAYS)}")


Id = Annotated[int, Strict(), Field(ge=1, le=LARGEST)]
PersonId = Annotated[Id, Refers(Noun.PERSON)]
DeskId = Annotated[Id, Refers(Noun.DESK)]
LineId = Annotated[Id, Refers(Noun.LINE)]
AccountId = Annotated[Id, Refers(Noun.ACCOUNT)]
HoursId = Annotated[Id, Refers(Noun.HOURS)]
Whole = Annotated[int, Strict()]
Flag = Annotated[bool, Strict()]
Name = Annotated[str, text(100)]
LongName = Annotated[str, text(200)]
Reason = Annotated[str, text(200, shortest=0)]
Ref = Annotated[str, text(200)]
_WITH_PLUS = "write it with + and its country code, without spaces, as +12125550100"
E164 = Annotated[str, formed(r"^\+[1-9][0-9]{6,14}$", _WITH_PLUS)]
Prefix = Annotated[
    str, formed(r"^\+[1-9][0-9]{0,14}$", "write how the number begins with + and its country code, as +1212")
]
# A block of numbers is written as what its numbers begin with and a star.
NumberOrBlock = Annotated[
    str,
    formed(
        r"^\+[1-9]([0-9]{6,14}|[0-9]{0,14}\*)$", f"{_WITH_PLUS}; a block as how its numbers begin and *, as +1212555*"
    ),
]
Dialled = Annotated[
    str, formed(r"^\+?[0-9]{1,31}$", "write digits alone, with or without + in front, as the trunk does")
]
Endpoint = Annotated[
    str,
    formed(
        r"^[A-Za-z0-9._-]{1,64}$", "write the SIP endpoint's name as the PBX has it: letters, digits and . _ - alone"
    ),
]
ShortNumber = Annotated[str, formed(r"^[0-9]{1,16}$", "write 1 to 16 digits")]
_EMAIL = r"^[^@\s\x00-\x1f\x7f<>,;]+@[^@\s\x00-\x1f\x7f<>,;]+$"
Email = Annotated[str, formed(_EMAIL, "write one address, as anna@example.com"), Field(max_length=254)]
Instant = Annotated[AwareDatetime, BeforeValidator(_INSTANT), Field(ge=EARLIEST, le=LATEST), AfterValidator(_utc)]
Day = Annotated[date, BeforeValidator(_DAY), Field(ge=EARLIEST.date(), le=LATEST.date())]
_CLOCK: dict[str, Any] = {"type": "string", "pattern": "^([0-3][0-9]|4[0-8]):[0-5][0-9]$", "examples": ["09:30"]}
Opens = Annotated[int, BeforeValidator(_minutes), Field(ge=0, le=1439), PlainSerializer(_clock), WithJsonSchema(_CLOCK)]
Closes = Annotated[
    int, BeforeValidator(_minutes), Field(ge=1, le=2880), PlainSerializer(_clock), WithJsonSchema(_CLOCK)
]
Weekday = Annotated[
    int,
    BeforeValidator(_weekday),
    Field(ge=0, le=6),
    PlainSerializer(lambda day: WEEKDAYS[day]),
    WithJsonSchema({"type": "string", "enum": list(WEEKDAYS)}),
]

Wrong = tuple[str, str]
"""Where in the object (a JSON pointer), and what is wrong there."""


class Part(BaseModel):
    """Something that is written as a whole with the object it is a part of."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Fields(BaseModel):
    """What may be written of an object. `wrong` says what no single field can: what doesn't go together."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    beside: ClassVar[frozenset[str]] = frozenset({"ref"})  # what is kept beside the value, see storage's Kept

    ref: Ref | None = Field(default=None, description="Your own key for it, unique among its kind.")

    def wrong(self) -> Iterator[Wrong]:
        return iter(())


def one_of_each(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """For a list in which nothing may stand twice."""
    if len(set(values)) != len(values):
        raise ValueError("nothing may stand here twice")
    return values
