"""What does the router do for a small company? Real calls, one readable line each."""

import asyncio
import shutil
import signal
import threading
import time
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from router.ami.dialplan import CODE_SIGN_IN, CODE_SIGN_OUT
from router.lab import sample
from router.lab.asterisk import PrivateAsterisk
from router.lab.configuration import OUTSIDE_PREFIX, Lab
from router.lab.first_steps import CHANGED_RULE, first_steps
from router.lab.installation import AsteriskFailed, found_or_fetched
from router.lab.packages import PackagesUnavailable
from router.lab.phones import PhonesFailed
from router.lab.ports import NoPortsLeft, Ports
from router.lab.process import RouterFailed, RouterProcess
from router.lab.sample import REGION, SAMPLE, TIME_ZONE
from router.lab.scenarios import PlacedCall
from router.lab.scenes import BOTH_TALK, PRESSES_1, SCENES, SERVICE, SIGNED_OUT, WAITS, WITHOUT_ROUTER, Scene
from router.lab.stand import Stand, endpoints_of, furnish
from router.lab.witness import Heard
from router.storage.call_schema import OrderKind
from router.storage.database import Database
from router.storage.orders import Outcome, ask, wait_for

SHIPPED = Path(__file__).parents[2] / "dialplan"
HANDED_OVER = "+14155550119"  # of Fir Furniture, whose account manager is Jonas
TAKEN_WITHIN = 10.0  # seconds; Jonas picks up in less than one
LOOK_EVERY = 0.05  # seconds between two looks at the records

FAILURES = (AsteriskFailed, PackagesUnavailable, PhonesFailed, NoPortsLeft, RouterFailed)


def demo(folder: Path, *, packages: Path, stay: bool, console: Console) -> bool:
    """Set everything up below `folder`, place the calls and tell of each; then, if asked to, stay up until stopped.

    The sample company stays in `folder/router.db`; what has to be fetched is kept in `packages`. Returns whether every
    call reached the right phone. Raises one of FAILURES when something is missing.
    """
    folder = folder.absolute()
    console.print("[bold]A private Asterisk, the sample company, and real calls[/]")
    say = _Progress(console)
    files = found_or_fetched(packages / "asterisk", say)
    lab = folder / "demo"
    shutil.rmtree(lab, ignore_errors=True)  # only what an earlier demo left
    file = folder / "router.db"
    database = f"sqlite:///{file}"
    endpoints = endpoints_of(SAMPLE)
    pbx = PrivateAsterisk(lab / "pbx", files, SHIPPED, Lab())
    phones_port = pbx.ports.one()
    pbx.lab = Lab(phones=dict.fromkeys(endpoints, phones_port))
    with pbx:
        say(f"Asterisk {files.version} runs on 127.0.0.1: SIP {pbx.sip_port}, AMI {pbx.ami_port}")
        stand = Stand(lab, pbx, database, SAMPLE, phones_port=phones_port, settings=settings_on(pbx))
        with stand:
            say(f"the router runs, its table is in {_near(file)}")
            right = _tell_scenes(stand, console)
            if not right:
                say(
                    f"a table that was changed in an earlier run decides otherwise: to begin anew, remove {_near(file)}"
                )
            if stay:
                _stay(stand.router, file, _by_softphone(stand), console, places_calls=True)
    return right


def settings_on(pbx: PrivateAsterisk) -> dict[str, str]:
    """What the demo's router is told beside its PBX and its database: so that all that is described can be tried."""
    return {
        "ROUTER_REGION": REGION,
        "ROUTER_TIME_ZONE": TIME_ZONE,
        "ROUTER_ORIGINATE_SECRET": pbx.lab.originate_secret,
        "ROUTER_EXTERNAL_PREFIXES": OUTSIDE_PREFIX,
    }


