"""Which nouns are there, and what is there to know of each?

Everything that reads, writes, lists or describes an object takes what it needs from here; nothing else knows one noun
from another.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, get_args

from router.changes.calendar import CoverFields, HoursFields, OverrideFields
from router.changes.customers import AccountFields, JobFields, LineFields, RuleFields
from router.changes.fields import Fields, Refers
from router.changes.people import DeskFields, PersonFields
from router.routing.configuration import Entity, Noun
from router.routing.model import Account, Cover, Desk, Hours, Job, Line, Override, Person, Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A field that names other objects: `field` in the value, `written` in JSON; several, where the value is a list."""

    field: str
    written: str
    to: Noun
    several: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """One noun. `plural` is its path; `search` and `orders` are columns; `numbers` whether it is found by a number."""

    noun: Noun
    plural: str
    value: type[Entity]
    fields: type[Fields]
    search: tuple[str, ...]
    orders: tuple[str, ...]
    has_numbers: bool = False
    example: Mapping[str, Any]

    @property
    def references(self) -> tuple[Reference, ...]:
        """In the order of the fields."""
        return tuple(_references(self.fields))

    @property
    def choices(self) -> Mapping[str, Any]:
        """The fields that can be filtered by, with their types: enumerations and yes or no."""
        return dict(_choices(self.fields))

    def written(self, field: str) -> str:
        """How a field of the value is called in JSON."""
        known = self.fields.model_fields.get(field)
        return (known.alias if known else None) or field


def _references(fields: type[Fields]) -> Iterator[Reference]:
    for name, field in fields.model_fields.items():
        to = _refers_to(field.annotation)
        for marker in field.metadata:  # where the annotation is nothing but the reference, pydantic has it here
            to = marker.to if isinstance(marker, Refers) else to
        if to is not None:
            several = name in ("members", "deputies")
            yield Reference(field=name, written=field.alias or name, to=to, several=several)


def _refers_to(annotation: object) -> Noun | None:
    for marker in getattr(annotation, "__metadata__", ()):
        if isinstance(marker, Refers):
            return marker.to
    return next((found for part in get_args(annotation) if (found := _refers_to(part)) is not None), None)


def _choices(fields: type[Fields]) -> Iterator[tuple[str, Any]]:
    for name, field in fields.model_fields.items():
        for kind in (field.annotation, *get_args(field.annotation)):
            if kind is bool or (isinstance(kind, type) and issubclass(kind, StrEnum)):
                yield name, kind


PEOPLE = Declared(
    noun=Noun.PERSON,
    plural="people",
    value=Person,
    fields=PersonFields,
    search=("name", "email"),
    orders=("id", "name", "updated_at"),
    has_numbers=True,
    example={
        "name": "Anna Albers",
        "email": "anna@example.com",
        "short_number": "11",
        "phones": [{"kind": "desk", "endpoint": "anna"}],
    },
)
DESKS = Declared(
    noun=Noun.DESK,
    plural="desks",
    value=Desk,
    fields=DeskFields,
    search=("name",),
    orders=("id", "name", "updated_at"),
    example={"name": "Coordinators", "strategy": "longest_idle", "safety_net": True, "member_ids": [1]},
)
LINES = Declared(
    noun=Noun.LINE,
    plural="lines",
    value=Line,
    fields=LineFields,
    search=("label", "number"),
    orders=("id", "number", "label", "updated_at"),
    has_numbers=True,
    example={"number": "+12125550100", "label": "Business line", "desk_id": 1, "aliases": ["5550100"]},
)
ACCOUNTS = Declared(
    noun=Noun.ACCOUNT,
    plural="accounts",
    value=Account,
    fields=AccountFields,
    search=("name", "ref"),
    orders=("id", "name", "priority", "updated_at"),
    has_numbers=True,
    example={
        "name": "Birch & Sons",
        "manager_id": 1,
        "deputy_ids": [],
        "numbers": ["+12025550111", "+141555501*"],
    },
)
JOBS = Declared(
    noun=Noun.JOB,
    plural="jobs",
    value=Job,
    fields=JobFields,
    search=("title", "ref"),
    orders=("id", "title", "updated_at"),
    example={"account_id": 1, "title": "Kitchen for the new shop", "manager_id": 1, "starts_on": "2026-03-02"},
)
RULES = Declared(
    noun=Noun.RULE,
    plural="rules",
    value=Rule,
    fields=RuleFields,
    search=("label",),
    orders=("priority", "id", "updated_at"),
    has_numbers=True,
    example={
        "priority": 10,
        "label": "Denver to Service",
        "caller": "+1303",
        "caller_is_prefix": True,
        "then": "desk",
        "desk_id": 1,
    },
)
HOURS = Declared(
    noun=Noun.HOURS,
    plural="hours",
    value=Hours,
    fields=HoursFields,
    search=("name",),
    orders=("id", "name", "updated_at"),
    example={
        "name": "Office hours",
        "time_zone": "America/New_York",
        "country": "US",
        "week": [{"weekday": "monday", "opens": "09:00", "closes": "18:00"}],
        "days": [{"first_day": "2026-12-24", "last_day": "2026-12-31", "label": "Between the years"}],
    },
)
COVERS = Declared(
    noun=Noun.COVER,
    plural="covers",
    value=Cover,
    fields=CoverFields,
    search=("reason",),
    orders=("id", "starts_at", "updated_at"),
    example={
        "person_id": 2,
        "by_person_id": 1,
        "starts_at": "2026-07-01T06:00:00Z",
        "ends_at": "2026-07-15T06:00:00Z",
        "reason": "Holiday",
    },
)
OVERRIDES = Declared(
    noun=Noun.OVERRIDE,
    plural="overrides",
    value=Override,
    fields=OverrideFields,
    search=("reason",),
    orders=("id", "starts_at", "ends_at", "updated_at"),
    example={
        "line_id": 1,
        "action": "closed",
        "starts_at": "2026-03-02T17:00:00Z",
        "ends_at": "2026-03-02T19:00:00Z",
        "reason": "Company meeting",
    },
)

DECLARED: tuple[Declared, ...] = (PEOPLE, DESKS, LINES, ACCOUNTS, JOBS, RULES, HOURS, COVERS, OVERRIDES)
OF_NOUN: Mapping[Noun, Declared] = {one.noun: one for one in DECLARED}
assert set(OF_NOUN) == set(Noun)
