"""Is it said where a call went otherwise than it was decided, and nothing where it didn't?"""

from dataclasses import replace
from datetime import UTC, datetime

from router.calls.call import Ending, Leg, Passing
from router.calls.differences import Decided, Happened, decided_steps, differences, kind_of, sentence_of
from router.calls.events import How, LegResult, Path, Promised

NOON = datetime(2026, 3, 2, 17, tzinfo=UTC)
IDA = Decided(name="Ida", person=9, phones=("ida",))
DESK = Decided(name="Coordinators", desk=1)


def leg(step: int, phone: str, result: LegResult, person: int | None = None) -> Leg:
    return Leg(leg=f"{step}.{phone}", step=step, phone=phone, person=person, began_at=NOON, result=result)


AS_DECIDED = Happened(
    path=Path.PLAN,
    legs=(leg(1, "ida", LegResult.ANSWERED, 9),),
    taken_by=9,
    taken_phone="ida",
    passings=(),
    ending=Ending.ANSWERED,
    promise=None,
    members={1: ("anna", "ben")},
)


def said(happened: Happened) -> list[str]:
    return [sentence_of(one) for one in differences([IDA, DESK], happened)]


def test_of_a_call_that_went_as_decided_there_is_nothing_to_say() -> None:
    assert said(AS_DECIDED) == []


def test_who_did_not_take_it_is_named_with_what_the_phone_said() -> None:
    legs = (leg(1, "ida", LegResult.BUSY, 9), leg(2, "ben", LegResult.ANSWERED, 2), leg(2, "anna", LegResult.CANCELLED))

    assert said(replace(AS_DECIDED, legs=legs, taken_by=2, taken_phone="ben")) == [
        "Step 1: Ida didn't take it (ida: busy)."
    ]


def test_a_step_in_which_nobody_rang_and_a_member_who_did_not_are_named() -> None:
    legs = (leg(2, "ben", LegResult.ANSWERED, 2),)

    assert said(replace(AS_DECIDED, legs=legs, taken_by=2, taken_phone="ben")) == [
        "Step 1: no phone of Ida rang.",
        "Step 2: anna of Coordinators didn't ring.",
    ]


def test_a_phone_that_was_not_to_ring_is_named() -> None:
    legs = (leg(1, "ida", LegResult.ANSWERED, 9), leg(1, "jonas", LegResult.CANCELLED, 10))

    assert said(replace(AS_DECIDED, legs=legs)) == ["Step 1: jonas rang, and was not to."]


def test_of_the_fallback_it_is_said_that_it_was_not_the_plan_and_why() -> None:
    late = replace(AS_DECIDED, path=Path.FALLBACK)

    assert said(late) == ["The PBX didn't get the plan in time and went to the desk that it remembered for the line."]
    assert said(replace(late, path=Path.INVALID))[0].startswith("The PBX refused the plan")


def test_a_hand_over_and_its_return_are_told() -> None:
    passings = tuple(Passing(at=NOON, phone="ida", person=9, to=to, how=How.KEY) for to in ("Jonas", ""))

    assert said(replace(AS_DECIDED, passings=passings)) == ["ida handed it over to Jonas.", "It came back to ida."]


def test_who_reached_nobody_is_told_as_it_ended() -> None:
    alone = replace(AS_DECIDED, legs=(leg(1, "ida", LegResult.NO_ANSWER, 9),), taken_by=None, taken_phone=None)

    assert said(replace(alone, ending=Ending.GAVE_UP)) == ["The caller gave up."]
    assert said(replace(alone, ending=Ending.PROMISED, promise=Promised.ASKED)) == [
        "The caller asked to be called back."
    ]
    assert said(replace(alone, ending=Ending.LOST)) == ["Nobody knows how it ended: it went with the PBX."]


def test_the_last_resort_stands_in_no_step() -> None:
    legs = (leg(2, "ben", LegResult.NO_ANSWER, 2), leg(3, "+19175550191", LegResult.ANSWERED))
    found = differences([IDA, DESK], replace(AS_DECIDED, legs=legs, taken_by=None, taken_phone="+19175550191"))

    assert [kind_of(one) for one in found] == ["passed_over", "did_not_ring", "did_not_take", "taken_otherwise"]
    assert sentence_of(found[-1], lambda phone: "external") == "external took it, and stands in no step."


def test_a_call_that_lives_is_not_told_as_ended() -> None:
    assert said(replace(AS_DECIDED, legs=(), taken_by=None, taken_phone=None, ending=None)) == []


def test_steps_are_read_as_the_records_keep_them() -> None:
    decision = {"steps": [{"kind": "person", "person": 9, "name": "Ida", "phones": ["ida", None]},
                          {"kind": "desk", "desk": 1, "name": "Coordinators"}, {"kind": "promise"}]}  # fmt: skip

    assert decided_steps(decision) == (IDA, DESK, Decided(name="a promise to call back"))
    assert decided_steps({}) == ()
