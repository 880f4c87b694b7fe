"""To whom is a caller handed over, and who rings when they don't take it?"""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.routing.decide import GIVEN_DESK_RINGS, CallFacts, Decision, hand_over
from router.routing.explain import main_reason, sentence, sentences
from router.routing.giving import (
    Back,
    Giver,
    Target,
    ToDesk,
    ToManager,
    ToPerson,
    ToUsualDesk,
    by_short_number,
)
from router.routing.model import ClosedBy, Cover, Override, OverrideAction, PersonState, Phone, PhoneKind
from router.routing.numbers import read_number
from router.routing.people import NobodyMeant, desk_meant, person_meant
from router.routing.plan import MOST_STEPS, Promise, RingDesk, RingPerson
from router.routing.reasons import HandedOver, PersonAway
from router.routing.table import Table
from tests.routing.small_company import (
    ANNA,
    BERT,
    BUSINESS_LINE,
    CARL,
    COORDINATORS,
    DORA,
    LIFT,
    MONDAY_NOON,
    MUSTER,
    SALES_DESK,
    STRANGER,
    SVENS_LINE,
    TOMORROW,
    company,
)

BERT_GIVES = Giver(phone="bert", person=BERT)


def handed(
    to: Target,
    *,
    giver: Giver = BERT_GIVES,
    caller: str = STRANGER,
    line: str = BUSINESS_LINE,
    table: Table | None = None,
) -> Decision:
    facts = CallFacts(dialled=line, caller=read_number(caller, "DE"))
    return hand_over(facts, to, giver, table or company(), MONDAY_NOON)


def rings(decision: Decision) -> list[str]:
    return [step.name for step in decision.plan.steps]


def test_whom_it_is_handed_to_rings_then_the_giver_then_the_desk_of_the_line() -> None:
    decision = handed(ToPerson(person=ANNA.id), line=SVENS_LINE)

    assert rings(decision) == ["Anna", "Bert", "Sales", "Back office", "Coordinators"]
    assert sentence(decision) == (
        "Anna for 20 s, then Bert (who gave it) for 20 s, then desk Sales: handed over by Bert to Anna"
    )
    assert "It comes back to Bert when nobody takes it." in sentences(decision)


def test_whoever_is_away_is_passed_over_and_the_giver_has_the_caller_again() -> None:
    away = replace(ANNA, state=PersonState.AWAY, away_until=TOMORROW)

    decision = handed(ToPerson(person=ANNA.id), table=company(away))

    assert rings(decision) == ["Bert", "Coordinators"]
    assert PersonAway(person=ANNA.id, name="Anna", until=TOMORROW) in decision.because
    assert sentence(decision).endswith("handed over by Bert to Anna, but Anna is away until Tue 03 Mar 2026 11:00 UTC")


def test_whoever_covers_rings_instead() -> None:
    cover = Cover(id=1, person=ANNA.id, by_person=DORA.id, starts_at=MONDAY_NOON, ends_at=TOMORROW)

    assert rings(handed(ToPerson(person=ANNA.id), table=company(cover))) == ["Dora", "Bert", "Coordinators"]


def test_nobody_else_rings_for_a_person_but_deputies_do_for_the_accounts_manager() -> None:
    away = replace(ANNA, state=PersonState.AWAY)
    table = company(away)

    assert rings(handed(ToPerson(person=ANNA.id), caller=MUSTER, table=table)) == ["Bert", "Coordinators"]
    assert rings(handed(ToManager(), caller=MUSTER, table=table)) == ["Carl", "Dora", "Bert", "Coordinators"]


def test_the_manager_is_the_one_of_the_running_job() -> None:
    giver = Giver(phone="carl", person=CARL)

    decision = handed(ToManager(), caller=MUSTER, giver=giver, table=company(LIFT))

    assert rings(decision)[0] == "Bert"
    assert main_reason(decision) == HandedOver(by="Carl", giver=CARL.id, to="Bert, the account manager")


def test_a_caller_without_a_manager_goes_to_the_desk() -> None:
    decision = handed(ToManager())

    assert rings(decision) == ["Coordinators", "Bert", "Coordinators"]


def test_a_desk_has_a_minute_before_the_giver_rings_and_all_its_time_after_that() -> None:
    decision = handed(ToDesk(desk=SALES_DESK.id))

    assert rings(decision) == ["Sales", "Bert", "Sales", "Back office", "Coordinators"]
    assert [step.seconds for step in decision.plan.steps if isinstance(step, RingDesk)][:2] == [GIVEN_DESK_RINGS, 300]


