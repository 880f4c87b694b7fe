"""Do the phones and the records tell the same story, and does the account close?"""

import asyncio
from typing import Any

from router.lab.witness import Evidence, Heard
from router.storage.commitments import Entry, list_entries
from router.storage.database import Database
from tests.proof import Proof, Tally

Record = dict[str, Any]

NEVER_RANG = ("unreachable", "capped", "forbidden")


def reckon(story: str, seen: Evidence, proof: Proof, *, promised: int = 0, **facts: float | int | str) -> Tally:
    """Write down what became of every call of this story, and insist that none was lost and none answered twice.

    `promised` callers must have been let go by the PBX, and no others: SIP alone doesn't tell a promise from a slip.
    """
    tally = Tally(
        story=story,
        offered=seen.offered,
        answered=seen.answered,
        given_up=seen.gave_up,
        promised=seen.let_go,
        lost=len(seen.lost),
        twice=len(seen.twice),
        facts=facts,
    )
    proof.add(tally)
    assert seen.lost == ()
    assert seen.twice == ()
    assert seen.strangers == ()
    assert tally.promised == promised
    assert tally.closes
    return tally


def assert_records_agree(seen: Evidence, records: list[Record]) -> None:
    """Each call has one record, and it says what the phones saw: who rang, who took it, and how it ended."""
    by_caller = {record["caller"] or "anonymous": record for record in records}
    assert sorted(by_caller) == sorted(call.caller for call in seen.calls)
    assert len(records) == seen.offered
    wrong = [found for call in seen.calls if (found := disagreement(call, by_caller[call.caller]))]
    assert wrong == [], wrong


def assert_owed(database: str, records: list[Record]) -> tuple[Entry, ...]:
    """Each call that nobody took stands on one open commitment, and no other call does; returns all that is owed.

    For stories whose talks are too short to keep anything, with ROUTER_COMMITMENT_GAVE_UP_SECONDS at 0.
    """

    async def owed() -> tuple[Entry, ...]:
        db = Database(database)
        try:
            return await list_entries(db)
        finally:
            await db.close()

    entries = asyncio.run(owed())
    reached_nobody = sorted(record["call_id"] for record in records if record["ended"] != "answered")
    ours = {record["call_id"] for record in records}  # the PBX's journal also tells of calls of the stories before
    assert sorted(call for entry in entries for call in entry.calls if call in ours) == reached_nobody
    return entries


def disagreement(call: Heard, record: Record) -> str | None:
    """How the record contradicts the witnesses, or None."""
    taken = record["taken_phone"]
    if call.answered_by != ((taken,) if taken else ()):
        return f"{call.caller}: answered by {call.answered_by}, recorded {taken}"
    ended = "answered" if call.answered_by else "promised" if call.let_go else "gave_up"
    if record["ended"] != ended:
        return f"{call.caller}: {ended}, recorded {record['ended']}"
    if record["dialled"] != call.placed.dialled:
        return f"{call.caller}: dialled {call.placed.dialled}, recorded {record['dialled']}"
    # a trunk is told to ring a number that turns out to be unreachable: it saw that, and nobody rang
    unreachable = {leg["phone"] for leg in record["legs"] if leg["result"] == "unreachable" and leg["phone"][0] == "+"}
    rang = sorted(phone for phone in call.phones if phone not in unreachable)
    legs = sorted(leg["phone"] for leg in record["legs"] if leg["result"] not in NEVER_RANG)
    if rang != legs:
        return f"{call.caller}: rang {rang}, recorded {legs}"
    answered = [leg["phone"] for leg in record["legs"] if leg["result"] == "answered"]
    if answered != list(call.answered_by):
        return f"{call.caller}: answered by {call.answered_by}, legs say {answered}"
    if any(leg["ended_at"] is None for leg in record["legs"]):
        return f"{call.caller}: a leg has no end"
    return None
