"""What became of every call, and does everything hold that must?"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from router.lab.witness import Evidence, Heard, Rung
from tests.asterisk.reckoning import Record, disagreement
from tests.chaos.company import GAVE_UP_SECONDS, account_of
from tests.chaos.faults import Struck
from tests.chaos.schedule import Kind
from tests.chaos.traffic import PATIENCE, WITHHELD, WITHHELD_EVERY

OFFERED_AT_LEAST = 0.98  # of the calls that should have been placed by the end of the time
LATE = timedelta(seconds=3)  # by which the last call may be placed late: starting the callers takes as long when busy
NAMED = 8  # examples of one complaint; the first few say what is wrong
# By which the PBX may hear of a call later than its caller placed it, so that withheld ones can be told apart by time.
HEARD_WITHIN = timedelta(seconds=WITHHELD_EVERY / 2)
CROSSES_WITHIN = timedelta(seconds=0.5)  # a phone's answer and the caller's hang-up; milliseconds, unless one swaps
KEPT_BY = timedelta(seconds=20)  # of talk: what the router takes when nothing else is set
FELT_FOR = timedelta(seconds=2)  # after the router is ready again: one heartbeat


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """One commitment: the ids of its calls, and how it was closed, if it was."""

    calls: tuple[str, ...]
    closed: bool = False
    kept_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Everything that was seen of one run, by whichever witness.

    `planned` calls should have been placed from `began_at` on within `seconds`; more came if the faults took longer.
    `patient` are the callers who should never have had to give up. Each kind of fault had to strike `each` times.
    `trouble` was told on the way, and so were `notes`, which are worth knowing but nobody's fault.
    """

    planned: int
    seconds: float
    each: int
    began_at: datetime
    patient: frozenset[str]
    seen: Evidence
    records: Sequence[Record]
    struck: Sequence[Struck]
    trouble: Sequence[str] = ()
    notes: Sequence[str] = ()
    owed: Collection[Owed] = ()
    stopped_early: bool = False

    @property
    def in_time(self) -> int:
        """How many calls were placed within the time."""
        end = self.began_at + timedelta(seconds=self.seconds) + LATE
        return sum(1 for call in self.seen.calls if call.placed.invited_at <= end)


@dataclass(slots=True, kw_only=True)
class DuringFaults:
    """What happened while one kind of fault was felt: until one heartbeat after the router was ready again."""

    times: int = 0
    seconds: float = 0.0
    longest_ready: float = 0.0
    offered: int = 0
    answered: int = 0
    gave_up: int = 0
    paths: Counter[str] = field(default_factory=Counter)


def complaints(outcome: Outcome) -> list[str]:
    """What doesn't hold, in words; nothing when all is well."""
    return [
        *outcome.trouble,
        *_short_of_calls(outcome),
        *_short_of_faults(outcome),
        *_lost_or_twice(outcome.seen, outcome.patient),
        *_wrong_records(outcome.seen, outcome.records),
        *_wrong_commitments(outcome),
    ]


def _short_of_calls(outcome: Outcome) -> Iterator[str]:
    needed = OFFERED_AT_LEAST * outcome.planned
    if outcome.stopped_early:
        yield f"stopped early: {outcome.seen.offered} of {outcome.planned} calls were offered"
    elif outcome.in_time < needed:
        yield (
            f"only {outcome.in_time} of {outcome.planned} calls were offered in time ({outcome.seen.offered} in all):"
            " this machine couldn't keep up with the rate"
        )


def _short_of_faults(outcome: Outcome) -> Iterator[str]:
    last = max((call.placed.invited_at for call in outcome.seen.calls), default=outcome.began_at)
    if outcome.stopped_early:
        return
    # a fault that came when no more calls did proves nothing
    times = Counter(struck.kind for struck in outcome.struck if struck.began_at <= last)
    for kind in Kind:
        if times[kind] < outcome.each:
            yield f"{kind}: struck {times[kind]} times instead of {outcome.each}"


