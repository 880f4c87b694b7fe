"""Where does the lab's own Asterisk come from in tests of the lab?"""

from pathlib import Path

import pytest

from router.lab.asterisk import AsteriskFiles, fetched

ASTERISK = Path(__file__).parents[2] / "var" / "asterisk"


@pytest.fixture(scope="session")
def asterisk_files() -> AsteriskFiles:
    return fetched(ASTERISK, print)
