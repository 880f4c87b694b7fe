"""What does a call that ended mean for what we owe callers?"""

from router.calls.call import Call, Ending
from router.calls.events import Presented
from router.commitments.commitment import Party, Why
from router.commitments.events import Missed, Talked
from router.routing.numbers import read_number
from router.routing.table import Table


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
        why=_why(call.ending),
        arrived_at=call.arrived_at,
        at=call.ended_at,
    )


def party_of(call: Call, table: Table) -> Party:
    """Who called which line: by the decision, else by what is on record of the call. Raises nothing."""
    decision = call.decision
    if decision is None:
        return Party(account=call.account, caller=_number(call, table), line=call.line)
    return Party(
        account=decision.account.id if decision.account else None,
        caller=_number(call, table),
        line=decision.line.id if decision.line else None,
    )


def _number(call: Call, table: Table) -> str:
    """In the one form that all ways of writing a number share, so that one caller is one party."""
    if call.presented is not Presented.NUMBER:
        return ""
    number = call.decision.caller if call.decision else read_number(call.caller, table.region)
    return number.e164 or call.caller


def _why(ending: Ending) -> Why:
    return Why.LOST if ending is Ending.LOST else Why.GAVE_UP
