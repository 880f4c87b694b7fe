"""Where do the programs of the lab come from, without installing anything?

Debian's packages are downloaded by a private apt (own lists, own cache, an empty status file) and unpacked into one
folder, as root or as an ordinary user. The mirror is the machine's own; only the suite is changed, so no address stands
here. Programs of that folder run with its own loader and libraries: the machine's stay as they are.
"""

import fcntl
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

Say = Callable[[str], None]

LOOK_WITHIN = 120.0  # seconds for the package lists: 11 MB, so even 1 Mbit/s is enough
DOWNLOAD_WITHIN = 1200.0  # seconds for about 120 MB of packages: 1 Mbit/s
WAIT_FOR_OTHER_RUN = 1500.0  # seconds; longer than both limits above, so the other run has ended by itself
SAY_EVERY = 2.0  # seconds between two lines of progress

STAMP = "fetched.json"  # written last: a folder without it is fetched again, and what was downloaded is not lost
RECIPE = 1  # goes up when the same packages would be unpacked differently

# newer Debian names its keys in each source instead of trusting them for all, so a source of our own names them as well
DEBIAN_KEYRINGS = (
    Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
    Path("/usr/share/keyrings/debian-archive-keyring.pgp"),
)


class PackagesUnavailable(Exception):
    """The packages can't be had on this machine; the message is one sentence that says what is missing."""


def fetch(names: Sequence[str], folder: Path, suite: str | None, say: Say) -> Path:
    """Bring Debian packages and all they depend on into `folder`, and return the root of the unpacked tree.

    `suite` None is the machine's own. A complete folder is returned at once; an interrupted one goes on where it was;
    a second run waits for the first. Raises PackagesUnavailable.
    """
    folder = folder.absolute()
    root = folder / "root"
    if _complete(folder, names, suite):
        return root
    folder.mkdir(parents=True, exist_ok=True)
    with _only_one(folder, say):
        if _complete(folder, names, suite):
            return root
        _require_apt()
        apt = _PrivateApt(folder / "apt")
        apt.look(suite, say)
        packages = apt.download(names, say)
        _unpack(packages, root, say)
        stamp = {"recipe": RECIPE, "suite": suite, "names": sorted(names), "versions": _versions(packages)}
        _write_whole(folder / STAMP, json.dumps(stamp, indent=1))
        shutil.rmtree(apt.folder, ignore_errors=True)  # 170 MB that nobody needs once they are unpacked
    return root


def version_of(name: str, folder: Path) -> str | None:
    """The version of a fetched package as Debian writes it, without the epoch; None when it isn't there."""
    version = _stamp(folder).get("versions", {}).get(name)
    return None if version is None else str(version).partition(":")[2] or str(version)


def command(root: Path, program: str) -> list[str]:
    """How to start a program of an unpacked tree: by its own loader, with its own libraries.

    Raises PackagesUnavailable when the tree has no such program.
    """
    path = root / program
    if not path.is_file():
        raise PackagesUnavailable(f"{path} is missing: remove {root.parent} and fetch it again")
    loader, libraries = _loader_of(root)
    return [str(loader), "--library-path", libraries, str(path)]


def multiarch() -> str:
    """The name of this machine's library folder, such as x86_64-linux-gnu. Raises PackagesUnavailable."""
    architecture = _output(["dpkg", "--print-architecture"])
    names = {
        "amd64": "x86_64-linux-gnu",
        "arm64": "aarch64-linux-gnu",
        "armhf": "arm-linux-gnueabihf",
        "i386": "i386-linux-gnu",
        "ppc64el": "powerpc64le-linux-gnu",
        "riscv64": "riscv64-linux-gnu",
        "s390x": "s390x-linux-gnu",
    }
    if architecture not in names:
        raise PackagesUnavailable(f"this machine is {architecture}: Debian has no Asterisk for it that is known here")
    return names[architecture]


@cache
def _loader_of(root: Path) -> tuple[Path, str]:
    loaders = sorted(root.glob("usr/lib*/ld*.so.*")) + sorted(root.glob("usr/lib/*/ld-linux*.so.*"))
    if not loaders:
        raise PackagesUnavailable(f"{root} has no loader of its own: remove {root.parent} and fetch it again")
    # some libraries lie in a folder of their own below the library folder; all are named, as ldconfig would know them
    libraries = root / "usr" / "lib" / multiarch()
    below = {path.parent for path in libraries.glob("*/lib*.so.*")}
    return loaders[0], ":".join(str(path) for path in (libraries, *sorted(below)))


def _require_apt() -> None:
    missing = [tool for tool in ("apt-get", "dpkg", "dpkg-deb") if shutil.which(tool) is None]
    if missing:
        raise PackagesUnavailable(
            f"{', '.join(missing)} not found: the lab takes its programs from Debian's packages, so it needs Debian"
        )


