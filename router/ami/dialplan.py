"""Which names and formats do we share with the shipped dialplan? They stand here once; a test holds the files to them.

The plan is one channel variable, which needs no escaping (alphabet `[A-Za-z0-9.:+=~_-]`, at most 900 bytes):

    2~<Uniqueid>~k=<line tail>~n=<display>~l=<last resort>~a=<priority>~<step>~<step>…

    tail       q.<strategy>-<slot>.<seconds>  joined by ':'       q.ringall-03.300:q.ringall-01.300
    step       r=<seconds>=<phone>=<phone>…                       r=20=d.anna=w.anna-softphone
               q=<strategy>-<slot>=<seconds>                      q=ringall-01=300
               p=closed       the closed-hours promise is spoken; only as the last step
    phone      d.<endpoint>   skipped while in use
               w.<endpoint>   rung also while in use (call waiting)
               x.<number>     an external phone, E.164 with its plus; whoever answers there must press 1
    display    base64 of UTF-8 padded with spaces to a multiple of three bytes, '-' for '/': never a '='
    last resort  the external number that is rung when nobody is at any desk, E.164 with its plus; may be empty
    priority   0 to 99 of the caller's account: who has more goes before others in a waiting line
    `k=` is empty when the dialled number is no line; the last step is a desk, or a promise.

A hand-over is the same with `t=` in place of `k=`, in a variable of its own that counts once:

    2~<Uniqueid>~t=<to>~n=<display>~l=<last resort>~a=<priority>~<step>~<step>…

    to         p<id> a person · d<id> a desk · back: who gave it, because nobody was meant

Each UserEvent carries Token and Call (the Uniqueid of the channel that entered [router-in]) and:

    RouterArrived    Dialled Caller Presented(number|withheld|malformed) At
    RouterPath       Path(plan|fallback|invalid) Why At
    RouterLegBegun   Leg Step Phone At
    RouterTaken      Step Phone At Queue(the one it was taken from, else empty)
    RouterLegEnded   Leg Journal
    RouterEnded      Journal
    RouterTransfer   Phone To(short number) At       asks for a hand-over: the transfer key of Phone was pressed
    RouterHandedOver From(phone) To(as above) How(order|key) Step At

Why is plan, stale, deadline or invalid; of a call that the guard took out of a mailbox it is guard (by plan), or guard
and one of the others.

At is the PBX's time as seconds since 1970 with milliseconds (1763759123.045). Journal is the very string that the
dialplan also writes to AstDB, fields joined by '~' (an empty field is an unset one):

    router-ended-<weekday 0..6>/<HH>/<MM>/<call>
        2~arrived~dialled~caller~presented~path~phone~taken~ended~cause~promise~owner
        1~arrived~dialled~caller~presented~path~phone~taken~ended~cause     (of a dialplan before; still read)
    router-ended-<weekday 0..6>/<HH>/<MM>/<call>/<leg>
        1~step~phone~began~ended~state~cause~limit
        2~step~phone~began~ended~state~cause~limit~answered~key

`phone` and `taken` are the first person's phone that took the call, and when; `owner` is the phone that took it last,
another one after a hand-over. `promise` is why the caller was let go with a commitment: asked (pressed 1 in the waiting
line), closed (heard the closed-hours promise to its end), nobody (half an hour in which nobody could be reached), else
empty.

weekday (0 = Sunday), HH and MM are of the end, in UTC. `state` is the leg's CHANNEL(state) when it ended (Up =
answered), or Unreachable / InUse for a phone that was never rung; `limit` is the ring time in seconds that the step
allowed.
A leg of version 2 is an external phone, named by its number: `state` is Up when it got the caller, Capped or Forbidden
when it was never rung, Returned when it came back as a call to one of our lines, Ended when the far end ended it by
itself, else Down; `answered` is when the far end picked up, and `key` what came of asking it to press:

    1 or 2    pressed           none      nothing of use pressed, twice
    left      it hung up        stopped   we ended the prompt: another phone has the call, or the caller is gone
    asked     it was still being asked when the leg ended

A call-back (context router-callback) is no call. It is asked for with one variable, all there is to it:

    1~<Uniqueid>~c=<customer>~l=<line>~n=<display>~r=<seconds>=<phone>=<phone>…

    Uniqueid   router-callback-<seconds since 1970>.<order>, of the half of its Local channel that rings the person
    customer, line  E.164 with the plus: who is called, and which number they are shown

Its phones tell RouterLegBegun, RouterLegEnded and RouterTaken as those of a call do, and beside them there are

    RouterCallBack       What(begun|calls|talks) At
    RouterCallBackEnded  Journal

whose Journal stands in AstDB as well, at the place of an ended call's:

    b1~began~phone~taken~called~talked~ended~failed

`failed` is the Dial's word for the customer's phone, or forbidden, or capped; empty when nobody was called.

A test call (context router-test) is a call like any other, whose Uniqueid begins with router-test-. It is asked for
with one variable:

    1~<Uniqueid>~f=<caller, E.164, or withheld>~s=<seconds after which it gives up when nobody has taken it>

A code dialled on a phone of the company's own (context router-codes) is no call. It raises

    RouterPresence   Phone Code(in|out|pause|away) Digits At

with the Uniqueid of its own channel as Call, and waits for one channel variable, whose alphabet needs no escaping:

    1~<Uniqueid>~<word>~<text>

    word       in out paused resumed away back no      which prompt is played
    text       as `display` above, for the phone's display; may be empty
"""

