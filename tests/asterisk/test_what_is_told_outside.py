"""Does the outside learn what the phones saw, in that order, once, whatever happens to the connection and to us?"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path

import pytest

from router.lab.asterisk import PrivateAsterisk
from router.lab.scenarios import Answers, Behaviour, PlacedCall
from router.lab.stand import Stand
from router.lab.witness import Evidence
from tests.asterisk.company import BEHAVIOURS, COMPANY, COORDINATORS, LINE, MANAGER, callers
from tests.asterisk.conftest import phones_port, slips
from tests.asterisk.listeners import Follower, following, receiver_in_a_thread, wait_for
from tests.asterisk.reckoning import assert_records_agree, reckon
from tests.proof import Proof, many

pytestmark = pytest.mark.asterisk

EACH = many(3, 40)  # calls before the connection is cut, after it, with the router dead, and after its restart
RATE = 4.0  # calls a second
AGREES_WITHIN = timedelta(seconds=0.5)  # of what a phone saw and what was told of it: on a busy machine
STRANGER = PlacedCall(caller="+13475550001", dialled=LINE, gives_up=0.8)

PHONES: dict[str, Behaviour] = {
    **BEHAVIOURS,
    MANAGER: Answers(after=0.3),
    **dict.fromkeys(COORDINATORS, Answers(after=2.0)),  # later than the stranger gives up
}


@pytest.fixture
def stand(pbx: PrivateAsterisk, folder: Path) -> Iterator[Stand]:
    settings = {"ROUTER_COMMITMENT_GAVE_UP_SECONDS": "0", "ROUTER_WEBHOOK_PRIVATE": "true"}
    stand = Stand(
        folder, pbx, f"sqlite:///{folder}/router.db", COMPANY,
        phones_port=phones_port(pbx), behaviours=PHONES, settings=settings,
    )  # fmt: skip
    with stand:
        yield stand
    assert slips(stand.router.log_file) == []


def test_every_event_is_told_once_in_order_also_over_a_cut_connection_and_a_dead_router(
    stand: Stand, quiet: list[str], proof: Proof
) -> None:
    with receiver_in_a_thread() as receiver, following(stand) as follower:
        stand.router.post("/api/v1/webhooks", {"url": receiver.url})
        stand.place(talking(0), RATE)
        follower.cut()
        stand.place([*talking(100), STRANGER], RATE)
        wait_for(lambda: len(follower.named("commitment.opened")) == 1)
        stand.router.kill()
        # without the router, and while it comes back: their ends are read from the journal
        stand.place(
            talking(200, talks=0.1),
            RATE,
        )
        stand.router.start()
        stand.place(talking(300), RATE)
        stand.router.post("/api/v1/commitments/1/claim", {"person_id": 2})
        stand.router.post("/api/v1/commitments/1/keep", {"person_id": 2})
        offered = 4 * EACH + 1
        records = stand.wait_until_recorded(offered)
        wait_for(lambda: len(follower.named("call.ended")) == offered and bool(follower.named("commitment.kept")))
        wait_for(lambda: len(set(receiver.ids)) >= len(follower.ids()))
        ids, events, connected = follower.ids(), list(follower.events), follower.connected

    seen = stand.seen()
    reckon("what is told outside", seen, proof, events=len(ids), connections=connected)
    assert_records_agree(seen, records)
    assert ids == sorted(set(ids)), "in order, nothing twice"
    assert connected >= 3
    assert [event for _, event, _ in events].count("snapshot") == 1, "every time it went on where it was"
    learnt = list(dict.fromkeys(receiver.ids))
    assert learnt == ids, "the receiver has learnt the same, in the same order"
    # who is killed between an answer and writing it down asks once more: Router-Id tells the receiver
    assert len(receiver.ids) - len(learnt) <= 1, "the one kill repeats one event at most"
    assert_told_as_seen(follower, seen)
    of_commitments = [event for _, event, _ in events if event.startswith("commitment.")]
    assert of_commitments == ["commitment.opened", "commitment.claimed", "commitment.kept"]


def talking(first: int, talks: float = 0.6) -> list[PlacedCall]:
    """Customers whom their manager answers, long enough for each step to be written by itself."""
    return [replace(call, talks=talks) for call in callers(EACH, first)]


def assert_told_as_seen(follower: Follower, seen: Evidence) -> None:
    """Each call's events are those of its phones, at the times that these saw."""
    of_calls = [(data["caller"], event, data) for _, event, data in follower.events if event.startswith("call.")]
    of_calls.sort(key=lambda one: one[0])  # stable: each call keeps its order
    told = {
        caller: [(event, data) for _, event, data in theirs] for caller, theirs in groupby(of_calls, lambda o: o[0])
    }
    assert told.keys() == {call.caller for call in seen.calls}
    for call in seen.calls:
        names = [event for event, _ in told[call.caller] if event != "call.waiting"]
        expected = ["call.ringing", *(["call.answered"] if call.answered_by else []), "call.ended"]
        assert names == expected, call.caller
        facts = dict(told[call.caller])
        if call.answered_by:
            (rung,) = [one for one in call.rung if one.phone in call.answered_by]
            answered = facts["call.answered"]
            assert answered["phone"] == rung.phone
            assert rung.answered_at is not None
            assert abs(datetime.fromisoformat(answered["at"]) - rung.answered_at) < AGREES_WITHIN
