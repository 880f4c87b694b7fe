"""Does all of it come up in containers, steer real calls, and lose none when one part after the other is killed?

The stories of this file are told in their order, of one and the same stack.
"""

import json
import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from router.lab.installation import AsteriskFiles
from router.lab.phones import Callers, Phones
from router.lab.ports import LOOPBACK
from router.lab.scenarios import PlacedCall
from router.lab.witness import Evidence, joined, legs, placed
from tests.asterisk.company import BEHAVIOURS, BLOCK, COMPANY, COORDINATORS, LINE, MANAGER, callers
from tests.asterisk.reckoning import assert_records_agree, reckon
from tests.docker.engine import EngineFailed
from tests.docker.stack import BACK_WITHIN, BUILD_WITHIN, STAYING, Api, Stack
from tests.proof import Proof, many

RATE = 5.0  # calls a second
CALLS = many(20, 100)  # of one batch; batches follow until everything that was killed is back
BATCHES_AT_MOST = 60
LONG_TALK, EVERY = 4.0, 10  # seconds that one of so many callers talks: through a kill and what comes after
TALKING = 3  # callers who talk when Asterisk is killed
ANSWERED_AGAIN_WITHIN = 15.0  # seconds after that
TRIES = 2.0  # a second, each by somebody else, of callers who want to be the first to be answered again
PATIENCE = 6.0  # seconds without a sign of life, after which they hang up; meanwhile SIP repeats the INVITE
QUIET_WITHIN = 30.0  # seconds after that, until the router has found out which calls went with it; 1 is usual
STOPS_WITHIN = 10.0  # seconds; the last records are given 5 s twice, which they take when the database is away
SCRAPED_WITHIN = 60.0  # seconds until Prometheus has looked twice, which it does every 15

DOCKER = Path(__file__).resolve().parents[2] / "docker"
ALERTS = (DOCKER / "prometheus" / "alerts.yml").read_text()
DASHBOARD = (DOCKER / "grafana" / "dashboards" / "router.json").read_text()

PJSIP = """
[company](!)
type = endpoint
transport = udp
disallow = all
allow = ulaw
direct_media = no
send_pai = no
send_rpid = no

[carrier](company)
context = router-in
aors = carrier
[carrier]
type = aor
contact = sip:{address}
[carrier]
type = identify
endpoint = carrier
match = {address}
"""
PHONE = """
[{name}](company)
context = phones
aors = {name}
[{name}]
type = aor
contact = sip:{name}@{address}:{port}
"""


@pytest.fixture(scope="module")
def phones(built: Stack, files: AsteriskFiles, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Phones]:
    """The company's phones, outside of all containers; they are on as soon as the stack is up."""
    port = built.ports.one()
    trunk = PJSIP.format(address=built.outside)
    built.write_site(trunk + "".join(PHONE.format(name=name, address=built.outside, port=port) for name in BEHAVIOURS))
    built.draw_secrets()
    built.up()
    with built.phones(tmp_path_factory.mktemp("phones"), files, BEHAVIOURS, port) as there:
        yield there


@pytest.fixture(scope="module")
def stack(built: Stack, phones: Phones) -> Stack:
    """Everything up, and the company made over the API."""
    make_company(built.api)
    built.wait_until(built.calls.ready, 30.0, "ready")
    return built


def test_the_tables_are_made_and_every_part_is_well(stack: Stack) -> None:
    migrated = stack.container("migrate").seen["State"]
    well = [service for service in STAYING if stack.container(service).healthy]

    assert (migrated["Status"], migrated["ExitCode"]) == ("exited", 0)
    assert well == list(STAYING)


@pytest.mark.parametrize("service", STAYING)
def test_nobody_is_root_and_what_is_there_cannot_be_changed(stack: Stack, service: str) -> None:
    host = stack.container(service).seen["HostConfig"]
    user = stack.inside(service, "id", "-u").strip()
    powers = dict(re.findall(r"(CapEff|CapBnd|NoNewPrivs):\s+(\w+)", stack.inside(service, "cat", "/proc/1/status")))

    assert host["ReadonlyRootfs"]
    assert not host["Privileged"]
    assert user not in ("", "0")
    assert powers == {"CapEff": "0" * 16, "CapBnd": "0" * 16, "NoNewPrivs": "1"}
    with pytest.raises(EngineFailed, match="Read-only file system"):
        stack.inside(service, "touch", "/usr/bin/mine")


