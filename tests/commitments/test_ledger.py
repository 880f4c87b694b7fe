"""When does a commitment open, whose is it, when is it due, and what closes it?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from router.commitments.commitment import Belongs, Level, Party, State, Terms, Why
from router.commitments.events import Claimed, Kept, Promised, TakenAfterAll, Tried, Voided
from router.commitments.ledger import ClaimedAlready, NoReason, NotHere, OverAlready, Unchanged, step
from router.commitments.notice import NoticeKind
from router.routing.model import CoverScope
from tests.commitments.office import (
    BUSINESS,
    CUSTOMER,
    NOON,
    OFFICE,
    SVENS,
    TERMS,
    UNKNOWN,
    WITHHELD,
    away,
    cover,
    left,
    looked,
    minutes,
    missed,
    office,
    owed,
    talked,
    told,
    with_manager,
)
from tests.routing.small_company import (
    ANNA,
    BERT,
    CARL,
    COORDINATORS,
    DORA,
    MUSTER,
    OFFICE_HOURS,
    SALES_DESK,
    SVENS_LINE,
    TINA,
)


def test_a_customer_who_gave_up_is_owed_a_call_by_the_account_manager_within_half_an_hour() -> None:
    commitment = owed(missed())

    assert (commitment.owner, commitment.desk) == (ANNA.id, COORDINATORS.id)
    assert commitment.due_at == NOON + minutes(30)
    assert (commitment.state, commitment.why, commitment.urgency) == (State.OPEN, Why.GAVE_UP, 1)


def test_by_configuration_it_belongs_to_the_desk_of_the_line() -> None:
    terms = Terms(belongs=Belongs.DESK)
    assert owed(missed(replace(CUSTOMER, line=SVENS)), terms=terms).owner is None
    assert owed(missed(replace(CUSTOMER, line=SVENS)), terms=terms).desk == SALES_DESK.id


@pytest.mark.parametrize("party", [UNKNOWN, WITHHELD])
def test_a_caller_whom_nobody_looks_after_belongs_to_the_desk_of_the_line(party: Party) -> None:
    assert (owed(missed(party)).owner, owed(missed(party)).desk) == (None, SALES_DESK.id)


def test_who_hung_up_at_once_is_owed_nothing_but_who_was_cut_off_is() -> None:
    soon = replace(missed(), arrived_at=NOON - timedelta(seconds=4.9))
    assert step(None, soon, OFFICE, TERMS) == Unchanged()
    assert owed(replace(soon, why=Why.LOST)).why is Why.LOST


def test_in_closed_hours_it_is_due_half_an_hour_after_opening() -> None:
    line = replace(OFFICE.lines[BUSINESS], hours=OFFICE_HOURS.id)
    night = missed(at=10 * 60)  # 22:00
    assert owed(night, table=office(line)).due_at == datetime(2026, 3, 3, 7, 30, tzinfo=UTC)  # 8:30 in Berlin


def test_a_desk_that_is_closed_counts_as_well() -> None:
    desk = replace(COORDINATORS, hours=OFFICE_HOURS.id)
    saturday = missed(at=5 * 24 * 60)
    assert owed(saturday, table=office(desk)).due_at == datetime(2026, 3, 9, 7, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changed", "owner"),
    [
        ((away(ANNA),), CARL.id),
        ((away(ANNA), left(CARL)), DORA.id),
        ((away(ANNA), left(CARL), away(DORA)), None),
        ((cover(ANNA, TINA),), TINA.id),
        ((cover(ANNA, TINA, CoverScope.COMMITMENTS),), TINA.id),
        ((cover(ANNA, TINA, CoverScope.LINES),), ANNA.id),
        ((cover(ANNA, TINA), away(TINA)), CARL.id),
        ((with_manager(None),), None),
    ],
)
def test_an_owner_who_is_away_is_stood_in_for_and_hands_over_at_once(changed: tuple, owner: int | None) -> None:  # type: ignore[type-arg]
    table = office(*changed)
    assert owed(missed(), table=table).owner == owner
    if changed[0] != with_manager(None):
        assert looked(owed(missed()), 1, table=table).owner == owner


def test_who_claimed_it_and_goes_away_hands_over_and_others_may_claim_it() -> None:
    claimed = owed(missed(), Claimed(by=BERT.id, at=NOON + minutes(1)))
    table = office(away(BERT))

    handed_over = looked(claimed, 2, table=table)
    assert (handed_over.state, handed_over.owner, handed_over.claimed_by) == (State.OPEN, CARL.id, None)
    assert told(claimed, 2, table=table) == [(NoticeKind.HANDED_OVER, (CARL.id,))]


def test_a_desk_that_is_gone_leaves_it_to_the_safety_net() -> None:
    commitment = replace(owed(missed(UNKNOWN)), desk=99)
    assert looked(commitment, 1).desk == COORDINATORS.id


def test_a_repeat_raises_urgency_and_never_postpones() -> None:
    twice = owed(missed(at=0), missed(at=20, call="pbx:9"))
    assert (twice.urgency, twice.due_at, twice.owner) == (2, NOON + minutes(30), ANNA.id)


def test_a_repeat_can_make_it_due_sooner() -> None:
    tomorrow = Promised(call_id=None, party=CUSTOMER, by=BERT.id, due_at=NOON + minutes(1440), note="offer", at=NOON)
    assert owed(tomorrow, missed(at=20)).due_at == NOON + minutes(50)


def test_a_promise_belongs_to_who_made_it_and_says_what() -> None:
    promise = Promised(
        call_id="pbx:7", party=CUSTOMER, by=BERT.id, due_at=NOON + minutes(240), note="send the plan", at=NOON
    )
    commitment = owed(promise)
    assert (commitment.owner, commitment.why, commitment.note) == (BERT.id, Why.PROMISED, "send the plan")
    assert commitment.due_at == NOON + minutes(240)


def test_a_promise_is_not_kept_by_the_talk_it_was_made_in() -> None:
    promise = Promised(call_id="pbx:7", party=CUSTOMER, by=BERT.id, due_at=None, note="", at=NOON)
    assert owed(promise, talked(at=-2, seconds=300)).state is State.OPEN


def test_a_promise_is_added_to_what_is_open_and_who_claimed_that_keeps_it() -> None:
    promise = Promised(call_id=None, party=CUSTOMER, by=BERT.id, due_at=None, note="soon", at=NOON + minutes(2))
    assert owed(missed(), promise).owner == BERT.id
    claimed = owed(missed(), Claimed(by=TINA.id, at=NOON + minutes(1)), promise)
    assert (claimed.owner, claimed.urgency, claimed.note) == (TINA.id, 2, "soon")


def test_a_later_talk_of_twenty_seconds_keeps_it_with_reference_to_that_call() -> None:
    kept = owed(missed(), talked(seconds=20))
    assert (kept.state, kept.kept_by_call, kept.next_step_at) == (State.KEPT, "pbx:2", None)
    assert owed(missed(), talked(seconds=19.9)).state is State.OPEN
    assert owed(missed(at=0), talked(at=-1, seconds=300)).state is State.OPEN, "it began before"


def test_an_attempt_that_reached_nobody_is_counted_and_the_next_one_planned() -> None:
    tried = owed(missed(), Tried(at=NOON + minutes(1)))
    assert (tried.attempts, tried.try_again_at, tried.due_at) == (1, NOON + minutes(16), NOON + minutes(30))
    assert told(tried, 16) == [(NoticeKind.TRY_AGAIN, (ANNA.id,))]
    assert told(looked(tried, 16), 17) == []


def test_reminder_before_it_is_due_then_owner_desk_and_lead_each_once() -> None:
    commitment = owed(missed())
    heard = []
    for minute in range(120):
        heard += [(minute, *notice) for notice in told(commitment, minute)]
        commitment = looked(commitment, minute)
    team = (ANNA.id, CARL.id, DORA.id)
    assert heard == [
        (20, NoticeKind.REMINDER, (ANNA.id,)),
        (30, NoticeKind.LATE, (ANNA.id,)),
        (45, NoticeKind.DESK_TOLD, team),
        (90, NoticeKind.LEAD_TOLD, (ANNA.id,)),  # who leads the desk herself
    ]
    assert (commitment.state, commitment.next_step_at) == (State.OPEN, None), "nothing expires"


def test_steps_that_nobody_took_in_time_are_not_told_one_after_the_other() -> None:
    assert [kind for kind, _ in told(owed(missed()), 600)] == [NoticeKind.LEAD_TOLD]


def test_what_is_due_at_once_begins_without_a_reminder() -> None:
    promise = Promised(call_id=None, party=CUSTOMER, by=BERT.id, due_at=NOON + minutes(5), note="", at=NOON)
    assert owed(promise).level is Level.REMINDED
    assert owed(promise).next_step_at == NOON + minutes(5)


def test_of_two_claims_one_wins_and_the_other_learns_who() -> None:
    claimed = owed(missed(), Claimed(by=BERT.id, at=NOON + minutes(1)))
    assert (claimed.state, claimed.owner) == (State.CLAIMED, BERT.id)
    assert step(claimed, Claimed(by=TINA.id, at=NOON + minutes(1)), OFFICE, TERMS) == ClaimedAlready(by=BERT.id)
    assert step(claimed, Claimed(by=BERT.id, at=NOON + minutes(1)), OFFICE, TERMS) == Unchanged()


def test_who_claimed_it_may_say_that_it_is_kept_and_no_more() -> None:
    claimed = owed(missed(), Claimed(by=ANNA.id, at=NOON))
    kept = owed(missed(), Claimed(by=ANNA.id, at=NOON), Kept(by=ANNA.id, call_id=None, note="", at=NOON + minutes(1)))
    assert (claimed.state, kept.state, kept.closed_at) == (State.CLAIMED, State.KEPT, NOON + minutes(1))


def test_who_is_away_or_covered_cant_claim() -> None:
    for table in (office(away(BERT)), office(cover(BERT, TINA)), office(left(BERT))):
        assert step(owed(missed()), Claimed(by=BERT.id, at=NOON), table, TERMS) == NotHere(person=BERT.id)


def test_voiding_takes_a_reason() -> None:
    assert step(owed(missed()), Voided(reason=" ", at=NOON), OFFICE, TERMS) == NoReason()
    void = owed(missed(), Voided(reason="wrong number", at=NOON + minutes(1)))
    assert (void.state, void.void_reason) == (State.VOID, "wrong number")


def test_what_is_over_stays_over() -> None:
    kept = owed(missed(), Kept(by=ANNA.id, call_id=None, note="called back", at=NOON + minutes(3)))
    again = Voided(reason="because", at=NOON + minutes(4))
    assert step(kept, again, OFFICE, TERMS) == OverAlready(state=State.KEPT)
    assert told(kept, 600) == []


def test_a_call_that_was_taken_after_all_is_owed_nothing() -> None:
    alone = owed(missed(), TakenAfterAll(call_id="pbx:1", at=NOON + minutes(1)))
    assert (alone.state, alone.kept_by_call) == (State.KEPT, "pbx:1")
    one_of_two = owed(missed(), missed(at=1, call="pbx:3"), TakenAfterAll(call_id="pbx:1", at=NOON + minutes(1)))
    assert (one_of_two.state, one_of_two.urgency) == (State.OPEN, 1)


def test_callers_without_a_number_are_taken_together_by_line() -> None:
    assert WITHHELD.key == f"line:{SVENS}"
    assert WITHHELD.keys == (), "no talk can be known to be theirs"
    assert CUSTOMER.keys == ("account:1", f"caller:{MUSTER}")
    assert OFFICE.lines[SVENS].number == SVENS_LINE
