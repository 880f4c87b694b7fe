"""Do the commands import and export?"""

from pathlib import Path

import pytest

from router.__main__ import main
from tests.sample_database import furnish


def router(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    said = capsys.readouterr()
    return int(end.value.code or 0), said.out, said.err


def test_what_is_exported_can_be_edited_and_imported_first_as_if_and_then_really(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ROUTER_DATABASE", f"sqlite:///{furnish(tmp_path / 'router.db')}")
    assert router(capsys, "export", "--all", "-o", str(tmp_path))[0] == 0
    accounts = tmp_path / "accounts.csv"
    edited = accounts.read_text().replace("Cedar Bakery,Jonas", "Cedar Bakery,Ida")
    accounts.write_text(edited)

    _, as_if, _ = router(capsys, "import", str(accounts), "--dry-run")
    _, really, _ = router(capsys, "import", str(accounts), str(tmp_path / "people.csv"))
    _, shown, _ = router(capsys, "export", "accounts")

    assert "manager: Jonas → Ida" in as_if
    assert "Nothing was imported" in as_if
    assert "Imported: table 2." in really
    assert shown.split() == edited.split()


def test_what_is_wrong_is_said_with_row_and_column_and_nothing_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ROUTER_DATABASE", f"sqlite:///{furnish(tmp_path / 'router.db')}")
    (tmp_path / "crm.csv").write_text("name,manager,numbers\nPine,Jonass,1.2E+11\n")

    unnamed = router(capsys, "import", str(tmp_path / "crm.csv"))
    wrong = router(capsys, "import", str(tmp_path / "crm.csv"), "--as", "accounts")

    assert unnamed[0] == 2
    assert "say --as" in unnamed[2]
    assert wrong[0] == 1
    assert "crm.csv, row 2, manager: no person is called 'Jonass'; do you mean Jonas" in wrong[2]
    assert "2 faults, so nothing was imported." in wrong[2]