def test_nothing_is_published_but_sip_speech_and_the_api_on_this_machine_alone(stack: Stack) -> None:
    published = {service: stack.container(service).published for service in STAYING}

    speech = {f"{port}/udp": [f"0.0.0.0:{port}"] for port in stack.rtp_ports}
    assert published.pop("asterisk") == {"5060/udp": [f"0.0.0.0:{stack.sip_port}"], **speech}
    assert published == {"database": {}, "calls": {}, "web": {"8080/tcp": [f"127.0.0.1:{stack.http_port}"]}}


def test_ami_is_for_the_half_that_hears_the_pbx_and_nobody_else(stack: Stack) -> None:
    asterisk = stack.container("asterisk")
    doors = [asterisk.address("pbx"), asterisk.address("phones")]

    assert greeted(stack, "calls", doors[0])
    assert [door for door in doors if greeted(stack, "web", door)] == []


def test_a_call_is_answered_by_the_phone_that_explain_names(
    stack: Stack, phones: Phones, files: AsteriskFiles, tmp_path: Path, proof: Proof
) -> None:
    call = PlacedCall(caller=f"{BLOCK}8000", dialled=LINE, talks=1.0)

    explained = stack.api.post("/api/v1/explain", {"caller": call.caller, "line": LINE})
    placing = stack.callers(tmp_path, files, [call], RATE)
    placing.start()
    placing.wait()
    records = stack.recorded([call.caller])

    seen = seen_by([placing], phones)
    reckon("containers: one call", seen, proof)
    assert_records_agree(seen, records)
    assert [person["name"] for person in explained["answered_by"]["people"]] == [MANAGER.title()]
    assert seen.of(call.caller).answered_by == (MANAGER,)
    # phones are outside of the containers' networks: they are told the machine's address, for signs and for speech
    invite = seen.of(call.caller).rung[0].messages[0]
    assert f"@{stack.outside}:{stack.sip_port}" in invite.header("Contact")
    assert f"c=IN IP4 {stack.outside}" in invite.text
    assert int(re.findall(r"m=audio (\d+) ", invite.text)[0]) in stack.rtp_ports


def test_no_call_is_lost_when_the_halves_and_the_database_are_killed_in_turn(
    stack: Stack, phones: Phones, files: AsteriskFiles, tmp_path: Path, proof: Proof
) -> None:
    with ThreadPoolExecutor(1) as beside:
        killing = beside.submit(kill_in_turn, stack)
        placing = place_while(killing, stack, files, tmp_path)
    back = killing.result()
    records = stack.recorded([call.caller for batch in placing for call in batch.calls])

    seen = seen_by(placing, phones)
    fallback = sum(record["path"] == "fallback" for record in records)
    reckon("containers: calls, web and database killed", seen, proof, fallback=fallback, **back)
    assert_records_agree(seen, records)
    assert {call.answered_by[0] for call in seen.calls} <= {MANAGER, *COORDINATORS}


def test_after_a_kill_of_asterisk_the_next_call_is_answered_and_no_record_stays_open(
    stack: Stack, phones: Phones, files: AsteriskFiles, tmp_path: Path, proof: Proof
) -> None:
    # all from one port, as a trunk sends them, and on while there is no Asterisk
    trunk = stack.callers(tmp_path / "trunk", files, impatient(7100, round(ANSWERED_AGAIN_WITHIN * TRIES)), TRIES)
    with people_talk(stack, files, tmp_path / "talk", first=7000) as cut_off, trunk:
        killed_at = datetime.now(UTC)
        stack.kill_asterisk_itself()
        trunk.wait()
        stack.wait_until(lambda: stack.calls.ready() and not stack.living(), QUIET_WITHIN, "without living calls")

    records = stack.recorded([call.caller for call in cut_off.calls])
    after = tell_the_rest("Asterisk killed", seen_by([trunk], phones), killed_at, proof)
    assert after < timedelta(seconds=ANSWERED_AGAIN_WITHIN)
    assert {(one["ended"], one["taken_phone"]) for one in records} == {("answered", MANAGER)}


