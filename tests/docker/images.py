"""What are the images made of, where only Debian's packages and Python's can be had?

Two base images by mmdebstrap from this machine's own mirror, and the locked Python packages, fetched with this
machine's own settings. All of it is kept, so that it is made once.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from router.lab.packages import PackagesUnavailable, debian_mirrors
from tests.docker.engine import Engine, EngineFailed, NoEngine

ROOT = Path(__file__).resolve().parents[2]
# what .dockerignore lets into an image, and what compose itself reads
OF_THE_CHECKOUT = ("router", "migrations", "dialplan", "docker")
FILES = (".dockerignore", "requirements.lock", "pyproject.toml", "README.md", "LICENSE")
SOMEBODYS = ("secrets", "site", "compose.override.yaml", "wheels", "__pycache__")  # a checkout that is in use has these

BASES = {"DEBIAN_BASE": "bookworm", "DEBIAN_UNSTABLE_BASE": "sid"}  # compose's variables, and which suite each wants
BASE_WITHIN = 600.0  # seconds; 15 and 35 are usual
WHEELS_WITHIN = 600.0  # seconds for 40 MB
IMPORT_WITHIN = 120.0  # seconds; 5 are usual
NO_MORE_THAN_SLIM = (
    # as in Debian's own images for containers: no documentation, and no waiting for the disk after every file
    "force-unsafe-io",
    "path-exclude=/usr/share/doc/*",
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/locale/*",
)


def copy_of_the_checkout(folder: Path, wheels: Path) -> Path:
    """What the images are built from, in `folder`, without what somebody who uses this checkout has put beside it."""
    for name in OF_THE_CHECKOUT:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns(*SOMEBODYS))
    for name in FILES:
        shutil.copy(ROOT / name, folder)
    shutil.copytree(wheels, folder / "docker" / "wheels")
    return folder


def made_of(engine: Engine, folder: Path) -> tuple[Mapping[str, str], Path]:
    """The base images, as variables for compose, and the folder of Python packages. Raises NoEngine."""
    wanted = {variable: suite for variable, suite in BASES.items() if variable not in os.environ}
    with ThreadPoolExecutor(len(wanted) + 1) as beside:
        wheels = beside.submit(_wheels, folder / "wheels")
        bases = {variable: beside.submit(_base, engine, suite, folder) for variable, suite in wanted.items()}
        return {variable: base.result() for variable, base in bases.items()}, wheels.result()


def _base(engine: Engine, suite: str, folder: Path) -> str:
    name = f"router-base:{suite}"
    if engine.docker("image", "ls", "-q", name).strip():
        return name
    archive = folder / f"{suite}.tar"
    if not archive.exists():
        _make_base(suite, archive)
    engine.docker("import", str(archive), name, within=IMPORT_WITHIN)
    return name


def _make_base(suite: str, archive: Path) -> None:
    if shutil.which("mmdebstrap") is None:
        raise NoEngine("no base images can be made here: mmdebstrap not installed (Debian's package)")
    try:
        _, mirrors = debian_mirrors()
    except PackagesUnavailable as missing:
        raise NoEngine(f"no base images can be made here: {missing}") from None
    archive.parent.mkdir(parents=True, exist_ok=True)
    growing = archive.with_suffix(".growing.tar")
    _told(
        [
            "mmdebstrap", "--variant=minbase", "--quiet",
            # a mirror may lag behind; what it has is still signed
            '--aptopt=Acquire::Check-Valid-Until "false"', "--aptopt=Acquire::Languages none",
            *(f"--dpkgopt={option}" for option in NO_MORE_THAN_SLIM),
            suite, str(growing), mirrors[0],
        ],
        BASE_WITHIN,
        f"no Debian {suite} can be made here",
    )  # fmt: skip
    growing.rename(archive)


def _wheels(folder: Path) -> Path:
    """Python's packages as the images want them: for Debian 12's Python, whichever runs here."""
    beside = ROOT / "docker" / "wheels"
    if beside.exists():
        return beside
    lock = (ROOT / "requirements.lock").read_bytes()
    stamp = folder / "requirements.lock"  # written last; the recipe looks for *.whl alone
    if stamp.exists() and stamp.read_bytes() == lock:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    _told(
        [
            sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "-q", "--require-hashes",
            "--only-binary=:all:", "--python-version=3.11", "--implementation=cp",
            "-r", str(ROOT / "requirements.lock"), "-d", str(folder),
        ],
        WHEELS_WITHIN,
        "Python's packages can't be had here",
    )  # fmt: skip
    stamp.write_bytes(lock)
    return folder


def _told(command: list[str], within: float, otherwise: str) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=within, check=False, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        raise NoEngine(f"{otherwise}: it took longer than {within:.0f} s") from None
    if done.returncode:
        raise NoEngine(f"{otherwise}: {done.stderr.strip()[-400:]}")


def try_it(engine: Engine, image: str) -> None:
    """Let one container run and end. Raises NoEngine."""
    try:
        engine.docker("run", "--rm", "--network", "none", image, "true")
    except EngineFailed as why:
        raise NoEngine(f"no container engine can run here: {why}") from None
