"""Which AMI action is an order, and what may an action contain?

Everything that leaves for the PBX is built here. A value that could end its own line, or that Asterisk's line buffer
would cut, is refused before a byte is written.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from typing import assert_never

from router.ami.dialplan import (
    ANSWER_VERSION,
    BACK,
    CALL_BACK_VERSION,
    CONTEXT_CALL_BACK,
    CONTEXT_GUARDED,
    CONTEXT_HAND_OVER,
    CONTEXT_TEST,
    CONTEXT_TEST_CALLER,
    GLOBAL_BEAT,
    GLOBAL_TOKEN,
    PLAN_LIMIT,
    PLAN_VERSION,
    SLOTS,
    TEST_VERSION,
    VAR_ANSWER,
    VAR_CALL_BACK,
    VAR_HAND_OVER,
    VAR_PLAN,
    VAR_TEST,
    member_interface,
    queue_name,
    state_interface,
)
from router.calls.calling_back import MARK, CallBack
from router.calls.calling_in import MARK as TEST_MARK
from router.calls.calling_in import WITHHELD, CallIn
from router.calls.orders import AddMember, AnswerCode, Deliver, HandOver, MemberOrder, PauseMember, RemoveMember
from router.routing.model import Phone, PhoneKind, Strategy
from router.routing.plan import MOST_PHONES, MOST_STEPS, Plan, Promise, RingDesk, RingPerson, Step

Fields = Mapping[str, str]

MOST_VALUE = 1_015  # bytes of one value: at 1,023 of a whole line Asterisk's framing breaks
MOST_LINE = 1_022
MOST_FIELDS = 128  # Asterisk reads no more of one action

MOST_DISPLAY = 40  # characters
MOST_PRIORITY = 99
MOST_TEXT = 160  # characters of a text to a phone: as base64 of UTF-8 within one value, whatever the letters
MOST_SECONDS = 3_600  # of one step; 0 would mean no limit at all to Dial and to Queue

# After its ring time an external phone may still be asked for a key, for 12 s; the rest is for the PBX's own steps.
ROOM_TO_PICK_UP = 20

DIALLED = re.compile(r"\+?[0-9]{2,15}")  # what a test call dials: a published number, in any form
NUMBER = re.compile(r"\+[0-9]{5,15}")  # of an external phone: E.164
ENDPOINT = re.compile(r"[A-Za-z0-9._+-]{1,80}")
UNIQUEID = re.compile(r"(?:[A-Za-z0-9._-]{1,60}-)?[0-9]{9,11}\.[0-9]{1,10}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class Unsendable(ValueError):
    """Something that must not be sent to the PBX; the message says which and why. It never repeats the value."""


def deliver(order: Deliver, pbx: str) -> Fields:
    """The plan, on the one channel that waits for it. Raises Unsendable."""
    return set_on_channel(order.channel, VAR_PLAN, encode_plan(order.plan, _uniqueid(order.call_id, pbx)))


def hand_over(order: HandOver, pbx: str) -> tuple[Fields, ...]:
    """The actions of a hand-over, in their order: a caller who left before the second one has the plan already.

    A channel may be named by its Uniqueid as well, which is the call's. Raises Unsendable.
    """
    uniqueid = _uniqueid(order.call_id, pbx)
    plan = set_on_channel(uniqueid, VAR_HAND_OVER, encode_hand_over(order, uniqueid))
    if not order.redirect:
        return (plan,)
    redirect = {
        "Action": "Redirect",
        "Channel": uniqueid,
        "Context": CONTEXT_HAND_OVER,
        "Exten": "s",
        "Priority": "1",
    }
    return plan, redirect


def take_back(order: HandOver, pbx: str) -> Fields:
    """Undo the first action of a hand-over whose second was refused. Raises Unsendable."""
    return set_on_channel(_uniqueid(order.call_id, pbx), VAR_HAND_OVER, "")


def answer_code(order: AnswerCode, pbx: str) -> Fields:
    """What somebody who dialled a code is told, on the channel that waits for it. Raises Unsendable."""
    text = _base64(order.text, MOST_TEXT) if order.text else ""
    written = "~".join((ANSWER_VERSION, _uniqueid(order.call_id, pbx), order.word.value, text))
    return set_on_channel(order.channel, VAR_ANSWER, written)


def call_back(order: CallBack, pbx: str) -> Fields:
    """The Originate of a call-back: a Local channel whose both halves run in one context of ours, and nowhere else.

    Without an application: with one, and with some channels, Asterisk would ask for the class `system` as well.
    Raises Unsendable.
    """
    uniqueid = _uniqueid(order.call_id, pbx)
    if not uniqueid.startswith(MARK):
        raise Unsendable("a call-back's id is not of the form that its events are known by")
    if not NUMBER.fullmatch(order.number) or not NUMBER.fullmatch(order.shown):
        raise Unsendable("a call-back needs two numbers with a plus and 5 to 15 digits: whom to call, and what to show")
    phones = [text for phone in order.phones if (text := _phone(phone))][:MOST_PHONES]
    if not phones:
        raise Unsendable("nobody has a phone on which this call-back could begin")
    seconds = _seconds(order.seconds)
    written = "~".join(
        (
            CALL_BACK_VERSION,
            uniqueid,
            f"c={order.number}",
            f"l={order.shown}",
            f"n={_display(order.display)}",
            "=".join((f"r={seconds}", *phones)),
        )
    )
    return {
        "Action": "Originate",
        "Channel": f"Local/owner@{CONTEXT_CALL_BACK}/n",
        "Context": CONTEXT_CALL_BACK,
        "Exten": "customer",
        "Priority": "1",
        "Variable": f"{VAR_CALL_BACK}={written}",
        "Timeout": str((seconds + ROOM_TO_PICK_UP) * 1000),
        "Async": "true",
        "ChannelId": f"{MARK}out-{uniqueid.removeprefix(MARK)}",
        "OtherChannelId": uniqueid,
    }


def call_in(order: CallIn, pbx: str) -> Fields:
    """The Originate of a test call: one half of a Local channel enters as a trunk's call does, the other is who calls.

    Raises Unsendable.
    """
    uniqueid = _uniqueid(order.call_id, pbx)
    if not uniqueid.startswith(TEST_MARK):
        raise Unsendable("a test call's id is not of the form that its events are known by")
    if order.caller != WITHHELD and not NUMBER.fullmatch(order.caller):
        raise Unsendable(f"the caller of a test call is a plus and 5 to 15 digits, or {WITHHELD}")
    if not DIALLED.fullmatch(order.dialled):
        raise Unsendable("a test call dials 2 to 15 digits, perhaps with a plus before them")
    seconds = _seconds(order.seconds)
    return {
        "Action": "Originate",
        "Channel": f"Local/{order.dialled}@{CONTEXT_TEST}/n",
        "Context": CONTEXT_TEST_CALLER,
        "Exten": "s",
        "Priority": "1",
        "Variable": f"{VAR_TEST}={TEST_VERSION}~{uniqueid}~f={order.caller}~s={seconds}",
        "Timeout": str(seconds * 1000),
        "Async": "true",
        "ChannelId": f"{TEST_MARK}caller-{uniqueid.removeprefix(TEST_MARK)}",
        "OtherChannelId": uniqueid,
    }


def change_member(order: MemberOrder) -> Fields:
    """Raises Unsendable for an endpoint that can't be part of an interface's name, and for a slot that isn't there."""
    match order:
        case AddMember():
            return {
                "Action": "QueueAdd",
                "Queue": _queue(order.strategy, order.slot),
                "Interface": _interface(order.endpoint),
                "MemberName": order.endpoint,
                "StateInterface": state_interface(order.endpoint),
                "Penalty": "0",
                "Paused": _yes(order.paused),
            }
        case RemoveMember(endpoint=endpoint, member=member):
            interface = member if endpoint is None else _interface(endpoint)
            return {"Action": "QueueRemove", "Queue": _queue(order.strategy, order.slot), "Interface": interface}
        case PauseMember():
            return {
                "Action": "QueuePause",
                "Queue": _queue(order.strategy, order.slot),
                "Interface": _interface(order.endpoint),
                "Paused": _yes(order.paused),
            }
        case _:
            assert_never(order)


