"""What becomes of calls when Asterisk itself is killed? Those in it end with it; the next ones are steered."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from router.lab.asterisk import PrivateAsterisk
from router.lab.stand import Stand
from tests.asterisk.company import BEHAVIOURS, COMPANY, MANAGER, callers
from tests.asterisk.conftest import phones_port, slips
from tests.asterisk.reckoning import reckon
from tests.proof import Proof, many

pytestmark = pytest.mark.asterisk

TALK = 2  # calls that talk when it is killed
NEXT = many(5, 50)
RATE = 10.0  # calls a second
BACK_WITHIN = 15.0  # seconds from its start until the next call is steered
LOOK_EVERY = 0.05  # seconds


def test_calls_that_talk_end_on_record_with_it_and_the_next_ones_are_steered(
    pbx: PrivateAsterisk, folder: Path, proof: Proof
) -> None:
    database = f"sqlite:///{folder}/router.db"
    with Stand(folder, pbx, database, COMPANY, phones_port=phones_port(pbx), behaviours=BEHAVIOURS) as stand:
        talking = stand.start_calls(callers(TALK, talks=60.0), RATE)
        until(lambda: stand.router.figures()["router_calls_taken_total"] == TALK)
        pbx.kill()
        talking.stop()
        # A Uniqueid begins with the second: only a lab's Asterisk is back within the same one, and would give ids anew.
        killed_in = int(time.time())
        until(lambda: int(time.time()) > killed_in)
        began = time.monotonic()
        pbx.start()
        until(lambda: stand.router.figures()["router_link_take_overs_total"] == 2)
        back = time.monotonic() - began

        stand.place(callers(NEXT, first=100), RATE)
        until(lambda: len([record for record in stand.records() if record["ended_at"]]) == TALK + NEXT)
        records = stand.records()
        seen = stand.seen()
    reckon("Asterisk killed with calls in it", seen, proof, cut_off=TALK, back_after_s=round(back, 1))
    assert {call.answered_by for call in seen.calls} == {(MANAGER,)}
    assert {(record["ended"], record["path"]) for record in records} == {("answered", "plan")}, "a person had them"
    assert back <= BACK_WITHIN
    assert slips(stand.router.log_file) == []


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + BACK_WITHIN
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(LOOK_EVERY)
