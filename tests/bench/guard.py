"""What does the voicemail guard cost each call of a PBX, also those that never see a mailbox?

`python -m tests.bench.guard`: about three minutes, on loopback only. The same load on the same Asterisk, in turns:
without the guard's drop-in (Newexten is switched off), with it and a guard that watches, and with it but without its
filters.
"""

import re
import statistics
import tempfile
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from router.lab.asterisk import PrivateAsterisk
from router.lab.configuration import GUARD_USER, Lab
from router.lab.installation import found_or_fetched
from router.lab.scenarios import PlacedCall
from router.lab.stand import Stand, endpoints_of
from tests.asterisk.company import BEHAVIOURS, BLOCK, COMPANY, LINE
from tests.bench.mechanisms import cpu_seconds

ROUNDS = 3
CALLS = 200  # of each round: at 10 ms a call the kernel's clock tick, 10 ms, is 0.5 % of what is measured
PER_SECOND = 20.0
WAYS = ("no guard", "guard", "guard without filters")

out = Console(width=110)


def main() -> None:
    files = found_or_fetched(Path("var/asterisk"), out.print)
    with tempfile.TemporaryDirectory() as folder:
        pbx = PrivateAsterisk(Path(folder) / "pbx", files, Path("dialplan"), Lab())
        port = pbx.ports.one()
        pbx.lab = Lab(phones=dict.fromkeys(endpoints_of(COMPANY), port), guard=True)
        stand = Stand(
            Path(folder), pbx, f"sqlite:///{folder}/router.db", COMPANY, phones_port=port, behaviours=BEHAVIOURS
        )
        with pbx, stand:
            drop_in = (pbx.etc / GUARD_USER).read_text()
            costs: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
            for turn in range(ROUNDS):
                for way in WAYS:
                    costs[way].append(_cost(stand, way, drop_in, turn))
    _show(costs)


def _cost(stand: Stand, way: str, drop_in: str, turn: int) -> tuple[float, float]:
    """CPU milliseconds a call: of Asterisk, and of the router."""
    pbx, router = stand.pbx, stand.router
    router.stop()
    without_filters = re.sub(r"^eventfilter.*$", "", drop_in, flags=re.MULTILINE)
    texts: Mapping[str, str] = {"no guard": "; none\n", "guard": drop_in, "guard without filters": without_filters}
    (pbx.etc / GUARD_USER).write_text(texts[way])
    pbx.reload("manager")
    router.start(changed={} if way == "no guard" else {"ROUTER_GUARD_SECRET": pbx.lab.guard_secret})
    _place(stand, 40, first=0)  # not counted: whatever is done only once is done
    before = cpu_seconds(pbx.pid), cpu_seconds(router.pid)
    _place(stand, CALLS, first=1000 * (turn + 1))
    after = cpu_seconds(pbx.pid), cpu_seconds(router.pid)
    asterisk, ours = (1000 * (now - then) / CALLS for then, now in zip(before, after, strict=True))
    out.print(f"{way:<22} Asterisk {asterisk:5.2f} ms a call, router {ours:5.2f} ms")
    return asterisk, ours


def _place(stand: Stand, count: int, first: int) -> None:
    callers = (f"{BLOCK}{number:04}" for number in range(first, first + count))
    stand.place([PlacedCall(caller=caller, dialled=LINE, talks=0.1) for caller in callers], PER_SECOND)


def _show(costs: Mapping[str, list[tuple[float, float]]]) -> None:
    for way, rounds in costs.items():
        asterisk, router = (statistics.median(column) for column in zip(*rounds, strict=True))
        out.print(f"{way:<22} median: Asterisk {asterisk:5.2f} ms a call, router {router:5.2f} ms", style="bold")


if __name__ == "__main__":
    main()