def test_a_desk_that_is_closed_is_replaced_by_the_same_rules() -> None:
    closed = Override(id=1, desk=SALES_DESK.id, action=OverrideAction.CLOSED, starts_at=MONDAY_NOON, ends_at=TOMORROW)
    promises = replace(SALES_DESK, closed_by=ClosedBy.PROMISE)

    assert rings(handed(ToDesk(desk=SALES_DESK.id), table=company(closed))) == ["Coordinators", "Bert", "Coordinators"]
    steps = handed(ToDesk(desk=SALES_DESK.id), table=company(closed, promises)).plan.steps
    assert [type(step) for step in steps] == [RingPerson, Promise]


def test_a_short_number_that_nobody_has_brings_the_caller_back() -> None:
    decision = handed(Back(dialled="99"))

    assert rings(decision) == ["Bert", "Coordinators"]
    assert sentence(decision).endswith("Bert dialled 99 to hand it over, which nobody has")


def test_the_giver_rings_on_every_phone_also_while_talking() -> None:
    mobile = Phone(id=20, person=BERT.id, kind=PhoneKind.EXTERNAL, number="+4915112345678")
    bert = replace(BERT, phones=(*BERT.phones, mobile))
    table = replace(company(bert), external_prefixes=("+49151",))

    _, step, *_ = handed(ToPerson(person=ANNA.id), giver=Giver(phone="bert", person=bert), table=table).plan.steps

    assert isinstance(step, RingPerson)
    assert [phone.endpoint or phone.number for phone in step.phones] == ["bert", "+4915112345678"]
    assert all(phone.call_waiting for phone in step.phones)


@pytest.mark.parametrize("phone", ["a-phone-of-nobody", "+4915112345678"])
def test_a_giver_whom_the_table_does_not_know_rings_where_they_were(phone: str) -> None:
    _, step, *_ = handed(ToPerson(person=ANNA.id), giver=Giver(phone=phone, person=None)).plan.steps

    assert isinstance(step, RingPerson)
    assert [one.endpoint or one.number for one in step.phones] == [phone]


def test_who_hands_a_call_to_themselves_rings_once() -> None:
    assert rings(handed(ToPerson(person=BERT.id))) == ["Bert", "Coordinators"]


TARGETS = st.one_of(
    st.builds(ToPerson, person=st.integers(0, 9)),
    st.builds(ToDesk, desk=st.integers(0, 9)),
    st.builds(ToManager),
    st.builds(ToUsualDesk),
    st.builds(Back, dialled=st.text("0123456789", max_size=16)),
)


@given(
    to=TARGETS,
    caller=st.sampled_from([MUSTER, STRANGER, "", "12"]),
    giver=st.sampled_from([BERT_GIVES, Giver(phone="", person=None)]),
)
def test_every_hand_over_ends_at_the_safety_net_in_as_many_steps_as_a_plan_may_have(
    to: Target, caller: str, giver: Giver
) -> None:
    away = replace(ANNA, state=PersonState.AWAY, away_until=MONDAY_NOON + timedelta(hours=1))

    decision = handed(to, giver=giver, caller=caller, table=company(away, LIFT))

    assert len(decision.plan.steps) <= MOST_STEPS
    assert decision.plan.steps[-1].name == COORDINATORS.name
    assert sentence(decision)


def test_a_transfer_key_is_followed_by_a_short_number_or_by_noughts() -> None:
    table = company(replace(ANNA, short_number="41"))

    assert by_short_number("41", table) == ToPerson(person=ANNA.id)
    assert by_short_number("0", table) == ToUsualDesk()
    assert by_short_number("00", table) == ToManager()
    assert by_short_number("4", table) == Back(dialled="4")
    assert by_short_number("", table) == Back(dialled="")


def test_nobody_is_guessed_from_a_part_of_a_name() -> None:
    table = company(replace(ANNA, short_number="41"))

    assert person_meant("anna", table).id == person_meant("41", table).id == ANNA.id
    with pytest.raises(NobodyMeant, match=r"'ann'; do you mean Anna \(41"):
        person_meant("ann", table)
    assert desk_meant("BACK OFFICE", table).id == 3
    with pytest.raises(NobodyMeant, match="no desk is called 'back'; do you mean Back office\\?"):
        desk_meant("back", table)
    with pytest.raises(NobodyMeant, match="no desk is called ''"):
        desk_meant("", table)
