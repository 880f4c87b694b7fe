"""How does somebody at a terminal, or a nightly timer, try whether a call ends where it should?"""

import asyncio
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from router.commands.console import fail, newest_table, out, who_asks, with_database
from router.settings import Settings, load_settings
from router.storage.database import Database

if TYPE_CHECKING:
    from router.storage.calling_in import Wanted
    from router.web.api.calling_in import TestCall

LOOK_EVERY = 0.2  # seconds between two looks at how far it has come
TALKS_AT_MOST = 60.0  # seconds; who took it is let go after some three


def call_in(
    *,
    caller: str,
    line: str,
    seconds: int = 100,
    external: Annotated[bool, Parameter(negative=())] = False,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Place a test call through the real dialplan, and compare who took it with what explain says.

    Phones ring, show TEST, and whoever answers hears a tone and is let go. Ends with 0 when the call went as explained,
    with 1 otherwise. It makes no commitment and counts in no figure.

    Parameters
    ----------
    caller
        The calling number; 'withheld' for one that hides it.
    line
        The number that is dialled.
    seconds
        After so many the caller gives up when nobody has taken the call; 1 to 100.
    external
        Phones outside the company may ring as well.
    as_json
        What came of it as JSON, as GET /api/v1/test-calls/ID answers.
    """
    from router.calls.calling_in import caller_meant, line_meant
    from router.storage.calling_in import State, TooManyTests, Wanted
    from router.web.api.calling_in import LONGEST

    settings = load_settings()
    calling, dialled = caller_meant(caller, settings.region), line_meant(line)
    if calling is None:
        fail("--caller is no number that could call: write it with + and its country code, or 'withheld'", code=2)
    if dialled is None:
        fail("--line is no number that could be dialled: 2 to 15 digits", code=2)
    if not 1 <= seconds <= LONGEST:
        fail(f"--seconds must be from 1 to {LONGEST}", code=2)
    wanted = Wanted(caller=calling, line=dialled, seconds=seconds, external=external)
    try:
        tested = with_database(settings, lambda db: _followed(db, settings, wanted, tells=not as_json))
    except TooManyTests as full:
        fail(f"{full}: try again in {full.wait:g} s")
    if as_json:
        out.print_json(tested.model_dump_json())
    elif tested.state is State.NOT_PLACED:
        fail(tested.sentence)
    else:
        out.print(tested.sentence, highlight=False, soft_wrap=True)
        for difference in tested.differences:
            out.print(f"  → {difference}", highlight=False, soft_wrap=True)
    if not tested.agrees:
        sys.exit(1)


async def _followed(db: Database, settings: Settings, wanted: "Wanted", *, tells: bool) -> "TestCall":
    """Ask for it, tell each step once, and return what came of it."""
    from router.storage.calling_in import State, ask_call_in, call_in_of
    from router.web.api.calling_in import told

    table = await newest_table(db, settings)
    per_hour = settings.test_calls_per_hour
    order = await ask_call_in(db, settings.pbx, wanted, per_hour=per_hour, asked_by=who_asks(), now=datetime.now(UTC))
    said = 0
    looks = round((wanted.seconds + TALKS_AT_MOST) / LOOK_EVERY)
    for _ in range(looks):
        found = await call_in_of(db, order, datetime.now(UTC))
        assert found is not None
        tested = told(found, table, sees_private=True)
        steps = _steps(tested)
        if tells:
            for step in steps[said:]:
                out.print(step, highlight=False, soft_wrap=True)
        said = len(steps)
        # the end of a phone that rang is written a moment after the call's
        if tested.state in (State.OVER, State.NOT_PLACED) and all(leg.result for leg in tested.rang):
            break
        await asyncio.sleep(LOOK_EVERY)
    return tested


def _steps(tested: "TestCall") -> list[str]:
    steps = []
    if tested.explained is not None:
        steps.append(f"explained: {tested.explained['answered_by']['sentence']}")
    steps += [f"step {leg.step}: {leg.phone} rings" for leg in sorted(tested.rang, key=lambda leg: leg.began_at)]
    if tested.taken_phone is not None:
        steps.append(f"{tested.taken_phone} has it after {tested.taken_after_seconds:g} s")
    return steps
