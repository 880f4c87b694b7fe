"""What becomes of callers when nobody is free: does each wait, in order, until a person, a promise or they end it?"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from router.lab.asterisk import PrivateAsterisk
from router.lab.scenarios import PlacedCall
from router.lab.witness import Evidence, Heard, Rung
from tests.asterisk import waiting
from tests.asterisk.conftest import slips
from tests.asterisk.reckoning import Record, assert_records_agree, reckon
from tests.asterisk.waiting import KEY_ACCOUNT, LINES, STRANGERS, UNANSWERED, told
from tests.proof import Proof, many

pytestmark = pytest.mark.asterisk

EACH = many(1, 10)
# Seconds by which a shortened time may be missed: the PBX counts whole seconds, and two cores are shared.
ABOUT = 1.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What was seen and recorded of one round of all calls."""

    seen: Evidence
    records: dict[str, Record]

    def heard(self, caller: str) -> Heard:
        return self.seen.of(caller)

    def ended(self, caller: str) -> tuple[str, str | None]:
        return self.records[caller]["ended"], self.records[caller]["promise"]


def stranger(story: int, place: int = 0, round: int = 0) -> str:
    """A caller of no account, for one place in one story."""
    return f"{STRANGERS}{round}{story:02}{place}"


def calls_of_a_round(number: int) -> list[PlacedCall]:
    """One call for each story, in the order in which they come in."""

    def call(desk: str, story: int, place: int = 0, **how: float | str | None) -> PlacedCall:
        caller = stranger(story, place, number)
        return PlacedCall(caller=caller, dialled=LINES[desk], **({"talks": None} | how))  # type: ignore[arg-type]

    return [
        call("in turn", 1, 0),
        call("in turn", 1, 1),
        call("in turn", 1, 2),
        PlacedCall(caller=f"{KEY_ACCOUNT}{number}", dialled=LINES["in turn"], talks=None),
        call("somebody free", 2),
        call("gives up", 3, talks=2.0),
        call("asks for a call", 4, keys="71", key_after=0.6),
        call("outside", 5),
        call("empty", 6),
        call("closed", 7, 0),
        call("closed", 7, 1, talks=0.5),
        call("all busy", 8, talks=13.0),
        PlacedCall(caller=f"{waiting.HAS_MANAGER}{number}", dialled=LINES["somebody free"], talks=None),
    ]


@pytest.fixture(scope="module")
def rounds(short: PrivateAsterisk, tmp_path_factory: pytest.TempPathFactory) -> list[Told]:
    """All stories told side by side, EACH times over."""
    found = []
    with told(short, tmp_path_factory.mktemp("rounds")) as stand:
        for number in range(EACH):
            calls = calls_of_a_round(number)
            stand.begin()
            stand.place(calls, 4.0)
            records = stand.wait_until_recorded(len(calls))
            found.append(Told(seen=stand.seen(), records={record["caller"]: record for record in records}))
    assert slips(stand.router.log_file) == []
    return found


def seconds(later: datetime | None, earlier: datetime | None) -> float:
    assert later is not None
    assert earlier is not None
    return (later - earlier) / timedelta(seconds=1)


def leg(heard: Heard, phone: str) -> Rung:
    """The last leg to this phone."""
    return [rung for rung in heard.rung if rung.phone == phone][-1]


def waited(heard: Heard) -> bool:
    """Whether the caller was answered long before a person took the call, or without one."""
    takers = [rung.answered_at for rung in heard.rung if rung.phone in heard.answered_by]
    return not takers or seconds(takers[0], heard.placed.answered_at) > 0.3


def test_every_caller_is_answered_gives_up_or_is_let_go_with_a_promise(rounds: list[Told], proof: Proof) -> None:
    for one in rounds:
        reckon("the waiting line, side by side", one.seen, proof, promised=2)
        assert_records_agree(one.seen, list(one.records.values()))


def test_when_somebody_is_free_the_caller_is_not_answered_before_a_person_has(rounds: list[Told]) -> None:
    for number, one in enumerate(rounds):
        heard = one.heard(stranger(2, 0, number))
        assert heard.answered_by == (waiting.SLOW,)
        assert abs(seconds(heard.placed.answered_at, leg(heard, waiting.SLOW).answered_at)) < 0.3


