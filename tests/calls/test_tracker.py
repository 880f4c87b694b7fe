"""Is what we know of a call what happened to it?"""

from itertools import product

from router.calls.call import Call, Ending, Phase
from router.calls.events import (
    CallArrived,
    CallEnded,
    CallTaken,
    HandedOver,
    JournalRead,
    LegBegan,
    LegEnded,
    LegResult,
    Path,
    PathTaken,
    Presented,
    Promised,
)
from router.calls.orders import Deliver, Order, Record
from router.calls.tracker import KEEP_ENDED, TRANSITIONS, Calls
from tests.calls.company import ANNA, CARL, company
from tests.calls.said import CALL, arrived, at, ended, leg_began, leg_ended, link_up, path_taken, taken


def known(calls: Calls, call_id: str = CALL) -> Call:
    call = calls.get(call_id)
    assert call is not None
    return call


def recorded(orders: tuple[Order, ...]) -> list[Call]:
    return [order.call for order in orders if isinstance(order, Record)]


def test_every_phase_knows_what_each_event_makes_of_it() -> None:
    told = (PathTaken, LegBegan, LegEnded, CallTaken, HandedOver, CallEnded)

    assert set(TRANSITIONS) == set(product(Phase, told))


def test_nothing_brings_a_call_back_that_is_over() -> None:
    after_the_end = {to for (phase, _), to in TRANSITIONS.items() if phase is Phase.OVER}

    assert after_the_end == {Phase.OVER}


def test_a_call_that_arrives_is_given_its_plan_before_anything_is_written_down() -> None:
    deliver, record = Calls().step(arrived(), company())

    assert isinstance(deliver, Deliver)
    assert isinstance(record, Record)
    assert (deliver.call_id, deliver.channel) == (CALL, f"PJSIP/trunk-{CALL}")
    assert record.call.decision is not None
    assert record.call.decision.plan == deliver.plan


def test_without_a_table_a_call_gets_no_plan_but_a_record() -> None:
    (record,) = Calls().step(arrived(), None)

    assert isinstance(record, Record)
    assert record.call.decision is None


def test_a_number_that_was_broken_on_the_way_is_an_unknown_caller_not_a_withheld_one() -> None:
    (_, record) = Calls().step(arrived(caller="", presented=Presented.MALFORMED), company())

    assert isinstance(record, Record)
    assert record.call.decision is not None
    assert record.call.decision.caller_kind == "unknown"


def test_a_call_that_arrives_twice_is_decided_once() -> None:
    calls = Calls()
    calls.step(arrived(), company())

    assert calls.step(arrived(), company()) == ()


def test_the_manager_takes_the_call_and_the_record_says_who_and_when() -> None:
    calls = Calls()
    table = company()

    for event in (arrived(), path_taken(), leg_began("anna"), taken("anna"), ended(phone="anna")):
        calls.step(event, table)
    calls.step(leg_ended("anna", LegResult.ANSWERED), table)

    call = known(calls)
    assert (call.phase, call.ending) == (Phase.OVER, Ending.ANSWERED)
    assert (call.taken_phone, call.taken_by, call.taken_at) == ("anna", ANNA.id, at(3))
    assert [(leg.phone, leg.person, leg.result) for leg in call.legs] == [("anna", ANNA.id, LegResult.ANSWERED)]


def test_a_caller_who_hangs_up_before_anybody_has_taken_the_call_gave_up() -> None:
    calls = Calls()

    calls.step(arrived(), company())
    calls.step(ended(), company())

    assert known(calls).ending is Ending.GAVE_UP


def test_whoever_a_call_was_handed_to_owns_it_and_the_first_still_took_it() -> None:
    calls = Calls()
    calls.step(arrived(), company())

    for event in (taken("anna"), taken("carl", seconds=5), ended(phone="anna", owner="carl")):
        calls.step(event, company())

    call = known(calls)
    assert (call.taken_phone, call.taken_at, call.taken_by) == ("anna", at(3), ANNA.id)
    assert (call.owner_phone, call.owner, call.ending) == ("carl", CARL.id, Ending.ANSWERED)


def test_a_caller_who_was_let_go_with_a_promise_has_neither_given_up_nor_been_answered() -> None:
    calls = Calls()

    calls.step(arrived(), company())
    calls.step(ended(promise=Promised.ASKED), company())

    call = known(calls)
    assert (call.ending, call.promise, call.owner_phone) == (Ending.PROMISED, Promised.ASKED, None)


def test_a_phone_that_was_never_said_to_ring_is_known_from_its_end() -> None:
    calls = Calls()
    calls.step(arrived(), None)

    calls.step(leg_ended("carl", LegResult.BUSY, began=1), company())

    (leg,) = known(calls).legs
    assert (leg.person, leg.began_at, leg.result) == (CARL.id, at(1), LegResult.BUSY)


def test_what_is_said_of_an_unknown_call_changes_nothing_and_is_counted() -> None:
    calls = Calls()

    orders = [calls.step(event, company()) for event in (path_taken(), leg_began("anna"), taken("anna"))]

    assert orders == [(), (), ()]
    assert calls.unknown == 3
    assert list(calls) == []


def test_an_unknown_call_that_ends_tells_its_own_story() -> None:
    (record,) = Calls().step(ended(phone="carl", path=Path.FALLBACK), company())

    assert isinstance(record, Record)
    call = record.call
    assert (call.path, call.taken_by, call.ending) == (Path.FALLBACK, CARL.id, Ending.ANSWERED)


