"""How does the router run as a process of its own, to be watched, stopped, frozen and killed?"""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from router.lab.ports import LOOPBACK

READY_WITHIN = 30.0  # seconds until it has a table and the PBX; 1 is usual, a million numbers take some more
STOP_WITHIN = 15.0  # seconds for a clean stop, which may wait for a database that is away
ANSWER_WITHIN = 10.0  # seconds for one HTTP answer
LAST_FIGURES_WITHIN = 1.0  # seconds for its last figures: it may have lost the database that knows its keys
LOOK_EVERY = 0.02  # seconds between two looks at something that has no event to wait for


class RouterFailed(Exception):
    """The router's process didn't do what it was told; the message carries the end of its log."""


class RouterProcess:
    """`router serve` as a child of this process. `environment` holds its ROUTER_* variables, `key` an API key.

    `only` makes it one half of a router.

    Its log is `folder/router.log`, one JSON object a line; it goes on over restarts. What it had counted when it was
    told to stop is in `folder/figures.txt`, as it printed it, of one life after the other.
    """

    def __init__(
        self, folder: Path, environment: Mapping[str, str], *, http_port: int, key: str, only: str | None = None
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.log_file = folder / "router.log"
        self.figures_file = folder / "figures.txt"
        self.address = f"http://{LOOPBACK}:{http_port}"
        self._environment = {
            "ROUTER_HTTP_HOST": LOOPBACK,
            "ROUTER_HTTP_PORT": str(http_port),
            "ROUTER_LOG_FORMAT": "json",
        } | dict(environment)
        self._key = key
        self._words = ["serve", *(["--only", only] if only else [])]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        return self._running().pid

    def start(self, *, wait: bool = True, changed: Mapping[str, str] | None = None) -> None:
        """Start it, with `changed` variables this time, and wait until it says it is ready. Raises RouterFailed."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ROUTER_")}
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "router", *self._words],
                env={**inherited, **self._environment, **(changed or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for us; we stop it in order
            )
        if wait:
            self.wait_until_ready()

    def wait_until_ready(self, within: float = READY_WITHIN) -> float:
        """Wait until it has a table and the PBX; returns the seconds that took. Raises RouterFailed."""
        began = time.monotonic()
        while not self.ready():
            if not self.alive or time.monotonic() - began > within:
                raise RouterFailed(f"the router wasn't ready within {within:.0f} s: {self.last_words()}")
            time.sleep(LOOK_EVERY)
        return time.monotonic() - began

    def ready(self) -> bool:
        """Whether it says of itself that it is ready."""
        try:
            self.get("/readyz")
        except (OSError, RouterFailed):
            return False
        return True

    def get(self, path: str) -> Any:
        """A JSON answer of its API. Raises RouterFailed for a refusal, OSError when nobody listens."""
        return json.loads(self._ask(path))

    def post(self, path: str, body: Any) -> Any:
        """The JSON answer to a JSON question. Raises RouterFailed for a refusal."""
        return json.loads(self._ask(path, json.dumps(body).encode()))

    def calls(self) -> list[dict[str, Any]]:
        """Every call record, newest first."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = self.get(f"/api/v1/calls?limit=200{cursor}")
            found += page["items"]
            if not page.get("next"):
                return found
            cursor = f"&cursor={page['next']}"

    def figures(self) -> dict[str, float]:
        """Its metrics: name and labels as they are printed, and the value."""
        lines = [line for line in self._ask("/metrics").decode().splitlines() if line and not line.startswith("#")]
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}

    def stop(self) -> None:
        """End it as an operator would. Raises RouterFailed when it doesn't, or not cleanly."""
        if self._process is None:
            return
        process, self._process = self._process, None
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            self._keep_figures()
            process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_WITHIN)
            raise RouterFailed(f"the router didn't stop within {STOP_WITHIN:.0f} s: {self.last_words()}") from None
        if code:
            raise RouterFailed(f"the router ended with {code}: {self.last_words()}")

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        process, self._process = self._running(), None
        process.kill()
        process.wait(STOP_WITHIN)

    def freeze(self) -> None:
        self._running().send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._running().send_signal(signal.SIGCONT)

    def last_words(self) -> str:
        """The end of its log."""
        text = self.log_file.read_text(errors="replace") if self.log_file.exists() else ""
        return "\n".join(text.splitlines()[-12:])

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RouterFailed("the router doesn't run")
        return self._process

    def _keep_figures(self) -> None:
        try:
            figures = self._ask("/metrics", within=LAST_FIGURES_WITHIN)
        except (OSError, RouterFailed):
            return
        with self.figures_file.open("ab") as kept:
            kept.write(figures)

    def _ask(self, path: str, body: bytes | None = None, *, within: float = ANSWER_WITHIN) -> bytes:
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.address + path, body, headers)
        try:
            with urllib.request.urlopen(request, timeout=within) as answer:
                found: bytes = answer.read()
                return found
        except urllib.error.HTTPError as refusal:
            raise RouterFailed(f"{path}: {refusal.code} {refusal.read().decode(errors='replace')[:500]}") from refusal
