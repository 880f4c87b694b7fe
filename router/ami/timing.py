"""How long do we wait for what, and why so long?"""

from dataclasses import dataclass

from router.ami.dialplan import BEAT_EVERY, BEAT_STALE


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """All waits of the link, in seconds. The defaults are for life; tests make them short."""

    connect_within: float = 3.0  # a PBX that is there accepts in milliseconds; a blackholed one never does
    login_within: float = 5.0  # Asterisk may resolve names before it answers a login, on a machine with a broken DNS
    answer_within: float = 2.0  # [router-in] goes on without us after 1.5: a later answer is worth nothing to a call
    list_within: float = 3.0  # thousands of channels take under a second; and a mute PBX must be found out within 6

    # A link that falls silent just after an answer is found out by the next Ping: after 2 + 3 seconds, before the 6 at
    # which the dialplan stops waiting for us.
    beat_every: float = BEAT_EVERY
    pong_within: float = 3.0
    stale_after: float = BEAT_STALE

    # Who stands by looks this often whether somebody still speaks. When nobody does, the one who has the turn comes
    # first: it is given the time to hear of it, and after an orderly leave or a restart of the PBX that to take over.
    stand_by_every: float = 0.5
    turn_within: float = 0.5
    turn_taken_within: float = 2.0

    look_every: float = 60.0  # seconds between two looks at the members: finds what a reload of app_queue changed

    retry_first: float = 0.1  # an Asterisk that restarts is back in seconds: look often, the calls are waiting
    retry_most: float = 1.0
    retry_refused: float = 30.0  # a wrong secret does not mend itself, and fail2ban counts
    farewell_within: float = 1.0  # a stop must not hang on a PBX that doesn't answer
