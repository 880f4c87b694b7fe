"""What can a PBX lack of what the table needs, and what is to be done about it?"""

from dataclasses import dataclass
from typing import assert_never

from router.ami.dialplan import CONTEXT_OUTSIDE, SAFETY_NET, SLOTS

TESTED = (22, 10, 1)  # the Asterisk that every story was told to
TESTED_AS = ".".join(map(str, TESTED))


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherVersion:
    """It is not the Asterisk that was tested; `version` as it says it, "" when it doesn't."""

    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotAllowed:
    """The AMI user may not do what the router does: these classes of AMI are not among its own."""

    user: str
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedTooMuch:
    """The AMI user may do what the router never does as that user; `enough` would be enough, in `file`."""

    user: str
    classes: tuple[str, ...]
    enough: str = "write = call,agent,reporting,user"
    file: str = "manager.d/router.conf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hears:
    """The AMI user may read other classes of events than it should, which is `user` alone; "" when it reads none."""

    user: str
    classes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsNobodyBack:
    """No calls can be placed as the AMI user that is there for it, so customers aren't called back at a click."""

    user: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoContexts:
    """Contexts of ours that the dialplan doesn't have."""

    contexts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherDialplan:
    """Contexts of ours whose priorities are not those of the file that this version ships."""

    contexts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FallsThrough:
    """A channel whose dialplan ends would be hung up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsDisabled:
    """`disabledevents` takes our own events away."""

    disabled: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StormsRefuseCalls:
    """Neither of the two settings is there that keep SIP from refusing calls while AMI's queue is long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoSafetyNetQueue:
    """The queue of callers for whom there is no plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoQueue:
    """A desk's place in the pool of queues isn't there; its callers go to `next_desk` at once."""

    desk: str
    queue: str
    next_desk: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolIsSmall:
    """So many of the pool's queues aren't there: a desk that takes such a place would have none."""

    missing: int
    of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NobodyAtDesk:
    """Of those who sit at the desk nobody has a phone that the PBX could ring now."""

    desk: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoEndpoint:
    """A desk phone that the PBX doesn't know."""

    person: str
    endpoint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotRegistered:
    """A desk phone that the PBX knows, but can't reach now."""

    person: str
    endpoint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TellsTooMuch:
    """A desk phone whose settings let the caller's side learn which phone answered."""

    person: str
    endpoint: str
    settings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoWayOutside:
    """Numbers outside that the table rings and the PBX may not call; `context` says whether it has the context."""

    context: bool
    whose: tuple[str, ...]  # "Felix (+1917…)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unspeakable:
    """A phone whose name or number can't be told to a PBX, so it never rings."""

    person: str
    phone: str


Lack = (
    OtherVersion
    | NotAllowed
    | AllowedTooMuch
    | Hears
    | CallsNobodyBack
    | NoContexts
    | OtherDialplan
    | FallsThrough
    | EventsDisabled
    | StormsRefuseCalls
    | NoSafetyNetQueue
    | NoQueue
    | PoolIsSmall
    | NobodyAtDesk
    | NoEndpoint
    | NotRegistered
    | TellsTooMuch
    | NoWayOutside
    | Unspeakable
)


def costs_calls(lack: Lack) -> bool:
    """Whether a call would miss a phone or a person because of it; else it is a warning."""
    if isinstance(lack, Hears):
        return not lack.classes
    return not isinstance(
        lack,
        OtherVersion
        | AllowedTooMuch
        | CallsNobodyBack
        | StormsRefuseCalls
        | PoolIsSmall
        | NotRegistered
        | TellsTooMuch,
    )


