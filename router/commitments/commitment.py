"""What do we owe a caller, and by which terms?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum


class State(StrEnum):
    """open: somebody has to call · claimed: somebody said that they will · kept · void: for a reason, nobody has to."""

    OPEN = "open"
    CLAIMED = "claimed"
    KEPT = "kept"
    VOID = "void"


class Why(StrEnum):
    """Why we owe it.

    gave_up: the caller hung up while it rang or waited · nobody: nobody could be reached · asked: the caller pressed 1
    · closed: let go with the promise of closed hours · lost: the PBX died under the call · promised: by who answered.
    """

    GAVE_UP = "gave_up"
    NOBODY = "nobody"
    ASKED = "asked"
    CLOSED = "closed"
    LOST = "lost"
    PROMISED = "promised"


class Belongs(StrEnum):
    """Who owns what a known account is owed; everybody else's is the desk's anyway."""

    MANAGER = "manager"
    DESK = "desk"


class Level(IntEnum):
    """How far we had to go: not at all, the owner reminded, the owner told that it is late, then the desk, the lead."""

    FRESH = 0
    REMINDED = 1
    LATE = 2
    DESK_TOLD = 3
    LEAD_TOLD = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a company keeps its word. `escalate_after` are the times after the due one at which owner, desk, lead hear.

    Who gave up sooner than `gave_up_after` had dialled wrongly, or thought better of it, and is owed nothing.
    """

    due_after: timedelta = timedelta(minutes=30)
    gave_up_after: timedelta = timedelta(seconds=5)
    belongs: Belongs = Belongs.MANAGER
    remind_before: timedelta = timedelta(minutes=10)
    escalate_after: tuple[timedelta, timedelta, timedelta] = (timedelta(0), timedelta(minutes=15), timedelta(hours=1))
    try_again_after: timedelta = timedelta(minutes=15)
    talked_at_least: timedelta = timedelta(seconds=20)  # less is "I call you back in a minute", or a wrong extension


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Whom it is owed: the account, or the caller's number (E.164, or as it came), or nobody knows who called a line.

    `caller` is "" when the number was withheld or unreadable: then the calls to one line are taken together, since all
    that can be done about them is done there.
    """

    account: int | None
    caller: str
    line: int | None

    @property
    def key(self) -> str:
        """Under which one commitment at most is open."""
        return self.keys[0] if self.keys else f"line:{self.line or 0}"

    @property
    def keys(self) -> tuple[str, ...]:
        """Under which something may be owed already, the best first: none, when nobody knows who it is.

        What was owed to a number stays owed to it when the number is given to an account.
        """
        known = () if self.account is None else (f"account:{self.account}",)
        return (*known, f"caller:{self.caller}") if self.caller else known


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment:
    """What one party is owed. A value: every event makes a new one; `id` is None until it is saved.

    `owner` is a person; None: the `desk` owns it, which stands behind the owner in any case. `urgency` counts the calls
    and promises in it, `latest_at` is the last of them. `due_at` never moves later. `next_step_at` is when the clock
    has to look at it again, None when nobody is left to be told; it stays open all the same.
    """

    id: int | None = None
    party: str
    account: int | None
    caller: str
    line: int | None
    why: Why
    opened_by_call: str | None
    owner: int | None
    desk: int
    opened_at: datetime
    due_at: datetime
    latest_at: datetime
    urgency: int = 1
    state: State = State.OPEN
    claimed_by: int | None = None
    attempts: int = 0
    try_again_at: datetime | None = None
    level: Level = Level.FRESH
    next_step_at: datetime | None = None
    kept_by_call: str | None = None
    void_reason: str = ""
    note: str = ""
    closed_at: datetime | None = None

    @property
    def over(self) -> bool:
        """Whether it is kept or void; else it is owed."""
        return self.state in (State.KEPT, State.VOID)
