"""Does the PBX let us in, has it all that is needed, and does it hear a router?"""

from collections.abc import AsyncIterator, Iterator, Mapping
from ipaddress import ip_address
from statistics import median

from router.ami.connection import LinkFailed, LoginRefused, connected, log_in
from router.ami.counters import Tally
from router.ami.lacks import (
    AllowedTooMuch,
    CallsNobodyBack,
    EventsDisabled,
    FallsThrough,
    Hears,
    Lack,
    NobodyAtDesk,
    NoContexts,
    NoEndpoint,
    NoQueue,
    NoSafetyNetQueue,
    NotAllowed,
    NotRegistered,
    NoWayOutside,
    OtherDialplan,
    OtherVersion,
    PoolIsSmall,
    StormsRefuseCalls,
    TellsTooMuch,
    Unspeakable,
    costs_calls,
    say,
)
from router.ami.link import AmiSettings
from router.ami.protocol import Wire
from router.ami.pulse import HEARD_WITHIN, Pulse, feel_pulse
from router.ami.shipped import Shipped
from router.ami.survey import Survey, survey
from router.ami.timing import Timing
from router.installation.checks.database import clocks
from router.installation.finding import Finding, fault, good, left_out, warning
from router.installation.premises import NO_TABLE, Premises
from router.routing.table import Table
from router.settings_of_parts import SettingsError

AMI, USER, VERSION, DIALPLAN, QUEUES, PHONES = "AMI", "AMI user", "Asterisk", "dialplan", "queues", "phones"
EVENTS, CLOCK, HEARTBEAT, GUARD = "events", "PBX's clock", "heartbeat", "voicemail guard"

SLOW = 0.1  # seconds from an event to hearing it; [router-in] looks every millisecond for that long, then more seldom
STALE = Timing().stale_after

_OF: Mapping[type[Lack], str] = {
    OtherVersion: VERSION,
    NotAllowed: USER,
    AllowedTooMuch: USER,
    Hears: USER,
    CallsNobodyBack: USER,
    NoContexts: DIALPLAN,
    OtherDialplan: DIALPLAN,
    FallsThrough: DIALPLAN,
    NoWayOutside: DIALPLAN,
    EventsDisabled: EVENTS,
    StormsRefuseCalls: EVENTS,
    NoSafetyNetQueue: QUEUES,
    NoQueue: QUEUES,
    PoolIsSmall: QUEUES,
    NobodyAtDesk: PHONES,
    NoEndpoint: PHONES,
    NotRegistered: PHONES,
    TellsTooMuch: PHONES,
    Unspeakable: PHONES,
}


async def look_at_pbx(premises: Premises, table: Table | None) -> AsyncIterator[Finding]:
    """All that is asked over AMI. Without a table desks and phones are left out."""
    try:
        ami, originator = premises.ami(), premises.originator()
    except (SettingsError, ValueError) as wrong:
        yield fault(AMI, str(wrong))
        return
    files = premises.files()
    try:
        found = await survey(ami, table or NO_TABLE, premises.now(), originate=originator, shipped=files)
    except LinkFailed as failed:
        yield _unreachable(failed, ami)
        return
    yield _reached(ami)
    for finding in _of_survey(found, files, knows_table=table is not None):
        yield finding
    try:
        pulse = await feel_pulse(ami, premises.now)
    except LinkFailed as failed:
        yield _unreachable(failed, ami)
        return
    yield clocks(CLOCK, "the PBX's clock", pulse.ahead, pulse.round_trip)
    yield _events(pulse, ami)
    yield _heartbeat(pulse)


async def look_at_guard(premises: Premises) -> AsyncIterator[Finding]:
    """Whether the voicemail guard is let in, where there is one."""
    try:
        guard = premises.guard()
    except (SettingsError, ValueError) as wrong:
        yield warning(GUARD, str(wrong))
        return
    if guard is None:
        return
    timing, tally = Timing(), Tally()
    user = guard.ami.username
    try:
        async with connected(guard.ami, lambda: Wire(lambda message: None, tally), timing) as wire:
            await log_in(wire, guard.ami, "off", timing=timing, tally=tally)
    except LoginRefused as refused:
        yield warning(
            GUARD,
            f"mailboxes are not guarded: {refused}. Is manager.d/router_guard.conf included after router.conf, and is"
            " the secret in router_guard_secret.conf the router's?",
        )
    except LinkFailed:
        yield left_out(GUARD, "could not be looked at: the PBX is out of reach")
    else:
        yield good(GUARD, f"the PBX lets in {user}")


