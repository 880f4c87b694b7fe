"""To whom may a call be handed over, and whom does a transfer key mean?"""

from dataclasses import dataclass

from router.routing.model import Person
from router.routing.table import Table

# What a phone's transfer key may be followed by, besides somebody's short number (which comes first).
LINE_DESK = "0"
MANAGER = "00"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToPerson:
    person: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ToDesk:
    desk: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ToManager:
    """Whoever manages the caller's running job or account; the call's usual desk, where nobody does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToUsualDesk:
    """The desk that ends this call's plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Back:
    """To who gave it: nobody has the short number that was `dialled`."""

    dialled: str


Target = ToPerson | ToDesk | ToManager | ToUsualDesk | Back


@dataclass(frozen=True, slots=True, kw_only=True)
class Giver:
    """Who had the caller: their phone (an endpoint, or an external number), and the person, if the table knows it."""

    phone: str
    person: Person | None

    @property
    def name(self) -> str:
        """What to call them."""
        return self.person.name if self.person else self.phone


def by_short_number(dialled: str, table: Table) -> Target:
    """Who is meant by what followed a phone's transfer key. Raises nothing."""
    person = next((one for one in table.people.values() if one.short_number and one.short_number == dialled), None)
    if person is not None:
        return ToPerson(person=person.id)
    if dialled == LINE_DESK:
        return ToUsualDesk()
    return ToManager() if dialled == MANAGER else Back(dialled=dialled)
