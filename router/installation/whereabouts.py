"""Where on earth does this machine think it is? Only as a first answer to a question that somebody may correct."""

import re
from collections.abc import Mapping
from pathlib import Path

import phonenumbers

UNKNOWN_REGION, UNKNOWN_ZONE = "US", "UTC"
LOCALTIME = Path("/etc/localtime")

_LOCALE = re.compile(r"[a-z]{2,3}_([A-Z]{2})")


def region_here(environ: Mapping[str, str]) -> str:
    """The country of this machine's language, as in de_DE."""
    for variable in ("LC_ALL", "LC_TELEPHONE", "LANG"):
        found = _LOCALE.match(environ.get(variable, ""))
        if found and found[1] in phonenumbers.SUPPORTED_REGIONS:
            return found[1]
    return UNKNOWN_REGION


def time_zone_here(localtime: Path = LOCALTIME) -> str:
    """The zone of this machine's clock."""
    try:
        _, found, name = str(localtime.resolve()).partition("/zoneinfo/")
    except OSError:
        return UNKNOWN_ZONE
    return name.removeprefix("Etc/") if found else UNKNOWN_ZONE
