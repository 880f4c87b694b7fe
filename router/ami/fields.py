"""Can the dialplan have written this field, and what does it say?

Every one is measured against that; each function here raises Impossible for what doesn't fit.
"""

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar

from router.ami import dialplan
from router.calls.events import Presented, Slot
from router.routing.model import Strategy

CHANNEL = re.compile(r"[A-Za-z0-9@/_.:;+-]{1,160}")
NUMBER = re.compile(r"[+0-9]{0,32}")
LEG = re.compile(r"[A-Za-z0-9._+-]{1,200}")
AT = re.compile(r"[0-9]{9,10}(?:\.[0-9]{1,6})?")
STEP = re.compile(r"[0-9]{1,4}")
CAUSE = re.compile(r"[0-9]{1,3}")


class Impossible(Exception):
    """A field that the dialplan can't have written."""


def parts_of(journal: str | None, count: int, expected: str) -> list[str]:
    version, *parts = (journal or "").split("~")
    if version != expected or len(parts) != count:
        raise Impossible
    return parts


def caller_of(number: str | None, presented: Presented) -> str:
    caller = fitting(NUMBER, number)
    if presented is not Presented.NUMBER:
        return ""
    if not caller:
        raise Impossible
    return caller


def instant_of(text: str | None, skew: float) -> datetime:
    return datetime.fromtimestamp(float(fitting(AT, text)) - skew, UTC)


def step_of(text: str | None) -> int:
    return int(fitting(STEP, text))


def place_of(queue: str) -> Slot | None:
    found = dialplan.slot_of(queue)
    if found is None:
        if queue:
            raise Impossible
        return None
    strategy, slot = found
    return Strategy(strategy), slot


def cause_of(text: str) -> int:
    cause = int(fitting(CAUSE, text)) if text else 0
    if cause > 127:
        raise Impossible
    return cause


def fitting(pattern: re.Pattern[str], text: str | None) -> str:
    if text is None or not pattern.fullmatch(text):
        raise Impossible
    return text


Choice = TypeVar("Choice", bound=StrEnum)


def one_of(kind: type[Choice], text: str | None) -> Choice:
    try:
        return kind(text or "")
    except ValueError:
        raise Impossible from None
