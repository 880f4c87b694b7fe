"""Do the calls that end add up to what their reports will say, each once?"""

from dataclasses import replace

from router.calls.call import Call
from router.calls.events import Event, LegResult, Path, Promised, TablePublished
from router.calls.figures import Fact, count
from router.calls.tally import BUCKETS, TALLIED, Tally, fact_of
from router.calls.tracker import Calls
from router.routing.configuration import Put
from router.routing.model import LineKind, PersonState
from router.routing.table import Table
from tests.calls.company import ANNA, CUSTOMER, company
from tests.calls.said import CALL, arrived, at, ended, leg_ended, link_up, path_taken, taken


def told(*events: Event, table: Table | None = None) -> tuple[Tally, Calls]:
    """All of it heard with this table, each event once more."""
    table = table or company()
    tally, calls = Tally(), Calls()
    tally.tell(TablePublished(table=table, at=at(-1)), ())
    for event in events:
        for _ in range(2):
            tally.tell(event, calls.step(event, table))
    return tally, calls


def call_of(calls: Calls) -> Call:
    call = calls.get(CALL)
    assert call is not None
    return call


def test_a_call_counts_once_when_it_ends_by_the_definitions_of_the_reports() -> None:
    for events in (
        (taken("anna"), ended(phone="anna")),
        (taken("carl"), ended(phone="carl")),
        (ended(),),
        (ended(promise=Promised.ASKED),),
    ):
        tally, calls = told(arrived(caller=CUSTOMER), path_taken(), *events)
        fact = fact_of(call_of(calls), company())

        counted = count([fact])
        assert fact.manager == ANNA.id
        assert tally.counts == {name: getattr(counted, name) for name in TALLIED}
        assert sum(tally.counts[name] for name in ("answered", "gave_up", "promised")) == 1


def test_only_the_manager_of_the_account_is_the_manager_reached() -> None:
    reached, _ = told(arrived(caller=CUSTOMER), path_taken(), taken("anna"), ended(phone="anna"))
    another, _ = told(arrived(caller=CUSTOMER), path_taken(), taken("carl"), ended(phone="carl"))

    assert (reached.counts["reached_manager"], another.counts["reached_manager"]) == (1, 0)
    assert (reached.counts["answered_with_manager"], another.counts["answered_with_manager"]) == (1, 1)


def test_the_time_to_a_person_stands_under_the_path_and_the_smallest_bucket_that_holds_it() -> None:
    tally, _ = told(arrived(), path_taken(Path.FALLBACK), taken("carl", seconds=5), ended(phone="carl", taken_after=5))

    assert list(tally.to_person) == [Path.FALLBACK.value]
    waits = tally.to_person[Path.FALLBACK.value]
    assert (waits.counts[BUCKETS.index(5.0)], sum(waits.counts), waits.seconds) == (1, 1, 5.0)


def test_who_waited_longer_than_all_buckets_counts_all_the_same() -> None:
    tally, _ = told(
        arrived(), path_taken(), taken("carl", seconds=4000), ended(phone="carl", taken_after=4000, seconds=4100)
    )
    assert tally.to_person["plan"].counts[-1] == 1


def test_a_leg_that_a_machine_answered_counts_once_and_others_do_not() -> None:
    machine = replace(leg_ended("anna", LegResult.NO_KEY), maybe_machine=True)
    tally, _ = told(arrived(), path_taken(), machine, leg_ended("carl", LegResult.NO_KEY), ended())
    assert tally.machine_legs == 1


def test_a_call_to_the_line_of_a_salesperson_who_has_left_counts() -> None:
    table = company()
    (line,) = table.lines.values()
    left = replace(ANNA, state=PersonState.LEFT)
    hers = replace(line, kind=LineKind.SALESPERSON, person=ANNA.id)
    after = table.with_changes([Put(entity=left), Put(entity=hers)])

    former, _ = told(arrived(), path_taken(), ended(), table=after)
    today, _ = told(arrived(), path_taken(), ended())

    assert (former.counts["to_former_salespeople"], today.counts["to_former_salespeople"]) == (1, 0)


def test_what_the_journal_tells_is_of_the_time_before() -> None:
    tally, _ = told(link_up(journal=(ended(),)))
    assert (sum(tally.counts.values()), tally.to_person) == (0, {})


def test_without_a_table_nobody_is_the_manager() -> None:
    _, calls = told(arrived(), path_taken(), ended())
    fact = fact_of(call_of(calls), None)
    assert fact == Fact(ending=fact.ending, path=Path.PLAN)
