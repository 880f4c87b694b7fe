"""Is every way a decision can go in the sample company, and can none of its numbers ring a real phone?"""

import re

import pytest

from router.calls.presence import who_is_at
from router.lab import sample
from router.routing.decide import CallFacts, decide
from router.routing.explain import main_reason
from router.routing.numbers import read_number
from router.routing.plan import Promise, RingDesk, RingPerson
from router.routing.reasons import AccountDesk, AccountManager, LineDesk, RuleMatched, RunningJob, SeveralManagers
from tests.storage.stories import MONDAY_NOON, SAMPLE_TABLE

FICTION = re.compile(r"\+?1?[2-9][0-9]{2}55501[0-9]{2}|55501[0-9]{2}|\+?1[0-9]{3}55501")


@pytest.mark.parametrize(
    ("caller", "line", "why", "first"),
    [
        (sample.STRANGER, sample.FELIX_LINE, LineDesk, "Coordinators"),
        (sample.STRANGER, sample.HUGO_LINE, LineDesk, "Coordinators"),
        ("", sample.BUSINESS_LINE, LineDesk, "Coordinators"),
        (sample.BIRCH, sample.BUSINESS_LINE, RunningJob, "Jonas"),
        (sample.CEDAR, sample.GRETA_LINE, AccountManager, "Jonas"),
        (sample.DOGWOOD, sample.BUSINESS_LINE, AccountManager, "Lena"),
        (sample.ELM, sample.BUSINESS_LINE, SeveralManagers, "Coordinators"),
        (sample.ELM, sample.FELIX_LINE, RunningJob, "Ida"),
        (sample.FIR, sample.BUSINESS_LINE, AccountManager, "Jonas"),
        (sample.GINKGO, sample.BUSINESS_LINE, AccountDesk, "Service"),
        (sample.HAZEL, sample.BUSINESS_LINE, RuleMatched, "Lena"),
        (sample.IVY, sample.BUSINESS_LINE, AccountManager, "Jonas"),
        (sample.JUNIPER, sample.BUSINESS_LINE, RunningJob, "Ida"),
        (sample.KAURI, sample.BUSINESS_LINE, LineDesk, "Coordinators"),
        (sample.DENVER, sample.BUSINESS_LINE, RuleMatched, "Service"),
        (sample.CEDAR, sample.NO_LINE, AccountManager, "Jonas"),
    ],
)
def test_each_caller_shows_one_way_a_decision_can_go(caller: str, line: str, why: type, first: str) -> None:
    facts = CallFacts(dialled=line, caller=read_number(caller, sample.REGION, withheld=not caller))
    decision = decide(facts, SAMPLE_TABLE, MONDAY_NOON)
    assert isinstance(main_reason(decision), why)
    assert decision.plan.steps[0].name == first
    assert isinstance(decision.plan.steps[-1], RingDesk)


def test_every_step_rings_somebody() -> None:
    people = SAMPLE_TABLE.people
    for account in SAMPLE_TABLE.accounts:
        caller = next(number for number, prefix, owner in sample.SAMPLE.numbers if owner == account.id)
        facts = CallFacts(dialled=sample.BUSINESS_LINE, caller=read_number(f"+{caller}", sample.REGION))
        for step in decide(facts, SAMPLE_TABLE, MONDAY_NOON).plan.steps:
            match step:
                case RingPerson(phones=rung):
                    assert rung, (account.name, people)
                case RingDesk(desk=desk):
                    assert who_is_at(SAMPLE_TABLE.desks[desk], SAMPLE_TABLE, {}, MONDAY_NOON), (account.name, people)
                case Promise():
                    raise AssertionError(f"{account.name} is put off, although somebody is here")


def test_no_number_of_the_sample_can_ring_a_real_phone() -> None:
    company = sample.SAMPLE
    numbers = [
        *(line.number for line in company.lines),
        *company.aliases,
        *(str(number) for number, _, _ in company.numbers),
        *(phone.number for person in company.people for phone in person.phones if phone.number),
        *(value for name, value in vars(sample).items() if name.isupper() and str(value).startswith("+")),
    ]
    assert [number for number in numbers if not FICTION.fullmatch(number)] == []
