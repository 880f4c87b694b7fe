"""What do the calls add up to that have ended while we listened?

The figures are those of figures.py, call by call as each ends; they only ever rise, from 0 at our start.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from router.calls.call import Call
from router.calls.events import CallEnded, Event, LegEnded, TablePublished
from router.calls.figures import Fact, count
from router.calls.orders import Order, Record
from router.routing.model import LineKind, PersonState
from router.routing.table import Table

# Seconds from a call's arrival to a person. A phone rings every 5: one or two rings are what callers hope for, a person
# rings for 20 before the next does, 25 is when the waiting line begins, no call rings unanswered for more than 90, and
# after 30 minutes of waiting comes the promise.
BUCKETS = (2.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 45.0, 60.0, 90.0, 180.0, 600.0, 1800.0)
NOT_SAID = "unknown"  # the path of a call that nobody told us of

TALLIED = (
    "answered",
    "gave_up",
    "promised",
    "to_former_salespeople",
    "with_manager",
    "answered_with_manager",
    "reached_manager",
)


@dataclass(slots=True)
class Histogram:
    """How many waited up to each of BUCKETS (the last: longer than all), and the seconds of all together."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    seconds: float = 0.0

    def add(self, seconds: float) -> None:
        place = next((nth for nth, bucket in enumerate(BUCKETS) if seconds <= bucket), len(BUCKETS))
        self.counts[place] += 1
        self.seconds += seconds


class Tally:
    """Adds up what is heard. It remembers no call: whether one is new, the orders that an event leads to tell."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter(dict.fromkeys(TALLIED, 0))
        self.machine_legs = 0
        self.to_person: dict[str, Histogram] = {}  # by the path that the call took
        self._table: Table | None = None

    def tell(self, event: Event, orders: Iterable[Order]) -> None:
        """Tell of an event and its orders. Ends read from the journal are of the time before: they don't count."""
        match event:
            case TablePublished(table=table):
                self._table = table
            case LegEnded(maybe_machine=True) if _recorded(orders):
                self.machine_legs += 1
            case CallEnded():
                for call in _recorded(orders):
                    self._ended(call)
            case _:
                pass

    def _ended(self, call: Call) -> None:
        fact = fact_of(call, self._table)
        counted = count([fact])
        for name in TALLIED:
            self.counts[name] += getattr(counted, name)
        if fact.waited is not None:
            path = fact.path.value if fact.path else NOT_SAID
            self.to_person.setdefault(path, Histogram()).add(fact.waited / 1000)


def fact_of(call: Call, table: Table | None) -> Fact:
    """What counts of this call, by this table. Its legs and what is owed for it are told elsewhere. Raises nothing."""
    waited = None if call.taken_at is None else round((call.taken_at - call.arrived_at).total_seconds() * 1000)
    return Fact(
        ending=call.ending,
        waited=waited,
        path=call.path,
        to_former=table is not None and _is_of_somebody_left(call, table),
        manager=_manager(call, table) if table else None,
        taken_by=call.taken_by,
        owner=call.owner,
    )


def _is_of_somebody_left(call: Call, table: Table) -> bool:
    known = call.decision.line.id if call.decision and call.decision.line else call.line
    line = table.lines.get(known) if known is not None else None
    if line is None or line.kind is not LineKind.SALESPERSON or line.person is None:
        return False
    person = table.people.get(line.person)
    return person is not None and person.state is PersonState.LEFT


def _manager(call: Call, table: Table) -> int | None:
    decision = call.decision
    job = table.jobs.get(decision.job.id) if decision and decision.job else None
    if job is not None:
        return job.manager
    known = decision.account.id if decision and decision.account else call.account
    account = table.account(known) if known is not None else None
    return account.manager if account else None


def _recorded(orders: Iterable[Order]) -> list[Call]:
    """The calls of which this was news: what is told twice leads to no record."""
    return [order.call for order in orders if isinstance(order, Record)]
