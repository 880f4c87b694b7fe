"""Where does a test get systemd's own judgement of a unit?

From the machine's systemd-analyze, or from Debian's package, unpacked and not installed; neither needs a systemd that
runs.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from router.lab.packages import fetch, multiarch

ROOT = Path(__file__).parents[2]
WITHIN = 60.0  # seconds for what takes a tenth of one
VERSION_OF_DEBIAN_12 = 252


@dataclass(frozen=True, slots=True, kw_only=True)
class Analyze:
    """systemd-analyze, wherever it came from."""

    program: Path
    environment: dict[str, str]

    def complaints(self, unit: Path) -> list[str]:
        """What `verify` says of this unit; nothing when it is right."""
        done = self._run("verify", "--man=no", str(unit))
        about = [line for line in done.stderr.splitlines() if unit.stem in line]
        return about or ([done.stderr] if done.returncode else [])

    def exposure(self, unit: Path) -> float:
        """How much of the machine the unit could reach, from 0 (nothing) to 10 (all of it)."""
        done = self._run("security", "--offline=yes", "--no-pager", str(unit))
        verdict = done.stdout.rpartition("Overall exposure level")[2]
        return float(verdict.partition(": ")[2].split()[0])

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.program, *words],
            env={**os.environ, **self.environment, "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=WITHIN,
            check=False,
        )


def found_or_fetched() -> Analyze:
    """The machine's own, else the package of its own suite. Raises PackagesUnavailable."""
    if found := shutil.which("systemd-analyze"):
        return Analyze(program=Path(found), environment={})
    return fetched()


def fetched() -> Analyze:
    """That of the package of the machine's own suite, so that it runs with the machine's own C library."""
    root = fetch(["systemd"], ROOT / "var" / "systemd", None, print)
    libraries = [folder / multiarch() for folder in (root / "usr" / "lib", root / "lib")]
    path = os.pathsep.join(str(folder) for one in libraries for folder in (one, one / "systemd"))
    (program, *_) = [file for file in (root / "usr/bin/systemd-analyze", root / "bin/systemd-analyze") if file.exists()]
    return Analyze(program=program, environment={"LD_LIBRARY_PATH": path})
