"""Does the guard take callers out of the mailboxes of a dialplan that isn't ours, and nobody else?"""

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from router.lab.asterisk import PrivateAsterisk
from router.lab.configuration import Lab
from router.lab.installation import AsteriskFiles
from router.lab.phones import Callers
from router.lab.ports import LOOPBACK
from router.lab.raw import place_raw
from router.lab.scenarios import BUSY, Answers, Behaviour, NeverAnswers, PlacedCall
from router.lab.stand import Stand
from router.lab.witness import Evidence, placed
from router.routing.model import Account, Desk, Line, LineKind, Person, Phone, PhoneKind, Strategy
from router.storage.company import Company
from tests.asterisk.conftest import EXPECTED_WARNINGS, SHIPPED, proxy_to, slips
from tests.asterisk.reckoning import assert_records_agree, reckon
from tests.proof import Proof, many

pytestmark = pytest.mark.asterisk

CALLS = many(12, 100)
RATE = 4.0  # calls a second
HANG_UPS = many(10, 100)
TALKS = 0.4  # seconds a coordinator talks before hanging up
LOOK_EVERY = 0.02  # seconds between two looks at something that has no event to wait for
AT_MOST = 15.0  # seconds for what must come

LINES = tuple(f"+1212555017{place}" for place in (1, 2, 3))  # nobody answers, busy, a group behind a Local channel
NO_MAILBOX = "+12125550175"  # is busy, without any
SHORT_GREETING = "+12125550174"  # its mailbox greets for a moment and records
EXTENSIONS: dict[str, Behaviour] = {"201": NeverAnswers(), "202": BUSY, "203": NeverAnswers(), "204": NeverAnswers()}
COORDINATORS = tuple(f"coordinator{number}" for number in range(1, 13))
MANAGER = "manager"
BLOCK = "+1646555"  # callers of the account; the manager has its calls
DIALPLAN = Path(__file__).with_name("another_dialplan.conf")

COMPANY = Company(
    people=tuple(
        Person(
            id=number,
            name=name.title(),
            phones=(Phone(id=number, person=number, kind=PhoneKind.DESK, endpoint=name, call_waiting=name == MANAGER),),
        )
        for number, name in enumerate((*COORDINATORS, MANAGER), 1)
    ),
    desks=(
        Desk(
            id=1,
            name="Coordinators",
            slot=3,
            strategy=Strategy.ROUND_ROBIN,
            safety_net=True,
            members=tuple(range(1, len(COORDINATORS) + 1)),
        ),
    ),
    lines=tuple(
        Line(id=number, number=line, label=f"Line {number}", kind=LineKind.BUSINESS, desk=1)
        for number, line in enumerate((*LINES, SHORT_GREETING), 1)
    ),
    accounts=(Account(id=1, name="Muster", manager=len(COORDINATORS) + 1),),
    numbers=((int(BLOCK), True, 1),),
)
BEHAVIOURS: dict[str, Behaviour] = EXTENSIONS | {
    name: Answers(after=0.05 + 0.02 * place, talks=TALKS) for place, name in enumerate((*COORDINATORS, MANAGER))
}


@pytest.fixture(scope="module")
def theirs(files: AsteriskFiles, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateAsterisk]:
    """A private Asterisk whose trunk and phones lead into a dialplan in FreePBX's manner, with ours beside it."""
    asterisk = PrivateAsterisk(tmp_path_factory.mktemp("theirs"), files, SHIPPED, Lab())
    port = asterisk.ports.one()
    asterisk.lab = Lab(
        phones=dict.fromkeys((*EXTENSIONS, *COORDINATORS, MANAGER), port),
        trunk_context="from-trunk",
        phones_context="from-internal",
        options=("voicemail",),
        guard=True,
        extra={
            "extensions.conf": DIALPLAN.read_text(),
            "voicemail.conf": "[general]\nformat = wav\nattach = no\n[default]\n"
            + "".join(f"{name} => 1234,Extension {name}\n" for name in EXTENSIONS),
        },
    )
    mailbox = asterisk.folder / "spool/voicemail/default/204"
    mailbox.mkdir(parents=True)
    shutil.copy(files.data / "sounds/en_US_f_Allison/beep.gsm", mailbox / "unavail.gsm")
    with asterisk:
        yield asterisk


@pytest.fixture
def calm(theirs: PrivateAsterisk) -> Iterator[list[str]]:
    """After the story no channel is left, and Asterisk complained of nothing but what the story adds."""
    began, expected = theirs.log_position(), [*EXPECTED_WARNINGS, r"func_timeout|No audio available"]
    yield expected
    assert theirs.wait_until_quiet() == []
    assert theirs.unexpected_warnings(expected, began) == []
    for left in messages_in(theirs):
        left.unlink()


