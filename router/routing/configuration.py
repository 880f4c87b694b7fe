"""What is a table built from, and what may change in it?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from router.routing.accounts import Accounts
from router.routing.callers import CallerIndex, CallerRow
from router.routing.model import Account, Cover, Desk, Hours, Job, Line, Override, Person, Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """Everything that was configured, as it was read from where it is kept.

    `region` (ISO 3166) is the country of national numbers, `time_zone` (IANA) where a job's days begin and end.
    `aliases` gives the line's id for each form in which a trunk delivers it.
    """

    region: str
    time_zone: str
    people: tuple[Person, ...] = ()
    desks: tuple[Desk, ...] = ()
    lines: tuple[Line, ...] = ()
    aliases: Mapping[str, int] = field(default_factory=dict)
    accounts: Accounts = field(default_factory=lambda: Accounts.build(()))
    callers: CallerIndex = field(default_factory=lambda: CallerIndex.build(()))
    jobs: tuple[Job, ...] = ()
    rules: tuple[Rule, ...] = ()
    hours: tuple[Hours, ...] = ()
    covers: tuple[Cover, ...] = ()
    overrides: tuple[Override, ...] = ()
    external_prefixes: tuple[str, ...] = ()  # of the external numbers that may be called; none: no external phone rings


Entity = Person | Desk | Line | Account | Job | Rule | Hours | Cover | Override


class Noun(StrEnum):
    """What can be put and removed by its id."""

    PERSON = "person"
    DESK = "desk"
    LINE = "line"
    ACCOUNT = "account"
    JOB = "job"
    RULE = "rule"
    HOURS = "hours"
    COVER = "cover"
    OVERRIDE = "override"


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """Add this, or let it replace the one with its id. A person comes with phones, a desk with members, whole."""

    entity: Entity


@dataclass(frozen=True, slots=True, kw_only=True)
class Remove:
    noun: Noun
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PutAlias:
    dialled: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveAlias:
    dialled: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PutNumbers:
    """Let these numbers and prefixes belong to these accounts. For a few rows; an import builds a new table."""

    rows: tuple[CallerRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveNumbers:
    """Forget these numbers, each with whether it is a prefix."""

    rows: tuple[tuple[int, bool], ...]


Change = Put | Remove | PutAlias | RemoveAlias | PutNumbers | RemoveNumbers