def _complete(folder: Path, names: Sequence[str], suite: str | None) -> bool:
    stamp = _stamp(folder)
    return (
        stamp.get("recipe") == RECIPE
        and stamp.get("suite") == suite
        and set(names) <= set(stamp.get("names", ()))
        and (folder / "root").is_dir()
    )


def _stamp(folder: Path) -> dict[str, Any]:
    try:
        stamp = json.loads((folder / STAMP).read_text())
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


@contextmanager
def _only_one(folder: Path, say: Say) -> Iterator[None]:
    with (folder / "lock").open("w") as lock:
        deadline = time.monotonic() + WAIT_FOR_OTHER_RUN
        told = False
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if not told:
                    say(f"another run is filling {folder}: waiting for it")
                    told = True
                if time.monotonic() > deadline:
                    raise PackagesUnavailable(f"another run holds {folder / 'lock'} and doesn't end") from None
                time.sleep(0.2)
        yield


class _PrivateApt:
    """apt with a state of its own below `folder`; of the machine's it reads proxies, keys and the mirror's address."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._archives = folder / "cache" / "archives"
        for needed in (folder / "lists" / "partial", self._archives / "partial"):
            needed.mkdir(parents=True, exist_ok=True)
        (folder / "status").touch()
        self._config = folder / "apt.conf"
        self._config.write_text(
            f"""
            Dir::Etc::sourcelist "{folder / "sources.list"}";
            Dir::Etc::sourceparts "/dev/null";
            Dir::Etc::preferences "/dev/null";
            Dir::Etc::preferencesparts "/dev/null";
            Dir::State "{folder}";
            Dir::State::Lists "{folder / "lists"}";
            Dir::State::status "{folder / "status"}";
            Dir::State::extended_states "{folder / "extended_states"}";
            Dir::Cache "{folder / "cache"}";
            Dir::Log "{folder}";
            Debug::NoLocking "true";
            APT::Sandbox::User "";
            APT::Install-Recommends "false";
            Acquire::Languages "none";
            Acquire::Retries "3";
            Acquire::http::Timeout "20";
            Acquire::https::Timeout "20";
            // a mirror may lag behind; what it has is still signed
            Acquire::Check-Valid-Until "false";
            // what the machine does after its own updates is not ours to do
            #clear APT::Update::Pre-Invoke;
            #clear APT::Update::Post-Invoke;
            #clear APT::Update::Post-Invoke-Success;
            #clear DPkg::Post-Invoke;
            """
        )

    def look(self, suite: str | None, say: Say) -> None:
        """Learn what the suite holds. Its signature is checked wherever this machine has a key for it."""
        own_suite, mirrors = debian_mirrors()
        suite = suite or own_suite
        keyrings = [f"signed-by={path} " for path in DEBIAN_KEYRINGS if path.is_file()]
        why = ""
        for mirror in mirrors:
            say(f"asking this machine's Debian mirror for {suite}")
            for trust in (*keyrings, ""):
                worked, why = self._update(mirror, suite, trust)
                if worked:
                    return
                if not _unverified(why):
                    break
            else:
                say(f"{suite} is taken without checking its signature, because this machine has no key for it: {why}")
                worked, why = self._update(mirror, suite, "trusted=yes ")
                if worked:
                    return
        raise PackagesUnavailable(f"Debian {suite} can't be reached through this machine's apt: {_without_hosts(why)}")

    def download(self, names: Sequence[str], say: Say) -> list[Path]:
        """Download the packages and all they depend on; those already here are not fetched again."""
        wanted = self._run(["install", "--print-uris", "-qq", *names], LOOK_WITHIN)
        if wanted.returncode:
            raise PackagesUnavailable(f"Debian doesn't have these packages together: {_complaint(wanted.stderr)}")
        files = re.findall(r"^'\S+' (\S+) (\d+)", wanted.stdout, re.MULTILINE)
        total = sum(int(size) for _, size in files)
        if files:
            say(f"downloading {len(files)} packages, {total / 1e6:.0f} MB, into {self.folder.parent}")
        self._download(names, len(files), say)
        return sorted(self._archives.glob("*.deb"))

    def _download(self, names: Sequence[str], count: int, say: Say) -> None:
        log = self.folder / "download.log"
        with log.open("w") as out:
            process = subprocess.Popen(
                self._command(["install", "--download-only", "-y", "-q", *names]),
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=_plain_environment(),
            )
            deadline = time.monotonic() + DOWNLOAD_WITHIN
            while True:
                try:
                    process.wait(SAY_EVERY)
                    break
                except subprocess.TimeoutExpired:
                    say(f"  {log.read_text(errors='replace').count(chr(10) + 'Get:')} of {count} packages")
                    if time.monotonic() > deadline:
                        process.kill()
                        process.wait()
        if process.returncode:
            raise PackagesUnavailable(
                f"the download stopped (run it again, it goes on where it was): {_complaint(log.read_text())}"
            )

    def _update(self, mirror: str, suite: str, trust: str) -> tuple[bool, str]:
        options = f"[{trust.strip()}] " if trust else ""
        (self.folder / "sources.list").write_text(f"deb {options}{mirror} {suite} main\n")
        done = self._run(["update", "-q"], LOOK_WITHIN)
        # apt may keep going with a warning when nothing could be fetched: then there is no list
        listed = any(path.name.find("_Packages") > 0 for path in (self.folder / "lists").iterdir())
        return done.returncode == 0 and listed, _complaint(done.stderr) or _complaint(done.stdout)

    def _run(self, arguments: Sequence[str], within: float) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                self._command(arguments),
                capture_output=True,
                text=True,
                timeout=within,
                check=False,
                stdin=subprocess.DEVNULL,
                env=_plain_environment(),
            )
        except subprocess.TimeoutExpired:
            raise PackagesUnavailable(f"this machine's Debian mirror didn't answer within {within:.0f} s") from None

    def _command(self, arguments: Sequence[str]) -> list[str]:
        return ["apt-get", "-c", str(self._config), *arguments]


def debian_mirrors() -> tuple[str, list[str]]:
    """The machine's own suite, and the addresses of its Debian archive: neither security's nor anybody else's."""
    fields = ("REPO_URI", "ORIGIN", "LABEL", "COMPONENT", "CODENAME")
    shape = "|".join(f"$({field})" for field in fields)
    known = _output(["apt-get", "indextargets", "--format", shape, "Created-By: Packages"])
    sources = [dict(zip(fields, line.split("|"), strict=False)) for line in known.splitlines()]
    ours = [s for s in sources if s.get("LABEL") == s.get("ORIGIN") == "Debian" and s.get("COMPONENT") == "main"]
    if ours:
        return ours[0]["CODENAME"], list(dict.fromkeys(source["REPO_URI"] for source in ours))
    # without package lists (a fresh container) apt knows no origin; the archive's folder is called debian everywhere
    planned = _output(["apt-get", "update", "--print-uris"])
    found = re.findall(r"^'(\S+/debian/)dists/([\w-]+)/InRelease'", planned, re.MULTILINE)
    if not found:
        raise PackagesUnavailable("this machine's apt names no Debian archive: the lab needs one (Debian 12 or later)")
    return found[0][1], list(dict.fromkeys(mirror for mirror, _ in found))


