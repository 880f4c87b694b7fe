"""Does what is heard become the right orders, whatever goes wrong?"""

from collections.abc import Callable
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from router.calls.call import Call, Ending
from router.calls.desk_members import SAFETY_NET
from router.calls.events import (
    Code,
    CodeDialled,
    LegResult,
    LinkDown,
    MembersSeen,
    Path,
    PlanRefused,
    PresencePublished,
    TablePublished,
    Tick,
)
from router.calls.orders import (
    AddMember,
    AnswerCode,
    Deliver,
    KeepAway,
    KeepPresence,
    PauseMember,
    PbxOrder,
    RemoveMember,
    Settle,
    Word,
)
from router.calls.presence import Presence, Presences
from router.calls.tracker import Calls
from router.chronicle import Chronicle
from router.routing.model import Strategy
from router.routing.table import Table
from router.switchboard import Switchboard
from tests.calls.company import CARL, COORDINATORS, CORA, CUSTOMER, company
from tests.calls.said import CALL, arrived, at, ended, leg_began, leg_ended, link_up, path_taken, taken
from tests.calls.test_desk_members import member

PUBLISHED = TablePublished(table=company(), at=at(-1))
EVERYBODY_IS_THERE: Presences = {}
AT_THE_NET = (member("carl", SAFETY_NET), member("cora", SAFETY_NET))  # who answers at the safety net's own queue
EVERYBODY = (*AT_THE_NET, member("carl"), member("cora"))


class Desk:
    """A switchboard with all that leaves it, in order; `when_given` is what the PBX does with an order."""

    def __init__(self, *, mask_numbers: bool = True, presences: Presences | None = EVERYBODY_IS_THERE) -> None:
        self.kept: list[KeepPresence | KeepAway] = []
        self.left: list[PbxOrder | Call] = []
        self.when_given: Callable[[PbxOrder], None] = lambda order: None
        self.settled: list[Settle] = []
        self.calls = Calls()
        self.chronicle = Chronicle(mask_numbers=mask_numbers)
        self.switchboard = Switchboard(
            calls=self.calls,
            give=self._give,
            look=self._look,
            record=self.left.append,
            settle=self.settled.append,
            keep=self.kept.append,
            chronicle=self.chronicle,
        )
        self.hear = self.switchboard.hear
        self.looks = 0
        if presences is not None:
            self.hear(PresencePublished(presences=presences, at=at(-2)))

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
        RemoveMember(strategy=Strategy.ALL, slot=1, member="Local/stranger", endpoint="stranger"),
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


def test_as_long_as_nobody_knows_who_is_signed_in_no_desk_is_touched() -> None:
    desk = Desk(presences=None)
    desk.hear(PUBLISHED)

    desk.hear(link_up(members=(member("cora"),)))

    assert desk.orders == []


def test_a_desk_whose_members_are_as_they_should_be_gets_no_order_when_presence_becomes_known() -> None:
    desk = Desk(presences=None)
    desk.hear(PUBLISHED)
    desk.hear(link_up(members=(member("cora"), member("cora", SAFETY_NET))))

    desk.hear(PresencePublished(presences={CARL.id: signed_out(CARL.id)}, at=at(21)))

    assert desk.orders == []


def test_who_signs_out_by_dialling_leaves_the_desk_in_the_same_moment_and_is_told() -> None:
    desk = Desk()
    desk.hear(PUBLISHED)
    desk.hear(link_up(members=EVERYBODY))

    desk.hear(dialled(Code.SIGN_OUT, "carl"))

    answer, *changes = desk.orders
    assert isinstance(answer, AnswerCode)
    assert (answer.word, answer.channel) == (Word.SIGNED_OUT, "PJSIP/carl-1")
    assert {(order.slot, order.endpoint) for order in changes if isinstance(order, RemoveMember)} == {
        (1, "carl"),
        (0, "carl"),
    }
    assert desk.kept == [KeepPresence(presence=signed_out(CARL.id, seconds=30))]
    assert desk.looks == 1


def test_the_last_one_to_sign_out_is_told_what_becomes_of_the_callers() -> None:
    desk = Desk(presences={CORA.id: signed_out(CORA.id)})
    desk.hear(PUBLISHED)

    desk.hear(dialled(Code.SIGN_OUT, "carl"))

    (answer,) = desk.orders
    assert isinstance(answer, AnswerCode)
    assert answer.text == (
        "Carl is signed out since 12:00."
        " Nobody is at the desk Coordinators now, nor at any after it: callers wait until somebody is."
    )


def test_an_order_is_not_given_again_before_the_pbx_could_show_what_it_did() -> None:
    desk = Desk()
    desk.hear(PUBLISHED)
    desk.hear(link_up(members=EVERYBODY))
    desk.hear(dialled(Code.SIGN_OUT, "carl"))
    given = len(desk.orders)

    desk.hear(Tick(at=at(31)))

    assert len(desk.orders) == given


def test_a_pause_ends_by_itself() -> None:
    desk = Desk()
    desk.hear(PUBLISHED)
    desk.hear(link_up(members=EVERYBODY))
    desk.hear(dialled(Code.PAUSE, "carl", digits="1"))
    desk.left.clear()

    desk.hear(Tick(at=at(89)))
    assert desk.orders == []
    desk.hear(Tick(at=at(90)))

    assert [(order.slot, order.endpoint) for order in desk.orders if isinstance(order, AddMember)] == [
        (1, "carl"),
        (0, "carl"),
    ]


def test_a_phone_that_is_nobodys_is_told_that_it_is_not_possible() -> None:
    desk = Desk()
    desk.hear(PUBLISHED)

    desk.hear(dialled(Code.SIGN_OUT, "trunk"))

    assert [order.word for order in desk.orders if isinstance(order, AnswerCode)] == [Word.NOT_POSSIBLE]
    assert desk.kept == []


def test_who_took_a_call_from_a_desk_that_wraps_up_is_paused_there_until_the_time_is_over() -> None:
    desk = Desk()
    wraps_up = replace(COORDINATORS, wrap_up_seconds=30)
    desk.hear(TablePublished(table=company(wraps_up), at=at(-1)))
    desk.hear(link_up(members=EVERYBODY, seconds=-1))
    desk.hear(arrived())
    desk.left.clear()

    desk.hear(taken("carl", slot=(Strategy.ALL, 1)))
    desk.hear(ended(phone="carl", seconds=9))
    desk.hear(Tick(at=at(38.9)))
    assert desk.orders == [paused("carl", so=True)], "from the beginning of the call on, in the desk's own queue alone"
    desk.hear(Tick(at=at(39)))

    assert desk.orders == [paused("carl", so=True), paused("carl", so=False)]
    assert desk.looks == 0, "for this the PBX is not asked about all its queues"


def dialled(code: Code, phone: str, *, digits: str = "", seconds: float = 30) -> CodeDialled:
    return CodeDialled(
        call_id="pbx:1760000000.9",
        channel=f"PJSIP/{phone}-1",
        phone=phone,
        code=code,
        digits=digits,
        at=at(seconds),
    )


def signed_out(person: int, *, seconds: float = -5) -> Presence:
    return Presence(person=person, signed_in=False, since=at(seconds))


def paused(endpoint: str, *, so: bool) -> PauseMember:
    return PauseMember(strategy=Strategy.ALL, slot=1, endpoint=endpoint, paused=so)


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
