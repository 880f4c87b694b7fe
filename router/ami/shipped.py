"""Which dialplan and which queues does this version ship, and is what a PBX has loaded the same?"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from router.ami.framing import Message

# Beside the package, as migrations/ is: in a checkout, and in the image, which is one.
FOLDER = Path(__file__).resolve().parents[2] / "dialplan"
EXTENSIONS, QUEUES, MANAGER = "extensions_router.conf", "queues_router.conf", "manager.d/router.conf"

_PRIORITY = re.compile(
    r"(?:exten => (?P<exten>[^,]+),1|same => n)(?:\((?P<label>[\w-]+)\))?,(?P<app>\w+)\((?P<args>.*)\)"
)
_QUEUE = re.compile(r"\[(router-[a-z0-9-]+)\]\(router-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Priority:
    """One priority of the dialplan, as Asterisk holds it."""

    exten: str
    number: int
    label: str
    app: str
    args: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped:
    """What is in the files: the priorities of each context, and the names of all queues."""

    contexts: Mapping[str, frozenset[Priority]]
    queues: tuple[str, ...]


def shipped(folder: Path = FOLDER) -> Shipped:
    """What this version ships. Raises OSError when the files are not beside the package."""
    return Shipped(
        contexts=contexts_of((folder / EXTENSIONS).read_text(encoding="utf-8")),
        queues=tuple(_QUEUE.findall((folder / QUEUES).read_text(encoding="utf-8"))),
    )


def contexts_of(text: str) -> dict[str, frozenset[Priority]]:
    """The priorities of a file that is written as ours are: `exten => …,1,` and then `same => n,`."""
    found: dict[str, set[Priority]] = {}
    context, exten, number = "", "", 0
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("["):
            context = line[1:].partition("]")[0]
            if context != "general":
                found.setdefault(context, set())
        elif read := _PRIORITY.fullmatch(line):
            exten, number = read["exten"] or exten, 1 if read["exten"] else number + 1
            args = read["args"].replace(r"\;", ";").strip()  # `;` alone would begin a comment
            found[context].add(
                Priority(exten=exten, number=number, label=read["label"] or "", app=read["app"], args=args)
            )
    return {name: frozenset(priorities) for name, priorities in found.items()}


def loaded(items: Iterable[Message]) -> frozenset[Priority]:
    """One context as `ShowDialPlan` lists it."""
    return frozenset(
        Priority(
            exten=item.fields["extension"],
            number=int(item.fields["priority"]),
            label=item.fields.get("extensionlabel", ""),
            app=item.fields.get("application", ""),
            args=item.fields.get("appdata", "").strip(),
        )
        for item in items
        if "extension" in item.fields and item.fields.get("priority", "").isdecimal()
    )
