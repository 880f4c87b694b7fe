"""Do calls go on while customers are imported, and does the next one follow what was imported?"""

import json
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from router.lab import sample
from router.lab.asterisk import PrivateAsterisk
from router.lab.sample import BUSINESS_LINE, FIR, SAMPLE
from router.lab.scenarios import PlacedCall
from router.lab.stand import Stand
from tests.asterisk.conftest import phones_port
from tests.asterisk.reckoning import assert_records_agree, reckon
from tests.proof import Proof, many

pytestmark = pytest.mark.asterisk

FIR_AS_WELL = FIR[:-1] + "9"  # of the same block: the phones tell calls apart by their callers
DONE_WITHIN = 60.0  # seconds; two are usual, more on a machine that is busy
PER_SECOND = 5.0


def test_calls_go_on_during_an_import_and_the_next_one_follows_it(
    pbx: PrivateAsterisk, folder: Path, quiet: list[str], proof: Proof
) -> None:
    settings = {"ROUTER_REGION": sample.REGION, "ROUTER_TIME_ZONE": sample.TIME_ZONE}
    database = f"sqlite:///{folder}/router.db"
    strangers = [
        PlacedCall(caller=f"+1646555{number:04}", dialled=BUSINESS_LINE, talks=0.1) for number in range(many(10, 100))
    ]
    with Stand(folder, pbx, database, SAMPLE, phones_port=phones_port(pbx), settings=settings) as stand:
        stand.place([PlacedCall(caller=FIR, dialled=BUSINESS_LINE, talks=0.1)])
        callers = stand.start_calls(strangers, PER_SECOND)
        told = imported(stand, b"name;manager\nFir Furniture;Ida\n", "accounts")
        callers.wait()
        pbx.wait_until_quiet()
        stand.place([PlacedCall(caller=FIR_AS_WELL, dialled=BUSINESS_LINE, talks=0.1)])
        records = stand.wait_until_recorded(len(strangers) + 2)
    seen = stand.seen()

    reckon("customers imported beside calls", seen, proof)
    assert_records_agree(seen, records)
    assert told["state"] == "done", told
    assert seen.of(FIR).answered_by == ("jonas",)
    assert seen.of(FIR_AS_WELL).answered_by == ("ida",)


def imported(stand: Stand, content: bytes, noun: str) -> dict[str, Any]:
    """What became of an import over HTTP, as soon as it is over."""
    begun = asked(stand, f"/api/v1/imports?noun={noun}", content)
    deadline = time.monotonic() + DONE_WITHIN
    while (told := asked(stand, f"/api/v1/imports/{begun['id']}"))["state"] in ("waiting", "running"):
        assert time.monotonic() < deadline, told
        time.sleep(0.1)
    return told


def asked(stand: Stand, path: str, body: bytes | None = None) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {stand.key}", "Content-Type": "text/csv"}
    request = urllib.request.Request(stand.router.address + path, body, headers)
    with urllib.request.urlopen(request, timeout=DONE_WITHIN) as answer:
        told: dict[str, Any] = json.loads(answer.read())
        return told