def set_on_channel(channel: str, variable: str, value: str) -> Fields:
    """A variable of one channel. Raises Unsendable for an empty channel.

    Setvar without a channel sets a global, which every call would see: one such slip once routed a call that nobody had
    decided. So this function can't, and the only two globals there may be have functions of their own, below.
    """
    if not channel.strip():
        raise Unsendable(f"{variable} needs a channel: without one it would be set for every call")
    return {"Action": "Setvar", "Channel": channel, "Variable": variable, "Value": value}


def set_beat(pbx_seconds: int) -> Fields:
    """The heartbeat: the PBX's own time, in whole seconds since 1970; 0 says that we are leaving."""
    return {"Action": "Setvar", "Variable": GLOBAL_BEAT, "Value": str(pbx_seconds)}


def set_token(token: str) -> Fields:
    """What every UserEvent must carry from now on. Whoever set it last is the router that is heard."""
    return {"Action": "Setvar", "Variable": GLOBAL_TOKEN, "Value": token}


def get_global(variable: str) -> Fields:
    return {"Action": "Getvar", "Variable": variable}


def get_on_channel(channel: str, what: str) -> Fields:
    """What one channel says of itself. Raises Unsendable for an empty channel: then a global would be asked for."""
    if not channel.strip():
        raise Unsendable(f"{what} needs a channel")
    return {"Action": "Getvar", "Channel": channel, "Variable": what}