def test_a_call_that_was_live_at_our_login_is_followed_from_there() -> None:
    calls = Calls()
    calls.step(link_up(live=(CALL,), seconds=1), company())

    calls.step(taken("carl"), company())
    calls.step(ended(phone="carl", path=Path.FALLBACK), company())

    call = known(calls)
    assert (call.taken_phone, call.arrived_at, call.ending) == ("carl", at(0), Ending.ANSWERED)


def test_a_call_that_arrived_while_we_logged_in_gets_its_plan() -> None:
    calls = Calls()
    calls.step(link_up(live=(CALL,), seconds=-1), company())

    deliver, _ = calls.step(arrived(), company())

    assert isinstance(deliver, Deliver)


def test_a_leg_that_ends_after_its_call_still_reaches_the_record() -> None:
    calls = Calls()
    calls.step(arrived(), None)
    calls.step(ended(seconds=9), None)

    (record,) = recorded(calls.step(leg_ended("anna", LegResult.CANCELLED, seconds=9.4), None))

    assert [leg.result for leg in record.legs] == [LegResult.CANCELLED]


def test_an_ended_call_is_forgotten_after_a_while() -> None:
    calls = Calls()
    calls.step(arrived(), None)
    calls.step(ended(seconds=9), None)

    calls.step(link_up(seconds=9.001 + KEEP_ENDED.total_seconds()), None)

    assert list(calls) == []


def test_a_call_that_neither_lives_nor_stands_in_the_journal_is_lost() -> None:
    calls = Calls()
    calls.step(arrived(), None)

    (call,) = recorded(calls.step(link_up(), None))

    assert (call.phase, call.ending, call.ended_at) == (Phase.OVER, Ending.LOST, at(20))


def test_a_call_that_a_person_had_when_the_pbx_died_was_answered() -> None:
    calls = Calls()
    calls.step(arrived(), None)
    calls.step(taken("anna"), None)

    (call,) = recorded(calls.step(link_up(), None))

    assert call.ending is Ending.ANSWERED


def test_no_phone_of_a_call_that_went_with_the_pbx_rings_or_talks_for_ever() -> None:
    calls = Calls()
    for event in (arrived(), leg_began("anna"), leg_began("ben"), taken("anna")):
        calls.step(event, company())

    (call,) = recorded(calls.step(link_up(), company()))

    assert {leg.phone: leg.result for leg in call.legs} == {"anna": LegResult.ANSWERED, "ben": None}
    assert {leg.ended_at for leg in call.legs} == {at(20)}


def test_a_call_that_still_lives_after_a_cut_goes_on() -> None:
    calls = Calls()
    calls.step(arrived(), None)

    assert calls.step(link_up(live=(CALL,)), None) == ()
    assert known(calls).phase is Phase.ARRIVED


def test_a_call_of_another_pbx_is_none_of_this_links_business() -> None:
    calls = Calls()
    calls.step(arrived("other:1"), None)

    assert calls.step(link_up(), None) == ()


def test_a_call_that_arrived_after_the_pbx_was_asked_is_not_missing() -> None:
    calls = Calls()
    calls.step(arrived(), None)

    assert calls.step(link_up(seconds=0), None) == ()


def test_the_journal_tells_what_happened_while_we_were_away_in_one_record_a_call() -> None:
    before_the_restart = Calls()
    before_the_restart.step(arrived(), company())
    calls = Calls()
    calls.adopt(before_the_restart)

    journal = (leg_ended("anna", LegResult.ANSWERED), ended(phone="anna"))
    (call,) = recorded(calls.step(link_up(journal=journal), company()))

    assert call.ending is Ending.ANSWERED
    assert call.decision is not None
    assert [leg.phone for leg in call.legs] == ["anna"]


def test_what_could_not_be_kept_becomes_a_record_when_the_journal_is_read_again_and_no_living_call_is_lost() -> None:
    calls = Calls()
    calls.step(arrived("pbx:2.2"), company())

    journal = (leg_ended("anna", LegResult.ANSWERED), ended(phone="anna"))
    (call,) = recorded(calls.step(JournalRead(ended=journal, at=at(3000)), company()))

    assert (call.ending, [leg.phone for leg in call.legs]) == (Ending.ANSWERED, ["anna"])
    assert [call.ended_at for call in calls if call.call_id == "pbx:2.2"] == [None]


def test_what_the_journal_repeats_changes_nothing() -> None:
    calls = Calls()
    for event in (arrived(), ended(phone="anna"), leg_ended("anna", LegResult.ANSWERED)):
        calls.step(event, company())

    journal = (leg_ended("anna", LegResult.ANSWERED), ended(phone="anna"))
    assert calls.step(link_up(journal=journal, seconds=12), company()) == ()


def test_a_call_given_up_for_lost_is_what_the_journal_says_when_it_comes_late() -> None:
    calls = Calls()
    calls.step(arrived(), None)
    calls.step(link_up(), None)

    (call,) = recorded(calls.step(ended(phone="anna"), None))

    assert (call.ending, call.ended_at) == (Ending.ANSWERED, at(9))


def test_arriving_says_nothing_new_of_a_call_that_already_ended() -> None:
    calls = Calls()
    calls.step(ended(), None)

    late: CallArrived = arrived()
    assert calls.step(late, company()) == ()
