"""Is every way in which a leg can end told as what it was?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.ami.leg_results import leg_result
from router.calls.events import LegResult


@pytest.mark.parametrize(
    ("state", "cause", "seconds", "result"),
    [
        ("Up", 16, 3.0, LegResult.ANSWERED),
        ("Up", 21, 3.0, LegResult.ANSWERED),
        ("Ringing", 17, 0.1, LegResult.BUSY),
        ("InUse", 0, 0.0, LegResult.BUSY),
        ("Ringing", 21, 2.0, LegResult.REFUSED),
        ("Down", 21, 0.1, LegResult.REFUSED),
        ("Unreachable", 0, 0.0, LegResult.UNREACHABLE),
        ("Down", 1, 0.1, LegResult.UNREACHABLE),
        ("Down", 3, 0.1, LegResult.UNREACHABLE),
        ("Down", 18, 20.0, LegResult.UNREACHABLE),
        ("Down", 20, 0.1, LegResult.UNREACHABLE),
        ("Down", 27, 0.1, LegResult.UNREACHABLE),
        ("Down", 28, 0.1, LegResult.UNREACHABLE),
        ("Down", 34, 0.1, LegResult.UNREACHABLE),
        ("Down", 38, 0.1, LegResult.UNREACHABLE),
        ("Ringing", 102, 20.0, LegResult.UNREACHABLE),
        ("Ringing", 19, 3.0, LegResult.NO_ANSWER),
        ("Ringing", 0, 19.6, LegResult.NO_ANSWER),
        ("Ringing", 16, 20.1, LegResult.NO_ANSWER),
        ("Ringing", 0, 19.4, LegResult.CANCELLED),
        ("Ringing", 26, 20.0, LegResult.CANCELLED),
        ("Ringing", 127, 4.0, LegResult.CANCELLED),
        ("Down", 127, 0.1, LegResult.CANCELLED),
        ("Ringing", 16, 4.0, LegResult.CANCELLED),
    ],
)
def test_what_became_of_a_leg(state: str, cause: int, seconds: float, result: LegResult) -> None:
    assert leg_result(state=state, cause=cause, seconds=seconds, limit=20) is result


def test_a_leg_without_a_limit_is_never_said_to_have_rung_its_full_time() -> None:
    assert leg_result(state="Ringing", cause=0, seconds=60, limit=None) is LegResult.CANCELLED


@given(st.integers(0, 127), st.floats(0, 100), st.text(max_size=12))
def test_only_a_leg_that_was_up_is_ever_answered(cause: int, seconds: float, state: str) -> None:
    result = leg_result(state=state, cause=cause, seconds=seconds, limit=20)
    assert (result is LegResult.ANSWERED) == (state == "Up")
