"""Why is a change refused?

    ChangeRefused
    ├── Invalid        fields that can't be so; each with a pointer into what was sent
    ├── Unknown        there is no such object
    ├── Changed        somebody has changed it since it was read
    ├── ChangedSince   what shall be undone was followed by another change of the same object
    ├── TooMuch        so many objects at once are changed elsewhere, where nobody has to wait for it
    ├── Taken          somebody else has what only one may have
    ├── StillNamed     others refer to what shall go; they are listed
    ├── LeftBehind     somebody leaves, and of places in which they act nobody says who takes them over
    ├── LeavesAlready  they are to leave, or have left
    ├── StaysAnyway    they are not to leave, and have not left
    ├── NotCovered     nobody answers for them now
    ├── LeadsNowhere   a caller would be left without a person; each with the path that leads nowhere
    └── NotLookedAhead whether a caller would be left without a person could not be found out: try again

Every message says what to do. Nothing was changed when one of these is raised.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldFault:
    """`pointer` is a JSON pointer (RFC 6901) into what was sent, empty for all of it."""

    pointer: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """An object that names another: `plural` and `id` say which, `field` where in it."""

    plural: str
    id: int
    field: str


class ChangeRefused(Exception):
    """A change that is not made; see the subclasses. `at` points to the item of a list of changes, where it is one."""

    at = ""


class Invalid(ChangeRefused):
    def __init__(self, faults: Sequence[FieldFault]) -> None:
        super().__init__("; ".join(f"{fault.pointer}: {fault.sentence}" for fault in faults))
        self.faults = tuple(faults)


class Unknown(ChangeRefused):
    pass


class Changed(ChangeRefused):
    pass


class ChangedSince(ChangeRefused):
    pass


class TooMuch(ChangeRefused):
    pass


class Taken(ChangeRefused):
    def __init__(self, faults: Sequence[FieldFault]) -> None:
        super().__init__("; ".join(fault.sentence for fault in faults))
        self.faults = tuple(faults)


class StillNamed(ChangeRefused):
    def __init__(self, sentence: str, by: Sequence[Naming]) -> None:
        super().__init__(sentence)
        self.by = tuple(by)


class LeftBehind(ChangeRefused):
    def __init__(self, faults: Sequence[FieldFault], by: Sequence[Naming]) -> None:
        super().__init__("; ".join(fault.sentence for fault in faults))
        self.faults = tuple(faults)
        self.by = tuple(by)


class LeavesAlready(ChangeRefused):
    pass


class StaysAnyway(ChangeRefused):
    pass


class NotCovered(ChangeRefused):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Nowhere:
    """A problem of the table that the change would make: what is wrong, and the way there, both in words."""

    sentence: str
    path: tuple[str, ...]


class LeadsNowhere(ChangeRefused):
    def __init__(self, found: Sequence[Nowhere]) -> None:
        super().__init__("; ".join(one.sentence for one in found))
        self.found = tuple(found)


class NotLookedAhead(ChangeRefused):
    pass
