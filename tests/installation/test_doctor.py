"""Does one part that hangs, or surprises us, keep the doctor from telling about all others?"""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from router.installation.doctor import examine
from router.installation.finding import MARKS, Finding, Verdict, fault
from router.installation.premises import Premises
from router.settings import Settings
from router.settings_of_parts import Ami, Http, Mail
from tests.ami.fake_asterisk import FakeAsterisk, fake_asterisk
from tests.sample_database import furnish


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return furnish(tmp_path_factory.mktemp("doctor") / "furnished.db")


@pytest.fixture
async def mute() -> AsyncIterator[FakeAsterisk]:
    """A PBX that takes every connection and never says a word."""
    async with fake_asterisk() as asterisk:
        asterisk.mute = True
        yield asterisk


async def test_what_hangs_is_told_and_all_else_as_well(mute: FakeAsterisk, furnished: Path, tmp_path: Path) -> None:
    shutil.copy(furnished, tmp_path / "router.db")
    settings = Settings(
        database=f"sqlite:///{tmp_path}/router.db",
        ami=Ami(port=mute.port, secret=SecretStr("right")),
        http=Http(port=mute.port),
        mail=Mail(host="127.0.0.1", port=mute.port, sender="router@example.test"),
    )
    heard: list[Finding] = []

    diagnosis = await examine(Premises(settings=settings), heard.append, within=1.0)

    assert list(diagnosis.findings) == heard
    verdicts = {finding.check: finding.verdict for finding in heard}
    assert verdicts["AMI"] is verdicts["mail"] is verdicts["API"] is Verdict.FAULT
    assert verdicts["database"] is verdicts["table"] is verdicts["problems"] is Verdict.GOOD
    assert "looking took longer than 1 s" in next(one.sentence for one in heard if one.check == "AMI")
    assert not diagnosis.content


async def test_with_the_database_away_the_pbx_is_looked_at_all_the_same(mute: FakeAsterisk, tmp_path: Path) -> None:
    settings = Settings(
        database=f"sqlite:///{tmp_path}/nothing.db",
        ami=Ami(port=mute.port, secret=SecretStr("right")),
        http=Http(port=0),
    )

    diagnosis = await examine(Premises(settings=settings), within=0.2)

    verdicts = {finding.check: finding.verdict for finding in diagnosis.findings}
    assert verdicts["database"] is verdicts["AMI"] is Verdict.FAULT
    assert verdicts["problems"] is verdicts["API"] is Verdict.LEFT_OUT
    assert not (tmp_path / "nothing.db").exists()


@pytest.mark.parametrize(
    ("sentence", "masked"),
    [
        ("Felix (+19175550101) never rings", "Felix (+1917555****) never rings"),
        ("2125550100 is dialled", "212555**** is dialled"),
        ("127.0.0.1:5038 answers in 12.5 ms", "127.0.0.1:5038 answers in 12.5 ms"),
    ],
)
def test_numbers_lose_their_ends(sentence: str, masked: str) -> None:
    assert fault("phones", sentence).masked().sentence == masked


def test_every_verdict_has_a_mark() -> None:
    assert set(MARKS) == set(Verdict)
