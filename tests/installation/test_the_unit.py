"""Does systemd take our unit as it is meant, and does it fit the program that it starts?"""

import re
from pathlib import Path

import pytest

from router.ami.dialplan import BEAT_STALE
from router.credentials import handed
from router.lab.packages import PackagesUnavailable
from router.service import DRAIN_WITHIN, MAKE_WAY_WITHIN
from router.storage.database import CLOSE_WITHIN, LONGEST_WAIT
from router.web.server import LAST_REQUESTS_WITHIN
from tests.installation.analyzing import ROOT, Analyze, found_or_fetched

UNIT = ROOT / "router" / "installation" / "call-router.service"
PROGRAM = "/opt/call-router/.venv/bin/router"
START = 1.0  # seconds that a start takes on two cores


@pytest.fixture(scope="session")
def analyze() -> Analyze:
    try:
        return found_or_fetched()
    except PackagesUnavailable as lack:
        pytest.skip(f"no systemd-analyze here, and it can't be fetched: {lack}")


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The unit, with a program where it names one."""
    unit = tmp_path / UNIT.name
    program = tmp_path / "router"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit.write_text(UNIT.read_text().replace(PROGRAM, str(program)))
    return unit


def test_systemd_has_nothing_to_say_against_it(analyze: Analyze, installed: Path) -> None:
    assert analyze.complaints(installed) == []


@pytest.mark.parametrize(
    ("right", "wrong"), [("Restart=always", "Restart=allways"), ("WatchdogSec", "WatchDogSec"), ("serve", "\nserve")]
)
def test_what_is_wrong_in_a_unit_would_be_told(analyze: Analyze, installed: Path, right: str, wrong: str) -> None:
    installed.write_text(installed.read_text().replace(right, wrong))

    assert analyze.complaints(installed) != []


def test_little_of_the_machine_is_exposed_to_it(analyze: Analyze, installed: Path) -> None:
    exposure = analyze.exposure(installed)

    # What is left are the network, which it is there for, and that it may read what all may read.
    assert exposure <= 1.5
    installed.write_text(
        re.sub(r"^(Protect|Private|Restrict|System|Capability).*\n", "", installed.read_text(), flags=re.M)
    )
    assert analyze.exposure(installed) > exposure + 2


def test_it_is_started_for_ever_and_requires_nobody() -> None:
    said = settings()

    assert (said["Restart"], said["StartLimitIntervalSec"]) == ("always", "0")
    assert not said.keys() & {"Requires", "BindsTo", "Requisite", "PartOf"}
    assert float(said["RestartSec"]) + START < BEAT_STALE


def test_its_limits_leave_the_program_the_time_that_it_takes() -> None:
    said = settings()

    stop = LAST_REQUESTS_WITHIN + 3 * DRAIN_WITHIN + MAKE_WAY_WITHIN + CLOSE_WITHIN
    assert stop < float(said["TimeoutStopSec"])
    assert float(said["TimeoutStartSec"]) > LONGEST_WAIT + START
    assert float(said["WatchdogSec"]) > 2 * BEAT_STALE, "a machine that swaps is no fault of the router"


def test_secrets_have_the_names_by_which_the_program_looks_for_them(tmp_path: Path) -> None:
    (prefix, _, folder) = settings()["LoadCredential"].partition(":")
    named = set(re.findall(r"\w+_(?:secret|password)\b", UNIT.read_text()))

    for name in named:
        (tmp_path / f"{prefix}_{name}").touch()  # what systemd makes of the files of that folder

    found = {Path(file).name for file in _leaves(handed(str(tmp_path)))}
    assert found == {f"{prefix}_{name}" for name in named}
    assert folder == "/etc/call-router/secrets"


def settings() -> dict[str, str]:
    """What the unit says; the last word where it says something twice."""
    return dict(re.findall(r"^(\w+)=(.*)$", UNIT.read_text(), re.M))


def _leaves(found: dict[str, object]) -> list[str]:
    return [leaf for one in found.values() for leaf in (_leaves(one) if isinstance(one, dict) else [str(one)])]
