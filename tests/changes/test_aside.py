"""Is what takes seconds done aside, whatever happens to whom it is done by or for?"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from time import monotonic, sleep

import pytest
import pytest_asyncio

from router.changes.aside import BEHIND_ALL, MEANWHILE, Child, NotDone, step_back
from tests.changes import work_aside as work

WITHIN = 20.0  # seconds; a child is there within 0.2


@pytest_asyncio.fixture
async def child() -> AsyncIterator[Child]:
    made = Child("tests")
    yield made
    await made.close()


async def test_it_is_done_in_another_process_which_remembers(child: Child) -> None:
    first, second = [await child.do(work.remember, WITHIN, word) for word in ("one", "two")]

    assert (first, second) == (["one"], ["one", "two"])
    assert child.pid not in (None, os.getpid())
    assert work.remember("here") == ["here"]
    assert child.generation == 1


async def test_two_who_ask_at_once_are_answered_one_after_the_other(child: Child) -> None:
    assert await asyncio.gather(*(child.do(work.add, WITHIN, n, 1) for n in range(20))) == list(range(1, 21))
    assert child.generation == 1


async def test_what_goes_wrong_there_is_raised_here_and_it_goes_on(child: Child) -> None:
    with pytest.raises(ZeroDivisionError):
        await child.do(work.divide, WITHIN, 1, 0)
    with pytest.raises(RuntimeError, match="it holds a function"):
        await child.do(work.raise_what_cannot_be_told, WITHIN)

    assert await child.do(work.divide, WITHIN, 1, 2) == 0.5
    assert child.generation == 1


async def test_how_far_it_is_is_heard_as_it_goes(child: Child) -> None:
    heard: list[int] = []

    assert await child.follow(work.count, WITHIN, heard.append, 5) == "counted"
    assert heard == [0, 1, 2, 3, 4]


async def test_what_steps_back_lets_others_go_first_and_its_parent_does_not(child: Child) -> None:
    before = os.nice(0)

    of_process, of_session = await child.do(work.how_nice_once_it_has_stepped_back, WITHIN)
    step_back()

    assert of_process == max(before + MEANWHILE, BEHIND_ALL)
    assert of_session >= BEHIND_ALL
    assert os.nice(0) == before


async def test_what_is_printed_by_mistake_does_not_come_between(child: Child) -> None:
    assert await child.do(work.print_something, WITHIN) == "printed"
    assert await child.do(work.add, WITHIN, 1, 2) == 3


async def test_one_that_dies_is_said_to_have_and_the_next_thing_finds_another(child: Child) -> None:
    with pytest.raises(NotDone, match="died"):
        await child.do(work.die, WITHIN)

    assert await child.do(work.add, WITHIN, 1, 2) == 3
    assert child.generation == 2


async def test_one_that_dies_with_nothing_to_do_is_replaced_before_anybody_notices(child: Child) -> None:
    await child.do(work.add, WITHIN, 1, 2)
    pid = child.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await asyncio.to_thread(_wait_until, lambda: child.pid is None)

    assert await child.do(work.add, WITHIN, 1, 2) == 3


async def test_what_takes_too_long_is_ended(child: Child, tmp_path: Path) -> None:
    await child.do(work.add, WITHIN, 1, 2)
    with pytest.raises(NotDone, match=r"within 0\.3 s"):
        await child.do(work.never_end, 0.3, str(tmp_path / "sign"))

    assert child.pid is None
    assert await child.do(work.add, WITHIN, 1, 2) == 3


async def test_who_is_cancelled_leaves_nobody_working(child: Child, tmp_path: Path) -> None:
    asked = asyncio.create_task(child.do(work.never_end, WITHIN, str(tmp_path / "sign")))
    working = await asyncio.to_thread(_pid_in, tmp_path / "sign")
    asked.cancel()
    await asyncio.wait([asked])

    assert asked.cancelled()
    await asyncio.to_thread(_wait_until, lambda: not _lives(working))


PARENT = """
import asyncio, sys
from router.changes.aside import Child
from tests.changes.work_aside import never_end
asyncio.run(Child("tests").do(never_end, 60, sys.argv[1]))
"""


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM])
def test_it_ends_with_its_parent_in_the_middle_of_its_work(tmp_path: Path, sent: signal.Signals) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path / "sign")], cwd=Path(__file__).parents[2])
    working = _pid_in(tmp_path / "sign")
    assert _lives(working)

    parent.send_signal(sent)
    parent.wait(WITHIN)

    _wait_until(lambda: not _lives(working))


def _pid_in(sign: Path) -> int:
    _wait_until(lambda: sign.exists() and sign.read_text() != "")
    return int(sign.read_text())


def _lives(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def _wait_until(holds: Callable[[], bool]) -> None:
    until = monotonic() + WITHIN
    while not holds():
        assert monotonic() < until, "it takes too long"
        sleep(0.01)
