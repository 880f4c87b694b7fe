"""How is each fault done to the system, and how is it mended?"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import assert_never

from router.lab.asterisk import PrivateAsterisk
from router.lab.postgres import PrivatePostgres
from router.lab.stand import Stand
from tests.asterisk.conftest import Proxy
from tests.chaos.schedule import Fault, Kind

RECOVERS_FOR = 1.0  # seconds between a fault's mending and the next one, also when the mending took longer than planned


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What a fault can be done to."""

    pbx: PrivateAsterisk
    stand: Stand
    proxy: Proxy
    postgres: PrivatePostgres


@dataclass(frozen=True, slots=True, kw_only=True)
class Struck:
    """A fault that was done: when it struck, when mending it began, and when the router was ready again."""

    kind: Kind
    began_at: datetime
    mended_at: datetime
    ready_at: datetime


def begin(kind: Kind, world: World) -> None:
    """Returns when the fault holds. Raises RouterFailed, PostgresFailed and AsteriskFailed."""
    router, proxy = world.stand.router, world.proxy
    match kind:
        case Kind.RESET:
            proxy.do(proxy.proxy.cut)
        case Kind.RELOAD:
            world.pbx.cli("dialplan reload")
        case Kind.RESTART:
            router.stop()
        case Kind.KILL:
            router.kill()
        case Kind.FREEZE:
            router.freeze()
        case Kind.BLACKHOLE:
            proxy.do(proxy.proxy.swallow)
        case Kind.DATABASE_STOP:
            world.postgres.stop()
        case Kind.DATABASE_FREEZE:
            world.postgres.freeze()
        case _:
            assert_never(kind)


def mend(kind: Kind, world: World) -> None:
    """Returns when nothing is in the router's way any more; a router that was down has been started."""
    match kind:
        case Kind.RESET | Kind.RELOAD:
            pass
        case Kind.RESTART | Kind.KILL:
            world.stand.router.start(wait=False)
        case Kind.FREEZE:
            world.stand.router.thaw()
        case Kind.BLACKHOLE:
            world.proxy.do(world.proxy.proxy.mend)
        case Kind.DATABASE_STOP:
            world.postgres.start()
        case Kind.DATABASE_FREEZE:
            world.postgres.thaw()
        case _:
            assert_never(kind)


class Striker:
    """Does the faults of a schedule, one after the other, in a thread of its own.

    `now` is the fault that holds, `struck` are those that were done, `failed` says why it couldn't go on. However it
    ends, no fault is left unmended.
    """

    def __init__(self, faults: tuple[Fault, ...], world: World, say: Callable[[str], None]) -> None:
        self.now: Kind | None = None
        self.struck: list[Struck] = []
        self.failed = ""
        self._faults = faults
        self._world = world
        self._say = say
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._run, name="faults")
        self._began = 0.0

    def start(self) -> None:
        """The schedule's seconds count from now."""
        self._began = time.monotonic()
        self._thread.start()

    @property
    def done(self) -> bool:
        return not self._thread.is_alive()

    def stop(self) -> None:
        """Mend what holds, leave out the rest, and return when that is done."""
        self._enough.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            for fault in self._faults:
                if self._enough.wait(max(0.0, self._began + fault.begins - time.monotonic())):
                    return
                self._strike(fault)
                if self._enough.wait(RECOVERS_FOR):
                    return
        except Exception as why:  # whatever a fault broke that can't be mended is the end of the run, and its result
            self.failed = f"{self.now or 'a fault'}: {type(why).__name__}: {why}"

    def _strike(self, fault: Fault) -> None:
        self.now = fault.kind
        began_at = datetime.now(UTC)
        begin(fault.kind, self._world)
        try:
            # as long as planned, also when it began late because the one before took long to mend
            self._enough.wait(fault.ends - fault.begins)
        finally:
            mended_at = datetime.now(UTC)
            mend(fault.kind, self._world)
        self._world.stand.router.wait_until_ready()
        ready_at = datetime.now(UTC)
        self.struck.append(Struck(kind=fault.kind, began_at=began_at, mended_at=mended_at, ready_at=ready_at))
        self.now = None
        self._say(
            f"{fault.kind} for {(mended_at - began_at).total_seconds():.1f} s,"
            f" ready again after {(ready_at - mended_at).total_seconds():.1f} s"
        )
