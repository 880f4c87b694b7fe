"""Does `router doctor` find what was broken, say how to mend it, and is it content again when that was done?

Each story: something is broken in the sample company's installation, the doctor names it, it is mended, and the doctor
has nothing to say about it any more. The PBX is a real one, with a router that runs beside it all the time.
"""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from router.installation.doctor import Diagnosis, examine
from router.installation.finding import Finding, Verdict
from router.installation.premises import Premises
from router.lab import sample
from router.lab.asterisk import PrivateAsterisk
from router.lab.configuration import Lab
from router.lab.installation import AsteriskFiles
from router.lab.postgres import PrivatePostgres
from router.lab.sample import SAMPLE
from router.lab.stand import Stand, endpoints_of, furnish
from router.settings import Settings
from router.settings_of_parts import Ami, Http
from tests.asterisk.conftest import SHIPPED, phones_port
from tests.asterisk.planted import FAULTS, WRONG, Fault, Installation, nobody_there

pytestmark = pytest.mark.asterisk

TOLD_WITHIN = 60.0  # seconds for one whole examination; it takes two


def told(premises: Premises) -> Diagnosis:
    return asyncio.run(asyncio.wait_for(examine(premises), TOLD_WITHIN))


def wrong(diagnosis: Diagnosis) -> list[Finding]:
    """Faults and warnings, but for an event that took long: other programs share the machine."""
    found = [finding for finding in diagnosis.findings if finding.verdict in (Verdict.FAULT, Verdict.WARNING)]
    return [finding for finding in found if not finding.sentence.startswith("an event is heard after")]


@pytest.fixture(scope="module")
def installation(files: AsteriskFiles, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The sample company with everything as it should be."""
    folder = tmp_path_factory.mktemp("installed")
    pbx = PrivateAsterisk(tmp_path_factory.mktemp("pbx"), files, SHIPPED, Lab())
    pbx.lab = Lab(phones=dict.fromkeys(endpoints_of(SAMPLE), pbx.ports.one()), options=("config",))
    with pbx:
        secret = folder / "ami_secret"
        secret.touch(mode=0o600)
        secret.write_text(pbx.lab.ami_secret)
        company = {"ROUTER_REGION": sample.REGION, "ROUTER_TIME_ZONE": sample.TIME_ZONE}
        with Stand(
            folder, pbx, f"sqlite:///{folder}/router.db", SAMPLE, phones_port=phones_port(pbx), settings=company
        ) as stand:
            settings = Settings(
                database=stand.database,
                region=sample.REGION,
                time_zone=sample.TIME_ZONE,
                ami=Ami(port=pbx.ami_port, secret_file=secret),
                http=Http(port=int(stand.router.address.rpartition(":")[2])),
            )
            yield Installation(
                pbx=pbx, stand=stand, folder=folder, premises=Premises(settings=settings, asterisk=pbx.etc)
            )


def test_with_everything_in_place_it_is_content(installation: Installation) -> None:
    before = installation.database.read_bytes(), installation.pbx.cli("database show")

    diagnosis = told(installation.premises)

    assert wrong(diagnosis) == []
    assert diagnosis.content
    checked = {finding.check for finding in diagnosis.findings}
    assert {"settings", "secrets", "database", "tables", "keys", "table", "Asterisk's files", "AMI"} <= checked
    assert {"AMI user", "dialplan", "queues", "phones", "PBX's clock", "events", "heartbeat", "API"} <= checked
    assert (installation.database.read_bytes(), installation.pbx.cli("database show")) == before


@pytest.mark.postgresql
def test_a_server_that_is_away_or_has_another_time_is_named(
    installation: Installation, postgres: PrivatePostgres
) -> None:
    url = postgres.create("doctored")
    furnish(url, SAMPLE)
    settings = installation.premises.settings.model_copy(update={"database": url})
    premises = replace(installation.premises, settings=settings)

    right = told(premises)
    late = told(replace(premises, now=lambda: datetime.now(UTC) - timedelta(seconds=90)))
    postgres.stop()
    away = told(premises)
    postgres.start()
    mended = told(premises)

    assert wrong(right) == wrong(mended) == []
    assert "clock" in {finding.check for finding in right.findings}
    sentences = [finding.sentence for finding in wrong(late) if finding.check == "clock"]
    assert [sentence.startswith("the database's clock is 90.") for sentence in sentences] == [True]
    assert [finding.check for finding in wrong(away)] == ["database"]


def test_the_command_tells_each_look_in_a_line_and_fails_when_calls_are_at_stake(installation: Installation) -> None:
    right = command(installation)
    wrong_port = command(installation, "--json", ROUTER_AMI_PORT=str(nobody_there()))
    unknown = command(installation, ROUTER_HTTP_PROT="8080")

    assert (right.returncode, right.stderr) == (0, "")
    *looks, summary = right.stdout.splitlines()
    assert {look[0] for look in looks} <= {"✓", "!"}
    assert summary.startswith("Nothing that costs calls: 0 faults, ")
    assert "✓ sample call       a caller without account who dials Business now: " in right.stdout
    said = json.loads(wrong_port.stdout)
    assert (wrong_port.returncode, said["content"]) == (1, False)
    assert [one["check"] for one in said["findings"] if one["verdict"] == "fault"] == ["AMI"]
    assert unknown.returncode == 1
    assert "✗ settings          ROUTER_HTTP_PROT is no setting: did you mean ROUTER_HTTP_PORT?" in unknown.stdout


def command(installation: Installation, *arguments: str, **changed: str) -> subprocess.CompletedProcess[str]:
    """`router doctor` as a process of its own."""
    settings = installation.premises.settings
    variables = installation.stand.environment | {
        "ROUTER_AMI_SECRET": "",
        "ROUTER_AMI_SECRET_FILE": str(installation.secret_file),
        "ROUTER_HTTP_PORT": str(settings.http.port),
    }
    others = {name: value for name, value in os.environ.items() if not name.startswith("ROUTER_")}
    return subprocess.run(
        [sys.executable, "-m", "router", "doctor", "--asterisk", str(installation.pbx.etc), *arguments],
        env=others | variables | changed,
        capture_output=True,
        text=True,
        timeout=TOLD_WITHIN,
        check=False,
    )


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_it_names_what_is_wrong_and_is_content_when_it_is_mended(installation: Installation, fault: Fault) -> None:
    with fault.plant(installation) as premises:
        broken = told(premises)
    mended = told(installation.premises)

    named = [finding for finding in wrong(broken) if finding.check == fault.check]
    assert [finding.verdict for finding in named if re.search(fault.words, finding.sentence)] == [fault.verdict], named
    assert broken.content == all(finding.verdict is not Verdict.FAULT for finding in broken.findings)
    assert wrong(mended) == []


def test_no_secret_and_no_number_is_ever_told(installation: Installation) -> None:
    everything = [told(installation.premises)]
    for fault in FAULTS[:2]:
        with fault.plant(installation) as premises:
            everything.append(told(premises))

    sentences = "\n".join(finding.sentence for diagnosis in everything for finding in diagnosis.findings)
    assert installation.pbx.lab.ami_secret not in sentences
    assert WRONG.get_secret_value() not in sentences
    assert not re.search(r"\+[0-9]{5,}(?!\*)", sentences)
