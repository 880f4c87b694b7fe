"""Who is left alone for a while after a call, and does it always end?"""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from router.calls.attendance import Attendance
from router.calls.calling_in import call_in_id
from router.calls.events import AwayKept, Event, PresencePublished, Slot, TablePublished, Tick
from router.calls.orders import AnswerCode, Word
from router.calls.tracker import Calls
from router.routing.model import Desk, Strategy
from router.routing.table import Table
from tests.calls.company import CARL, COORDINATORS, company
from tests.calls.said import CALL, arrived, at, ended, link_up, taken

WRAP_UP = 30
FIRST: Slot = (Strategy.ALL, 1)
WRAPS_UP = company(replace(COORDINATORS, wrap_up_seconds=WRAP_UP))
CARLS_SEAT = (COORDINATORS.id, "carl")


class Room:
    """Calls and attendance as the switchboard has them."""

    def __init__(self, table: Table = WRAPS_UP) -> None:
        self.table = table
        self.calls = Calls()
        self.attendance = Attendance(self.calls)
        self.hear(PresencePublished(presences={}, at=at(-1)))

    def hear(self, *events: Event) -> None:
        for event in events:
            self.calls.step(event, self.table)
            self.attendance.step(event, self.table)

    def wrapping_up(self, seconds: float) -> bool:
        """Whether Carl is left alone at this time, after a tick."""
        self.hear(Tick(at=at(seconds)))
        return CARLS_SEAT in self.attendance.wrapping_up(at(seconds))


def test_who_took_a_call_from_a_desk_is_left_alone_until_so_long_after_its_end() -> None:
    room = Room()
    room.hear(arrived(), taken("carl", slot=FIRST), ended(phone="carl", seconds=9))
    assert room.wrapping_up(9 + WRAP_UP - 0.1)
    assert not room.wrapping_up(9 + WRAP_UP)


def test_after_a_test_call_there_is_nothing_to_write_down() -> None:
    room = Room()
    test = call_in_id("pbx", 7, at(0))
    room.hear(arrived(test), taken("carl", slot=FIRST, call_id=test))
    assert not room.wrapping_up(4)
    room.hear(ended(test, phone="carl", seconds=9))
    assert not room.wrapping_up(9)


def test_a_second_call_begins_it_anew() -> None:
    room = Room()
    second = "pbx:1760000000.2"
    room.hear(arrived(), taken("carl", slot=FIRST), ended(phone="carl", seconds=9))
    room.hear(arrived(second), taken("carl", slot=FIRST, call_id=second, seconds=12))
    room.hear(ended(second, phone="carl", seconds=20))
    assert room.wrapping_up(9 + WRAP_UP)
    assert not room.wrapping_up(20 + WRAP_UP)


def test_a_call_that_did_not_come_from_a_desk_leaves_nothing_to_write_down_there() -> None:
    room = Room()
    room.hear(arrived(), taken("carl"), ended(phone="carl", seconds=9))
    assert not room.wrapping_up(9)


def test_a_desk_that_wants_no_time_after_a_call_gives_none() -> None:
    room = Room(company())
    room.hear(arrived(), taken("carl", slot=FIRST))
    assert not room.wrapping_up(4)


def test_the_safety_nets_own_queue_is_its_desk() -> None:
    room = Room()
    room.hear(arrived(), taken("carl", slot=(Strategy.ALL, 0)))
    assert room.wrapping_up(4)


def test_a_call_that_was_handed_over_is_over_for_whom_had_it() -> None:
    room = Room()
    room.hear(arrived(), taken("carl", slot=FIRST), taken("anna", seconds=10))
    assert room.wrapping_up(10 + WRAP_UP - 0.1)
    assert not room.wrapping_up(10 + WRAP_UP)


def test_a_taking_that_is_told_after_the_end_counts_from_the_end() -> None:
    room = Room()
    room.hear(arrived(), ended(phone="carl", seconds=9), taken("carl", slot=FIRST))
    assert room.wrapping_up(9 + WRAP_UP - 0.1)
    assert not room.wrapping_up(9 + WRAP_UP)


def test_a_call_that_vanished_with_its_pbx_holds_nobody_up_for_ever() -> None:
    room = Room()
    room.hear(arrived(), taken("carl", slot=FIRST), link_up(live=(), seconds=20))
    assert not room.wrapping_up(20 + WRAP_UP)


def test_a_call_whose_end_was_missed_ends_with_the_journal() -> None:
    room = Room()
    room.hear(arrived(), taken("carl", slot=FIRST), link_up(journal=(ended(phone="carl", seconds=9),), seconds=20))
    assert room.wrapping_up(9 + WRAP_UP - 0.1)
    assert not room.wrapping_up(9 + WRAP_UP)


def test_a_desk_that_is_gone_when_the_call_ends_keeps_nobody() -> None:
    room = Room()
    room.hear(arrived(), taken("carl", slot=FIRST))
    elsewhere = Desk(id=2, name="Other", slot=2, safety_net=True, members=(CARL.id,))
    room.table = company(elsewhere)
    room.hear(ended(phone="carl", seconds=9))
    assert room.attendance.wrapping_up(at(9)) == frozenset()


def test_nobody_knows_who_is_wanted_before_it_is_known_who_is_there() -> None:
    assert Attendance(Calls()).wanted(TablePublished(table=WRAPS_UP, at=at(0)), WRAPS_UP) is None


def test_while_nothing_can_have_changed_nobody_is_asked_about_again() -> None:
    room = Room()
    published = TablePublished(table=WRAPS_UP, at=at(0))
    room.hear(published)
    assert room.attendance.wanted(published, WRAPS_UP) is not None

    room.hear(tick := Tick(at=at(1)))
    assert room.attendance.wanted(tick, WRAPS_UP) is None
    room.hear(arrived(), told := taken("carl", slot=FIRST))
    assert room.attendance.wanted(told, WRAPS_UP) is not None
    room.hear(end := ended(phone="carl"))
    assert room.attendance.wanted(end, WRAPS_UP) is None, "still wrapping up"


def test_an_absence_that_could_not_be_kept_is_told_as_not_possible() -> None:
    room = Room()
    told = [
        room.attendance.step(
            AwayKept(call_id=CALL, channel="c", person=CARL.id, until=at(60), why=why, at=at(1)), WRAPS_UP
        )
        for why in ("", "the database is gone")
    ]
    assert [order.word for (order,) in told if isinstance(order, AnswerCode)] == [Word.AWAY, Word.NOT_POSSIBLE]


takings = st.builds(
    lambda phone, slot, seconds: taken(phone, slot=slot, seconds=seconds),
    st.sampled_from(["carl", "cora", "anna"]),
    st.sampled_from([FIRST, (Strategy.ALL, 0), (Strategy.ALL, 7), None]),
    st.integers(1, 50),
)
ends = st.builds(lambda seconds: ended(phone="carl", seconds=seconds), st.integers(1, 50))
links = st.builds(
    lambda seconds, live: link_up(live=(CALL,) if live else (), seconds=seconds), st.integers(1, 50), st.booleans()
)


@given(st.lists(st.one_of(takings, ends, links, st.just(arrived())), max_size=12))
def test_in_whatever_order_it_is_told_everybody_rings_again_once_the_call_is_over(events: list[Event]) -> None:
    room = Room()
    room.hear(*events, ended(phone="carl", seconds=60))

    assert not room.wrapping_up(60 + WRAP_UP)
