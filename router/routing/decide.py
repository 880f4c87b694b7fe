"""Who should answer this call, and why?

The first that applies leads: a rule, a running job, the account's manager, the line's own desk, the safety net. Then
whoever can't be rung is passed over, each with the reason, and a chain of desks ends the plan.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from router.routing.desks import MOST_DESKS
from router.routing.hours import zone
from router.routing.model import Account, CallerKind, ClosedBy, Desk, During, Job, JobState, Lead, Line, Rule
from router.routing.numbers import Number, NumberKind
from router.routing.plan import MOST_STEPS, Plan, RingDesk, RingPerson
from router.routing.reach import ring_seconds, usable_phones, why_absent, why_unreachable
from router.routing.reasons import (
    AccountDesk,
    AccountManager,
    Candidate,
    DeskClosed,
    FormerSalesperson,
    LineClosed,
    LineDesk,
    NotALine,
    NotNow,
    PersonLeft,
    Reason,
    RuleLeadsNowhere,
    RuleMatched,
    RuleNotNow,
    RungEnough,
    RunningJob,
    SafetyNet,
    SeveralManagers,
    StandInAs,
    StandsIn,
    UnknownPerson,
)
from router.routing.table import Table

# A call rings unanswered for 90 s at most; the desk needs the last 30 of them before its waiting line answers.
PEOPLE_RING_AT_MOST = 60  # seconds
MOST_PEOPLE = MOST_STEPS - MOST_DESKS
MOST_RULES_PASSED_OVER = 20  # told in one decision; who wants to see more of them looks at the rules themselves

DISPLAY_LENGTH = 40  # characters: what a desk phone shows without scrolling
_LABEL_LENGTH = 18  # of these for the line, when the account has to stand there as well
_NOT_SHOWN = re.compile(r"[^\w .+/:-]+")  # an allow-list: no quote, comma, angle bracket, dollar or control character


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFacts:
    """What is known of a call before anybody is asked: the number it dialled, as delivered, and who calls."""

    dialled: str
    caller: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A plan and the reasons for it, complete in itself: it can be read when the table has moved on."""

    table_version: int
    dialled: str
    line: Line | None
    caller: Number
    caller_kind: CallerKind
    account: Account | None
    job: Job | None
    plan: Plan
    because: tuple[Reason, ...]
    decided_at: datetime


def decide(call: CallFacts, table: Table, now: datetime) -> Decision:
    """Decide by this table at this instant (aware). Raises nothing, whatever the call."""
    line = table.line_for(call.dialled)
    account = table.account_of(call.caller)
    kind = _kind_of(call.caller, account)
    asked = _Asked(line=line, caller=call.caller, kind=kind, account=account, table=table, now=now)

    because = list(_about_the_line(call.dialled, asked))
    lead = (
        _by_rule(asked, because) or _by_job(asked, because) or _by_account(asked, because) or _by_line(asked, because)
    )
    people = _people(lead, asked, because)
    desks = _desks(lead.desk or _usual_desk(asked, because), asked, because)

    return Decision(
        table_version=table.version,
        dialled=call.dialled,
        line=line,
        caller=call.caller,
        caller_kind=kind,
        account=account,
        job=lead.job,
        plan=Plan(
            steps=(*people, *desks),
            # The hour doesn't count here: the PBX may remember this over closing time.
            line_tail=table.tail_of(line.desk) if line else (),
            safety_net=table.tail_of(table.safety_net.id)[0],
            display=_display(call.dialled, line, account),
        ),
        because=tuple(because),
        decided_at=now,
    )


@dataclass(slots=True, kw_only=True)  # never changed; frozen would cost 0.4 µs at each decision
class _Asked:
    """The question: the call as the table sees it, the table, and the moment."""

    line: Line | None
    caller: Number
    kind: CallerKind
    account: Account | None
    table: Table
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lead:
    """Where the call is led: to a person, if there is one, then to a desk (None: the one the call usually gets)."""

    person: int | None = None
    desk: Desk | None = None
    job: Job | None = None


def _kind_of(caller: Number, account: Account | None) -> CallerKind:
    if caller.kind is NumberKind.WITHHELD:
        return CallerKind.WITHHELD
    return CallerKind.UNKNOWN if account is None else CallerKind.KNOWN


def _about_the_line(dialled: str, asked: _Asked) -> Iterator[Reason]:
    line = asked.line
    if line is None:
        yield NotALine(dialled=dialled)
    elif line.person is not None:
        person = asked.table.people.get(line.person)
        if person is not None and isinstance(why_absent(person, asked.now), PersonLeft):
            yield FormerSalesperson(line=line.label, person=person.id, name=person.name)


# ── What leads: the first of these that applies ──────────────────────────────────────────────────────────────────────