def test_when_nobody_is_free_the_caller_is_answered_at_once_and_waits_for_a_person(rounds: list[Told]) -> None:
    for number, one in enumerate(rounds):
        for place in (1, 2):
            heard = one.heard(stranger(1, place, number))
            assert seconds(heard.placed.answered_at, heard.placed.invited_at) < ABOUT
            assert waited(heard)
            assert heard.answered_by == (waiting.IN_TURN,)


def test_who_waits_longer_goes_first_and_a_key_account_before_all(rounds: list[Told]) -> None:
    for number, one in enumerate(rounds):
        first, second, third = (stranger(1, place, number) for place in range(3))
        key = f"{KEY_ACCOUNT}{number}"
        taken = sorted((first, second, third, key), key=lambda caller: one.records[caller]["taken_at"])
        assert taken == [first, key, second, third]


def test_a_desk_that_nobody_picks_up_at_rings_for_a_while_and_then_we_answer(rounds: list[Told]) -> None:
    for number, one in enumerate(rounds):
        heard = one.heard(stranger(3, 0, number))
        assert UNANSWERED - ABOUT < seconds(heard.placed.answered_at, heard.placed.invited_at) < UNANSWERED + ABOUT
        assert heard.phones.count(waiting.DEAF) >= 2  # it goes on ringing


def test_who_waits_hears_music_and_now_and_then_both_sentences(rounds: list[Told], short: PrivateAsterisk) -> None:
    says = (short.log_file.parent / waiting.SAYS).read_text()
    assert says.count("Started music on hold") >= len(rounds)
    assert says.count("Playing 'queue-periodic-announce") >= len(rounds)
    assert says.count("Playing 'vm-tocallnum") >= len(rounds)


def test_who_hangs_up_in_the_waiting_line_gave_up(rounds: list[Told]) -> None:
    for number, one in enumerate(rounds):
        assert one.heard(stranger(3, 0, number)).gave_up
        assert one.ended(stranger(3, 0, number)) == ("gave_up", None)


def test_who_presses_one_is_promised_a_call_and_no_phone_rings_for_them_any_more(rounds: list[Told]) -> None:
    for number, one in enumerate(rounds):
        heard = one.heard(stranger(4, 0, number))
        assert heard.let_go
        assert one.ended(heard.caller) == ("promised", "asked")
        pressed = next(message.at for message in heard.placed.messages if "Signal=1" in message.text)
        assert all(seconds(rung.ended_at, pressed) < 0.5 for rung in heard.rung)


def test_a_coordinator_outside_takes_the_call_while_the_phone_beside_rings(rounds: list[Told]) -> None:
    for number, one in enumerate(rounds):
        heard = one.heard(stranger(5, 0, number))
        assert heard.answered_by == (waiting.COLLEAGUE,)
        assert waiting.BESIDE in heard.phones
        assert not waited(heard)


def test_empty_desks_hand_on_to_the_next_to_the_safety_net_and_to_the_last_resort(rounds: list[Told]) -> None:
    for number, one in enumerate(rounds):
        heard = one.heard(stranger(6, 0, number))
        assert heard.answered_by == (waiting.LAST_RESORT,)
        assert seconds(leg(heard, waiting.LAST_RESORT).invited_at, heard.placed.invited_at) < ABOUT


def test_a_promise_in_closed_hours_counts_when_it_was_heard_to_its_end(rounds: list[Told]) -> None:
    for number, one in enumerate(rounds):
        assert one.ended(stranger(7, 0, number)) == ("promised", "closed")
        assert one.ended(stranger(7, 1, number)) == ("gave_up", None)
        assert one.heard(stranger(7, 0, number)).rung == ()


def test_phones_that_say_busy_are_not_asked_again_at_once(rounds: list[Told]) -> None:
    for number, one in enumerate(rounds):
        heard = one.heard(stranger(8, 0, number))
        for phone in waiting.BUSY_PHONES:
            assert 1 <= heard.phones.count(phone) <= 2  # in 13 s; 6 a minute at most


def test_a_deputy_outside_follows_a_manager_outside_who_doesnt_pick_up(rounds: list[Told]) -> None:
    for number, one in enumerate(rounds):
        heard = one.heard(f"{waiting.HAS_MANAGER}{number}")
        assert heard.phones == (waiting.MANAGER, waiting.DEPUTY)
        assert heard.answered_by == (waiting.DEPUTY,)
        assert seconds(heard.placed.answered_at, leg(heard, waiting.DEPUTY).accepted_at) > -0.1