def demo_on(pbx: Mapping[str, str], folder: Path, *, stay: bool, console: Console) -> bool:
    """The sample company behind a PBX of one's own, which `pbx` names in ROUTER_AMI_* and ROUTER_ORIGINATE_* variables.

    Nobody's phones are ours there, so no calls are placed: each scene says who would answer. Returns whether all
    answers are as they should be. Raises RouterFailed when the router doesn't get ready on it.
    """
    folder = folder.absolute()
    console.print("[bold]The sample company, behind the PBX that ROUTER_AMI_* names[/]")
    file = folder / "router.db"
    database = f"sqlite:///{file}"
    key = furnish(database, SAMPLE)
    with closing(Ports()) as ports:
        settings = {"ROUTER_REGION": REGION, "ROUTER_TIME_ZONE": TIME_ZONE, "ROUTER_DATABASE": database}
        router = RouterProcess(folder / "demo", {**settings, **pbx}, http_port=ports.passing(), key=key)
        with router:
            right = [_tell_expected(scene, router, console) for scene in SCENES]
            if stay:
                call_it = "dial one of the lines above through your PBX's context router-in"
                _stay(router, file, call_it, console, places_calls=any("ORIGINATE_SECRET" in name for name in pbx))
    return all(right)


def _tell_expected(scene: Scene, router: RouterProcess, console: Console) -> bool:
    caller = "" if scene.caller == "anonymous" else scene.caller
    answer = router.post("/api/v1/explain", {"caller": caller, "line": scene.dialled})
    console.print(f"\n[bold]{escape(scene.title)}[/]", highlight=False, soft_wrap=True)
    console.print(f"  {scene.caller} → {scene.dialled}   {escape(answer['sentence'])}", highlight=False, soft_wrap=True)
    endpoints = [phone for step in answer["decision"]["steps"] for phone in step.get("phones", ())]
    return set(endpoints[:1]) <= scene.answers


class _Progress:
    def __init__(self, console: Console) -> None:
        self._console = console

    def __call__(self, sentence: str) -> None:
        self._console.print(f"  [dim]{escape(sentence)}[/]", highlight=False, soft_wrap=True)


def _tell_scenes(stand: Stand, console: Console) -> bool:
    right = [_tell(scene, stand, console, routed=True) for scene in SCENES]
    right += _tell_waiting(stand, console)
    right.append(_tell_hand_over(stand, console))
    stand.dial(*((phone, CODE_SIGN_OUT) for phone in sorted(SERVICE)))
    try:
        right += [_tell(scene, stand, console, routed=True) for scene in SIGNED_OUT]
        told = stand.texts()[-1]
        console.print(
            f"  the phone of the last one shows: [dim]{escape(told.text)}[/]", highlight=False, soft_wrap=True
        )
    finally:
        stand.dial(*((phone, CODE_SIGN_IN) for phone in sorted(SERVICE)))
    stand.router.stop()
    right += [_tell(scene, stand, console, routed=False) for scene in WITHOUT_ROUTER]
    stand.router.start()
    good = sum(right)
    console.print(
        f"\n[bold {'green' if all(right) else 'red'}]{good} of {len(right)} calls reached the right phone[/]",
        highlight=False,
    )
    return all(right)


def _tell(scene: Scene, stand: Stand, console: Console, *, routed: bool) -> bool:
    stand.place([scene.call()])
    told = len(stand.seen().calls)
    heard = stand.seen().of(scene.caller)
    right = _is_right(scene, heard)
    why = _decided(stand, told) if routed else "no router, so the desk that the PBX remembers for this line"
    answered = ", ".join(heard.answered_by) or "nobody"
    waited = f"after {heard.answer_ms:.0f} ms" if heard.answer_ms is not None else ""
    rang = f", rang after {heard.intercept_ms:.0f} ms" if heard.intercept_ms is not None else ""
    mark = "[green]✓[/]" if right else "[red]✗[/]"
    console.print(f"\n{mark} [bold]{escape(scene.title)}[/]", highlight=False, soft_wrap=True)
    console.print(f"  {scene.caller} → {scene.dialled}   {escape(why)}", highlight=False, soft_wrap=True)
    console.print(f"  answered by [bold]{escape(answered)}[/] {waited}{rang}", highlight=False, soft_wrap=True)
    if not right:
        console.print(f"  [red]expected one of: {', '.join(sorted(scene.answers))}[/]", highlight=False, soft_wrap=True)
    return right


