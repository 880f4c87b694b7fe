"""Is what we tell SIPp well formed, whoever is called and whatever a caller says?"""

from xml.etree import ElementTree

import pytest

from router.lab.scenarios import BUSY, Answers, PlacedCall, callers_scenario, phones_scenario


def test_phones_of_one_behaviour_share_a_branch() -> None:
    scenario = ElementTree.fromstring(phones_scenario({"anna": BUSY, "bert": BUSY, "c.d-e": Answers()}))

    expressions = [match.get("regexp") for match in scenario.iter("ereg") if match.get("variable") == "phone"]

    assert expressions == ["^(anna|bert)$", r"^(c\.d\-e)$"]


def test_every_jump_has_a_label() -> None:
    text, _ = callers_scenario([PlacedCall(caller="1", dialled="2", gives_up=1.0)], "127.0.0.2")
    for scenario in (ElementTree.fromstring(text), ElementTree.fromstring(phones_scenario({"anna": Answers()}))):
        labels = {label.get("id") for label in scenario.iter("label")}
        jumps = {element.get(name) for element in scenario.iter() for name in ("next", "ontimeout")} - {None}

        assert jumps <= labels


def test_a_semicolon_in_a_value_does_not_shift_the_next_field() -> None:
    call = PlacedCall(caller="1", dialled="2;x=y", headers=("Diversion: <sip:3@x>;reason=busy",))

    text, lines = callers_scenario([call], "127.0.0.2")

    assert "INVITE sip:[field1];[field2]@" in text
    assert "[field4];[field5]" in text
    assert lines == b"SEQUENTIAL\n0;2;x=y;<sip:1@127.0.0.2>;Diversion: <sip:3@x>;reason=busy\n"


@pytest.mark.parametrize(
    "call",
    [PlacedCall(caller="1", dialled="2\r\nX: y"), PlacedCall(caller="1", dialled="2", gives_up=0)],
)
def test_what_sipp_cannot_do_is_refused(call: PlacedCall) -> None:
    with pytest.raises(ValueError, match="SIPp"):
        callers_scenario([call], "127.0.0.2")
