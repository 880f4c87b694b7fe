"""Which event of ours is this message?

Every field is measured against what the dialplan can have written; anything else is no event. Nothing here raises.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar

from router.ami import dialplan
from router.ami.outbound import ENDPOINT, UNIQUEID
from router.calls.calling_back import CallBackEnded, CallBackEvent, CallBackNews, Failed, What, is_call_back
from router.calls.events import (
    CallArrived,
    CallEnded,
    CallTaken,
    Code,
    CodeDialled,
    HandedOver,
    How,
    LegBegan,
    LegEnded,
    LegResult,
    MemberSeen,
    Path,
    PathTaken,
    PbxEvent,
    Presented,
    Promised,
    Slot,
    TransferAsked,
)
from router.routing.model import Strategy

Fields = Mapping[str, str]

CHANNEL = re.compile(r"[A-Za-z0-9@/_.:;+-]{1,160}")

_NUMBER = re.compile(r"[+0-9]{0,32}")
_LEG = re.compile(r"[A-Za-z0-9._+-]{1,200}")
_AT = re.compile(r"[0-9]{9,10}(?:\.[0-9]{1,6})?")
_DIGITS = re.compile(r"[0-9]{0,4}")
_STEP = re.compile(r"[0-9]{1,4}")
_CAUSE = re.compile(r"[0-9]{1,3}")
_SHORT = re.compile(r"[0-9]{1,16}")
_HANDED_TO = re.compile(rf"p(?P<person>[0-9]{{1,10}})|d(?P<desk>[0-9]{{1,10}})|{dialplan.BACK}")
_WORD = re.compile(r"[A-Za-z -]{0,20}")
_JOURNAL_KEY = re.compile(rf"/{dialplan.DB_ENDED}[0-6]/[0-9]{{2}}/[0-9]{{2}}/([^/]+)(?:/([^/]+))?")
_MEMBER = re.compile(rf"Local/({ENDPOINT.pattern})@{dialplan.CONTEXT_MEMBER}/n")

JOURNAL_VERSION = "1"  # of legs; and of calls that ended before a dialplan of version 2 was loaded
CALL_VERSION = "2"  # a call's end tells two things more: a promise, and who took it last
EXTERNAL_LEG_VERSION = "2"  # a leg that was asked for a key tells two things more
CALL_BACK_JOURNAL = "b1"
KEYS = frozenset({"", "1", "2", "none", "left", "stopped", "asked"})
AT_ONCE = 1.0  # seconds; a mobile that is on rings for longer than that, a diverted or switched off one doesn't

# A leg that rang this little less than its step allowed (seconds) has rung its full time: Dial counts from another
# moment than the leg does.
NEARLY = 0.5

# Q.850 causes. 19 is also what a phone's "temporarily unavailable" (SIP 480) becomes.
BUSY = 17
NO_ANSWER = 19
REJECTED = 21  # also SIP 603, which DIALSTATUS calls CHANUNAVAIL like an unreachable phone
ANSWERED_ELSEWHERE = 26
# SIP 487: the caller hung up, and Dial passes their cause on to the phones that rang. Refusals that no telephone sends
# (SIP 405, 415, 420 …) look the same.
CALLER_GONE = 127
# Below 32: unknown number, no route, no response at all (18 is SIP 408: the phone is gone), absent, number changed, out
# of order, malformed number, facility rejected. From 32 on all are faults of the network, of a resource or of protocol.
UNREACHABLE = frozenset({1, 2, 3, 5, 6, 8, 18, 20, 22, 23, 25, 27, 28, 29}) | frozenset(range(32, CALLER_GONE))


def read_event(fields: Fields, *, pbx: str, skew: float) -> PbxEvent | None:
    """The event that a UserEvent of ours tells; None when a field can't be, or the event is unknown.

    `skew` is the PBX's clock minus ours, in seconds: what to take off its times.
    """
    try:
        return _event(fields, pbx, skew)
    except _Impossible:
        return None


def of_call_back(fields: Fields) -> bool:
    """Whether this UserEvent of ours tells of a call-back, which is no call."""
    return is_call_back(f":{fields.get('call', '')}")


def read_call_back(fields: Fields, *, pbx: str, skew: float) -> CallBackEvent | None:
    """What a UserEvent tells of a call-back; None as in read_event, and for what its phones tell besides."""
    try:
        return _call_back_event(fields, pbx, skew)
    except _Impossible:
        return None


def read_journal(key: str, value: str, *, pbx: str, skew: float) -> CallEnded | LegEnded | CallBackEnded | None:
    """The end that an entry of the journal tells (`key` as DBGetTree gives it); None as in read_event."""
    found = _JOURNAL_KEY.fullmatch(key)
    if found is None:
        return None
    uniqueid, leg = found.groups()
    try:
        if leg is None and is_call_back(f":{uniqueid}"):
            return _call_back_ended(f"{pbx}:{_match(UNIQUEID, uniqueid)}", value, skew)
        if leg is None:
            return _call_ended(f"{pbx}:{_match(UNIQUEID, uniqueid)}", value, skew)
        return _leg_ended(f"{pbx}:{_match(UNIQUEID, uniqueid)}", leg, value, skew)
    except _Impossible:
        return None


def read_member(fields: Fields, *, strategy: Strategy, slot: int) -> MemberSeen | None:
    """The member that one item of QueueStatus describes; None when it has no usable name."""
    member = fields.get("location", "")
    if not member or len(member) > 200:
        return None
    found = _MEMBER.fullmatch(member)
    return MemberSeen(
        strategy=strategy,
        slot=slot,
        endpoint=found[1] if found else None,
        member=member,
        paused=fields.get("paused") == "1",
    )


def leg_result(*, state: str, cause: int, seconds: float, limit: float | None) -> LegResult:
    """What became of a leg: `state` and Q.850 `cause` at its end, after ringing `seconds` of at most `limit`."""
    if state == "Up":
        return LegResult.ANSWERED
    if state == "InUse" or cause == BUSY:
        return LegResult.BUSY
    if cause == REJECTED:
        return LegResult.REFUSED
    if state == "Unreachable" or cause in UNREACHABLE:
        return LegResult.UNREACHABLE
    if cause in (ANSWERED_ELSEWHERE, CALLER_GONE):
        return LegResult.CANCELLED
    if cause == NO_ANSWER or (limit is not None and seconds >= limit - NEARLY):
        return LegResult.NO_ANSWER
    return LegResult.CANCELLED


def external_result(unscreened: LegResult, *, state: str, key: str, picked_up: bool) -> LegResult:
    """What became of an external leg; `unscreened` is what leg_result made of it, all there is if nobody answered."""
    if state == "Capped":
        return LegResult.CAPPED
    if state == "Forbidden":
        return LegResult.FORBIDDEN
    if state == "Returned" and not picked_up:
        return LegResult.RETURNED
    if state == "Ended" and not picked_up and unscreened is LegResult.CANCELLED:
        return LegResult.REFUSED  # nobody cancelled it: it sent the call elsewhere (SIP 302), which is never followed
    if state == "Up" or not picked_up:
        return unscreened
    pressed = {
        "1": LegResult.TOO_LATE,
        "2": LegResult.REFUSED,
        "none": LegResult.NO_KEY,
        "left": LegResult.HUNG_UP_IN_PROMPT,
    }
    return pressed.get(key, LegResult.CANCELLED)


class _Impossible(Exception):
    """A field that the dialplan can't have written."""