def _by_rule(asked: _Asked, because: list[Reason]) -> _Lead | None:
    line = asked.line.id if asked.line else None
    account = asked.account.id if asked.account else None
    fitting = asked.table.rule_index.fitting(line, asked.caller, account, asked.kind)
    for passed_over, rule in enumerate(fitting):
        reason: Reason | None = _why_not_now(rule, asked)
        if reason is None:
            if found := _where_it_leads(rule, asked):
                lead, leads_to = found
                because.append(RuleMatched(rule=rule.id, priority=rule.priority, label=rule.label, leads_to=leads_to))
                return lead
            reason = RuleLeadsNowhere(rule=rule.id, priority=rule.priority, label=rule.label)
        if passed_over < MOST_RULES_PASSED_OVER:
            because.append(reason)
    return None


def _why_not_now(rule: Rule, asked: _Asked) -> RuleNotNow | None:
    now = asked.now
    if rule.valid_from is not None and now < rule.valid_from:
        why, missed = NotNow.NOT_YET, rule.valid_from
    elif rule.valid_until is not None and now >= rule.valid_until:
        why, missed = NotNow.NO_LONGER, rule.valid_until
    elif rule.during is not During.ANY and _is_open_for(rule, asked) is not (rule.during is During.OPEN):
        why, missed = (NotNow.ONLY_OPEN if rule.during is During.OPEN else NotNow.ONLY_CLOSED), None
    else:
        return None
    return RuleNotNow(rule=rule.id, priority=rule.priority, label=rule.label, why=why, missed=missed)


def _is_open_for(rule: Rule, asked: _Asked) -> bool:
    hours = asked.line.hours if rule.hours is None and asked.line else rule.hours
    spell = asked.table.spell_of(hours, asked.now)
    return spell is None or spell.open


def _where_it_leads(rule: Rule, asked: _Asked) -> tuple[_Lead, str] | None:
    table = asked.table
    desk = None if rule.desk is None else table.desks.get(rule.desk)
    match rule.then:
        case Lead.DESK:
            return None if desk is None else (_Lead(desk=desk), f"desk {desk.name}")
        case Lead.PERSON:
            person = rule.person
        case Lead.MANAGER:
            person = asked.account.manager if asked.account else None
        case _:
            assert_never(rule.then)
    somebody = None if person is None else table.people.get(person)
    return None if somebody is None else (_Lead(person=somebody.id, desk=desk), somebody.name)


def _by_job(asked: _Asked, because: list[Reason]) -> _Lead | None:
    account, line = asked.account, asked.line
    if account is None:
        return None
    running = [job for job in asked.table.jobs_of(account.id) if job.state is JobState.RUNNING]
    if running:
        today = asked.now.astimezone(zone(asked.table.time_zone)).date()
        running = [job for job in running if (job.starts_on or today) <= today <= (job.ends_on or today)]
    if not running:
        return None

    of_line = [job for job in running if line and line.person is not None and job.salesperson == line.person]
    managers = {job.manager for job in running}
    managers_by_line = {job.manager for job in of_line}
    if len(managers) == 1 or len(managers_by_line) == 1:
        job = (of_line or running)[0]
        because.append(
            RunningJob(
                account=account.id,
                account_name=account.name,
                job=job.id,
                title=job.title,
                manager=job.manager,
                manager_name=_name_of(job.manager, asked.table),
                by_line=line.label if line and len(managers) > 1 else "",
            )
        )
        return _Lead(person=job.manager, job=job)

    candidates = tuple(
        Candidate(manager=job.manager, manager_name=_name_of(job.manager, asked.table), title=job.title)
        for job in running
    )
    because.append(SeveralManagers(account=account.id, account_name=account.name, candidates=candidates))
    return _Lead()


def _by_account(asked: _Asked, because: list[Reason]) -> _Lead | None:
    account = asked.account
    if account is None:
        return None
    if account.manager is not None:
        because.append(
            AccountManager(
                account=account.id,
                account_name=account.name,
                manager=account.manager,
                manager_name=_name_of(account.manager, asked.table),
            )
        )
        return _Lead(person=account.manager)
    desk = None if account.desk is None else asked.table.desks.get(account.desk)
    if desk is not None:
        because.append(AccountDesk(account=account.id, account_name=account.name, desk=desk.name))
        return _Lead(desk=desk)
    return None


def _by_line(asked: _Asked, because: list[Reason]) -> _Lead:
    desk = asked.table.desks.get(asked.line.desk) if asked.line else None
    if asked.line and desk:
        because.append(LineDesk(line=asked.line.label, desk=desk.name))
        return _Lead()
    because.append(SafetyNet(desk=asked.table.safety_net.name))
    return _Lead(desk=asked.table.safety_net)


# ── Who of them is rung ──────────────────────────────────────────────────────────────────────────────────────────────


