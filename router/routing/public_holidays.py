"""On which days does a country, or a part of it, keep a public holiday?

The dates come from the library `holidays`, which knows them by computing, without asking anybody. A year of one place
takes it under a millisecond, and the first of all some 40 ms, because it reads its own files then. So the years that
calls will ask for are computed when a table is made, and kept; no call waits for them.
"""

from collections.abc import Mapping
from datetime import date
from functools import cache

from holidays import country_holidays

# Computed as soon as some hours name a place: 15 years in some 4 ms, longer than a process runs without a restart. A
# year beyond these costs the first call of that year the fraction of a millisecond that computing it takes.
YEARS = range(2025, 2040)


class UnknownPlace(ValueError):
    """No public holidays are known of this country or subdivision; the message says how to name one."""


def holiday_name(country: str, subdivision: str | None, day: date) -> str | None:
    """What is celebrated there on this day, in English where a name in English is known; None on other days.

    Raises UnknownPlace.
    """
    return _of_year(country, subdivision, day.year).get(day)


def prepare(country: str, subdivision: str | None) -> None:
    """Compute YEARS now, so that no call has to. Raises UnknownPlace."""
    for year in YEARS:
        _of_year(country, subdivision, year)


@cache  # a handful of places, and the years that were asked for
def _of_year(country: str, subdivision: str | None, year: int) -> Mapping[date, str]:
    try:
        found = country_holidays(country, subdiv=subdivision, years=year, expand=False, language="en_US")
    except NotImplementedError as unknown:
        place = f"{country}-{subdivision}" if subdivision else country
        raise UnknownPlace(
            f"no public holidays are known of {place!r}: give an ISO 3166 country such as DE,"
            " and a subdivision of it such as HH, or none"
        ) from unknown
    return {day: name for day, name in found.items() if day.year == year}