def test_a_kill_of_asterisks_container_is_mended_by_the_restart_policy(
    stack: Stack, phones: Phones, files: AsteriskFiles, tmp_path: Path, proof: Proof
) -> None:
    dialling: list[Callers] = []

    def answered() -> bool:
        """Somebody else dials, from another port: engines before 23.0 mislead who goes on from one meanwhile."""
        number = len(dialling)
        dialling.append(stack.callers(tmp_path / str(number), files, impatient(7300 + number, 1), RATE))
        dialling[-1].start()
        dialling[-1].wait()
        return bool(seen_by(dialling[-1:], phones).answered)

    # how soon is the engine's: it gives the ports back one by one, which takes a busy machine longer than Asterisk
    with people_talk(stack, files, tmp_path / "talk", first=7200) as cut_off:
        killed_at = datetime.now(UTC)
        stack.kill("asterisk")
        stack.wait_until(answered, BACK_WITHIN, "a call answered")
        stack.wait_until(lambda: stack.calls.ready() and not stack.living(), QUIET_WITHIN, "without living calls")

    records = stack.recorded([call.caller for call in cut_off.calls])
    tell_the_rest("Asterisk's container killed", seen_by(dialling, phones), killed_at, proof)
    assert {(one["ended"], one["taken_phone"]) for one in records} == {("answered", MANAGER)}


def test_a_half_that_is_told_to_stop_does_so_within_seconds_and_costs_no_talk(
    stack: Stack, phones: Phones, files: AsteriskFiles, tmp_path: Path, proof: Proof
) -> None:
    call = PlacedCall(caller=f"{BLOCK}8001", dialled=LINE, talks=LONG_TALK)

    with stack.callers(tmp_path, files, [call], RATE) as placing:
        stack.wait_until(lambda: [bool(one["taken_at"]) for one in stack.living()] == [True], 20.0, "talking")
        code, seconds = stack.stop("calls")
        placing.wait()
    stack.start("calls")
    records = stack.recorded([call.caller])

    seen = seen_by([placing], phones)
    reckon("containers: calls stopped during a talk", seen, proof, stopped_after_s=round(seconds, 1))
    assert_records_agree(seen, records)
    assert (code, seconds < STOPS_WITHIN) == (0, True)


def test_prometheus_reads_both_halves_and_finds_all_that_rules_and_dashboard_ask_for(
    stack: Stack, files: AsteriskFiles, tmp_path: Path
) -> None:
    stack.compose("build", "prometheus", within=BUILD_WITHIN)
    stack.compose("--profile", "figures", "up", "-d", "prometheus")
    figures = Api(f"http://{LOOPBACK}:{stack.prometheus_port}", "")
    named = {name for text in (ALERTS, DASHBOARD) for name in re.findall(r"router_\w+", text)}
    # what is told apart by a label is there from the first call on
    with stack.callers(tmp_path, files, [PlacedCall(caller=f"{BLOCK}8002", dialled=LINE, talks=0.5)], RATE) as placing:
        placing.wait()

    def all_there() -> bool:
        try:
            both = len(asked(figures, 'up{job="router"} == 1')) == 2
            return both and named <= set(figures.get("/api/v1/label/__name__/values")["data"])
        except OSError:
            return False

    stack.wait_until(all_there, SCRAPED_WITHIN, f"all of {sorted(named)} there")
    checked = stack.inside("prometheus", "promtool", "check", "config", "/etc/prometheus/prometheus.yml")

    assert re.search(r"SUCCESS: \d+ rules found", checked)
    # an expression that is none is refused, which raises
    for panel in json.loads(DASHBOARD)["panels"]:
        for one in panel["targets"]:
            asked(figures, one["expr"])


@pytest.mark.parametrize("service", ["calls", "web", "asterisk", "database"])
def test_each_ends_cleanly_when_it_is_told_to(stack: Stack, service: str) -> None:
    code, seconds = stack.stop(service)

    assert (code, seconds < STOPS_WITHIN) == (0, True)


def kill_in_turn(stack: Stack) -> dict[str, int]:
    """Kill one after the other, each when the one before works again; the milliseconds until each did."""
    works = {"calls": stack.calls_ready, "web": stack.api.ready, "database": stack.all_ready}
    back = {}
    for service, ready in works.items():
        seconds = stack.kill(service)
        seconds += stack.wait_until(ready, BACK_WITHIN, f"{service} works again")
        back[f"{service}_back_ms"] = round(seconds * 1000)
    return back


