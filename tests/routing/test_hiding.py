"""Do old records lose the ends of their numbers, and nothing else?"""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.routing.explain import as_json
from router.routing.hiding import end_hidden, in_data, without_ends, without_number
from router.routing.numbers import masked
from tests.routing.small_company import STRANGER, company, decided

NUMBER = "+12025550111"
numbers = st.integers(min_value=10_000_000, max_value=999_999_999_999_999).map(lambda digits: f"+{digits}")
prose = st.text(alphabet=st.sampled_from(" .,;:abcäÖ-\n\"'(){}"), max_size=12)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (NUMBER, "+1202555****"),
        ("call 202-555-0111 back", "call 202-555-**** back"),
        ("(202) 555-0111", "(202) 555-****"),
        ("0049 30 123456-78, or +49301234567.", "0049 30 1234**-**, or +4930123****."),
        (f"{NUMBER} +12025550122", "+1202555**** +1202555****"),
        ("caller:+12025550111 tel:2025550111", "caller:+1202555**** tel:202555****"),
        ("a block, +1202555011*, or **+12025550111**", "a block, +120255*****, or **+1202555******"),
        ("2026-03-02", "2026-03-02"),
        ("2026-03-02T17:00:00.123456+00:00", "2026-03-02T17:00:00.123456+00:00"),
        ("until 2026-03-02 17:30", "until 2026-03-02 17:30"),
        ("on 02.03.2026", "on 02.03.2026"),
        ("pbx:1763759123.7", "pbx:1763759123.7"),
        ("192.168.100.200 refuses", "192.168.100.200 refuses"),
        ("http://10.100.200.30:8080/x", "http://10.100.200.30:8080/x"),
        ("202.555.0111", "202.555.****"),
        ("extension 1234, 20 s", "extension 1234, 20 s"),
        ("", ""),
    ],
)
def test_numbers_lose_their_ends_and_dates_and_ids_do_not(text: str, left: str) -> None:
    assert without_ends(text) == left


def test_the_number_of_our_own_line_stays() -> None:
    assert without_ends(f"{NUMBER} dialled +12125550100", spare=frozenset({"+12125550100"})) == (
        "+1202555**** dialled +12125550100"
    )


@given(prose, numbers, prose)
def test_hiding_twice_is_hiding_once_and_changes_digits_into_stars_alone(before: str, number: str, behind: str) -> None:
    text = f"{before} {number} {behind}"
    once = without_ends(text)
    assert without_ends(once) == once
    assert number not in once
    assert len(once) == len(text)
    assert all(new == old or (old.isdecimal() and new == "*") for old, new in zip(text, once, strict=True))


@given(numbers)
def test_a_number_is_left_as_the_log_shows_it(number: str) -> None:
    assert end_hidden(number) == masked(number) == end_hidden(end_hidden(number))


@pytest.mark.parametrize("text", ["", "7", "anna-7", "101", "Ä<1>&x", "202"])
def test_what_is_no_number_but_stands_where_one_should_loses_its_end_too(text: str) -> None:
    assert end_hidden(text) == masked(text) == end_hidden(end_hidden(text))


@pytest.mark.parametrize(
    "written", [NUMBER, "12025550111", "2025550111", "(202) 555-0111", "202-555-0111", "0112025550111"[3:]]
)
def test_a_forgotten_number_is_gone_however_it_was_written(written: str) -> None:
    left = without_number(f"Please call {written}, not +12025550112", NUMBER, "US")
    assert left == f"Please call {re.sub('[0-9]', '*', written)}, not +12025550112"


def test_a_whole_decision_without_the_ends_of_numbers_still_says_who_rang_and_when() -> None:
    decision = as_json(decided(company(), caller=STRANGER))
    left = in_data(decision, without_ends)
    assert STRANGER[-6:] not in json.dumps(left)
    assert left["decided_at"] == decision["decided_at"]
    assert left["steps"] == decision["steps"]
    assert left["caller"]["e164"] == "+491761234****"