@contextmanager
def told(
    pbx: PrivateAsterisk, folder: Path, *, guard: bool = True, ami_port: int | None = None, **settings: str
) -> Iterator[Stand]:
    """The company behind that PBX, with a router whose guard watches."""
    if guard:
        settings |= {"ROUTER_GUARD_SECRET": pbx.lab.guard_secret}
    stand = Stand(
        folder, pbx, f"sqlite:///{folder}/router.db", COMPANY,
        phones_port=next(iter(pbx.lab.phones.values())), behaviours=BEHAVIOURS, ami_port=ami_port, settings=settings,
    )  # fmt: skip
    with stand:
        if guard:
            until(lambda: stand.router.figures()["router_guard_up"] == 1)
        yield stand


def calls(count: int, lines: Sequence[str] = LINES, first: int = 0) -> list[PlacedCall]:
    """Calls from many numbers, a third of them the account's; whoever answers in the end hangs up."""
    return [
        PlacedCall(
            caller=f"{BLOCK if number % 3 == 0 else '+1202555'}{number:04}",
            dialled=lines[number % len(lines)],
            talks=None,
        )
        for number in range(first, first + count)
    ]


def test_every_call_that_falls_into_a_greeting_is_answered_by_a_person(
    theirs: PrivateAsterisk, folder: Path, calm: list[str], proof: Proof
) -> None:
    with told(theirs, folder) as stand:
        stand.place(calls(CALLS), RATE)
        records = stand.wait_until_recorded(CALLS)
        figures = stand.router.figures()
    seen = by_our_phones(stand.seen())

    reckon("voicemail guard, FreePBX's manner", seen, proof, messages=len(messages_in(theirs)))
    assert seen.answered == CALLS
    assert_records_agree(seen, records)
    assert {(record["path"], record["why"]) for record in records} == {("plan", "guard")}
    by_account = {record["taken_phone"] == MANAGER for record in records if record["account_id"] == 1}
    assert by_account == {True}, "the caller is known, not only that there is one"
    assert {record["line_id"] for record in records} == {1, 2, 3}
    assert hints(figures) == {"rescued": CALLS}
    assert messages_in(theirs) == []
    assert slips(stand.router.log_file) == []


def test_without_the_guard_such_a_call_ends_in_the_mailbox(
    theirs: PrivateAsterisk, folder: Path, calm: list[str]
) -> None:
    with told(theirs, folder, guard=False) as stand:
        caller = stand.start_calls([PlacedCall(caller="+12025550001", dialled=SHORT_GREETING, talks=3.0)])
        until(lambda: "VoiceMail" in applications(theirs))
        caller.wait()
        until(lambda: messages_in(theirs) != [])
        assert stand.records() == []
    (call,) = stand.seen().calls
    assert call.placed.answered_at is not None
    assert call.answered_by == ()


def test_whoever_listens_to_their_own_messages_is_left_alone_whatever_a_caller_forges(
    theirs: PrivateAsterisk, folder: Path, calm: list[str]
) -> None:
    calm.append(r"pjproject|res_pjsip")  # what the SIP stack says of what it throws away
    with told(theirs, folder) as stand, from_extension(theirs, folder, "201", "*97", talks=4.0) as listening:
        until(lambda: "VoiceMailMain" in applications(theirs))
        (victim,) = theirs.channels()
        for channel in (victim, "PJSIP/no-1"):
            event = f"\r\n\r\nEvent: Newexten\r\nChannel: {channel}\r\nApplication: VoiceMail\r\n\r\n"
            forged = f"<sip:+1646{quote(event, safe='')}@198.51.100.7>"
            call = PlacedCall(caller="+12025550002", dialled=NO_MAILBOX, from_header=forged, talks=0.1)
            place_raw(folder / channel.replace("/", "-"), [call], to_port=theirs.sip_port)
        until(lambda: set(hints(stand.router.figures())) == {"elsewhere", "gone"})
        assert theirs.channels() == [victim]
        assert applications(theirs) == {"VoiceMailMain"}
        listening.wait()
        assert stand.records() == []
    (call_of_201,) = placed(listening.messages)
    assert call_of_201.hung_up


@pytest.mark.parametrize("trunks", ["", "trunk"], ids=["every channel", "the trunk's channels only"])
def test_a_colleagues_call_to_a_mailbox_is_taken_out_unless_trunks_are_named(
    trunks: str, theirs: PrivateAsterisk, folder: Path, calm: list[str]
) -> None:
    with (
        told(theirs, folder, ROUTER_GUARD_TRUNKS=trunks) as stand,
        from_extension(theirs, folder, "201", "202", talks=1.5) as colleague,
    ):
        stand.place(calls(1, lines=LINES[1:2]))
        colleague.wait()
        records = stand.wait_until_recorded(1 if trunks else 2)
        found = hints(stand.router.figures())
    assert found == ({"rescued": 1, "spared": 1} if trunks else {"rescued": 2})
    assert {record["caller"] for record in records} == ({f"{BLOCK}0000"} if trunks else {f"{BLOCK}0000", "201"})


