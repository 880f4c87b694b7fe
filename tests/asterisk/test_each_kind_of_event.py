"""Is each thing that happens told once, by the stream of events and by webhook?"""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from router.lab.asterisk import PrivateAsterisk
from router.lab.scenarios import Answers, PlacedCall
from router.lab.stand import Stand
from router.routing.model import Desk, Line, LineKind, Person, Phone, PhoneKind
from router.storage.company import Company
from tests.asterisk.conftest import phones_port, slips
from tests.asterisk.listeners import following, receiver_in_a_thread, wait_for
from tests.asterisk.outside import COORDINATORS
from tests.asterisk.reckoning import assert_records_agree, reckon
from tests.proof import Proof

pytestmark = pytest.mark.asterisk

LINE = "+12125550165"
FIRST, SECOND = "+13475550065", "+13475550066"
ENDPOINT = COORDINATORS[0]  # which this PBX knows
# Seconds from the answer, which the second caller, who finds nobody free, gets with music: both talk for a while.
TALKS = {FIRST: 3.0, SECOND: 6.0}
DUE_AFTER = timedelta(seconds=2)

PHONE = Phone(id=1, person=1, kind=PhoneKind.DESK, endpoint=ENDPOINT)
COMPANY = Company(
    people=(Person(id=1, name="Anna", phones=(PHONE,)),),
    desks=(Desk(id=1, name="Coordinators", slot=11, safety_net=True, members=(1,)),),
    lines=(Line(id=1, number=LINE, label="Business line", kind=LineKind.BUSINESS, desk=1),),
)

OF_THE_FIRST = ("call.ringing", "call.answered", "call.ended")
OF_THE_SECOND = ("call.waiting", "call.ringing", "call.answered", "call.ended")
# due so soon that there was no time to be reminded before
OF_THE_COMMITMENT = ("commitment.opened", "commitment.late", "commitment.claimed", "commitment.kept")
TOLD = Counter([*OF_THE_FIRST, *OF_THE_SECOND, *OF_THE_COMMITMENT, "table.published"])


@pytest.mark.usefixtures("quiet")
def test_each_kind_of_event_is_told_once_by_the_stream_and_by_webhook(
    pbx: PrivateAsterisk, folder: Path, proof: Proof
) -> None:
    stand = Stand(
        folder, pbx, f"sqlite:///{folder}/router.db", COMPANY, phones_port=phones_port(pbx),
        behaviours={ENDPOINT: Answers(after=0.2)}, settings={"ROUTER_WEBHOOK_PRIVATE": "true"},
    )  # fmt: skip
    with stand, receiver_in_a_thread() as receiver, following(stand) as follower:
        stand.router.post("/api/v1/webhooks", {"url": receiver.url})
        # a second apart: the second finds the only coordinator on the phone
        stand.place([PlacedCall(caller=caller, dialled=LINE, talks=talks) for caller, talks in TALKS.items()], 1.0)
        records = stand.wait_until_recorded(2)
        promise = {"note": "Sends the offer", "due_at": (datetime.now(UTC) + DUE_AFTER).isoformat()}
        owed = stand.router.post(f"/api/v1/calls/{records[1]['call_id']}/promise", promise)["id"]
        wait_for(lambda: bool(follower.named("commitment.late")))
        stand.router.post(f"/api/v1/commitments/{owed}/claim", {"person_id": 1})
        stand.router.post(f"/api/v1/commitments/{owed}/keep", {"person_id": 1})
        stand.router.post("/api/v1/desks", {"name": "Night"})
        wait_for(lambda: bool(follower.named("table.published")))
        wait_for(lambda: len(receiver.ids) >= len(follower.ids()))
        events = [(name, data) for _, name, data in follower.events if name != "snapshot"]
        sent = [one.data for one in receiver.received]
    seen = stand.seen()

    reckon("each kind of event", seen, proof, events=len(events))
    assert_records_agree(seen, records)
    assert Counter(name for name, _ in events) == TOLD
    assert Counter(one["event"] for one in sent) == TOLD
    of = {caller: tuple(name for name, data in events if data.get("caller") == caller and name.startswith("call."))
          for caller in (FIRST, SECOND)}  # fmt: skip
    assert of == {FIRST: OF_THE_FIRST, SECOND: OF_THE_SECOND}
    assert tuple(name for name, _ in events if name.startswith("commitment.")) == OF_THE_COMMITMENT
    second = seen.of(SECOND)
    assert second.placed.answered_at is not None
    assert second.placed.answered_at < second.rung[0].invited_at, "the caller heard music before a phone rang"
    assert slips(stand.router.log_file) == []
