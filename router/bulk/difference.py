"""What would be new, changed, removed and the same, for people to read?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from router.bulk.called import Called
from router.bulk.columns import Columns
from router.bulk.steps import Step
from router.bulk.together import display
from router.changes.nouns import OF_NOUN
from router.changes.showing import fields_from
from router.routing.configuration import Noun
from router.storage.access_schema import Action
from router.storage.kept import Kept

TOLD_AT_MOST = 20  # objects of each kind, unless all are asked for: what fits on a screen
CELL_AT_MOST = 200  # characters of one cell


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """One field: the cell as it was, and as it will be."""

    column: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One object of the difference, by the name that people know."""

    action: Action
    name: str
    fields: tuple[Changed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OfOneNoun:
    """How many objects are new, changed, removed and the same, and the first of them."""

    plural: str
    new: int
    changed: int
    removed: int
    same: int
    told: tuple[Told, ...]


Difference = tuple[OfOneNoun, ...]


def difference(
    steps: Sequence[Step],
    same: Mapping[Noun, int],
    called: Mapping[Noun, Called],
    region: str,
    *,
    private: bool,
    everything: bool = False,
) -> Difference:
    """Of each noun in `same`; without `private` the numbers of external phones stay hidden."""
    found = []
    for noun, unchanged in same.items():
        of_noun = [step for step in steps if step.declared.noun is noun]
        columns = Columns(OF_NOUN[noun], called, region)
        told: list[Told] = []
        counts = {}
        for action in Action:
            alike = [step for step in of_noun if step.action is action]
            counts[action] = len(alike)
            first = alike if everything else alike[:TOLD_AT_MOST]
            told += [_told(step, columns, private) for step in first]
        found.append(
            OfOneNoun(
                plural=OF_NOUN[noun].plural,
                new=counts[Action.CREATED],
                changed=counts[Action.CHANGED],
                removed=counts[Action.REMOVED],
                same=unchanged,
                told=tuple(told),
            )
        )
    return tuple(found)


def lines(of_one: OfOneNoun) -> Iterator[str]:
    """Counts first, then each object in a line, and in one more for each field that changes."""
    yield (
        f"{of_one.plural}: {of_one.new:,} new, {of_one.changed:,} changed, {of_one.removed:,} removed,"
        f" {of_one.same:,} the same"
    )
    marks = {Action.CREATED: ("+", of_one.new), Action.CHANGED: ("~", of_one.changed)}
    marks[Action.REMOVED] = "-", of_one.removed
    for action, (mark, count) in marks.items():
        alike = [one for one in of_one.told if one.action is action]
        for one in alike:
            yield f"  {mark} {one.name}"
            if action is Action.CHANGED:
                yield from (f"      {field.column}: {field.before} → {field.after}" for field in one.fields)
        if count > len(alike):
            yield f"  {mark} and {count - len(alike):,} more"


def as_json(told: Difference) -> list[dict[str, Any]]:
    """The same as data."""
    return [
        {
            "noun": one.plural,
            "new": one.new,
            "changed": one.changed,
            "removed": one.removed,
            "same": one.same,
            "details": [
                {
                    "action": detail.action.value,
                    "name": detail.name,
                    "fields": [
                        {"column": field.column, "before": field.before, "after": field.after}
                        for field in detail.fields
                    ],
                }
                for detail in one.told
            ],
            "not_shown": one.new + one.changed + one.removed - len(one.told),
        }
        for one in told
    ]


def from_json(told: Sequence[Mapping[str, Any]]) -> Difference:
    """What `as_json` has told."""
    return tuple(
        OfOneNoun(
            plural=one["noun"],
            **{name: one[name] for name in ("new", "changed", "removed", "same")},
            told=tuple(
                Told(
                    action=Action(detail["action"]),
                    name=detail["name"],
                    fields=tuple(Changed(**field) for field in detail["fields"]),
                )
                for detail in one["details"]
            ),
        )
        for one in told
    )


def _told(step: Step, columns: Columns, private: bool) -> Told:
    fields: tuple[Changed, ...] = ()
    if step.action is Action.CHANGED:
        before, after = _cells(step, step.before, columns, private), _cells(step, step.after, columns, private)
        hidden = "(hidden)" if before == after else ""  # only what the reader may not see has changed
        fields = tuple(
            Changed(column=name, before=_short(before[name]), after=_short(after[name]))
            for name in before
            if before[name] != after[name]
        ) or (Changed(column="phones", before=hidden, after=hidden),)
    return Told(
        action=step.action,
        name=display(step.declared, step.after or step.before, is_new=step.before is None),
        fields=fields,
    )


def _cells(step: Step, kept: Kept | None, columns: Columns, private: bool) -> dict[str, str]:
    assert kept is not None
    return columns.write(fields_from(step.declared, kept), private=private)


def _short(cell: str) -> str:
    return cell if len(cell) <= CELL_AT_MOST else f"{cell[:CELL_AT_MOST]} …"