def _people(lead: _Lead, asked: _Asked, because: list[Reason]) -> tuple[RingPerson, ...]:
    """The steps for the person and for those who stand in, as far as each can be rung now."""
    if lead.person is None:
        return ()
    table, now = asked.table, asked.now
    steps: list[RingPerson] = []
    rung = 0
    for person_id, stands_in_as in _in_turn(lead.person, lead.job is not None, asked.account).items():
        person = table.people.get(person_id)
        if person is None:
            because.append(UnknownPerson(person=person_id))
            continue
        if miss := why_unreachable(person, table.spell_of(person.hours, now), table.external_prefixes, now):
            because.append(miss)
            continue
        phones = usable_phones(person, table.external_prefixes)
        seconds = ring_seconds(phones)
        if len(steps) == MOST_PEOPLE or rung + seconds > PEOPLE_RING_AT_MOST:
            because.append(RungEnough(person=person.id, name=person.name))
            continue
        if stands_in_as is not None:
            name = _name_of(lead.person, table)
            because.append(StandsIn(person=person.id, name=person.name, stands_in_for=name, stands_in_as=stands_in_as))
        steps.append(RingPerson(person=person.id, name=person.name, phones=phones, seconds=seconds))
        rung += seconds
    return tuple(steps)


def _in_turn(person: int, is_job_manager: bool, account: Account | None) -> dict[int, StandInAs | None]:
    """The person, then who stands in, each once."""
    turn: dict[int, StandInAs | None] = {person: None}
    if account is not None:
        if is_job_manager and account.manager is not None:
            turn.setdefault(account.manager, StandInAs.MANAGER)
        for deputy in account.deputies:
            turn.setdefault(deputy, StandInAs.DEPUTY)
    return turn


# ── Which desks end it ───────────────────────────────────────────────────────────────────────────────────────────────


def _usual_desk(asked: _Asked, because: list[Reason]) -> Desk:
    """The desk behind the people: the account's own, else the line's (by its hours), else the safety net."""
    table, line = asked.table, asked.line
    desk = table.desks.get(asked.account.desk) if asked.account and asked.account.desk is not None else None
    if desk is not None:
        return desk
    if line is None:
        return table.safety_net
    spell = table.spell_of(line.hours, asked.now)
    if spell is None or spell.open:
        return table.desks.get(line.desk, table.safety_net)
    duty = _duty_desk(line, table)
    because.append(
        LineClosed(line=line.label, closed_by=line.closed_by, until=spell.opens_next, duty=duty.name if duty else "")
    )
    return duty or table.safety_net


def _desks(start: Desk, asked: _Asked, because: list[Reason]) -> tuple[RingDesk, ...]:
    """This desk and those behind it, closed ones replaced, at most MOST_DESKS; the last is the safety net."""
    table = asked.table
    chain: list[RingDesk] = []
    seen: set[int] = set()  # desks may point at each other in a circle
    desk: Desk | None = start
    while desk is not None and desk.id not in seen and len(chain) < MOST_DESKS - 1:
        seen.add(desk.id)
        spell = table.spell_of(desk.hours, asked.now)
        if spell is None or spell.open:
            if desk.safety_net:
                break
            chain.append(table.tail_of(desk.id)[0])
            desk = None if desk.next_desk is None else table.desks.get(desk.next_desk)
        else:
            duty = _duty_desk(desk, table)
            because.append(
                DeskClosed(
                    desk=desk.name,
                    closed_by=desk.closed_by,
                    until=spell.opens_next,
                    duty=duty.name if duty else "",
                )
            )
            desk = duty
    return (*chain, *table.tail_of(table.safety_net.id))


def _duty_desk(closed: Line | Desk, table: Table) -> Desk | None:
    # The waiting line of the safety net stands in for a promise, as long as nothing keeps promises.
    if closed.closed_by is not ClosedBy.DUTY or closed.duty_desk is None:
        return None
    return table.desks.get(closed.duty_desk)


# ── What it looks like ───────────────────────────────────────────────────────────────────────────────────────────────


def _display(dialled: str, line: Line | None, account: Account | None) -> str:
    """What the ringing phone shows: line and account, nothing that could mean anything to a parser on the way."""
    label = (_shown(line.label) if line else "") or _shown(dialled) or "unknown number"
    if account is None:
        return label[:DISPLAY_LENGTH].rstrip()
    return f"{label[:_LABEL_LENGTH].rstrip()}: {_shown(account.name)}"[:DISPLAY_LENGTH].rstrip()


def _shown(text: str) -> str:
    composed = (text if text.isascii() else unicodedata.normalize("NFC", text)).replace("&", "+")
    return " ".join(_NOT_SHOWN.sub(" ", composed).split())


def _name_of(person: int, table: Table) -> str:
    known = table.people.get(person)
    return known.name if known else f"person {person}"
