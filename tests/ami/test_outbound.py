"""Can an action say anything but what we mean?"""

import re
from base64 import b64decode
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.ami.dialplan import PLAN_LIMIT
from router.ami.outbound import (
    Unsendable,
    answer_code,
    call_in,
    change_member,
    check,
    deliver,
    encode_plan,
    hand_over,
    set_beat,
    set_on_channel,
    set_token,
    take_back,
)
from router.calls.calling_in import CallIn
from router.calls.orders import AddMember, AnswerCode, Deliver, HandOver, PauseMember, RemoveMember, Word
from router.routing.model import Phone, PhoneKind, Strategy
from router.routing.plan import Plan, Promise, RingDesk, RingPerson, Step

CALL = "1763759123.7"


def accepted(second_field: str) -> re.Pattern[str]:
    """The very expression by which the shipped dialplan accepts a plan; Python reads it as Asterisk does."""
    shipped = Path(__file__).parents[2] / "dialplan" / "extensions_router.conf"
    found = re.findall(rf'REGEX\("(\^2~[^~]+~{second_field}=[^"]+\$)"', shipped.read_text())
    assert len(found) == 1
    return re.compile(found[0])


ACCEPTED = accepted("k")
ACCEPTED_HAND_OVER = accepted("t")


def desk(slot: int = 1, strategy: Strategy = Strategy.ALL, seconds: int = 300) -> RingDesk:
    return RingDesk(desk=slot, name="Sales", strategy=strategy, slot=slot, seconds=seconds)


def phone(endpoint: str = "anna", *, call_waiting: bool = False) -> Phone:
    return Phone(id=1, person=1, kind=PhoneKind.DESK, endpoint=endpoint, call_waiting=call_waiting)


EXTERNAL = Phone(id=2, person=1, kind=PhoneKind.EXTERNAL, number="+15550111")


def person(*phones: Phone, seconds: int = 20) -> RingPerson:
    return RingPerson(person=1, name="Anna", phones=phones, seconds=seconds)


def plan(*steps: Step, line_tail: tuple[RingDesk, ...] = (), display: str = "Sales") -> Plan:
    return Plan(steps=steps, line_tail=line_tail, safety_net=desk(1), display=display)


def test_a_plan_is_written_as_the_dialplan_reads_it() -> None:
    written = encode_plan(
        plan(
            person(phone("anna"), phone("anna-soft", call_waiting=True)),
            desk(3, Strategy.ROUND_ROBIN, 120),
            line_tail=(desk(3), desk(1)),
            display="Büro",
        ),
        CALL,
    )
    assert written == (
        "2~1763759123.7~k=q.ringall-03.300:q.ringall-01.300~n=QsO8cm8g~l=~a=0~r=20=d.anna=w.anna-soft~q=rrmemory-03=120"
    )


def test_an_external_phone_is_written_by_its_number_and_one_without_a_whole_number_is_left_out() -> None:
    short = replace(EXTERNAL, number="15550111")
    written = encode_plan(plan(person(EXTERNAL, phone()), person(short), desk(2)), CALL)
    assert written.endswith("~r=20=x.+15550111=d.anna~q=ringall-02=300")
    assert ACCEPTED.fullmatch(written)


def test_an_external_phone_is_a_member_of_a_desk_whose_state_is_that_of_its_legs() -> None:
    fields = change_member(AddMember(strategy=Strategy.ALL, slot=3, endpoint="+15550111"))
    assert fields["Interface"] == "Local/+15550111@router-member/n"
    assert fields["StateInterface"] == "Local/+15550111@router-external"


def test_a_plan_that_ends_at_no_desk_ends_at_the_safety_net() -> None:
    assert encode_plan(plan(person(phone())), CALL).endswith("~r=20=d.anna~q=ringall-01=300")
    assert encode_plan(plan(), CALL).endswith("~q=ringall-01=300")
    assert encode_plan(plan(desk(65)), CALL).endswith("~q=ringall-01=300")


def test_a_promise_ends_a_plan_and_stands_nowhere_else() -> None:
    promise = Promise(due_after_opening=None)

    written = encode_plan(plan(person(phone()), promise), CALL)
    misplaced = encode_plan(plan(promise, desk(2)), CALL)

    assert written.endswith("~r=20=d.anna~p=closed")
    assert misplaced.endswith("~a=0~q=ringall-02=300")
    assert ACCEPTED.fullmatch(written)