def _event(fields: Fields, pbx: str, skew: float) -> PbxEvent:
    uniqueid = _match(UNIQUEID, fields.get("call"))
    call_id = f"{pbx}:{uniqueid}"
    match fields.get("userevent"):
        case dialplan.EVENT_ARRIVED:
            presented = _one_of(Presented, fields.get("presented"))
            # The event's own channel is the caller's: it is the one the plan goes to.
            if fields.get("uniqueid") != uniqueid:
                raise _Impossible
            return CallArrived(
                call_id=call_id,
                channel=_match(CHANNEL, fields.get("channel")),
                dialled=_match(_NUMBER, fields.get("dialled")),
                caller=_caller(fields.get("caller"), presented),
                presented=presented,
                at=_at(fields.get("at"), skew),
            )
        case dialplan.EVENT_PATH:
            return PathTaken(
                call_id=call_id,
                path=_one_of(Path, fields.get("path")),
                why=_match(_WORD, fields.get("why")),
                at=_at(fields.get("at"), skew),
            )
        case dialplan.EVENT_LEG_BEGUN:
            return LegBegan(
                call_id=call_id,
                leg=_match(_LEG, fields.get("leg")),
                step=_step(fields.get("step")),
                phone=_match(ENDPOINT, fields.get("phone")),
                at=_at(fields.get("at"), skew),
            )
        case dialplan.EVENT_TAKEN:
            return CallTaken(
                call_id=call_id,
                step=_step(fields.get("step")),
                phone=_match(ENDPOINT, fields.get("phone")),
                slot=_slot(fields.get("queue", "")),
                at=_at(fields.get("at"), skew),
            )
        case dialplan.EVENT_PRESENCE:
            if fields.get("uniqueid") != uniqueid:
                raise _Impossible
            return CodeDialled(
                call_id=call_id,
                channel=_match(CHANNEL, fields.get("channel")),
                phone=_match(ENDPOINT, fields.get("phone")),
                code=_one_of(Code, fields.get("code")),
                digits=_match(_DIGITS, fields.get("digits")),
                at=_at(fields.get("at"), skew),
            )
        case dialplan.EVENT_LEG_ENDED:
            return _leg_ended(call_id, fields.get("leg"), fields.get("journal"), skew)
        case dialplan.EVENT_ENDED:
            return _call_ended(call_id, fields.get("journal"), skew)
        case dialplan.EVENT_TRANSFER:
            phone, to = fields.get("phone"), fields.get("to")
            return TransferAsked(
                call_id=call_id,
                phone=_match(ENDPOINT, phone) if phone else "",
                to=_match(_SHORT, to) if to else "",
                at=_at(fields.get("at"), skew),
            )
        case dialplan.EVENT_HANDED_OVER:
            phone, found = fields.get("from"), _HANDED_TO.fullmatch(fields.get("to", ""))
            if found is None:
                raise _Impossible
            return HandedOver(
                call_id=call_id,
                phone=_match(ENDPOINT, phone) if phone else "",
                to_person=int(found["person"]) if found["person"] else None,
                to_desk=int(found["desk"]) if found["desk"] else None,
                how=_one_of(How, fields.get("how")),
                step=_step(fields.get("step")),
                at=_at(fields.get("at"), skew),
            )
        case _:
            raise _Impossible


