"""Whose commitments are these stories about?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from router.commitments.commitment import Commitment, Party, Terms, Why
from router.commitments.events import Event, Missed, Talked
from router.commitments.ledger import Changed, look, step
from router.commitments.notice import NoticeKind
from router.routing.configuration import Entity
from router.routing.model import Account, Cover, CoverScope, Person, PersonState
from router.routing.table import Table
from tests.routing.small_company import ANNA, CARL, COORDINATORS, DORA, MUSTER, OFFICE_HOURS, STRANGER, company

NOON = datetime(2026, 3, 2, 11, tzinfo=UTC)  # a Monday; 12:00 in Berlin
TERMS = Terms()
MUSTER_GMBH = 1  # account manager Anna, deputies Carl, then Dora
BUSINESS, SVENS = 1, 2  # lines; of the desks Coordinators and Sales


def office(*changed: Entity) -> Table:
    """The small company, whose coordinators' desk has members and a lead."""
    desk = replace(COORDINATORS, members=(CARL.id, DORA.id), lead=ANNA.id)
    return company(OFFICE_HOURS, desk, *changed)


OFFICE = office()
CUSTOMER = Party(account=MUSTER_GMBH, caller=MUSTER, line=BUSINESS)
UNKNOWN = Party(account=None, caller=STRANGER, line=SVENS)
WITHHELD = Party(account=None, caller="", line=SVENS)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def missed(party: Party = CUSTOMER, at: float = 0, *, call: str = "pbx:1", why: Why = Why.GAVE_UP) -> Missed:
    """A call that ended so many minutes after noon, having rung for half of one."""
    ended = NOON + minutes(at)
    return Missed(call_id=call, party=party, why=why, arrived_at=ended - timedelta(seconds=30), at=ended)


def talked(party: Party = CUSTOMER, at: float = 10, *, seconds: float = 60, call: str = "pbx:2") -> Talked:
    """A talk that began so many minutes after noon."""
    began = NOON + minutes(at)
    return Talked(call_id=call, party=party, began_at=began, at=began + timedelta(seconds=seconds))


def owed(*events: Event, table: Table = OFFICE, terms: Terms = TERMS) -> Commitment:
    """What these events, of one party, make together."""
    found: Commitment | None = None
    for event in events:
        outcome = step(found, event, table, terms)
        found = outcome.commitment if isinstance(outcome, Changed) else found
    assert found is not None
    return found


def looked(found: Commitment, at: float, *, table: Table = OFFICE, terms: Terms = TERMS) -> Commitment:
    """How it stands when the clock has looked at it so many minutes after noon."""
    outcome = look(found, table, terms, NOON + minutes(at))
    return outcome.commitment if isinstance(outcome, Changed) else found


def told(found: Commitment, at: float, *, table: Table = OFFICE) -> list[tuple[NoticeKind, tuple[int, ...]]]:
    """What is told to whom when the clock looks at it so many minutes after noon."""
    outcome = look(found, table, TERMS, NOON + minutes(at))
    return [(notice.kind, notice.to) for notice in outcome.notices] if isinstance(outcome, Changed) else []


def away(person: Person) -> Person:
    return replace(person, state=PersonState.AWAY)


def left(person: Person) -> Person:
    return replace(person, state=PersonState.LEFT)


def cover(person: Person, by: Person, scope: CoverScope = CoverScope.ALL, id: int = 1) -> Cover:
    return Cover(id=id, person=person.id, by_person=by.id, scope=scope, starts_at=NOON - minutes(60))


def with_manager(manager: int | None) -> Account:
    return Account(id=MUSTER_GMBH, name="Muster GmbH", manager=manager, deputies=(CARL.id, DORA.id))
