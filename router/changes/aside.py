"""How is something that takes seconds done without holding up a call?

In a child process: of the threads of one process Python runs one at a time, so a thread that thinks for seconds would
take its turns from the loop that routes calls. A child is a fresh interpreter (a fork of a process with threads can
hang), told by a pipe what to do. It ends with its parent, also with one that is killed: the pipe ends then. What it is
told and what it answers is pickled in the parent's loop, so both must be small or come in pieces: 100 kB take about
1 ms.
"""

import asyncio
import json
import os
import pickle
import queue
import signal
import struct
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, ParamSpec, TypeVar

import structlog

log = structlog.get_logger()

ENDS_WITHIN = 2.0  # seconds from being killed to being gone; a kernel takes milliseconds
MEANWHILE = 5  # added to the child's niceness: calls come first, on a machine with one core as well
BEHIND_ALL = 10  # the niceness of what steps back: where others want all of a core, it still gets a tenth of it

_LENGTH = struct.Struct("!Q")  # in front of each message
# The same router as the parent's, wherever that was imported from.
_BEGIN = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from router.changes.aside import work; work()"

P = ParamSpec("P")
T = TypeVar("T")


class NotDone(Exception):
    """The child died, could not be started, or took too long. What it was to do may be half done."""


class Child:
    """At most one process aside, started when there is something to do, and anew when it has died.

    It does one thing after the other, and keeps what modules remember from one to the next.
    """

    def __init__(self, name: str) -> None:
        """`name` is what the log calls it."""
        self._name = name
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self.generation = 0  # how many were started so far: what one was told, its successor doesn't know

    @property
    def pid(self) -> int | None:
        """The process that is there now, None before the first and after the last."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def do(
        self,
        function: Callable[P, T],
        within: float,
        /,
        *arguments: P.args,
        **named: P.kwargs,
    ) -> T:
        """Call a module's function in the child, for at most so many seconds from when its turn has come.

        Raises what the function raises, and NotDone; then the child is gone, and so when this is cancelled.
        """
        return await self.follow(function, within, lambda _: None, *arguments, **named)

    async def follow(
        self,
        function: Callable[P, T],
        within: float,
        heard: Callable[[Any], None],
        /,
        *arguments: P.args,
        **named: P.kwargs,
    ) -> T:
        """The same, for a function that calls `tell` as it goes: `heard` gets each thing that it tells."""
        message = pickle.dumps((function, arguments, named))
        async with self._turn:
            try:
                async with asyncio.timeout(within):
                    done, result = await self._answer(message, heard)
            except TimeoutError:
                await self._end()
                raise NotDone(f"it was not done within {within:g} s") from None
            except (OSError, EOFError) as fault:
                await self._end()
                raise NotDone("the process that was doing it has died") from fault
            except BaseException:
                await self._end()
                raise
        if not done:
            raise result
        return result  # type: ignore[no-any-return]

    async def close(self) -> None:
        """End the process, also in the middle of its work; the next thing to do would start another."""
        await self._end()

    async def _answer(self, message: bytes, heard: Callable[[Any], None]) -> tuple[bool, Any]:
        process = await self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.writelines((_LENGTH.pack(len(message)), message))
        await process.stdin.drain()
        while True:
            (length,) = _LENGTH.unpack(await process.stdout.readexactly(_LENGTH.size))
            kind, value = pickle.loads(await process.stdout.readexactly(length))
            if kind != _TOLD:
                return kind == _DONE, value
            heard(value)

    async def _started(self) -> asyncio.subprocess.Process:
        if self._process is not None and self._process.returncode is None:
            return self._process
        if self._process is not None:
            log.warning("child process has died", child=self._name, status=self._process.returncode)
            await self._end()
        arguments = ("-c", _BEGIN, json.dumps(sys.path))
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C in a terminal is for us; we end it in order
        )
        self.generation += 1
        log.info("child process started", child=self._name, pid=self._process.pid)
        return self._process

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.kill()
        with suppress(TimeoutError, OSError):
            async with asyncio.timeout(ENDS_WITHIN):
                await process.communicate()


# ── In the child ─────────────────────────────────────────────────────────────────────────────────────────────────────

_TOLD, _DONE, _RAISED = "told", "done", "raised"
_out: BinaryIO | None = None


def tell(thing: Any) -> None:
    """Let whoever waits know how far it is. To be called by what runs in a child; elsewhere nobody hears it."""
    if _out is not None:
        _send(_out, _TOLD, thing)


def step_back() -> None:
    """Let all others go first from now on: for what takes so long that nobody waits for it by the second.

    To be called by what runs in a child; elsewhere it does nothing.
    """
    if _out is None:
        return
    os.nice(max(BEHIND_ALL - os.nice(0), 0))
    # Where Linux shares a core out among sessions (sched_autogroup), niceness only counts inside of one: the child has
    # one of its own, which has to be nice as a whole. Other kernels have no such file.
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(BEHIND_ALL))


def work() -> NoReturn:
    """Be the child: do what the parent says until it is gone."""
    global _out
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(MEANWHILE)
    # What is printed by mistake must not come between the answers: it goes where the parent's errors go.
    _out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    waiting: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, waiting), daemon=True).start()
    while True:
        _send(_out, *_done(waiting.get()))


def _listen(parent: BinaryIO, waiting: "queue.SimpleQueue[bytes]") -> None:
    """A thread of its own notices that the parent is gone also while there is something to do."""
    while True:
        header = parent.read(_LENGTH.size)
        message = parent.read(*_LENGTH.unpack(header)) if len(header) == _LENGTH.size else b""
        if not message:
            os._exit(0)
        waiting.put(message)


def _done(message: bytes) -> tuple[str, Any]:
    try:
        function, arguments, named = pickle.loads(message)
        return _DONE, function(*arguments, **named)
    except Exception as fault:
        return _RAISED, fault


def _send(out: BinaryIO, kind: str, value: Any) -> None:
    try:
        message = pickle.dumps((kind, value))
        pickle.loads(message)  # some exceptions can be written and not be read
    except Exception:
        message = pickle.dumps((_RAISED, RuntimeError(f"this can't be told to another process: {value!r}")))
    try:
        out.write(_LENGTH.pack(len(message)) + message)
        out.flush()
    except BrokenPipeError:
        os._exit(0)
