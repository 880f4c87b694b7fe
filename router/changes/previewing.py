"""What would become of calls, and of what is wrong, if a change were made?"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from router.changes.dead_ends import DeadEnds
from router.routing.callers import USUAL_DIGITS
from router.routing.comparison import as_json, moves
from router.routing.configuration import Change, PutNumbers, RemoveNumbers
from router.routing.problem import Problem, alike
from router.routing.problem import as_json as problem_as_json
from router.routing.problems import problems, same_problems
from router.routing.table import Table
from router.routing.touched import touches_little

TOLD_AT_MOST = 100  # moves, and problems of each kind; a change that makes more of them is looked at in parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """Ready for JSON: which calls go elsewhere, which problems and warnings appear, which vanish.

    `refused` says why such a change would be, by the problems that a caller would meet; empty when it would be made.
    """

    moves: list[dict[str, Any]]
    moves_in_all: int
    appear: list[dict[str, Any]]
    vanish: list[dict[str, Any]]
    refused: list[dict[str, Any]]

    @property
    def sentences(self) -> list[str]:
        """All of it in words."""
        more = self.moves_in_all - len(self.moves)
        return [
            *(move["sentence"] for move in self.moves),
            *([f"{more} more kinds of call go elsewhere."] if more else []),
            *([] if self.moves else ["No call goes elsewhere."]),
            *(f"It would be refused: {one['sentence']}." for one in self.refused),
            *(f"Appears: {one['sentence']}." for one in self.appear),
            *(f"Vanishes: {one['sentence']}." for one in self.vanish),
        ]


NOTHING = Preview(moves=[], moves_in_all=0, appear=[], vanish=[], refused=[])


def preview(before: Table, changes: Sequence[Change], now: datetime) -> Preview:
    """What these changes would lead to. Takes seconds for a large table. Raises TableError when they make none."""
    after = before.with_changes(changes)
    there, then = _problems_that_matter(before, after, now)
    found = {before.version: there, after.version: then}
    dead_ends = DeadEnds(lambda table, _: found[table.version])
    moving = moves(before, after, now, _numbers_in(changes))
    zone = ZoneInfo(after.time_zone)
    return Preview(
        moves=[as_json(move, zone) for move in moving[:TOLD_AT_MOST]],
        moves_in_all=len(moving),
        appear=[problem_as_json(one, zone) for one in _lacking(then, there)],
        vanish=[problem_as_json(one, zone) for one in _lacking(there, then)],
        refused=[{"sentence": one.sentence, "path": list(one.path)} for one in dead_ends.new_ones(before, after, now)],
    )


def _problems_that_matter(before: Table, after: Table, now: datetime) -> tuple[Sequence[Problem], Sequence[Problem]]:
    """All of either table, or none where both have the same."""
    if touches_little(before, after) and same_problems(before, after, now):
        return (), ()
    return problems(before, now), problems(after, now)


def _lacking(some: Iterable[Problem], others: Iterable[Problem]) -> list[Problem]:
    known = {alike(problem) for problem in others}
    return [problem for problem in some if alike(problem) not in known][:TOLD_AT_MOST]


def _numbers_in(changes: Iterable[Change]) -> Iterator[int]:
    """A number of each that is put or removed; of a block one that lies in it."""
    for change in changes:
        if isinstance(change, PutNumbers | RemoveNumbers):
            for number, is_prefix, *_ in change.rows:
                yield int(str(number).ljust(USUAL_DIGITS, "0")) if is_prefix else number
