"""Is what OPERATIONS.md promises backed by tests that exist, and does it speak of what is there?"""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "OPERATIONS.md").read_text()
ALERTS = (ROOT / "docker" / "prometheus" / "alerts.yml").read_text()
VITALS = (ROOT / "router" / "vitals.py").read_text()
MANAGER = ROOT / "dialplan" / "manager.d"
LISTED = dict(re.findall(r"^(\d+)\. `(tests/\S+::\w+)`$", TEXT, re.MULTILINE))


def rows(section: str) -> list[list[str]]:
    """The rows of the first table of a section, without its head."""
    body = re.split(r"^## ", TEXT.partition(f"\n{section}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    found = re.search(r"(?:^\|.*\n){3,}", body, re.MULTILINE)
    assert found, f"{section} has no table"
    lines = found[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@pytest.mark.parametrize("row", rows("## What fails, and what then"), ids=lambda row: row[0])
def test_every_line_of_what_fails_is_whole_and_shown_by_tests(row: list[str]) -> None:
    assert len(row) == 6
    assert all(row), "each column says something"
    shown_by = re.findall(r"\[(\d+)\]", row[5])

    assert shown_by
    assert [number for number in shown_by if number not in LISTED] == []


def test_every_test_that_is_named_is_there() -> None:
    named = {*LISTED.values(), *re.findall(r"`(tests/\S+::\w+)`", TEXT)}

    assert sorted(name for name in named if not _is_there(name)) == []


def test_every_test_in_the_list_is_in_the_table_and_in_its_order() -> None:
    used = {number for row in rows("## What fails, and what then") for number in re.findall(r"\[(\d+)\]", row[5])}

    assert sorted(LISTED.keys() - used) == []
    assert list(LISTED) == [str(number) for number in range(1, len(LISTED) + 1)]


def test_every_alert_is_explained() -> None:
    explained = [row[0].strip("`") for row in rows("## Alerts")]

    assert sorted(explained) == sorted(re.findall(r"- alert: (\w+)", ALERTS))


def test_every_figure_and_alert_that_is_named_is_there() -> None:
    figures = {name.removesuffix("_total") for name in re.findall(r"`router_(\w+)`", TEXT)}
    alerts = {name for row in rows("## What fails, and what then") for name in re.findall(r"`([A-Z]\w+[a-z])`", row[3])}

    assert sorted(name for name in figures if f'"{name}"' not in VITALS) == []
    assert sorted(alerts - set(re.findall(r"- alert: (\w+)", ALERTS))) == []


def test_the_ami_users_may_do_what_is_said_and_no_more() -> None:
    said = {row[0].strip("`"): (row[1].strip("`–"), row[2].strip("`")) for row in rows("## Security")}

    files = "\n".join(path.read_text() for path in sorted(MANAGER.iterdir()))
    granted = re.findall(r"^\[(router[\w-]*)\]\n(?:.*\n)*?read =(.*)\n(?:.*\n)*?write =(.*)$", files, re.MULTILINE)
    assert said == {user: (read.strip(), write.strip()) for user, read, write in granted}


@pytest.mark.parametrize("page", ["OPERATIONS.md", "README.md"])
def test_every_link_leads_somewhere(page: str) -> None:
    text = re.sub(r"`[^`\n]*`", "", (ROOT / page).read_text())
    links = re.findall(r"\]\(([^)#]*)(?:#([^)]+))?\)", text)

    broken = [(file, anchor) for file, anchor in links if "://" not in file and not _leads(page, file, anchor)]
    assert broken == []


def _leads(page: str, file: str, anchor: str) -> bool:
    target = ROOT / (file or page)
    if not target.exists():
        return False
    return not anchor or anchor in _anchors(target)


@cache
def _anchors(page: Path) -> frozenset[str]:
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return frozenset(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings)


def _is_there(name: str) -> bool:
    file, _, function = name.partition("::")
    return (ROOT / file).is_file() and function in _tests_of(ROOT / file)


@cache
def _tests_of(file: Path) -> frozenset[str]:
    tree = ast.parse(file.read_text())
    return frozenset(one.name for one in tree.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))
