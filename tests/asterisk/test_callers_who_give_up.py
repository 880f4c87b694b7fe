"""Is a caller who gave up owed a call back, once, wherever it was in that moment? And nobody else?"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from router.lab.asterisk import PrivateAsterisk
from router.lab.configuration import OUTSIDE_PREFIX
from router.lab.stand import Stand
from tests.asterisk.conftest import phones_port, slips
from tests.asterisk.giving_up import BEHAVIOURS, COMPANY, STRANGERS, Place, calls_to, helped, place_of
from tests.asterisk.reckoning import assert_owed, assert_records_agree, reckon
from tests.proof import SEED, Proof, many

pytestmark = pytest.mark.asterisk

EACH = many(4, 50)  # of the four places
ANSWERED = many(4, 10)  # while the router lives, and while it is dead
RATE = 8.0  # calls a second
STALE_AFTER = 7.0  # seconds after which no caller waits for a dead router any more
ALIVE = (Place.RINGING, Place.PROMPT, Place.WAITING)


@pytest.fixture
def stand(short: PrivateAsterisk, folder: Path) -> Iterator[Stand]:
    stand = Stand(
        folder,
        short,
        f"sqlite:///{folder}/router.db",
        COMPANY,
        phones_port=phones_port(short),
        outside_port=short.lab.outside_port,
        behaviours=BEHAVIOURS,
        settings={"ROUTER_EXTERNAL_PREFIXES": OUTSIDE_PREFIX, "ROUTER_COMMITMENT_GAVE_UP_SECONDS": "0"},
    )
    with stand:
        yield stand
    assert slips(stand.router.log_file) == []


def test_each_caller_who_gives_up_stands_on_one_open_commitment_and_nobody_else_does(
    stand: Stand, proof: Proof
) -> None:
    draw = Random(SEED)
    meant = {place: calls_to(place, EACH, 1000 * order, draw) for order, place in enumerate((*ALIVE, Place.FALLBACK))}
    alive = [call for place in ALIVE for call in meant[place]]

    stand.place([*helped(ANSWERED, first=9000), *draw.sample(alive, len(alive))], RATE)
    stand.router.kill()  # before it can have written down the last of them
    stand.place(helped(ANSWERED, first=9100), ANSWERED / STALE_AFTER)
    stale_at = datetime.now(UTC)
    stand.place(meant[Place.FALLBACK], RATE)
    started_at = datetime.now(UTC)
    stand.router.start()
    records = stand.wait_until_recorded(4 * EACH + 2 * ANSWERED)

    seen = stand.seen()
    entries = assert_owed(stand.database, records)
    were = {call.caller: place_of(call, stale_at, started_at) for call in seen.calls}
    counted = Counter(place.value for place in were.values() if place is not Place.NOWHERE)
    reckon("callers who give up, each place", seen, proof, seed=SEED, commitments=len(entries), **counted)
    assert_records_agree(seen, records)
    wanted = {call.caller: place for place, calls in meant.items() for call in calls}
    assert {caller: (place, were[caller]) for caller, place in wanted.items() if were[caller] is not place} == {}
    fell_back = {record["caller"] for record in records if record["path"] == "fallback"}
    assert {call.caller for call in meant[Place.FALLBACK]} <= fell_back

    customers = {entry.commitment.account: entry.commitment for entry in entries if entry.commitment.account}
    strangers = [entry.commitment for entry in entries if entry.commitment.account is None]
    assert sorted(customers) == [1, 2]
    assert {one.urgency for one in customers.values()} == {EACH // 2}, "one account is owed one call, the more urgent"
    assert {one.owner for one in customers.values()} == {1, 2}
    assert {(one.owner, one.urgency) for one in strangers} == {(None, 1)}
    assert len(strangers) == 4 * EACH - 2 * (EACH // 2)
    assert all(one.caller.startswith(STRANGERS) for one in strangers)
