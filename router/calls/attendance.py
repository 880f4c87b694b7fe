"""Who is there by what people say of themselves, and who still has something to write down after a call?"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import assert_never

from router.calls.call import Phase
from router.calls.calling_in import is_test
from router.calls.codes import GoesAway, Said, read_code, shown
from router.calls.desk_members import SAFETY_NET, wanted_members
from router.calls.events import (
    AwayKept,
    CallEnded,
    CallTaken,
    CodeDialled,
    Event,
    LinkUp,
    MembersSeen,
    PresencePublished,
    Slot,
    TablePublished,
    Tick,
)
from router.calls.orders import AnswerCode, KeepAway, KeepPresence, Order, Word
from router.calls.presence import Presence, Presences, next_due
from router.calls.tracker import Calls
from router.routing.table import Table

Seat = tuple[int, str]  # a desk's id, and the phone of somebody who sits there


class Attendance:
    """Everybody's presence, and who is wrapping up. Only `step` changes it, as with Calls, which it looks at."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._presences: dict[int, Presence] | None = None  # None until it was read: nobody's place is changed before
        self._taken: dict[str, Seat] = {}  # by call: who took it from which desk, and has it still
        self._wrapping: dict[Seat, datetime] = {}  # until when
        self._due: datetime | None = None  # when somebody may come or go by themselves
        self._told: frozenset[Seat] = frozenset()  # who was wrapping up when that was last asked

    @property
    def presences(self) -> Presences:
        return self._presences or {}

    def step(self, event: Event, table: Table | None) -> tuple[Order, ...]:
        """Take in one event, after the calls have, and say what is to be kept and told. Raises nothing of its own."""
        self._follow_calls(event, table)
        match event:
            case PresencePublished():
                self._presences = dict(event.presences)
            case CodeDialled():
                return self._dialled(event, table)
            case AwayKept():
                return (self._away_kept(event, table),)
            case _:
                pass
        return ()

    def wanted(self, event: Event, table: Table) -> Mapping[Slot, Mapping[str, bool]] | None:
        """Which phones should answer for each desk after this event, and which of them paused.

        None when nobody can know yet, and when nothing about it can have changed.
        """
        if self._presences is None or not self._may_have_changed(event):
            return None
        self._due = next_due(table, self._presences, event.at)
        self._told = self.wrapping_up(event.at)
        return wanted_members(table, self._presences, event.at, self._told)

    def _may_have_changed(self, event: Event) -> bool:
        match event:
            case TablePublished() | PresencePublished() | CodeDialled() | AwayKept() | LinkUp() | MembersSeen():
                return True
            case Tick(at=now):
                due = self._due is not None and self._due <= now
                return due or self._told != self.wrapping_up(now)
            case CallTaken() | CallEnded():
                return self._told != self.wrapping_up(event.at)
            case _:
                return False

    def wrapping_up(self, now: datetime) -> frozenset[Seat]:
        """Who is not rung by their desk now: they talk to one of its callers, or did until a moment ago.

        Already while they talk, when they aren't rung anyway: so no caller slips in between their call's end and ours
        saying so.
        """
        return frozenset(self._taken.values()) | {seat for seat, until in self._wrapping.items() if until > now}

    def _dialled(self, event: CodeDialled, table: Table | None) -> tuple[Order, ...]:
        wish = None
        if table is not None and self._presences is not None:
            wish = read_code(event, table, self._presences)
        match wish:
            case None:
                return (AnswerCode(call_id=event.call_id, channel=event.channel, word=Word.NOT_POSSIBLE),)
            case GoesAway(person=person, until=until):
                return (KeepAway(call_id=event.call_id, channel=event.channel, person=person.id, until=until),)
            case Said(presence=presence, word=word):
                assert table is not None  # else there is no wish
                assert self._presences is not None
                self._presences[presence.person] = presence
                text = shown(table.people[presence.person], table, self._presences, event.at)
                answer = AnswerCode(call_id=event.call_id, channel=event.channel, word=word, text=text)
                return answer, KeepPresence(presence=presence)
            case _:
                assert_never(wish)

    def _away_kept(self, event: AwayKept, table: Table | None) -> AnswerCode:
        person = table.people.get(event.person) if table else None
        if event.why or table is None or person is None:
            return AnswerCode(call_id=event.call_id, channel=event.channel, word=Word.NOT_POSSIBLE)
        word = Word.AWAY if event.until else Word.BACK
        text = shown(person, table, self.presences, event.at)
        return AnswerCode(call_id=event.call_id, channel=event.channel, word=word, text=text)

    def _follow_calls(self, event: Event, table: Table | None) -> None:
        match event:
            case CallTaken(call_id=call_id, phone=phone, slot=slot):
                if table is None or is_test(call_id):  # there is nothing to write down after a test call
                    return
                if call_id in self._taken and self._taken[call_id][1] != phone:
                    self._begin(self._taken.pop(call_id), event.at, table)  # it was handed over
                desk = _desk_in(slot, table) if slot else None
                if desk is not None and table.desks[desk].wrap_up_seconds > 0:
                    self._taken[call_id] = desk, phone
                self._look_at(call_id, table)  # its end may have been told before
            case LinkUp() | Tick() | TablePublished():
                for call_id in list(self._taken):
                    self._look_at(call_id, table)
                self._wrapping = {seat: until for seat, until in self._wrapping.items() if until > event.at}
            case _:
                call_id = getattr(event, "call_id", "")
                if call_id in self._taken:
                    self._look_at(call_id, table)

    def _look_at(self, call_id: str, table: Table | None) -> None:
        """Whoever has this call begins to wrap up when it is over; a call that nothing is known of is over."""
        call = self._calls.get(call_id)
        if call_id not in self._taken or (call is not None and call.phase is not Phase.OVER):
            return
        seat = self._taken.pop(call_id)
        if call is not None and call.ended_at is not None and table is not None:
            self._begin(seat, call.ended_at, table)

    def _begin(self, seat: Seat, at: datetime, table: Table) -> None:
        desk = table.desks.get(seat[0])
        if desk is not None:
            until = at + timedelta(seconds=desk.wrap_up_seconds)
            self._wrapping[seat] = max(until, self._wrapping.get(seat, until))


def _desk_in(slot: Slot, table: Table) -> int | None:
    if slot == SAFETY_NET:
        return table.safety_net.id
    return next((desk.id for desk in table.desks.values() if (desk.strategy, desk.slot) == slot), None)
