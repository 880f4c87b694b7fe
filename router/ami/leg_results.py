"""What became of a leg, by what Asterisk and the dialplan tell at its end?"""

from router.calls.events import LegResult

AT_ONCE = 1.0  # seconds; a mobile that is on rings for longer than that, a diverted or switched off one doesn't

# A leg that rang this little less than its step allowed (seconds) has rung its full time: Dial counts from another
# moment than the leg does.
NEARLY = 0.5

# Q.850 causes. 19 is also what a phone's "temporarily unavailable" (SIP 480) becomes.
BUSY = 17
NO_ANSWER = 19
REJECTED = 21  # also SIP 603, which DIALSTATUS calls CHANUNAVAIL like an unreachable phone
ANSWERED_ELSEWHERE = 26
# SIP 487: the caller hung up, and Dial passes their cause on to the phones that rang. Refusals that no telephone sends
# (SIP 405, 415, 420 …) look the same.
CALLER_GONE = 127
# Below 32: unknown number, no route, no response at all (18 is SIP 408: the phone is gone), absent, number changed, out
# of order, malformed number, facility rejected. From 32 on all are faults of the network, of a resource or of protocol.
UNREACHABLE = frozenset({1, 2, 3, 5, 6, 8, 18, 20, 22, 23, 25, 27, 28, 29}) | frozenset(range(32, CALLER_GONE))


def leg_result(*, state: str, cause: int, seconds: float, limit: float | None) -> LegResult:
    """What became of a leg: `state` and Q.850 `cause` at its end, after ringing `seconds` of at most `limit`."""
    if state == "Up":
        return LegResult.ANSWERED
    if state == "InUse" or cause == BUSY:
        return LegResult.BUSY
    if cause == REJECTED:
        return LegResult.REFUSED
    if state == "Unreachable" or cause in UNREACHABLE:
        return LegResult.UNREACHABLE
    if cause in (ANSWERED_ELSEWHERE, CALLER_GONE):
        return LegResult.CANCELLED
    if cause == NO_ANSWER or (limit is not None and seconds >= limit - NEARLY):
        return LegResult.NO_ANSWER
    return LegResult.CANCELLED


def external_result(unscreened: LegResult, *, state: str, key: str, picked_up: bool) -> LegResult:
    """What became of an external leg; `unscreened` is what leg_result made of it, all there is if nobody answered."""
    if state == "Capped":
        return LegResult.CAPPED
    if state == "Forbidden":
        return LegResult.FORBIDDEN
    if state == "Returned" and not picked_up:
        return LegResult.RETURNED
    if state == "Ended" and not picked_up and unscreened is LegResult.CANCELLED:
        return LegResult.REFUSED  # nobody cancelled it: it sent the call elsewhere (SIP 302), which is never followed
    if state == "Up" or not picked_up:
        return unscreened
    pressed = {
        "1": LegResult.TOO_LATE,
        "2": LegResult.REFUSED,
        "none": LegResult.NO_KEY,
        "left": LegResult.HUNG_UP_IN_PROMPT,
    }
    return pressed.get(key, LegResult.CANCELLED)


def maybe_machine(result: LegResult, picked_up: float | None) -> bool:
    """Whether a machine may have answered an external leg, `picked_up` seconds after it began to ring."""
    if picked_up is None or result in (LegResult.ANSWERED, LegResult.TOO_LATE, LegResult.REFUSED):
        return False  # nothing answered, or somebody pressed a key
    return picked_up <= AT_ONCE or result in (LegResult.NO_KEY, LegResult.HUNG_UP_IN_PROMPT)
