"""Do the files beside the images say what is true, and are the secrets drawn as they should be?"""

import asyncio
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from router.storage.access_schema import Role
from router.storage.database import Database
from router.storage.keys import find_key, keep_key
from router.storage.migrate import upgrade
from tests.sample_database import MONDAY_NOON

DOCKER = Path(__file__).resolve().parents[2] / "docker"
COMPOSE = (DOCKER / "compose.yaml").read_text()


@pytest.fixture
def drawn(tmp_path: Path) -> Path:
    shutil.copy(DOCKER / "secrets.sh", tmp_path)
    _draw(tmp_path)
    return tmp_path / "secrets"


def test_every_secret_that_is_named_is_drawn_and_nothing_else(drawn: Path) -> None:
    named = set(re.findall(r"file: \./secrets/(\w+)", COMPOSE))

    assert {path.name for path in drawn.iterdir()} == named


def test_what_was_drawn_stays(drawn: Path) -> None:
    before = {path.name: path.read_text() for path in drawn.iterdir()}
    (drawn / "ami_secret").unlink()

    _draw(drawn.parent)

    after = {path.name: path.read_text() for path in drawn.iterdir()}
    assert [name for name in before if before[name] != after[name]] == ["ami_secret"]


def test_nobody_else_on_the_machine_can_read_them(drawn: Path) -> None:
    assert drawn.stat().st_mode & 0o077 == 0


async def test_the_keys_are_keys(drawn: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/router.db"
    await asyncio.to_thread(upgrade, url)
    db = Database(url)
    for name, role in (("admin", Role.ADMIN), ("prometheus", Role.VIEWER)):
        key = (drawn / f"{name}_key").read_text()
        assert await keep_key(db, key, name, role)
        found = await find_key(db, key, MONDAY_NOON)
        assert found is not None
        assert found.role is role
    await db.close()


def test_every_image_has_its_recipe_and_every_file_that_it_copies() -> None:
    recipes = re.findall(r"dockerfile: (\S+)", COMPOSE)
    assert len(recipes) == 4
    for recipe in recipes:
        text = (DOCKER.parent / recipe).read_text()
        copied = [
            name for line in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE) for name in line.split()
        ]
        # the packages fetched beforehand need not be there
        missing = [name for name in copied if name != "docker/wheels*" and not list(DOCKER.parent.glob(name))]
        assert missing == []


def test_the_dashboard_asks_the_source_that_is_provisioned_and_every_panel_says_what_it_shows() -> None:
    grafana = DOCKER / "grafana"
    source = (grafana / "provisioning/datasources/prometheus.yml").read_text()
    panels = json.loads((grafana / "dashboards/router.json").read_text())["panels"]

    assert {panel["datasource"]["uid"] for panel in panels} == set(re.findall(r"uid: (\w+)", source))
    assert [panel["title"] for panel in panels if not panel["description"] or not panel["targets"]] == []
    assert len({panel["id"] for panel in panels}) == len(panels)


def _draw(folder: Path) -> None:
    subprocess.run(["sh", str(folder / "secrets.sh")], check=True, capture_output=True, timeout=30)
