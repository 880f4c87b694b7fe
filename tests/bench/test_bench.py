"""Does the benchmark write what others read, and does it compare what it says? How fast anything is, is not asked."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.storage.migrate import upgrade
from tests.bench import company, decisions, importing, looking_ahead
from tests.bench.figures import percentile
from tests.bench.intercept import Delays, InterceptFigures
from tests.bench.mechanisms import NAMES
from tests.bench.rates import COARSE, FINE, highest_rate, ladder
from tests.bench.report import Machine, Report, as_json, targets
from tests.bench.traffic import Seen, bench_clean

SMALL = company.Size(numbers=200, rules=60)
MACHINE = Machine(cpu="any", cores=2, python="3", asterisk="22", kernel="6", load_before=0.0)
LONGEST_CONTROLLER = 60  # lines; longer than that nobody compares by eye


def test_every_figure_of_the_deciding_part_is_written_under_the_name_that_others_read(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/company.db"
    upgrade(url)
    asyncio.run(company.fill(url, SMALL))

    told = as_json(report(decide=decisions.measure(url, SMALL, decisions=50, changes=1)))

    assert {"p50_us", "p99_us", "numbers_mb", "load_s", "publish_ms"} <= told["decide"].keys()
    assert all(told["decide"][name] >= 0 for name in ("p50_us", "p99_us", "numbers_mb", "load_s", "publish_ms"))


def test_the_time_to_find_all_problems_is_written_and_the_company_has_none() -> None:
    told = as_json(report(problems=looking_ahead.measure(looking_ahead.QUICK)))

    assert told["problems"]["seconds"] >= 0
    assert told["problems"]["found"] == 0
    assert [target["says"] for target in told["targets"]] == [
        "all problems of a big table",
        "preview of one rule more in it",
    ]


def test_every_figure_of_the_intercepting_part_is_written_under_the_name_that_others_read() -> None:
    told = as_json(report(intercept={name: figures(median_ms=3.0) for name in NAMES}))["intercept"]

    assert told.keys() == {"static", "router", "fastagi", "ari"}
    for one in told.values():
        assert {"max_calls_per_s", "controller_cpu_ms_per_call"} <= one.keys()
        assert all({"p50_ms", "p95_ms", "p99_ms"} <= one[rate].keys() for rate in ("20", "100"))


def test_an_import_is_compared_with_the_same_calls_without_one() -> None:
    without, meanwhile = figures(median_ms=3.0).delays[20], figures(median_ms=4.5).delays[20]
    imported = importing.ImportFigures(
        accounts=10, numbers=20, import_s=1.0, imports=1, without=without, meanwhile=meanwhile
    )

    told = as_json(report(imported=imported))

    assert {"import_s", "without", "meanwhile"} <= told["import"].keys()
    assert [target["says"] for target in told["targets"] if not target["hit"]] == ["median later while importing"]


def test_of_a_run_only_calls_placed_during_an_import_count_and_every_one_that_failed() -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    at = [noon + timedelta(seconds=second) for second in range(4)]
    whole = Seen(offered=5, failed=1, per_second=1.0, delays=[1.0, 2.0, 3.0, 4.0], placed_at=at)

    meanwhile = whole.during([(at[1], at[2]), (at[3], noon + timedelta(minutes=1))])

    assert (meanwhile.delays, meanwhile.offered, meanwhile.failed) == ([2.0, 4.0], 3, 1)


def test_a_router_slower_than_fastagi_has_missed_its_target() -> None:
    by_name = {name: figures(median_ms=3.0) for name in NAMES} | {"router": figures(median_ms=3.1)}

    missed = [target.says for target in targets(report(intercept=by_name)) if not target.hit]

    assert "median at 20/s, not above fastagi" in missed
    assert "median over static at 20/s" not in missed


@given(
    limit=st.floats(0, 2_000),
    start=st.floats(1, 2_000),
    step=st.sampled_from([FINE, COARSE]),
)
def test_the_search_finds_the_highest_rate_that_holds_wherever_it_begins(
    limit: float, start: float, step: float
) -> None:
    rates = ladder(step)
    asked: list[float] = []

    def holds(rate: float) -> bool:
        asked.append(rate)
        return rate <= limit

    found = highest_rate(holds, rates, start)

    assert found == max((rate for rate in rates if rate <= limit), default=0.0)
    assert len(asked) < 40


def test_one_hiccup_does_not_decide_which_rate_holds() -> None:
    rates = ladder(FINE)
    hiccups = [rates[20]]

    def holds(rate: float) -> bool:
        if rate in hiccups:
            hiccups.remove(rate)
            return False
        return rate <= rates[30]

    assert highest_rate(holds, rates, rates[20]) == rates[30]


@given(st.lists(st.floats(0, 1e6), min_size=1), st.integers(1, 100))
def test_a_percentile_is_a_measurement_that_so_many_of_a_hundred_do_not_exceed(
    values: list[float], percent: int
) -> None:
    found = percentile(values, percent)

    assert found in values
    assert sum(1 for value in values if value <= found) * 100 >= percent * len(values)
    assert sum(1 for value in values if value < found) * 100 < percent * len(values)


def test_nothing_measured_has_no_percentile() -> None:
    with pytest.raises(ValueError, match="no measurement"):
        percentile([], 50)


def test_the_other_mechanisms_get_their_calls_through_the_very_steps_that_ours_come_through() -> None:
    shipped = Path("dialplan/extensions_router.conf").read_text().splitlines()

    steps = [line for line in bench_clean().splitlines() if line and not line.startswith("[")]

    assert len(steps) > 10
    changed = [line for line in steps if line not in shipped]
    assert changed
    assert [line for line in changed if line.replace("bench-${BENCH_BY}", "router-arrive") not in shipped] == []
    assert "router-arrive" not in "".join(steps)


@pytest.mark.parametrize("name", ["fastagi", "ari"])
def test_a_controller_is_short_enough_to_be_compared_by_eye(name: str) -> None:
    controller = Path(__file__).with_name("controllers") / f"{name}.py"

    assert len(controller.read_text().splitlines()) <= LONGEST_CONTROLLER


def report(
    intercept: dict[str, InterceptFigures] | None = None,
    decide: decisions.DecideFigures | None = None,
    problems: looking_ahead.ProblemsFigures | None = None,
    imported: importing.ImportFigures | None = None,
) -> Report:
    return Report(
        machine=MACHINE,
        others_percent=0.0,
        at=datetime.now(UTC),
        numbers=200,
        rules=60,
        intercept=intercept,
        decide=decide,
        problems=problems,
        imported=imported,
    )


def figures(median_ms: float) -> InterceptFigures:
    delays = Delays(p50_ms=median_ms, p95_ms=9.0, p99_ms=9.9, offered=100, failed=0)
    return InterceptFigures(
        delays={20: delays, 100: delays},
        max_calls_per_s=150.0,
        max_calls_per_s_by_round=(140.0, 150.0, 160.0),
        controller_cpu_ms_per_call=1.0,
        asterisk_cpu_ms_per_call=5.0,
    )
