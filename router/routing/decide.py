"""Who should answer this call, and why?

The first that applies leads: a rule, a running job, the account's manager, the line's own desk, the safety net. Then
whoever can't be rung is passed over, each with the reason, and a chain of desks ends the plan.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from router.routing.display import display_of
from router.routing.ending import ending_at, usual_end
from router.routing.giving import Back, Giver, Target, ToDesk, ToManager, ToPerson, ToUsualDesk
from router.routing.hours import zone
from router.routing.model import (
    Account,
    CallerKind,
    CoverScope,
    Desk,
    During,
    Job,
    JobState,
    Lead,
    Line,
    Phone,
    PhoneKind,
    Rule,
)
from router.routing.numbers import Number, NumberKind
from router.routing.plan import Plan, RingDesk, RingPerson, Step
from router.routing.reach import (
    LONGEST_RING,
    last_resort,
    ring_seconds,
    usable_phones,
    why_absent,
)
from router.routing.reasons import (
    AccountDesk,
    AccountManager,
    Candidate,
    ComesBack,
    FormerSalesperson,
    HandedOver,
    LineDesk,
    NotALine,
    NotNow,
    PersonLeft,
    Reason,
    RuleLeadsNowhere,
    RuleMatched,
    RuleNotNow,
    RunningJob,
    SafetyNet,
    SeveralManagers,
)
from router.routing.standing import standing_of
from router.routing.standing_in import MOST_PEOPLE, Wanted, name_of, people_rung
from router.routing.table import Table

# A caller who already talked to somebody goes back to them rather than through a whole waiting line.
GIVEN_DESK_RINGS = 60  # seconds
MOST_GIVEN_TO = MOST_PEOPLE - 1  # people rung before the giver, who is one as well
MOST_RULES_PASSED_OVER = 20  # told in one decision; who wants to see more of them looks at the rules themselves


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
    asked = _asked(call, table, now)
    because = list(_about_the_line(call.dialled, asked))
    lead = (
        _by_rule(asked, because) or _by_job(asked, because) or _by_account(asked, because) or _by_line(asked, because)
    )
    people, stands_in = _people(lead, asked, because)
    end = stands_in or lead.desk or usual_end(asked.line, asked.account, asked.table, asked.now, because)
    return _decision(call.dialled, lead, (*people, *ending_at(end, asked.table, asked.now, because)), asked, because)


def hand_over(call: CallFacts, to: Target, giver: Giver, table: Table, now: datetime) -> Decision:
    """Who takes over a call that its giver had: whom they name, by the same rules; else the giver again; then the desk.

    The giver rings also while their phone is in use: it may not have hung up yet. Raises nothing.
    """
    asked = _asked(call, table, now)
    because: list[Reason] = []
    lead = _handed_to(to, giver, asked, because)
    # Whoever is named rings, or who covers them; of an account's manager also those who stand in.
    of_whom = asked if isinstance(to, ToManager) else replace(asked, account=None)
    people, stands_in = _people(lead, of_whom, because)
    end = stands_in or lead.desk or usual_end(asked.line, asked.account, asked.table, asked.now, because)
    ending = ending_at(end, asked.table, asked.now, because)
    first: tuple[Step, ...] = ending[:1] if lead.person is None or stands_in else ()
    waits = [replace(desk, seconds=min(desk.seconds, GIVEN_DESK_RINGS)) for desk in first if isinstance(desk, RingDesk)]
    wanted: tuple[Step, ...] = () if isinstance(to, Back) else (*people[:MOST_GIVEN_TO], *waits)
    back: tuple[Step, ...] = (
        () if any(step.person == _id_of(giver) for step in people) else _back_to(giver, asked, because)
    )
    return _decision(call.dialled, lead, (*wanted, *back, *ending), asked, because)


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
    """Where the call is led: to a person, if there is one, then to a desk (None: the one the call usually gets).

    `scope` is what the person is wanted as: whoever covers them for that answers in their place.
    """

    person: int | None = None
    scope: CoverScope = CoverScope.ACCOUNTS
    desk: Desk | None = None
    job: Job | None = None


def _asked(call: CallFacts, table: Table, now: datetime) -> _Asked:
    account = table.account_of(call.caller)
    return _Asked(
        line=table.line_for(call.dialled),
        caller=call.caller,
        kind=_kind_of(call.caller, account),
        account=account,
        table=table,
        now=now,
    )


def _decision(dialled: str, lead: _Lead, steps: tuple[Step, ...], asked: _Asked, because: list[Reason]) -> Decision:
    table, line = asked.table, asked.line
    return Decision(
        table_version=table.version,
        dialled=dialled,
        line=line,
        caller=asked.caller,
        caller_kind=asked.kind,
        account=asked.account,
        job=lead.job,
        plan=Plan(
            steps=steps,
            # The hour doesn't count here: the PBX may remember this over closing time.
            line_tail=table.tail_of(line.desk) if line else (),
            safety_net=table.tail_of(table.safety_net.id)[0],
            display=display_of(dialled, line, asked.account),
            last_resort=last_resort(table.safety_net, table.external_prefixes),
            priority=asked.account.priority if asked.account else 0,
        ),
        because=tuple(because),
        decided_at=asked.now,
    )


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
    if rule.hours is None and asked.line is not None:
        return standing_of(asked.line, asked.table, asked.now).open
    spell = asked.table.spell_of(rule.hours, asked.now)
    return spell is None or spell.open


def _where_it_leads(rule: Rule, asked: _Asked) -> tuple[_Lead, str] | None:
    table = asked.table
    desk = None if rule.desk is None else table.desks.get(rule.desk)
    match rule.then:
        case Lead.DESK:
            return None if desk is None else (_Lead(desk=desk), f"desk {desk.name}")
        case Lead.PERSON:
            person, scope = rule.person, CoverScope.LINES
        case Lead.MANAGER:
            person, scope = asked.account.manager if asked.account else None, CoverScope.ACCOUNTS
        case _:
            assert_never(rule.then)
    somebody = None if person is None else table.people.get(person)
    return None if somebody is None else (_Lead(person=somebody.id, scope=scope, desk=desk), somebody.name)


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
                manager_name=name_of(job.manager, asked.table),
                by_line=line.label if line and len(managers) > 1 else "",
            )
        )
        return _Lead(person=job.manager, job=job)

    candidates = tuple(
        Candidate(manager=job.manager, manager_name=name_of(job.manager, asked.table), title=job.title)
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
                manager_name=name_of(account.manager, asked.table),
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


def _people(lead: _Lead, asked: _Asked, because: list[Reason]) -> tuple[tuple[RingPerson, ...], Desk | None]:
    if lead.person is None:
        return (), None
    wanted = Wanted(person=lead.person, scope=lead.scope, is_job_manager=lead.job is not None, account=asked.account)
    return people_rung(wanted, asked.table, asked.now, because)


# ── Whom a hand-over names ───────────────────────────────────────────────────────────────────────────────────────────


def _handed_to(to: Target, giver: Giver, asked: _Asked, because: list[Reason]) -> _Lead:
    table = asked.table
    name, dialled = "", ""
    match to:
        case ToPerson(person=person):
            scope = CoverScope.LINES if asked.account is None else CoverScope.ACCOUNTS
            lead, name = _Lead(person=person, scope=scope), name_of(person, table)
        case ToDesk(desk=desk):
            lead = _Lead(desk=table.desks.get(desk, table.safety_net))
        case ToManager():
            ignored: list[Reason] = []  # that somebody named the manager is the reason, whoever that is
            lead = _by_job(asked, ignored) or _by_account(asked, ignored) or _Lead()
            name = "" if lead.person is None else f"{name_of(lead.person, table)}, the account manager"
        case ToUsualDesk():
            lead = _Lead()
        case Back(dialled=dialled):
            lead = _Lead()
        case _:
            assert_never(to)
    if not name and not isinstance(to, Back):
        name = f"desk {lead.desk.name}" if lead.desk else "the desk"
    because.append(HandedOver(by=giver.name, giver=_id_of(giver), to=name, dialled=dialled))
    return lead


def _back_to(giver: Giver, asked: _Asked, because: list[Reason]) -> tuple[RingPerson, ...]:
    """The step that rings the giver: on all of their phones, also where they talk."""
    external = giver.phone.startswith("+")
    same = Phone(
        id=0,
        person=_id_of(giver) or 0,
        kind=PhoneKind.EXTERNAL if external else PhoneKind.DESK,
        endpoint=None if external else giver.phone,
        number=giver.phone if external else None,
        ring_seconds=LONGEST_RING,
    )
    phones = (usable_phones(giver.person, asked.table.external_prefixes) if giver.person else ()) or (same,)
    because.append(ComesBack(person=_id_of(giver) or 0, name=giver.name))
    return (
        RingPerson(
            person=_id_of(giver) or 0,
            name=giver.name,
            phones=tuple([replace(phone, call_waiting=True) for phone in phones]),
            seconds=ring_seconds(phones),
        ),
    )


def _id_of(giver: Giver) -> int | None:
    return giver.person.id if giver.person else None
