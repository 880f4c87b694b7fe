"""What is done when somebody asks to hand a call over, and what is told of it?"""

from dataclasses import replace

import pytest

from router.calls.call import Call, Passing, Phase
from router.calls.events import Event, HandOverRefused, How, LinkDown, TransferAsked
from router.calls.orders import HandOver, Order, Record, Settle
from router.calls.tracker import Calls
from router.routing.configuration import Put
from router.routing.table import Table
from tests.calls.company import ANNA, CARL, company
from tests.calls.said import CALL, arrived, asked, at, ended, handed_over, link_up, taken


def staffed() -> Table:
    """The company, with a short number for Carl."""
    return company().with_change(Put(entity=replace(CARL, short_number="41")))


def talking(*events: Event) -> Calls:
    """Anna has the caller; then these events."""
    calls = Calls()
    for event in (arrived(), taken("anna"), *events):
        calls.step(event, staffed())
    return calls


def call_in(calls: Calls) -> Call:
    call = calls.get(CALL)
    assert call is not None
    return call


def settled(orders: tuple[Order, ...]) -> list[tuple[int, bool, str]]:
    return [(order.order, order.done, order.result) for order in orders if isinstance(order, Settle)]


def test_an_order_takes_the_caller_out_of_the_talk_and_the_pbx_says_when_it_has() -> None:
    calls = talking()

    (given,) = calls.step(asked(person="carl"), staffed())
    orders = calls.step(handed_over("anna", to=CARL.id), staffed())

    assert isinstance(given, HandOver)
    assert (given.call_id, given.to_person, given.redirect) == (CALL, CARL.id, True)
    assert [step.name for step in given.plan.steps] == ["Carl", "Anna", "Coordinators"]
    why = "Carl for 20 s, then Anna (who gave it) for 20 s, then desk Coordinators: handed over by Anna to Carl"
    assert settled(orders) == [(1, True, f"{CALL}: {why}")]
    call = call_in(calls)
    assert (call.phase, call.handing) == (Phase.RINGING, None)
    assert call.passings == (Passing(at=at(4), phone="anna", person=ANNA.id, to="Carl", how=How.ORDER, sentence=why),)


def test_who_takes_it_over_owns_it() -> None:
    calls = talking(asked(person="carl"), handed_over("anna", to=CARL.id), taken("carl", seconds=6))

    call = call_in(calls)
    assert (call.phase, call.taken_by, call.owner) == (Phase.TALKING, ANNA.id, CARL.id)


def test_a_transfer_key_is_answered_with_a_plan_for_a_caller_who_waits_already() -> None:
    calls = talking()

    (given,) = calls.step(TransferAsked(call_id=CALL, phone="anna", to="41", at=at(4)), staffed())

    assert isinstance(given, HandOver)
    assert (given.to_person, given.redirect) == (CARL.id, False)
    orders = calls.step(handed_over("anna", to=CARL.id, how=How.KEY), staffed())
    assert [type(order) for order in orders] == [Record]


def test_a_short_number_that_nobody_has_goes_back_to_the_giver_at_once() -> None:
    (given,) = talking().step(TransferAsked(call_id=CALL, phone="anna", to="99", at=at(4)), staffed())

    assert isinstance(given, HandOver)
    assert (given.to_person, given.to_desk, given.plan.steps[0].name) == (None, None, "Anna")


def test_of_a_hand_over_without_us_only_what_the_pbx_says_is_known() -> None:
    calls = talking(handed_over("anna", to=CARL.id, how=How.KEY), handed_over("carl", how=How.KEY, seconds=6))

    assert [(one.phone, one.person, one.to, one.sentence) for one in call_in(calls).passings] == [
        ("anna", ANNA.id, "Carl", ""),
        ("carl", CARL.id, "", ""),
    ]


@pytest.mark.parametrize("name", ["anna", "Anna", " ANNA "])
def test_the_call_may_be_named_by_who_has_it(name: str) -> None:
    (given,) = talking().step(asked(name, person="carl"), staffed())

    assert isinstance(given, HandOver)


def test_a_call_that_was_handed_over_is_found_at_who_has_it_now() -> None:
    calls = talking(asked(person="carl"), handed_over("anna", to=CARL.id), taken("carl", seconds=5))

    (refused,) = calls.step(asked("anna", person="cora", seconds=6), staffed())
    (given,) = calls.step(asked("carl", person="cora", seconds=6), staffed())

    assert isinstance(refused, Settle)
    assert isinstance(given, HandOver)
    assert [step.name for step in given.plan.steps][:2] == ["Cora", "Carl"]


def test_what_cannot_be_done_is_refused_with_a_sentence() -> None:
    rings = Calls()
    rings.step(arrived(), staffed())
    several = Calls()
    for one in ("pbx:1", "pbx:2"):
        several.step(arrived(one), staffed())
        several.step(taken("anna", call_id=one), staffed())
    handing = talking(asked(person="carl"))
    over = talking(ended(phone="anna", seconds=5))

    def why(calls: Calls, event: Event, table: Table | None = None) -> str:
        ((_, done, sentence),) = settled(calls.step(event, table or staffed()))
        assert not done
        return sentence

    assert why(rings, asked(person="carl")) == f"nobody has the caller of {CALL} now, so nobody can hand it over"
    assert why(over, asked(person="carl", seconds=6)) == f"the call {CALL} is over"
    assert why(handing, asked(person="carl")) == f"the call {CALL} is being handed over already"
    assert why(several, asked("anna", person="carl")) == "'anna' has 2 callers now: name the call, one of pbx:1, pbx:2"
    assert why(talking(), asked("Zoe", person="carl")).startswith("nobody called 'Zoe' has a caller now")
    assert "'c'; do you mean Carl (41" in why(talking(), asked(person="c"))
    assert why(talking(), asked(desk="nowhere")).startswith("no desk is called 'nowhere'; do you mean ")
    assert why(talking(), asked(person="carl", seconds=14)) == "it came too late to be carried out"
    assert settled(talking().step(asked(person="carl"), None)) == [(1, False, "the router has no table yet")]


def test_a_hand_over_that_the_pbx_refuses_can_be_tried_again() -> None:
    calls = talking(asked(person="carl"))

    orders = calls.step(HandOverRefused(call_id=CALL, why="No such channel", at=at(5)), staffed())

    assert settled(orders) == [(1, False, f"{CALL}: the PBX refused: No such channel")]
    assert isinstance(calls.step(asked(person="carl", order=2, seconds=6), staffed())[0], HandOver)


def test_a_caller_who_hangs_up_ends_the_hand_over() -> None:
    orders = talking(asked(person="carl")).step(ended(phone="anna", seconds=5), staffed())

    assert settled(orders) == [(1, False, f"the call {CALL} is over")]


def test_what_becomes_of_a_hand_over_while_the_link_is_down_is_not_known() -> None:
    calls = talking(asked(person="carl"))

    ((order, done, why),) = settled(calls.step(LinkDown(pbx="pbx", why="lost", at=at(5)), staffed()))

    assert (order, done) == (1, False)
    assert "the link to the PBX was lost" in why
    assert calls.step(link_up(live=(CALL,)), staffed()) == ()


def test_the_key_of_a_call_that_nobody_knows_changes_nothing_and_is_counted() -> None:
    calls = Calls()

    assert calls.step(TransferAsked(call_id=CALL, phone="anna", to="41", at=at(4)), staffed()) == ()
    assert calls.unknown == 1
