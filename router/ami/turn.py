"""What decides who tries to become the router that a PBX hears, before the PBX decides who is?"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from router.ami.timing import Timing


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """For how long no router has been heard; `left` when the last one said that it goes, or the PBX knows of none."""

    seconds: float
    left: bool


class Turn(Protocol):
    """A lock outside of the PBX that at most one router has. The link asks for it while it is logged in.

    It says who tries, never who is heard: that is whose token the PBX has. So whoever speaks goes on without it.
    """

    @property
    def held(self) -> bool:
        """Whether it is ours, as far as we know."""

    @property
    def elsewhere(self) -> bool:
        """Whether somebody else has it, as far as we know."""

    def want(self, *, speaking: bool) -> None:
        """Try to get it, and keep it; who is `speaking` already tries more often. Never waits, never raises."""

    def release(self) -> None:
        """Let others have it. Never waits, never raises."""

    async def give_away(self) -> bool:
        """Let others have it, and say whether somebody waits for it. Raises nothing."""

    async def wait(self, at_most: float) -> None:
        """Wait until `held` or `elsewhere` has changed, for so many seconds at most."""


async def until_our_turn(
    turn: Turn, silence: Callable[[], Awaitable[Silence]], stand_by: Callable[[], None], timing: Timing
) -> None:
    """Wait until we have the turn, or until whoever has it says nothing any more; `stand_by` is told when others speak.

    Raises what `silence` raises.
    """
    loop = asyncio.get_running_loop()
    asked_at = silent_since = loop.time()
    while not turn.held:
        heard = await silence()
        if heard.seconds <= timing.stale_after:
            silent_since = loop.time()
            if turn.elsewhere or silent_since - asked_at >= timing.turn_within:
                stand_by()
        elif loop.time() - silent_since >= _patience(turn, heard, timing):
            return
        await turn.wait(timing.stand_by_every)


def _patience(turn: Turn, heard: Silence, timing: Timing) -> float:
    """For how many seconds of silence more we leave it to others."""
    if not turn.elsewhere:
        return timing.turn_within  # the database has not said yet who has it, or is away
    return timing.turn_taken_within if heard.left else 0.0  # else whoever has it is frozen, or cut off from the PBX