def _unreachable(failed: LinkFailed, ami: AmiSettings) -> Finding:
    if isinstance(failed, LoginRefused):
        return fault(AMI, str(failed))
    return fault(
        AMI,
        f"{failed}: is Asterisk running, does [general] of manager.conf say `enabled = yes` and this port and address,"
        " and does no firewall stand between?",
    )


def _reached(ami: AmiSettings) -> Finding:
    where = f"{ami.host}:{ami.port} lets in the user {ami.username}"
    if ami.ssl is not None:
        return good(AMI, f"{where}, over TLS, with a certificate that is believed")
    if not _is_here(ami.host):
        return warning(
            AMI,
            f"{where}, but the secret and all orders go there as plain text: set ROUTER_AMI_TLS (dialplan/README.md)",
        )
    return good(AMI, where)


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _of_survey(found: Survey, files: Shipped | None, *, knows_table: bool) -> Iterator[Finding]:
    """What lacks, by what it is about, and a good word where nothing does."""
    about: dict[str, list[Lack]] = {}
    for lack in found.lacks:
        about.setdefault(_OF[type(lack)], []).append(lack)
    whole = (
        f"all {len(files.contexts)} contexts are loaded, and as this version ships them"
        if files
        else "all that is needed is loaded (not compared: the shipped files are not here)"
    )
    contents = {
        VERSION: f"{found.version}, tested or near enough",
        USER: "may do what the router needs, and no more",
        DIALPLAN: whole,
        QUEUES: f"all {len(files.queues)} are there" if files else "those of all desks are there",
        PHONES: f"{found.phones} known to the PBX and reachable, for {found.desks} desks and everybody else",
    }
    for check in (*contents, EVENTS):
        if check == PHONES and not knows_table:
            yield left_out(PHONES, "not looked at: there is no table to know them from")
            continue
        for lack in about.get(check, []):
            yield (fault if costs_calls(lack) else warning)(check, say(lack))
        if check in contents and check not in about:
            yield good(check, contents[check])


def _events(pulse: Pulse, ami: AmiSettings) -> Finding:
    heard = [echo for echo in pulse.echoes if echo is not None]
    if None in pulse.echoes:
        return fault(
            EVENTS,
            "an event that the PBX raised for us was not heard within"
            f" {HEARD_WITHIN:g} s, so no call would be either: under [{ami.username}] in manager.d/router.conf let"
            " `read = user` stand and no `eventfilter`, keep UserEvent out of `disabledevents`, and `manager reload`",
        )
    if not heard:
        return left_out(
            EVENTS,
            f"how long an event takes could not be measured ({pulse.why_not}): add the class user to `write` under"
            f" [{ami.username}] in manager.d/router.conf, and `manager reload`",
        )
    told = f"an event is heard after {median(heard) * 1000:.1f} ms (median of {len(heard)})"
    if median(heard) > SLOW:
        return warning(EVENTS, f"{told}; a few are usual: look what else keeps the PBX, or the way there, busy")
    return good(EVENTS, told)


def _heartbeat(pulse: Pulse) -> Finding:
    if pulse.heartbeat is None or pulse.heartbeat > STALE:
        since = "ever since it started" if pulse.heartbeat is None else f"for {min(pulse.heartbeat, 10**9):.0f} s"
        return warning(
            HEARTBEAT,
            f"the PBX has heard no router {since}, so calls ring the coordinators: start one (`router serve`), or read"
            " its log",
        )
    return good(HEARTBEAT, f"a router speaks for this PBX; it was heard {max(pulse.heartbeat, 0.0):.1f} s ago")
