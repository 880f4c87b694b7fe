"""What does the PBX say, when only what matters is named?"""

from datetime import datetime, timedelta

from router.calls.events import (
    AskedHandOver,
    CallArrived,
    CallEnded,
    CallTaken,
    HandedOver,
    How,
    LegBegan,
    LegEnded,
    LegResult,
    LinkUp,
    MemberSeen,
    Path,
    PathTaken,
    Presented,
    Promised,
    Slot,
)
from tests.calls.company import BUSINESS_LINE, CUSTOMER, MONDAY_NOON

CALL = "pbx:1760000000.1"


def at(seconds: float) -> datetime:
    return MONDAY_NOON + timedelta(seconds=seconds)


def arrived(call_id: str = CALL, *, caller: str = CUSTOMER, presented: Presented = Presented.NUMBER) -> CallArrived:
    return CallArrived(
        call_id=call_id,
        channel=f"PJSIP/trunk-{call_id}",
        dialled=BUSINESS_LINE,
        caller=caller,
        presented=presented,
        at=at(0),
    )


def path_taken(path: Path = Path.PLAN, why: str = "plan") -> PathTaken:
    return PathTaken(call_id=CALL, path=path, why=why, at=at(0.01))


def leg_began(phone: str, *, step: int = 1, seconds: float = 0.1) -> LegBegan:
    return LegBegan(call_id=CALL, leg=f"leg-{phone}", step=step, phone=phone, at=at(seconds))


def leg_ended(
    phone: str, result: LegResult, *, step: int = 1, began: float = 0.1, seconds: float = 9, call_id: str = CALL
) -> LegEnded:
    return LegEnded(
        call_id=call_id,
        leg=f"leg-{phone}",
        step=step,
        phone=phone,
        began_at=at(began),
        at=at(seconds),
        result=result,
        cause=16,
    )


def taken(phone: str, *, seconds: float = 3, call_id: str = CALL, slot: Slot | None = None) -> CallTaken:
    return CallTaken(call_id=call_id, step=1, phone=phone, at=at(seconds), slot=slot)


def ended(
    call_id: str = CALL,
    *,
    phone: str | None = None,
    taken_after: float = 3,
    seconds: float = 9,
    path: Path = Path.PLAN,
    promise: Promised | None = None,
    owner: str | None = None,
) -> CallEnded:
    return CallEnded(
        call_id=call_id,
        dialled=BUSINESS_LINE,
        caller=CUSTOMER,
        presented=Presented.NUMBER,
        arrived_at=at(0),
        path=path,
        phone=phone,
        taken_at=at(taken_after) if phone else None,
        at=at(seconds),
        cause=16,
        promise=promise,
        owner=owner or phone,
    )


def link_up(
    *,
    live: tuple[str, ...] = (),
    journal: tuple[LegEnded | CallEnded, ...] = (),
    members: tuple[MemberSeen, ...] = (),
    seconds: float = 20,
) -> LinkUp:
    return LinkUp(pbx="pbx", live_calls=frozenset(live), ended=journal, members=members, at=at(seconds))


def handed_over(
    phone: str, *, to: int | None = None, how: How = How.ORDER, step: int = 1, seconds: float = 4
) -> HandedOver:
    return HandedOver(call_id=CALL, phone=phone, to_person=to, to_desk=None, how=how, step=step, at=at(seconds))


def asked(call: str = CALL, *, person: str = "", desk: str = "", order: int = 1, seconds: float = 4) -> AskedHandOver:
    return AskedHandOver(
        order=order, call=call, person=person, desk=desk, by="somebody", expires_at=at(14), at=at(seconds)
    )
