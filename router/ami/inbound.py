"""Which event of ours is this message?

Every field is measured against what the dialplan can have written; anything else is no event. Nothing here raises.
"""

import re
from collections.abc import Mapping

from router.ami import dialplan
from router.ami.call_back_events import call_back_ended
from router.ami.fields import (
    CHANNEL,
    LEG,
    NUMBER,
    Impossible,
    caller_of,
    cause_of,
    fitting,
    instant_of,
    one_of,
    parts_of,
    place_of,
    step_of,
)
from router.ami.leg_results import external_result, leg_result, maybe_machine
from router.ami.outbound import ENDPOINT, UNIQUEID
from router.calls.calling_back import CallBackEnded, is_call_back
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
    MemberSeen,
    Path,
    PathTaken,
    PbxEvent,
    Presented,
    Promised,
    TransferAsked,
)
from router.routing.model import Strategy

Fields = Mapping[str, str]

_DIGITS = re.compile(r"[0-9]{0,4}")
_SHORT = re.compile(r"[0-9]{1,16}")
_HANDED_TO = re.compile(rf"p(?P<person>[0-9]{{1,10}})|d(?P<desk>[0-9]{{1,10}})|{dialplan.BACK}")
_WORD = re.compile(r"[A-Za-z -]{0,20}")
_JOURNAL_KEY = re.compile(rf"/{dialplan.DB_ENDED}[0-6]/[0-9]{{2}}/[0-9]{{2}}/([^/]+)(?:/([^/]+))?")
_MEMBER = re.compile(rf"Local/({ENDPOINT.pattern})@{dialplan.CONTEXT_MEMBER}/n")

JOURNAL_VERSION = "1"  # of legs; and of calls that ended before a dialplan of version 2 was loaded
CALL_VERSION = "2"  # a call's end tells two things more: a promise, and who took it last
EXTERNAL_LEG_VERSION = "2"  # a leg that was asked for a key tells two things more
KEYS = frozenset({"", "1", "2", "none", "left", "stopped", "asked"})


def read_event(fields: Fields, *, pbx: str, skew: float) -> PbxEvent | None:
    """The event that a UserEvent of ours tells; None when a field can't be, or the event is unknown.

    `skew` is the PBX's clock minus ours, in seconds: what to take off its times.
    """
    try:
        return _event(fields, pbx, skew)
    except Impossible:
        return None


def read_journal(key: str, value: str, *, pbx: str, skew: float) -> CallEnded | LegEnded | CallBackEnded | None:
    """The end that an entry of the journal tells (`key` as DBGetTree gives it); None as in read_event."""
    found = _JOURNAL_KEY.fullmatch(key)
    if found is None:
        return None
    uniqueid, leg = found.groups()
    try:
        if leg is None and is_call_back(f":{uniqueid}"):
            return call_back_ended(f"{pbx}:{fitting(UNIQUEID, uniqueid)}", value, skew)
        if leg is None:
            return _call_ended(f"{pbx}:{fitting(UNIQUEID, uniqueid)}", value, skew)
        return _leg_ended(f"{pbx}:{fitting(UNIQUEID, uniqueid)}", leg, value, skew)
    except Impossible:
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


