"""How is a child process given a job, and heard?

What is large is done in a process of its own, so that nothing it computes ever holds up the loop that routes calls, not
even by Python's lock. A thread waits for what it says.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from router.bulk.job import Job, Outcome
from router.storage.import_schema import ImportState

Hear = Callable[[dict[str, Any]], None]
"""Told of the progress: `doing`, `done`, `of`."""


async def do(job: Job, hear: Hear) -> Outcome:
    """Let a child do this job, and return what became of it. It ends with us, and when this is cancelled.

    `hear` is called in the loop.
    """
    loop = asyncio.get_running_loop()

    def in_loop(told: dict[str, Any]) -> None:
        loop.call_soon_threadsafe(hear, told)

    process = await asyncio.to_thread(_begin)
    try:
        return await asyncio.to_thread(_converse, process, job, in_loop)
    finally:
        process.kill()


def _begin() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "router.bulk"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for us; it ends when its input does
    )


def _converse(process: subprocess.Popen[bytes], job: Job, hear: Hear) -> Outcome:
    outcome = Outcome(state=ImportState.FAILED, sentence="the import was broken off; nothing was imported")
    with process:  # which also waits for its end
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(BrokenPipeError):
            process.stdin.write(json.dumps(job.as_json()).encode() + b"\n")
            process.stdin.flush()
        for line in process.stdout:
            told = json.loads(line)
            if "outcome" in told:
                outcome = Outcome(**{**told["outcome"], "state": ImportState(told["outcome"]["state"])})
                break
            hear(told["progress"])
    return outcome