def _unverified(complaint: str) -> bool:
    """No key or an outdated key: not the same as a signature that is wrong, which is never overlooked."""
    return "BADSIG" not in complaint and any(
        word in complaint for word in ("NO_PUBKEY", "EXPKEYSIG", "is not signed", "Missing key", "REVKEYSIG")
    )


def _unpack(packages: Sequence[Path], root: Path, say: Say) -> None:
    """Unpack beside `root` first, so that a tree which is there is a whole one."""
    if not packages:
        raise PackagesUnavailable("apt downloaded nothing: remove the folder and fetch again")
    say(f"unpacking {len(packages)} packages")
    growing = root.with_name("root.growing")
    shutil.rmtree(growing, ignore_errors=True)
    growing.mkdir()

    def unpack(package: Path) -> None:
        done = subprocess.run(
            ["dpkg-deb", "-x", str(package), str(growing)], capture_output=True, text=True, timeout=120, check=False
        )
        if done.returncode:
            package.unlink(missing_ok=True)  # damaged: the next run downloads it again
            raise PackagesUnavailable(f"{package.name} can't be unpacked: {_complaint(done.stderr)}")

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(unpack, packages))
    shutil.rmtree(root, ignore_errors=True)
    growing.rename(root)


def _versions(packages: Sequence[Path]) -> dict[str, str]:
    parts = (package.name.split("_") for package in packages)
    return {name: version.replace("%3a", ":") for name, version, *_ in parts}


def _write_whole(path: Path, text: str) -> None:
    growing = path.with_suffix(".growing")
    growing.write_text(text)
    growing.replace(path)


def _output(arguments: Sequence[str]) -> str:
    try:
        done = subprocess.run(
            arguments, capture_output=True, text=True, timeout=LOOK_WITHIN, check=False, env=_plain_environment()
        )
    except FileNotFoundError:
        raise PackagesUnavailable(f"{arguments[0]} not found: the lab needs Debian's packages") from None
    if done.returncode:
        raise PackagesUnavailable(f"{arguments[0]} failed: {_complaint(done.stderr)}")
    return done.stdout.strip()


def _plain_environment() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}


def _complaint(text: str) -> str:
    """The lines of a tool's output that complain, as one line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    bad = [line for line in lines if re.match(r"(E|W|Err|dpkg|tar)\b", line)]
    return _without_hosts("; ".join(bad or lines[-1:]))[:500]


def _without_hosts(text: str) -> str:
    """A mirror's address may carry a name and a password: it is not repeated in what people read."""
    return re.sub(r"\w+://\S+?/", "…/", text)
