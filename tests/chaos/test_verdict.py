"""Is every way in which a run can go wrong named, and nothing else?"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from router.lab.sip_log import Message
from router.lab.witness import Evidence, Heard, Placed, Rung
from tests.asterisk.reckoning import Record
from tests.chaos.company import ACCOUNT_NUMBERS, GAVE_UP_SECONDS, LINE
from tests.chaos.faults import Struck
from tests.chaos.schedule import Kind
from tests.chaos.traffic import WITHHELD
from tests.chaos.verdict import Outcome, Owed, by_kind, complaints, figures

BEGAN = datetime(2026, 3, 2, 17, tzinfo=UTC)
ANSWERED, GAVE_UP = f"{ACCOUNT_NUMBERS}0000000", f"{ACCOUNT_NUMBERS}1000001"
MOBILE = "+19175550003"
CALLERS = (ANSWERED, GAVE_UP, WITHHELD, WITHHELD)


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def heard(place: int, answered: bool) -> Heard:
    began, ended = at(place * 10.0), at(place * 10.0 + 5)
    answered_at = at(place * 10.0 + 1) if answered else None
    phone = Rung(
        phone="anna", caller=CALLERS[place], display="", invited_at=began, rang_at=began, answered_at=answered_at,
        ended_at=ended, status=200 if answered else 487, messages=(),
    )  # fmt: skip
    call = Placed(
        caller=CALLERS[place], dialled=LINE, invited_at=began, rang_at=began, answered_at=answered_at, ended_at=ended,
        status=200 if answered else 487, hung_up=True, messages=(),
    )  # fmt: skip
    return Heard(placed=call, rung=(phone,))


def record(place: int, answered: bool) -> Record:
    return {
        "call_id": f"pbx:{place}.1",
        "caller": "" if CALLERS[place] == WITHHELD else CALLERS[place],
        "dialled": LINE,
        "line_id": 1,
        "account_id": {ANSWERED: 1, GAVE_UP: 2}.get(CALLERS[place]),
        "arrived_at": at(place * 10.0 + 0.01).isoformat(),
        "ended_at": at(place * 10.0 + 5).isoformat(),
        "path": "plan",
        "taken_phone": "anna" if answered else None,
        "ended": "answered" if answered else "gave_up",
        "legs": [
            {
                "phone": "anna",
                "result": "answered" if answered else "cancelled",
                "ended_at": at(place * 10.0 + 5).isoformat(),
            }
        ],
    }


def struck(kind: Kind, second: float) -> Struck:
    return Struck(kind=kind, began_at=at(second), mended_at=at(second + 1), ready_at=at(second + 2))


def owed(*calls: str) -> list[Owed]:
    return [Owed(calls=(call,)) for call in calls]


def a_good_run() -> Outcome:
    return Outcome(
        planned=4,
        seconds=40.0,
        each=1,
        began_at=BEGAN,
        patient=frozenset({ANSWERED}),
        seen=Evidence(calls=tuple(heard(place, place % 2 == 0) for place in range(4)), strangers=()),
        records=[record(place, place % 2 == 0) for place in range(4)],
        struck=[struck(kind, 2.0 + place) for place, kind in enumerate(Kind)],
        owed=owed("pbx:1.1", "pbx:3.1"),
    )


def with_call(run: Outcome, place: int, call: Heard) -> Outcome:
    calls = [*run.seen.calls]
    calls[place] = call
    return replace(run, seen=replace(run.seen, calls=tuple(calls)))


def with_record(run: Outcome, place: int, **changed: object) -> Outcome:
    records = [*run.records]
    records[place] = {**records[place], **changed}
    return replace(run, records=records)


def lost(run: Outcome) -> Outcome:
    call = run.seen.calls[1]
    return with_call(run, 1, replace(call, placed=replace(call.placed, hung_up=False, status=603)))


def twice(run: Outcome) -> Outcome:
    call = run.seen.calls[0]
    return with_call(run, 0, replace(call, rung=(*call.rung, replace(call.rung[0], phone="bert"))))


def impatient(run: Outcome) -> Outcome:
    return replace(run, patient=frozenset({GAVE_UP}))


def stranger(run: Outcome) -> Outcome:
    return replace(run, seen=replace(run.seen, strangers=run.seen.calls[0].rung))


def too_few_calls(run: Outcome) -> Outcome:
    return replace(run, planned=5)


def too_late(run: Outcome) -> Outcome:
    return replace(run, seconds=20.0)


def too_few_faults(run: Outcome) -> Outcome:
    return replace(run, struck=[one for one in run.struck if one.kind is not Kind.KILL])


def a_fault_after_the_last_call(run: Outcome) -> Outcome:
    return replace(run, struck=[*too_few_faults(run).struck, struck(Kind.KILL, 50.0)])


def without_a_record(run: Outcome) -> Outcome:
    return replace(run, records=run.records[1:])


def a_withheld_call_without_a_record(run: Outcome) -> Outcome:
    return replace(run, records=run.records[:3])


def one_record_too_many(run: Outcome) -> Outcome:
    return replace(run, records=[*run.records, {**run.records[0], "call_id": "pbx:9.9"}])


def a_record_that_says_lost(run: Outcome) -> Outcome:
    return with_record(run, 1, ended="lost")


def a_leg_not_recorded(run: Outcome) -> Outcome:
    return with_record(run, 1, legs=[])


def another_account(run: Outcome) -> Outcome:
    return with_record(run, 1, account_id=1)


def no_line(run: Outcome) -> Outcome:
    return with_record(run, 1, line_id=None)


def no_commitment(run: Outcome) -> Outcome:
    return replace(run, owed=owed("pbx:3.1"))


def two_commitments(run: Outcome) -> Outcome:
    return replace(run, owed=owed("pbx:1.1", "pbx:3.1", "pbx:3.1"))


def a_commitment_for_who_was_answered(run: Outcome) -> Outcome:
    return replace(run, owed=owed("pbx:0.1", "pbx:1.1", "pbx:3.1"))


def a_commitment_for_no_call(run: Outcome) -> Outcome:
    return replace(run, owed=owed("pbx:1.1", "pbx:3.1", "pbx:9.9"))


def a_commitment_kept_by_a_short_talk(run: Outcome) -> Outcome:
    kept = Owed(calls=("pbx:1.1",), closed=True, kept_by="pbx:0.1")
    return replace(run, owed=[kept, *owed("pbx:3.1")])


def a_commitment_void(run: Outcome) -> Outcome:
    return replace(run, owed=[Owed(calls=("pbx:1.1",), closed=True), *owed("pbx:3.1")])


def trouble(run: Outcome) -> Outcome:
    return replace(run, trouble=["the router logged a traceback"])


def stopped(run: Outcome) -> Outcome:
    return replace(run, stopped_early=True)


WRONG: dict[Callable[[Outcome], Outcome], str] = {
    lost: "lost: neither answered nor given up: +16461000001",
    twice: "answered twice: +16460000000",
    impatient: "not answered in 60 s, although people were free: +16461000001",
    stranger: "1 phones were rung for nobody who called: anna for +16460000000",
    too_few_calls: "only 4 of 5 calls were offered in time (4 in all): this machine couldn't keep up",
    too_late: "only 3 of 4 calls were offered in time",
    too_few_faults: "router killed: struck 0 times instead of 1",
    a_fault_after_the_last_call: "router killed: struck 0 times instead of 1",
    without_a_record: "no record of a call: +16460000000",
    a_withheld_call_without_a_record: "no record of a call: anonymous at 17:00:30",
    one_record_too_many: "1 records of no call: pbx:9.9",
    a_record_that_says_lost: "+16461000001: gave_up, recorded lost",
    a_leg_not_recorded: "+16461000001: rang ['anna'], recorded []",
    another_account: "+16461000001: of account 2, recorded 1",
    no_line: "recorded 2 on line None",
    no_commitment: "pbx:1.1 (gave_up) on 0 instead of 1",
    two_commitments: "pbx:3.1 (gave_up) on 2 instead of 1",
    a_commitment_for_who_was_answered: "pbx:0.1 (answered) on 1 instead of 0",
    a_commitment_for_no_call: "1 calls stand on the wrong number of commitments: pbx:9.9, which is no call",
    a_commitment_kept_by_a_short_talk: "although nobody had kept them: that of ('pbx:1.1',) by pbx:0.1",
    a_commitment_void: "although nobody had kept them: that of ('pbx:1.1',) by nobody",
    trouble: "the router logged a traceback",
    stopped: "stopped early: 4 of 4 calls were offered",
}


def test_a_good_run_has_no_complaints() -> None:
    run = a_good_run()

    assert complaints(run) == []
    sooner = with_record(run, 1, ended_at=at(10.0 + GAVE_UP_SECONDS).isoformat())
    assert complaints(replace(sooner, owed=owed("pbx:3.1"))) == [], "who hung up at once is owed nothing"
    told = figures(run)
    assert (told["offered"], told["answered"], told["gave_up"], told["lost"], told["twice"]) == (4, 2, 2, 0, 0)


def test_a_caller_who_was_gone_before_anything_rang_may_have_left_no_record() -> None:
    run = a_good_run()
    call = run.seen.calls[1]
    cancel = Message(at=at(10.05), sent=True, raw=b"CANCEL sip:x@127.0.0.1 SIP/2.0\r\n\r\n")
    # the answer to the CANCEL takes as long as the PBX is busy
    at_once = replace(call.placed, rang_at=None, ended_at=at(10.9), messages=(cancel,))
    unrecorded = replace(run, records=[run.records[0], *run.records[2:]])
    unowed = owed("pbx:3.1")

    gone = replace(with_call(unrecorded, 1, replace(call, placed=at_once, rung=())), owed=unowed)
    rang = replace(with_call(unrecorded, 1, replace(call, placed=at_once)), owed=unowed)

    assert complaints(gone) == []
    assert figures(gone)["gone_before_it_rang"] == 1
    (complaint,) = complaints(rang)
    assert "no record of a call" in complaint


def test_the_talk_that_a_vanished_caller_left_to_a_phone_keeps_what_is_owed() -> None:
    run = a_commitment_kept_by_a_short_talk(a_good_run())
    call = run.seen.calls[0]

    left = with_call(run, 0, replace(call, rung=(replace(call.rung[0], ended_at=at(30.0)),)))

    assert complaints(run), "a short one keeps nothing"
    assert complaints(left) == []
    assert figures(left)["commitments_kept"] == 1


@pytest.mark.parametrize("spoil", WRONG, ids=lambda spoil: spoil.__name__)
def test_what_does_not_hold_is_named(spoil: Callable[[Outcome], Outcome]) -> None:
    found = complaints(spoil(a_good_run()))

    assert any(WRONG[spoil] in complaint for complaint in found), found


def a_phone_answers(run: Outcome, before: float) -> Outcome:
    """The second caller gives up, and a phone had answered so many seconds before."""
    call = run.seen.calls[1]
    given_up = at(15.0)
    cancel = Message(at=given_up, sent=True, raw=b"CANCEL sip:x@127.0.0.1 SIP/2.0\r\n\r\n")
    leg = replace(call.rung[0], answered_at=given_up - timedelta(seconds=before), status=200)
    return with_call(run, 1, replace(call, placed=replace(call.placed, messages=(cancel,)), rung=(leg,)))


def test_a_call_given_up_in_the_moment_of_the_answer_may_be_recorded_either_way() -> None:
    run = a_phone_answers(a_good_run(), before=0.02)
    leg = {"phone": "anna", "result": "answered", "ended_at": at(15.0).isoformat()}

    assert complaints(run) == []
    answered = with_record(run, 1, taken_phone="anna", ended="answered", legs=[leg])
    assert complaints(replace(answered, owed=owed("pbx:3.1"))) == []
    only_its_leg = with_record(run, 1, legs=[leg])
    assert complaints(only_its_leg) == [], "the phone was lifted, and the PBX heard of the hang-up before it connected"


def a_mobile_takes_it(run: Outcome, before: float) -> Outcome:
    """The second caller gives up, and a mobile's key had taken the call so many seconds before, half a second late."""
    given_up = at(15.0)
    pressed = given_up - timedelta(seconds=before)
    key = Message(at=pressed, sent=True, raw=b"INFO sip:x@127.0.0.1 SIP/2.0\r\n\r\nSignal=1\r\n")
    run = a_phone_answers(run, before=before + 0.6)
    call = run.seen.calls[1]
    leg = replace(call.rung[0], phone=MOBILE, messages=(key,))
    told = {"phone": MOBILE, "result": "answered", "ended_at": at(15.0).isoformat()}
    answered = with_record(run, 1, taken_phone=MOBILE, ended="answered", legs=[told])
    return replace(with_call(answered, 1, replace(call, rung=(leg,))), owed=owed("pbx:3.1"))


def test_a_call_given_up_in_the_moment_in_which_a_mobile_took_it_may_be_recorded_as_taken() -> None:
    crossed, long_before = (a_mobile_takes_it(a_good_run(), before=before) for before in (0.01, 2.0))

    assert complaints(crossed) == []
    assert any(f"recorded {MOBILE}" in complaint for complaint in complaints(long_before))


def test_a_call_given_up_long_after_a_phone_answered_was_not_given_up_by_accident() -> None:
    found = complaints(a_phone_answers(a_good_run(), before=3.0))

    assert any("+16461000001: answered by ('anna',), recorded None" in complaint for complaint in found), found


def test_calls_are_counted_for_the_fault_that_they_came_in_with() -> None:
    run = replace(a_good_run(), struck=[struck(Kind.KILL, 8.0), struck(Kind.FREEZE, 25.0)])

    killed, frozen = by_kind(run)[Kind.KILL], by_kind(run)[Kind.FREEZE]

    assert (killed.times, killed.offered, killed.gave_up, dict(killed.paths)) == (1, 1, 1, {"plan": 1})
    assert (frozen.times, frozen.offered) == (1, 0)
