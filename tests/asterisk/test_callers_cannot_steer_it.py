"""What can a caller do with a SIP message that breaks every rule? Be rung through, or be refused; nothing else.

The user part of a SIP URI arrives decoded in Asterisk, whatever it holds, and is written into AMI as it is. So these
callers try to end a line there, to name special extensions, to add headers, to have something evaluated.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from router.ami.dialplan import EVENT_ARRIVED, EVENT_ENDED
from router.lab.asterisk import PrivateAsterisk
from router.lab.raw import place_raw
from router.lab.scenarios import PlacedCall
from router.lab.stand import Stand
from router.lab.witness import Heard, evidence
from tests.asterisk.company import BEHAVIOURS, COMPANY, KNOWS_LINE, LINE
from tests.asterisk.conftest import phones_port, slips
from tests.asterisk.scripted import Said, Scripted
from tests.proof import Proof, Tally, many

pytestmark = pytest.mark.asterisk

GOOD = "+16465550007"
EVENT = "%0d%0aEvent%3a%20UserEvent%0d%0aUserEvent%3a%20RouterTaken%0d%0aCall%3a%201.1%0d%0aPhone%3a%20max%0d%0a%0d%0a"
CANCELLED = many(40, 200)
ONE_BY_ONE = 2.0  # calls a second: each is over before the next, so that callers without a number are told apart
CANCELS_A_SECOND = 50.0

REFUSED = {400, 404, 416, 484}  # what Asterisk answers before any dialplan runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """What is tried, and what the dialplan must make of the two numbers if it comes to it."""

    name: str
    dialled: str = LINE
    from_header: str = f"<sip:{GOOD}@198.51.100.7>"
    headers: tuple[str, ...] = ()
    reads_dialled: str = LINE
    reads_caller: str = GOOD
    presented: str = "number"

    def call(self) -> PlacedCall:
        return PlacedCall(
            caller=GOOD, dialled=self.dialled, from_header=self.from_header, headers=self.headers, talks=0.1
        )


def from_user(user: str, display: str = "") -> str:
    return f"{display}<sip:{user}@198.51.100.7>"


ATTACKS = (
    Attack(name="nothing wrong"),
    Attack(name="line break in From", from_header=from_user("+1646" + EVENT), reads_caller="", presented="malformed"),
    Attack(
        name="line break in P-Asserted-Identity",
        headers=(f"P-Asserted-Identity: <sip:+1646{EVENT}@198.51.100.7>",),
        reads_caller="",
        presented="malformed",
    ),
    Attack(name="line break in Diversion", headers=(f"Diversion: <sip:+1646{EVENT}@198.51.100.7>;reason=x",)),
    Attack(name="line break in the dialled number", dialled=LINE + EVENT, reads_dialled=""),
    Attack(name="dials i", dialled="i", reads_dialled=""),
    Attack(name="dials h", dialled="h", reads_dialled=""),
    Attack(name="dials s", dialled="s", reads_dialled=""),
    Attack(name="dials t", dialled="t", reads_dialled=""),
    Attack(name="dials T", dialled="T", reads_dialled=""),
    Attack(name="dials e", dialled="e", reads_dialled=""),
    Attack(name="dials nothing", dialled="%20", reads_dialled=""),
    Attack(name="dials one letter", dialled="x", reads_dialled=""),
    Attack(name="commas in the display name", from_header=from_user(GOOD, '"a,Token: x,Call: 1.1" ')),
    Attack(name="variable in the dialled number", dialled="$%7bEXTEN%7d", reads_dialled=""),
    Attack(name="function in the dialled number", dialled="$%7bSHELL(touch%20x)%7d", reads_dialled=""),
    Attack(
        name="variable in From", from_header=from_user("$%7bROUTER_TOKEN%7d"), reads_caller="", presented="malformed"
    ),
    Attack(name="expression in From", from_header=from_user("1%22%5d%29"), reads_caller="", presented="malformed"),
    Attack(name="another phone in the dialled number", dialled="1&PJSIP/max", reads_dialled=""),
    Attack(name="a channel in the dialled number", dialled="Local%2fs@router-take", reads_dialled=""),
    Attack(name="dialled number of 300 digits", dialled="9" * 300, reads_dialled=""),
    Attack(
        name="caller number of 300 digits", from_header=from_user("9" * 300), reads_caller="", presented="malformed"
    ),
    Attack(name="dialled number that is no UTF-8", dialled="1%ff%fe", reads_dialled=""),
    Attack(name="caller that is no UTF-8", from_header=from_user("1%ff%fe"), reads_caller="", presented="malformed"),
    Attack(name="display name that is no UTF-8", from_header=from_user(GOOD, '"\udcff\udcfe" ')),
    Attack(name="no caller at all", from_header="<sip:198.51.100.7>", reads_caller="", presented="withheld"),
    Attack(
        name="anonymous",
        from_header='"Anonymous" <sip:anonymous@anonymous.invalid>',
        reads_caller="",
        presented="withheld",
    ),
    Attack(
        name="privacy asked for",
        headers=(f"P-Asserted-Identity: <sip:{GOOD}@198.51.100.7>", "Privacy: id"),
        reads_caller="",
        presented="withheld",
    ),
    Attack(name="the separator of plans", dialled="1~2~k=", reads_dialled=""),
    Attack(name="brackets and an offset", dialled="+4930):0", reads_dialled=""),
)


@pytest.fixture
def stand(pbx: PrivateAsterisk, folder: Path) -> Stand:
    return Stand(
        folder, pbx, f"sqlite:///{folder}/router.db", COMPANY, phones_port=phones_port(pbx), behaviours=BEHAVIOURS
    )


def test_every_attack_is_rung_through_or_refused_and_heard_of_once(
    stand: Stand, quiet: list[str], proof: Proof
) -> None:
    quiet.append(r"pjproject|res_pjsip")  # what the SIP stack says of what it throws away
    with stand, Scripted(stand.pbx, beats=False) as tap:
        stand.place([KNOWS_LINE])
        heard_before = len(tap.said)
        log = place_raw(
            stand.folder / "attacks", [attack.call() for attack in ATTACKS],
            to_port=stand.pbx.sip_port, per_second=ONE_BY_ONE,
        )  # fmt: skip
        assert stand.pbx.wait_until_quiet() == []
        seen = stand.seen(log, one_at_a_time=True)
        attempts = zip(ATTACKS, seen.calls[1:], strict=True)
        got_in = [(attack, call) for attack, call in attempts if not refused(call)]
        records = stand.wait_until_recorded(1 + len(got_in))[1:]
        figures = stand.router.figures()

    assert [attack.name for attack, call in got_in if len(call.answered_by) != 1] == []
    assert len(got_in) >= len(ATTACKS) - 8, "most of them come as far as the dialplan"
    said = tap.said[heard_before:]
    assert [one for one in said if not is_clean(one)] == []
    arrived = [one for one in said if one["UserEvent"] == EVENT_ARRIVED]
    assert [(one["Dialled"], one["Caller"], one["Presented"]) for one in arrived] == [
        (attack.reads_dialled, attack.reads_caller, attack.presented) for attack, _ in got_in
    ]
    assert len({one["Call"] for one in arrived}) == len(got_in)
    assert [(record["dialled"], record["caller"]) for record in records] == [
        (attack.reads_dialled, attack.reads_caller) for attack, _ in got_in
    ]
    assert {record["path"] for record in records} == {"plan"}
    assert dropped(figures) == {}
    assert slips(stand.router.log_file) == []
    proof.add(
        Tally(
            story="SIP attacks",
            offered=len(got_in),
            answered=len(got_in),
            facts={"refused by SIP": len(ATTACKS) - len(got_in), "forged": 0},
        )
    )


def test_a_call_that_is_taken_back_at_once_forges_nothing(stand: Stand, quiet: list[str], proof: Proof) -> None:
    quiet.append(r"pjproject|res_pjsip|chan_pjsip|app_dial|app_queue")  # calls that end while they are being set up
    forged = PlacedCall(caller=GOOD, dialled=LINE, from_header=from_user("+1646" + EVENT), gives_up=0, talks=0.1)
    with stand, Scripted(stand.pbx, beats=False) as tap:
        stand.place([KNOWS_LINE])
        heard_before = len(tap.said)
        log = place_raw(
            stand.folder / "cancelled", [forged] * CANCELLED,
            to_port=stand.pbx.sip_port, per_second=CANCELS_A_SECOND,
        )  # fmt: skip
        assert stand.pbx.wait_until_quiet(within=30.0) == []
        figures = stand.router.figures()
        said = tap.said[heard_before:]

    assert [one for one in said if not is_clean(one)] == []
    arrived = [one["Call"] for one in said if one["UserEvent"] == EVENT_ARRIVED]
    ended = [one["Call"] for one in said if one["UserEvent"] == EVENT_ENDED]
    assert len(arrived) == len(set(arrived)) <= CANCELLED
    # whoever is gone between the first lines of the dialplan is heard of only once, at the end
    assert set(arrived) <= set(ended)
    assert len(ended) == len(set(ended)) <= CANCELLED
    assert dropped(figures) == {}
    assert slips(stand.router.log_file) == []
    calls = evidence([log], []).calls
    answered = sum(1 for call in calls if call.placed.answered_at is not None)  # the CANCEL overtook its INVITE
    given_up = sum(1 for call in calls if call.placed.hung_up and call.placed.answered_at is None)
    tally = Tally(
        story="INVITE and CANCEL at once",
        offered=CANCELLED,
        answered=answered,
        given_up=given_up,
        lost=CANCELLED - answered - given_up,
        facts={"forged": 0, "reached the dialplan": len(set(ended))},
    )
    proof.add(tally)
    assert tally.closes


def refused(call: Heard) -> bool:
    """Whether Asterisk refused it before any dialplan ran."""
    return call.placed.unheard or call.placed.status in REFUSED


def is_clean(one: Said) -> bool:
    """Whether this message is an answer to the tap, or one of our events as the dialplan writes it and nothing more."""
    if one["Event"] == "":
        return one["Response"] == "Success"
    names = {key for key, _ in one.lines}
    ours = re.fullmatch(r"Router(Arrived|Path|LegBegun|LegEnded|Taken|Ended)", one["UserEvent"])
    numbers = all(re.fullmatch(r"[+0-9]*", one[key]) for key in ("Dialled", "Caller"))
    return (
        one["Event"] == "UserEvent"
        and ours is not None
        and one.repeats == []
        and one["Token"] not in ("", "x")
        and re.fullmatch(r"\d+\.\d+", one["Call"]) is not None
        and numbers
        and all(re.fullmatch(r"[A-Za-z]+", name) for name in names)
    )


def dropped(figures: dict[str, float]) -> dict[str, float]:
    """Messages that the router refused to hear."""
    return {name: value for name, value in figures.items() if "dropped" in name and value}
