"""What does every test share, and what does a whole run say at its end?

Tests run in several worker processes. What a worker has to tell travels with the report of the test, and is put
together where all reports arrive.
"""

from collections import Counter
from collections.abc import Generator
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.canaries import in_clear, look_through
from tests.proof import PROVE, Proof, Tally

MUST_RUN = ("asterisk", "sqlite", "postgresql")  # real parts without which a run proves nothing
TALLY, REAL_PART = "tally", "real part"  # what a report carries

# Other programs share the machine: how long an example takes, or takes to be made, says nothing about the code.
settings.register_profile("shared machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared machine")

_proof = Proof()
_outcomes: dict[str, Counter[str]] = {}
_ran: Counter[str] = Counter()
_printed: list[str] = []  # lines with a number in clear, of what tests printed
_unhidden: list[str] = []  # what is wrong with how numbers are hidden, in all of the run


@pytest.fixture
def proof(request: pytest.FixtureRequest) -> Proof:
    """Where stories told to a real Asterisk put what became of their calls."""
    told = request.node.user_properties
    return Proof(lambda tally: told.append((TALLY, asdict(tally))))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call" and report.outcome != "skipped":
        report.user_properties += [(REAL_PART, part) for part in sorted(_real_parts(item))]
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" or (report.when == "setup" and not report.passed):
        folder = str(Path(report.nodeid.partition("::")[0]).parent)
        _outcomes.setdefault(folder, Counter())[report.outcome] += 1
    for title, text in report.sections:
        _printed.extend(in_clear(f"{report.nodeid}, {title}", text))
    if report.when == "call":
        for name, value in report.user_properties:
            if name == TALLY and isinstance(value, dict):
                _proof.add(Tally(**value))
            elif name == REAL_PART:
                _ran[str(value)] += 1


def _real_parts(item: pytest.Item) -> set[str]:
    """Which real parts this test used: its markers, or the database that a parameter names."""
    return {part for part in MUST_RUN if item.get_closest_marker(part) or part in getattr(item, "callspec", _NONE).id}


class _NONE:
    id = ""


def _whole_run(config: pytest.Config) -> bool:
    """Whether nothing was left out by hand: only then are missing parts a failure. Never so in a worker."""
    option = config.option
    by_hand = config.args_source is not pytest.Config.ArgsSource.TESTPATHS or option.keyword or option.markexpr
    return not by_hand and not hasattr(config, "workerinput")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    missing = [part for part in MUST_RUN if not _ran[part]]
    if not hasattr(session.config, "workerinput"):  # the workers' folders lie in this one's
        run = session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
        found = look_through(run, [("printed", line) for line in _printed])
        _unhidden.extend(found.faults(whole_run=_whole_run(session.config)))
        if _unhidden and exitstatus == 0:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
    if _whole_run(session.config) and missing and exitstatus == 0 and not session.config.option.collectonly:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config) -> None:
    write = terminalreporter.write_line
    if _proof.tallies:
        terminalreporter.section("what became of the calls")
        width = max(len(tally.story) for tally in _proof.tallies)
        for one in _proof.tallies:
            facts = "  ".join(f"{name} {value}" for name, value in one.facts.items())
            write(
                f"{one.story:<{width}}  offered {one.offered:>5}  answered {one.answered:>5}  gave up {one.given_up:>4}"
                f"  promised {one.promised:>3}  lost {one.lost}  twice {one.twice}  {facts}"
            )
    if _unhidden:
        terminalreporter.section("numbers that are not hidden")
        for fault in _unhidden:
            write(fault, red=True)
    if not _whole_run(config):
        return
    terminalreporter.section("by folder")
    for folder, outcomes in sorted(_outcomes.items()):
        run = outcomes["passed"] + outcomes["failed"]
        write(f"{folder:<20}  run {run:>4}  passed {outcomes['passed']:>4}  skipped {outcomes['skipped']:>3}")
    for part in MUST_RUN:
        if not _ran[part]:
            write(f"{part} ran nothing: this run proves nothing about it", red=True)
    if PROVE:
        write(f"written: {_proof.write(passed=exitstatus == 0 and not _unhidden).relative_to(config.rootpath)}")
