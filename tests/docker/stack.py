"""How is all of compose.yaml brought up, and what can be seen of it from outside?"""

import json
import secrets
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from router.lab.installation import AsteriskFiles
from router.lab.phones import Callers, Phones
from router.lab.ports import LOOPBACK, Ports
from router.lab.scenarios import Behaviour, PlacedCall
from tests.docker.engine import Engine, EngineFailed

TALKS = 25  # at a time; four ports each

BUILD_WITHIN = 900.0  # seconds for all images, from nothing; 100 are usual
UP_WITHIN = 180.0  # seconds until all containers are made and started; 15 are usual
HEALTHY_WITHIN = 60.0  # seconds after that
BACK_WITHIN = 60.0  # seconds until what was killed runs and answers again; a second is usual, a busy machine takes more
DOWN_WITHIN = 120.0  # seconds; 20 to stop at most
ANSWER_WITHIN = 10.0  # seconds for one HTTP answer
RECORDED_WITHIN = 30.0  # seconds until calls that ended are on record; 0.2 is usual
LOOK_EVERY = 0.1  # seconds between two looks at something that has no event to wait for

STAYING = ("database", "calls", "web", "asterisk")  # the services that run for good

Record = dict[str, Any]


class StackFailed(Exception):
    """The stack didn't become what was waited for; the message says what it was instead."""


class Api:
    """The API of one container, with a key. What is refused raises urllib's HTTPError."""

    def __init__(self, address: str, key: str) -> None:
        self._address = address
        self._key = key

    def get(self, path: str) -> Any:
        return json.loads(self._ask(path))

    def post(self, path: str, body: Any) -> Any:
        return json.loads(self._ask(path, json.dumps(body).encode()))

    def text(self, path: str) -> str:
        return self._ask(path).decode()

    def ready(self) -> bool:
        try:
            self.get("/readyz")
        except OSError:  # also urllib's refusals
            return False
        return True

    def _ask(self, path: str, body: bytes | None = None) -> bytes:
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        request = urllib.request.Request(self._address + path, body, headers)
        with urllib.request.urlopen(request, timeout=ANSWER_WITHIN) as answer:
            found: bytes = answer.read()
            return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """One container as the engine describes it."""

    seen: Mapping[str, Any]

    @property
    def pid(self) -> int:
        """Of its first process, on the engine's machine; 0 while it doesn't run."""
        return int(self.seen["State"]["Pid"])

    @property
    def healthy(self) -> bool:
        """Also one that has no health check, as long as it runs."""
        state = self.seen["State"]
        return bool(state["Running"]) and state.get("Health", {}).get("Status", "healthy") == "healthy"

    @property
    def published(self) -> dict[str, list[str]]:
        """Its ports that lead to one of the machine: "8080/tcp" → ["127.0.0.1:8080"]."""
        return {
            port: sorted({f"{end['HostIp']}:{end['HostPort']}" for end in ends})
            for port, ends in self.seen["NetworkSettings"]["Ports"].items()
            if ends
        }

    def address(self, network: str) -> str:
        """Its address on the network whose name ends so."""
        networks = self.seen["NetworkSettings"]["Networks"]
        (found,) = [one["IPAddress"] for name, one in networks.items() if name.endswith(f"_{network}")]
        return str(found)