def _lost_or_twice(seen: Evidence, patient: frozenset[str]) -> Iterator[str]:
    """offered = answered + given up: whoever is neither is lost, and so is a patient caller who had to give up."""
    yield from _some("lost: neither answered nor given up", seen.lost)
    yield from _some("answered twice", seen.twice)
    left = [call for call in seen.calls if call.gave_up and call.caller in patient]
    yield from _some(f"not answered in {PATIENCE:.0f} s, although people were free", left)
    if seen.strangers:
        who = ", ".join(f"{leg.phone} for {leg.caller}" for leg in seen.strangers[:NAMED])
        yield f"{len(seen.strangers)} phones were rung for nobody who called: {who}"
    if seen.offered != seen.answered + seen.gave_up:
        yield f"{seen.offered} offered are not {seen.answered} answered + {seen.gave_up} given up"


def _wrong_records(seen: Evidence, records: Sequence[Record]) -> Iterator[str]:
    """Each call has one record, also one that ended while nobody could write it, and both sides tell the same."""
    pairs, without, left_over = paired(seen, records)
    yield from _some("no record of a call", [call for call in without if not gone_before_it_rang(call)])
    if left_over:
        what = ", ".join(f"{record['call_id']} of {record['caller'] or WITHHELD}" for record in left_over[:NAMED])
        yield f"{len(left_over)} records of no call: {what}"
    wrong = [found for call, record in pairs if (found := _contradiction(call, record) or _misplaced(call, record))]
    if wrong:
        yield f"{len(wrong)} records differ from what the phones saw: " + "; ".join(wrong[:NAMED])


def gone_before_it_rang(call: Heard) -> bool:
    """Whether the caller's CANCEL may have overtaken the dialplan: it never rang, for the caller or for anybody.

    On a busy machine Asterisk may not have run a step of it in the moments after which some callers hang up. Who was
    there so shortly is owed nothing; such calls are counted. Until when they were there, their CANCEL tells: its answer
    may come late.
    """
    placed = call.placed
    if not placed.hung_up or placed.rang_at is not None or placed.answered_at is not None or call.rung:
        return False
    gone = next((message.at for message in placed.messages if message.method == "CANCEL"), placed.ended_at)
    return gone is not None and gone - placed.invited_at < timedelta(seconds=GAVE_UP_SECONDS)


def paired(seen: Evidence, records: Sequence[Record]) -> tuple[list[tuple[Heard, Record]], list[Heard], list[Record]]:
    """Each call with its record, the calls without one, and the records of no call.

    A number calls once; calls of withheld callers are told apart by their time.
    """
    of_caller: dict[str, list[Record]] = {}
    for record in sorted(records, key=lambda record: str(record["arrived_at"])):
        of_caller.setdefault(record["caller"] or WITHHELD, []).append(record)
    pairs, without = [], []
    for call in seen.calls:
        waiting = of_caller.get(call.caller, [])
        mine = next((record for record in waiting if call.caller != WITHHELD or _at_that_time(call, record)), None)
        if mine is None:
            without.append(call)
        else:
            waiting.remove(mine)
            pairs.append((call, mine))
    return pairs, without, [record for waiting in of_caller.values() for record in waiting]


def _at_that_time(call: Heard, record: Record) -> bool:
    return abs(datetime.fromisoformat(record["arrived_at"]) - call.placed.invited_at) < HEARD_WITHIN


def _contradiction(call: Heard, record: Record) -> str | None:
    """How the record contradicts the witnesses. Whether a person had a call that was given up in the moment in which a
    phone answered, PBX and phone may see differently."""
    if not (call.placed.hung_up and call.placed.answered_at is None):
        return disagreement(call, record)
    crossed = {leg.phone for leg in call.rung if _crossed(call, leg)}
    unanswered = [replace(leg, answered_at=None) if leg.phone in crossed else leg for leg in call.rung]
    return disagreement(replace(call, rung=tuple(unanswered)), _as_given_up(record, crossed))


def _crossed(call: Heard, leg: Rung) -> bool:
    gone = next((message.at for message in call.placed.messages if message.method == "CANCEL"), None)
    took = leg.accepted_at if leg.phone.startswith("+") else leg.answered_at  # a mobile takes a call by its key
    return gone is not None and took is not None and abs(took - gone) < CROSSES_WITHIN


def _as_given_up(record: Record, crossed: Collection[str]) -> Record:
    """The record as if none of these phones had taken the call."""
    legs = [{**leg, "result": "cancelled"} if _was_taken(leg, crossed) else leg for leg in record["legs"]]
    if record["taken_phone"] not in crossed:
        return {**record, "legs": legs}
    return {**record, "taken_phone": None, "ended": "gave_up", "legs": legs}