def test_the_last_resort_and_the_priority_stand_before_the_steps() -> None:
    key_account = replace(plan(desk(2)), last_resort="+15550111", priority=7)

    written = encode_plan(key_account, CALL)

    assert written.endswith("~l=+15550111~a=7~q=ringall-02=300")
    assert ACCEPTED.fullmatch(written)


@pytest.mark.parametrize("number", ["15550111", "", "+1", "+1555~0111"])
def test_a_last_resort_that_is_no_external_number_is_left_out(number: str) -> None:
    assert "~l=~" in encode_plan(replace(plan(desk(2)), last_resort=number), CALL)


@pytest.mark.parametrize(("priority", "written"), [(-1, "0"), (0, "0"), (99, "99"), (100, "99")])
def test_a_priority_keeps_within_its_two_digits(priority: int, written: str) -> None:
    assert f"~a={written}~" in encode_plan(replace(plan(desk(2)), priority=priority), CALL)


def test_of_a_plan_too_long_the_tail_goes_first_then_the_middle_and_never_the_last_desk() -> None:
    eight = person(*(phone(f"{'x' * 70}{n}") for n in range(8)))
    first = person(phone("first"))
    written = encode_plan(plan(first, eight, eight, desk(9), line_tail=(desk(3),)), CALL)
    assert len(written) <= PLAN_LIMIT
    assert "~k=~" in written
    assert "~r=20=d.first~r=20=d.xxx" in written
    assert written.endswith("~q=ringall-09=300")


def test_no_step_rings_for_ever() -> None:
    assert encode_plan(plan(person(phone(), seconds=0), desk(seconds=-1)), CALL).endswith("~r=1=d.anna~q=ringall-01=1")


@pytest.mark.parametrize("uniqueid", ["", "1763759123", "1763759123.7~k=", "1763759123.7\n", "x 1763759123.7"])
def test_a_call_id_that_could_be_read_otherwise_is_refused(uniqueid: str) -> None:
    with pytest.raises(Unsendable):
        encode_plan(plan(desk()), uniqueid)


phones = st.builds(
    Phone,
    id=st.just(1),
    person=st.just(1),
    kind=st.sampled_from(PhoneKind),
    endpoint=st.none() | st.text(max_size=90) | st.from_regex(r"[A-Za-z0-9._+-]{1,80}", fullmatch=True),
    call_waiting=st.booleans(),
    enabled=st.booleans(),
)
desks = st.builds(
    RingDesk,
    desk=st.just(1),
    name=st.just("d"),
    strategy=st.sampled_from(Strategy),
    slot=st.integers(1, 64) | st.integers(),
    seconds=st.integers(),
)
people = st.builds(
    RingPerson,
    person=st.just(1),
    name=st.just("p"),
    phones=st.lists(phones, max_size=10).map(tuple),
    seconds=st.integers(),
)
plans = st.builds(
    Plan,
    steps=st.lists(people | desks | st.just(Promise(due_after_opening=None)), max_size=12).map(tuple),
    line_tail=st.lists(desks, max_size=80).map(tuple),
    safety_net=st.builds(desk, slot=st.integers(1, 64), strategy=st.sampled_from(Strategy)),
    display=st.text(),
    last_resort=st.none() | st.text(max_size=20) | st.from_regex(r"\+[0-9]{1,20}", fullmatch=True),
    priority=st.integers(),
)


@given(plans)
def test_every_plan_that_is_written_is_one_the_dialplan_accepts(any_plan: Plan) -> None:
    written = encode_plan(any_plan, CALL)
    assert ACCEPTED.fullmatch(written)
    assert len(written.encode()) <= PLAN_LIMIT
    assert len(written.split("~")) <= 7 + 8
    assert written.rsplit("~", 1)[1].startswith(("q=", "p=closed"))
    check(set_on_channel("PJSIP/trunk-1", "ROUTER_PLAN", written))


@given(st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=40))
def test_the_display_comes_back_as_it_was(display: str) -> None:
    written = encode_plan(plan(desk(), display=display), CALL)
    encoded = written.split("~")[3].removeprefix("n=")
    assert b64decode(encoded.replace("-", "/")).decode().rstrip(" ") == display.rstrip(" ")


