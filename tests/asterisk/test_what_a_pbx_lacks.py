"""Does `router check --pbx` find what a real Asterisk lacks, and what becomes of callers until it is mended?"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from router.lab import sample
from router.lab.asterisk import PrivateAsterisk
from router.lab.configuration import Lab
from router.lab.installation import AsteriskFiles
from router.lab.sample import SAMPLE
from router.lab.scenarios import PlacedCall
from router.lab.stand import Stand, endpoints_of
from tests.asterisk.conftest import SHIPPED, phones_port, slips
from tests.asterisk.reckoning import assert_records_agree, reckon
from tests.proof import Proof, many

pytestmark = pytest.mark.asterisk

CHECKED_WITHIN = 30.0  # seconds for one command; it takes one
CALLS = many(3, 20)
RATE = 5.0  # calls a second
TALKS = 0.1  # seconds
COORDINATORS = {"anna", "ben", "carla"}
NO_CONFIG = "Function AST_CONFIG not registered"  # the one thing that an Asterisk of few modules can't be asked
MISSING = "lena"  # whose phone the PBX was never told of


@pytest.fixture(scope="module")
def half_installed(files: AsteriskFiles, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateAsterisk]:
    """An Asterisk whose queue file was cut short after the first strategy, and which lacks a phone."""
    shipped = tmp_path_factory.mktemp("cut") / "dialplan"
    shutil.copytree(SHIPPED, shipped)
    queues = (shipped / "queues_router.conf").read_text()
    assert "[router-leastrecent](" in queues
    (shipped / "queues_router.conf").write_text(
        queues.partition("[router-leastrecent](")[0] + "[router-safety-net](router-ringall)\n"
    )
    asterisk = PrivateAsterisk(tmp_path_factory.mktemp("half"), files, shipped, Lab())
    port = asterisk.ports.one()
    asterisk.lab = Lab(phones={name: port for name in endpoints_of(SAMPLE) if name != MISSING}, options=("config",))
    with asterisk:
        yield asterisk


def stand_on(pbx: PrivateAsterisk, folder: Path) -> Stand:
    settings = {"ROUTER_REGION": sample.REGION, "ROUTER_TIME_ZONE": sample.TIME_ZONE}
    return Stand(folder, pbx, f"sqlite:///{folder}/router.db", SAMPLE, phones_port=phones_port(pbx), settings=settings)


def check(stand: Stand, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    variables = {
        "ROUTER_AMI_PORT": str(stand.pbx.ami_port),
        "ROUTER_AMI_SECRET": stand.pbx.lab.ami_secret,
        "ROUTER_DATABASE": stand.database,
        "ROUTER_REGION": sample.REGION,
        "ROUTER_TIME_ZONE": sample.TIME_ZONE,
    }
    others = {name: value for name, value in os.environ.items() if not name.startswith("ROUTER_")}
    return subprocess.run(
        [sys.executable, "-m", "router", "check", "--pbx", *arguments],
        env=others | variables | settings,
        capture_output=True,
        text=True,
        timeout=CHECKED_WITHIN,
        check=False,
    )


def test_a_pbx_with_everything_is_told_in_one_line(pbx: PrivateAsterisk, folder: Path, quiet: list[str]) -> None:
    quiet.append(NO_CONFIG)

    said = check(stand_on(pbx, folder))

    assert said.stderr == ""
    assert re.fullmatch(r"Asterisk 22\.\S+ at \S+: 2 desks, 9 phones looked at; nothing lacks\.\n", said.stdout)
    assert said.returncode == 0


def test_who_places_calls_is_looked_at_too(pbx: PrivateAsterisk, folder: Path, quiet: list[str]) -> None:
    quiet += [NO_CONFIG, "failed to authenticate"]
    stand = stand_on(pbx, folder)

    right = check(stand, ROUTER_ORIGINATE_SECRET=pbx.lab.originate_secret)
    wrong = check(stand, ROUTER_ORIGINATE_SECRET="another")

    assert (right.returncode, "nothing lacks" in right.stdout) == (0, True)
    assert wrong.returncode == 0  # it costs no call
    assert "warns  nobody can be called back as the AMI user router-originate" in wrong.stdout


def test_external_phones_that_the_pbx_may_not_call_are_told(
    pbx: PrivateAsterisk, folder: Path, quiet: list[str]
) -> None:
    quiet.append(NO_CONFIG)
    stand = stand_on(pbx, folder)

    allowed = check(stand, ROUTER_EXTERNAL_PREFIXES="+1917")
    assert (allowed.returncode, "11 phones looked at; nothing lacks" in allowed.stdout) == (0, True)

    pbx.cli("dialplan remove extension _+1917555.@router-outside")
    refused = check(stand, ROUTER_EXTERNAL_PREFIXES="+1917")
    pbx.cli("dialplan reload")
    assert refused.returncode == 1
    assert "Felix (+19175550101), Greta (+19175550102)" in refused.stdout


def test_what_a_half_installed_pbx_lacks_is_told_line_by_line(half_installed: PrivateAsterisk, folder: Path) -> None:
    said = check(stand_on(half_installed, folder))

    assert said.returncode == 1
    queue, phone, pool, summary = said.stdout.splitlines()
    assert queue.startswith(
        "lacks  desk Service has no queue router-leastrecent-01 in this PBX; its callers go to desk Coordinators"
    )
    assert phone.startswith("lacks  Lena's phone lena is no PJSIP endpoint of this PBX")
    assert pool.startswith("warns  128 of the 193 queues for desks aren't there")
    assert summary.endswith("2 that cost calls, 1 warnings.")


def test_the_lacks_as_json_are_those_that_are_told(half_installed: PrivateAsterisk, folder: Path) -> None:
    said = json.loads(check(stand_on(half_installed, folder), "--json").stdout)

    assert said["version"].startswith("22.")
    assert [(lack["lack"], lack["costs_calls"]) for lack in said["lacks"]] == [
        ("NoQueue", True),
        ("NoEndpoint", True),
        ("PoolIsSmall", False),
    ]


def test_a_careless_manager_file_is_told(half_installed: PrivateAsterisk, folder: Path) -> None:
    allowed = half_installed.etc / "manager.d/router.conf"
    before = allowed.read_text()
    careless = before.replace("write = call,agent,reporting,user", "write = call,originate")
    allowed.write_text(careless.replace("disabledevents = ", "disabledevents = UserEvent,"))
    half_installed.cli("manager reload")
    try:
        said = check(stand_on(half_installed, folder))
    finally:
        allowed.write_text(before)
        half_installed.cli("manager reload")

    assert said.returncode == 1
    assert "lacks  the AMI user router lacks the class agent, reporting" in said.stdout
    assert "lacks  `disabledevents = UserEvent,VarSet," in said.stdout
    assert "warns  the AMI user router has the class originate" in said.stdout


def test_callers_of_a_desk_without_a_queue_reach_the_next_desk(
    half_installed: PrivateAsterisk, folder: Path, proof: Proof
) -> None:
    with stand_on(half_installed, folder) as stand:
        callers = [
            PlacedCall(caller=f"{sample.DENVER[:-2]}{number:02}", dialled=sample.BUSINESS_LINE, talks=TALKS)
            for number in range(10, 10 + CALLS)
        ]
        stand.place(callers, RATE)
        records = stand.wait_until_recorded(CALLS)
    seen = stand.seen()

    reckon("a desk whose queue the PBX lacks", seen, proof)
    assert_records_agree(seen, records)
    assert {record["decision"]["steps"][0]["name"] for record in records} == {"Service"}
    assert {phone for call in seen.calls for phone in call.answered_by} <= COORDINATORS
    assert slips(stand.router.log_file) == []
