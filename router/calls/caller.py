"""Who calls, as far as the PBX could tell?"""

from typing import assert_never

from router.calls.call import Call
from router.calls.events import CallArrived, CallEnded, Presented
from router.routing.numbers import Number, NumberKind, read_number


def caller_of(told: CallArrived | CallEnded | Call, region: str) -> Number:
    """The caller as decisions read it; national forms are those of `region`. Raises nothing."""
    match told.presented:
        case Presented.NUMBER:
            return read_number(told.caller, region)
        case Presented.WITHHELD:
            return read_number("", region, withheld=True)
        case Presented.MALFORMED:
            return Number(kind=NumberKind.MALFORMED, e164="", text="")
        case _:
            assert_never(told.presented)