def place_while(killing: Future[dict[str, int]], stack: Stack, files: AsteriskFiles, folder: Path) -> list[Callers]:
    """Place batches of calls, at least two, until that is over and one batch longer."""
    placed: list[Callers] = []
    over = False
    while not over and len(placed) < BATCHES_AT_MOST:
        over = killing.done() and bool(placed)
        calls = callers(CALLS, first=len(placed) * CALLS)
        batch = stack.callers(folder / str(len(placed)), files, [long_or_short(call) for call in calls], RATE)
        batch.start()
        batch.wait()
        placed.append(batch)
    return placed


def long_or_short(call: PlacedCall) -> PlacedCall:
    return replace(call, talks=LONG_TALK) if int(call.caller) % EVERY == 0 else call


def impatient(first: int, count: int) -> list[PlacedCall]:
    """Callers who hang up after a while without a sign of life."""
    numbers = range(first, first + count)
    return [PlacedCall(caller=f"{BLOCK}{number}", dialled=LINE, talks=0.5, gives_up=PATIENCE) for number in numbers]


@contextmanager
def people_talk(stack: Stack, files: AsteriskFiles, folder: Path, first: int) -> Iterator[Callers]:
    """Callers who have somebody and go on talking for as long as the block lasts."""
    calls = [PlacedCall(caller=f"{BLOCK}{first + number}", dialled=LINE, talks=None) for number in range(TALKING)]
    with stack.callers(folder, files, calls, RATE) as there:
        stack.wait_until(lambda: sum(bool(one["taken_at"]) for one in stack.living()) == TALKING, 20.0, "talking")
        yield there


def tell_the_rest(story: str, seen: Evidence, killed_at: datetime, proof: Proof) -> timedelta:
    """From the first call that was answered again, all are; returns how long after the kill that was."""
    first = min(call.placed.invited_at for call in seen.calls if call.answered_by)
    rest = Evidence(calls=tuple(call for call in seen.calls if call.placed.invited_at >= first), strangers=())
    after = min(call.placed.answered_at for call in rest.calls if call.placed.answered_at) - killed_at
    again_ms = round(after / timedelta(milliseconds=1))

    reckon(f"containers: {story}", rest, proof, again_after_ms=again_ms, before_that=seen.offered - rest.offered)
    assert rest.answered == rest.offered
    return after


def seen_by(placing: list[Callers], phones: Phones) -> Evidence:
    """What these callers saw, and the phones that were rung for them."""
    calls = [call for batch in placing for call in placed(batch.messages)]
    ours = {call.caller for call in calls}
    return joined(calls, [leg for leg in legs(phones.messages) if leg.caller in ours])


def asked(figures: Api, expression: str) -> list[object]:
    """What Prometheus finds. Raises urllib's HTTPError for an expression that is none."""
    found: list[object] = figures.get(f"/api/v1/query?query={quote(expression)}")["data"]["result"]
    return found


def greeted(stack: Stack, service: str, address: str) -> bool:
    """Whether AMI greets this service's container at this address."""
    ask = f"import socket; print(socket.create_connection(({address!r}, 5038), 2).recv(99))"
    try:
        return "Asterisk Call Manager" in stack.inside(service, "python", "-c", ask)
    except EngineFailed:
        return False


def make_company(api: Api) -> None:
    """The company of the failure stories, object by object, as somebody with curl would."""
    ids = {}
    for person in COMPANY.people:
        (phone,) = person.phones
        made = api.post(
            "/api/v1/people",
            {
                "name": person.name,
                "phones": [{"kind": "desk", "endpoint": phone.endpoint, "call_waiting": phone.call_waiting}],
            },
        )
        ids[person.id] = made["id"]
    (desk,) = COMPANY.desks
    members = [ids[member] for member in desk.members]
    made = api.post(
        "/api/v1/desks",
        {"name": desk.name, "strategy": desk.strategy.value, "safety_net": True, "member_ids": members},
    )
    api.post("/api/v1/lines", {"number": LINE, "label": "Sales", "desk_id": made["id"]})
    api.post("/api/v1/accounts", {"name": "Muster", "manager_id": ids[1], "numbers": [f"{BLOCK}*"]})
