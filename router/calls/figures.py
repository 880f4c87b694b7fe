"""What do the figures of a report mean?

Here each is said in a sentence and in Python. The database adds them up by itself (storage/reports.py), since nobody
wants to wait for a million calls; a test holds it to what stands here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum

from router.calls.call import Ending
from router.calls.events import Path


class By(StrEnum):
    """What a report is divided by: hour is the hour of the day, day and hour by the company's clock."""

    LINE = "line"
    DESK = "desk"
    PERSON = "person"
    DAY = "day"
    HOUR = "hour"


GROUPS = {
    By.LINE: "the published line that was dialled",
    By.DESK: "the desk that stands behind the dialled line, by the table of today",
    By.PERSON: "the person who took the call first; legs count for the person whose phone it was",
    By.DAY: "the day on which the call arrived, by the company's clock",
    By.HOUR: "the hour of the day in which the call arrived, by the company's clock",
}

DEFINITIONS = {
    "calls": "Calls that arrived in the period; test calls count in no figure.",
    "answered": "Calls that a person took.",
    "answered_share": "Answered calls, of the calls that have ended.",
    "gave_up": "Calls in which the caller hung up before a person took it.",
    "promised": "Calls whose caller was let go with a promise to be called back.",
    "lost": "Calls that went with the PBX: nobody knows how they ended.",
    "seconds_median": "Seconds from a call's arrival to a person, of the answered calls: half waited no longer.",
    "seconds_p95": "The same: 95 of 100 waited no longer.",
    "seconds_spread": "The same: from what a quarter didn't wait longer than to what three quarters didn't.",
    "kept_in_time": "Calls without a person whose commitment was kept by its due time.",
    "kept_late": "Calls without a person whose commitment was kept after its due time.",
    "still_owed": "Calls without a person whose commitment is still open.",
    "void": "Calls without a person whose commitment was declared void, for a reason.",
    "owed_nothing": "Calls without a person that made no commitment: mostly hung up within the first seconds.",
    "machine_legs": "Legs to external phones that were answered at once, or answered without a key: likely a mailbox.",
    "to_former_salespeople": "Calls to the line of a salesperson who has left, by the table of today.",
    "with_manager": "Calls of a known account that has a manager, by the table of today; a running job's comes first.",
    "reached_manager": "Those of them that this manager took, at once or after a hand-over.",
    "reached_manager_share": "Calls that reached their manager, of the answered calls with a manager.",
    "fallback": "Calls that went without a plan of ours: the router was away, late, or its plan was not valid.",
    "fallback_share": "Calls that went without a plan, of the calls whose way is known.",
}


class Kept(StrEnum):
    """What became of the commitment that a call stands on."""

    IN_TIME = "in_time"
    LATE = "late"
    OWED = "owed"
    VOID = "void"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What counts of one call. `waited` are milliseconds from its arrival to a person."""

    ending: Ending | None
    waited: int | None = None
    path: Path | None = None
    kept: Kept | None = None
    machine_legs: int = 0
    to_former: bool = False
    manager: int | None = None
    taken_by: int | None = None
    owner: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What is counted, and the milliseconds that a quarter, half, three quarters, and 95 of 100 waited at most."""

    calls: int = 0
    ended: int = 0
    answered: int = 0
    gave_up: int = 0
    promised: int = 0
    lost: int = 0
    kept_in_time: int = 0
    kept_late: int = 0
    still_owed: int = 0
    void: int = 0
    owed_nothing: int = 0
    machine_legs: int = 0
    to_former_salespeople: int = 0
    with_manager: int = 0
    answered_with_manager: int = 0
    reached_manager: int = 0
    fallback: int = 0
    with_path: int = 0
    p25: int | None = None
    p50: int | None = None
    p75: int | None = None
    p95: int | None = None


COUNTED = tuple(field.name for field in fields(Counts) if field.type is int)
PERCENTILES = (25, 50, 75, 95)


def count(facts: Iterable[Fact]) -> Counts:
    """What these calls add up to. Raises nothing."""
    all_of = list(facts)
    missed = [one for one in all_of if one.ending not in (None, Ending.ANSWERED)]
    managed = [one for one in all_of if one.manager is not None]
    waited = sorted(one.waited for one in all_of if one.waited is not None)
    return Counts(
        calls=len(all_of),
        ended=sum(one.ending is not None for one in all_of),
        answered=sum(one.ending is Ending.ANSWERED for one in all_of),
        gave_up=sum(one.ending is Ending.GAVE_UP for one in all_of),
        promised=sum(one.ending is Ending.PROMISED for one in all_of),
        lost=sum(one.ending is Ending.LOST for one in all_of),
        kept_in_time=sum(one.kept is Kept.IN_TIME for one in missed),
        kept_late=sum(one.kept is Kept.LATE for one in missed),
        still_owed=sum(one.kept is Kept.OWED for one in missed),
        void=sum(one.kept is Kept.VOID for one in missed),
        owed_nothing=sum(one.kept is None for one in missed),
        machine_legs=sum(one.machine_legs for one in all_of),
        to_former_salespeople=sum(one.to_former for one in all_of),
        with_manager=len(managed),
        answered_with_manager=sum(one.ending is Ending.ANSWERED for one in managed),
        reached_manager=sum(
            one.ending is Ending.ANSWERED and one.manager in (one.taken_by, one.owner) for one in managed
        ),
        fallback=sum(one.path not in (None, Path.PLAN) for one in all_of),
        with_path=sum(one.path is not None for one in all_of),
        **{f"p{percent}": percentile(waited, percent) for percent in PERCENTILES},
    )


def percentile(ordered: Sequence[int], percent: int) -> int | None:
    """The smallest of these that at least so many of a hundred don't exceed; None of none."""
    return ordered[rank(len(ordered), percent) - 1] if ordered else None


def rank(count: int, percent: int) -> int:
    """Which place that has among so many, counted from 1."""
    return (count * percent + 99) // 100


def figures_of(counts: Counts) -> dict[str, int | float | None]:
    """The figures by the names of DEFINITIONS, shares between 0 and 1, None where there is nothing to divide."""
    made: dict[str, int | float | None] = {
        "answered_share": _share(counts.answered, counts.ended),
        "seconds_median": _seconds(counts.p50),
        "seconds_p95": _seconds(counts.p95),
        "seconds_spread": None if counts.p75 is None or counts.p25 is None else _seconds(counts.p75 - counts.p25),
        "reached_manager_share": _share(counts.reached_manager, counts.answered_with_manager),
        "fallback_share": _share(counts.fallback, counts.with_path),
    }
    return {name: made[name] if name in made else getattr(counts, name) for name in DEFINITIONS}


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
