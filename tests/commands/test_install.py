"""Do the commands that install say what they need, and what they leave alone?"""

from collections.abc import Callable
from pathlib import Path

import pytest

from router.__main__ import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def router(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`router …` in a shell without ROUTER_* variables, at which nobody sits."""
    monkeypatch.setenv("ROUTER_SETTINGS", "")  # so that it is as before afterwards, whatever a command makes of it
    monkeypatch.delenv("ROUTER_SETTINGS")

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main(arguments)
        said = capsys.readouterr()
        return int(end.value.code or 0), said.out, said.err

    return run


@pytest.fixture
def where(tmp_path: Path) -> tuple[str, ...]:
    (tmp_path / "asterisk").mkdir()
    return "--settings", f"{tmp_path}/settings.toml", "--asterisk", f"{tmp_path}/asterisk"


def answers(tmp_path: Path) -> tuple[str, ...]:
    return f"--database=sqlite:///{tmp_path}/router.db", "--region=DE", "--time-zone=Europe/Berlin", "--no-systemd"


def test_it_is_installed_without_a_question_and_said_what_comes_next(
    router: Run, where: tuple[str, ...], tmp_path: Path
) -> None:
    code, told, _ = router("init", *where, *answers(tmp_path), "--yes")

    assert code == 0
    assert told.count("rtr_") == 1
    assert f"export ROUTER_SETTINGS={tmp_path}/settings.toml\n  2. router serve &\n  3. router doctor" in told
    assert router("key", "list")[1].endswith("first admin\n"), "the settings are used from now on"


def test_where_nobody_can_be_asked_all_has_to_be_said(router: Run, where: tuple[str, ...]) -> None:
    assert router("init", *where)[0] == 2
    assert not Path(where[1]).exists()


def test_settings_that_are_there_are_not_overruled(router: Run, where: tuple[str, ...], tmp_path: Path) -> None:
    router("init", *where, *answers(tmp_path), "--yes")
    before = Path(where[1]).read_text()

    code, _, said = router("init", *where, "--region=US", "--yes")

    assert (code, Path(where[1]).read_text()) == (2, before)
    assert "stays as it is: change region in it" in said


def test_variables_that_would_win_over_the_file_are_named(
    router: Run, where: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROUTER_REGION", "FR")

    code, _, said = router("init", *where, "--yes")

    assert (code, "ROUTER_REGION: set in this shell" in said) == (2, True)


def test_what_a_new_version_needs_is_told_until_it_is_done(router: Run, where: tuple[str, ...], tmp_path: Path) -> None:
    router("init", *where, *answers(tmp_path), "--yes")
    dialplan = tmp_path / "asterisk/extensions_router.conf"
    dialplan.write_text("; an older one\n")
    for name, line in (
        ("extensions", "extensions_router"),
        ("queues", "queues_router"),
        ("manager", "manager.d/router"),
    ):
        (tmp_path / f"asterisk/{name}.conf").write_text(f"#include {line}.conf\n")

    told = router("upgrade", *where)
    done = router("upgrade", *where, "--yes")
    again = router("upgrade", *where)

    assert (told[0], done[0], again[0]) == (1, 1, 0)  # Asterisk has yet to read it
    assert f"1. Replace {dialplan}" in told[1]
    assert "! let Asterisk read the files: asterisk -rx 'dialplan reload'" in done[1]
    assert again[1] == "All is of this version: nothing is to be done.\n"
