"""What is left of the phone numbers in a record that is too old to keep them, or that shall forget one?

Digits become stars, one for one, and nothing else changes: what was alike stays alike, so that old records can still be
counted by number, and hiding twice is hiding once.
"""

import re
from collections.abc import Callable
from typing import Any

from router.routing.numbers import read_number

STAR = "*"
HIDDEN = 4  # digits: as many as the log hides
# Fewer digits are no number of the public network, but an extension, a year, an amount of money.
_FEWEST, _MOST = 7, 15
# A number as people and machines write it: not a part of a word or an instant, and not hidden already.
_WRITTEN = re.compile(r"(?<![\w.+])(?<![0-9]:)\+?[0-9(][0-9 ()./-]{5,40}[0-9](?![\w:]|[./-][0-9]|(?:[ ()./-]*\*){4})")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{4}")
_CALL_ID = re.compile(r"[0-9]{9,10}\.[0-9]+")  # Asterisk's Uniqueid
_ADDRESS = re.compile(r"(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(?:\.(?!$)|$)){4}")  # IPv4


def without_ends(text: str, *, spare: frozenset[str] = frozenset()) -> str:
    """The text with the last four digits of every phone number in it as stars; those in `spare` stay. Raises nothing.

    Dates, instants, ids of calls and addresses of machines are no phone numbers.
    """
    return _in_numbers(text, lambda written: written if written in spare else _hide(written, HIDDEN))


def without_number(text: str, number: str, region: str) -> str:
    """The text with all digits of this number (E.164) as stars, however it is written there. Raises nothing.

    National forms are those of `region`.
    """

    def hide(written: str) -> str:
        same = read_number(written, region).e164 == number or _digits(written) == _digits(number)
        return _hide(written, len(written)) if same else written

    return _in_numbers(text, hide)


def end_hidden(text: str) -> str:
    """A field that is one number, in whatever form: as `without_ends`, and when it has another form, as the log."""
    if STAR * min(HIDDEN, len(text)) == text[-HIDDEN:]:
        return text
    hidden = without_ends(text)
    return hidden if hidden != text else text[:-HIDDEN] + STAR * min(HIDDEN, len(text))


def in_data(data: Any, change: Callable[[str], str]) -> Any:
    """The same JSON with every text in it changed; names of members stay. Raises nothing."""
    match data:
        case str():
            return change(data)
        case dict():
            return {name: in_data(value, change) for name, value in data.items()}
        case list() | tuple():
            return [in_data(value, change) for value in data]
        case _:
            return data


def _in_numbers(text: str, change: Callable[[str], str]) -> str:
    if len(text) < _FEWEST:
        return text
    return _WRITTEN.sub(lambda found: _changed(found[0], change), text)


def _changed(written: str, change: Callable[[str], str]) -> str:
    digits = len(_digits(written))
    if digits < _FEWEST or any(other.fullmatch(written) for other in (_DATE, _CALL_ID, _ADDRESS)):
        return written
    if digits > _MOST and " " in written:  # several, one after the other
        return " ".join(_changed(one, change) for one in written.split(" "))
    return change(written)


def _hide(written: str, count: int) -> str:
    hidden, left = [], count
    for character in reversed(written):
        hidden.append(STAR if character.isdecimal() and left > 0 else character)
        left -= character.isdecimal()
    return "".join(reversed(hidden))


def _digits(written: str) -> str:
    return re.sub(r"[^0-9]", "", written)
