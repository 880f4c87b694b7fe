"""Does each kind of call reach the right person's phone, on both databases, and is it on record as it was?"""

import itertools
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from router.lab import sample
from router.lab.asterisk import PrivateAsterisk
from router.lab.sample import SAMPLE
from router.lab.scenes import SCENES, SIGNED_OUT, Scene
from router.lab.stand import Stand
from tests.asterisk.conftest import ROOT, phones_port, slips
from tests.asterisk.reckoning import assert_records_agree, reckon
from tests.proof import Proof

pytestmark = pytest.mark.asterisk

_numbers = itertools.count(1)

MOST_SHOWN = 40  # characters on the display of a phone
DEMO_WITHIN = 180.0  # seconds; 20 are usual


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def stand(request: pytest.FixtureRequest, pbx: PrivateAsterisk, folder: Path) -> Stand:
    url = (
        f"sqlite:///{folder}/router.db"
        if request.param == "sqlite"
        else request.getfixturevalue("postgres").create(f"sample{next(_numbers)}")
    )
    settings = {"ROUTER_REGION": sample.REGION, "ROUTER_TIME_ZONE": sample.TIME_ZONE}
    return Stand(folder, pbx, url, SAMPLE, phones_port=phones_port(pbx), settings=settings)


def test_each_call_reaches_the_right_phone_and_is_recorded_as_the_phones_saw_it(
    stand: Stand, quiet: list[str], proof: Proof
) -> None:
    with stand:
        for scene in SCENES:  # one after the other: nobody is on the phone when the next one rings
            stand.place([scene.call()])
        records = stand.wait_until_recorded(len(SCENES))
        explained = [stand.router.post("/api/v1/explain", question(scene)) for scene in SCENES]
    seen = stand.seen()

    reckon(f"the sample company, {stand.database.split(':')[0]}", seen, proof)
    assert_records_agree(seen, records)
    reached = {scene.title: seen.of(scene.caller).answered_by[0] for scene in SCENES}
    assert {title: phone for title, phone in reached.items() if phone not in answers(title)} == {}
    assert {record["path"] for record in records} == {"plan"}
    shown = {scene.title: seen.of(scene.caller).rung[0].display for scene in SCENES}
    assert shown == {scene.title: record["decision"]["display"] for scene, record in zip(SCENES, records, strict=True)}
    assert shown[SCENES[1].title] == "Sales Felix: Birch + Sons", "the ringing phone shows the line and the account"
    assert max(len(display) for display in shown.values()) <= MOST_SHOWN
    for answer, record in zip(explained, records, strict=True):
        said = answer["decision"]
        assert without_time(said) == without_time(record["decision"]), "explain gives the very answer of the live path"
        assert record["table_version"] == said["table_version"]
        assert said["reasons"]
        assert record["arrived_at"] < record["taken_at"] < record["ended_at"]
    assert slips(stand.router.log_file) == []


def test_the_demo_tells_every_call_and_ends_well(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ROUTER_")}
    told = subprocess.run(
        [sys.executable, "-m", "router", "demo", "--folder", tmp_path, "--packages", ROOT / "var"],
        capture_output=True, text=True, timeout=DEMO_WITHIN, check=False, env=environment | {"COLUMNS": "200"},
    )  # fmt: skip
    assert told.returncode == 0, told.stdout + told.stderr
    assert all(scene.title in told.stdout for scene in (*SCENES, *SIGNED_OUT))
    assert "Nobody is at the desk Service now: desk Coordinators takes over." in told.stdout
    explained = subprocess.run(
        [sys.executable, "-m", "router", "explain", "--caller", sample.BIRCH, "--line", sample.FELIX_LINE],
        capture_output=True, text=True, timeout=DEMO_WITHIN, check=False,
        env=environment | {"ROUTER_DATABASE": f"sqlite:///{tmp_path}/router.db"},
    )  # fmt: skip
    assert "Jonas" in explained.stdout, "the sample company stays in the default database of every command"


def test_a_pbx_of_ones_own_is_used_instead_of_a_private_one(pbx: PrivateAsterisk, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ROUTER_")}
    own = {"ROUTER_AMI_PORT": str(pbx.ami_port), "ROUTER_AMI_SECRET": pbx.lab.ami_secret, "COLUMNS": "200"}
    told = subprocess.run(
        [sys.executable, "-m", "router", "demo", "--folder", tmp_path],
        capture_output=True, text=True, timeout=DEMO_WITHIN, check=False, env=environment | own,
    )  # fmt: skip
    assert told.returncode == 0, told.stdout + told.stderr
    assert "Jonas (account manager) for 20 s" in told.stdout
    assert "anna" in pbx.cli("queue show router-safety-net"), "its desks have their members"
    assert not (tmp_path / "asterisk").exists(), "nothing was fetched"


def question(scene: Scene) -> dict[str, str]:
    return {"caller": "" if scene.caller == "anonymous" else scene.caller, "line": scene.dialled}


def without_time(decision: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in decision.items() if name != "decided_at"}


def answers(title: str) -> frozenset[str]:
    return next(scene.answers for scene in SCENES if scene.title == title)