def _event(fields: Fields, pbx: str, skew: float) -> PbxEvent:
    uniqueid = fitting(UNIQUEID, fields.get("call"))
    call_id = f"{pbx}:{uniqueid}"
    match fields.get("userevent"):
        case dialplan.EVENT_ARRIVED:
            presented = one_of(Presented, fields.get("presented"))
            # The event's own channel is the caller's: it is the one the plan goes to.
            if fields.get("uniqueid") != uniqueid:
                raise Impossible
            return CallArrived(
                call_id=call_id,
                channel=fitting(CHANNEL, fields.get("channel")),
                dialled=fitting(NUMBER, fields.get("dialled")),
                caller=caller_of(fields.get("caller"), presented),
                presented=presented,
                at=instant_of(fields.get("at"), skew),
            )
        case dialplan.EVENT_PATH:
            return PathTaken(
                call_id=call_id,
                path=one_of(Path, fields.get("path")),
                why=fitting(_WORD, fields.get("why")),
                at=instant_of(fields.get("at"), skew),
            )
        case dialplan.EVENT_LEG_BEGUN:
            return LegBegan(
                call_id=call_id,
                leg=fitting(LEG, fields.get("leg")),
                step=step_of(fields.get("step")),
                phone=fitting(ENDPOINT, fields.get("phone")),
                at=instant_of(fields.get("at"), skew),
            )
        case dialplan.EVENT_TAKEN:
            return CallTaken(
                call_id=call_id,
                step=step_of(fields.get("step")),
                phone=fitting(ENDPOINT, fields.get("phone")),
                slot=place_of(fields.get("queue", "")),
                at=instant_of(fields.get("at"), skew),
            )
        case dialplan.EVENT_PRESENCE:
            if fields.get("uniqueid") != uniqueid:
                raise Impossible
            return CodeDialled(
                call_id=call_id,
                channel=fitting(CHANNEL, fields.get("channel")),
                phone=fitting(ENDPOINT, fields.get("phone")),
                code=one_of(Code, fields.get("code")),
                digits=fitting(_DIGITS, fields.get("digits")),
                at=instant_of(fields.get("at"), skew),
            )
        case dialplan.EVENT_LEG_ENDED:
            return _leg_ended(call_id, fields.get("leg"), fields.get("journal"), skew)
        case dialplan.EVENT_ENDED:
            return _call_ended(call_id, fields.get("journal"), skew)
        case dialplan.EVENT_TRANSFER:
            phone, to = fields.get("phone"), fields.get("to")
            return TransferAsked(
                call_id=call_id,
                phone=fitting(ENDPOINT, phone) if phone else "",
                to=fitting(_SHORT, to) if to else "",
                at=instant_of(fields.get("at"), skew),
            )
        case dialplan.EVENT_HANDED_OVER:
            phone, found = fields.get("from"), _HANDED_TO.fullmatch(fields.get("to", ""))
            if found is None:
                raise Impossible
            return HandedOver(
                call_id=call_id,
                phone=fitting(ENDPOINT, phone) if phone else "",
                to_person=int(found["person"]) if found["person"] else None,
                to_desk=int(found["desk"]) if found["desk"] else None,
                how=one_of(How, fields.get("how")),
                step=step_of(fields.get("step")),
                at=instant_of(fields.get("at"), skew),
            )
        case _:
            raise Impossible


def _call_ended(call_id: str, journal: str | None, skew: float) -> CallEnded:
    version, count = (CALL_VERSION, 11) if (journal or "").startswith(f"{CALL_VERSION}~") else (JOURNAL_VERSION, 9)
    arrived, dialled, caller, shown, path, phone, taken, ended, cause, *more = parts_of(journal, count, version)
    promise, owner = more or ("", phone)
    presented = one_of(Presented, shown)
    return CallEnded(
        call_id=call_id,
        dialled=fitting(NUMBER, dialled),
        caller=caller_of(caller, presented),
        presented=presented,
        arrived_at=instant_of(arrived, skew),
        path=one_of(Path, path),
        phone=fitting(ENDPOINT, phone) if phone else None,
        taken_at=instant_of(taken, skew) if taken else None,
        at=instant_of(ended, skew),
        cause=cause_of(cause),
        promise=one_of(Promised, promise) if promise else None,
        owner=fitting(ENDPOINT, owner) if owner else None,
    )


def _leg_ended(call_id: str, leg: str | None, journal: str | None, skew: float) -> LegEnded:
    external = (journal or "").startswith(f"{EXTERNAL_LEG_VERSION}~")
    version, count = (EXTERNAL_LEG_VERSION, 9) if external else (JOURNAL_VERSION, 7)
    step, phone, began, ended, state, cause, limit, *screened = parts_of(journal, count, version)
    at = instant_of(ended, skew)
    began_at = instant_of(began, skew) if began else at
    result = leg_result(
        state=fitting(_WORD, state),
        cause=cause_of(cause),
        seconds=(at - began_at).total_seconds(),
        limit=step_of(limit) if limit else None,
    )
    machine = False
    if external:
        answered, key = screened
        picked_up = (instant_of(answered, skew) - began_at).total_seconds() if answered else None
        result = external_result(result, state=state, key=_key(key), picked_up=picked_up is not None)
        machine = maybe_machine(result, picked_up)
    return LegEnded(
        call_id=call_id,
        leg=fitting(LEG, leg),
        step=step_of(step),
        phone=fitting(ENDPOINT, phone),
        began_at=began_at,
        at=at,
        result=result,
        cause=cause_of(cause),
        maybe_machine=machine,
    )


def _key(key: str) -> str:
    if key not in KEYS:
        raise Impossible
    return key
