"""What did a look at the installation find?"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from router.routing.hiding import without_ends

# Short for what `hiding` takes as one (a number of the public network has seven digits at least), and always with plus
_NUMBER = re.compile(r"\+[0-9]{5,15}(?![0-9*])")


class Verdict(StrEnum):
    """good · warning: worth a look, costs no call · fault: costs calls, or soon will · left_out: could not be asked."""

    GOOD = "good"
    WARNING = "warning"
    FAULT = "fault"
    LEFT_OUT = "left_out"


MARKS: Mapping[Verdict, str] = {
    Verdict.GOOD: "✓",
    Verdict.WARNING: "!",
    Verdict.FAULT: "✗",
    Verdict.LEFT_OUT: "–",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one look found, in one sentence, which also says what to do where something is to be done."""

    check: str
    verdict: Verdict
    sentence: str

    def masked(self) -> "Finding":
        """The same without the ends of phone numbers: what a doctor says is pasted into letters and tickets."""
        hidden = _NUMBER.sub(lambda number: number[0][:-4] + "****", without_ends(self.sentence))
        return replace(self, sentence=hidden)

    def as_json(self) -> dict[str, str]:
        return {"check": self.check, "verdict": self.verdict.value, "sentence": self.sentence}


def good(check: str, sentence: str) -> Finding:
    return Finding(check=check, verdict=Verdict.GOOD, sentence=sentence)


def warning(check: str, sentence: str) -> Finding:
    return Finding(check=check, verdict=Verdict.WARNING, sentence=sentence)


def fault(check: str, sentence: str) -> Finding:
    return Finding(check=check, verdict=Verdict.FAULT, sentence=sentence)


def left_out(check: str, sentence: str) -> Finding:
    return Finding(check=check, verdict=Verdict.LEFT_OUT, sentence=sentence)
