"""What is done when an event is heard?

Think, then give the orders: no decision is made here. `hear` is called by the reader of the PBX's stream itself, so
between the bytes of a call and the bytes of its plan there is no queue and no other task. The queue is the socket's:
what we are too slow for waits there, in order, and one read (64 kB, some 200 events) is the longest the loop is held.
"""

from collections import deque
from collections.abc import Callable
from time import perf_counter
from typing import assert_never

from router.calls.call import Call, Phase
from router.calls.desk_members import differences, wanted_members
from router.calls.events import CallArrived, Event, LinkDown, LinkUp, MemberSeen, MembersSeen, TablePublished
from router.calls.orders import AddMember, Deliver, Order, PbxOrder, Record, RemoveMember
from router.calls.tracker import Calls
from router.chronicle import Chronicle
from router.routing.table import Table


class Switchboard:
    """The one place where events, calls and orders meet.

    `give` hands an order to the PBX, `look` asks it who answers at its desks (a MembersSeen follows), `record` hands a
    call to the records; all three return at once.
    """

    def __init__(
        self,
        *,
        calls: Calls,
        give: Callable[[PbxOrder], None],
        look: Callable[[], None],
        record: Callable[[Call], None],
        chronicle: Chronicle,
    ) -> None:
        self.published: TablePublished | None = None
        self.link: LinkUp | LinkDown | None = None
        self._calls = calls
        self._give = give
        self._look = look
        self._record = record
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
        return sum(1 for call in self._calls if call.phase is not Phase.OVER)

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
        orders = self._calls.step(event, table)
        for order in orders:
            self._perform(order)
        if isinstance(event, CallArrived):
            self._chronicle.deciding_seconds += perf_counter() - heard_at
        changes = self._desk_changes(event, table)
        for change in changes:
            self._perform(change)
        if changes and isinstance(event, TablePublished):  # after a look of its own the PBX is not asked again at once
            self._look()
        self._chronicle.tell(event, (*orders, *changes), self._calls)

    def _desk_changes(self, event: Event, table: Table | None) -> tuple[AddMember | RemoveMember, ...]:
        if not isinstance(event, TablePublished | LinkUp | MembersSeen) or table is None or self._members is None:
            return ()
        return differences(wanted_members(table, event.at), self._members)

    def _perform(self, order: Order) -> None:
        match order:
            case Deliver() | AddMember() | RemoveMember():
                self._give(order)
            case Record():
                self._record(order.call)
            case _:
                assert_never(order)
