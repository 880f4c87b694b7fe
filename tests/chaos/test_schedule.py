"""Is a schedule of faults always the same, complete, and survivable? And the calls with it?"""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.chaos.run import plan
from tests.chaos.schedule import AT_ONCE, CALM_FIRST, LONGEST, Kind, TooShort, schedule
from tests.chaos.traffic import PATIENCE, WITHHELD, WITHHELD_EVERY, WITHHELD_PATIENCE, calls

SEEDS = st.integers(0, 2**32)
SECONDS = st.floats(60.0, 3600.0)
RECOVERS = 1.0  # seconds, also in the shortest schedule


@given(SEEDS, SECONDS, st.integers(1, 2))
def test_every_kind_of_fault_strikes_often_enough_and_none_much_more_often(
    seed: int, seconds: float, each: int
) -> None:
    times = Counter(fault.kind for fault in schedule(seed, seconds, each))

    assert times.keys() == set(Kind)
    assert min(times.values()) >= each
    assert min(times.values()) == max(times.values())


@given(SEEDS, SECONDS)
def test_there_is_time_to_recover_after_every_fault_and_to_settle_at_the_end(seed: int, seconds: float) -> None:
    faults = schedule(seed, seconds, 1)

    assert faults[0].begins >= CALM_FIRST
    assert all(after.begins - before.ends >= RECOVERS for before, after in pairwise(faults))
    assert faults[-1].ends <= seconds - CALM_FIRST - RECOVERS


@given(SEEDS, SECONDS)
def test_a_fault_lasts_for_a_while_unless_it_is_over_at_once(seed: int, seconds: float) -> None:
    for fault in schedule(seed, seconds, 1):
        lasts = fault.ends - fault.begins
        assert lasts == 0.0 if fault.kind in AT_ONCE else 0.05 < lasts <= LONGEST + 0.001


def test_ten_minutes_have_every_kind_more_than_three_times_for_longer_and_shorter_than_a_heartbeat_lives() -> None:
    faults = schedule(1, 600.0, 3)

    assert min(Counter(fault.kind for fault in faults).values()) >= 3
    frozen = [fault.ends - fault.begins for fault in faults if fault.kind not in AT_ONCE]
    assert min(frozen) < 6.0 < max(frozen)


@given(SEEDS)
def test_the_same_seed_makes_the_same_plan_and_another_seed_another(seed: int) -> None:
    first, again, other = (plan(one, 60.0, 5.0, 1) for one in (seed, seed, seed + 1))

    assert (first, first.hash) == (again, again.hash)
    assert first.hash != other.hash


def test_a_time_that_is_too_short_says_how_much_is_needed() -> None:
    with pytest.raises(TooShort, match=r"each of 8 kinds of fault 3 times needs 1\.1 minutes"):
        schedule(1, 30.0, 3)


@given(SEEDS, st.floats(30.0, 120.0), st.sampled_from([1.0, 5.0, 10.0]))
def test_every_number_calls_once_and_withheld_callers_one_after_the_other(
    seed: int, seconds: float, rate: float
) -> None:
    drawn = calls(seed, seconds, rate)

    assert len(drawn) == round(seconds * rate)
    shown = [call.caller for call in drawn if call.caller != WITHHELD]
    assert len(shown) == len(set(shown))
    withheld = [place / rate for place, call in enumerate(drawn) if call.caller == WITHHELD]
    assert withheld
    assert all(after - before >= WITHHELD_EVERY for before, after in pairwise(withheld))
    assert all((call.gives_up or 0.0) <= WITHHELD_PATIENCE for call in drawn if call.caller == WITHHELD)


def test_some_callers_give_up_at_moments_of_their_own_and_others_are_patient() -> None:
    drawn = calls(1, 600.0, 10.0)

    impatient = [call.gives_up for call in drawn if call.gives_up is not None and call.gives_up < PATIENCE]
    assert 1500 < len(impatient) < 2500
    assert len(set(impatient)) > 1000
    assert sum(1 for call in drawn if call.gives_up == PATIENCE) == len(drawn) - len(impatient)
