"""Which numbers does this run use, and what became of every call in it?

`PROVE=1` tells the same stories with the full numbers; nothing else differs.
"""

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

PROVE = os.environ.get("PROVE") == "1"
SEED = int(os.environ.get("SEED", "1"))
ROOT = Path(__file__).parents[1]
PROOF = ROOT / "var" / "proof.json"


def many(few: int, full: int) -> int:
    """How often something happens in a story: `few` in `make test`, `full` in `make prove`."""
    return full if PROVE else few


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What became of the calls of one story. `lost` and `twice` are 0, or the story has failed."""

    story: str
    offered: int
    answered: int
    given_up: int = 0
    promised: int = 0
    lost: int = 0
    twice: int = 0
    facts: dict[str, float | int | str] = field(default_factory=dict)

    @property
    def closes(self) -> bool:
        """offered = answered + given up + promised, nothing lost, nobody answered twice."""
        return self.offered == self.answered + self.given_up + self.promised and self.lost == 0 == self.twice


class Proof:
    """The tallies of one run; written at its end when it was a proving one. `tell` hears of each as it is added."""

    def __init__(self, tell: Callable[[Tally], None] | None = None) -> None:
        self.tallies: list[Tally] = []
        self._tell = tell

    def add(self, tally: Tally) -> None:
        """Keep a story's tally, whether it closes or not: a failed story must be seen in the file as well."""
        self.tallies.append(tally)
        if self._tell is not None:
            self._tell(tally)

    def write(self, passed: bool) -> Path:
        """Write `var/proof.json` and say where."""
        commit = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=10
        ).stdout.strip()
        PROOF.parent.mkdir(exist_ok=True)
        PROOF.write_text(
            json.dumps(
                {
                    "commit": commit,
                    "seed": SEED,
                    "passed": passed,
                    "stories": sorted((asdict(tally) for tally in self.tallies), key=lambda story: str(story["story"])),
                },
                indent=2,
            )
            + "\n"
        )
        return PROOF
