"""Does a number mean the same in whichever form it is delivered?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.routing.numbers import NumberKind, as_key, forms_of, masked, read_number, read_prefix


@pytest.mark.parametrize(
    "text",
    [
        "+493012345678",
        "00493012345678",
        "03012345678",
        "030 1234 5678",
        "(030) 12345-678",
        "030/12345678",
        "493012345678",
    ],
)
def test_every_form_of_a_number_is_the_same_number(text: str) -> None:
    assert read_number(text, "DE").e164 == "+493012345678"


def test_a_national_number_is_one_of_the_configured_region() -> None:
    assert read_number("(415) 555-0123", "US").e164 == "+14155550123"


def test_trunks_write_two_zeros_for_the_plus_also_where_people_dial_otherwise() -> None:
    assert read_number("00493012345678", "US").e164 == "+493012345678"


@pytest.mark.parametrize("text", ["", " ", "anonymous", "Anonymous", "unknown", "restricted"])
def test_a_caller_without_a_number_is_withheld(text: str) -> None:
    assert read_number(text, "DE").kind is NumberKind.WITHHELD


def test_a_number_that_the_pbx_calls_withheld_is_not_looked_at() -> None:
    number = read_number("+493012345678", "DE", withheld=True)

    assert (number.kind, number.e164) == (NumberKind.WITHHELD, "")


@pytest.mark.parametrize("text", ["7", "112", "4711", "*97", "100200"])
def test_extensions_and_service_numbers_are_short(text: str) -> None:
    number = read_number(text, "DE")

    assert (number.kind, number.text, number.e164) == (NumberKind.SHORT, text, "")


@pytest.mark.parametrize(
    "text",
    [
        "+",
        "+0301234567",
        "+4930",
        "+1234567890123456",
        "abc",
        "+49 30 x",
        "1-800-FLOWERS",
        "+493012345678;ext=1",
        "+493012345678\n",
        "٠٣٠١٢٣٤٥٦٧",
        "0" * 30,
        "1" * 5000,
    ],
)
def test_what_is_no_number_is_malformed_and_kept_as_it_came(text: str) -> None:
    number = read_number(text, "DE")

    assert (number.kind, number.text, number.e164) == (NumberKind.MALFORMED, text, "")


@given(st.text(), st.text(max_size=3))
def test_no_text_and_no_region_is_too_odd_to_be_read(text: str, region: str) -> None:
    number = read_number(text, region)

    assert (number.kind is NumberKind.E164) == bool(number.e164)


@given(st.from_regex(r"[+0][0-9]{1,16}", fullmatch=True))
def test_reading_a_number_that_was_read_changes_nothing(text: str) -> None:
    once = read_number(text, "DE").e164

    assert read_number(once, "DE").e164 == once


@given(st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True))
def test_a_key_is_the_number_and_fits_into_64_bits(e164: str) -> None:
    assert f"+{as_key(e164)}" == e164
    assert as_key(e164) < 2**64


@pytest.mark.parametrize("text", ["", "0301234", "4930", "+49x", "anonymous", "+٤٩"])
def test_only_e164_has_a_key(text: str) -> None:
    with pytest.raises(ValueError, match=r"not in E\.164 form"):
        as_key(text)


@pytest.mark.parametrize(
    ("text", "prefix"), [("+4930", "+4930"), ("0049 30", "+4930"), ("030", ""), ("", ""), ("4930", "")]
)
def test_a_prefix_is_the_beginning_of_an_e164_number(text: str, prefix: str) -> None:
    assert read_prefix(text) == prefix


@given(st.text(max_size=20))
def test_a_masked_number_hides_its_last_four_characters(number: str) -> None:
    shown = masked(number)

    assert shown.endswith("*" * min(4, len(number)))
    assert len(shown) == len(number)


@pytest.mark.parametrize("text", ["+493012345678", "030 12345678", "00493012345678", "493012345678"])
def test_a_number_is_looked_for_in_every_form_in_which_it_may_be_on_record(text: str) -> None:
    on_record = {"+493012345678", "493012345678", "00493012345678", "3012345678", "03012345678"}

    assert on_record <= set(forms_of(text, "DE"))


def test_a_number_of_another_country_has_no_national_form_here() -> None:
    assert set(forms_of("+493012345678", "US")) == {"+493012345678", "493012345678", "00493012345678"}


@given(st.text(max_size=70), st.sampled_from(["DE", "US", ""]))
def test_whatever_is_looked_for_is_looked_for_as_it_is(text: str, region: str) -> None:
    assert forms_of(text, region)[0] == text
