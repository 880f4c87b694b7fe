"""Does every call reach a person or its own end, and is it on record, while everything fails in turn?"""

from pathlib import Path

import pytest

from router.lab.installation import found_or_fetched
from router.lab.postgres import private_postgres
from tests.asterisk.reckoning import reckon
from tests.chaos.run import carry_out, plan
from tests.chaos.verdict import by_kind, complaints
from tests.proof import ROOT, SEED, Proof, many

pytestmark = [pytest.mark.asterisk, pytest.mark.postgresql]

SECONDS = many(30, 180)
RATE = float(many(5, 10))
EACH = many(1, 3)  # strikes of each kind of fault


def test_every_call_is_accounted_for_while_everything_fails_in_turn(tmp_path: Path, proof: Proof) -> None:
    drawn = plan(SEED, float(SECONDS), RATE, EACH)
    files = found_or_fetched(ROOT / "var" / "asterisk", print)
    with private_postgres(ROOT / "var") as postgres:
        outcome = carry_out(drawn, tmp_path, files, postgres, print)

    fallback = sum(1 for record in outcome.records if record["path"] == "fallback")
    reckon("chaos", outcome.seen, proof, fallback=fallback, faults=len(outcome.struck), schedule=drawn.hash)
    assert complaints(outcome) == []
    assert fallback > 0, "the faults bit"
    assert all(during.offered > 0 for during in by_kind(outcome).values()), "each kind met calls"
