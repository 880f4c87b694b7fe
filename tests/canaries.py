"""Does any log, or any figure, of a whole run hold a number that should be hidden?

Some numbers are canaries: a story sends them every way that a number can come into the router. When the run is over,
everything that its routers wrote into their logs, all figures that they had counted, and what the tests themselves
printed is looked through: none of it may hold a canary in clear. The logs must hold each as it is shown when hidden:
else it was never there to be hidden. So each begins as no other number of the tests does.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from router.lab.configuration import OUTSIDE_PREFIX
from router.routing.numbers import masked

LOG, FIGURES = "router.log", "figures.txt"  # what router/lab/process.py calls them

CALLER = "+16175550181"  # reaches the mobile
GAVE_UP = "+16185550182"  # is owed a call
FELL_BACK = "+16195550183"  # while the router was frozen
NATIONAL = "6205550184"  # a trunk that delivers no E.164
DIALLED = "+16265550185"  # no line of ours
REFUSED = "+16285550186"  # whose record the database refuses, repeating the number
ASKED_FOR = "+16295550187"  # over the API
MOBILE = f"{OUTSIDE_PREFIX}0188"  # a salesperson's private number
CANARIES = (CALLER, GAVE_UP, FELL_BACK, NATIONAL, DIALLED, REFUSED, MOBILE)
NEVER_LOGGED = (ASKED_FOR,)  # requests are in no log

# However it is written: with or without plus, country code and what people put in between.
_SPELLINGS = re.compile("|".join("[ ()./-]*".join(number[-10:]) for number in (*CANARIES, *NEVER_LOGGED)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """`clear` are the lines that hold a canary, with where they stand; `hidden` the canaries seen as they should be."""

    clear: tuple[str, ...]
    hidden: frozenset[str]
    files: int

    def faults(self, *, whole_run: bool) -> list[str]:
        """What is wrong, as sentences. In a part of a run, canaries may be missing altogether."""
        told = [f"a number stands in clear: {line}" for line in self.clear]
        if whole_run or self.hidden - {MOBILE}:  # other mobiles begin as this one does
            told += [f"{masked(number)} is in no log" for number in CANARIES if number not in self.hidden]
        return told


def look_through(folder: Path, printed: Iterable[tuple[str, str]]) -> Found:
    """All logs and figures below this folder, and what tests printed (who, what)."""
    files = [path for name in (LOG, FIGURES) for path in sorted(folder.rglob(name))]
    texts = [(str(path.relative_to(folder)), path.read_text(errors="replace")) for path in files]
    logs = "\n".join(text for name, text in texts if name.endswith(LOG))
    return Found(
        clear=tuple(line for name, text in (*texts, *printed) for line in in_clear(name, text)),
        hidden=frozenset(number for number in CANARIES if masked(number) in logs),
        files=len(files),
    )


def in_clear(name: str, text: str) -> Iterator[str]:
    """The lines of this text that hold a canary."""
    if _SPELLINGS.search(text):
        for line in text.splitlines():
            if _SPELLINGS.search(line):
                yield f"{name}: {line[:300]}"
