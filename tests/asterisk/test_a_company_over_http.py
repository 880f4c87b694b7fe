"""Does the README's story of curl come true, with real calls in between?"""

import os
import re
import subprocess
from pathlib import Path

import pytest

from router.lab import sample
from router.lab.asterisk import PrivateAsterisk
from router.lab.sample import BIRCH, BUSINESS_LINE, SAMPLE
from router.lab.scenarios import PlacedCall
from router.lab.stand import Stand, everybody_picks_up
from router.storage.company import Company
from tests.asterisk.conftest import ROOT, phones_port
from tests.asterisk.reckoning import assert_records_agree, reckon
from tests.proof import Proof

pytestmark = pytest.mark.asterisk

BIRCH_AS_WELL = "+12025550112"  # of the same block: the phones tell calls apart by their callers

CURL_WITHIN = 60.0  # seconds for one part of the story; less than one is usual


def test_a_company_is_built_called_changed_and_not_broken_with_curl_alone(
    pbx: PrivateAsterisk, folder: Path, quiet: list[str], proof: Proof
) -> None:
    build, change, break_it = story()
    settings = {"ROUTER_REGION": sample.REGION, "ROUTER_TIME_ZONE": sample.TIME_ZONE}
    stand = Stand(
        folder,
        pbx,
        f"sqlite:///{folder}/router.db",
        Company(),
        phones_port=phones_port(pbx),
        behaviours=everybody_picks_up(SAMPLE),
        settings=settings,
        wait=False,
    )
    with stand:
        explained = told(stand, build)
        stand.router.wait_until_ready()
        stand.place([PlacedCall(caller=BIRCH, dialled=BUSINESS_LINE, talks=0.1)])
        told(stand, change)
        stand.place([PlacedCall(caller=BIRCH_AS_WELL, dialled=BUSINESS_LINE, talks=0.1)])
        refusal = told(stand, break_it)
        records = stand.wait_until_recorded(2)
    seen = stand.seen()

    reckon("a company built over HTTP", seen, proof)
    assert_records_agree(seen, records)
    assert '"sentence":"Ida (account manager)' in explained
    assert seen.of(BIRCH).answered_by == ("ida",)
    assert seen.of(BIRCH_AS_WELL).answered_by == ("jonas",)
    assert "urn:router:problem:leads-nowhere" in refusal
    assert "Coordinators" in refusal


def story() -> list[str]:
    """The parts of the README's story, as they stand there."""
    (block,) = re.findall(r"```sh\n(api\(\).*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    helper, _, rest = block.partition("\n")
    return [f"{helper}\n{part}" for part in rest.split("\n\n")]


def told(stand: Stand, part: str) -> str:
    """What a shell prints that is given this part. Fails when curl does."""
    environment = {**os.environ, "KEY": stand.key, "URL": f"{stand.router.address}/api/v1"}
    deadline = ["timeout", str(CURL_WITHIN)]
    until_up = 'for _ in $(seq 100); do curl -s "${URL%/api/v1}/healthz" >/dev/null && break; sleep 0.1; done\n'
    shell = subprocess.run(
        [*deadline, "bash", "-euc", until_up + part], env=environment, capture_output=True, text=True, check=True
    )
    return shell.stdout
