"""In which places does somebody act who leaves, and who shall act there afterwards?"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field

from router.changes.fields import Id, Part, PersonId


class Kind(StrEnum):
    """A kind of place. Those with another's name beside it say what becomes of the place when nobody takes it over.

    lines: the salesperson whose line it is (it stays theirs, and rings its desk) · sold: the salesperson of a job
    (stays on record) · accounts: account manager (its desk answers) · deputies (one fewer) · jobs: a job's manager ·
    rules: whom a rule leads to · covers: who stands in for another (the cover ends) · seats: member of a desk (one
    fewer) · leads: who leads a desk (nobody) · commitments: what they owe (a deputy or the desk does) · covered: who
    stands in for them (ends) · last_resorts: a desk's last resort that is a phone of theirs (there is none any more).
    """

    LINES = "lines"
    SOLD = "sold"
    ACCOUNTS = "accounts"
    DEPUTIES = "deputies"
    JOBS = "jobs"
    RULES = "rules"
    COVERS = "covers"
    SEATS = "seats"
    LEADS = "leads"
    COMMITMENTS = "commitments"
    COVERED = "covered"
    LAST_RESORTS = "last_resorts"


ENDS = frozenset({Kind.COVERED, Kind.LAST_RESORTS})  # always: there is nothing to take over
NOT_FOR_ALL = ENDS | {Kind.SEATS}  # who takes over customers has not agreed to answer at a desk as well


def _taken_over(kind: Kind) -> Kind:
    if kind in ENDS:
        raise ValueError("it ends when they leave: nobody takes it over")
    return kind


def _somebody(to: int | None) -> int | None:
    if to is None:
        raise ValueError("a job always has a manager: name somebody, or leave it out")
    return to


Successor = PersonId | None


class Each(Part):
    """Who takes over this one place."""

    kind: Annotated[Kind, AfterValidator(_taken_over)]
    id: Id = Field(description="Of the line, job, account, rule, cover, desk or commitment.")
    to: PersonId | None = Field(description="null: nobody.")


class Successors(Part):
    """Who takes over: in one place, else in all of a kind, else everywhere; null is nobody, where that is possible.

    What is not said is suggested where it is obvious: a line stays as it is, an account goes to its first deputy and a
    job to its account's manager, a seat at a desk is given up. `all` gives nobody a seat at a desk.
    """

    model_config = ConfigDict(json_schema_extra={"example": {"all": 7, "accounts": 5, "each": []}})

    all: PersonId | None = Field(default=None, description="Who takes over whatever nothing else is said of.")
    lines: Successor = None
    sold: Successor = None
    accounts: Successor = None
    deputies: Successor = None
    jobs: Annotated[Successor, AfterValidator(_somebody)] = None
    rules: Successor = None
    covers: Successor = None
    seats: Successor = None
    leads: Successor = None
    commitments: Successor = None
    each: Annotated[tuple[Each, ...], Field(max_length=1000)] = ()

    @property
    def of_kind(self) -> Mapping[Kind, int | None]:
        """What is said of whole kinds; None is nobody."""
        return {kind: getattr(self, kind.value) for kind in Kind if kind.value in self.model_fields_set}

    @property
    def of_place(self) -> Mapping[tuple[Kind, int], int | None]:
        """What is said of single places."""
        return {(one.kind, one.id): one.to for one in self.each}

    def said(self) -> Iterator[tuple[str, int]]:
        """Everybody who is named, with where (a JSON pointer)."""
        if self.all is not None:
            yield "/all", self.all
        for kind, person in self.of_kind.items():
            if person is not None:
                yield f"/{kind.value}", person
        for place, one in enumerate(self.each):
            if one.to is not None:
                yield f"/each/{place}/to", one.to
