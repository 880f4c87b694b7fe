"""Does each message become exactly the event the dialplan meant, or none?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.ami import dialplan
from router.ami.framing import parse
from router.ami.inbound import read_event, read_journal, read_member
from router.calls.events import (
    CallArrived,
    CallEnded,
    CallTaken,
    Code,
    CodeDialled,
    Event,
    HandedOver,
    How,
    LegBegan,
    LegEnded,
    LegResult,
    MemberSeen,
    Path,
    PathTaken,
    Presented,
    Promised,
    TransferAsked,
)
from router.routing.model import Strategy

UNIQUEID = "1763759123.7"
CALL = f"pbx:{UNIQUEID}"
LEG = "1763759124.8"
ENDED = "2~1763759123.045~+15550100~+15550177~number~plan~anna~1763759127.100~1763759190.500~16~~carl"
LEG_ENDED = "1~2~anna~1763759124.000~1763759127.000~Ringing~0~20"


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def read(name: str, **fields: str) -> Event | None:
    return read_event(usual_fields(name) | fields, pbx="pbx", skew=0.0)


def usual_fields(name: str) -> dict[str, str]:
    return {"userevent": name, "call": UNIQUEID, "uniqueid": UNIQUEID, "channel": "PJSIP/trunk-00000001"}


def arrived(**changes: str) -> Event | None:
    fields = {"dialled": "+15550100", "caller": "+15550177", "presented": "number", "at": "1763759123.045"}
    return read("RouterArrived", **{**fields, **changes})


def test_a_call_arrives() -> None:
    assert arrived() == CallArrived(
        call_id=CALL,
        channel="PJSIP/trunk-00000001",
        dialled="+15550100",
        caller="+15550177",
        presented=Presented.NUMBER,
        at=at(1763759123.045),
    )


def test_a_withheld_number_stays_withheld_even_if_it_is_there() -> None:
    event = arrived(presented="withheld", caller="+15550177")
    assert isinstance(event, CallArrived)
    assert (event.presented, event.caller) == (Presented.WITHHELD, "")


def test_a_malformed_dialled_number_arrives_as_an_empty_one() -> None:
    event = arrived(dialled="")
    assert isinstance(event, CallArrived)
    assert event.dialled == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"call": "1763759123.8"},  # not the channel that raised it
        {"call": "1763759123.7\n"},
        {"channel": "PJSIP/trunk 1"},
        {"channel": ""},
        {"dialled": "+1555x"},
        {"dialled": "5" * 33},
        {"caller": ""},
        {"caller": "anna"},
        {"caller": "٣٤٥"},  # digits, but not ours
        {"presented": "maybe"},
        {"at": "yesterday"},
        {"at": "1e9"},
        {"at": "nan"},
        {"at": "99999999999"},
    ],
)
def test_an_arrival_with_a_field_that_cannot_be_is_none(changes: dict[str, str]) -> None:
    assert arrived(**changes) is None


def test_a_transfer_key_asks_for_a_hand_over_and_a_hand_over_tells_where_it_leads() -> None:
    when = {"at": "1763759124.5"}
    assert read("RouterTransfer", phone="anna", to="41", **when) == TransferAsked(
        call_id=CALL, phone="anna", to="41", at=at(1763759124.5)
    )
    assert read("RouterTransfer", phone="", to="", **when) == TransferAsked(
        call_id=CALL, phone="", to="", at=at(1763759124.5)
    )
    for to, person, desk in (("p12", 12, None), ("d3", None, 3), ("back", None, None)):
        said = {"from": "anna", "to": to, "how": "key", "step": "2", **when}
        assert read("RouterHandedOver", **said) == HandedOver(
            call_id=CALL, phone="anna", to_person=person, to_desk=desk, how=How.KEY, step=2, at=at(1763759124.5)
        )


@pytest.mark.parametrize(
    "changes", [{"from": "a b"}, {"to": "x1"}, {"to": ""}, {"to": "p"}, {"how": "force"}, {"step": ""}, {"at": ""}]
)
def test_a_hand_over_with_a_field_that_cannot_be_is_none(changes: dict[str, str]) -> None:
    fields = {"from": "anna", "to": "p1", "how": "order", "step": "1", "at": "1763759124.5"}
    assert read("RouterHandedOver", **fields | changes) is None


@pytest.mark.parametrize("to", ["4" * 17, "4a", "*4", "+4"])
def test_a_transfer_to_what_is_no_short_number_is_none(to: str) -> None:
    assert read("RouterTransfer", phone="anna", to=to, at="1763759124.5") is None


def test_the_other_events_tell_path_leg_and_who_took_it() -> None:
    when = {"at": "1763759124.5"}
    assert read("RouterPath", path="invalid", why="invalid", **when) == PathTaken(
        call_id=CALL, path=Path.INVALID, why="invalid", at=at(1763759124.5)
    )
    assert read("RouterLegBegun", leg=LEG, step="2", phone="anna", **when) == LegBegan(
        call_id=CALL, leg=LEG, step=2, phone="anna", at=at(1763759124.5)
    )
    assert read("RouterTaken", step="2", phone="anna", **when) == CallTaken(
        call_id=CALL, step=2, phone="anna", at=at(1763759124.5)
    )


@pytest.mark.parametrize(
    ("queue", "slot"),
    [
        ("router-ringall-03", (Strategy.ALL, 3)),
        ("router-leastrecent-64", (Strategy.LONGEST_IDLE, 64)),
        ("router-safety-net", (Strategy.ALL, 0)),
    ],
)
def test_a_queue_says_from_which_desk_a_call_was_taken(queue: str, slot: tuple[Strategy, int]) -> None:
    event = read("RouterTaken", step="2", phone="anna", at="1763759124.5", queue=queue)
    assert isinstance(event, CallTaken)
    assert event.slot == slot


def test_a_queue_that_is_none_of_ours_is_nothing_the_dialplan_can_have_written() -> None:
    assert read("RouterTaken", step="2", phone="anna", at="1763759124.5", queue="support") is None


def code(**changes: str) -> Event | None:
    fields = {"phone": "anna", "code": "pause", "digits": "15", "at": "1763759123.045"}
    return read("RouterPresence", **{**fields, **changes})


def test_a_code_is_dialled() -> None:
    assert code() == CodeDialled(
        call_id=CALL,
        channel="PJSIP/trunk-00000001",
        phone="anna",
        code=Code.PAUSE,
        digits="15",
        at=at(1763759123.045),
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"call": "1763759123.8"},  # not the channel that raised it
        {"phone": ""},
        {"phone": "anna smith"},
        {"code": "party"},
        {"digits": "12345"},
        {"digits": "1x"},
        {"at": "now"},
    ],
)
def test_a_code_with_a_field_that_cannot_be_is_none(changes: dict[str, str]) -> None:
    assert code(**changes) is None


CALL_ENDED_EVENT = CallEnded(
    call_id=CALL,
    dialled="+15550100",
    caller="+15550177",
    presented=Presented.NUMBER,
    arrived_at=at(1763759123.045),
    path=Path.PLAN,
    phone="anna",
    taken_at=at(1763759127.1),
    at=at(1763759190.5),
    cause=16,
    owner="carl",
)
LEG_ENDED_EVENT = LegEnded(
    call_id=CALL,
    leg=LEG,
    step=2,
    phone="anna",
    began_at=at(1763759124),
    at=at(1763759127),
    result=LegResult.CANCELLED,
    cause=0,
)


def test_an_end_is_the_same_whether_heard_live_or_read_in_the_journal() -> None:
    assert read("RouterEnded", journal=ENDED) == CALL_ENDED_EVENT
    assert read_journal(f"/router-ended-5/21/05/{UNIQUEID}", ENDED, pbx="pbx", skew=0) == CALL_ENDED_EVENT
    assert read("RouterLegEnded", leg=LEG, journal=LEG_ENDED) == LEG_ENDED_EVENT
    assert read_journal(f"/router-ended-5/21/05/{UNIQUEID}/{LEG}", LEG_ENDED, pbx="pbx", skew=0) == LEG_ENDED_EVENT


def test_a_call_that_nobody_took_ends_without_a_phone() -> None:
    event = read("RouterEnded", journal="2~1763759123.045~~~withheld~fallback~~~1763759190.500~~~")
    assert isinstance(event, CallEnded)
    assert (event.phone, event.taken_at, event.cause, event.path) == (None, None, 0, Path.FALLBACK)
    assert (event.owner, event.promise) == (None, None)


@pytest.mark.parametrize("promise", Promised)
def test_a_caller_who_was_promised_a_call_ends_with_the_reason(promise: Promised) -> None:
    journal = f"2~1763759123.045~+15550100~+15550177~number~plan~~~1763759190.500~16~{promise}~"
    event = read("RouterEnded", journal=journal)
    assert isinstance(event, CallEnded)
    assert (event.promise, event.phone) == (promise, None)


def test_what_a_dialplan_of_before_wrote_is_still_read() -> None:
    first_version = "1" + ENDED.removesuffix("~~carl")[1:]
    assert read("RouterEnded", journal=first_version) == replace(CALL_ENDED_EVENT, owner="anna")


def test_a_phone_that_never_rang_has_its_result_from_its_state() -> None:
    journal = "1~1~anna~1763759124.0~1763759124.0~Unreachable~0~20"
    event = read("RouterLegEnded", leg=f"{UNIQUEID}-1-anna", journal=journal)
    assert isinstance(event, LegEnded)
    assert event.result is LegResult.UNREACHABLE


EXTERNAL_LEG = "2~2~+19175550111~1763759124.000~1763759130.000~{state}~{cause}~20~{answered}~{key}"


@pytest.mark.parametrize(
    ("state", "cause", "answered", "key", "result", "maybe_machine"),
    [
        ("Up", 16, "1763759127.500", "1", LegResult.ANSWERED, False),
        ("Up", 16, "1763759124.100", "1", LegResult.ANSWERED, False),
        ("Down", 16, "1763759127.500", "1", LegResult.TOO_LATE, False),
        ("Down", 16, "1763759127.500", "2", LegResult.REFUSED, False),
        ("Down", 16, "1763759127.500", "none", LegResult.NO_KEY, True),
        ("Down", 16, "1763759127.500", "left", LegResult.HUNG_UP_IN_PROMPT, True),
        ("Down", 16, "1763759127.500", "stopped", LegResult.CANCELLED, False),
        ("Down", 16, "1763759124.900", "stopped", LegResult.CANCELLED, True),
        ("Down", 16, "1763759127.500", "asked", LegResult.CANCELLED, False),
        ("Down", 17, "", "", LegResult.BUSY, False),
        ("Ended", 17, "", "", LegResult.BUSY, False),
        ("Ended", 0, "", "", LegResult.REFUSED, False),
        ("Down", 0, "", "", LegResult.CANCELLED, False),
        ("Down", 127, "", "", LegResult.CANCELLED, False),
        ("Down", 21, "", "", LegResult.REFUSED, False),
        ("Down", 3, "", "", LegResult.UNREACHABLE, False),
        ("Returned", 17, "", "", LegResult.RETURNED, False),
        ("Capped", 0, "", "", LegResult.CAPPED, False),
        ("Forbidden", 0, "", "", LegResult.FORBIDDEN, False),
    ],
)
def test_what_became_of_an_external_leg(
    state: str, cause: int, answered: str, key: str, result: LegResult, maybe_machine: bool
) -> None:
    journal = EXTERNAL_LEG.format(state=state, cause=cause, answered=answered, key=key)
    event = read("RouterLegEnded", leg=UNIQUEID, journal=journal)
    assert isinstance(event, LegEnded)
    assert (event.phone, event.result, event.maybe_machine) == ("+19175550111", result, maybe_machine)


@pytest.mark.parametrize(("answered", "key"), [("soon", "1"), ("", "7"), ("", "1~more")])
def test_an_external_leg_that_the_dialplan_cannot_have_written_is_no_event(answered: str, key: str) -> None:
    journal = EXTERNAL_LEG.format(state="Down", cause=16, answered=answered, key=key)
    assert read("RouterLegEnded", leg=UNIQUEID, journal=journal) is None


@pytest.mark.parametrize(
    "journal",
    [
        "",
        "3" + ENDED[1:],  # of another version
        "1" + ENDED[1:],  # more than a first version has
        ENDED.replace("16~~", "16~perhaps~"),
        ENDED.replace("~~carl", "~~Local/carl@x"),
        ENDED + "~more",
        ENDED.rsplit("~", 1)[0],
        ENDED.replace("plan", "PLAN"),
        ENDED.replace("16~~", "128~~"),
        ENDED.replace("16~~", "-1~~"),
        ENDED.replace("~anna~", "~Local/anna@x~"),
    ],
)
def test_a_journal_that_cannot_be_is_none(journal: str) -> None:
    assert read("RouterEnded", journal=journal) is None
    assert read_journal(f"/router-ended-5/21/05/{UNIQUEID}", journal, pbx="pbx", skew=0) is None


@pytest.mark.parametrize(
    "key",
    [
        "",
        UNIQUEID,
        "/router-ended-7/21/05/x",
        f"/router-ended-5/21/{UNIQUEID}",
        f"/router-ended-5/21/05/{UNIQUEID}/a/b",
        "/cidname/1",
    ],
)
def test_a_key_that_is_none_of_the_journal_is_none(key: str) -> None:
    assert read_journal(key, ENDED, pbx="pbx", skew=0) is None


def test_an_event_we_do_not_know_is_none() -> None:
    assert read("RouterSomethingNew", at="1763759124.5") is None


def test_the_clock_of_the_pbx_is_taken_off() -> None:
    event = read_event(usual_fields("RouterEnded") | {"journal": ENDED}, pbx="pbx", skew=3600.0)
    assert isinstance(event, CallEnded)
    assert CALL_ENDED_EVENT.arrived_at - event.arrived_at == timedelta(hours=1)
    assert event.taken_at is not None
    assert event.at - event.taken_at == timedelta(seconds=63.4)


def test_a_member_of_our_making_has_its_endpoint_another_has_none() -> None:
    ours = {"location": "Local/anna@router-member/n", "paused": "1"}
    assert read_member(ours, strategy=Strategy.ALL, slot=3) == MemberSeen(
        strategy=Strategy.ALL, slot=3, endpoint="anna", member="Local/anna@router-member/n", paused=True
    )
    theirs = read_member({"location": "PJSIP/bert", "paused": "0"}, strategy=Strategy.ALL, slot=3)
    assert theirs is not None
    assert (theirs.endpoint, theirs.member, theirs.paused) == (None, "PJSIP/bert", False)
    assert read_member({}, strategy=Strategy.ALL, slot=3) is None


names = st.sampled_from(sorted(value for name, value in vars(dialplan).items() if name.startswith("EVENT_")))
keys = st.sampled_from(
    "call uniqueid channel dialled caller presented at path why leg step phone journal token".split(" ")  # noqa: SIM905
)
values = st.sampled_from([UNIQUEID, ENDED, LEG_ENDED, "anna", "1", "plan", "number", "1763759123.045"]) | st.text()


@given(names, st.dictionaries(keys, values), st.floats(-2e9, 2e9))
def test_no_fields_are_too_strange_to_be_read(name: str, fields: dict[str, str], skew: float) -> None:
    event = read_event({**fields, "userevent": name}, pbx="pbx", skew=skew)
    assert event is None or event.at.tzinfo is UTC


@given(st.binary())
def test_no_message_is_too_strange_to_be_read(block: bytes) -> None:
    read_event(parse(b"UserEvent: RouterArrived\r\n" + block).fields, pbx="pbx", skew=0.0)


@given(st.text(), st.text() | st.just(ENDED), st.floats(-2e9, 2e9))
def test_no_journal_is_too_strange_to_be_read(key: str, value: str, skew: float) -> None:
    read_journal(key, value, pbx="pbx", skew=skew)
    read_journal(f"/router-ended-1/09/05/{UNIQUEID}", value, pbx="pbx", skew=skew)
