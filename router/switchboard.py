"""What is done when an event is heard?

Think, then give the orders: no decision is made here. `hear` is called by the reader of the PBX's stream itself, so
between the bytes of a call and the bytes of its plan there is no queue and no other task. The queue is the socket's:
what we are too slow for waits there, in order, and one read (64 kB, some 200 events) is the longest the loop is held.
"""

from collections import deque
from collections.abc import Callable
from time import perf_counter
from typing import assert_never

from router.calls.attendance import Attendance
from router.calls.call import Call, Phase
from router.calls.calling_in import is_test
from router.calls.desk_members import after, differences
from router.calls.events import CallArrived, Event, LinkDown, LinkUp, MemberSeen, MembersSeen, TablePublished
from router.calls.orders import (
    AddMember,
    AnswerCode,
    Deliver,
    HandOver,
    KeepAway,
    KeepPresence,
    MemberOrder,
    Order,
    PauseMember,
    PbxOrder,
    Record,
    RemoveMember,
    Settle,
)
from router.calls.tracker import Calls
from router.chronicle import Chronicle
from router.routing.table import Table


class Switchboard:
    """The one place where events, calls and orders meet.

    `give` hands an order to the PBX, `look` asks it who answers at its desks (a MembersSeen follows), `record` hands a
    call to the records, `keep` what people say of themselves to whoever keeps it, `settle` tells who asked for
    something what came of it; all of them return at once.
    """

    def __init__(
        self,
        *,
        calls: Calls,
        give: Callable[[PbxOrder], None],
        look: Callable[[], None],
        record: Callable[[Call], None],
        settle: Callable[[Settle], None],
        keep: Callable[[KeepPresence | KeepAway], None],
        chronicle: Chronicle,
    ) -> None:
        self.published: TablePublished | None = None
        self.link: LinkUp | LinkDown | None = None
        self.attendance = Attendance(calls)
        self._calls = calls
        self._give = give
        self._look = look
        self._record = record
        self._settle = settle
        self._keep = keep
        self._chronicle = chronicle
        self._members: tuple[MemberSeen, ...] | None = None  # None while nobody can tell us
        self._heard: deque[Event] = deque()
        self._busy = False

    def hear(self, event: Event) -> None:
        """Think about this event and give the orders it leads to. Waits for nothing, raises nothing."""
        self._heard.append(event)
        if self._busy:  # an order was answered while it was being given: the answer's turn comes after this event's
            return
        self._busy = True
        try:
            while self._heard:
                self._take(self._heard.popleft())
        finally:
            self._busy = False

    def open_calls(self) -> int:
        return sum(1 for call in self._calls if call.phase is not Phase.OVER and not is_test(call.call_id))

    def _take(self, event: Event) -> None:
        self._note(event)
        for table in (self.published.table if self.published else None, None):
            try:
                self._act(event, table)
                return
            except Exception:
                # A slip of ours costs this call its plan and nothing else: it is taken in once more without a table,
                # so that it is on record, and the PBX, hearing nothing from us, lets it fall back to its desk.
                self._chronicle.tell_slip(event)

    def _note(self, event: Event) -> None:
        match event:
            case TablePublished():
                self.published = event
            case LinkUp():
                self.link, self._members = event, event.members
            case LinkDown():
                self.link, self._members = event, None
            case MembersSeen():
                self._members = event.members
            case _:
                pass

    def _act(self, event: Event, table: Table | None) -> None:
        heard_at = perf_counter()
        orders = (*self._calls.step(event, table), *self.attendance.step(event, table))
        for order in orders:
            self._perform(order)
        if isinstance(event, CallArrived) and not is_test(event.call_id):
            self._chronicle.deciding_seconds += perf_counter() - heard_at
        changes = self._desk_changes(event, table)
        for change in changes:
            self._perform(change)
        # Whether the PBX did so is looked at, unless a look has just led to it, which would be without end.
        if any(not isinstance(change, PauseMember) for change in changes) and not isinstance(
            event, MembersSeen | LinkUp
        ):
            self._look()
        self._chronicle.tell(event, (*orders, *changes), self._calls)

    def _desk_changes(self, event: Event, table: Table | None) -> tuple[MemberOrder, ...]:
        if table is None or self._members is None:
            return ()
        wanted = self.attendance.wanted(event, table)
        if wanted is None:
            return ()
        changes = differences(wanted, self._members)
        self._members = after(self._members, changes)
        return changes

    def _perform(self, order: Order) -> None:
        match order:
            case Deliver() | HandOver() | AddMember() | RemoveMember() | PauseMember() | AnswerCode():
                self._give(order)
            case KeepPresence() | KeepAway():
                self._keep(order)
            case Record():
                self._record(order.call)
            case Settle():
                self._settle(order)
            case _:
                assert_never(order)
