"""How fast and how surely does a call reach a phone? Load on one private Asterisk, seen by SIPp's own clocks."""

import random
import re
import shutil
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from router.lab.asterisk import PrivateAsterisk
from router.lab.configuration import TRUNK_ADDRESS, Lab
from router.lab.installation import AsteriskFiles
from router.lab.phones import Callers, Phones, PhonesFailed
from router.lab.ports import Ports
from router.lab.scenarios import Answers, PlacedCall
from router.lab.witness import Heard, evidence
from tests.bench.company import BUSINESS_LINE, COORDINATORS, Size, customer_number, phones

SHIPPED = Path("dialplan")
OWN_DIALPLAN = Path(__file__).with_name("bench.conf")

# By the address that a call comes from Asterisk knows which trunk it is on, and so which mechanism shall steer it.
ADDRESSES: Mapping[str, str] = {
    "static": "127.0.0.11",
    "router": TRUNK_ADDRESS,
    "fastagi": "127.0.0.12",
    "ari": "127.0.0.13",
}

ANSWERS_AFTER = 0.02  # seconds; a phone rings shortly, so that 180 and 200 are two messages
TALKS = 0.1  # seconds; short, so that the rate is limited by setting up calls, not by how many live
GIVES_UP = 1.0  # seconds without a sign of life; ten times the limit of a rate that holds
ENDS_WITHIN = 6.0  # seconds after the last call was placed; then the run has failed
QUIET_WITHIN = 15.0  # seconds until the last channel of a run is gone, before the next one begins


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What became of the calls of one run. `delays` are milliseconds from INVITE in to INVITE out, of all that had one,
    and `placed_at` says when each of these was placed.

    `per_second` is the rate at which they were really placed.
    """

    offered: int
    failed: int
    per_second: float
    delays: Sequence[float]
    placed_at: Sequence[datetime] = ()

    def during(self, spans: Sequence[tuple[datetime, datetime]]) -> "Seen":
        """Only the calls that were placed in one of these spans, and all that failed, whenever that was."""
        among = [
            (delay, at)
            for delay, at in zip(self.delays, self.placed_at, strict=True)
            if any(begins <= at < ends for begins, ends in spans)
        ]
        return replace(
            self,
            offered=len(among) + self.failed,
            delays=[delay for delay, _ in among],
            placed_at=[at for _, at in among],
        )


class Exchange:
    """The private Asterisk with the trunks, phones and contexts of the bench."""

    def __init__(self, folder: Path, files: AsteriskFiles, ari_login: str) -> None:
        self._folder = folder.absolute()
        shutil.rmtree(self._folder / "pbx", ignore_errors=True)  # the journal of an earlier bench would be read as well
        self.pbx = PrivateAsterisk(self._folder / "pbx", files, SHIPPED, Lab(options=("agi", "ari"), http=True))
        self.agi_port = self.pbx.ports.one()
        self._phones_port = self.pbx.ports.one()
        self.pbx.lab = replace(
            self.pbx.lab,
            phones=dict.fromkeys(phones(), self._phones_port),
            extra={
                "extensions.conf": bench_clean() + OWN_DIALPLAN.read_text(),
                "pjsip.conf": "".join(_trunk(name, self.agi_port) for name in ADDRESSES if name != "router"),
                "ari.conf": _ari_conf(ari_login),
                "websocket_client.conf": "; nothing\n",
                # Asterisk takes a channel's thread for a remote one once ARI has touched it, and the journal with it.
                "asterisk.conf": "live_dangerously = yes\n",
            },
        )

    def place(self, by: str, per_second: float, count: int, size: Size, seed: int) -> Seen:
        """Place calls of `count` different customers to be steered by that mechanism, and wait until all are over."""
        chosen = random.Random(seed).sample(range(size.numbers), count)
        calls = [
            PlacedCall(caller=customer_number(one), dialled=BUSINESS_LINE, talks=TALKS, gives_up=GIVES_UP)
            for one in chosen
        ]
        folder = self._folder / "run"
        shutil.rmtree(folder, ignore_errors=True)
        behaviours = dict.fromkeys(phones(), Answers(after=ANSWERS_AFTER))
        pbx = self.pbx
        with closing(Ports()) as ports:  # a run takes more ports than an Asterisk's own block has for all of them
            on_desks = Phones(folder / "phones", pbx.files, ports, behaviours, port=self._phones_port)
            callers = Callers(
                folder / "callers",
                pbx.files,
                ports,
                calls,
                to_port=pbx.sip_port,
                per_second=per_second,
                address=ADDRESSES[by],
            )
            with on_desks, callers:
                try:
                    callers.wait(count / per_second + ENDS_WITHIN)
                except PhonesFailed:
                    if not callers.messages.exists():
                        raise  # nothing was placed at all: that is no overload
                    callers.stop()  # the calls that are missing now count as failed
                pbx.wait_until_quiet(QUIET_WITHIN)
        heard = evidence([callers.messages], [on_desks.messages]).calls
        shutil.rmtree(folder, ignore_errors=True)
        return _seen(heard, count)


def _seen(heard: Sequence[Heard], offered: int) -> Seen:
    began = sorted(call.placed.invited_at for call in heard)
    lasted = (began[-1] - began[0]).total_seconds() if began else 0.0
    rang = [(delay, call.placed.invited_at) for call in heard if (delay := call.intercept_ms) is not None]
    return Seen(
        offered=offered,
        failed=offered - sum(1 for call in heard if _reached_its_manager(call)),
        per_second=(len(began) - 1) / lasted if lasted else 0.0,
        delays=[delay for delay, _ in rang],
        placed_at=[at for _, at in rang],
    )


def _reached_its_manager(call: Heard) -> bool:
    """Answered by one phone, and no other was rung: a coordinator's phone means that the call missed its plan."""
    return (
        call.placed.answered_at is not None
        and len(call.rung) == 1
        and call.answered_by == call.phones
        and call.phones[0] not in COORDINATORS
    )


EXIT = "?router-arrive,s,1)"  # how [router-clean] is left by a call that goes on


def bench_clean() -> str:
    """The shipped [router-clean], word by word, leading to the mechanism instead of to [router-arrive]."""
    shipped = (SHIPPED / "extensions_router.conf").read_text()
    found = re.search(r"^\[router-clean\]\n(.*?)^\[", shipped, re.MULTILINE | re.DOTALL)
    if not found or EXIT not in found[1]:
        raise ValueError("[router-clean] no longer leads to router-arrive: the bench would compare something else")
    return "\n[bench-clean]\n" + found[1].replace(EXIT, "?bench-${BENCH_BY},s,1)") + "\n"


def _trunk(name: str, agi_port: int) -> str:
    return (
        f"\n[bench-{name}](lab)\ncontext = bench-in\ntrust_id_inbound = yes\n"
        f"set_var = BENCH_BY={name}\nset_var = BENCH_PORT={agi_port}\n"
        f"\n[bench-{name}]\ntype = identify\nendpoint = bench-{name}\nmatch = {ADDRESSES[name]}\n"
    )


def _ari_conf(login: str) -> str:
    name, _, password = login.partition(":")
    user = f"[{name}]\ntype = user\nread_only = no\npassword_format = plain\npassword = {password}\n"
    return f"[general]\nenabled = yes\n{user}"
