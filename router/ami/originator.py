"""Who may make the PBX call somebody?

Nobody but a user of its own, of class `originate` alone, on a connection that lasts for one Originate: the router's own
user may not, and whoever takes over its connection can't place a call.
"""

import structlog

from router.ami.connection import LinkFailed, connected, log_in
from router.ami.counters import Tally
from router.ami.link import DEFAULT_TIMING, AmiSettings
from router.ami.outbound import Fields, Unsendable, call_back, call_in
from router.ami.protocol import Wire
from router.ami.timing import Timing
from router.calls.calling_back import CallBack
from router.calls.calling_in import CallIn

log = structlog.get_logger(__name__)


class NotPlaced(Exception):
    """The PBX was not asked, or will not; the message says why and what to do."""


class Originator:
    """Places what is asked for at one PBX; `settings` are the link's, with the other user."""

    def __init__(self, settings: AmiSettings, *, timing: Timing = DEFAULT_TIMING) -> None:
        self._settings = settings
        self._timing = timing

    async def call_back(self, order: CallBack) -> None:
        """Returns when the PBX has taken it; what becomes of it is told as events. Raises NotPlaced."""
        try:
            await self._place(call_back(order, self._settings.pbx))
        except (Unsendable, LinkFailed) as fault:
            raise NotPlaced(str(fault)) from fault
        log.info("call-back placed", call_id=order.call_id)

    async def call_in(self, order: CallIn) -> None:
        """A test call; as `call_back`. Raises NotPlaced."""
        try:
            await self._place(call_in(order, self._settings.pbx))
        except (Unsendable, LinkFailed) as fault:
            raise NotPlaced(str(fault)) from fault
        log.info("test call placed", call_id=order.call_id)

    async def _place(self, fields: Fields) -> None:
        tally = Tally()
        async with connected(self._settings, lambda: Wire(lambda _: None, tally), self._timing) as wire:
            await log_in(wire, self._settings, "off", timing=self._timing, tally=tally)
            answer = await wire.ask(fields, within=self._timing.answer_within)
            if not answer.fields:
                log.warning("the PBX did not say whether it places a call", why=answer.said)  # it may all the same
            elif not answer.success:
                user = self._settings.username
                raise LinkFailed(
                    f"the PBX refused the Originate ({answer.said}): does [{user}] have `write = originate`?"
                )
            await wire.ask({"Action": "Logoff"}, within=self._timing.farewell_within)
