"""Who is rung when a call is led to a person: that person, or who stands in?"""

from dataclasses import dataclass
from datetime import datetime

from router.routing.cover import follow
from router.routing.desks import MOST_DESKS
from router.routing.model import Account, CoverScope, Desk
from router.routing.plan import MOST_STEPS, RingPerson
from router.routing.reach import lasts, ring_seconds, usable_phones, why_absent, why_unreachable
from router.routing.reasons import (
    Covered,
    CoverLeadsNowhere,
    Reason,
    RungEnough,
    StandInAs,
    StandsIn,
    UnknownPerson,
)
from router.routing.table import Table

UNANSWERED_AT_MOST = 90  # seconds that a caller hears ringing in all; carriers end such a call after 120 to 180
PEOPLE_RING_AT_MOST = UNANSWERED_AT_MOST - 25  # the desk rings for the last 25 s, before its waiting line answers
MOST_PEOPLE = MOST_STEPS - MOST_DESKS


@dataclass(slots=True, kw_only=True)  # never changed; frozen would cost a decision 0.3 µs
class Wanted:
    """The person a call is led to, as what, and for which account: its deputies stand in."""

    person: int
    scope: CoverScope
    is_job_manager: bool
    account: Account | None


def people_rung(
    lead: Wanted, table: Table, now: datetime, because: list[Reason]
) -> tuple[tuple[RingPerson, ...], Desk | None]:
    """The steps for the person and for those who stand in, as far as each can be rung now; why goes to `because`.

    And the desk that covers one of them: it answers then, and who would stand in after that one is not asked.
    Raises nothing.
    """
    steps: list[RingPerson] = []
    seen: set[int] = set()  # one who is asked as a cover isn't asked as a deputy again
    rung = 0
    for wanted, stands_in_as in _in_turn(lead).items():
        person_id, stands_in_for = wanted, lead.person
        scope = lead.scope if wanted == lead.person else CoverScope.ACCOUNTS
        if table.covers and table.cover_of(wanted, scope, now) is not None:
            covered_by = _covered_by(wanted, scope, table, now, because)
            if isinstance(covered_by, Desk):
                return tuple(steps), covered_by
            if covered_by is None:
                continue
            person_id, stands_in_for, stands_in_as = covered_by, wanted, StandInAs.COVER
        if person_id in seen:
            continue
        seen.add(person_id)
        person = table.people.get(person_id)
        if person is None:
            because.append(UnknownPerson(person=person_id))
            continue
        if miss := why_unreachable(person, table.spell_of(person.hours, now), table.external_prefixes, now):
            because.append(miss)
            continue
        phones = usable_phones(person, table.external_prefixes)
        seconds = ring_seconds(phones)
        if len(steps) == MOST_PEOPLE or rung + lasts(phones, seconds) > PEOPLE_RING_AT_MOST:
            because.append(RungEnough(person=person.id, name=person.name))
            continue
        if stands_in_as is not None:
            name = name_of(stands_in_for, table)
            because.append(StandsIn(person=person.id, name=person.name, stands_in_for=name, stands_in_as=stands_in_as))
        steps.append(RingPerson(person=person.id, name=person.name, phones=phones, seconds=seconds))
        rung += lasts(phones, seconds)
    return tuple(steps), None


def _covered_by(
    wanted: int, scope: CoverScope, table: Table, now: datetime, because: list[Reason]
) -> int | Desk | None:
    """Who answers for this person now, and for whoever that is, and so on; None when that can't be told."""
    chain = follow(wanted, lambda person: table.cover_of(person, scope, now))
    for cover in chain.covers:
        person = table.people.get(cover.person)
        if person is not None and (absence := why_absent(person, now)):
            because.append(absence)
        by_desk = None if cover.by_desk is None else table.desks.get(cover.by_desk)
        because.append(
            Covered(
                person=cover.person,
                name=name_of(cover.person, table),
                by=f"desk {by_desk.name}" if by_desk else name_of(cover.by_person or 0, table),
                until=cover.ends_at,
                why=cover.reason,
            )
        )
    desk = None if chain.desk is None else table.desks.get(chain.desk)
    if desk is None and chain.person is None:
        because.append(CoverLeadsNowhere(person=wanted, name=name_of(wanted, table)))
    return desk or chain.person


def _in_turn(lead: Wanted) -> dict[int, StandInAs | None]:
    """The person, then who stands in, each once."""
    account = lead.account
    turn: dict[int, StandInAs | None] = {lead.person: None}
    if account is not None:
        if lead.is_job_manager and account.manager is not None:
            turn.setdefault(account.manager, StandInAs.MANAGER)
        for deputy in account.deputies:
            turn.setdefault(deputy, StandInAs.DEPUTY)
    return turn


def name_of(person: int, table: Table) -> str:
    """What this person is called; of one whom the table doesn't know, the number."""
    known = table.people.get(person)
    return known.name if known else f"person {person}"
