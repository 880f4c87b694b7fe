"""Are packages fetched once, and does a machine that can't fetch them say what it lacks?"""

import json
from pathlib import Path

import pytest

from router.lab.packages import RECIPE, STAMP, PackagesUnavailable, command, fetch, version_of


@pytest.fixture
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without apt, dpkg or anything else."""
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))


@pytest.fixture
def fetched_folder(tmp_path: Path) -> Path:
    """What a fetch leaves behind."""
    (tmp_path / "root").mkdir()
    stamp = {"recipe": RECIPE, "suite": "sid", "names": ["a", "b"], "versions": {"a": "1:22.1-1", "b": "3"}}
    (tmp_path / STAMP).write_text(json.dumps(stamp))
    return tmp_path


@pytest.mark.usefixtures("bare_machine")
def test_what_is_there_is_not_fetched_again(fetched_folder: Path) -> None:
    said: list[str] = []

    assert fetch(["a"], fetched_folder, "sid", said.append) == fetched_folder / "root"
    assert said == []


@pytest.mark.usefixtures("bare_machine")
@pytest.mark.parametrize(("names", "suite"), [(["a", "c"], "sid"), (["a"], None)])
def test_other_packages_or_another_suite_need_apt_and_one_sentence_says_so(
    fetched_folder: Path, names: list[str], suite: str | None
) -> None:
    with pytest.raises(PackagesUnavailable, match=r"^apt-get, dpkg, dpkg-deb not found: .*needs Debian$"):
        fetch(names, fetched_folder, suite, print)


def test_versions_are_told_without_debians_epoch(fetched_folder: Path) -> None:
    assert version_of("a", fetched_folder) == "22.1-1"
    assert version_of("b", fetched_folder) == "3"
    assert version_of("c", fetched_folder) is None


def test_a_missing_program_says_what_to_remove(fetched_folder: Path) -> None:
    with pytest.raises(PackagesUnavailable, match=f"remove {fetched_folder} and fetch it again"):
        command(fetched_folder / "root", "usr/bin/sipp")