def _was_taken(leg: Record, by: Collection[str]) -> bool:
    return leg["result"] == "answered" and leg["phone"] in by


def _misplaced(call: Heard, record: Record) -> str | None:
    account = account_of(call.caller)
    if record["account_id"] != account or record["line_id"] is None:
        return f"{call.caller}: of account {account}, recorded {record['account_id']} on line {record['line_id']}"
    return None


def _wrong_commitments(outcome: Outcome) -> Iterator[str]:
    """Each call that reached nobody stands on one commitment, and no other call does.

    They are open, since nobody here talks for so long that it keeps one. Only with a caller who vanished, as in a power
    cut, may a phone do so until somebody ends that talk. What it kept had been owed, and counts as that.
    """
    pairs, _, _ = paired(outcome.seen, outcome.records)
    long = {record["call_id"] for call, record in pairs if _talked_long(call)}
    closed = [one for one in outcome.owed if one.closed and one.kept_by not in long]
    if closed:
        what = ", ".join(f"that of {one.calls} by {one.kept_by or 'nobody'}" for one in closed[:NAMED])
        yield f"{len(closed)} commitments were closed, although nobody had kept them: {what}"
    owed = Counter(call for one in outcome.owed for call in one.calls)
    wrong = []
    for record in outcome.records:
        times, wanted = owed.pop(record["call_id"], 0), int(_is_owed(record))
        if times != wanted:
            wrong.append(f"{record['call_id']} ({record['ended']}) on {times} instead of {wanted}")
    wrong += [f"{call_id}, which is no call," for call_id in owed]
    if wrong:
        yield f"{len(wrong)} calls stand on the wrong number of commitments: " + "; ".join(wrong[:NAMED])


def _talked_long(call: Heard) -> bool:
    """Whether a phone had it for so long that this keeps what is owed."""
    talks = (leg.ended_at - leg.answered_at for leg in call.rung if leg.answered_at and leg.ended_at)
    return max(talks, default=timedelta()) >= KEPT_BY


def _is_owed(record: Record) -> bool:
    if record["ended"] != "gave_up":
        return record["ended"] in ("lost", "promised")
    lasted = datetime.fromisoformat(record["ended_at"]) - datetime.fromisoformat(record["arrived_at"])
    return lasted >= timedelta(seconds=GAVE_UP_SECONDS)


def by_kind(outcome: Outcome) -> dict[Kind, DuringFaults]:
    """What happened to the calls that came in while each kind of fault held."""
    found = {kind: DuringFaults() for kind in Kind}
    pairs, _, _ = paired(outcome.seen, outcome.records)
    for struck in outcome.struck:
        during = found[struck.kind]
        during.times += 1
        during.seconds += (struck.mended_at - struck.began_at).total_seconds()
        during.longest_ready = max(during.longest_ready, (struck.ready_at - struck.mended_at).total_seconds())
        for call, record in pairs:
            if struck.began_at <= call.placed.invited_at <= struck.ready_at + FELT_FOR:
                during.offered += 1
                during.answered += call.placed.answered_at is not None
                during.gave_up += call.gave_up
                during.paths[record["path"] or "none"] += 1
    return found


def figures(outcome: Outcome) -> dict[str, Any]:
    """What is printed and written."""
    seen = outcome.seen
    return {
        "planned": outcome.planned,
        "offered": seen.offered,
        "offered_in_time": outcome.in_time,
        "gone_before_it_rang": sum(map(gone_before_it_rang, paired(seen, outcome.records)[1])),
        "answered": seen.answered,
        "gave_up": seen.gave_up,
        "lost": len(seen.lost),
        "twice": len(seen.twice),
        "records": len(outcome.records),
        "calls_on_commitments": sum(len(one.calls) for one in outcome.owed),
        "commitments_kept": sum(one.closed for one in outcome.owed),
        "paths": dict(Counter(record["path"] or "none" for record in outcome.records)),
        "longest_until_a_phone_rang_ms": round(max((call.intercept_ms or 0.0 for call in seen.calls), default=0.0), 1),
        "struck": dict(Counter(str(struck.kind) for struck in outcome.struck)),
    }


def _some(what: str, calls: Sequence[Heard]) -> Iterator[str]:
    if calls:
        named = ", ".join(f"{call.caller} at {call.placed.invited_at:%H:%M:%S.%f}" for call in calls[:NAMED])
        yield f"{len(calls)} × {what}: {named}"
