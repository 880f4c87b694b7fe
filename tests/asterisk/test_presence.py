"""Who answers at a desk when people sign out, pause, go away or wrap up, and PBX and router come and go?"""

import asyncio
import itertools
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from router.ami.dialplan import queue_name
from router.calls.presence import Presence, away, sign_in
from router.lab.asterisk import PrivateAsterisk
from router.lab.configuration import Lab
from router.lab.installation import AsteriskFiles
from router.lab.scenarios import PlacedCall
from router.lab.stand import Stand
from router.lab.witness import Heard, Placed
from router.routing.configuration import Put
from router.storage.database import Database
from router.storage.presence import load_presences, save_presences
from router.storage.tables import commit_changes
from tests.asterisk.attendants import (
    BEHAVIOURS,
    BLOCK,
    COMPANY,
    FRONT,
    FRONT_LINE,
    HALL,
    LONG,
    LONG_LINE,
    NAMES,
    RITA,
    SARA,
    SHY_LINE,
    WRAP,
    WRAP_LINE,
    WRAP_UP,
)
from tests.asterisk.conftest import SHIPPED, phones_port, slips
from tests.asterisk.reckoning import assert_records_agree, reckon
from tests.proof import Proof

pytestmark = pytest.mark.asterisk

COUNTS_WITHIN = 2.0  # seconds until what somebody says counts; 0.5 is the most usual
ENDS_WITHIN = 1.0  # seconds after its end that a pause counts as over
SLACK = 0.5  # seconds for a machine with other things to do, and for asking the PBX by its console
LED_ON_WITHIN = 10.0  # seconds; a round in which phones refuse takes two, then the queue looks who is left
BACK_WITHIN = 20.0  # seconds until a PBX that was restarted is spoken to again
NOT_POSSIBLE = "Q.850;cause=29"
SHORTLY = timedelta(seconds=3)

_callers = itertools.count(1)


@pytest.fixture(scope="module")
def pbx(files: AsteriskFiles, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateAsterisk]:
    """A PBX of these stories' own, which some of them restart."""
    asterisk = PrivateAsterisk(tmp_path_factory.mktemp("pbx"), files, SHIPPED, Lab())
    asterisk.lab = Lab(phones=dict.fromkeys([*NAMES.values(), HALL], asterisk.ports.one()))
    with asterisk:
        yield asterisk


