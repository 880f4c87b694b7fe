"""Does schemathesis find a request that the API answers otherwise than its description says?

It is told nothing but the description and a key: whatever operation is added is asked as well. The API stands on a
real server and has a database of its own, so one role's changes are nobody else's. A file for each role, so that with
full numbers, when a role takes minutes, they run side by side.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

from router.storage.access_schema import Role
from router.web.admission import DECLARED, may
from router.web.api.webhooks import REACHES_OUT
from router.web.server import WebServer
from tests.proof import PROVE, SEED, many
from tests.web.conftest import Office
from tests.web.operations import operations_of, streams

EXAMPLES = many(15, 100)  # of each operation; the latter is what schemathesis takes when nobody says how many
WITHIN = many(300, 1800)  # seconds; a role takes 15 s, and shares two cores with other tests

# Whether a request is good depends on what is there: 409, 412, 422 and 428 answer ones that fit the description.
SETTINGS = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "304", "401", "403", "404", "409", "412", "422", "428", "429", "503"]
"""

# Whether anything is answered that isn't described, each method where there is none, each field at its limits: 5,000
# requests of each role.
PHASES = "examples,coverage,fuzzing,stateful" if PROVE else "examples,fuzzing,stateful"


def closed_to(role: Role, description: dict[str, Any]) -> set[str]:
    """What this role may not do: that each is refused, the roles' own test holds, so few numbers do without it."""
    return {one["operationId"] for one in operations_of(description) if not may(role, one[DECLARED])}


def without_end(description: dict[str, Any]) -> set[str]:
    """Streams of events: schemathesis would wait for their end. And what asks something of other machines, by addresses
    that it would make up. Whoever serves them has tests for them.
    """
    found = operations_of(description)
    return {one["operationId"] for one in found if streams(one) or REACHES_OUT in one}


async def ask_anything(office: Office, role: Role, folder: Path) -> str:
    """Let schemathesis ask with a key of this role, following the links; what it complains of, else nothing."""
    settings = folder / "schemathesis.toml"
    settings.write_text(SETTINGS)
    server = WebServer(office.app, "127.0.0.1", 0)
    description = office.app.openapi()
    left_out = without_end(description) | (set() if PROVE else closed_to(role, description))
    without = [part for operation in sorted(left_out) for part in ("--exclude-operation-id", operation)]
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(server.run())
        asking = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "schemathesis.cli", f"--config-file={settings}", "run"),
            *(f"{server.url}/api/v1/openapi.json", "--header", f"Authorization: Bearer {office.keys[role]}"),
            *(
                "--phases",
                PHASES,
                "--max-examples",
                str(EXAMPLES),
                "--seed",
                str(SEED),
                "--generation-database",
                "none",
            ),
            *("--no-color", "--warnings", "off", *without),
            cwd=folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(WITHIN):
                said, _ = await asking.communicate()
        finally:
            if asking.returncode is None:
                asking.kill()
            server.stop()
        await serving
    return "" if asking.returncode == 0 else said.decode()