def _call_back_event(fields: Fields, pbx: str, skew: float) -> CallBackEvent:
    call_id = f"{pbx}:{_match(UNIQUEID, fields.get('call'))}"
    if fields.get("userevent") == dialplan.EVENT_CALL_BACK_ENDED:
        return _call_back_ended(call_id, fields.get("journal"), skew)
    at = _at(fields.get("at"), skew)
    match fields.get("userevent"):
        case dialplan.EVENT_CALL_BACK:
            return CallBackNews(call_id=call_id, what=_one_of(What, fields.get("what")), phone="", at=at)
        case dialplan.EVENT_TAKEN:
            phone = _match(ENDPOINT, fields.get("phone"))
            return CallBackNews(call_id=call_id, what=What.TAKEN, phone=phone, at=at)
        case _:
            raise _Impossible


def _call_back_ended(call_id: str, journal: str | None, skew: float) -> CallBackEnded:
    began, phone, taken, called, talked, ended, failed = _parts(journal, 7, CALL_BACK_JOURNAL)
    return CallBackEnded(
        call_id=call_id,
        began_at=_at(began, skew),
        phone=_match(ENDPOINT, phone) if phone else None,
        taken_at=_at(taken, skew) if taken else None,
        called_at=_at(called, skew) if called else None,
        talked_at=_at(talked, skew) if talked else None,
        at=_at(ended, skew),
        failed=_one_of(Failed, failed) if failed else None,
    )


