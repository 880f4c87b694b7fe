"""Which rules concern this call?

What a rule says of line, caller, account and kind of caller decides in which drawer it lies; a call opens one drawer
of each shape. So ten thousand rules cost a call a handful of look-ups, and every rule it finds fits it in all but the
moment.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import merge
from itertools import chain
from operator import attrgetter
from typing import NamedTuple

from router.routing.model import CallerKind, Rule
from router.routing.numbers import Number, NumberKind, read_number, read_prefix


class _Shape(NamedTuple):
    """Which conditions a rule sets. `caller` is NO_CALLER, WHOLE_NUMBER, or a prefix's length with its plus."""

    line: bool
    caller: int
    account: bool
    kind: bool


_NO_CALLER = 0
_WHOLE_NUMBER = -1

# Of so few rules sorting all takes half the time of merging one by one; of more, most are never looked at.
SORTED_AT_ONCE = 30

_Key = tuple[int | None, str | None, int | None, CallerKind | None]  # line, caller or prefix, account, kind of caller
_Drawer = tuple[Rule, ...]  # in order of priority

_by_priority = attrgetter("priority", "id")


@dataclass(frozen=True, slots=True)
class RuleIndex:
    """The rules in order of priority, and those that are enabled in drawers."""

    rules: tuple[Rule, ...]
    _region: str
    _drawers: Mapping[_Shape, Mapping[_Key, _Drawer]]

    @classmethod
    def build(cls, rules: Iterable[Rule], region: str) -> "RuleIndex":
        """Index these rules; `region` is the country of callers that a rule gives in a national form. Never raises."""
        ordered = tuple(sorted(rules, key=_by_priority))
        drawers: dict[_Shape, dict[_Key, list[Rule]]] = {}
        for rule in ordered:
            if place := _place_of(rule, region):
                shape, key = place
                drawers.setdefault(shape, {}).setdefault(key, []).append(rule)
        filled = {shape: {key: tuple(d) for key, d in by_key.items()} for shape, by_key in drawers.items()}
        return cls(ordered, region, filled)

    def fitting(self, line: int | None, caller: Number, account: int | None, kind: CallerKind) -> Iterator[Rule]:
        """The enabled rules whose line, caller, account and kind of caller match, in order of priority."""
        number = _number_to_match(caller)
        found = []
        for shape, by_key in self._drawers.items():
            key = (
                line if shape.line else None,
                number if shape.caller == _WHOLE_NUMBER else number[: shape.caller] if shape.caller else None,
                account if shape.account else None,
                kind if shape.kind else None,
            )
            if drawer := by_key.get(key):
                found.append(drawer)
        if len(found) == 1:
            return iter(found[0])
        if sum(map(len, found)) <= SORTED_AT_ONCE:
            return iter(sorted(chain.from_iterable(found), key=_by_priority))
        return merge(*found, key=_by_priority)

    def with_rule(self, rule: Rule) -> "RuleIndex":
        """Another index that has this rule in place of the one with its id."""
        rest = self.without_rule(rule.id)
        rules = tuple(sorted((*rest.rules, rule), key=_by_priority))
        place = _place_of(rule, self._region)
        if place is None:
            return RuleIndex(rules, self._region, rest._drawers)
        drawer = rest._drawers.get(place[0], {}).get(place[1], ())
        return RuleIndex(rules, self._region, _refilled(rest._drawers, place, (*drawer, rule)))

    def without_rule(self, rule_id: int) -> "RuleIndex":
        """Another index that lacks this rule; unknown ids are passed over."""
        former = next((rule for rule in self.rules if rule.id == rule_id), None)
        if former is None:
            return self
        rules = tuple(rule for rule in self.rules if rule.id != rule_id)
        place = _place_of(former, self._region)
        if place is None:
            return RuleIndex(rules, self._region, self._drawers)
        drawer = tuple(rule for rule in self._drawers[place[0]][place[1]] if rule.id != rule_id)
        return RuleIndex(rules, self._region, _refilled(self._drawers, place, drawer))


def _place_of(rule: Rule, region: str) -> tuple[_Shape, _Key] | None:
    """The drawer of a rule; None for one that fits no call: disabled, or of a caller that can't be read."""
    if not rule.enabled:
        return None
    caller, shape_of_caller = None, _NO_CALLER
    if rule.caller:
        if rule.caller_is_prefix:
            caller = read_prefix(rule.caller)
            shape_of_caller = len(caller)
        else:
            caller = _number_to_match(read_number(rule.caller, region))
            shape_of_caller = _WHOLE_NUMBER
        if not caller:
            return None
    shape = _Shape(rule.line is not None, shape_of_caller, rule.account is not None, rule.caller_kind is not None)
    return shape, (rule.line, caller, rule.account, rule.caller_kind)


def _number_to_match(number: Number) -> str:
    return number.text if number.kind is NumberKind.SHORT else number.e164


def _refilled(
    drawers: Mapping[_Shape, Mapping[_Key, _Drawer]], place: tuple[_Shape, _Key], drawer: Iterable[Rule]
) -> Mapping[_Shape, Mapping[_Key, _Drawer]]:
    shape, key = place
    by_key = {**drawers.get(shape, {}), key: tuple(sorted(drawer, key=_by_priority))}
    if not by_key[key]:
        del by_key[key]
    refilled = {**drawers, shape: by_key}
    if not by_key:
        del refilled[shape]
    return refilled