def test_a_plan_goes_to_the_channel_that_waits_for_it() -> None:
    fields = deliver(Deliver(call_id=f"pbx:{CALL}", channel="PJSIP/trunk-1", plan=plan(desk())), "pbx")
    assert (fields["Action"], fields["Channel"], fields["Variable"]) == ("Setvar", "PJSIP/trunk-1", "ROUTER_PLAN")
    assert fields["Value"].startswith(f"2~{CALL}~")


def test_a_call_of_another_pbx_gets_nothing_here() -> None:
    with pytest.raises(Unsendable, match="other:"):
        deliver(Deliver(call_id=f"other:{CALL}", channel="PJSIP/trunk-1", plan=plan(desk())), "pbx")


@given(plans, st.none() | st.integers(0, 10**9), st.none() | st.integers(0, 10**9))
def test_every_hand_over_that_is_written_is_one_the_dialplan_accepts(
    any_plan: Plan, person_id: int | None, desk_id: int | None
) -> None:
    order = HandOver(call_id=f"pbx:{CALL}", plan=any_plan, to_person=person_id, to_desk=desk_id, redirect=True)

    setvar, _ = hand_over(order, "pbx")

    assert ACCEPTED_HAND_OVER.fullmatch(setvar["Value"])
    check(setvar)


def test_both_kinds_of_plan_are_made_of_the_same_steps() -> None:
    plan_steps, hand_over_steps = (one.pattern.split("~n=", 1)[1] for one in (ACCEPTED, ACCEPTED_HAND_OVER))

    assert plan_steps == hand_over_steps


def test_a_hand_over_is_a_plan_and_then_one_label_for_a_caller_who_talks() -> None:
    remembered = plan(desk(), line_tail=(desk(),))
    order = HandOver(call_id=f"pbx:{CALL}", plan=remembered, to_person=7, to_desk=None, redirect=True)

    setvar, redirect = hand_over(order, "pbx")

    assert (setvar["Action"], setvar["Channel"], setvar["Variable"]) == ("Setvar", CALL, "ROUTER_HANDOVER")
    assert setvar["Value"].startswith(f"2~{CALL}~t=p7~n=")
    assert redirect == {
        "Action": "Redirect",
        "Channel": CALL,
        "Context": "router-handover",
        "Exten": "s",
        "Priority": "1",
    }
    assert hand_over(replace(order, redirect=False), "pbx") == (setvar,)
    assert take_back(order, "pbx") == {**setvar, "Value": ""}


@pytest.mark.parametrize("call_id", [f"other:{CALL}", "pbx:PJSIP/trunk-1", "pbx:", "pbx"])
def test_only_a_call_of_this_pbx_is_handed_over(call_id: str) -> None:
    order = HandOver(call_id=call_id, plan=plan(desk()), to_person=None, to_desk=None, redirect=True)

    with pytest.raises(Unsendable, match=r"not of the PBX|a call's id is"):
        hand_over(order, "pbx")


@pytest.mark.parametrize("channel", ["", " ", "\t"])
def test_a_variable_without_a_channel_can_not_be_set(channel: str) -> None:
    # Setvar with an empty Channel sets a global, and every call without a variable of that name falls back to it.
    with pytest.raises(Unsendable, match="needs a channel"):
        set_on_channel(channel, "ROUTER_PLAN", "1")


def test_the_only_globals_are_the_heartbeat_and_the_token() -> None:
    assert set_beat(1_763_759_123) == {"Action": "Setvar", "Variable": "ROUTER_BEAT", "Value": "1763759123"}
    assert set_token("abc") == {"Action": "Setvar", "Variable": "ROUTER_TOKEN", "Value": "abc"}


def test_a_phone_joins_a_desk_through_our_own_context() -> None:
    assert change_member(AddMember(strategy=Strategy.ALL, slot=3, endpoint="anna")) == {
        "Action": "QueueAdd",
        "Queue": "router-ringall-03",
        "Interface": "Local/anna@router-member/n",
        "MemberName": "anna",
        "StateInterface": "PJSIP/anna",
        "Penalty": "0",
        "Paused": "false",
    }


def test_a_member_leaves_under_the_name_the_pbx_gave_it() -> None:
    order = RemoveMember(strategy=Strategy.LONGEST_IDLE, slot=64, member="SIP/old", endpoint=None)
    assert change_member(order) == {
        "Action": "QueueRemove",
        "Queue": "router-leastrecent-64",
        "Interface": "SIP/old",
    }


