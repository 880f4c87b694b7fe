"""What if a mobile that we ring sends the call back to one of our own lines?

Each line leads every caller to one mobile first, so a call that comes back unnoticed would ring it again, and come back
again. The mobile's carrier is played here: it holds our leg, places the diverted call, and tells our leg "busy" once
that one is refused.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest

from router.lab.asterisk import PrivateAsterisk
from router.lab.configuration import OUTSIDE_PREFIX
from router.lab.scenarios import Answers, Behaviour, PlacedCall, Refuses
from router.lab.stand import Stand
from router.lab.witness import Evidence
from router.routing.model import Desk, Lead, Line, LineKind, Person, Phone, PhoneKind, Rule, Strategy
from router.storage.company import Company
from tests.asterisk.conftest import phones_port, slips
from tests.asterisk.reckoning import Record, reckon
from tests.proof import Proof

pytestmark = pytest.mark.asterisk

KEEPERS = tuple(f"keeper{number}" for number in range(1, 9))
NOBODY = "anonymous"
GATEWAY = "+12025550188"  # what a carrier may show for every call that it diverts
TALKS = 1.5  # seconds: long enough to see which phones share the talk


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A call to one line and its mobile: what it shows, and what it shows when it comes back."""

    number: int
    name: str
    withheld: bool = False
    back: str = ""  # the caller's number, in another form, unless this says otherwise
    diversion: bool = False

    @property
    def line(self) -> str:
        return f"+121255502{80 + self.number}"

    @property
    def mobile(self) -> str:
        return f"{OUTSIDE_PREFIX}71{self.number:02}"

    @property
    def caller(self) -> str:
        return NOBODY if self.withheld else f"+171855571{self.number:02}"

    def comes_in(self, talks: float = TALKS) -> PlacedCall:
        return _call(self.caller, self.line, talks)

    def comes_back(self, talks: float = TALKS) -> PlacedCall:
        diversion = f"Diversion: <sip:{self.mobile}@carrier.invalid>;reason=unknown"
        return _call(self.back or self.caller.lstrip("+"), self.line, talks, (diversion,) if self.diversion else ())


KNOWN_AGAIN = (
    Case(number=0, name="the caller's number"),
    Case(number=1, name="the caller's number, and who diverted", diversion=True),
    Case(number=2, name="the mobile's number", back=f"00{OUTSIDE_PREFIX[1:]}7102"),
    Case(number=3, name="a gateway's number, and who diverted", back=GATEWAY, diversion=True),
    Case(number=4, name="no number, but who diverted", withheld=True, diversion=True),
)
NO_NUMBER = Case(number=5, name="no number at all", withheld=True)
REPLACED = Case(number=6, name="a gateway's number", back=GATEWAY)
CASES = (*KNOWN_AGAIN, NO_NUMBER, REPLACED)

# How soon the call comes back, in seconds after it came in. A mobile that diverts all calls, or is busy, never rings.
DIVERTS = {"all calls, or when busy": 0.15, "when nobody answers": 1.5}
HOLDS = Refuses(code=486, after=3.0)

COMPANY = Company(
    people=(
        *(
            Person(id=id, name=name.title(), phones=(Phone(id=id, person=id, kind=PhoneKind.DESK, endpoint=name),))
            for id, name in enumerate(KEEPERS, 1)
        ),
        *(
            Person(
                id=100 + case.number,
                name=f"Out {case.number}",
                phones=(
                    Phone(
                        id=100 + case.number,
                        person=100 + case.number,
                        kind=PhoneKind.EXTERNAL,
                        number=case.mobile,
                        ring_seconds=5,
                    ),
                ),
            )
            for case in CASES
        ),
    ),
    desks=(
        Desk(
            id=1,
            name="Keepers",
            slot=21,
            strategy=Strategy.ROUND_ROBIN,  # so that calls side by side find a phone each
            safety_net=True,
            members=tuple(range(1, len(KEEPERS) + 1)),
        ),
    ),
    lines=tuple(
        Line(id=1 + case.number, number=case.line, label=case.name, kind=LineKind.BUSINESS, desk=1) for case in CASES
    ),
    rules=tuple(
        Rule(
            id=1 + case.number,
            priority=1 + case.number,
            label=case.name,
            line=1 + case.number,
            then=Lead.PERSON,
            person=100 + case.number,
        )
        for case in CASES
    ),
)
BEHAVIOURS: dict[str, Behaviour] = {name: Answers(after=0.05 + 0.03 * place) for place, name in enumerate(KEEPERS)}


