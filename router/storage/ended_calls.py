"""What does a call that ended mean for what we owe callers?"""

from typing import assert_never

from router.calls.call import Call, Ending
from router.calls.events import Presented, Promised
from router.commitments.commitment import Party, Why
from router.commitments.events import Missed, Talked
from router.routing.numbers import read_number
from router.routing.table import Table
from router.storage.records import CallRecord


def happened(call: Call, table: Table) -> Missed | Talked | None:
    """A call that nobody took, or a talk; None while it lasts. Raises nothing."""
    if call.ended_at is None or call.ending is None:
        return None
    if call.ending is Ending.ANSWERED:
        if call.taken_at is None:
            return None
        return Talked(call_id=call.call_id, party=party_of(call, table), began_at=call.taken_at, at=call.ended_at)
    return Missed(
        call_id=call.call_id,
        party=party_of(call, table),
        why=_why(call),
        arrived_at=call.arrived_at,
        at=call.ended_at,
    )


def party_of(call: Call | CallRecord, table: Table) -> Party:
    """Who called which line: by the decision, else by what is on record of the call. Raises nothing."""
    line, account = call.line, call.account
    if isinstance(call, Call) and (decision := call.decision) is not None:
        line = decision.line.id if decision.line else None
        account = decision.account.id if decision.account else None
    number = ""
    if call.presented is Presented.NUMBER:
        # in the one form that all ways of writing a number share, so that one caller is one party
        number = read_number(call.caller, table.region).e164 or call.caller
    return Party(account=account, caller=number, line=line)


def _why(call: Call) -> Why:
    match call.promise:
        case Promised.ASKED:
            return Why.ASKED
        case Promised.CLOSED:
            return Why.CLOSED
        case Promised.NOBODY:
            return Why.NOBODY
        case None:
            return Why.LOST if call.ending is Ending.LOST else Why.GAVE_UP
        case _:
            assert_never(call.promise)
