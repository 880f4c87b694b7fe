"""Do the demo's three first steps come true, word for word?"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from router.lab.asterisk import PrivateAsterisk
from router.lab.demo import settings_on
from router.lab.first_steps import CHANGED_RULE, COMMAND, DEFAULT, first_steps
from router.lab.sample import SAMPLE
from router.lab.stand import Stand
from router.lab.witness import legs
from tests.asterisk.conftest import ROOT, phones_port, slips

pytestmark = pytest.mark.asterisk

STEP_WITHIN = 60.0  # seconds for all of them; five are usual


@pytest.mark.usefixtures("quiet")
def test_a_newcomer_gets_a_key_changes_a_rule_and_sees_another_phone_ring(pbx: PrivateAsterisk, folder: Path) -> None:
    database = folder / DEFAULT
    database.parent.mkdir()
    stand = Stand(
        folder, pbx, f"sqlite:///{database}", SAMPLE, phones_port=phones_port(pbx), settings=settings_on(pbx)
    )  # fmt: skip
    with stand:
        version = stand.router.get(f"/api/v1/rules/{CHANGED_RULE}")["version"]
        steps = first_steps(stand.router.address, database, version, places_calls=True, here=folder)
        told = typed(steps, folder)
        page = re.findall(r"http://\S+/docs", steps)
        asked = [one["asked_by"] for one in stand.router.get("/api/v1/test-calls")["items"]]
        changed = stand.router.get("/api/v1/audit")["items"][0]
        records = stand.wait_until_recorded(2)
    rang = sorted(legs(stand.phones.messages), key=lambda leg: leg.invited_at)

    assert page == [f"{stand.router.address}/api/v1/docs"]
    assert "explained: In the end Lena answers." in told[1]
    assert told[1].splitlines()[-1].endswith("as explained.")
    assert '"label":"Hazel Hotels: Ida knows the file"' in told[2]
    assert "explained: In the end Ida answers." in told[3]
    assert told[3].splitlines()[-1].endswith("as explained.")
    assert [leg.phone for leg in rang if leg.answered_at] == ["lena", "ida"]
    assert (changed["actor"], changed["noun"], changed["object_id"]) == ("me", "rules", CHANGED_RULE)
    assert len(asked) == 2
    assert [record["is_test"] for record in records] == [True, True]
    assert slips(stand.router.log_file) == []


def typed(steps: str, folder: Path) -> list[str]:
    """What a shell prints that is given these commands one after the other. Fails when one of them does."""
    commands = [one.strip() for one in re.findall(r"^  \$ ((?:.*\\\n)*.*)", steps, re.MULTILINE)]
    router = f"{shlex.quote(sys.executable)} -m router"
    separate = "\necho =====\n"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ROUTER_")}
    shell = subprocess.run(
        ["timeout", str(STEP_WITHIN), "bash", "-euc", separate.join(commands).replace(COMMAND, router)],
        capture_output=True, text=True, check=False, cwd=folder, env=environment | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert shell.returncode == 0, shell.stderr
    return shell.stdout.split("=====\n")
