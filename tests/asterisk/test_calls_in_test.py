"""Does a test call ring whom explain names, and does it leave no trace but its own record?"""

import itertools
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from router.calls.calling_in import MARK
from router.lab.asterisk import PrivateAsterisk
from router.lab.process import RouterFailed
from router.lab.scenarios import BUSY, Answers, Behaviour, NeverAnswers
from router.lab.stand import Stand
from router.lab.witness import legs
from router.routing.model import Account, Desk, Line, LineKind, Person, Phone, PhoneKind
from router.storage.company import Company
from tests.asterisk.conftest import phones_port, slips
from tests.asterisk.outside import COORDINATORS

pytestmark = pytest.mark.asterisk

LINE, SALES_LINE = "+12125550160", "+19295550161"
BIRCH, MAPLE, STRANGER = "+12025550111", "+12025550122", "+12025550133"
PER_HOUR = 10
OVER_WITHIN = 40.0  # seconds
LOOK_EVERY = 0.1

FIRST, SECOND, THIRD = COORDINATORS[:3]  # endpoints that this PBX knows
ANNA, BEN, LENA = 1, 2, 3


def person(number: int, name: str, endpoint: str) -> Person:
    phone = Phone(id=number, person=number, kind=PhoneKind.DESK, endpoint=endpoint, ring_seconds=2)
    return Person(id=number, name=name, phones=(phone,))


COMPANY = Company(
    people=(person(ANNA, "Anna", FIRST), person(BEN, "Ben", SECOND), person(LENA, "Lena", THIRD)),
    desks=(
        Desk(id=1, name="Coordinators", slot=9, safety_net=True, members=(ANNA,), wrap_up_seconds=600),
        Desk(id=2, name="Night", slot=10, members=(LENA,)),
    ),
    lines=(
        Line(id=1, number=LINE, label="Business line", kind=LineKind.BUSINESS, desk=1),
        Line(id=2, number=SALES_LINE, label="Night line", kind=LineKind.BUSINESS, desk=2),
    ),
    accounts=(Account(id=1, name="Birch", manager=ANNA), Account(id=2, name="Maple", manager=BEN)),
    numbers=((int(BIRCH), False, 1), (int(MAPLE), False, 2)),
)
BEHAVIOURS: dict[str, Behaviour] = {FIRST: Answers(after=0.3), SECOND: BUSY, THIRD: NeverAnswers()}


