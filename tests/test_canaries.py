"""Would a run notice a number in clear, however it is written and wherever it stands?"""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from router.routing.numbers import masked
from tests.canaries import ASKED_FOR, CALLER, CANARIES, FIGURES, LOG, NATIONAL, look_through


@pytest.fixture
def run() -> Iterator[Path]:
    """The folder of a run whose routers hid everything; none of the run that this test belongs to."""
    with TemporaryDirectory() as folder:
        yield furnish(Path(folder))


def furnish(folder: Path) -> Path:
    story = folder / "popen-gw1" / "a_story0"
    story.mkdir(parents=True)
    (story / LOG).write_text("".join(f'{{"caller": "{masked(number)}"}}\n' for number in CANARIES))
    (story / FIGURES).write_text('router_calls_ended_total{ending="answered"} 7.0\n')
    return folder


def test_a_run_that_hid_every_number_is_right(run: Path) -> None:
    found = look_through(run, [("a test", "call taken by anna")])
    assert (found.faults(whole_run=True), found.files) == ([], 2)


@pytest.mark.parametrize(
    "written", [CALLER, CALLER[1:], f"+1 ({CALLER[2:5]}) {CALLER[5:8]}-{CALLER[8:]}", ASKED_FOR, NATIONAL]
)
@pytest.mark.parametrize("name", [LOG, FIGURES])
def test_a_number_in_clear_is_a_fault_however_it_is_written(run: Path, name: str, written: str) -> None:
    with (run / "popen-gw1" / "a_story0" / name).open("a") as file:
        file.write(f'  ValueError: no idea what "{written}" is\n')
    (fault,) = look_through(run, []).faults(whole_run=False)
    assert fault.startswith(f"a number stands in clear: popen-gw1/a_story0/{name}: ")


def test_what_a_test_printed_is_looked_through_as_well(run: Path) -> None:
    assert len(look_through(run, [("a test", f"one line\ncall arrived caller={CALLER}\n")]).clear) == 1


def test_a_canary_that_was_never_there_proves_nothing(run: Path) -> None:
    log = run / "popen-gw1" / "a_story0" / LOG
    log.write_text(log.read_text().replace(masked(CALLER), "nobody"))
    assert look_through(run, []).faults(whole_run=False) == [f"{masked(CALLER)} is in no log"]
    log.write_text("")
    assert look_through(run, []).faults(whole_run=False) == []
    assert len(look_through(run, []).faults(whole_run=True)) == len(CANARIES)
