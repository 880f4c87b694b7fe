"""Who has to learn what about it?"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from router.commitments.commitment import Commitment, Level
from router.commitments.owner import lead_of, members_here
from router.routing.table import Table


class NoticeKind(StrEnum):
    OPENED = "opened"
    REPEATED = "repeated"
    CORRECTED = "corrected"  # one of its calls had been taken after all
    CLAIMED = "claimed"
    TRIED = "tried"
    HANDED_OVER = "handed_over"
    REMINDER = "reminder"
    TRY_AGAIN = "try_again"
    LATE = "late"
    DESK_TOLD = "desk_told"
    LEAD_TOLD = "lead_told"
    KEPT = "kept"
    VOIDED = "voided"


STEPS = {
    Level.REMINDED: NoticeKind.REMINDER,
    Level.LATE: NoticeKind.LATE,
    Level.DESK_TOLD: NoticeKind.DESK_TOLD,
    Level.LEAD_TOLD: NoticeKind.LEAD_TOLD,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that happened to a commitment, as it stood then, and the people who shall hear of it at once."""

    kind: NoticeKind
    commitment: Commitment
    to: tuple[int, ...]
    at: datetime


def notice_of(kind: NoticeKind, commitment: Commitment, table: Table, at: datetime) -> Notice:
    """The notice with those who shall hear of it: nobody, when it only has to be on record. Raises nothing."""
    return Notice(kind=kind, commitment=commitment, to=_to(kind, commitment, table, at), at=at)


def _to(kind: NoticeKind, commitment: Commitment, table: Table, at: datetime) -> tuple[int, ...]:
    own = () if commitment.owner is None else (commitment.owner,)
    desk = members_here(commitment.desk, table, at)
    match kind:
        case NoticeKind.OPENED:
            return own  # a desk sees it in its list; it is not written to for every call that comes too soon
        case NoticeKind.REMINDER | NoticeKind.LATE | NoticeKind.TRY_AGAIN | NoticeKind.HANDED_OVER:
            return own or desk
        case NoticeKind.DESK_TOLD:
            return tuple(dict.fromkeys((*own, *desk)))
        case NoticeKind.LEAD_TOLD:
            lead = lead_of(commitment.desk, table, at)
            return tuple(dict.fromkeys((*own, *(desk if lead is None else (lead,)))))
        case NoticeKind.REPEATED | NoticeKind.CORRECTED | NoticeKind.CLAIMED | NoticeKind.TRIED:
            return ()
        case NoticeKind.KEPT | NoticeKind.VOIDED:
            return ()
