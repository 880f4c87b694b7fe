"""Do recorded calls still end as they did?"""

from pathlib import Path

import pytest

from tests.calls.company import company
from tests.calls.replay import as_row, play, read

FILES = sorted(Path(__file__).with_name("replays").glob("*.txt"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_recorded_call_ends_as_it_did(file: Path) -> None:
    replay, table = read(file), company()

    known = [as_row(call, table) for call in play(replay, table).values()]

    assert sorted(known) == list(replay.known)


def test_there_are_recorded_calls() -> None:
    assert FILES
