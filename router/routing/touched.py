"""Which calls can a change of the table lead elsewhere?

A decision follows references: from the line, the account and the rules that fit to people, those who cover them, and
desks with those who sit there. Where nothing that can be come to in this way has changed, and no other rule fits, both
tables decide alike at every instant. What is asked of two tables can leave such calls out: it is most of them, when
little was changed of a big company.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from router.routing.decide import CallFacts
from router.routing.model import Account, CallerKind, Line, Rule
from router.routing.numbers import NumberKind
from router.routing.rules import RuleIndex
from router.routing.table import Table

LITTLE = 0.25  # of all lines; where more are touched, to ask about these alone saves less than it costs


def touches_little(before: Table, after: Table) -> bool:
    """Whether most lines of the table stay as they are, and all that their calls can come to. Raises nothing."""
    touched = Touched(before, after)
    return not touched.everything and touched.lines <= LITTLE * len(before.lines)


class Touched:
    """What differs between two tables. Of a call it may say yes where nothing comes of it, never wrongly no."""

    def __init__(self, before: Table, after: Table) -> None:
        self._before = before
        self._after = after
        self._all = any(
            getattr(before, name) != getattr(after, name) for name in ("region", "time_zone", "external_prefixes")
        )
        self._people = _differing(before.people, after.people)
        self._desks = _differing(before.desks, after.desks)
        self._lines = _differing(before.lines, after.lines)
        self._hours = _differing(before.hours, after.hours)
        self._covered = {cover.person for cover in _each(before.covers, after.covers)}
        self._with_jobs = {job.account for job in _each(before.jobs, after.jobs)}
        overrides = _each(before.overrides, after.overrides)
        self._overridden_lines = {override.line for override in overrides}
        self._overridden_desks = {override.desk for override in overrides}
        rules = () if before.rule_index is after.rule_index else {*before.rules} ^ {*after.rules}
        self._rules = RuleIndex.build(rules, before.region)
        self._any_rule = bool(rules)
        self._of_person: dict[int, bool] = {}
        self._of_desk: dict[int, bool] = {}
        self._of_line: dict[int, bool] = {}
        net = before.safety_net.id
        self._all = self._all or net != after.safety_net.id or self._desk(net)

    @property
    def everything(self) -> bool:
        """Whether any call may be decided otherwise."""
        return self._all

    @property
    def lines(self) -> int:
        """How many lines are touched, or lead to what is."""
        return sum(map(self._line, self._before.lines.values()))

    def may_go_elsewhere(self, call: CallFacts) -> bool:
        """Whether these tables may decide this call otherwise, at some instant. Raises nothing."""
        before, after = self._before, self._after
        if self._all:
            return True
        line, account = before.line_for(call.dialled), before.account_of(call.caller)
        if line != after.line_for(call.dialled) or account != after.account_of(call.caller):
            return True
        if self._any_rule and any(_fitting(self._rules, call, line, account)):
            return True
        if line is not None and self._line(line):
            return True
        if account is not None and self._account(account):
            return True
        return any(self._rule(rule, account) for rule in _fitting(before.rule_index, call, line, account))

    def _rule(self, rule: Rule, account: Account | None) -> bool:
        manager = None if account is None else account.manager
        return rule.hours in self._hours or any(map(self._person, (rule.person, manager))) or self._desk(rule.desk)

    def _line(self, line: Line) -> bool:
        if line.id not in self._of_line:
            diverted = (override.to_desk for override in self._before.overrides_of(line))
            self._of_line[line.id] = (
                line.id in self._lines
                or line.id in self._overridden_lines
                or line.hours in self._hours
                or self._person(line.person)
                or any(map(self._desk, (line.desk, line.duty_desk, *diverted)))
            )
        return self._of_line[line.id]

    def _account(self, account: Account) -> bool:
        if account.id in self._with_jobs:
            return True
        managers = (job.manager for job in self._before.jobs_of(account.id))
        return any(map(self._person, (account.manager, *account.deputies, *managers))) or self._desk(account.desk)

    def _person(self, id_: int | None) -> bool:
        """Somebody who may be rung, and whoever may cover them, and so on."""
        if id_ is None:
            return False
        if id_ not in self._of_person:
            ahead, seen = [id_], {id_}
            found = False
            while ahead and not found:
                person = ahead.pop()
                covers = self._before.covers_of(person)
                found = self._is_other(person) or any(self._desk(cover.by_desk) for cover in covers)
                more = {cover.by_person for cover in covers if cover.by_person is not None} - seen
                seen |= more
                ahead += more
            self._of_person[id_] = found
        return self._of_person[id_]

    def _desk(self, id_: int | None) -> bool:
        """A desk that may ring, those that may come after it, and who may sit there."""
        if id_ is None:
            return False
        if id_ not in self._of_desk:
            ahead, seen = [id_], {id_}
            found = False
            while ahead and not found:
                at = ahead.pop()
                found = at in self._desks or at in self._overridden_desks
                desk = self._before.desks.get(at)
                if desk is None or found:
                    continue
                found = desk.hours in self._hours or any(map(self._is_other, desk.members))
                leads_to = (desk.next_desk, desk.duty_desk, *(o.to_desk for o in self._before.overrides_of(desk)))
                more = {one for one in leads_to if one is not None} - seen
                seen |= more
                ahead += more
            self._of_desk[id_] = found
        return self._of_desk[id_]

    def _is_other(self, id_: int) -> bool:
        """Whether it may have changed when this person can be rung, or whether somebody covers them."""
        person = self._before.people.get(id_)
        hours = None if person is None else person.hours
        return id_ in self._people or id_ in self._covered or hours in self._hours


def _fitting(index: RuleIndex, call: CallFacts, line: Line | None, account: Account | None) -> Iterable[Rule]:
    if call.caller.kind is NumberKind.WITHHELD:
        kind = CallerKind.WITHHELD
    else:
        kind = CallerKind.UNKNOWN if account is None else CallerKind.KNOWN
    return index.fitting(line.id if line else None, call.caller, account.id if account else None, kind)


def _differing(before: Mapping[int, Any], after: Mapping[int, Any]) -> set[int]:
    if before is after:
        return set()
    return {id_ for id_ in {*before, *after} if before.get(id_) != after.get(id_)}


def _each(before: Mapping[int, Any], after: Mapping[int, Any]) -> list[Any]:
    """What differs, as it was and as it is."""
    ids = _differing(before, after)
    return [one for id_ in ids for one in (before.get(id_), after.get(id_)) if one is not None]
