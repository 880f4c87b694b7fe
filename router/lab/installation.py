"""Which Asterisk, with SIPp for its phones, lies on this machine?"""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from router.lab import packages
from router.lab.packages import Say

PACKAGES = ("asterisk", "asterisk-core-sounds-en-gsm", "asterisk-moh-opsound-gsm", "sip-tester")
SUITE = "sid"  # of Debian's suites only this one carries Asterisk 22
TESTED_MAJOR = 22
ANSWER_WITHIN = 10.0  # seconds for one console command


class AsteriskFailed(Exception):
    """The private Asterisk didn't do what it was told; the message carries the end of its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AsteriskFiles:
    """An Asterisk that lies on this machine: unpacked below `root`, or installed (then `root` is /)."""

    root: Path
    version: str

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])

    @property
    def modules(self) -> Path:
        return self.root / "usr/lib" / packages.multiarch() / "asterisk/modules"

    @property
    def data(self) -> Path:
        return self.root / "usr/share/asterisk"

    def command(self, program: str) -> list[str]:
        """How to start a program of this tree, such as usr/sbin/asterisk. Raises PackagesUnavailable."""
        if self.root == Path("/"):
            return [f"/{program}"]
        return packages.command(self.root, program)


def found_or_fetched(folder: Path, say: Say) -> AsteriskFiles:
    """The Asterisk of this machine, if SIPp is there as well; else Debian's packages, fetched once into `folder`.

    Raises PackagesUnavailable, and AsteriskFailed when what is there doesn't run.
    """
    here = installed(say)
    if here is not None and Path("/usr/bin/sipp").exists():
        return here
    return fetched(folder, say)


def fetched(folder: Path, say: Say) -> AsteriskFiles:
    """The Asterisk (and SIPp) of Debian's packages, fetched into `folder` once. Raises PackagesUnavailable."""
    root = packages.fetch(PACKAGES, folder, SUITE, say)
    return _with_version(root, say)


def installed(say: Say) -> AsteriskFiles | None:
    """The Asterisk that is installed on this machine, if one is."""
    return _with_version(Path("/"), say) if Path("/usr/sbin/asterisk").exists() else None


def _with_version(root: Path, say: Say) -> AsteriskFiles:
    unknown = AsteriskFiles(root=root, version="0")
    told = subprocess.run(
        [*unknown.command("usr/sbin/asterisk"), "-V"],
        capture_output=True,
        text=True,
        timeout=ANSWER_WITHIN,
        check=False,
    )
    found = re.match(r"Asterisk (\d+\.\S+)", told.stdout)
    if not found:
        raise AsteriskFailed(f"{root}/usr/sbin/asterisk doesn't run here: {told.stderr.strip()[:300]}")
    files = AsteriskFiles(root=root, version=found[1])
    if files.major != TESTED_MAJOR:
        say(f"this is Asterisk {files.version}; only {TESTED_MAJOR} is tested")
    return files
