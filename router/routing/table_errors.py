"""Why can no table be made of a configuration?"""

from collections.abc import Iterable

from router.routing.hours import zone
from router.routing.model import Desk, Hours
from router.routing.public_holidays import UnknownPlace, prepare


class TableError(ValueError):
    """A configuration that no table can be made of. The message says what to do.

    TableError
      ├─ NotOneSafetyNet   no desk, or several, are marked as the safety net
      ├─ UnknownTimeZone   of the company or of some hours
      ├─ UnknownHolidays   of the country or subdivision of some hours
      └─ UnknownRegion     the country of national numbers
    """


class NotOneSafetyNet(TableError):
    pass


class UnknownTimeZone(TableError):
    pass


class UnknownHolidays(TableError):
    pass


class UnknownRegion(TableError):
    pass


def check_zone(name: str, whose: str) -> None:
    """Raises UnknownTimeZone."""
    try:
        zone(name)
    except ValueError as unknown:
        raise UnknownTimeZone(f"{whose}: {unknown}") from unknown


def check_hours(hours: Hours) -> None:
    """Raises UnknownTimeZone, UnknownHolidays."""
    check_zone(hours.time_zone, f"the hours {hours.name!r}")
    if hours.country is None:
        return
    try:
        prepare(hours.country, hours.subdivision)
    except UnknownPlace as unknown:
        raise UnknownHolidays(f"the hours {hours.name!r}: {unknown}") from unknown


def safety_net_of(desks: Iterable[Desk]) -> Desk:
    """The one desk that takes every call nobody else takes. Raises NotOneSafetyNet."""
    nets = [desk for desk in desks if desk.safety_net]
    if len(nets) == 1:
        return nets[0]
    if nets:
        names = ", ".join(sorted(repr(desk.name) for desk in nets))
        raise NotOneSafetyNet(f"the desks {names} are all marked as the safety net: leave the mark on one of them")
    raise NotOneSafetyNet("no desk is the safety net: mark the one desk that takes every call nobody else takes")
