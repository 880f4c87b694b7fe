"""What do stories of the whole in containers stand on?"""

import os
from collections.abc import Iterator

import pytest

from router.lab.installation import AsteriskFiles, found_or_fetched
from router.lab.ports import Ports
from tests.docker.engine import NoEngine, engine
from tests.docker.images import ROOT, copy_of_the_checkout, made_of, try_it
from tests.docker.stack import Stack

KEPT = ROOT / "var" / "docker"


@pytest.fixture(scope="session")
def files() -> AsteriskFiles:
    return found_or_fetched(ROOT / "var" / "asterisk", print)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The images of this checkout, in an engine. Skips, and says why, where there is none."""
    if os.environ.get("CONTAINERS") != "1":
        pytest.skip("brings containers up, which takes minutes: `make docker-test` does it")
    try:
        with engine(KEPT) as found:
            bases, wheels = made_of(found, KEPT)
            try_it(found, bases.get("DEBIAN_BASE") or os.environ["DEBIAN_BASE"])
            folder = copy_of_the_checkout(tmp_path_factory.mktemp("checkout"), wheels)
            ports = Ports()
            stack = Stack(found, folder, ports, bases)
            try:
                stack.build()
                yield stack
            finally:
                stack.down()
                ports.close()
    except NoEngine as missing:
        pytest.skip(str(missing))
