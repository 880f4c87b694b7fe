"""Does a router come onto a machine with an Asterisk that has never heard of it, and do callers reach people then?"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from router.lab import sample
from router.lab.asterisk import PrivateAsterisk
from router.lab.configuration import Lab
from router.lab.installation import AsteriskFiles
from router.lab.sample import SAMPLE
from router.lab.scenarios import PlacedCall
from router.lab.stand import Stand, endpoints_of
from tests.asterisk.conftest import phones_port
from tests.asterisk.reckoning import assert_records_agree, reckon
from tests.proof import Proof, many

pytestmark = pytest.mark.asterisk

CALLS = many(3, 20)
RATE = 1.0  # calls a second: a desk of two, and nobody is to wait in its line
DONE_WITHIN = 60.0  # seconds for one command; each takes two


@pytest.fixture
def bare(files: AsteriskFiles, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateAsterisk]:
    """An Asterisk that knows the company's phones, and nothing of a router."""
    asterisk = PrivateAsterisk(tmp_path_factory.mktemp("bare"), files, None, Lab())
    asterisk.lab = Lab(phones=dict.fromkeys(endpoints_of(SAMPLE), asterisk.ports.one()), options=("config",))
    with asterisk:
        (asterisk.etc / "router_secret.conf").unlink()
        yield asterisk


def router(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """`router …` as an administrator types it."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("ROUTER_")}
    return subprocess.run(
        [sys.executable, "-m", "router", *arguments],
        env=others | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DONE_WITHIN,
        check=False,
    )


def test_on_monday_a_router_is_installed_and_calls_are_answered(
    bare: PrivateAsterisk, tmp_path: Path, proof: Proof
) -> None:
    settings = tmp_path / "etc/settings.toml"
    where = ("--settings", str(settings), "--asterisk", str(bare.etc))
    answers = (
        f"--database=sqlite:///{tmp_path}/kept/router.db",
        f"--ami-port={bare.ami_port}",
        f"--region={sample.REGION}",
        f"--time-zone={sample.TIME_ZONE}",
        "--no-systemd",
    )

    installed = router("init", *where, *answers, "--yes")

    assert (installed.returncode, installed.stderr) == (0, "")
    add_what_is_told(installed.stdout)
    bare.cli("core reload")
    drawn = (tmp_path / "etc/secrets/ami_secret").read_text().strip()
    assert drawn not in installed.stdout

    bare.lab = replace(bare.lab, ami_secret=drawn)
    with Stand(
        tmp_path, bare, f"sqlite:///{tmp_path}/kept/router.db", SAMPLE, phones_port=phones_port(bare),
        settings={"ROUTER_REGION": sample.REGION, "ROUTER_TIME_ZONE": sample.TIME_ZONE},
    ) as stand:  # fmt: skip
        content = router("doctor", *where, "--json")
        callers = [
            PlacedCall(caller=f"{sample.DENVER[:-2]}{number:02}", dialled=sample.BUSINESS_LINE, talks=0.1)
            for number in range(10, 10 + CALLS)
        ]
        stand.place(callers, RATE)
        records = stand.wait_until_recorded(CALLS)
        seen = stand.seen()

    found = json.loads(content.stdout)["findings"]
    assert [one for one in found if one["verdict"] == "fault"] == []
    assert [one["check"] for one in found if one["verdict"] == "warning"] == [
        "API"
    ]  # the stand's has a port of its own
    reckon("installed by router init", seen, proof)
    assert_records_agree(seen, records)
    assert [router("upgrade", *where).returncode] == [0]


def add_what_is_told(said: str) -> None:
    """The administrator's part: the lines for Asterisk's own files."""
    told = re.findall(r"! add this line at the end of (\S+): (.+)", said)
    assert len(told) == 3
    for file, line in told:
        Path(file).write_text(f"{Path(file).read_text()}{line}\n")