@pytest.fixture(scope="module")
def stand(pbx: PrivateAsterisk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with stand_of(pbx, tmp_path_factory.mktemp("calling-in")) as stand:
        yield stand
    assert slips(stand.router.log_file) == []


def stand_of(pbx: PrivateAsterisk, folder: Path) -> Stand:
    return Stand(
        folder,
        pbx,
        f"sqlite:///{folder}/router.db",
        COMPANY,
        phones_port=phones_port(pbx),
        behaviours=BEHAVIOURS,
        settings={
            "ROUTER_ORIGINATE_SECRET": pbx.lab.originate_secret,
            "ROUTER_TEST_CALLS_PER_HOUR": str(PER_HOUR),
        },
    )


def test_a_test_call_rings_whom_explain_names_and_says_where_it_went_otherwise(
    stand: Stand, pbx: PrivateAsterisk, quiet: list[str]
) -> None:
    before = figures(stand)

    unanswered = call_in(stand, STRANGER, SALES_LINE, seconds=3)
    # the others one after the other: a phone that is in use is another story
    wanted = {"as explained": (BIRCH, LINE), "withheld": ("withheld", LINE), "busy": (MAPLE, LINE)}
    became = {name: wait_for(partial(over, stand, call_in(stand, *both))) for name, both in wanted.items()}
    became["nobody answers"] = wait_for(partial(over, stand, unanswered))

    assert {name: one["agrees"] for name, one in became.items()} == {
        "as explained": True, "withheld": True, "busy": False, "nobody answers": False,
    }  # fmt: skip
    good = became["as explained"]
    assert (good["taken_phone"], good["taken_by_id"], good["ended"]) == (FIRST, ANNA, "answered")
    assert good["explained"]["answered_by"]["people"] == [{"id": ANNA, "name": "Anna"}]
    assert [leg["phone"] for leg in good["rang"]] == [FIRST]
    assert 0.3 <= good["taken_after_seconds"] < 3
    assert good["sentence"] == f"Anna took it after {good['taken_after_seconds']:g} s, as explained."
    busy = became["busy"]
    assert busy["differences"][0] == "Explained was: In the end Ben answers. But Anna took it."
    assert f"Step 1: Ben didn't take it ({SECOND}: busy)." in busy["differences"]
    nobody = became["nobody answers"]
    assert (nobody["taken_phone"], nobody["ended"]) == (None, "gave_up")
    assert "not as explained" in nobody["sentence"]

    records = {record["call_id"]: record for record in stand.wait_until_recorded(4)}
    assert {record["is_test"] for record in records.values()} == {True}
    assert {record["presented"] for record in records.values()} == {"number", "withheld"}
    assert stand.router.get("/api/v1/calls?is_test=false")["items"] == []
    assert stand.router.get("/api/v1/commitments")["items"] == [], "no caller is owed anything"
    assert [name for name, value in figures(stand).items() if value != before.get(name, 0.0)] == []
    for by in ("line", "desk", "person", "hour"):
        report = stand.router.get(f"/api/v1/reports/calls?by={by}")
        assert (report["total"]["calls"], report["groups"]) == (0, []), by
    assert "paused" not in pbx.cli("queue show router-safety-net"), "nobody has to write anything down"
    shown = [message.text for leg in legs(stand.phones.messages) for message in leg.messages if not message.sent]
    invited = [text for text in shown if text.startswith("INVITE ")]
    assert invited
    assert [text for text in invited if not re.search(r'^From: "TEST ', text, re.MULTILINE)] == []


def test_the_command_tells_each_step_and_ends_with_whether_it_went_as_explained(stand: Stand, quiet: list[str]) -> None:
    good = command(stand, "--caller", BIRCH, "--line", LINE)
    told, _ = good.communicate(timeout=OVER_WITHIN)
    bad = command(stand, "--caller", MAPLE, "--line", LINE, "--json")
    data, _ = bad.communicate(timeout=OVER_WITHIN)

    assert good.returncode == 0, told
    assert told.splitlines()[:2] == ["explained: In the end Anna answers.", f"step 1: {FIRST} rings"]
    assert told.splitlines()[-1].endswith("as explained.")
    assert (bad.returncode, json.loads(data)["agrees"]) == (1, False)


def test_a_router_killed_in_mid_test_knows_afterwards_how_it_ended(
    stand: Stand, pbx: PrivateAsterisk, quiet: list[str]
) -> None:
    order = call_in(stand, STRANGER, SALES_LINE, seconds=4)
    wait_for(lambda: stand.router.get(f"/api/v1/test-calls/{order}")["rang"])

    stand.router.kill()
    pbx.wait_until_quiet(OVER_WITHIN)
    stand.router.start()

    became = wait_for(partial(over, stand, order))
    assert (became["ended"], became["agrees"]) == ("gave_up", False)
    assert stand.router.get("/api/v1/commitments")["items"] == []


def test_an_hour_has_so_many_test_calls_and_the_next_is_told_when(stand: Stand, quiet: list[str]) -> None:
    asked = len(stand.router.get("/api/v1/test-calls")["items"])
    for _ in range(PER_HOUR - asked):
        wait_for(partial(over, stand, call_in(stand, BIRCH, LINE)))

    with pytest.raises(RouterFailed, match=r"429 .*too-many-test-calls"):
        call_in(stand, BIRCH, LINE)
    refused = command(stand, "--caller", BIRCH, "--line", LINE)

    assert "try again in" in refused.communicate(timeout=OVER_WITHIN)[1]
    assert refused.returncode == 1


GOOD = f"f={BIRCH}~s=5"
NUMBERS = itertools.count(1)


@pytest.mark.parametrize(
    "written",
    [
        GOOD.replace(BIRCH, "${SHELL(id)}"),
        GOOD.replace(BIRCH, f"{BIRCH}&PJSIP/{FIRST}"),
        GOOD.replace(BIRCH, BIRCH.lstrip("+")),
        GOOD.replace("s=5", "s=5|System(id)"),
        f"{GOOD}~f=withheld",
        "",
    ],
)
def test_what_is_not_of_the_one_form_is_no_call(
    stand: Stand, pbx: PrivateAsterisk, quiet: list[str], written: str
) -> None:
    uniqueid = f"{MARK}1763759123.{next(NUMBERS):08}"
    known = len(stand.router.calls())

    answer = originate(pbx, uniqueid, f"1~{uniqueid}~{written}")

    assert "Success" in answer
    assert wait_for(lambda: not pbx.channels())
    assert len(stand.router.calls()) == known


def originate(pbx: PrivateAsterisk, uniqueid: str, value: str) -> str:
    """What the PBX answers to the user that places calls, whoever has its secret."""
    fields = {
        "Action": "Originate", "Channel": f"Local/{LINE}@router-test/n", "Context": "router-test-caller",
        "Exten": "s", "Priority": "1", "Async": "true", "OtherChannelId": uniqueid,
        "ChannelId": f"lab-{uniqueid}", "Variable": f"ROUTER_TEST={value}",
    }  # fmt: skip
    login = {"Action": "Login", "Username": "router-originate", "Secret": pbx.lab.originate_secret, "Events": "off"}
    with socket.create_connection(("127.0.0.1", pbx.ami_port), timeout=5.0) as wire:
        for action in (login, fields, {"Action": "Logoff"}):
            wire.sendall("".join(f"{key}: {said}\r\n" for key, said in action.items()).encode() + b"\r\n")
        heard = b""
        while more := wire.recv(4096):
            heard += more
    return heard.decode().partition("Authentication accepted")[2]


COUNTED = re.compile(
    r"router_(calls?_|ended_calls|seconds_to_person|desk_members|legs?_|to_person|answer|machine|paths|endings|plans|slips|events_unknown|commit)"
)


def figures(stand: Stand) -> dict[str, float]:
    """What counts calls, and what is owed for them."""
    return {name: value for name, value in stand.router.figures().items() if COUNTED.match(name)}


def call_in(stand: Stand, caller: str, line: str, **further: Any) -> int:
    """Ask for it over the API; the order's number."""
    return int(stand.router.post("/api/v1/test-calls", {"caller": caller, "line": line, **further})["id"])


def over(stand: Stand, order: int) -> dict[str, Any] | None:
    """As soon as it is over, with all its legs."""
    found: dict[str, Any] = stand.router.get(f"/api/v1/test-calls/{order}")
    assert found["state"] != "not_placed", found["sentence"]
    return found if found["state"] == "over" and all(leg["result"] for leg in found["rang"]) else None


def command(stand: Stand, *arguments: str) -> subprocess.Popen[str]:
    """`router test-call …`, begun."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("ROUTER_")}
    return subprocess.Popen(
        [sys.executable, "-m", "router", "test-call", *arguments],
        env=others | {"ROUTER_DATABASE": stand.database, "ROUTER_TEST_CALLS_PER_HOUR": str(PER_HOUR)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def wait_for(what: Callable[[], Any], within: float = OVER_WITHIN) -> Any:
    deadline = time.monotonic() + within
    while not (found := what()):
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(LOOK_EVERY)
    return found