def say(lack: Lack) -> str:
    """The lack and what to do about it, as one line for the person who looks after the PBX."""
    match lack:
        case OtherVersion(version=version):
            return (
                f"Asterisk {version or 'of an unknown version'} is not the one that was tested:"
                f" take {TESTED_AS} or a later {TESTED[0]}, or try every kind of call before callers do"
            )
        case NotAllowed(user=user, classes=classes):
            return (
                f"the AMI user {user} lacks the class {', '.join(classes)}: let its line in manager.d/router.conf be"
                " `write = call,agent,reporting,user`, and `manager reload` (agent also needs app_queue to be loaded)"
            )
        case AllowedTooMuch(user=user, classes=classes, enough=enough, file=file):
            return (
                f"the AMI user {user} has the class {', '.join(classes)}, which the router never uses:"
                f" `{enough}` in {file} is enough"
            )
        case Hears(user=user, classes=""):
            return (
                f"the AMI user {user} may read no events of class user, so the router hears of no call: let its line in"
                " manager.d/router.conf be `read = user`, and `manager reload`"
            )
        case Hears(user=user, classes=classes):
            return (
                f"the AMI user {user} may read {classes}, and every event but those of class user carries raw text of"
                " callers: let its line in manager.d/router.conf be `read = user`, and `manager reload`"
            )
        case CallsNobodyBack(user=user, why=why):
            return f"nobody can be called back as the AMI user {user}: {why}"
        case NoContexts(contexts=contexts):
            return (
                f"the dialplan lacks {', '.join(f'[{context}]' for context in contexts)}: put this version's"
                " extensions_router.conf beside extensions.conf, `#include extensions_router.conf` at its end, and"
                " `dialplan reload`"
            )
        case OtherDialplan(contexts=contexts):
            return (
                f"{', '.join(f'[{context}]' for context in contexts)} of the dialplan"
                f" {'is' if len(contexts) == 1 else 'are'} not as this version ships it: put its extensions_router.conf"
                " beside extensions.conf (`router upgrade` shows the difference), and `dialplan reload`"
            )
        case FallsThrough():
            return (
                "autofallthrough=yes in extensions.conf hangs up on callers whose dialplan ends:"
                " take that line away (extensions_router.conf sets it to no) and `dialplan reload`"
            )
        case EventsDisabled(disabled=disabled):
            return (
                f"`disabledevents = {disabled}` in manager.conf takes away UserEvent, by which the router hears of"
                " calls: take it out of that line and `manager reload`"
            )
        case StormsRefuseCalls():
            return (
                "in a storm of calls SIP would refuse some while AMI's queue is long: set `disabledevents` as"
                " manager.d/router.conf does, or `taskprocessor_overload_trigger = pjsip_only` under [global] in"
                " pjsip.conf"
            )
        case NoSafetyNetQueue():
            return (
                f"there is no queue {SAFETY_NET}, so with the router away a caller would find nobody:"
                " put queues_router.conf beside queues.conf, `#include queues_router.conf` at its end,"
                " and `module reload app_queue`"
            )
        case NoQueue(desk=desk, queue=queue, next_desk=next_desk):
            return (
                f"desk {desk} has no queue {queue or f'(a slot is from 1 to {SLOTS})'} in this PBX; its callers go"
                f" {f'to desk {next_desk}' if next_desk else 'round again'} instead:"
                + (" take the whole queues_router.conf, and `module reload app_queue`" if queue else " give it another")
            )
        case PoolIsSmall(missing=missing, of=of):
            return (
                f"{missing} of the {of} queues for desks aren't there: take the whole queues_router.conf, and"
                " `module reload app_queue`"
            )
        case NobodyAtDesk(desk=desk, members=members):
            who = f"of {', '.join(members)} nobody" if members else "nobody sits there, so nobody"
            return f"desk {desk}: {who} can be rung now: its callers go to the next desk"
        case NoEndpoint(person=person, endpoint=endpoint):
            return (
                f"{person}'s phone {endpoint} is no PJSIP endpoint of this PBX, so it never rings:"
                f" add [{endpoint}] to pjsip.conf, or correct the phone"
            )
        case NotRegistered(person=person, endpoint=endpoint):
            return f"{person}'s phone {endpoint} is not registered now: it rings when it is switched on again"
        case TellsTooMuch(person=person, endpoint=endpoint, settings=settings):
            return (
                f"{person}'s phone {endpoint} tells callers' side which phone answers: set"
                f" {', '.join(f'{setting} = no' for setting in settings)} under [{endpoint}] in pjsip.conf"
            )
        case NoWayOutside(context=False, whose=whose):
            return (
                f"there is no context [{CONTEXT_OUTSIDE}], so these phones never ring: {', '.join(whose)};"
                " write it into router_external.conf beside extensions_router.conf, and `dialplan reload`"
            )
        case NoWayOutside(whose=whose):
            return (
                f"no pattern of [{CONTEXT_OUTSIDE}] in router_external.conf lets these phones be called:"
                f" {', '.join(whose)}; add one, or take their prefix out of ROUTER_EXTERNAL_PREFIXES"
            )
        case Unspeakable(person=person, phone=phone):
            return (
                f"{person}'s phone {phone!r} can't be told to a PBX, so it never rings: an endpoint has letters,"
                " digits and ._+-, an external number a plus and 5 to 15 digits"
            )
        case _:
            assert_never(lack)
