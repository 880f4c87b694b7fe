"""Which number was this before a spreadsheet took it for an amount?

A spreadsheet drops the +, shows long numbers as 1.20255E+11 and saves what it shows. What can be put back without a
doubt is put back, with a remark; where digits are gone, or two numbers could be meant, the sentence says what to do.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers

from router.routing.numbers import NumberKind, read_number, read_prefix

AS_TEXT = (
    "format the column as text before the numbers are put in (or put them in with + and spaces), and save it again"
)

_POWER = re.compile(r"(?P<whole>\d)(?:[.,](?P<rest>\d+))?[eE]\+?(?P<power>\d{1,2})").fullmatch
_FLOAT = re.compile(r"(?P<digits>\d+)[.,]0+").fullmatch
_DIGITS = re.compile(r"\d+").fullmatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """What is meant, and what had to be put right for it (empty: nothing)."""

    value: str
    remark: str = ""


class Unreadable(ValueError):
    """Nobody can say which number this was; the message says what to do."""


def mended_digits(written: str) -> Mended:
    """Digits (an extension, a priority, the form in which a trunk delivers a line). Raises Unreadable."""
    bare = written.strip().lstrip("'\u2019").strip()
    if power := _POWER(bare):
        bare = _without_power(bare, power)
    elif found := _FLOAT(bare):
        bare = found["digits"]
    return Mended(value=bare, remark="" if bare == written.strip() else f"{written.strip()} was read as {bare}")


@lru_cache(maxsize=1 << 16)
def mended_number(written: str, region: str) -> Mended:
    """A telephone number in E.164; national forms are those of `region`. Raises Unreadable."""
    shown = written.strip()
    if re.fullmatch(r"\+[1-9][0-9]{6,14}", shown):
        return Mended(value=shown)
    bare = mended_digits(shown.replace("\u00a0", " ")).value
    value = _e164(bare, region)
    changed = bool(_DIGITS(shown)) and value == f"+{shown}"
    remark = f"{shown} was read as {value}" if bare != shown or changed else ""
    return Mended(value=value, remark=remark)


def mended_number_or_block(written: str, region: str) -> Mended:
    """The same for what may also be a block, which is what its numbers begin with and a star. Raises Unreadable."""
    shown = written.strip()
    if not shown.endswith("*"):
        return mended_number(shown, region)
    prefix = read_prefix(shown[:-1].lstrip("'"))
    if not prefix:
        raise Unreadable(f"{shown!r} is no block of numbers: write it with + and its country code, as +1202555*")
    return Mended(value=f"{prefix}*")


def _without_power(written: str, power: re.Match[str]) -> str:
    rest, digits = power["rest"] or "", int(power["power"])
    if len(rest) < digits:
        lost = digits - len(rest)
        raise Unreadable(
            f"a spreadsheet has rounded this number to {written}: its last {lost} digits are lost; {AS_TEXT}"
        )
    if rest[digits:].strip("0"):
        raise Unreadable(f"{written} is no whole number; {AS_TEXT}")
    return power["whole"] + rest[:digits]


def _e164(bare: str, region: str) -> str:
    national = read_number(bare, region)
    as_national = national.e164 if national.kind is NumberKind.E164 else ""
    if not _DIGITS(bare) or bare.startswith("0"):
        if not as_national:
            raise Unreadable(f"{bare!r} is no telephone number: write it with + and its country code")
        return as_national
    as_international = f"+{bare}" if _in_service(f"+{bare}") else ""
    if as_national in ("", as_international):
        if not as_international:
            raise Unreadable(f"{bare!r} is no telephone number: write it with + and its country code")
        return as_international
    if as_international and _in_service(as_national):
        raise Unreadable(f"{bare} could be {as_international} or {as_national}: write it with + and its country code")
    return as_international or as_national


def _in_service(e164: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(e164))
    except phonenumbers.NumberParseException:
        return False
