"""What stands in the shipped dialplan? Contexts, extensions, labels, applications and jumps, read as text."""

import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "dialplan"
EXTENSIONS = FOLDER / "extensions_router.conf"
QUEUES = FOLDER / "queues_router.conf"
ROUTER_USER = FOLDER / "manager.d/router.conf"
GUARD_USER = FOLDER / "manager.d/router_guard.conf.sample"
ORIGINATE_USER = FOLDER / "manager.d/router_originate.conf.sample"

FIRST = re.compile(r"exten => (?P<exten>[^,]+),1(?:\((?P<label>[\w-]+)\))?,(?P<app>\w+)\((?P<args>.*)\)$")
NEXT = re.compile(r"same => n(?:\((?P<label>[\w-]+)\))?,(?P<app>\w+)\((?P<args>.*)\)$")
FUNCTION = re.compile(r"[$#]\{([A-Z][A-Z0-9_]+)\(|(?<=Set\()([A-Z][A-Z0-9_]+)\(")


@dataclass(frozen=True, slots=True, kw_only=True)
class Priority:
    """One line of the dialplan."""

    context: str
    exten: str
    label: str | None
    app: str
    args: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Jump:
    """A jump from one priority to `context`, `exten` and a label or number."""

    by: Priority
    context: str
    exten: str
    target: str


def priorities(text: str) -> list[Priority]:
    """Every priority of the file, in order. Raises ValueError for a line that is none and no comment either."""
    found: list[Priority] = []
    context = exten = ""
    for raw in text.splitlines():
        line = raw.strip()
        if not line or line.startswith((";", "#tryinclude ")) or context == "general":
            if line.startswith("["):
                context = line.strip("[]")
            continue
        if line.startswith("["):
            context = line.split("]")[0].strip("[")
        elif first := FIRST.match(line):
            exten = first["exten"]
            found.append(
                Priority(context=context, exten=exten, label=first["label"], app=first["app"], args=first["args"])
            )
        elif following := NEXT.match(line):
            found.append(
                Priority(
                    context=context, exten=exten, label=following["label"], app=following["app"], args=following["args"]
                )
            )
        else:
            raise ValueError(f"not a priority: {line}")
    return found


def jumps(all_priorities: list[Priority]) -> list[Jump]:
    """Every Goto, GotoIf and Gosub, every handler and subroutine named in an option."""
    found = []
    for by in all_priorities:
        for place in _places(by):
            parts = [*place[:-1], re.sub(r"\(.*", "", place[-1])]  # a subroutine's arguments
            context, exten, target = [by.context, by.exten, "1"][: 3 - len(parts)] + parts
            found.append(Jump(by=by, context=context, exten=exten, target=target))
    return found


def _places(by: Priority) -> list[list[str]]:
    places: list[list[str]] = []
    if by.app == "Goto":
        places.append(_split(by.args, 3))
    elif by.app == "GotoIf":
        for branch in by.args.rsplit("?", 1)[1].split(":"):
            if branch:
                places.append(_split(branch, 3))
    elif by.app == "Gosub":
        places.append(_split(by.args, 3))
    elif "hangup_handler_push" in by.args:
        places.append(by.args.split("=", 1)[1].split(","))
    for option in re.findall(r"[bU]\(([^)]+)\)", by.args) if by.app in ("Dial", "Queue") else []:
        places.append(option.split("^"))
    return places


def _split(text: str, most: int) -> list[str]:
    """`text` at its commas outside of braces, into `most` parts at the most."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "{") - (letter == "}")
        if letter == "," and depth == 0 and len(parts) < most:
            parts.append("")
        else:
            parts[-1] += letter
    return parts
