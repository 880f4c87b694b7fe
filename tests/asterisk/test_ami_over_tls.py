"""Does the router speak over TLS to the PBX that its administrator's CA vouches for, and to no other?"""

import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from router.ami.connection import LoginRefused
from router.ami.link import AmiSettings
from router.ami.survey import survey
from router.installation.doctor import examine
from router.installation.finding import Verdict
from router.installation.premises import Premises
from router.lab.asterisk import PrivateAsterisk
from router.lab.configuration import Lab
from router.lab.installation import AsteriskFiles
from router.lab.ports import LOOPBACK
from router.lab.stand import Stand, endpoints_of
from router.settings import Settings
from router.settings_of_parts import Ami
from tests.asterisk.certificates import Maker
from tests.asterisk.company import BEHAVIOURS, COMPANY, MANAGER, callers
from tests.asterisk.conftest import ROOT, SHIPPED, phones_port, slips
from tests.asterisk.reckoning import assert_records_agree, reckon
from tests.proof import Proof, many
from tests.storage.stories import table_of

pytestmark = pytest.mark.asterisk

CALLS = many(5, 50)
RATE = 5.0  # calls a second

TLS = """
[general](+)
tlsenable = yes
tlsbindaddr = {address}:{port}
tlscertfile = {certificate}
tlsprivatekey = {key}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trusted:
    """A PBX that speaks TLS, and the files with the CAs that somebody could believe."""

    pbx: PrivateAsterisk
    port: int
    right_ca: Path
    wrong_ca: Path


@pytest.fixture(scope="module")
def trusted(files: AsteriskFiles, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trusted]:
    maker = Maker(tmp_path_factory.mktemp("certificates"), ROOT / "var")
    ca, other = maker.ca("the-company"), maker.ca("somebody-else")
    own = maker.server("pbx", ca, f"IP:{LOOPBACK}")
    pbx = PrivateAsterisk(tmp_path_factory.mktemp("tls"), files, SHIPPED, Lab())
    port = pbx.ports.one()
    pbx.lab = Lab(
        phones=dict.fromkeys(endpoints_of(COMPANY), pbx.ports.one()),
        extra={"manager.conf": TLS.format(address=LOOPBACK, port=port, certificate=own.certificate, key=own.key)},
    )
    with pbx:
        yield Trusted(pbx=pbx, port=port, right_ca=ca.certificate, wrong_ca=other.certificate)


def test_with_the_right_ca_calls_are_steered(trusted: Trusted, tmp_path: Path, proof: Proof) -> None:
    settings = {"ROUTER_AMI_TLS": "true", "ROUTER_AMI_CA_FILE": str(trusted.right_ca)}
    with Stand(
        tmp_path, trusted.pbx, f"sqlite:///{tmp_path}/router.db", COMPANY, phones_port=phones_port(trusted.pbx),
        behaviours=BEHAVIOURS, ami_port=trusted.port, settings=settings,
    ) as stand:  # fmt: skip
        stand.place(callers(CALLS), RATE)
        records = stand.wait_until_recorded(CALLS)

        seen = stand.seen()
        reckon("AMI over TLS", seen, proof)
        assert_records_agree(seen, records)
        assert {call.answered_by for call in seen.calls} == {(MANAGER,)}
    assert slips(stand.router.log_file) == []


@pytest.mark.parametrize(
    ("ca", "verdict", "said"),
    [
        ("right", Verdict.GOOD, "over TLS, with a certificate that is believed"),
        ("wrong", Verdict.FAULT, "is of no CA that we believe .*: is ROUTER_AMI_CA_FILE the right one"),
    ],
)
async def test_the_doctor_says_whether_the_pbx_is_believed(
    trusted: Trusted, tmp_path: Path, ca: str, verdict: Verdict, said: str
) -> None:
    file = trusted.right_ca if ca == "right" else trusted.wrong_ca
    ami = Ami(port=trusted.port, secret=SecretStr(trusted.pbx.lab.ami_secret), tls=True, ca_file=file)
    settings = Settings(database=f"sqlite:///{tmp_path}/nothing.db", ami=ami)

    diagnosis = await examine(Premises(settings=settings))

    (found,) = [finding for finding in diagnosis.findings if finding.check == "AMI"]
    assert found.verdict is verdict
    assert re.search(said, found.sentence)


@pytest.mark.parametrize(
    ("host", "ca", "port", "said"),
    [
        (LOOPBACK, "wrong", "tls", "is of no CA that we believe .*: is ROUTER_AMI_CA_FILE the right one"),
        (LOOPBACK, "none", "tls", "is of no CA that we believe"),
        ("localhost", "right", "tls", "is for another name: .*; connect by a name that stands in it"),
        (LOOPBACK, "right", "plain", "does not speak TLS as we do .*: is it tlsbindaddr's port"),
    ],
    ids=["another CA", "the machine's own CAs", "another name", "a port without TLS"],
)
async def test_no_other_pbx_is_told_the_secret(trusted: Trusted, host: str, ca: str, port: str, said: str) -> None:
    files = {"right": trusted.right_ca, "wrong": trusted.wrong_ca, "none": None}
    settings = AmiSettings(
        host=host,
        port=trusted.port if port == "tls" else trusted.pbx.ami_port,
        secret=trusted.pbx.lab.ami_secret,
        ssl=ssl.create_default_context(cafile=files[ca]),
    )

    with pytest.raises(LoginRefused, match=said):
        await survey(settings, table_of(COMPANY), datetime.now(UTC))
