"""Which call shall be handed over, to whom, and what is asked of the PBX then?"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from router.calls.call import Call, Handing, Passing, Phase
from router.calls.caller import caller_of
from router.calls.events import AskedHandOver, HandedOver
from router.calls.orders import HandOver
from router.routing import reasons
from router.routing.decide import CallFacts, Decision, hand_over
from router.routing.explain import main_reason, sentence
from router.routing.giving import Giver, Target, ToDesk, ToManager, ToPerson
from router.routing.hours import zone
from router.routing.people import NobodyMeant, desk_meant, person_meant
from router.routing.plan import RingDesk, RingPerson
from router.routing.table import Table

MOST_NAMED = 5  # calls in one sentence


def call_meant(asked: AskedHandOver, calls: Iterable[Call], table: Table) -> Call | str:
    """The call that shall be handed over, or the sentence that says why there is none. Raises nothing."""
    every = list(calls)
    named = next((call for call in every if call.call_id == asked.call), None)
    if named is None:
        wanted = asked.call.strip().casefold()
        theirs = [call for call in every if call.phase is Phase.TALKING and wanted in _who_has(call, table)]
        if not theirs:
            return (
                f"nobody called {asked.call!r} has a caller now, nor is it a call that lives: see `router calls --open`"
            )
        if len(theirs) > 1:
            which = ", ".join(call.call_id for call in theirs[:MOST_NAMED])
            return f"{asked.call!r} has {len(theirs)} callers now: name the call, one of {which}"
        named = theirs[0]
    match named.phase:
        case Phase.OVER:
            return f"the call {named.call_id} is over"
        case Phase.ARRIVED | Phase.RINGING:
            return f"nobody has the caller of {named.call_id} now, so nobody can hand it over"
        case Phase.TALKING if named.handing is not None:
            return f"the call {named.call_id} is being handed over already"
        case Phase.TALKING:
            return named


@dataclass(frozen=True, slots=True, kw_only=True)
class NotFound:
    """Nobody is meant by that name, or too many; the sentence says what to do."""

    sentence: str


def target_meant(asked: AskedHandOver, table: Table) -> Target | NotFound:
    """To whom an order leads, or why nobody is meant. Raises nothing."""
    try:
        if asked.person:
            return ToPerson(person=person_meant(asked.person, table).id)
        return ToDesk(desk=desk_meant(asked.desk, table).id) if asked.desk else ToManager()
    except NobodyMeant as nobody:
        return NotFound(sentence=str(nobody))


def giver_of(call: Call, phone: str, table: Table) -> Giver:
    """Who has the caller: on this phone when it is known, else on the one that took the call last."""
    phone = phone or call.owner_phone or ""
    return Giver(phone=phone, person=table.person_of_endpoint(phone))


def decided(call: Call, to: Target, giver: Giver, table: Table, now: datetime) -> Decision:
    """Who takes the call over, by this table. Raises nothing."""
    return hand_over(CallFacts(dialled=call.dialled, caller=caller_of(call, table.region)), to, giver, table, now)


def order_for(call: Call, decision: Decision, giver: Giver, *, redirect: bool) -> HandOver:
    """What the PBX is asked to do. It is told who rings first; if that is the giver, it goes back."""
    first = decision.plan.steps[0]
    given = giver.person.id if giver.person else 0
    return HandOver(
        call_id=call.call_id,
        plan=decision.plan,
        to_person=first.person if isinstance(first, RingPerson) and first.person != given else None,
        to_desk=first.desk if isinstance(first, RingDesk) else None,
        redirect=redirect,
    )


def under_way(decision: Decision, table: Table, order: int | None) -> Handing:
    """What is kept of a hand-over until the PBX says that it happened."""
    main = main_reason(decision)
    to = main.to if isinstance(main, reasons.HandedOver) else ""
    return Handing(to=to, sentence=sentence(decision, zone(table.time_zone)), order=order)


def passing(event: HandedOver, handing: Handing | None, table: Table | None) -> Passing:
    """What is known of a hand-over that happened; of one that wasn't ours, only what the PBX says."""
    to = handing.to if handing else ""
    if not handing and table is not None:
        person = None if event.to_person is None else table.people.get(event.to_person)
        desk = None if event.to_desk is None else table.desks.get(event.to_desk)
        to = person.name if person else f"desk {desk.name}" if desk else ""
    giver = table.person_of_endpoint(event.phone) if table else None
    return Passing(
        at=event.at,
        phone=event.phone,
        person=giver.id if giver else None,
        to=to,
        how=event.how,
        sentence=handing.sentence if handing else "",
    )


def _who_has(call: Call, table: Table) -> set[str]:
    """By what the person who has the caller can be called, in lower case."""
    phone = call.owner_phone or ""
    person = table.person_of_endpoint(phone)
    return {phone.casefold(), person.name.casefold() if person else ""} - {""}
