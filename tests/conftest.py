"""What does every test share, and what does a whole run say at its end?"""

from collections import Counter
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.proof import PROVE, Proof

MUST_RUN = ("asterisk", "sqlite", "postgresql")  # real parts without which a run proves nothing

_proof = Proof()
_outcomes: dict[str, Counter[str]] = {}
_ran: Counter[str] = Counter()


@pytest.fixture(scope="session")
def proof() -> Proof:
    """Where stories told to a real Asterisk put what became of their calls."""
    return _proof


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call" or (report.when == "setup" and not report.passed):
        folder = str(Path(item.path).parent.relative_to(item.config.rootpath))
        _outcomes.setdefault(folder, Counter())[report.outcome] += 1
        if report.when == "call" and report.outcome != "skipped":
            _ran.update(_real_parts(item))
    return report


def _real_parts(item: pytest.Item) -> set[str]:
    """Which real parts this test used: its markers, or the database that a parameter names."""
    return {part for part in MUST_RUN if item.get_closest_marker(part) or part in getattr(item, "callspec", _NONE).id}


class _NONE:
    id = ""


def _whole_run(config: pytest.Config) -> bool:
    """Whether nothing was left out by hand: only then are missing parts a failure."""
    option = config.option
    return not (config.args_source is not pytest.Config.ArgsSource.TESTPATHS or option.keyword or option.markexpr)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    missing = [part for part in MUST_RUN if not _ran[part]]
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
        write(f"written: {_proof.write(passed=exitstatus == 0).relative_to(config.rootpath)}")
