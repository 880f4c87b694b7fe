"""What is told of each call: to whoever reads the log, and to the figures?"""

from collections import Counter
from collections.abc import Iterable
from typing import assert_never

import structlog

from router.calls.call import Call, Ending
from router.calls.calling_in import is_test
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
    LinkDown,
    LinkUp,
    MembersSeen,
    Path,
    PathTaken,
    PlanAccepted,
    PlanRefused,
    PresencePublished,
    TablePublished,
    Tick,
    TransferAsked,
)
from router.calls.orders import (
    AddMember,
    AnswerCode,
    Deliver,
    HandOver,
    KeepAway,
    KeepPresence,
    Order,
    PauseMember,
    Record,
    RemoveMember,
    Settle,
)
from router.calls.tally import Tally
from router.calls.tracker import Calls
from router.routing.numbers import masked

log = structlog.get_logger()


class Chronicle:
    """One sentence and its facts for each thing that happened, every line of a call with its call_id; and the counts.

    Numbers are masked in the log unless told otherwise, and never part of a count.
    """

    def __init__(self, *, mask_numbers: bool) -> None:
        self.arrived = 0
        self.delivered = 0
        self.taken = 0
        self.slips = 0
        self.deciding_seconds = 0.0  # from hearing of a call to having given its plan, all calls together
        self.paths: Counter[str] = Counter()
        self.endings: Counter[str] = Counter()  # as heard; calls that ended while we were away count when they are lost
        self.legs: Counter[str] = Counter()
        self.plans: Counter[str] = Counter()  # accepted or refused by the PBX
        self.hand_overs: Counter[str] = Counter()  # by order or by key; refused: by us or by the PBX
        self.members: Counter[str] = Counter()  # added to and removed from desks, paused and not
        self.codes: Counter[str] = Counter()  # dialled on people's phones, by the word they were told
        self.tally = Tally()
        self._mask_numbers = mask_numbers

    def tell(self, event: Event, orders: Iterable[Order], calls: Calls) -> None:
        """Tell of an event that has been taken in and whose orders have been given. A test call counts in nothing."""
        if is_test(call_id := getattr(event, "call_id", "")):
            log.info("test call", call_id=call_id, heard=type(event).__name__)
            self._members(orders)
            self._settled(orders)
            return
        match event:
            case CallArrived():
                self._arrived(event, calls.get(event.call_id))
            case PathTaken():
                self._path(event)
            case LegBegan():
                log.debug("phone rings", call_id=event.call_id, phone=event.phone, step=event.step)
            case LegEnded():
                self.legs[event.result.value] += 1
                log.debug("phone done", call_id=event.call_id, phone=event.phone, result=event.result.value)
            case CallTaken():
                self.taken += 1
                log.info("call taken", call_id=event.call_id, phone=event.phone, after_ms=_waited(event, calls))
            case CallEnded():
                self._ended(event, calls.get(event.call_id))
            case PlanAccepted():
                self.plans["accepted"] += 1
            case PlanRefused():
                self.plans["refused"] += 1
                log.warning("plan refused", call_id=event.call_id, why=event.why)
            case TransferAsked():
                log.info("transfer key pressed", call_id=event.call_id, phone=event.phone, to=event.to)
            case HandedOver():
                self.hand_overs[event.how.value] += 1
                log.info("call handed over", call_id=event.call_id, phone=event.phone, how=event.how.value)
            case HandOverRefused():
                log.warning("hand-over refused", call_id=event.call_id, why=event.why)
            case AskedHandOver():
                log.info("hand-over asked", order=event.order, call=event.call, by=event.by)
            case TablePublished():
                log.info("table published", table=event.table.version)
            case LinkUp():
                self._lost(orders)
            case CodeDialled():
                log.info("code dialled", phone=event.phone, code=event.code.value, digits=event.digits)
            case AwayKept():
                if event.why:
                    log.warning("absence not kept", person=event.person, why=event.why)
            case JournalRead():
                log.info("ends taken from the journal", entries=len(event.ended))
            case LinkDown() | MembersSeen():  # the link tells of itself
                pass
            case PresencePublished() | Tick():  # what comes of them is told of the members
                pass
            case _:
                assert_never(event)
        self._members(orders)
        self._settled(orders)
        self.tally.tell(event, orders)

    def tell_slip(self, event: Event) -> None:
        """Tell of an exception of our own; call it where it was caught."""
        self.slips += 1
        log.exception("event not understood", event_kind=type(event).__name__, call_id=getattr(event, "call_id", None))

    def _arrived(self, event: CallArrived, call: Call | None) -> None:
        self.arrived += 1
        log.info(
            "call arrived",
            call_id=event.call_id,
            dialled=self._shown(event.dialled),
            caller=self._shown(event.caller),
            presented=event.presented.value,
        )
        if call is None or call.decision is None:
            log.warning("call left to the fallback", call_id=event.call_id)
            return
        self.delivered += 1
        log.info(
            "call delivered",
            call_id=event.call_id,
            plan=[step.name for step in call.decision.plan.steps],
            because=[type(reason).__name__ for reason in call.decision.because],
            table=call.decision.table_version,
        )

    def _path(self, event: PathTaken) -> None:
        self.paths[event.path.value] += 1
        if event.path is not Path.PLAN:
            log.warning("call fell back", call_id=event.call_id, path=event.path.value, why=event.why)

    def _ended(self, event: CallEnded, call: Call | None) -> None:
        ending = call.ending if call else None
        self.endings[ending.value if ending else ""] += 1
        seconds = round((event.at - event.arrived_at).total_seconds(), 3)
        log.info("call ended", call_id=event.call_id, ending=ending, seconds=seconds, cause=event.cause)

    def _lost(self, orders: Iterable[Order]) -> None:
        for order in orders:
            if isinstance(order, Record) and order.call.ending is Ending.LOST and not is_test(order.call.call_id):
                self.endings[Ending.LOST.value] += 1
                log.warning("call lost", call_id=order.call.call_id)

    def _members(self, orders: Iterable[Order]) -> None:
        for order in orders:
            match order:
                case AddMember():
                    self.members["added"] += 1
                    log.info("desk member added", slot=order.slot, strategy=order.strategy, endpoint=order.endpoint)
                case RemoveMember():
                    self.members["removed"] += 1
                    log.info(
                        "desk member removed",
                        slot=order.slot,
                        strategy=order.strategy,
                        member=order.endpoint or order.member,
                    )
                case PauseMember():
                    self.members["paused" if order.paused else "unpaused"] += 1
                    log.debug("desk member paused", slot=order.slot, endpoint=order.endpoint, paused=order.paused)
                case AnswerCode():
                    self.codes[order.word.value] += 1
                case KeepPresence(presence=presence):
                    log.info("presence", person=presence.person, signed_in=presence.signed_in)
                case Deliver() | HandOver() | Record() | Settle() | KeepAway():
                    pass
                case _:
                    assert_never(order)

    def _settled(self, orders: Iterable[Order]) -> None:
        for order in orders:
            if isinstance(order, Settle) and not order.done:
                self.hand_overs["refused"] += 1
                log.warning("order refused", order=order.order, why=order.result)

    def _shown(self, number: str) -> str:
        return masked(number) if self._mask_numbers else number


def _waited(event: CallTaken, calls: Calls) -> int | None:
    """Milliseconds from the call's arrival to a person."""
    call = calls.get(event.call_id)
    return round((event.at - call.arrived_at).total_seconds() * 1000) if call else None