@pytest.fixture(scope="module")
def town(pbx: PrivateAsterisk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    folder = tmp_path_factory.mktemp("stand")
    database = f"sqlite:///{folder}/router.db"
    stand = Stand(folder, pbx, database, COMPANY, phones_port=phones_port(pbx), behaviours=BEHAVIOURS)
    with stand:
        yield stand
    assert slips(stand.router.log_file) == []


@pytest.fixture
def stand(town: Stand) -> Stand:
    """Everybody is there, and nothing that was told before is counted."""
    if not town.router.alive:
        town.router.start()
    asyncio.run(everybody_signs_in(town))
    wait_until(lambda: everybody(town) == EVERYBODY, WRAP_UP + COUNTS_WITHIN)
    town.begin()
    return town


EVERYBODY = {
    desk.id: {NAMES[member]: False for member in desk.members} for desk in COMPANY.desks
}  # the members of each desk, none of them paused


def test_who_signs_out_rings_no_more_and_the_last_one_is_told_which_desk_takes_over(
    stand: Stand, quiet: list[str], proof: Proof
) -> None:
    at_first = call(stand)
    stand.dial(("rita", "*60"))
    without_rita = call(stand)
    stand.dial(("sara", "*60"))
    at_the_next_desk = call(stand)
    stand.dial(("tom", "*60"))
    at_the_net = call(stand)
    said = command(stand, "sign-in", "rita")
    wait_until(lambda: "rita" in members(stand, FRONT), COUNTS_WITHIN)
    with_rita = call(stand)
    records = stand.wait_until_recorded(5)

    assert sorted(at_first.phones) == ["rita", "sara"]
    assert (without_rita.phones, at_the_next_desk.phones, at_the_net.phones) == (("sara",), ("tom",), ("uma",))
    assert with_rita.phones == ("rita",)
    assert said == "Rita is there.\n"
    shown = {text.phone: text.text for text in stand.texts()}
    assert re.fullmatch(r"Rita is signed out since \d\d:\d\d\.", shown["rita"])
    assert shown["sara"].endswith(". Nobody is at the desk Front now: desk Back takes over.")
    assert shown["tom"].endswith(". Nobody is at the desk Back now: desk Net takes over.")
    assert_records_agree(stand.seen(), records)
    reckon("members sign out, desk by desk", stand.seen(), proof)


def test_who_waits_at_a_desk_that_everybody_leaves_is_led_on_to_the_next(
    stand: Stand, quiet: list[str], proof: Proof
) -> None:
    caller = f"{BLOCK}{next(_callers):04}"
    callers = stand.start_calls([PlacedCall(caller=caller, dialled=SHY_LINE, talks=0.1)])
    wait_until(lambda: any(name.startswith("PJSIP/yara-") for name in stand.pbx.channels()), COUNTS_WITHIN)
    stand.dial(("yara", "*60"), ("zoe", "*60"))
    callers.wait(LED_ON_WITHIN)

    waited = stand.seen().of(caller)
    assert {"yara", "zoe"} <= set(waited.phones)
    assert waited.answered_by == ("tom",)
    # both dial at once: whoever comes second is told
    assert any("desk Back takes over" in text.text for text in stand.texts() if text.phone in ("yara", "zoe"))
    reckon("everybody leaves while somebody waits", stand.seen(), proof)


def test_a_pause_and_an_absence_end_by_themselves(stand: Stand, quiet: list[str]) -> None:
    until = datetime.now(UTC) + SHORTLY
    asyncio.run(pauses_and_goes_away(stand, until))

    wait_until(lambda: members(stand, FRONT) == {}, COUNTS_WITHIN)
    wait_until(lambda: len(members(stand, FRONT)) == 2, SHORTLY.total_seconds() + ENDS_WITHIN + SLACK)

    ended = datetime.now(UTC)
    assert until <= ended <= until + timedelta(seconds=ENDS_WITHIN + SLACK)


def test_who_dials_that_they_pause_or_are_away_is_left_alone_until_they_say_otherwise(
    stand: Stand, quiet: list[str], proof: Proof
) -> None:
    soon = (datetime.now(UTC) + timedelta(hours=2)).strftime("%H%M")
    stand.dial(("rita", "*6215"), ("sara", f"*63{soon}"))
    both_gone = call(stand)
    stand.dial(("rita", "*62"), ("sara", "*63"))
    both_back = call(stand)

    assert both_gone.phones == ("tom",)
    assert sorted(both_back.phones) == ["rita", "sara"]
    told = [text.text for text in stand.texts()]
    assert [text for text in told if "takes over" in text] == told[1:2], "the second one was the last"
    assert "Rita pauses until " in told[0]
    assert "Sara is away until " in told[1]
    reckon("members pause and are away", stand.seen(), proof)


def test_who_wraps_up_after_a_call_is_passed_over_until_the_time_is_over(
    stand: Stand, quiet: list[str], proof: Proof
) -> None:
    first = call(stand, WRAP_LINE)
    meanwhile = call(stand, WRAP_LINE)
    paused = members(stand, WRAP)
    wait_until(lambda: not members(stand, WRAP)["wendy"], WRAP_UP + ENDS_WITHIN + SLACK)
    again = datetime.now(UTC)
    afterwards = call(stand, WRAP_LINE)

    assert first.answered_by == ("wendy",)
    assert meanwhile.phones == ("xena",), "her phone was left alone"
    assert paused == {"wendy": True, "xena": True}
    assert first.placed.ended_at is not None
    assert WRAP_UP <= (again - first.placed.ended_at).total_seconds() <= WRAP_UP + ENDS_WITHIN + SLACK
    assert "wendy" in afterwards.phones
    reckon("wrapping up", stand.seen(), proof)


def test_members_and_pauses_survive_a_restart_of_either_side(stand: Stand, quiet: list[str], proof: Proof) -> None:
    quiet.append(r"manager\.c|asterisk\.c|loader\.c")  # of sessions that end with the PBX
    stand.dial(("rita", "*60"))
    expected = {**EVERYBODY, FRONT: {"sara": False}}
    assert everybody(stand) == expected

    stand.router.kill()
    stand.router.start()
    assert orders_given(stand) == {}, "the router was restarted, and all was as it should be"

    stand.router.kill()
    restart(stand.pbx)
    stand.router.start()
    assert orders_given(stand) == {}, "the PBX was restarted without a router"
    assert everybody(stand) == expected

    call(stand, LONG_LINE)
    wraps_up = {**expected, LONG: {"vera": True, "walt": False}}
    assert everybody(stand) in (wraps_up, {**expected, LONG: {"vera": False, "walt": True}})
    before = everybody(stand)
    logins = stand.router.figures()["router_link_logins_total"]
    restart(stand.pbx)
    wait_until(lambda: stand.router.figures()["router_link_logins_total"] > logins, BACK_WITHIN)
    stand.router.wait_until_ready()
    assert everybody(stand) == before, "pauses as well"

    stand.router.kill()
    stand.router.start()
    wait_until(lambda: everybody(stand) == expected, COUNTS_WITHIN)  # who doesn't know why they pause lets them ring
    last = call(stand)
    assert last.phones == ("sara",)
    reckon("restarts of PBX and router", stand.seen(), proof)


def test_a_code_that_can_not_be_done_is_told_so_and_does_no_harm(stand: Stand, quiet: list[str], proof: Proof) -> None:
    impossible = stand.dial((HALL, "*60"), ("rita", "*639999"), ("rita", "*62000"), listens=None)
    stand.place([PlacedCall(caller=f"{BLOCK}9999", dialled="*60", talks=0.1)])
    from_outside = stand.seen().of(f"{BLOCK}9999")
    (record,) = stand.wait_until_recorded(1)
    stand.router.kill()
    without_us = stand.dial(("rita", "*60"), listens=None)

    assert [reason_of(one) for one in (*impossible, *without_us)] == [NOT_POSSIBLE] * 4
    assert from_outside.answered_by == ("uma",)
    assert (record["dialled"], record["path"]) == ("", "plan"), "it was a number that is no line"
    assert everybody(stand) == EVERYBODY
    assert all(one.signed_in for one in asyncio.run(kept(stand)).values())
    assert stand.texts() == []
    reckon("codes that can't be done", stand.seen(), proof)


def call(stand: Stand, line: str = FRONT_LINE) -> Heard:
    """One call to this line, whole."""
    caller = f"{BLOCK}{next(_callers):04}"
    stand.place([PlacedCall(caller=caller, dialled=line, talks=0.1)])
    return stand.seen().of(caller)


def members(stand: Stand, desk: int) -> dict[str, bool]:
    """Who answers at this desk by the PBX's own word, and whether they are paused."""
    return everybody(stand)[desk]


def everybody(stand: Stand) -> dict[int, dict[str, bool]]:
    queues = {queue_name(desk.strategy, desk.slot): desk.id for desk in COMPANY.desks}
    found: dict[int, dict[str, bool]] = {desk: {} for desk in queues.values()}
    desk = None
    for line in stand.pbx.cli("queue show").splitlines():
        if line[:1].strip():
            desk = queues.get(line.split()[0])
        elif desk is not None and (member := re.match(r" +(\w+) \(Local/", line)):
            found[desk][member[1]] = "(paused" in line
    return found


def orders_given(stand: Stand) -> dict[str, float]:
    """The orders about members that this router has given since it started."""
    figures = stand.router.figures()
    return {name: value for name, value in figures.items() if name.startswith("router_desk_members_changed") and value}


def reason_of(dialled: Placed) -> str:
    """Why the PBX hung up on whoever dialled."""
    return next(message.header("Reason") for message in dialled.messages if message.method == "BYE")


def restart(pbx: PrivateAsterisk) -> None:
    pbx.stop()
    pbx.start()


def command(stand: Stand, *arguments: str) -> str:
    """What `router presence …` says, as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "router", "presence", *arguments],
        env=os.environ | {"ROUTER_DATABASE": stand.database},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return done.stdout


async def everybody_signs_in(stand: Stand) -> None:
    db, now = Database(stand.database), datetime.now(UTC)
    await save_presences(db, [sign_in(one, now) for one in (await load_presences(db)).values()])
    await db.close()


async def pauses_and_goes_away(stand: Stand, until: datetime) -> None:
    """Rita pauses and Sara is away until then, as the commands write it."""
    db = Database(stand.database)
    await save_presences(db, [Presence(person=RITA, paused_until=until, since=datetime.now(UTC))])
    sara = next(person for person in COMPANY.people if person.id == SARA)
    await commit_changes(db, [Put(entity=away(replace(sara), until))], datetime.now(UTC))
    await db.close()


async def kept(stand: Stand) -> dict[int, Presence]:
    db = Database(stand.database)
    try:
        return await load_presences(db)
    finally:
        await db.close()


def wait_until(holds: Callable[[], object], within: float) -> None:
    """Raises AssertionError when it never does."""
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.05)