class Stack:
    """compose.yaml from a copy of this checkout in `folder`, with all its services in one engine.

    Ports of the machine are taken from `ports`. `bases` are compose's variables for the base images.

    `outside` is an address of this machine where phones and callers are, and by which they see the PBX. It is on none
    of the stack's networks, so everything goes the way it goes for phones in a company's own network.
    """

    def __init__(self, engine: Engine, folder: Path, ports: Ports, bases: Mapping[str, str]) -> None:
        self.engine = engine
        self.ports = ports
        self.sip_port = ports.one()
        self.http_port = ports.one()
        self.prometheus_port = ports.one()
        first = ports.rtp[0] // 2 * 2
        self.rtp_ports = range(first, first + 4 * TALKS)
        self._folder = folder / "docker"
        self._project = f"router-test-{secrets.token_hex(4)}"  # an engine that others use may have another such run
        self._outside = f"{self._project}-outside"
        self.outside = self._address_outside()
        self._environment = {
            **bases,
            "COMPOSE_PROJECT_NAME": self._project,
            "ROUTER_VERSION": "test",
            "ROUTER_HTTP_PORT": str(self.http_port),
            "PROMETHEUS_PORT": str(self.prometheus_port),
            "SIP_PORT": str(self.sip_port),
            "RTP_PORTS": f"{self.rtp_ports[0]}-{self.rtp_ports[-1]}",
            "EXTERNAL_ADDRESS": self.outside,
        }
        self._compose = _compose_of(engine)

    # how it comes and goes

    def build(self) -> None:
        self.compose("build", "--parallel", within=BUILD_WITHIN)

    def draw_secrets(self) -> None:
        subprocess.run(["sh", "secrets.sh"], cwd=self._folder, check=True, capture_output=True, timeout=30)

    def write_site(self, pjsip: str) -> None:
        """What is the company's own: its trunk and its phones."""
        (self._folder / "site").mkdir()
        (self._folder / "site" / "pjsip.conf").write_text(pjsip)

    def up(self) -> None:
        """Bring all up and wait until it is healthy."""
        self.compose("up", "-d", within=UP_WITHIN)
        self.wait_until(lambda: all(self.container(service).healthy for service in STAYING), HEALTHY_WITHIN, "healthy")

    def down(self) -> None:
        """Take everything away: containers, networks, volumes; images as well where the engine is somebody else's."""
        images = [] if self.engine.own else ["--rmi", "all"]
        self.compose("--profile", "figures", "down", "-v", "--remove-orphans", *images, within=DOWN_WITHIN)
        self.engine.docker("network", "rm", self._outside)

    def _address_outside(self) -> str:
        """This machine's address in a network of the engine's choice, as it is: a masquerade would hide the phones."""
        plain = "com.docker.network.bridge.enable_ip_masquerade=false"
        self.engine.docker("network", "create", "-o", plain, self._outside)
        (network,) = json.loads(self.engine.docker("network", "inspect", self._outside))
        return str(network["IPAM"]["Config"][0]["Gateway"])

    def compose(self, *words: str, within: float = UP_WITHIN) -> str:
        return self.engine.told(
            [*self._compose, "-f", "compose.yaml", *words], folder=self._folder, more=self._environment, within=within
        )

    # what is seen of it

    @property
    def key(self) -> str:
        return (self._folder / "secrets" / "admin_key").read_text()

    @property
    def api(self) -> Api:
        """As people reach it: at the published port."""
        return Api(f"http://{LOOPBACK}:{self.http_port}", self.key)

    @property
    def calls(self) -> Api:
        """The half that hears the PBX, which answers within the containers' own networks alone."""
        return Api(f"http://{self.container('calls').address('data')}:8080", self.key)

    def calls_ready(self) -> bool:
        return self.calls.ready()

    def all_ready(self) -> bool:
        return self.calls.ready() and self.api.ready()

    def container(self, service: str) -> Container:
        """Raises StackFailed when there is none."""
        labels = (f"label=com.docker.compose.{name}" for name in (f"project={self._project}", f"service={service}"))
        filters = [word for label in labels for word in ("-f", label)]
        found = self.engine.docker("ps", "-aq", "--no-trunc", *filters).split()
        if len(found) != 1:
            raise StackFailed(f"{service} has {len(found)} containers")
        return Container(seen=json.loads(self.engine.docker("inspect", found[0]))[0])

    def inside(self, service: str, *words: str) -> str:
        """What a command prints that runs in the service's container, as its user. Raises EngineFailed."""
        return self.engine.docker("exec", self.container(service).seen["Id"], *words)

    def log(self, service: str) -> str:
        return self.compose("logs", "--no-color", service)

    def records(self) -> list[Record]:
        """Every call record, newest first."""
        found: list[Record] = []
        cursor = ""
        while True:
            page = self.api.get(f"/api/v1/calls?limit=200{cursor}")
            found += page["items"]
            if not page.get("next"):
                return found
            cursor = f"&cursor={page['next']}"

    def living(self) -> list[Record]:
        """The calls that nobody knows to have ended."""
        found: list[Record] = self.api.get("/api/v1/calls?state=open&limit=200")["items"]
        return found

    def recorded(self, callers: Sequence[str]) -> list[Record]:
        """The records of these callers, as soon as each has one of a call that ended with all its legs."""
        found: list[Record] = []

        def all_there() -> bool:
            try:
                found[:] = [record for record in self.records() if record["caller"] in callers]
            except OSError:
                return False
            # a phone that went with the PBX has an end without a result
            whole = [one for one in found if one["ended_at"] and all(leg["ended_at"] for leg in one["legs"])]
            return len(whole) == len(callers)

        def what_is_there() -> str:
            open_ones = [one for one in found if not one["ended_at"] or not all(leg["ended_at"] for leg in one["legs"])]
            unknown = sorted(set(callers) - {one["caller"] for one in found})
            return (
                f"{len(found)} records of {len(callers)} calls: without an end {open_ones}, without a record {unknown}"
            )

        self.wait_until(all_there, RECORDED_WITHIN, "all on record", what_is_there)
        return found

    # what is done to it

    def kill(self, service: str) -> float:
        """End its first process as a crash does, and return the seconds until the restart policy had brought it back.

        Not by `docker kill`: the engine takes that for a stop by hand, after which it restarts nothing. So the signal
        comes from a container that sees the machine's processes, since only the engine need be reached here.
        """
        before = self.container(service)
        image = before.seen["Config"]["Image"]
        words = ("--pid", "host", "--network", "none", "--user", "0", "--entrypoint", "sh")
        began = time.monotonic()
        self.engine.docker("run", "--rm", *words, image, "-c", f"kill -9 {before.pid}")

        def back() -> bool:
            now = self.container(service)
            return now.seen["RestartCount"] == before.seen["RestartCount"] + 1 and now.pid not in (0, before.pid)

        self.wait_until(back, BACK_WITHIN, f"{service} back after a kill")
        return time.monotonic() - began

    def kill_asterisk_itself(self) -> float:
        """End the program and not its container, and return the seconds until it answered again."""
        began = time.monotonic()
        self.inside("asterisk", "sh", "-c", 'kill -9 "$(cat /run/asterisk/asterisk.pid)"')

        def back() -> bool:
            with suppress(EngineFailed):
                self.inside("asterisk", "asterisk", "-rx", "core waitfullybooted")
                return True
            return False

        self.wait_until(back, BACK_WITHIN, "Asterisk back after a kill")
        return time.monotonic() - began

    def stop(self, service: str) -> tuple[int, float]:
        """Stop it as an operator would; its exit code, and the seconds that took."""
        began = time.monotonic()
        self.engine.docker("stop", "-t", "30", self.container(service).seen["Id"])
        return int(self.container(service).seen["State"]["ExitCode"]), time.monotonic() - began

    def start(self, service: str) -> None:
        self.engine.docker("start", self.container(service).seen["Id"])

    def wait_until(
        self, true: Callable[[], bool], within: float, what: str, instead: Callable[[], str] = lambda: ""
    ) -> float:
        """Wait; returns the seconds that took. Raises StackFailed, with what is there `instead` and every log's end."""
        began = time.monotonic()
        while not true():
            if time.monotonic() - began > within:
                raise StackFailed(f"not {what} within {within:.0f} s: {instead()}\n{self._last_words()}")
            time.sleep(LOOK_EVERY)
        return time.monotonic() - began

    def _last_words(self) -> str:
        try:
            ours = f"label=com.docker.compose.project={self._project}"
            there = self.engine.docker("ps", "-a", "-f", ours, "--format", "{{.Names}} {{.Status}}")
            logs = self._folder / "logs.txt"
            logs.write_text(self.compose("logs", "--no-color", "--timestamps"))
            return f"{there}all logs: {logs}\n" + self.compose("logs", "--no-color", "--tail", "5")
        except EngineFailed as worse:
            return str(worse)

    # who is outside

    def phones(self, folder: Path, files: AsteriskFiles, phones: Mapping[str, Behaviour], port: int) -> Phones:
        return Phones(folder, files, self.ports, phones, port=port, address=self.outside)

    def callers(self, folder: Path, files: AsteriskFiles, calls: Sequence[PlacedCall], per_second: float) -> Callers:
        """Callers who reach the PBX as a trunk does: by the port of the machine that is published."""
        return Callers(
            folder, files, self.ports, calls,
            to_port=self.sip_port, to_address=self.outside, address=self.outside, per_second=per_second,
        )  # fmt: skip


def _compose_of(engine: Engine) -> list[str]:
    """Debian's docker-compose, or the newer plugin."""
    try:
        engine.told(["docker-compose", "version"])
    except (EngineFailed, FileNotFoundError):
        engine.told(["docker", "compose", "version"])
        return ["docker", "compose"]
    return ["docker-compose"]
