"""A salesperson who also manages a job leaves at noon: who rings before and after, and when they stay after all?

Noon is a moment from now, while calls come in.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from router.lab.asterisk import PrivateAsterisk
from router.lab.configuration import OUTSIDE_PREFIX
from router.lab.scenarios import Answers, Behaviour, PlacedCall
from router.lab.stand import LOOK_EVERY, Stand
from router.lab.witness import Evidence, Heard
from router.routing.model import Account, Desk, Job, Line, LineKind, Person, Phone, PhoneKind
from router.storage.company import Company
from tests.asterisk.conftest import phones_port, slips
from tests.asterisk.reckoning import Record, assert_owed, assert_records_agree, reckon
from tests.proof import Proof, many

pytestmark = pytest.mark.asterisk

EACH = many(2, 25)  # of the three kinds of calls, at each stage of the story
RATE = 6.0  # calls a second
NOON_IN = timedelta(seconds=2)
DONE_WITHIN = 5.0  # seconds after noon; the clock looks every second

COORDINATORS = tuple(f"keeper{number}" for number in range(1, 9))
CLARA, SAM, LENA, IDA = 1, 20, 21, 22
SAMS_DESK, SAMS_MOBILE = "jonas", f"{OUTSIDE_PREFIX}7001"
SAMS_LINE, BUSINESS_LINE = "+12125550171", "+12125550170"
SAMS_ACCOUNT, SAMS_JOB, STRANGERS = "+164677101", "+164677202", "+134755503"  # how callers begin


def _desk_phone(person: int, endpoint: str) -> Phone:
    return Phone(id=person, person=person, kind=PhoneKind.DESK, endpoint=endpoint, call_waiting=True)


COMPANY = Company(
    people=(
        *(
            Person(id=id_, name=name.title(), phones=(_desk_phone(id_, name),))
            for id_, name in enumerate(COORDINATORS, CLARA)
        ),
        Person(
            id=SAM,
            name="Sam",
            phones=(
                _desk_phone(SAM, SAMS_DESK),
                Phone(id=90, person=SAM, kind=PhoneKind.EXTERNAL, number=SAMS_MOBILE, call_waiting=True),
            ),
        ),
        Person(id=LENA, name="Lena", phones=(_desk_phone(LENA, "lena"),)),
        Person(id=IDA, name="Ida", phones=(_desk_phone(IDA, "ida"),)),
    ),
    desks=(Desk(id=1, name="Coordinators", slot=3, safety_net=True, members=tuple(range(1, len(COORDINATORS) + 1))),),
    lines=(
        Line(id=1, number=BUSINESS_LINE, label="Business", kind=LineKind.BUSINESS, desk=1),
        Line(id=2, number=SAMS_LINE, label="Sales Sam", kind=LineKind.SALESPERSON, person=SAM, desk=1),
    ),
    accounts=(Account(id=1, name="Birch", manager=SAM), Account(id=2, name="Cedar", manager=IDA)),
    numbers=((int(SAMS_ACCOUNT), True, 1), (int(SAMS_JOB), True, 2)),
    jobs=(Job(id=1, account=2, title="Roof", manager=SAM, salesperson=SAM),),
)

BEHAVIOURS: dict[str, Behaviour] = {
    **{name: Answers(after=0.1 + 0.05 * place) for place, name in enumerate(COORDINATORS)},
    SAMS_DESK: Answers(after=0.6),
    SAMS_MOBILE: Answers(after=5.0, keys="1"),  # rings until the desk phone is lifted
    "lena": Answers(after=0.2),
    "ida": Answers(after=0.2),
}


@pytest.fixture
def stand(pbx: PrivateAsterisk, folder: Path) -> Iterator[Stand]:
    stand = Stand(
        folder,
        pbx,
        f"sqlite:///{folder}/router.db",
        COMPANY,
        phones_port=phones_port(pbx),
        outside_port=pbx.lab.outside_port,
        behaviours=BEHAVIOURS,
        settings={"ROUTER_EXTERNAL_PREFIXES": OUTSIDE_PREFIX, "ROUTER_COMMITMENT_GAVE_UP_SECONDS": "0"},
    )
    with stand:
        yield stand
    assert slips(stand.router.log_file) == []


def test_from_noon_on_nothing_rings_who_left_and_what_was_theirs_is_in_other_hands(
    stand: Stand, quiet: list[str], proof: Proof
) -> None:
    missed = PlacedCall(caller=f"{SAMS_ACCOUNT}999", dialled=BUSINESS_LINE, gives_up=0.2)
    stand.place([missed, *calls(100)], RATE)
    records = stand.wait_until_recorded(1 + 3 * EACH)
    assert owner(stand, records) == SAM

    noon = datetime.now(UTC) + NOON_IN
    agreed = ask(stand, "leave", {"at": noon.isoformat(), "successors": {"all": LENA}})
    assert (agreed["state"], agreed["left_behind"]) == ("planned", 0)
    over_noon = int(NOON_IN.total_seconds() + 2)  # seconds of calls
    stand.place(calls(200, each=2 * over_noon), RATE)
    wait_until(stand, "done")
    stand.place(calls(300), RATE)
    records = stand.wait_until_recorded(1 + 6 * EACH + 6 * over_noon)
    assert owner(stand, records) == LENA

    assert ask(stand, "leave/undo", {})["state"] == "undone"
    stand.place(calls(400), RATE)
    records = stand.wait_until_recorded(1 + 9 * EACH + 6 * over_noon)
    assert owner(stand, records) == SAM

    seen = stand.seen()
    after_noon = [record for record in records if noon <= arrived(record) and record["caller"][-3:] < "400"]
    rang = [record["caller"] for record in after_noon if rings_sam(seen.of(record["caller"]))]
    reckon("a salesperson leaves at noon, and stays after all", seen, proof, after_noon=len(after_noon))
    assert_records_agree(seen, records)
    assert rang == []
    assert len(after_noon) > 3 * EACH, "some of the calls that came in over noon came after it"
    for stage, whose in ((100, SAMS_DESK), (300, "lena"), (400, SAMS_DESK)):
        assert answered(seen, SAMS_ACCOUNT, stage) == {whose}, stage
        assert answered(seen, SAMS_JOB, stage) == {whose}, stage
        assert answered(seen, STRANGERS, stage) <= set(COORDINATORS), stage
    assert all(rings_sam(seen.of(f"{SAMS_ACCOUNT}{number}")) for number in (100, 400)), "on both of his phones"


def calls(first: int, each: int = EACH) -> list[PlacedCall]:
    """So many strangers to the salesperson's line, customers of theirs, and customers of the job, by turns."""
    return [
        PlacedCall(caller=f"{begins}{first + number}", dialled=line, talks=0.1)
        for number in range(each)
        for begins, line in ((STRANGERS, SAMS_LINE), (SAMS_ACCOUNT, BUSINESS_LINE), (SAMS_JOB, BUSINESS_LINE))
    ]


def rings_sam(call: Heard) -> bool:
    return bool({SAMS_DESK, SAMS_MOBILE} & set(call.phones))


def answered(seen: Evidence, begins: str, stage: int) -> set[str]:
    return {phone for number in range(EACH) for phone in seen.of(f"{begins}{stage + number}").answered_by}


def owner(stand: Stand, records: list[Record]) -> int | None:
    """Who owes the one customer a call who gave up."""
    (entry,) = assert_owed(stand.database, records)
    return entry.commitment.owner


def arrived(record: Record) -> datetime:
    return datetime.fromisoformat(record["arrived_at"])


def ask(stand: Stand, path: str, body: object) -> Any:
    return stand.router.post(f"/api/v1/people/{SAM}/{path}", body)


def wait_until(stand: Stand, state: str) -> None:
    deadline = time.monotonic() + DONE_WITHIN
    while stand.router.get(f"/api/v1/people/{SAM}/leave")["state"] != state:
        assert time.monotonic() < deadline, stand.router.last_words()
        time.sleep(LOOK_EVERY)