PLAN_VERSION = "2"
CALL_BACK_VERSION = "1"
TEST_VERSION = "1"  # of what a test call is asked for with
ANSWER_VERSION = "1"  # of the answer to a dialled code
PLAN_LIMIT = 900  # bytes; a header value of 1,015 still passes AMI's line buffer, the rest is room for the header

VAR_PLAN = "ROUTER_PLAN"
VAR_HAND_OVER = "ROUTER_HANDOVER"
VAR_GUARDED = "ROUTER_GUARDED"  # how often this call was taken out of a mailbox
VAR_CALL_BACK = "ROUTER_CALLBACK"
VAR_TEST = "ROUTER_TEST"
VAR_ANSWER = "ROUTER_ANSWER"  # to a code; of the same version as the plan
GLOBAL_BEAT = "ROUTER_BEAT"
GLOBAL_TOKEN = "ROUTER_TOKEN"
BEAT_EVERY = 2.0  # seconds between two heartbeats
BEAT_STALE = 6  # seconds after which the dialplan stops waiting for us: two lost beats and their jitter

CONTEXT_IN = "router-in"
CONTEXT_FALLBACK = "router-fallback"
CONTEXT_DELIVER = "router-deliver"
CONTEXT_HAND_OVER = "router-handover"  # the one place to which a caller who talks may be redirected
CONTEXT_TRANSFER = "router-transfer"  # where a phone's transfer key leads
CONTEXT_MEMBER = "router-member"
CONTEXT_EXTERNAL = "router-external"
CONTEXT_GUARDED = "router-guarded"  # where the guard leads a call that it takes out of a mailbox
CONTEXT_CALL_BACK = "router-callback"  # the one place to which an Originate of a call-back leads
CONTEXT_TEST = "router-test"  # where a test call enters, and
CONTEXT_TEST_CALLER = "router-test-caller"  # where who places it waits for a person
CONTEXT_CODES = "router-codes"  # the administrator includes it where the company's own phones dial
CONTEXT_OUTSIDE = "router-outside"  # the administrator's: which numbers may be called, and how they are reached

EVENT_ARRIVED = "RouterArrived"
EVENT_PATH = "RouterPath"
EVENT_LEG_BEGUN = "RouterLegBegun"
EVENT_LEG_ENDED = "RouterLegEnded"
EVENT_TAKEN = "RouterTaken"
EVENT_ENDED = "RouterEnded"
EVENT_TRANSFER = "RouterTransfer"
EVENT_HANDED_OVER = "RouterHandedOver"
EVENT_CALL_BACK = "RouterCallBack"
EVENT_CALL_BACK_ENDED = "RouterCallBackEnded"

BACK = "back"  # as the target of a hand-over: to who gave it
EVENT_PRESENCE = "RouterPresence"

DB_ENDED = "router-ended-"  # + weekday; the journal
DB_LINE = "router-line"  # 0<dialled> → the tail last known for that line
DB_LAST_RESORT = "router-last-resort"  # 0 → 0<number>, the last one known; 0 when there is none

STRATEGIES = {"all": "ringall", "longest_idle": "leastrecent", "round_robin": "rrmemory"}  # ours → app_queue's
SLOTS = 64  # queues of each strategy that the drop-in defines

# Whoever sits at the safety net is a member of this queue as well, whichever slot and strategy that desk has: so the
# dialplan knows where to lead a caller before it has ever seen a plan.
SAFETY_NET = "router-safety-net"


# The codes: what is dialled, by what follows it.
CODE_SIGN_IN, CODE_SIGN_OUT, CODE_PAUSE, CODE_AWAY = "*61", "*60", "*62", "*63"


def queue_name(strategy: str, slot: int) -> str:
    """The queue of a desk: `router-ringall-01`; slot 0 is the safety net's own queue."""
    if slot == 0:
        return SAFETY_NET
    return f"router-{STRATEGIES[strategy]}-{slot:02}"


def slot_of(queue: str) -> tuple[str, int] | None:
    """The strategy and the slot of a queue of ours, None for any other name."""
    return _SLOTS.get(queue)


def member_interface(phone: str) -> str:
    """How an endpoint, or an external number, is a member of a queue: through our context, so its leg is reported."""
    return f"Local/{phone}@{CONTEXT_MEMBER}/n"


def state_interface(phone: str) -> str:
    """Where the queue looks whether that phone is in use: all legs to one external number go through one context."""
    return f"Local/{phone}@{CONTEXT_EXTERNAL}" if phone.startswith("+") else f"PJSIP/{phone}"


_SLOTS = {queue_name(strategy, slot): (strategy, slot) for strategy in STRATEGIES for slot in range(1, SLOTS + 1)}
_SLOTS[SAFETY_NET] = ("all", 0)
