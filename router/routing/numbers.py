"""Which number is this?

A number is whatever the PBX hands us as text: E.164, a national form, an extension of our own, nothing at all, or
rubbish. Each of them is a legal caller; nothing here raises.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import phonenumbers

# E.164 allows 15 digits, country code included; the shortest numbers in service have seven with theirs.
_E164 = re.compile(r"\+[1-9][0-9]{6,14}").fullmatch
_SHORT = re.compile(r"[0-9*#]{1,6}").fullmatch
_WRITTEN = re.compile(r"\+?[0-9 ()./-]{2,32}").fullmatch
_PREFIX = re.compile(r"\+[1-9][0-9]{0,14}").fullmatch

# What carriers and phones write instead of a number that was withheld; compared in lower case.
_WITHHELD = frozenset({"", "anonymous", "private", "restricted", "unavailable", "unknown", "withheld"})

_LONGEST = 64  # characters; nothing that anybody could dial is longer, whatever brackets it is written with

# One entry per number in its national form: a trunk that delivers those repeats the same callers all day, and reading
# one costs 25 µs. At about 0.5 kB an entry this stays under 5 MB whatever callers send.
_REMEMBERED = 8192


class NumberKind(StrEnum):
    """e164: callable from anywhere · short: an extension or a service number · withheld · malformed: none of these."""

    E164 = "e164"
    SHORT = "short"
    WITHHELD = "withheld"
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number as it was read. `e164` (with its plus) is empty unless `kind` says e164; `text` is what came."""

    kind: NumberKind
    e164: str
    text: str


def read_number(text: str, region: str, *, withheld: bool = False) -> Number:
    """Read a delivered number; national forms are those of `region`, an ISO 3166 country. Never raises."""
    if withheld:
        return Number(kind=NumberKind.WITHHELD, e164="", text=text)
    if _E164(text):
        return Number(kind=NumberKind.E164, e164=text, text=text)
    if len(text) > _LONGEST:
        return Number(kind=NumberKind.MALFORMED, e164="", text=text)
    return _read_other_form(text, region)


def forms_of(text: str, region: str) -> tuple[str, ...]:
    """In which forms a trunk of this region may have delivered this number, itself first. Never raises."""
    e164 = read_number(text, region).e164
    if not e164:
        return (text,)
    parsed = phonenumbers.parse(e164)
    forms = [text, e164, e164[1:], "00" + e164[1:]]
    if phonenumbers.country_code_for_region(region) == parsed.country_code:
        national = phonenumbers.national_significant_number(parsed)
        metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
        forms += [national, ((metadata.national_prefix if metadata else "") or "") + national]
    return tuple(dict.fromkeys(forms))


def read_prefix(text: str) -> str:
    """The beginning of E.164 numbers (`+4930`, also written `004930`), or an empty string when it is none."""
    compact = re.sub(r"[ ()./-]", "", text)
    if compact.startswith("00"):
        compact = "+" + compact[2:]
    return compact if _PREFIX(compact) else ""


def as_key(e164: str) -> int:
    """The digits of an E.164 number or prefix as an integer: 15 digits fit in 64 bits. Raises ValueError for others."""
    if not _PREFIX(e164):
        raise ValueError(f"{masked(e164)} is not in E.164 form: write it with + and its country code")
    return int(e164)


def masked(number: str) -> str:
    """The number for a log: its last four characters hidden, all of it when there are no more."""
    return number[:-4] + "****" if len(number) > 4 else "*" * len(number)


@lru_cache(maxsize=_REMEMBERED)
def _read_other_form(text: str, region: str) -> Number:
    stripped = text.strip(" ")
    if stripped.lower() in _WITHHELD:
        return Number(kind=NumberKind.WITHHELD, e164="", text=text)
    if _SHORT(stripped):
        return Number(kind=NumberKind.SHORT, e164="", text=stripped)
    e164 = _as_e164(stripped, region) if _WRITTEN(stripped) else ""
    return Number(kind=NumberKind.E164 if e164 else NumberKind.MALFORMED, e164=e164, text=text)


def _as_e164(written: str, region: str) -> str:
    # Trunks write 00 for the plus in every country, also where people dial 011.
    international = "+" + written[2:] if written.startswith("00") else written
    try:
        parsed = phonenumbers.parse(international, region)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(parsed):
        return ""
    e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return e164 if _E164(e164) else ""