def redirect_to_guarded(channel: str) -> Fields:
    """Take the channel out of whatever it does, to the one place for calls that were in a mailbox; no other."""
    if not channel.strip():
        raise Unsendable("a Redirect needs a channel")
    return {"Action": "Redirect", "Channel": channel, "Context": CONTEXT_GUARDED, "Exten": "s", "Priority": "1"}


def check(fields: Fields) -> None:
    """Raises Unsendable unless Asterisk would read exactly these fields."""
    if len(fields) > MOST_FIELDS:
        raise Unsendable(f"an action has at most {MOST_FIELDS} fields")
    for key, value in fields.items():
        if _CONTROL.search(key) or _CONTROL.search(value):
            raise Unsendable(f"a control character in {key!r}")
        try:
            line, size = len(f"{key}: {value}".encode()), len(value.encode())
        except UnicodeEncodeError:
            raise Unsendable(f"{key!r} is no valid text") from None
        if size > MOST_VALUE or line > MOST_LINE:
            raise Unsendable(f"{key} has {size} bytes, more than {MOST_VALUE}")


def encode_plan(plan: Plan, uniqueid: str) -> str:
    """The plan as the dialplan reads it (dialplan.py has the format): at most 900 bytes, nothing to escape.

    Of a plan that is too long the line tail goes first (the PBX then keeps what it remembers), then steps from the
    middle, latest first; the last step stays, and is a desk or a promise. A last resort that is no external number is
    left out. Raises Unsendable when the call's id or the safety net's slot can't be written.
    """
    _check_uniqueid(uniqueid)
    safety_net = _desk(plan.safety_net)
    if safety_net is None:
        raise Unsendable(f"the safety net's slot is not between 1 and {SLOTS}")
    ending = plan.steps[-1] if plan.steps else None
    last = (None if ending is None or isinstance(ending, RingPerson) else _step(ending)) or safety_net
    others = plan.steps if isinstance(ending, RingPerson) else plan.steps[:-1]
    middle = [text for step in others if not isinstance(step, Promise) and (text := _step(step))][: MOST_STEPS - 1]
    tail = ":".join(f"q.{text[2:].replace('=', '.')}" for desk in plan.line_tail if (text := _desk(desk)))

    resort = plan.last_resort if plan.last_resort and NUMBER.fullmatch(plan.last_resort) else ""
    about = (f"n={_display(plan.display)}", f"l={resort}", f"a={max(0, min(plan.priority, MOST_PRIORITY))}")

    written = "~".join((PLAN_VERSION, uniqueid, f"k={tail}", *about, *middle, last))
    while len(written) > PLAN_LIMIT:
        if tail:
            tail = ""
        else:
            middle.pop()  # never empty here: without tail and middle a plan has at most 400 bytes
        written = "~".join((PLAN_VERSION, uniqueid, f"k={tail}", *about, *middle, last))
    return written


