"""Does what is heard become the right orders, whatever goes wrong?"""

from collections.abc import Callable
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from router.calls.call import Call, Ending
from router.calls.desk_members import SAFETY_NET
from router.calls.events import LegResult, LinkDown, MembersSeen, Path, PlanRefused, TablePublished
from router.calls.orders import AddMember, Deliver, PbxOrder, RemoveMember
from router.calls.tracker import Calls
from router.chronicle import Chronicle
from router.routing.model import Strategy
from router.routing.table import Table
from router.switchboard import Switchboard
from tests.calls.company import CUSTOMER, company
from tests.calls.said import CALL, arrived, at, ended, leg_began, leg_ended, link_up, path_taken, taken
from tests.calls.test_desk_members import member

PUBLISHED = TablePublished(table=company(), at=at(-1))
AT_THE_NET = (member("carl", SAFETY_NET), member("cora", SAFETY_NET))  # who answers at the safety net's own queue


class Desk:
    """A switchboard with all that leaves it, in order; `when_given` is what the PBX does with an order."""

    def __init__(self, *, mask_numbers: bool = True) -> None:
        self.left: list[PbxOrder | Call] = []
        self.when_given: Callable[[PbxOrder], None] = lambda order: None
        self.calls = Calls()
        self.chronicle = Chronicle(mask_numbers=mask_numbers)
        self.switchboard = Switchboard(
            calls=self.calls,
            give=self._give,
            look=self._look,
            record=self.left.append,
            chronicle=self.chronicle,
        )
        self.hear = self.switchboard.hear
        self.looks = 0

    @property
    def orders(self) -> list[PbxOrder]:
        return [left for left in self.left if not isinstance(left, Call)]

    @property
    def records(self) -> list[Call]:
        return [left for left in self.left if isinstance(left, Call)]

    def _look(self) -> None:
        self.looks += 1

    def _give(self, order: PbxOrder) -> None:
        self.left.append(order)
        self.when_given(order)


def test_a_call_has_its_plan_when_hear_returns() -> None:
    desk = Desk()
    desk.hear(PUBLISHED)

    desk.hear(arrived())

    assert [type(left) for left in desk.left] == [Deliver, Call]


def test_without_a_table_a_call_is_left_to_the_fallback_and_put_on_record() -> None:
    desk = Desk()

    desk.hear(arrived())

    assert desk.orders == []
    assert [call.call_id for call in desk.records] == [CALL]


def test_a_call_that_we_fail_to_understand_falls_back_and_is_followed_all_the_same() -> None:
    desk = Desk()
    broken: Table = replace(company(), accounts=None)  # type: ignore[arg-type]  # decide trips over it
    desk.hear(TablePublished(table=broken, at=at(-1)))

    with capture_logs() as said:
        desk.hear(arrived())
        desk.hear(ended(phone="carl"))

    assert desk.orders == []
    assert desk.records[-1].ending is Ending.ANSWERED
    assert desk.chronicle.slips == 1
    assert [line["call_id"] for line in said if line["event"] == "event not understood"] == [CALL]


def test_an_order_that_can_not_be_given_costs_no_record() -> None:
    desk = Desk()
    desk.hear(PUBLISHED)

    def fails(order: PbxOrder) -> None:
        raise RuntimeError("a slip of ours")

    desk.when_given = fails
    desk.hear(arrived())
    desk.hear(ended())

    assert [call.ending for call in desk.records] == [Ending.GAVE_UP]


def test_an_answer_that_comes_while_an_order_is_given_is_heard_after_the_event_it_answers() -> None:
    desk = Desk()
    desk.hear(PUBLISHED)
    refused = PlanRefused(call_id=CALL, why="no such channel", at=at(0))
    desk.when_given = lambda order: desk.hear(refused)

    with capture_logs() as said:
        desk.hear(arrived())

    assert [line["event"] for line in said] == ["call arrived", "call delivered", "plan refused"]


def test_when_the_link_comes_up_the_desks_get_their_members() -> None:
    desk = Desk()
    desk.hear(PUBLISHED)

    desk.hear(link_up(members=(*AT_THE_NET, member("carl"), member("stranger"))))

    assert desk.orders == [
        AddMember(strategy=Strategy.ALL, slot=1, endpoint="cora"),
        RemoveMember(strategy=Strategy.ALL, slot=1, member="Local/stranger"),
    ]


def test_a_table_that_comes_after_the_link_puts_the_desks_right_as_well() -> None:
    desk = Desk()
    desk.hear(link_up(members=AT_THE_NET))

    desk.hear(PUBLISHED)

    assert [order.endpoint for order in desk.orders if isinstance(order, AddMember)] == ["carl", "cora"]
    assert desk.looks == 1


def test_a_desk_that_lost_its_members_gets_them_back_at_the_next_look() -> None:
    desk = Desk()
    desk.hear(PUBLISHED)
    desk.hear(link_up(members=(*AT_THE_NET, member("carl"), member("cora"))))

    desk.hear(MembersSeen(members=(*AT_THE_NET, member("carl")), at=at(60)))

    assert desk.orders == [AddMember(strategy=Strategy.ALL, slot=1, endpoint="cora")]
    assert desk.looks == 0


def test_while_the_link_is_down_no_orders_are_given_about_members() -> None:
    desk = Desk()
    desk.hear(link_up(members=()))
    desk.hear(LinkDown(pbx="pbx", why="the connection was lost", at=at(30)))

    desk.hear(PUBLISHED)

    assert desk.orders == []


def test_the_log_tells_the_story_of_a_call_and_every_line_names_it() -> None:
    desk = Desk()
    desk.hear(PUBLISHED)

    with capture_logs() as said:
        for event in (arrived(), path_taken(), leg_began("anna"), taken("anna"), ended(phone="anna")):
            desk.hear(event)

    assert [line["event"] for line in said] == [
        "call arrived",
        "call delivered",
        "phone rings",
        "call taken",
        "call ended",
    ]
    assert {line["call_id"] for line in said} == {CALL}
    assert said[3]["after_ms"] == 3000


@pytest.mark.parametrize("mask", [True, False])
def test_the_log_shows_whole_numbers_only_when_told_to(mask: bool) -> None:
    desk = Desk(mask_numbers=mask)
    desk.hear(PUBLISHED)

    with capture_logs() as said:
        for event in (arrived(), leg_began("anna"), taken("anna"), ended(phone="anna")):
            desk.hear(event)

    assert (CUSTOMER in str(said)) is not mask


def test_the_counts_close() -> None:
    desk = Desk()
    desk.hear(PUBLISHED)
    for number in range(4):
        desk.hear(arrived(f"pbx:{number}"))
    desk.hear(ended("pbx:0", phone="anna"))
    desk.hear(ended("pbx:1"))
    desk.hear(link_up(live=("pbx:3",)))

    told = desk.chronicle
    assert (told.arrived, told.delivered) == (4, 4)
    assert told.endings == {"answered": 1, "gave_up": 1, "lost": 1}
    assert desk.switchboard.open_calls() == 1


def test_results_of_legs_and_paths_are_counted() -> None:
    desk = Desk()
    desk.hear(arrived())
    desk.hear(path_taken(Path.FALLBACK, "deadline"))
    desk.hear(leg_ended("anna", LegResult.BUSY))

    assert (desk.chronicle.paths, desk.chronicle.legs) == ({"fallback": 1}, {"busy": 1})
