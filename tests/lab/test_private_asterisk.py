"""Does the lab's Asterisk run as told, and do its phones and callers behave and bear witness?"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from router.lab.asterisk import PrivateAsterisk
from router.lab.configuration import Lab
from router.lab.installation import AsteriskFailed, AsteriskFiles
from router.lab.phones import Callers, Phones
from router.lab.raw import place_raw
from router.lab.scenarios import (
    BUSY,
    DECLINES,
    UNAVAILABLE,
    Answers,
    Behaviour,
    Mute,
    NeverAnswers,
    PlacedCall,
    Refuses,
)
from router.lab.witness import Evidence, evidence

pytestmark = pytest.mark.asterisk

RING_SECONDS = 2
# The dialled word is the phone; `everyone` rings two together.
DIALPLAN = f"""
[router-in]
exten => everyone,1,Dial(PJSIP/anna&PJSIP/bert,{RING_SECONDS},r)
 same => n,Hangup(17)
exten => _[a-z].,1,Dial(PJSIP/${{EXTEN}},{RING_SECONDS},r)
 same => n,Hangup(17)
"""
NAMES = ("anna", "bert", "carl")


class Room:
    """A private Asterisk and what tells it its phones."""

    def __init__(self, pbx: PrivateAsterisk, folder: Path, phones_port: int) -> None:
        self.pbx = pbx
        self._folder = folder
        self._phones_port = phones_port
        self._told = 0

    def tell(self, phones: Mapping[str, Behaviour], calls: Sequence[PlacedCall], per_second: float = 50.0) -> Evidence:
        """Place the calls, wait until all is over, and hear the witnesses."""
        files, ports, folder = self.pbx.files, self.pbx.ports, self._next_folder()
        with Phones(folder / "phones", files, ports, phones, port=self._phones_port) as listening:
            callers = Callers(folder / "callers", files, ports, calls, to_port=self.pbx.sip_port, per_second=per_second)
            with callers:
                callers.wait(30)
            assert self.pbx.wait_until_quiet() == []
        return evidence([callers.messages], [listening.messages])

    def tell_raw(self, phones: Mapping[str, Behaviour], calls: Sequence[PlacedCall]) -> Evidence:
        """The same, by a caller whose every byte is ours."""
        folder = self._next_folder()
        with Phones(folder / "phones", self.pbx.files, self.pbx.ports, phones, port=self._phones_port) as listening:
            messages = place_raw(folder / "raw", calls, to_port=self.pbx.sip_port)
            assert self.pbx.wait_until_quiet() == []
        return evidence([messages], [listening.messages])

    def _next_folder(self) -> Path:
        self._told += 1
        return self._folder / str(self._told)


@pytest.fixture(scope="module")
def room(asterisk_files: AsteriskFiles, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    folder = tmp_path_factory.mktemp("room")
    pbx = PrivateAsterisk(folder / "pbx", asterisk_files, None)
    port = pbx.ports.one()
    pbx.lab = Lab(phones=dict.fromkeys(NAMES, port), extra={"extensions.conf": DIALPLAN})
    with pbx:
        yield Room(pbx, folder, port)


def test_twenty_calls_reach_the_phone_and_both_sides_say_so(room: Room) -> None:
    began = room.pbx.log_position()
    calls = [PlacedCall(caller=f"+1555010{n:04}", dialled="anna") for n in range(20)]

    heard = room.tell({"anna": Answers(after=0.05)}, calls)

    assert (heard.offered, heard.answered, heard.lost, heard.twice, heard.strangers) == (20, 20, (), (), ())
    assert all(call.answered_by == ("anna",) for call in heard.calls)
    assert all(call.intercept_ms is not None and call.intercept_ms < 1000 for call in heard.calls)
    assert room.pbx.unexpected_warnings(since=began) == []


@pytest.mark.parametrize(
    ("behaviour", "phone_said", "caller_heard"),
    [
        (BUSY, 486, 486),
        (DECLINES, 603, 486),
        (UNAVAILABLE, 480, 486),
        (Refuses(code=486, after=0.1), 486, 486),
        (NeverAnswers(), 487, 486),
        (Mute(), 0, 486),
        (Answers(after=0.0), 200, 200),
        (Answers(after=0.1, talks=0.2), 200, 200),
    ],
)
def test_a_phone_behaves_as_it_was_told(room: Room, behaviour: Behaviour, phone_said: int, caller_heard: int) -> None:
    call = PlacedCall(caller="+15550100001", dialled="anna", talks=0.5)

    heard = room.tell({"anna": behaviour}, [call]).of("+15550100001")

    assert [leg.status for leg in heard.rung] == [phone_said]
    assert heard.placed.status == caller_heard


def test_a_phone_that_hangs_up_first_is_not_a_caller_who_does(room: Room) -> None:
    heard = room.tell({"anna": Answers(after=0.05, talks=0.1)}, [PlacedCall(caller="1", dialled="anna", talks=5.0)])

    assert not heard.of("1").placed.hung_up
    assert heard.of("1").placed.ended_at is not None


def test_a_caller_who_gives_up_is_counted_as_that_and_the_phone_stops(room: Room) -> None:
    heard = room.tell({"anna": NeverAnswers()}, [PlacedCall(caller="1", dialled="anna", gives_up=0.3)])

    assert (heard.gave_up, heard.answered, heard.lost) == (1, 0, ())
    assert heard.of("1").rung[0].status == 487


def test_invite_and_cancel_in_one_breath_end_cleanly_on_both_sides(room: Room) -> None:
    calls = [PlacedCall(caller=str(n), dialled="anna", gives_up=0) for n in range(50)]

    heard = room.tell_raw({"anna": Answers(after=0.1)}, calls)

    # some of the CANCELs overtake their INVITE inside Asterisk: it says 481 to those, and the phone is answered
    assert (heard.offered, heard.answered + heard.gave_up, heard.lost) == (50, 50, ())
    assert heard.gave_up > 0
    assert [message.method for message in heard.calls[0].placed.messages[:2]] == ["INVITE", "CANCEL"]


def test_a_caller_who_keeps_no_rules_can_still_be_answered(room: Room) -> None:
    broken = PlacedCall(caller="7", dialled="anna", headers=("X-Folded: one\r\n\ttwo", "X-Bytes: \udcff\udcfe"))

    heard = room.tell_raw({"anna": Answers(after=0.05)}, [broken]).of("7")

    assert heard.answered_by == ("anna",)
    assert heard.placed.hung_up


def test_when_two_phones_ring_one_takes_the_call_and_the_other_is_sent_home(room: Room) -> None:
    calls = [PlacedCall(caller=str(n), dialled="everyone") for n in range(20)]

    heard = room.tell({"anna": Answers(after=0.1), "bert": Answers(after=0.1)}, calls)

    assert (heard.answered, heard.lost, heard.twice) == (20, (), ())
    assert all(set(call.phones) == {"anna", "bert"} for call in heard.calls)


def test_raw_text_of_a_caller_arrives_as_it_was_written(room: Room) -> None:
    hostile = PlacedCall(
        caller="7",
        dialled="anna;phone-context=x",
        from_header='"a, b; $[1] ${X} \udcff" <sip:7%0d%0aEvent:%20x@127.0.0.2;user=phone>',
        headers=("Diversion: <sip:1@x>;reason=unknown;privacy=off", "P-Asserted-Identity: <sip:%0a@x>"),
    )

    heard = room.tell({"anna": BUSY}, [hostile]).calls[0]

    invite = heard.placed.messages[0].raw
    assert b"INVITE sip:anna;phone-context=x@" in invite
    assert b'From: "a, b; $[1] ${X} \xff" <sip:7%0d%0aEvent:%20x@127.0.0.2;user=phone>;tag=' in invite
    assert b"\r\nDiversion: <sip:1@x>;reason=unknown;privacy=off\r\nP-Asserted-Identity: <sip:%0a@x>\r\n" in invite


def test_a_command_that_asterisk_does_not_know_is_an_error(room: Room) -> None:
    with pytest.raises(AsteriskFailed, match="No such command"):
        room.pbx.cli("make coffee")


def test_a_mistake_in_the_dialplan_shows_as_a_warning_unless_it_is_expected(
    asterisk_files: AsteriskFiles, tmp_path: Path
) -> None:
    with PrivateAsterisk(tmp_path, asterisk_files, None, Lab(extra={"extensions.conf": "[x]\nnonsense\n"})) as pbx:
        complaints = pbx.unexpected_warnings()

        assert len(complaints) == 1
        assert pbx.unexpected_warnings(expected=[r"extensions\.conf"]) == []


def test_killed_frozen_and_stopped_it_comes_back_on_the_same_ports(
    asterisk_files: AsteriskFiles, tmp_path: Path
) -> None:
    with PrivateAsterisk(tmp_path, asterisk_files, None) as pbx:
        pbx.cli("database put lab key value")
        pbx.freeze()
        with pytest.raises(AsteriskFailed, match="didn't answer"):
            pbx.cli("core show uptime", within=0.2)
        pbx.thaw()
        assert pbx.channels() == []
        pbx.stop()
        assert not pbx.alive
        pbx.start()
        pbx.kill()
        assert not pbx.alive
        pbx.start()

        assert "value" in pbx.cli("database get lab key")
        assert f"127.0.0.1:{pbx.sip_port}" in pbx.cli("pjsip show transports")


def test_two_run_at_a_time_and_a_long_path_is_no_hindrance(asterisk_files: AsteriskFiles, tmp_path: Path) -> None:
    long = tmp_path / ("deep" * 30)
    with (
        PrivateAsterisk(tmp_path / "one", asterisk_files, None) as one,
        PrivateAsterisk(long, asterisk_files, None) as other,
    ):
        assert one.ami_port != other.ami_port
        assert one.channels() == other.channels() == []


def test_what_the_benchmark_needs_can_be_asked_for(asterisk_files: AsteriskFiles, tmp_path: Path) -> None:
    ari = "[general]\nenabled = yes\n[bench]\ntype = user\npassword = bench\n"
    lab = Lab(options=("agi", "ari"), http=True, extra={"ari.conf": ari})
    with PrivateAsterisk(tmp_path, asterisk_files, None, lab) as pbx:
        assert "agi:async" in pbx.cli("core show application AGI")
        assert "bench" in pbx.cli("ari show users")
        assert f"127.0.0.1:{pbx.http_port}" in pbx.cli("http show status")
        assert pbx.unexpected_warnings() == []


def test_one_that_was_left_over_is_ended_by_the_next_in_its_folder(
    asterisk_files: AsteriskFiles, tmp_path: Path
) -> None:
    left_over = PrivateAsterisk(tmp_path, asterisk_files, None)
    left_over.start()

    with PrivateAsterisk(tmp_path, asterisk_files, None) as pbx:
        assert not left_over.alive
        assert pbx.channels() == []
    left_over.close()
