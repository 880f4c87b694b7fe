"""Which certificates does a PBX have whose administrator runs a CA of their own? Made with the command openssl."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from router.lab import packages

MADE_WITHIN = 30.0  # seconds for one key and its certificate; milliseconds are usual

CONFIG = """\
[req]
prompt = no
distinguished_name = name
[name]
CN = {name}
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = {alternative}
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A certificate and its key, as PEM files."""

    certificate: Path
    key: Path


class Maker:
    """Makes them in `folder`; `var` keeps Debian's openssl where the machine has none."""

    def __init__(self, folder: Path, var: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._command = ["openssl"]
        if shutil.which("openssl") is None:
            root = packages.fetch(["openssl"], var / "openssl", None, print)
            self._command = packages.command(root, "usr/bin/openssl")

    def ca(self, name: str) -> Pair:
        """A CA, which signs itself."""
        return self._make(name, "ca", "DNS:unused")

    def server(self, name: str, ca: Pair, alternative: str) -> Pair:
        """A server's certificate, for the names in `alternative` (such as "IP:127.0.0.1")."""
        return self._make(name, "server", alternative, "-CA", str(ca.certificate), "-CAkey", str(ca.key))

    def _make(self, name: str, section: str, alternative: str, *words: str) -> Pair:
        made = Pair(certificate=self._folder / f"{name}.pem", key=self._folder / f"{name}.key")
        config = self._folder / f"{name}.cnf"
        config.write_text(CONFIG.format(name=name, alternative=alternative))
        subprocess.run(
            [
                *self._command, "req", "-x509", "-config", str(config), "-extensions", section, "-days", "2",
                "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-keyout", str(made.key), "-out", str(made.certificate), *words,
            ],
            check=True, capture_output=True, timeout=MADE_WITHIN,
        )  # fmt: skip
        return made
