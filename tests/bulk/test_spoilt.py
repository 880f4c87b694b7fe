"""Which numbers can be put back after a spreadsheet took them for amounts, and which can't?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.bulk.spoilt import Unreadable, mended_digits, mended_number, mended_number_or_block

e164 = st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True)


@pytest.mark.parametrize(
    ("written", "region", "meant", "remarked"),
    [
        ("+12025550111", "US", "+12025550111", False),
        ("12025550111.0", "US", "+12025550111", True),
        ("12025550111,00", "US", "+12025550111", True),
        ("'+12025550111", "US", "+12025550111", True),
        ("1.2025550111E+10", "US", "+12025550111", True),
        ("1,2025550111e10", "US", "+12025550111", True),
        ("12025550111", "US", "+12025550111", True),  # the + is lost
        ("442079460000", "US", "+442079460000", True),
        ("(202) 555-0111", "US", "+12025550111", False),
        ("2025550111", "US", "+12025550111", False),
        ("030 123456", "DE", "+4930123456", False),
    ],
)
def test_what_has_one_meaning_is_read_and_what_had_to_be_mended_is_remarked(
    written: str, region: str, meant: str, remarked: bool
) -> None:
    mended = mended_number(written, region)

    assert mended.value == meant
    assert bool(mended.remark) is remarked


@pytest.mark.parametrize(
    ("written", "region", "says"),
    [
        ("1.20255E+11", "US", "its last 6 digits are lost"),
        ("1,2E+11", "DE", "format the column as text"),
        ("33123456789", "DE", "could be +33123456789 or +4933123456789"),
        ("12025550111.5", "US", "no telephone number"),
        ("call Anna", "US", "no telephone number"),
        ("+0012", "US", "no telephone number"),
    ],
)
def test_what_has_lost_digits_or_could_be_two_numbers_is_refused_and_says_what_to_do(
    written: str, region: str, says: str
) -> None:
    with pytest.raises(Unreadable, match=says.replace("+", r"\+")):
        mended_number(written, region)


@given(e164)
def test_a_number_with_its_plus_is_never_touched(number: str) -> None:
    assert mended_number(number, "DE").value == number
    assert not mended_number(number, "DE").remark


@given(st.integers(1, 10**15 - 1))
def test_digits_that_became_an_amount_come_back_as_they_were(digits: int) -> None:
    assert mended_digits(f"{digits}.0").value == str(digits)
    assert mended_digits(f"'{digits}").value == str(digits)


@given(st.integers(10**7, 10**15 - 1), st.integers(0, 6))
def test_a_power_of_ten_is_either_the_same_number_or_refused(number: int, kept: int) -> None:
    written = f"{number:.{kept}E}"
    try:
        assert int(mended_digits(written).value) == number
    except Unreadable:
        assert kept < len(str(number)) - 1


def test_a_block_keeps_its_star_and_needs_its_plus() -> None:
    assert mended_number_or_block("+1 202 5550*", "US").value == "+12025550*"
    with pytest.raises(Unreadable, match="no block"):
        mended_number_or_block("12025550*", "US")
