"""Is a test call known for what it is, and is it said truly whether it ended as explained?"""

from typing import Any

import pytest

from router.calls.call import Ending
from router.calls.calling_in import (
    WITHHELD,
    Outcome,
    agrees,
    call_in_id,
    caller_meant,
    is_test,
    line_meant,
    otherwise,
    outside_of,
)
from router.calls.events import Path
from router.calls.orders import Deliver
from router.calls.tracker import Calls
from router.lab.sample import ANNA, BEN, BIRCH, BUSINESS_LINE
from router.routing.decide import CallFacts, decide
from router.routing.numbers import read_number
from tests.calls.company import company
from tests.calls.said import arrived
from tests.storage.stories import MONDAY_NOON, SAMPLE_TABLE

TEST = call_in_id("pbx", 7, MONDAY_NOON)


def explained(kind: str, *people: int, last_resort: str = "") -> dict[str, Any]:
    return {
        "table_version": 3,
        "walk": [{"name": last_resort}],
        "answered_by": {
            "step": 1,
            "kind": kind,
            "people": [{"id": person, "name": "…"} for person in people],
            "sentence": "In the end Anna answers.",
        },
    }


def outcome(taken_by: int | None = None, **facts: Any) -> Outcome:
    ending = Ending.GAVE_UP if taken_by is None else Ending.ANSWERED
    phone = None if taken_by is None else "anna"
    whole = {"path": Path.PLAN, "ending": ending, "taken_by": taken_by, "taken_phone": phone, "table_version": 3}
    return Outcome(**{**whole, **facts})


def test_a_test_call_is_known_by_its_id_and_no_other_call_is() -> None:
    assert f"pbx:router-test-{int(MONDAY_NOON.timestamp())}.00000007" == TEST
    assert is_test(TEST)
    assert not any(map(is_test, ("pbx:1763759123.7", "pbx:router-callback-1763759123.7", "router-test-1.1", "")))


def test_the_phones_that_ring_for_a_test_show_it_before_the_name() -> None:
    (deliver, _) = Calls().step(arrived(call_id=TEST), company())
    (usual, _) = Calls().step(arrived(), company())

    assert isinstance(deliver, Deliver)
    assert isinstance(usual, Deliver)
    assert deliver.plan.display == f"TEST {usual.plan.display}".rstrip()
    assert deliver.plan.steps == usual.plan.steps


@pytest.mark.parametrize(
    ("said", "became", "so"),
    [
        (explained("person", ANNA), outcome(ANNA), True),
        (explained("person", ANNA), outcome(BEN), False),
        (explained("desk", BEN, ANNA), outcome(ANNA), True),
        (explained("person", ANNA), outcome(), False),
        (explained("person", ANNA), outcome(ANNA, path=Path.FALLBACK), False),
        (explained("promise"), outcome(ending=Ending.PROMISED), True),
        (explained("promise"), outcome(ANNA), False),
        (explained("nobody"), outcome(), True),
        (explained("nobody"), outcome(ANNA), False),
        (explained("last_resort", last_resort="+19175550191"), outcome(taken_phone="+19175550191"), True),
        (explained("last_resort", last_resort="+19175550191"), outcome(), False),
    ],
)
def test_it_agrees_when_whom_explain_named_took_it_on_the_way_of_the_plan(
    said: dict[str, Any], became: Outcome, so: bool
) -> None:
    assert agrees(said, became) is so
    assert bool(list(otherwise(said, became, "Ben"))) is not so


def test_a_table_that_was_changed_in_between_is_said() -> None:
    assert list(otherwise(explained("person", ANNA), outcome(ANNA, table_version=4), "Anna")) == [
        "It was explained by version 3 of the table and decided by 4: somebody changed it in between."
    ]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("+12025550111", "+12025550111"),
        ("(202) 555-0111", "+12025550111"),
        ("withheld", WITHHELD),
        ("anonymous", WITHHELD),
        ("", None),
        ("+1202555\r\nAction: x", None),
        ("${SHELL(id)}", None),
        ("12", None),
    ],
)
def test_a_caller_is_a_number_or_withheld(text: str, meant: str | None) -> None:
    assert caller_meant(text, "US") == meant


@pytest.mark.parametrize(
    ("text", "meant"),
    [("+12125550100", "+12125550100"), ("(212) 555-0100", "2125550100"), ("s", None), ("1@outside", None), ("", None)],
)
def test_what_is_dialled_are_digits_in_any_form_a_trunk_delivers(text: str, meant: str | None) -> None:
    assert line_meant(text) == meant


def test_whoever_may_ring_outside_the_company_is_named_beforehand() -> None:
    facts = CallFacts(dialled=BUSINESS_LINE, caller=read_number(BIRCH, "US"))
    plan = decide(facts, SAMPLE_TABLE, MONDAY_NOON).plan
    with_mobiles = {
        person.name
        for person in SAMPLE_TABLE.people.values()
        if any(phone.number is not None for phone in person.phones)
    }

    assert set(outside_of(plan, SAMPLE_TABLE)) <= with_mobiles | {"the number of last resort"}
