"""Does any answer tell a private number to a key that may not see it?

One number is planted wherever a number can be kept: at a person, in calls and what became of them, in changes,
imports, orders and events. Then every operation is asked with such a key of each role; what is added to the API is
asked as well.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import pytest_asyncio

from router.calls.call import Call, Passing
from router.calls.calling_back import CallBackEnded, Failed, call_back_id
from router.calls.calling_in import call_in_id
from router.calls.events import How
from router.commitments.calling_back import Calling
from router.lab.sample import BUSINESS_LINE, CEDAR, FELIX, LENA, SERVICE
from router.routing.decide import CallFacts, decide
from router.routing.explain import as_json
from router.routing.numbers import read_number
from router.storage import calling_in
from router.storage.access_schema import Role
from router.storage.call_backs import ask_call_back, end, place
from router.storage.database import Transaction
from router.storage.keys import new_key
from router.storage.notices import tell_calls
from router.storage.orders import take
from router.storage.recorder import Recorder
from router.web.admission import DECLARED, may
from router.web.app import description_of_api
from router.web.server import WebServer
from tests.storage.owing import KEEPER, gave_up, only, written
from tests.storage.stories import SOON, after, answered, talking
from tests.web.conftest import Office
from tests.web.following import following, served
from tests.web.operations import named, streams
from tests.web.test_imports import ended, importing, send

CANARY = "+19175550142"
ELSEWHERE = "+16465550142"  # where nobody may be called; as private, in a file that is refused for it
FOLLOWING = 4  # events after the first one
DIGITS = (CANARY[2:], ELSEWHERE[2:])

OPERATIONS = named(description_of_api())
READS = [
    name for name, one in OPERATIONS.items() if name.startswith("GET ") and not streams(one) and "/docs" not in name
]
# What is asked by other methods and answers without changing anything that the next one needs.
ASKED: dict[str, tuple[str, dict[str, Any] | None]] = {
    "POST /api/v1/explain": ("/api/v1/explain", {"caller": CEDAR, "line": BUSINESS_LINE}),
    "POST /api/v1/changes/preview": (
        "/api/v1/changes/preview",
        {"changes": [{"noun": "people", "action": "merge", "id": FELIX, "version": "*", "body": {"state": "away"}}]},
    ),
    "POST /api/v1/people/{id}/leave/preview": (f"/api/v1/people/{FELIX}/leave/preview", {"successors": {"all": LENA}}),
    "POST /api/v1/people/{id}/cover/preview": (
        f"/api/v1/people/{FELIX}/cover/preview",
        {"by_person_id": LENA, "ends_at": "2026-12-01T08:00:00Z"},
    ),
    "PATCH /api/v1/people/{id}": (f"/api/v1/people/{FELIX}", {"email": "felix@example.com"}),
    "POST /api/v1/changes": (
        "/api/v1/changes",
        {"changes": [{"noun": "people", "action": "merge", "id": FELIX, "version": "*", "body": {"email": None}}]},
    ),
    "POST /api/v1/test-calls": ("/api/v1/test-calls", {"caller": CEDAR, "line": BUSINESS_LINE}),
}


@pytest_asyncio.fixture
async def planted(office: Office) -> AsyncIterator[Office]:
    """The number stands wherever it can stand."""
    edits: Sequence[tuple[str, dict[str, Any]]] = (
        (f"/people/{FELIX}", {"ref": "hr-6", "phones": [{"kind": "external", "number": CANARY}]}),
        ("/accounts/2", {"manager_id": FELIX}),
        (f"/desks/{SERVICE}", {"member_ids": [FELIX, 4]}),
    )
    for path, body in edits:
        assert (await office.edit("PATCH", path, body, if_match="*")).status_code == 200
    await plant_calls(office)
    await plant_call_back(office)
    await plant_test_call(office)
    at = "2026-12-31T16:00:00Z"
    leaves = await office.edit("POST", f"/people/{FELIX}/leave", {"at": at, "successors": {"all": LENA}})
    assert leaves.status_code == 200, leaves.text
    async with importing(office):
        file = f"name,phones\nFelix,external:{CANARY[1:]}.0\nGreta,external:{ELSEWHERE}\n"
        begun = await send(office, file.encode(), "text/csv", "noun=people")
        became = await ended(office, begun.json()["id"])
        assert (became["state"], became["faults"]["count"], became["remarks"]["count"]) == ("refused", 1, 1)
    yield office


async def test_no_answer_tells_it_to_a_key_without_the_right_and_each_does_to_one_with_it(planted: Office) -> None:
    sees = await new_key(planted.db, "sees", Role.ADMIN, sees_private=True)
    blind = {role: await new_key(planted.db, "blind", role, sees_private=False) for role in Role}

    async with served(planted) as server:
        told = {role: await told_to(planted, server, role, key) for role, key in blind.items()}
        shown = await told_to(planted, server, Role.ADMIN, sees)

    assert [what for what in told.values() if what] == []
    assert set(shown) >= {
        "GET /api/v1/people", "GET /api/v1/people/{id}", "GET /api/v1/people/by-ref/{ref}", "GET /api/v1/calls",
        "GET /api/v1/calls/{call_id}", "GET /api/v1/commitments/{id}/call-backs", "GET /api/v1/call-backs/{id}",
        "GET /api/v1/test-calls", "GET /api/v1/test-calls/{id}", "GET /api/v1/audit", "GET /api/v1/audit/{id}",
        "GET /api/v1/exports/{noun}.csv", "PATCH /api/v1/people/{id}", "POST /api/v1/changes", "GET /api/v1/events",
    }, "else it was never there"  # fmt: skip


async def told_to(office: Office, server: WebServer, role: Role, key: str) -> dict[str, str]:
    """Which operations tell it to this key, and what they say."""
    found = {}
    for name in (*READS, *ASKED):
        if not may(role, OPERATIONS[name][DECLARED]):
            continue
        for path, body in asked(name):
            answer = await office.ask(name.split()[0], path, role=None, key=key, body=body, if_match="*")
            assert answer.status_code < 500, answer.text
            if any(digits in answer.text for digits in DIGITS):
                found[name] = answer.text
    async with following(server, key) as follower:
        events = [await follower.next()]
    async with following(server, key, last=1) as follower:
        events += await follower.next_of(FOLLOWING)
    told = [event.data for event in events if CANARY in str(event.data)]
    return found | ({"GET /api/v1/events": str(told)} if told else {})


def asked(name: str) -> list[tuple[str, dict[str, Any] | None]]:
    if name in ASKED:
        return [ASKED[name]]
    path = name.split()[1]
    places: dict[str, Sequence[object]] = {
        "id": range(1, 9), "ref": ["hr-6"], "call_id": ["pbx:1.1", "pbx:2.1", TEST_CALL],
        "noun": ["people", "accounts"], "prefix": [], "version": [],
    }  # fmt: skip
    there = [place for place in places if "{%s}" % place in path]  # noqa: UP031
    filled = [path.format(**dict(zip(there, one, strict=True))) for one in product(*(places[place] for place in there))]
    return [(one, None) for one in filled]


# ── How it is planted ────────────────────────────────────────────────────────────────────────────────────────────────


TEST_CALL = call_in_id("pbx", 2, after(0))


def through(call: Call, office: Office) -> Call:
    """The same call of Cedar Bakery, which Felix looks after, at his mobile; he hands it over."""
    assert office.table is not None
    facts = CallFacts(dialled=BUSINESS_LINE, caller=read_number(CEDAR, "US"))
    legs = tuple([replace(leg, phone=CANARY, person=FELIX) for leg in call.legs])
    decision = decide(facts, office.table, after(0))
    passing = Passing(at=after(5), phone=CANARY, person=FELIX, to="Lena", how=How.ORDER)
    return replace(
        call, caller=CEDAR, decision=decision, legs=legs, taken_phone=CANARY, taken_by=FELIX, passings=(passing,)
    )


async def plant_calls(office: Office) -> None:
    async def tell(transaction: Transaction, batch: Sequence[Call]) -> frozenset[str]:
        assert office.table is not None
        return await tell_calls(transaction, batch, office.table, office.now)

    recorder = Recorder(office.db, tell=tell)
    for call in (talking("pbx:1.1"), answered("pbx:2.1")):
        recorder.record(replace(through(call, office), taken_phone=None, taken_by=None, taken_at=None, passings=()))
        await recorder.drain(SOON)
        recorder.record(through(call, office))
    assert await recorder.drain(SOON) == 0


async def plant_call_back(office: Office) -> None:
    await written(office.db, gave_up("pbx:3.1"))
    commitment, _ = await only(office.db)
    assert commitment.id is not None
    assert office.table is not None
    order = await ask_call_back(office.db, "pbx", commitment.id, FELIX, asked_by="Felix", now=after(0))
    await take(office.db, "pbx", after(0))
    phones = office.table.people[FELIX].phones
    wanted = Calling(
        person=FELIX, name="Felix", phones=phones, seconds=20, number=CEDAR, shown=BUSINESS_LINE, display="Call back"
    )
    call_id = call_back_id("pbx", order, after(0))
    over = CallBackEnded(
        call_id=call_id, began_at=after(0), at=after(60), phone=CANARY, taken_at=after(2), called_at=after(2),
        talked_at=None, failed=Failed.BUSY,
    )  # fmt: skip
    async with office.db.writing() as work:
        assert await place(work, order, call_id, wanted, after(0))
    async with office.db.writing() as work:
        await end(work, over, KEEPER, office.table)


async def plant_test_call(office: Office) -> None:
    wanted = calling_in.Wanted(caller=CEDAR, line=BUSINESS_LINE, seconds=30, external=True)
    order = await calling_in.ask_call_in(office.db, "pbx", wanted, per_hour=20, asked_by="nightly", now=after(0))
    assert call_in_id("pbx", order, after(0)) == TEST_CALL
    call = through(answered(TEST_CALL), office)
    assert call.decision is not None
    answered_by = {"kind": "last_resort", "step": 1, "people": [], "sentence": f"In the end {CANARY} is rung."}
    said = {"sentence": "", "walk": [{"name": CANARY}], "answered_by": answered_by, "table_version": 1}
    await calling_in.place(office.db, order, {**said, "decision": as_json(call.decision)}, after(0))
    recorder = Recorder(office.db)
    recorder.record(call)
    assert await recorder.drain(SOON) == 0
