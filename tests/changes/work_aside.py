"""What is a child process given to do in these tests?"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from router.changes.aside import step_back, tell

_remembered: list[str] = []


class CannotBeTold(Exception):
    def __init__(self, why: str, *, what: Callable[[], None]) -> None:
        super().__init__(why)
        self.what = what


def add(one: int, other: int) -> int:
    return one + other


def divide(one: int, other: int) -> float:
    return one / other


def count(to: int) -> str:
    for nth in range(to):
        tell(nth)
    return "counted"


def remember(word: str) -> list[str]:
    _remembered.append(word)
    return list(_remembered)


def print_something() -> str:
    print("something")  # noqa: T201 (that is what is asked: does it come between?)
    sys.stdout.flush()
    return "printed"


def die() -> None:
    os._exit(3)


def never_end(sign: str) -> None:
    Path(sign).write_text(str(os.getpid()))
    while True:  # as thinking does it: without giving anybody a turn; whoever started it ends it
        pass


def raise_what_cannot_be_told() -> None:
    raise CannotBeTold("it holds a function", what=lambda: None)


def how_nice_once_it_has_stepped_back() -> tuple[int, int]:
    """The process, and the session where Linux shares a core out among sessions (else again the process)."""
    step_back()
    session = Path("/proc/self/autogroup")
    nice = os.nice(0)
    return nice, int(session.read_text().split()[-1]) if session.exists() else nice
