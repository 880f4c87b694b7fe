"""What can be done with a call that lives, from the command line?"""

from datetime import UTC, datetime
from typing import Annotated

from cyclopts import App, Parameter

from router.commands.console import fail, out, who_asks, with_database
from router.settings import Settings, load_settings
from router.storage.call_schema import OrderKind, OrderState
from router.storage.database import Database
from router.storage.orders import Outcome, ask, wait_for

app = App(name="call", help="Do something with a call that lives.")

ANSWERED_WITHIN = 5.0  # seconds; a router takes an order within 0.25, and the PBX carries it out in milliseconds


@app.command
def hand_over(
    call: str,
    *,
    to: str = "",
    to_desk: str = "",
    to_manager: Annotated[bool, Parameter(negative=())] = False,
    by: str = "",
) -> None:
    """Hand a call over: the caller hears music, whom you name rings, then who has the call now, then the desk.

    Carried out by the running router, which answers within 5 s or not at all.

    Parameters
    ----------
    call
        The call's id (`router calls --open` shows it), or the name or the phone of who has the caller.
    to
        To this person: a name, a short number or a phone.
    to_desk
        To this desk, by its name.
    to_manager
        To whoever manages the caller's job or account.
    by
        Who asks for it, for the records; your name on this machine, when it isn't given.
    """
    if [bool(to), bool(to_desk), to_manager].count(True) != 1:
        fail("to whom? name one of --to PERSON, --to-desk DESK and --to-manager", code=2)
    payload = {"call": call, "person": to, "desk": to_desk}
    outcome = _asked(load_settings(), payload, by or who_asks())
    match outcome.state:
        case OrderState.DONE:
            out.print(outcome.result, highlight=False, soft_wrap=True)
        case OrderState.REFUSED:
            fail(outcome.result)
        case OrderState.EXPIRED:
            fail(f"no router took this order within {ANSWERED_WITHIN:g} s, so it will not be carried out: is one up?")
        case OrderState.ASKED | OrderState.TAKEN:
            fail(f"the router took the order, but said nothing for {ANSWERED_WITHIN:g} s: see `router calls --open`")


def _asked(settings: Settings, payload: dict[str, str], by: str) -> Outcome:
    async def asked(db: Database) -> Outcome:
        now = datetime.now(UTC)
        order = await ask(db, settings.pbx, OrderKind.HAND_OVER, payload, asked_by=by, now=now)
        return await wait_for(db, order, ANSWERED_WITHIN)

    return with_database(settings, asked)
