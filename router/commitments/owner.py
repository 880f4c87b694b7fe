"""Who owns what we owe, and who does when that person is away?"""

from dataclasses import dataclass
from datetime import datetime

from router.commitments.commitment import Belongs, Party, Terms
from router.routing.cover import follow
from router.routing.model import CoverScope
from router.routing.reach import why_absent
from router.routing.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A person with a desk behind them; `person` None: the desk itself."""

    person: int | None
    desk: int


def owner_of(party: Party, table: Table, terms: Terms, now: datetime) -> Owner:
    """The account's manager or who stands in, or the line's desk, by the terms. Raises nothing."""
    account = None if party.account is None else table.account(party.account)
    desk = desk_behind(party, table)
    if terms.belongs is Belongs.DESK or account is None or account.manager is None:
        return Owner(person=None, desk=desk)
    return stand_in(account.manager, Owner(person=None, desk=desk), party.account, table, now)


def present_owner(owner: Owner, account: int | None, table: Table, now: datetime) -> Owner:
    """Who owns now what this one owned: the same, as long as that person is here, or who stands in. Raises nothing."""
    behind = Owner(person=None, desk=owner.desk if owner.desk in table.desks else table.safety_net.id)
    return behind if owner.person is None else stand_in(owner.person, behind, account, table, now)


def stand_in(person: int, behind: Owner, account_id: int | None, table: Table, now: datetime) -> Owner:
    """This person, or their cover, or the account's first deputy who is here, or the desk behind them.

    Somebody who is covered hands over also when they are here: that is what the cover is for. Raises nothing.
    """
    account = None if account_id is None else table.account(account_id)
    for wanted in dict.fromkeys((person, *(account.deputies if account else ()))):
        chain = follow(wanted, lambda covered: table.cover_of(covered, CoverScope.COMMITMENTS, now))
        if chain.desk is not None and chain.desk in table.desks:
            return Owner(person=None, desk=chain.desk)
        if chain.person is not None and is_here(chain.person, table, now):
            return Owner(person=chain.person, desk=behind.desk)
    return behind


def is_here(person_id: int, table: Table, now: datetime) -> bool:
    """Whether this person works here and is not away; outside their hours they are still who owns it."""
    person = table.people.get(person_id)
    return person is not None and why_absent(person, now) is None


def members_here(desk_id: int, table: Table, now: datetime) -> tuple[int, ...]:
    """Who of the desk can be told, in the order of its members."""
    desk = table.desks.get(desk_id, table.safety_net)
    return tuple([person for person in desk.members if is_here(person, table, now)])


def lead_of(desk_id: int, table: Table, now: datetime) -> int | None:
    """Who leads the desk, or else the safety net; None when neither has a lead who is here."""
    for desk in (table.desks.get(desk_id), table.safety_net):
        if desk is not None and desk.lead is not None and is_here(desk.lead, table, now):
            return desk.lead
    return None


def desk_behind(party: Party, table: Table) -> int:
    """The line's desk, else the account's, else the safety net: it owns what no person does. Raises nothing."""
    line = None if party.line is None else table.lines.get(party.line)
    account = None if party.account is None else table.account(party.account)
    wanted = (line.desk if line else None, account.desk if account else None)
    return next((desk for desk in wanted if desk is not None and desk in table.desks), table.safety_net.id)