def told(pbx: PrivateAsterisk, folder: Path, mobiles: Behaviour = HOLDS) -> Stand:
    """The company, with a router and such mobiles."""
    return Stand(
        folder,
        pbx,
        f"sqlite:///{folder}/router.db",
        COMPANY,
        phones_port=phones_port(pbx),
        outside_port=pbx.lab.outside_port,
        behaviours=BEHAVIOURS | {case.mobile: mobiles for case in CASES},
        settings={"ROUTER_EXTERNAL_PREFIXES": OUTSIDE_PREFIX},
    )


@pytest.mark.parametrize("diverts", DIVERTS)
def test_a_leg_that_is_known_again_is_refused_and_its_call_goes_on(
    diverts: str, pbx: PrivateAsterisk, folder: Path, quiet: list[str], proof: Proof
) -> None:
    calls = [*(case.comes_in() for case in KNOWN_AGAIN), *(case.comes_back() for case in KNOWN_AGAIN)]
    with told(pbx, folder) as stand:
        stand.place(calls, len(KNOWN_AGAIN) / DIVERTS[diverts])
        records = stand.wait_until_recorded(len(KNOWN_AGAIN))
        seen = stand.seen()
    first, back = seen.calls[: len(KNOWN_AGAIN)], seen.calls[len(KNOWN_AGAIN) :]
    assert {call.placed.status for call in back} == {486}
    assert None not in [call.placed.answered_at for call in first]
    assert {record["taken_phone"] in KEEPERS for record in records} == {True}
    for case, record in zip(KNOWN_AGAIN, sorted(records, key=lambda record: str(record["dialled"])), strict=True):
        assert (case.name, results(record, case), rings(seen, case)) == (case.name, ["returned"], 1)
    assert slips(stand.router.log_file) == []


def test_a_carriers_mailbox_after_the_refusal_gets_nobody(pbx: PrivateAsterisk, folder: Path, quiet: list[str]) -> None:
    case = KNOWN_AGAIN[0]
    with told(pbx, folder, Answers(after=1.0, talks=0.8)) as stand:
        stand.place([case.comes_in(), case.comes_back()], 3.0)
        (record,) = stand.wait_until_recorded(1)
        seen = stand.seen()
    assert seen.of(case.caller).answered_by[0] in KEEPERS
    assert results(record, case) == ["hung_up_in_prompt"]
    assert rings(seen, case) == 1


def test_what_can_not_be_known_again_goes_round_once_at_most(
    pbx: PrivateAsterisk, folder: Path, quiet: list[str]
) -> None:
    # Without a number it is a call like every other, but the mobile doesn't ring for two such calls at a time. With a
    # gateway's number it is known when it comes back from its second round.
    again = PlacedCall(caller=GATEWAY.lstrip("+"), dialled=REPLACED.line, talks=TALKS)
    calls = [NO_NUMBER.comes_in(4.0), REPLACED.comes_in(4.0), NO_NUMBER.comes_back(), REPLACED.comes_back(3.0), again]
    with told(pbx, folder) as stand:
        stand.place(calls, 4.0)
        records = stand.wait_until_recorded(4)
        seen = stand.seen()
    assert rings(seen, NO_NUMBER) == 1
    assert [results(record, NO_NUMBER) for record in records if record["dialled"] == NO_NUMBER.line] == [["busy"]] * 2
    assert rings(seen, REPLACED) == 2
    assert seen.of(again.caller).placed.status == 486
    assert [results(record, REPLACED) for record in records if record["dialled"] == REPLACED.line] == [
        ["busy"],
        ["returned"],
    ]
    assert {record["taken_phone"] in KEEPERS for record in records} == {True}


def test_two_callers_with_numbers_of_their_own_ring_the_same_mobile(
    pbx: PrivateAsterisk, folder: Path, quiet: list[str], proof: Proof
) -> None:
    case = KNOWN_AGAIN[0]
    with told(pbx, folder, Answers(after=1.2, keys="1")) as stand:
        stand.place([case.comes_in(), _call("+17185557199", case.line, TALKS)], 2.0)
        stand.wait_until_recorded(2)
        seen = stand.seen()
    reckon("two callers, one mobile", seen, proof)
    assert {call.answered_by for call in seen.calls} == {(case.mobile,)}


def rings(seen: Evidence, case: Case) -> int:
    """How often the mobile was rung, whoever the call was for."""
    return sum(phone == case.mobile for call in seen.calls for phone in call.phones)


def results(record: Record, case: Case) -> list[str]:
    """How the legs to the mobile ended."""
    return [str(leg["result"]) for leg in record["legs"] if leg["phone"] == case.mobile]


def _call(caller: str, line: str, talks: float, headers: tuple[str, ...] = ()) -> PlacedCall:
    anonymous = '"Anonymous" <sip:anonymous@anonymous.invalid>' if caller == NOBODY else None
    return PlacedCall(caller=caller, dialled=line, from_header=anonymous, headers=headers, talks=talks)
