"""How is a place told in which somebody acts who leaves: as a field of an object, and in a sentence?"""

from collections.abc import Callable
from typing import assert_never

from router.changes.faults import Naming
from router.changes.handing_on import Place
from router.changes.successors import Kind

_FIELDS = {
    Kind.LINES: ("lines", "person_id"),
    Kind.SOLD: ("jobs", "salesperson_id"),
    Kind.ACCOUNTS: ("accounts", "manager_id"),
    Kind.DEPUTIES: ("accounts", "deputy_ids"),
    Kind.JOBS: ("jobs", "manager_id"),
    Kind.RULES: ("rules", "person_id"),
    Kind.COVERS: ("covers", "by_person_id"),
    Kind.COVERED: ("covers", "person_id"),
    Kind.SEATS: ("desks", "member_ids"),
    Kind.LEADS: ("desks", "lead_id"),
    Kind.LAST_RESORTS: ("desks", "last_resort"),
    Kind.COMMITMENTS: ("commitments", "owner_id"),
}


def naming_of(place: Place) -> Naming:
    """Which field of which object it is."""
    plural, field = _FIELDS[place.kind]
    return Naming(plural=plural, id=place.id, field=field)


def said_of(place: Place, name_of: Callable[[int], str]) -> str:
    """What the place is, and where it goes."""
    what = _what(place)
    if place.settled is None:
        return f"{what} {place.why}"
    return f"{what} → {_nobody(place.kind) if place.to is None else name_of(place.to)}"


def _what(place: Place) -> str:
    name = place.name
    match place.kind:
        case Kind.LINES:
            return f"the line {name}"
        case Kind.SOLD:
            return f"the job {name}, as salesperson"
        case Kind.ACCOUNTS:
            return f"the account {name}"
        case Kind.DEPUTIES:
            return f"the account {name}, as deputy"
        case Kind.JOBS:
            return f"the job {name}"
        case Kind.RULES:
            return f"the rule {name}"
        case Kind.COVERS:
            return f"the cover for {name}"
        case Kind.COVERED:
            return f"the cover by {name}"
        case Kind.SEATS:
            return f"the seat at desk {name}"
        case Kind.LEADS:
            return f"the lead of desk {name}"
        case Kind.LAST_RESORTS:
            return f"the last resort of desk {name}, a phone of theirs"
        case Kind.COMMITMENTS:
            return f"commitment {place.id} to {name}"
        case _:
            assert_never(place.kind)


def _nobody(kind: Kind) -> str:
    match kind:
        case Kind.LINES:
            return "stays theirs and rings its desk"
        case Kind.SOLD:
            return "stays on record"
        case Kind.ACCOUNTS:
            return "nobody; its desk answers"
        case Kind.COMMITMENTS:
            return "who stands in, or the desk"
        case Kind.COVERS | Kind.COVERED:
            return "ends"
        case Kind.SEATS:
            return "given up"
        case Kind.LAST_RESORTS:
            return "taken away"
        case Kind.DEPUTIES | Kind.JOBS | Kind.RULES | Kind.LEADS:
            return "nobody"
        case _:
            assert_never(kind)
