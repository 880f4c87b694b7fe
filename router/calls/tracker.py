"""What happens to a call when an event is heard?"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from router.calls.call import Call, Ending, Leg, Phase
from router.calls.caller import caller_of
from router.calls.calling_in import is_test, marked
from router.calls.events import (
    AskedHandOver,
    AwayKept,
    CallArrived,
    CallEnded,
    CallTaken,
    CodeDialled,
    Event,
    HandedOver,
    HandOverRefused,
    JournalRead,
    LegBegan,
    LegEnded,
    LegResult,
    LinkDown,
    LinkUp,
    MembersSeen,
    PathTaken,
    PlanAccepted,
    PlanRefused,
    PresencePublished,
    Presented,
    TablePublished,
    Tick,
    TransferAsked,
)
from router.calls.handing import NotFound, call_meant, decided, giver_of, order_for, passing, target_meant, under_way
from router.calls.orders import Deliver, Order, Record, Settle
from router.routing.decide import CallFacts, Decision, decide
from router.routing.giving import Giver, Target, by_short_number
from router.routing.table import Table

News = PathTaken | LegBegan | LegEnded | CallTaken | HandedOver | CallEnded

# The whole life of a call. What comes late changes what we know of a call, never that it is over. A call that is handed
# over rings once more.
TRANSITIONS: dict[tuple[Phase, type[News]], Phase] = {
    (Phase.ARRIVED, PathTaken): Phase.ARRIVED,
    (Phase.ARRIVED, LegBegan): Phase.RINGING,
    (Phase.ARRIVED, LegEnded): Phase.RINGING,
    (Phase.ARRIVED, CallTaken): Phase.TALKING,
    (Phase.ARRIVED, HandedOver): Phase.RINGING,
    (Phase.ARRIVED, CallEnded): Phase.OVER,
    (Phase.RINGING, PathTaken): Phase.RINGING,
    (Phase.RINGING, LegBegan): Phase.RINGING,
    (Phase.RINGING, LegEnded): Phase.RINGING,
    (Phase.RINGING, CallTaken): Phase.TALKING,
    (Phase.RINGING, HandedOver): Phase.RINGING,
    (Phase.RINGING, CallEnded): Phase.OVER,
    (Phase.TALKING, PathTaken): Phase.TALKING,
    (Phase.TALKING, LegBegan): Phase.TALKING,
    (Phase.TALKING, LegEnded): Phase.TALKING,
    (Phase.TALKING, CallTaken): Phase.TALKING,
    (Phase.TALKING, HandedOver): Phase.RINGING,
    (Phase.TALKING, CallEnded): Phase.OVER,
    (Phase.OVER, PathTaken): Phase.OVER,
    (Phase.OVER, LegBegan): Phase.OVER,
    (Phase.OVER, LegEnded): Phase.OVER,
    (Phase.OVER, CallTaken): Phase.OVER,
    (Phase.OVER, HandedOver): Phase.OVER,
    (Phase.OVER, CallEnded): Phase.OVER,
}

# The legs of a call hang up with it, each on its own channel: their ends arrive milliseconds after the caller's.
# Ten seconds also cover an Asterisk that swaps.
KEEP_ENDED = timedelta(seconds=10)

NOBODY_KNOWS = "the link to the PBX was lost meanwhile: `router calls` shows whether it was handed over"


class Calls:
    """Every call that lives, and those that ended less than KEEP_ENDED ago. Only `adopt` and `step` change it.

    It is the one thing here that isn't a value: a step touches one call among thousands and must not copy the others.
    """

    def __init__(self) -> None:
        self._calls: dict[str, Call] = {}
        self._ended: deque[tuple[datetime, str]] = deque()
        self._strangers: frozenset[str] = frozenset()
        self.unknown = 0  # events of calls that we know nothing of

    def __iter__(self) -> Iterator[Call]:
        return iter(self._calls.values())

    def get(self, call_id: str) -> Call | None:
        return self._calls.get(call_id)

    def adopt(self, open_calls: Iterable[Call]) -> None:
        """Take over calls that had no end yet when their records were last written, in place of all that we knew.

        Before the first event, or when another router has spoken for the PBX since the last one.
        """
        self._calls = {call.call_id: call for call in open_calls}
        self._ended.clear()

    def step(self, event: Event, table: Table | None) -> tuple[Order, ...]:
        """Take in one event and say what is to be done about it.

        Without a table nothing is delivered: the PBX falls back by itself. Raises nothing of its own; when `decide`
        raises, no call has changed.
        """
        self._forget_before(event.at - KEEP_ENDED)
        match event:
            case CallArrived():
                return self._arrived(event, table)
            case PathTaken() | LegBegan() | LegEnded() | CallTaken() | HandedOver() | CallEnded():
                return self._news(event, table)
            case TransferAsked():
                return self._transfer_asked(event, table)
            case AskedHandOver():
                return self._hand_over_asked(event, table)
            case HandOverRefused():
                return self._not_handed_over(event.call_id, f"the PBX refused: {event.why}")
            case LinkDown():
                waiting = [call.call_id for call in self if call.handing is not None]
                return tuple([order for call_id in waiting for order in self._not_handed_over(call_id, NOBODY_KNOWS)])
            case LinkUp():
                return self._resynchronised(event, table)
            case JournalRead():
                return tuple(self._told_by_journal(event.ended, table).values())
            case PlanAccepted() | PlanRefused() | TablePublished() | MembersSeen():
                return ()
            case CodeDialled() | PresencePublished() | AwayKept() | Tick():
                return ()
            case _:
                assert_never(event)

    def _arrived(self, event: CallArrived, table: Table | None) -> tuple[Order, ...]:
        if event.call_id in self._calls:
            return ()
        decision = _decision(event, table) if table else None
        call = Call(
            call_id=event.call_id,
            phase=Phase.ARRIVED,
            dialled=event.dialled,
            caller=event.caller,
            presented=event.presented,
            arrived_at=event.at,
            decision=decision,
        )
        self._calls[call.call_id] = call
        if decision is None:
            return (Record(call=call),)
        plan = decision.plan
        if is_test(call.call_id):
            plan = replace(plan, display=marked(plan.display))
        return (Deliver(call_id=call.call_id, channel=event.channel, plan=plan), Record(call=call))

    def _news(self, event: News, table: Table | None) -> tuple[Order, ...]:
        known = self._calls.get(event.call_id) or self._begun_without_us(event)
        if known is None:
            self.unknown += 1
            return ()
        call = replace(_told(known, event, table), phase=TRANSITIONS[known.phase, type(event)])
        if call == known:
            return ()
        self._keep(call)
        if known.handing is None or call.handing is not None or known.handing.order is None:
            return (Record(call=call),)
        done = isinstance(event, HandedOver)
        said = f"{call.call_id}: {known.handing.sentence}" if done else f"the call {call.call_id} is over"
        return (Record(call=call), Settle(order=known.handing.order, done=done, result=said))

    def _transfer_asked(self, event: TransferAsked, table: Table | None) -> tuple[Order, ...]:
        """The caller waits for our answer; without one they go back to who had them, and then to the desk."""
        call = self._calls.get(event.call_id)
        if call is None:
            self.unknown += 1
            return ()
        if table is None or call.phase is Phase.OVER:
            return ()
        giver = giver_of(call, event.phone, table)
        return self._hand_over(call, by_short_number(event.to, table), giver, event, table)

    def _hand_over_asked(self, event: AskedHandOver, table: Table | None) -> tuple[Order, ...]:
        if event.at >= event.expires_at:
            return (_refused(event, "it came too late to be carried out"),)
        if table is None:
            return (_refused(event, "the router has no table yet"),)
        call = call_meant(event, self, table)
        if isinstance(call, str):
            return (_refused(event, call),)
        to = target_meant(event, table)
        if isinstance(to, NotFound):
            return (_refused(event, to.sentence),)
        return self._hand_over(call, to, giver_of(call, "", table), event, table)

    def _hand_over(
        self, call: Call, to: Target, giver: Giver, asked: TransferAsked | AskedHandOver, table: Table
    ) -> tuple[Order, ...]:
        decision = decided(call, to, giver, table, asked.at)
        number = asked.order if isinstance(asked, AskedHandOver) else None
        self._calls[call.call_id] = replace(call, handing=under_way(decision, table, number))
        return (order_for(call, decision, giver, redirect=number is not None),)

    def _not_handed_over(self, call_id: str, why: str) -> tuple[Order, ...]:
        call = self._calls.get(call_id)
        if call is None or call.handing is None:
            return ()
        self._calls[call_id] = replace(call, handing=None)
        order = call.handing.order
        return () if order is None else (Settle(order=order, done=False, result=f"{call_id}: {why}"),)

    def _begun_without_us(self, event: News) -> Call | None:
        """A call that nobody told us of: one that ended tells its own story, one that lives will when it ends."""
        if not isinstance(event, CallEnded) and event.call_id not in self._strangers:
            return None
        return Call(
            call_id=event.call_id,
            phase=Phase.ARRIVED,
            dialled="",
            caller="",
            presented=Presented.MALFORMED,
            arrived_at=event.at,
        )

    def _resynchronised(self, event: LinkUp, table: Table | None) -> tuple[Order, ...]:
        self._strangers = event.live_calls - self._calls.keys()
        records = self._told_by_journal(event.ended, table)
        for call in list(self):
            if call.phase is not Phase.OVER and _is_gone(call, event):
                lost = _lost(call, event.at)
                self._keep(lost)
                records[lost.call_id] = Record(call=lost)
        return tuple(records.values())

    def _told_by_journal(self, ended: Iterable[LegEnded | CallEnded], table: Table | None) -> dict[str, Order]:
        """The newest record of each call that ended."""
        records: dict[str, Order] = {}
        for entry in sorted(ended, key=lambda entry: isinstance(entry, LegEnded)):
            records.update((entry.call_id, order) for order in self._news(entry, table))
        return records

    def _keep(self, call: Call) -> None:
        before = self._calls.get(call.call_id)
        self._calls[call.call_id] = call
        if call.phase is Phase.OVER and (before is None or before.phase is not Phase.OVER) and call.ended_at:
            self._ended.append((call.ended_at, call.call_id))

    def _forget_before(self, at: datetime) -> None:
        while self._ended and self._ended[0][0] < at:
            self._calls.pop(self._ended.popleft()[1], None)


def _refused(asked: AskedHandOver, why: str) -> Settle:
    return Settle(order=asked.order, done=False, result=why)


def _decision(event: CallArrived, table: Table) -> Decision:
    return decide(CallFacts(dialled=event.dialled, caller=caller_of(event, table.region)), table, event.at)


def _known_of(event: CallEnded, table: Table | None) -> tuple[int | None, int | None]:
    """The line and the account of a call that ended without a decision, by the table of now."""
    if table is None:
        return None, None
    line, account = table.line_for(event.dialled), table.account_of(caller_of(event, table.region))
    return line.id if line else None, account.id if account else None


def _told(call: Call, event: News, table: Table | None) -> Call:
    """What we know of the call after this news. The order in which news arrives makes no difference in the end."""
    match event:
        case PathTaken():
            return call if call.why else replace(call, path=event.path, why=event.why)
        case LegBegan():
            if any(leg.leg == event.leg for leg in call.legs):
                return call
            return _with_leg(call, _leg(event, event.at, table))
        case LegEnded():
            if any(leg.leg == event.leg and leg.result is not None for leg in call.legs):
                return call
            leg = _leg(event, event.began_at, table)
            ended = replace(leg, ended_at=event.at, result=event.result, cause=event.cause)
            return _with_leg(call, replace(ended, maybe_machine=event.maybe_machine))
        case CallTaken():
            return _taken(call, event.phone, event.at, table)
        case HandedOver():
            if any(known.at == event.at for known in call.passings):
                return call
            passings = sorted([*call.passings, passing(event, call.handing, table)], key=lambda known: known.at)
            return replace(call, passings=tuple(passings), handing=None)
        case CallEnded():
            if call.phase is Phase.OVER and call.ending is not Ending.LOST:
                return call
            return _ended(call, event, table)
        case _:
            assert_never(event)


def _leg(event: LegBegan | LegEnded, began_at: datetime, table: Table | None) -> Leg:
    return Leg(leg=event.leg, step=event.step, phone=event.phone, person=_person(event.phone, table), began_at=began_at)


def _with_leg(call: Call, new: Leg) -> Call:
    legs = [leg for leg in call.legs if leg.leg != new.leg]
    return replace(call, legs=tuple(sorted([*legs, new], key=lambda leg: (leg.step, leg.began_at, leg.leg))))


def _taken(call: Call, phone: str, at: datetime, table: Table | None) -> Call:
    """Who took it first is who took it, who took it last owns it; the same said twice is one taking."""
    if call.ending is not None:
        call = replace(call, ending=Ending.ANSWERED)
    if call.taken_at is None or at < call.taken_at:
        call = replace(call, taken_phone=phone, taken_by=_person(phone, table), taken_at=at)
    if call.owner_since is None or at > call.owner_since:
        call = replace(call, owner_phone=phone, owner=_person(phone, table), owner_since=at)
    return call


def _ended(call: Call, event: CallEnded, table: Table | None) -> Call:
    """The end is complete in itself, so it also tells what we missed."""
    if event.phone is not None and event.taken_at is not None:
        call = _taken(call, event.phone, event.taken_at, table)
        owner = event.owner or event.phone
        call = replace(call, owner_phone=owner, owner=_person(owner, table), owner_since=event.at)
    if not call.dialled and call.decision is None:  # nobody told us of its arrival
        line, account = _known_of(event, table)
        call = replace(call, line=line, account=account)
    return replace(
        call,
        dialled=event.dialled,
        caller=event.caller,
        presented=event.presented,
        arrived_at=event.arrived_at,
        path=call.path or event.path,
        ended_at=event.at,
        handing=None,
        promise=event.promise,
        ending=_ending(call, event),
    )


def _ending(call: Call, event: CallEnded) -> Ending:
    if call.taken_phone is not None:
        return Ending.ANSWERED
    return Ending.GAVE_UP if event.promise is None else Ending.PROMISED


def _is_gone(call: Call, link: LinkUp) -> bool:
    return call.call_id.startswith(f"{link.pbx}:") and call.call_id not in link.live_calls and call.arrived_at < link.at


def _lost(call: Call, at: datetime) -> Call:
    """It neither lives nor left its end in the journal: the PBX died under it. A person had it, or nobody knows."""
    ending = Ending.ANSWERED if call.taken_phone is not None else Ending.LOST
    legs = tuple(leg if leg.ended_at else _lost_leg(call, leg, at) for leg in call.legs)
    return replace(call, phase=Phase.OVER, ended_at=at, ending=ending, legs=legs, handing=None)


def _lost_leg(call: Call, leg: Leg, at: datetime) -> Leg:
    """The phone that had the call answered it; what the others did nobody knows."""
    return replace(leg, ended_at=at, result=LegResult.ANSWERED if leg.phone == call.owner_phone else None)


def _person(endpoint: str, table: Table | None) -> int | None:
    person = table.person_of_endpoint(endpoint) if table else None
    return person.id if person else None