def test_a_member_of_our_making_leaves_before_the_pbx_has_named_it() -> None:
    order = RemoveMember(strategy=Strategy.ALL, slot=3, member="", endpoint="anna")
    assert change_member(order)["Interface"] == "Local/anna@router-member/n"


@pytest.mark.parametrize(("so", "written"), [(True, "true"), (False, "false")])
def test_a_member_is_paused_in_one_queue_and_not_in_others(so: bool, written: str) -> None:
    assert change_member(PauseMember(strategy=Strategy.ALL, slot=3, endpoint="anna", paused=so)) == {
        "Action": "QueuePause",
        "Queue": "router-ringall-03",
        "Interface": "Local/anna@router-member/n",
        "Paused": written,
    }


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=400), st.sampled_from(Word))
def test_every_answer_to_a_code_is_one_the_dialplan_accepts(text: str, word: Word) -> None:
    shipped = Path(__file__).parents[2] / "dialplan" / "extensions_router.conf"
    (expression,) = re.findall(r'REGEX\("(\^1~[^"]+\((?:in\|)[^"]+\$)"', shipped.read_text())
    fields = answer_code(AnswerCode(call_id=f"pbx:{CALL}", channel="PJSIP/anna-1", word=word, text=text), "pbx")
    assert (fields["Variable"], fields["Channel"]) == ("ROUTER_ANSWER", "PJSIP/anna-1")
    assert re.fullmatch(expression, fields["Value"])
    assert fields["Value"].startswith(f"1~{CALL}~{word.value}~")
    check(fields)


@pytest.mark.parametrize("endpoint", ["", "a/b", "anna@evil", "anna&bert", "anna\r\nX: y", "a" * 81])
def test_an_endpoint_that_would_change_the_interface_is_refused(endpoint: str) -> None:
    with pytest.raises(Unsendable):
        change_member(AddMember(strategy=Strategy.ALL, slot=1, endpoint=endpoint))


@pytest.mark.parametrize("value", ["a\r\nAction: Logoff", "a\nb", "a\rb", "\x00", "\x1b", "a\x7f", "\x85", "\ud800"])
def test_a_value_that_could_end_its_line_is_refused(value: str) -> None:
    with pytest.raises(Unsendable):
        check({"Action": "Setvar", "Value": value})
    with pytest.raises(Unsendable):
        check({"Action": "Setvar", f"Value{value}": "x"})


def test_a_value_ends_where_asterisks_line_buffer_ends() -> None:
    check({"Value": "x" * 1_015})
    for fields in ({"Value": "x" * 1_016}, {"Value": "é" * 508}, {"StateInterface": "x" * 1_015}):
        with pytest.raises(Unsendable, match="bytes"):
            check(fields)


def test_an_action_has_no_more_fields_than_asterisk_reads() -> None:
    check({f"K{n}": "v" for n in range(128)})
    with pytest.raises(Unsendable, match="128"):
        check({f"K{n}": "v" for n in range(129)})


TEST_CALL = CallIn(
    call_id="pbx:router-test-1763759123.00000007", caller="+12025550111", dialled="+12125550100", seconds=100
)


def test_a_test_call_is_one_originate_into_the_contexts_for_it() -> None:
    fields = call_in(TEST_CALL, "pbx")

    assert (fields["Channel"], fields["Context"]) == ("Local/+12125550100@router-test/n", "router-test-caller")
    assert fields["Variable"] == "ROUTER_TEST=1~router-test-1763759123.00000007~f=+12025550111~s=100"
    assert (fields["OtherChannelId"], fields["Timeout"]) == ("router-test-1763759123.00000007", "100000")
    assert "Application" not in fields


@pytest.mark.parametrize(
    "wrong",
    [
        {"call_id": "pbx:1763759123.7"},
        {"call_id": "other:router-test-1763759123.00000007"},
        {"caller": "12025550111"},
        {"caller": "+12025550111~s=1"},
        {"dialled": "+12125550100@outside"},
        {"dialled": "s"},
        {"dialled": ""},
    ],
)
def test_a_test_call_with_anything_but_numbers_in_it_is_not_sent(wrong: dict[str, str]) -> None:
    with pytest.raises(Unsendable):
        call_in(replace(TEST_CALL, **wrong), "pbx")  # type: ignore[arg-type]