def encode_hand_over(order: HandOver, uniqueid: str) -> str:
    """The plan of a hand-over as the dialplan reads it: the plan, with whom it is handed to. Raises Unsendable."""
    to = BACK
    if order.to_person is not None:
        to = f"p{order.to_person}"
    elif order.to_desk is not None:
        to = f"d{order.to_desk}"
    # There is nothing to be remembered for the line: it is who has talked to the caller that counts here.
    plan = encode_plan(replace(order.plan, line_tail=()), uniqueid)
    return plan.replace("~k=~", f"~t={to}~", 1)


def _uniqueid(call_id: str, pbx: str) -> str:
    owner, _, uniqueid = call_id.partition(":")
    if owner != pbx:
        raise Unsendable(f"call {call_id} is not of the PBX {pbx}")
    _check_uniqueid(uniqueid)
    return uniqueid


def _check_uniqueid(uniqueid: str) -> None:
    if not UNIQUEID.fullmatch(uniqueid):
        raise Unsendable("a call's id is Asterisk's Uniqueid: digits, a dot, digits")


def _step(step: Step) -> str | None:
    match step:
        case RingDesk():
            return _desk(step)
        case RingPerson():
            return _person(step)
        case Promise():
            return "p=closed"
        case _:
            assert_never(step)


def _person(step: RingPerson) -> str | None:
    phones = [text for phone in step.phones if (text := _phone(phone))][:MOST_PHONES]
    return "=".join((f"r={_seconds(step.seconds)}", *phones)) if phones else None


def _phone(phone: Phone) -> str | None:
    if not phone.enabled:
        return None
    if phone.kind is PhoneKind.EXTERNAL:
        return f"x.{phone.number}" if phone.number and NUMBER.fullmatch(phone.number) else None
    if not phone.endpoint or not ENDPOINT.fullmatch(phone.endpoint):
        return None
    return f"{'w' if phone.call_waiting else 'd'}.{phone.endpoint}"


def _desk(step: RingDesk) -> str | None:
    if not 1 <= step.slot <= SLOTS:
        return None
    return f"q={queue_name(step.strategy, step.slot).removeprefix('router-')}={_seconds(step.seconds)}"


def _seconds(seconds: int) -> int:
    return max(1, min(seconds, MOST_SECONDS))


def _display(display: str) -> str:
    return _base64(display, MOST_DISPLAY)


def _base64(shown: str, most: int) -> str:
    text = _CONTROL.sub(" ", shown[:most]).encode("utf-8", "replace")
    text += b" " * (-len(text) % 3 or (0 if text else 3))  # whole groups of three need no '=', which separates here
    return b64encode(text, altchars=b"+-").decode("ascii")


def _interface(endpoint: str) -> str:
    if not ENDPOINT.fullmatch(endpoint):
        raise Unsendable("an endpoint has only letters, digits and ._+-, at most 80 of them")
    return member_interface(endpoint)


def _yes(so: bool) -> str:
    return "true" if so else "false"


def _queue(strategy: Strategy, slot: int) -> str:
    if not 0 <= slot <= SLOTS:
        raise Unsendable(f"slot {slot} is not between 0 and {SLOTS}")
    return queue_name(strategy, slot)
