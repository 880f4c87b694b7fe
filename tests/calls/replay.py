"""How is a recorded call read, and how is what we know of it written down?

A replay says in a few sentences what happened, then what was `heard`, one event a line, and what must be `known` in
the end, one call a line. Columns are two or more spaces apart; `-` is nothing. Seconds count from the beginning, in the
`known` part from the call's arrival. What is `from` the journal is heard at the next login; `restart` is another
router, which knows of open calls what their records say.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path as File

from router.calls.call import Call, Phase
from router.calls.events import (
    CallArrived,
    CallEnded,
    CallTaken,
    LegBegan,
    LegEnded,
    LegResult,
    LinkUp,
    Path,
    PathTaken,
    PbxEvent,
    Presented,
)
from router.calls.orders import Record
from router.calls.tracker import Calls
from router.routing.table import Table
from tests.calls.said import at

Row = tuple[str, ...]
Says = Mapping[str, str]


@dataclass(frozen=True)
class Line:
    seconds: str
    source: str
    call: str
    event: str
    says: Says


@dataclass(frozen=True)
class Replay:
    heard: tuple[Line, ...]
    known: tuple[Row, ...]


def read(file: File) -> Replay:
    _, heard, known = re.split(r"^(?:heard|known)$", file.read_text(), flags=re.MULTILINE)
    return Replay(heard=tuple(_lines(heard)), known=tuple(_rows(known)))


def play(replay: Replay, table: Table) -> dict[str, Call]:
    """The newest record of each call, by its id, in the order of their first records."""
    calls = Calls()
    journal: list[LegEnded | CallEnded] = []
    records: dict[str, Call] = {}
    for line in replay.heard:
        if line.event == "restart":
            still_open = [replace(call, decision=None) for call in calls if call.phase is not Phase.OVER]
            calls = Calls()
            calls.adopt(still_open)
            continue
        event = _login(line, tuple(journal)) if line.event == "login" else _event(line)
        if line.source == "journal":
            assert isinstance(event, LegEnded | CallEnded)
            journal.append(event)
            continue
        for order in calls.step(event, table):
            if isinstance(order, Record):
                records[order.call.call_id] = order.call
    return records


def as_row(call: Call, table: Table) -> Row:
    """A call as the `known` part has it."""
    steps = call.decision.plan.steps if call.decision else ()
    legs = [f"{leg.phone} {leg.result.value if leg.result else '-'}" for leg in call.legs]
    return (
        call.call_id.removeprefix("pbx:"),
        ", ".join(step.name for step in steps) or "-",
        call.path.value if call.path else "-",
        table.people[call.taken_by].name if call.taken_by else "-",
        f"{(call.taken_at - call.arrived_at).total_seconds():.3f}" if call.taken_at else "-",
        call.ending.value if call.ending else "-",
        f"{(call.ended_at - call.arrived_at).total_seconds():.3f}" if call.ended_at else "-",
        ", ".join(legs) or "-",
    )


def _lines(text: str) -> Iterator[Line]:
    for row in _rows(text):
        seconds, source, call, event, *rest = row
        says = dict(pair.split("=", 1) for pair in " ".join(rest).split())
        yield Line(seconds=seconds, source=source, call=call, event=event, says=says)


def _rows(text: str) -> Iterator[Row]:
    _headings, *rows = text.strip().splitlines()
    for row in rows:
        yield tuple(re.split(r" {2,}", row.strip()))


def _login(line: Line, journal: tuple[LegEnded | CallEnded, ...]) -> LinkUp:
    live = [] if line.says["live"] == "-" else line.says["live"].split(",")
    live_calls = frozenset(f"pbx:{call}" for call in live)
    return LinkUp(pbx="pbx", live_calls=live_calls, ended=journal, members=(), at=at(float(line.seconds)))


def _event(line: Line) -> PbxEvent:
    call_id, now, says = f"pbx:{line.call}", at(float(line.seconds)), line.says
    phone, step = says.get("phone"), int(says.get("step", "0"))
    leg = f"{line.call}-{phone}"
    match line.event:
        case "arrived":
            return CallArrived(
                call_id=call_id,
                channel=f"PJSIP/trunk-{line.call}",
                dialled=says["dialled"],
                caller=says["caller"],
                presented=Presented.NUMBER,
                at=now,
            )
        case "path":
            return PathTaken(call_id=call_id, path=Path(says["path"]), why=says["why"], at=now)
        case "rings":
            return LegBegan(call_id=call_id, leg=leg, step=step, phone=says["phone"], at=now)
        case "leg":
            return LegEnded(
                call_id=call_id,
                leg=leg,
                step=step,
                phone=says["phone"],
                began_at=at(float(says["began"])),
                at=now,
                result=LegResult(says["result"]),
                cause=0,
            )
        case "taken":
            return CallTaken(call_id=call_id, step=step, phone=says["phone"], at=now)
        case "ended":
            return CallEnded(
                call_id=call_id,
                dialled=says["dialled"],
                caller=says["caller"],
                presented=Presented.NUMBER,
                arrived_at=at(float(says["arrived"])),
                path=Path(says["path"]),
                phone=phone,
                taken_at=at(float(says["taken"])) if phone else None,
                at=now,
                cause=16,
            )
        case other:
            raise ValueError(f"no event is called {other}")
