"""Where does the lab's own Asterisk come from in tests of the lab?"""

from pathlib import Path

import pytest

from router.lab.installation import AsteriskFiles, found_or_fetched

ASTERISK = Path(__file__).parents[2] / "var" / "asterisk"


@pytest.fixture(scope="session")
def asterisk_files() -> AsteriskFiles:
    return found_or_fetched(ASTERISK, print)