def _call_ended(call_id: str, journal: str | None, skew: float) -> CallEnded:
    version, count = (CALL_VERSION, 11) if (journal or "").startswith(f"{CALL_VERSION}~") else (JOURNAL_VERSION, 9)
    arrived, dialled, caller, shown, path, phone, taken, ended, cause, *more = _parts(journal, count, version)
    promise, owner = more or ("", phone)
    presented = _one_of(Presented, shown)
    return CallEnded(
        call_id=call_id,
        dialled=_match(_NUMBER, dialled),
        caller=_caller(caller, presented),
        presented=presented,
        arrived_at=_at(arrived, skew),
        path=_one_of(Path, path),
        phone=_match(ENDPOINT, phone) if phone else None,
        taken_at=_at(taken, skew) if taken else None,
        at=_at(ended, skew),
        cause=_cause(cause),
        promise=_one_of(Promised, promise) if promise else None,
        owner=_match(ENDPOINT, owner) if owner else None,
    )


def _leg_ended(call_id: str, leg: str | None, journal: str | None, skew: float) -> LegEnded:
    external = (journal or "").startswith(f"{EXTERNAL_LEG_VERSION}~")
    version, count = (EXTERNAL_LEG_VERSION, 9) if external else (JOURNAL_VERSION, 7)
    step, phone, began, ended, state, cause, limit, *screened = _parts(journal, count, version)
    at = _at(ended, skew)
    began_at = _at(began, skew) if began else at
    result = leg_result(
        state=_match(_WORD, state),
        cause=_cause(cause),
        seconds=(at - began_at).total_seconds(),
        limit=_step(limit) if limit else None,
    )
    maybe_machine = False
    if external:
        answered, key = screened
        picked_up = (_at(answered, skew) - began_at).total_seconds() if answered else None
        result = external_result(result, state=state, key=_key(key), picked_up=picked_up is not None)
        maybe_machine = _maybe_machine(result, picked_up)
    return LegEnded(
        call_id=call_id,
        leg=_match(_LEG, leg),
        step=_step(step),
        phone=_match(ENDPOINT, phone),
        began_at=began_at,
        at=at,
        result=result,
        cause=_cause(cause),
        maybe_machine=maybe_machine,
    )


def _key(key: str) -> str:
    if key not in KEYS:
        raise _Impossible
    return key


def _maybe_machine(result: LegResult, picked_up: float | None) -> bool:
    if picked_up is None or result in (LegResult.ANSWERED, LegResult.TOO_LATE, LegResult.REFUSED):
        return False  # nothing answered, or somebody pressed a key
    return picked_up <= AT_ONCE or result in (LegResult.NO_KEY, LegResult.HUNG_UP_IN_PROMPT)


def _parts(journal: str | None, count: int, expected: str = JOURNAL_VERSION) -> list[str]:
    version, *parts = (journal or "").split("~")
    if version != expected or len(parts) != count:
        raise _Impossible
    return parts


def _caller(number: str | None, presented: Presented) -> str:
    caller = _match(_NUMBER, number)
    if presented is not Presented.NUMBER:
        return ""
    if not caller:
        raise _Impossible
    return caller


def _at(text: str | None, skew: float) -> datetime:
    return datetime.fromtimestamp(float(_match(_AT, text)) - skew, UTC)


def _step(text: str | None) -> int:
    return int(_match(_STEP, text))


def _slot(queue: str) -> Slot | None:
    found = dialplan.slot_of(queue)
    if found is None:
        if queue:
            raise _Impossible
        return None
    strategy, slot = found
    return Strategy(strategy), slot


def _cause(text: str) -> int:
    cause = int(_match(_CAUSE, text)) if text else 0
    if cause > 127:
        raise _Impossible
    return cause


def _match(pattern: re.Pattern[str], text: str | None) -> str:
    if text is None or not pattern.fullmatch(text):
        raise _Impossible
    return text


_Choice = TypeVar("_Choice", bound=StrEnum)


def _one_of(kind: type[_Choice], text: str | None) -> _Choice:
    try:
        return kind(text or "")
    except ValueError:
        raise _Impossible from None