def test_a_guard_whose_connection_was_cut_is_back_and_works(
    theirs: PrivateAsterisk, folder: Path, calm: list[str], proof: Proof
) -> None:
    with proxy_to(theirs) as proxy, told(theirs, folder, ami_port=proxy.port) as stand:
        proxy.do(proxy.proxy.refuse)
        until(lambda: stand.router.figures()["router_guard_up"] == 0)
        proxy.do(proxy.proxy.mend)
        stand.router.wait_until_ready()
        until(lambda: stand.router.get("/readyz")["warnings"] == [])
        stand.place(calls(3), RATE)
        records = stand.wait_until_recorded(3)
        figures = stand.router.figures()
    seen = by_our_phones(stand.seen())
    reckon("voicemail guard, cut and back", seen, proof)
    assert {record["why"] for record in records} == {"guard"}
    assert figures["router_guard_losses_total"] >= 1
    assert hints(figures) == {"rescued": 3}


def test_a_guard_that_is_told_nothing_does_not_look_awake(
    theirs: PrivateAsterisk, folder: Path, calm: list[str]
) -> None:
    manager = theirs.etc / "manager.conf"
    installed = manager.read_text()
    manager.write_text(f"{installed}[general](+)\ndisabledevents = Newexten\n")  # as with the includes in wrong order
    theirs.reload("manager")
    try:
        with told(theirs, folder, guard=False, ROUTER_GUARD_SECRET=theirs.lab.guard_secret) as stand:
            until(lambda: any("disabledevents" in said for said in stand.router.get("/readyz")["warnings"]))
            assert stand.router.figures()["router_guard_up"] == 0
    finally:
        manager.write_text(installed)
        theirs.reload("manager")


def test_a_caller_who_hangs_up_while_being_taken_out_harms_nothing(
    theirs: PrivateAsterisk, folder: Path, calm: list[str], proof: Proof
) -> None:
    calm.append(r"app_queue|app_dial|app_voicemail|chan_pjsip")  # calls that end while they are being set up
    with told(theirs, folder) as stand:
        short = [replace(call, talks=0.001 + 0.001 * number) for number, call in enumerate(calls(HANG_UPS, LINES[1:2]))]
        stand.place(short, RATE)
        assert theirs.wait_until_quiet() == []
        until(lambda: all(record["ended_at"] for record in stand.records()))
        records = stand.records()
        stand.begin()
        stand.place(calls(1, first=5000))
        stand.wait_until_recorded(1)
        figures = stand.router.figures()
    reckon("voicemail guard, after hang-ups", by_our_phones(stand.seen()), proof)
    assert {record["ended"] for record in records} <= {"gave_up", "answered"}
    assert set(hints(figures)) <= {"rescued", "refused", "gone", "elsewhere"}
    assert hints(figures)["rescued"] >= 1
    assert slips(stand.router.log_file) == []


def by_our_phones(seen: Evidence) -> Evidence:
    """What was seen, without the extensions that their dialplan rang in vain."""
    calls = (replace(call, rung=tuple(r for r in call.rung if r.phone not in EXTENSIONS)) for call in seen.calls)
    return replace(seen, calls=tuple(calls))


def from_extension(pbx: PrivateAsterisk, folder: Path, extension: str, dialled: str, talks: float) -> Callers:
    """A call that a phone of the PBX places, not a caller from outside."""
    call = PlacedCall(caller=extension, dialled=dialled, from_header=f"<sip:{extension}@{LOOPBACK}>", talks=talks)
    return Callers(folder / f"from-{extension}", pbx.files, pbx.ports, [call], to_port=pbx.sip_port, address=LOOPBACK)


def messages_in(pbx: PrivateAsterisk) -> list[Path]:
    """The messages that somebody left in a mailbox."""
    return sorted((pbx.folder / "spool/voicemail").rglob("msg*.*"))


def applications(pbx: PrivateAsterisk) -> set[str]:
    """What the channels of the PBX do now."""
    lines = pbx.cli("core show channels concise").splitlines()
    return {line.split("!")[5] for line in lines if line.count("!") > 8}


def hints(figures: dict[str, float]) -> dict[str, int]:
    """What came of the hints that the guard heard, without those that did not occur."""
    begins = 'router_guard_hints_total{outcome="'
    return {
        name.removeprefix(begins).rstrip('"}'): int(count)
        for name, count in figures.items()
        if name.startswith(begins) and count
    }


def until(holds: Callable[[], bool]) -> None:
    """Wait until it holds. Raises AssertionError when it never does."""
    deadline = time.monotonic() + AT_MOST
    while not holds():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(LOOK_EVERY)
