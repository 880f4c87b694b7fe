"""In which tables does a kind of value live?"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Table

from router.routing.configuration import Entity, Noun
from router.routing.model import Account, Cover, Desk, Hours, Job, Line, Override, Person, Rule
from router.storage import schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A table of parts, whose column `key` says whose they are."""

    table: Table
    key: str
    have_ids: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The table of its own rows, and those of its parts; `beside` are columns of its row that the value hasn't."""

    table: Table
    parts: tuple[Parts, ...] = ()
    beside: tuple[str, ...] = ("ref",)


NOUNS: Mapping[type[Entity], Noun] = {
    Person: Noun.PERSON,
    Desk: Noun.DESK,
    Line: Noun.LINE,
    Account: Noun.ACCOUNT,
    Job: Noun.JOB,
    Rule: Noun.RULE,
    Hours: Noun.HOURS,
    Cover: Noun.COVER,
    Override: Noun.OVERRIDE,
}
SHAPES: Mapping[Noun, Shape] = {
    Noun.PERSON: Shape(
        table=schema.people,
        parts=(Parts(table=schema.phones, key="person", have_ids=True),),
        beside=("ref", "email"),
    ),
    Noun.DESK: Shape(table=schema.desks, parts=(Parts(table=schema.desk_members, key="desk"),)),
    Noun.LINE: Shape(table=schema.lines),
    Noun.ACCOUNT: Shape(table=schema.accounts, parts=(Parts(table=schema.deputies, key="account"),)),
    Noun.JOB: Shape(table=schema.jobs),
    Noun.RULE: Shape(table=schema.rules),
    Noun.COVER: Shape(table=schema.covers),
    Noun.OVERRIDE: Shape(table=schema.overrides),
    Noun.HOURS: Shape(
        table=schema.hours,
        parts=(Parts(table=schema.hours_week, key="hours"), Parts(table=schema.hours_days, key="hours")),
    ),
}
