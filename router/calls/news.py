"""What shall the outside learn of a call?

What was told before is looked at, never remembered: so a call that is told of again, after a restart or from the
journal, brings nothing twice, and what happened while nobody could tell is told late and in its order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from router.calls.call import Call, Ending, Leg
from router.calls.events import Presented
from router.routing.table import Table

# A queue that has rung in vain rings again after a second or so, and the next step's phone rings at once: who is
# without a ringing phone for so long is waiting.
WAITS_AFTER = timedelta(seconds=1)


class CallNews(StrEnum):
    """ringing: somebody's phone rings · waiting: nobody's does, they hear music or ringing · answered by a person
    · handed over to somebody else · ended, also with what was learnt later of how it ended."""

    RINGING = "ringing"
    WAITING = "waiting"
    ANSWERED = "answered"
    HANDED_OVER = "handed_over"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What was told of a call before; `ending` where that was its end."""

    kind: CallNews
    ending: Ending | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """`facts` is what there is to say beyond who called whom, ready for JSON."""

    kind: CallNews
    at: datetime
    facts: dict[str, Any]


def news_of(call: Call, told: Sequence[Told], table: Table, now: datetime) -> tuple[News, ...]:
    """What is new of this call, in order, after what was `told` of it in that order. Raises nothing."""
    kinds = [one.kind for one in told]
    if _is_old(call, kinds):
        return ()
    fresh: list[News] = []

    def last() -> CallNews | None:
        return fresh[-1].kind if fresh else kinds[-1] if kinds else None

    if call.legs and CallNews.RINGING not in kinds and CallNews.ENDED not in kinds:
        fresh.append(_ringing(call.legs[0].began_at, call.legs, table))
    if call.taken_at is not None and CallNews.ANSWERED not in kinds:
        fresh.append(_answered(call.taken_at, call.taken_phone, call.taken_by, table))
    for passing in call.passings[kinds.count(CallNews.HANDED_OVER) :]:
        facts = {"phone": passing.phone, "person": _name(passing.person, table), "to": passing.to, "how": passing.how}
        fresh.append(News(kind=CallNews.HANDED_OVER, at=passing.at, facts=facts))
    if call.ended_at is not None:
        if call.ending is not None and call.ending is not _last_ending(told):
            fresh.append(_ended(call, call.ended_at, table))
        return tuple(fresh)
    rings = [leg for leg in call.legs if leg.ended_at is None]
    if _talks(call):
        if last() is not CallNews.ANSWERED and call.owner_since is not None:
            fresh.append(_answered(call.owner_since, call.owner_phone, call.owner, table))
    elif rings:
        if last() is not CallNews.RINGING:
            fresh.append(_ringing(max(leg.began_at for leg in rings), rings, table))
    elif is_without_phone(call) and last() is not CallNews.WAITING and now - _alone_since(call) >= WAITS_AFTER:
        fresh.append(News(kind=CallNews.WAITING, at=_alone_since(call), facts={}))
    return tuple(fresh)


def is_without_phone(call: Call) -> bool:
    """Whether it took its path and nobody's phone rings for it: after WAITS_AFTER that is news. Raises nothing."""
    rings = any(leg.ended_at is None for leg in call.legs)
    return call.path is not None and call.ended_at is None and not rings and not _talks(call)


def who_called(call: Call, table: Table) -> dict[str, Any]:
    """Which call it is, in names as far as the decision or this table knows them. Raises nothing."""
    if (decision := call.decision) is not None:
        line = decision.line.label if decision.line else None
        account = decision.account.name if decision.account else None
    else:
        known_line = None if call.line is None else table.lines.get(call.line)
        known_account = None if call.account is None else table.account(call.account)
        line = known_line.label if known_line else None
        account = known_account.name if known_account else None
    return {
        "call_id": call.call_id,
        "caller": call.caller if call.presented is Presented.NUMBER else "",
        "account": account,
        "dialled": call.dialled,
        "line": line,
        "arrived_at": call.arrived_at.isoformat(),
    }


def _is_old(call: Call, kinds: Sequence[CallNews]) -> bool:
    """Whether more was told already than this state of the call knows: another router was faster."""
    if call.ended_at is not None:
        return False
    answered = CallNews.ANSWERED in kinds and call.taken_at is None
    return answered or CallNews.ENDED in kinds or kinds.count(CallNews.HANDED_OVER) > len(call.passings)


def _ringing(at: datetime, legs: Sequence[Leg], table: Table) -> News:
    phones = list(dict.fromkeys(leg.phone for leg in legs))
    people = list(dict.fromkeys(name for leg in legs if (name := _name(leg.person, table))))
    return News(kind=CallNews.RINGING, at=at, facts={"phones": phones, "people": people})


def _answered(at: datetime, phone: str | None, person: int | None, table: Table) -> News:
    return News(kind=CallNews.ANSWERED, at=at, facts={"phone": phone, "person": _name(person, table)})


def _ended(call: Call, at: datetime, table: Table) -> News:
    facts = {
        "ended": call.ending,
        "promise": call.promise,
        "phone": call.owner_phone,
        "person": _name(call.owner, table),
        "seconds": round((at - call.arrived_at).total_seconds(), 3),
    }
    return News(kind=CallNews.ENDED, at=at, facts=facts)


def _talks(call: Call) -> bool:
    if call.taken_at is None:
        return False
    return not call.passings or (call.owner_since is not None and call.owner_since > call.passings[-1].at)


def _alone_since(call: Call) -> datetime:
    ends = [leg.ended_at for leg in call.legs if leg.ended_at is not None]
    return max([call.arrived_at, *ends, *(passing.at for passing in call.passings)])


def _last_ending(told: Sequence[Told]) -> Ending | None:
    return next((one.ending for one in reversed(told) if one.kind is CallNews.ENDED), None)


def _name(person: int | None, table: Table) -> str | None:
    known = None if person is None else table.people.get(person)
    return known.name if known else None
