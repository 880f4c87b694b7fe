"""Is this line or desk open now, and if it is not, until when?"""

from dataclasses import dataclass
from datetime import datetime

from router.routing.model import Desk, Line, OverrideAction
from router.routing.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Whether it is open now, and if it is not, until when (None: no opening in sight) and on what occasion."""

    open: bool
    until: datetime | None = None
    occasion: str = ""


OPEN = Standing(open=True)


def standing_of(of: Line | Desk, table: Table, now: datetime) -> Standing:
    """What an override says, else what the hours say; without any it is always open. Raises nothing."""
    override = table.override_of(of, now)
    if override is not None:
        if override.action is OverrideAction.OPEN:
            return OPEN
        if override.action is OverrideAction.CLOSED:
            return Standing(open=False, until=table.opening_after(of.hours, override.ends_at))
    spell = table.spell_of(of.hours, now)
    if spell is None or spell.open:
        return OPEN
    return Standing(open=False, until=spell.opens_next, occasion=spell.occasion)