def _tell_waiting(stand: Stand, console: Console) -> list[bool]:
    """Two callers more than a desk has people: one waits for the next, the other asks to be called back."""
    stand.place([*BOTH_TALK, WAITS, PRESSES_1], 5.0)
    records = {record["caller"]: record for record in stand.wait_until_recorded(len(stand.seen().calls))}
    waited, asked = stand.seen().of(WAITS.caller), stand.seen().of(PRESSES_1.caller)
    taken_by = ", ".join(waited.answered_by) or "nobody"
    right = [taken_by in SERVICE, asked.let_go and _promised(records[asked.caller])]
    told = (
        (waited, "both are on the phone: the caller hears music, and the first who is free takes the call", taken_by),
        (asked, "both are on the phone: the caller presses 1", "nobody: the caller was promised a call back"),
    )
    for good, (heard, title, outcome) in zip(right, told, strict=True):
        mark = "[green]✓[/]" if good else "[red]✗[/]"
        console.print(f"\n{mark} [bold]{escape(title)}[/]", highlight=False, soft_wrap=True)
        music = f"music after {heard.answer_ms:.0f} ms, " if heard.answer_ms is not None else ""
        console.print(
            f"  {heard.caller} → {heard.placed.dialled}   {music}then answered by {outcome}",
            highlight=False,
            soft_wrap=True,
        )
    return right


def _promised(record: Mapping[str, object]) -> bool:
    return (record["ended"], record["promise"]) == ("promised", "asked")


def _tell_hand_over(stand: Stand, console: Console) -> bool:
    """Jonas takes a call, and hands it over to Ida: what the command `router call hand-over` does."""
    callers = stand.start_calls([PlacedCall(caller=HANDED_OVER, dialled=sample.BUSINESS_LINE, talks=4.0)])
    deadline = time.monotonic() + TAKEN_WITHIN
    while not any(one["caller"] == HANDED_OVER and one["taken_at"] for one in stand.records()):
        if time.monotonic() > deadline:
            raise RouterFailed(f"nobody took the call of {HANDED_OVER}: {stand.router.last_words()}")
        time.sleep(LOOK_EVERY)
    said = asyncio.run(_hand_over(stand.database)).result
    callers.wait()
    stand.pbx.wait_until_quiet()
    heard = stand.seen().of(HANDED_OVER)
    right = heard.answered_by == ("jonas", "ida") and heard.placed.hung_up
    mark = "[green]✓[/]" if right else "[red]✗[/]"
    console.print(
        f"\n{mark} [bold]Jonas hands a call over to Ida: router call hand-over jonas --to Ida[/]", highlight=False
    )
    console.print(f"  {HANDED_OVER} → {sample.BUSINESS_LINE}   {escape(said)}", highlight=False, soft_wrap=True)
    console.print(
        f"  answered by [bold]{escape(', then '.join(heard.answered_by) or 'nobody')}[/]",
        highlight=False,
        soft_wrap=True,
    )
    return right


async def _hand_over(database: str) -> Outcome:
    db = Database(database)
    try:
        payload = {"call": "jonas", "person": "Ida"}
        order = await ask(db, "pbx", OrderKind.HAND_OVER, payload, asked_by="the demo", now=datetime.now(UTC))
        return await wait_for(db, order, TAKEN_WITHIN)
    finally:
        await db.close()


def _is_right(scene: Scene, heard: Heard) -> bool:
    return len(heard.answered_by) == 1 and heard.answered_by[0] in scene.answers


def _decided(stand: Stand, told: int) -> str:
    """The decision of the newest of the calls told so far, as its record says it."""
    newest = stand.wait_until_recorded(told)[-1]
    return str(newest["decision"]["sentence"]) if newest["decision"] else "no decision"


def _by_softphone(stand: Stand) -> str:
    address = f"sip:{sample.FELIX_LINE}@127.0.0.1:{stand.pbx.sip_port}"
    return f"""with any softphone on this machine, no account needed: {address}
(set the softphone's own number to {sample.BIRCH} to be a customer with a running job)"""


def _stay(router: RouterProcess, database: Path, call_it: str, console: Console, *, places_calls: bool) -> None:
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    version = router.get(f"/api/v1/rules/{CHANGED_RULE}")["version"]
    steps = first_steps(router.address, database, version, places_calls=places_calls, here=Path.cwd())
    begin = "Three steps to begin with, in another terminal:"
    console.print(f"\n[bold]The sample company stays up.[/] Ctrl-C ends it. {begin}\n", highlight=False, soft_wrap=True)
    console.print(escape(steps), highlight=False, soft_wrap=True)
    console.print(f"Call it: {call_it}\nLog: {_near(router.log_file)}\n", highlight=False, soft_wrap=True)
    stopped.wait()
    console.print("stopping…")


def _near(path: Path) -> str:
    """The path as seen from where we are, if that is shorter."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
