"""What has a container engine done to this machine, and how is it undone?

An engine that ends leaves its bridge, its rules of the packet filter and a switch of the kernel behind, and files in
places that can't be told it.
"""

import fcntl
import re
import shlex
import shutil
import socket
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Self

FORWARD = Path("/proc/sys/net/ipv4/ip_forward")
OF_AN_ENGINE = re.compile(r"DOCKER|docker0|\bbr-[0-9a-f]{12}\b")  # what others have changed meanwhile is theirs
FOLDERS = (Path("/etc/docker"), Path("/opt/containerd"), Path("/run/containerd"))  # a key of its own, empty folders

# <linux/sockios.h>: how a bridge is taken down and removed without a program that may not be there
SIOCSIFFLAGS, SIOCBRDELBR = 0x8914, 0x89A1

Rules = dict[str, tuple[dict[str, str], tuple[str, ...]]]  # by table: policies of its chains ("-": none), and its rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """The machine as it was found."""

    bridges: frozenset[str]
    rules: Rules
    forwards: str
    folders: frozenset[Path]

    @classmethod
    def found(cls) -> Self:
        """As it is now. Needs root."""
        bridges = frozenset(path.parent.name for path in Path("/sys/class/net").glob("*/bridge"))
        folders = frozenset(path for path in FOLDERS if path.exists())
        return cls(bridges=bridges, rules=_rules(), forwards=FORWARD.read_text().strip(), folders=folders)

    def restore(self) -> str:
        """Undo what engines have done since; returns what couldn't be undone, in words ("": nothing)."""
        now = self.found()
        for bridge in sorted(now.bridges - self.bridges):
            if OF_AN_ENGINE.search(bridge):
                _remove_bridge(bridge)
        for table in now.rules:
            self._restore_table(table, now)
        if now.forwards != self.forwards:
            FORWARD.write_text(self.forwards)
        for folder in now.folders - self.folders:
            shutil.rmtree(folder, ignore_errors=True)
        return self._difference(self.found())

    def _restore_table(self, table: str, now: "Traces") -> None:
        chains, rules = now.rules[table]
        chains_before, rules_before = self.rules.get(table, ({}, ()))
        for rule in rules:
            if rule not in rules_before and OF_AN_ENGINE.search(rule):
                _iptables(table, "-D", *shlex.split(rule)[1:])
        new = [chain for chain in chains if chain not in chains_before and OF_AN_ENGINE.search(chain)]
        for chain in new:
            _iptables(table, "-F", chain)
        for chain in new:
            _iptables(table, "-X", chain)
        for chain, policy in chains.items():
            before = chains_before.get(chain, "ACCEPT")
            if policy not in ("-", before) and chain not in new:
                _iptables(table, "-P", chain, before)

    def _difference(self, now: "Traces") -> str:
        """What an engine has added and is still there."""
        rules = [
            f"{table}: {one}"
            for table, (chains, rules) in now.rules.items()
            for one in (*chains, *rules)
            if one not in self.rules.get(table, ({}, ()))[0] and one not in self.rules.get(table, ({}, ()))[1]
        ]
        left = [one for one in (*sorted(now.bridges - self.bridges), *rules) if OF_AN_ENGINE.search(one)]
        left += [str(folder) for folder in sorted(now.folders - self.folders)]
        return "; ".join(left + (["the kernel forwards packets"] if now.forwards != self.forwards else []))


def _rules() -> Rules:
    saved = subprocess.run(["iptables-save"], capture_output=True, text=True, timeout=30, check=True).stdout
    found: Rules = {}
    for block in saved.split("*")[1:]:
        table, *lines = block.splitlines()
        policies = dict(line[1:].split()[:2] for line in lines if line.startswith(":"))
        found[table] = (policies, tuple(line for line in lines if line.startswith("-A ")))
    return found


def _iptables(table: str, *words: str) -> None:
    subprocess.run(["iptables", "-w", "-t", table, *words], capture_output=True, timeout=30, check=False)


def _remove_bridge(name: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", name.encode(), 0))
        fcntl.ioctl(any_socket, SIOCBRDELBR, name.encode() + b"\0")
