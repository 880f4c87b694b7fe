"""Does this PBX have what the table needs of it? Asked on a short connection of its own.

It sets nothing: neither token nor heartbeat, so a router that speaks for this PBX meanwhile doesn't notice.
"""

import asyncio
import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from router.ami import dialplan
from router.ami.connection import LinkFailed, LoginRefused, connected
from router.ami.counters import Tally
from router.ami.dialplan import SAFETY_NET, SLOTS, queue_name
from router.ami.lacks import (
    TESTED,
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
)
from router.ami.link import AmiSettings
from router.ami.outbound import ENDPOINT, NUMBER, Fields, get_global, set_on_channel
from router.ami.protocol import Answer, Wire
from router.ami.session import AT_ONCE
from router.ami.shipped import Shipped, loaded
from router.ami.timing import Timing
from router.routing.model import Desk, Person, Phone, PhoneKind
from router.routing.reach import usable_phones, why_absent
from router.routing.reasons import PersonLeft
from router.routing.table import Table

CONTEXTS = (
    dialplan.CONTEXT_IN,
    dialplan.CONTEXT_FALLBACK,
    dialplan.CONTEXT_DELIVER,
    dialplan.CONTEXT_HAND_OVER,
    dialplan.CONTEXT_TRANSFER,
    dialplan.CONTEXT_CODES,
    dialplan.CONTEXT_MEMBER,
    dialplan.CONTEXT_EXTERNAL,
    dialplan.CONTEXT_GUARDED,
    dialplan.CONTEXT_CALL_BACK,
)
# What tells whether the AMI user may do what a class of AMI allows: refused for want of that class, or because there is
# no such channel or queue. (ListCommands would tell it all at once, but Asterisk writes a tab into its answer.)
NOWHERE = "router-nowhere"
NEEDED: Mapping[str, Fields] = {
    "call": set_on_channel(NOWHERE, "ROUTER_NOTHING", "0"),
    "agent": {"Action": "QueueRemove", "Queue": NOWHERE, "Interface": NOWHERE},
    "reporting": {"Action": "CoreSettings"},
}
ORIGINATE = "originate"
NEVER_DONE: Mapping[str, Fields] = {ORIGINATE: {"Action": "Originate"}, "command": {"Action": "Command"}}
REFUSED = "Permission denied"
PRIVATE = ("direct_media", "send_pai", "send_rpid")  # of an endpoint; each is to be off

DEFAULT_TIMING = Timing()
_VERSION = re.compile(r"(?:certified[/-])?([0-9]+)\.([0-9]+)(?:\.([0-9]+))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What was looked at, and all that lacks, the gravest first. `version` as Asterisk says it."""

    version: str
    desks: int
    phones: int
    lacks: tuple[Lack, ...]


async def survey(
    settings: AmiSettings,
    table: Table,
    now: datetime,
    *,
    originate: AmiSettings | None = None,
    shipped: Shipped | None = None,
    timing: Timing = DEFAULT_TIMING,
) -> Survey:
    """Log in, look, and leave. Needs no more than the router's own AMI user may.

    With `shipped`, what the PBX has loaded is compared with the files of this version, whole.
    `originate` is the user that places calls, None where nobody is called back; it is looked at on a connection of its
    own, and places none. Raises LinkFailed when nobody listens there, when it is no Asterisk or it doesn't answer;
    LoginRefused, a kind of it, when it refuses the router's user name and secret.
    """
    async with connected(settings, _deaf, timing) as wire:
        found = await _Surveyor(wire, settings, table, now, timing, shipped=shipped).look()
    if originate is None:
        return found
    async with connected(originate, _deaf, timing) as wire:
        more = await _Surveyor(wire, originate, table, now, timing, file="router_originate").look_at_the_originator()
    return replace(found, lacks=(*found.lacks, *more))


def _deaf() -> Wire:
    """It asks, and hears no event."""
    return Wire(lambda message: None, Tally())


class _Surveyor:
    """Who looks, on this one connection."""

    def __init__(
        self,
        wire: Wire,
        settings: AmiSettings,
        table: Table,
        now: datetime,
        timing: Timing,
        file: str = "router",  # where this user is defined
        shipped: Shipped | None = None,
    ) -> None:
        self._file = file
        self._shipped = shipped
        self._wire = wire
        self._settings = settings
        self._table = table
        self._now = now
        self._timing = timing

    async def look(self) -> Survey:
        await self._log_in()
        may = {name for name, action in {**NEEDED, **NEVER_DONE}.items() if await self._may(action)}
        lacks = list(_permissions(may, self._settings.username))
        phones = tuple(self._phones())
        version = await self._version() if "reporting" in may else ""
        if may & {"call", "reporting"}:  # either allows Getvar
            lacks += await self._of_the_dialplan()
            lacks += await self._of_desks_and_phones(phones)
        if self._shipped is not None and "reporting" in may:
            lacks += await self._of_what_is_shipped(self._shipped)
        if _number_of(version) < TESTED or _number_of(version)[0] > TESTED[0]:
            lacks.append(OtherVersion(version=version))
        await self._wire.ask({"Action": "Logoff"}, within=self._timing.farewell_within)
        return Survey(version=version, desks=len(self._table.desks), phones=len(phones), lacks=tuple(lacks))

    async def look_at_the_originator(self) -> list[Lack]:
        """Whether this user may place calls, and nothing else."""
        user = self._settings.username
        try:
            await self._log_in()
        except LoginRefused as refused:
            return [CallsNobodyBack(user=user, why=str(refused))]
        may = [name for name, action in {**NEEDED, **NEVER_DONE}.items() if await self._may(action)]
        await self._wire.ask({"Action": "Logoff"}, within=self._timing.farewell_within)
        enough, file = f"write = {ORIGINATE}", f"manager.d/{self._file}.conf"
        lacks: list[Lack] = []
        if ORIGINATE not in may:
            why = f"it lacks the class {ORIGINATE}: let its line in {file} be `{enough}`, and `manager reload`"
            lacks.append(CallsNobodyBack(user=user, why=why))
        if more := tuple(name for name in may if name != ORIGINATE):
            lacks.append(AllowedTooMuch(user=user, classes=more, enough=enough, file=file))
        return lacks

    async def _log_in(self) -> None:
        user = self._settings.username
        login = {"Action": "Login", "Username": user, "Secret": self._settings.secret, "Events": "off"}
        answer = await self._wire.ask(login, within=self._timing.login_within)
        if answer.success:
            return
        where = f"{self._settings.host}:{self._settings.port}"
        if not self._wire.greeted_as:
            raise LinkFailed(f"what listens at {where} is no Asterisk's AMI: {answer.said}")
        if answer.fields:
            raise LoginRefused(
                f"the PBX at {where} refused the login of {user} ({answer.said}): is manager.d/{self._file}.conf"
                f" included, is the secret in {self._file}_secret.conf the router's, and does `permit` allow this"
                " machine?"
            )
        raise LinkFailed(f"Login: {answer.said}")

    async def _may(self, action: Fields) -> bool:
        answer = await self._wire.ask(action, within=self._timing.list_within)
        if not answer.fields:
            raise LinkFailed(f"{action['Action']}: {answer.said}")
        return answer.success or answer.said != REFUSED

    async def _version(self) -> str:
        return (await self._ask({"Action": "CoreSettings"})).fields.get("asteriskversion", "")

    async def _of_the_dialplan(self) -> list[Lack]:
        asked = [f"DIALPLAN_EXISTS({context})" for context in CONTEXTS]
        reads = _READS.format(user=self._settings.username)
        settings = (_AUTOFALLTHROUGH, _ENABLED, _DISABLED, _OVERLOAD, reads)
        said = await self._values([*asked, _queue_exists(SAFETY_NET), *settings])
        lacks: list[Lack] = []
        missing = [context for context, question in zip(CONTEXTS, asked, strict=True) if said[question] != "1"]
        if missing:
            lacks.append(NoContexts(contexts=tuple(missing)))
        if said[_queue_exists(SAFETY_NET)] != "1":
            lacks.append(NoSafetyNetQueue())
        # These settings can be asked only where func_config is loaded, as it is by default.
        if said[_AUTOFALLTHROUGH].lower() in ("yes", "true", "on", "1"):
            lacks.append(FallsThrough())
        if "userevent" in said[_DISABLED].lower():
            lacks.append(EventsDisabled(disabled=said[_DISABLED]))
        if said[_ENABLED]:
            if "varset" not in said[_DISABLED].lower() and said[_OVERLOAD] != "pjsip_only":
                lacks.append(StormsRefuseCalls())
            classes = {one.strip() for one in said[reads].lower().split(",")} - {""}
            if not classes & {"user", "all"}:
                lacks.append(Hears(user=self._settings.username, classes=""))
            elif more := sorted(classes - {"user"}):
                lacks.append(Hears(user=self._settings.username, classes=", ".join(more)))
        return lacks

    async def _of_what_is_shipped(self, shipped: Shipped) -> list[Lack]:
        lacks: list[Lack] = []
        others: list[str] = []
        for context, priorities in shipped.contexts.items():
            question = {"Action": "ShowDialPlan", "Context": context}
            answer = await self._wire.ask(question, within=self._timing.list_within, many=True)
            if not answer.fields:
                raise LinkFailed(f"ShowDialPlan: {answer.said}")
            # A context that isn't there at all is named as missing where the router itself needs it.
            if loaded(answer.items) != priorities and (answer.success or context not in CONTEXTS):
                others.append(context)
        if others:
            lacks.append(OtherDialplan(contexts=tuple(others)))
        said = await self._values([_queue_exists(queue) for queue in shipped.queues])
        if missing := sum(there != "1" for there in said.values()):
            lacks.append(PoolIsSmall(missing=missing, of=len(said)))
        return lacks

    async def _of_desks_and_phones(self, phones: Sequence[tuple[Person, Phone]]) -> list[Lack]:
        desks = sorted(self._table.desks.values(), key=lambda desk: desk.id)
        queues = {desk.id: queue_name(desk.strategy, desk.slot) for desk in desks if 1 <= desk.slot <= SLOTS}
        endpoints = [phone.endpoint for _, phone in phones if phone.endpoint and ENDPOINT.fullmatch(phone.endpoint)]
        numbers = [number for _, number in self._numbers(phones) if NUMBER.fullmatch(number)]
        said = await self._values(
            [
                *(_queue_exists(queue) for queue in queues.values()),
                *(_context_of(endpoint) for endpoint in endpoints),
                *(_contacts_of(endpoint) for endpoint in endpoints),
                *(_setting_of(endpoint, setting) for endpoint in endpoints for setting in PRIVATE),
                *(_way_to(number) for number in numbers),
                _OUTSIDE,
            ]
        )
        lacks: list[Lack] = []
        for desk in desks:
            queue = queues.get(desk.id, "")
            if said.get(_queue_exists(queue)) != "1":
                lacks.append(NoQueue(desk=desk.name, queue=queue, next_desk=self._behind(desk)))
        lacks += self._of_phones(phones, said)
        blocked = [f"{whose} ({number})" for whose, number in self._numbers(phones) if said.get(_way_to(number)) != "1"]
        if blocked:
            lacks.append(NoWayOutside(context=said[_OUTSIDE] == "1", whose=tuple(blocked)))
        for desk in desks:
            members = [person for id_ in desk.members if (person := self._table.people.get(id_))]
            here = [person for person in members if why_absent(person, self._now) is None]
            if here and not any(self._can_ring(phone, said) for person in here for phone in self._usable(person)):
                lacks.append(NobodyAtDesk(desk=desk.name, members=tuple(person.name for person in here)))
        return lacks

    def _of_phones(self, phones: Iterable[tuple[Person, Phone]], said: Mapping[str, str]) -> Iterator[Lack]:
        away: list[Lack] = []
        for person, phone in phones:
            name = phone.endpoint or phone.number or ""
            if phone.kind is PhoneKind.EXTERNAL:
                if not NUMBER.fullmatch(name):
                    yield Unspeakable(person=person.name, phone=name)
            elif not ENDPOINT.fullmatch(name):
                yield Unspeakable(person=person.name, phone=name)
            elif not said[_context_of(name)] and not said[_contacts_of(name)]:
                yield NoEndpoint(person=person.name, endpoint=name)
            else:
                if not said[_contacts_of(name)]:
                    away.append(NotRegistered(person=person.name, endpoint=name))
                on = tuple(one for one in PRIVATE if said[_setting_of(name, one)].lower() in ("true", "yes"))
                if on:
                    away.append(TellsTooMuch(person=person.name, endpoint=name, settings=on))
        yield from away

    def _phones(self) -> Iterator[tuple[Person, Phone]]:
        """Every phone that the table would ring, of everybody who hasn't left."""
        for person in sorted(self._table.people.values(), key=lambda person: person.id):
            if not isinstance(why_absent(person, self._now), PersonLeft):
                for phone in self._usable(person):
                    yield person, phone

    def _numbers(self, phones: Iterable[tuple[Person, Phone]]) -> Iterator[tuple[str, str]]:
        """Every number outside that may be rung, and whose it is."""
        for person, phone in phones:
            if phone.kind is PhoneKind.EXTERNAL and phone.number and NUMBER.fullmatch(phone.number):
                yield person.name, phone.number
        for desk in self._table.desks.values():
            if desk.last_resort and NUMBER.fullmatch(desk.last_resort):
                yield f"the last resort of desk {desk.name}", desk.last_resort

    def _usable(self, person: Person) -> tuple[Phone, ...]:
        return usable_phones(person, self._table.external_prefixes)

    def _behind(self, desk: Desk) -> str:
        """The desk to which the callers of a desk without a queue go: "" behind the safety net."""
        tail = self._table.tail_of(desk.id)
        return tail[1].name if len(tail) > 1 else ""

    def _can_ring(self, phone: Phone, said: Mapping[str, str]) -> bool:
        if phone.kind is PhoneKind.EXTERNAL:
            return said.get(_way_to(phone.number or "")) == "1"
        return bool(said.get(_contacts_of(phone.endpoint or "")))

    async def _values(self, variables: Sequence[str]) -> dict[str, str]:
        """What the PBX says of each of these; "" also when it doesn't know the function. Written a few at a time."""
        said: dict[str, str] = {}
        wanted = list(dict.fromkeys(variables))
        for first in range(0, len(wanted), AT_ONCE):
            some = wanted[first : first + AT_ONCE]
            for variable, answer in zip(some, await asyncio.gather(*map(self._value, some)), strict=True):
                said[variable] = answer.fields.get("value", "").strip()
        return said

    async def _value(self, variable: str) -> Answer:
        return await self._ask(get_global(variable))

    async def _ask(self, fields: Mapping[str, str]) -> Answer:
        answer = await self._wire.ask(fields, within=self._timing.list_within)
        if not answer.success:
            raise LinkFailed(f"{fields['Action']}: {answer.said}")
        return answer


_AUTOFALLTHROUGH = "AST_CONFIG(extensions.conf,general,autofallthrough)"
_DISABLED = "AST_CONFIG(manager.conf,general,disabledevents)"
_ENABLED = "AST_CONFIG(manager.conf,general,enabled)"
_OVERLOAD = "AST_CONFIG(pjsip.conf,global,taskprocessor_overload_trigger)"
_READS = "AST_CONFIG(manager.conf,{user},read)"
_OUTSIDE = f"DIALPLAN_EXISTS({dialplan.CONTEXT_OUTSIDE})"


def _queue_exists(queue: str) -> str:
    return f"QUEUE_EXISTS({queue})"


def _context_of(endpoint: str) -> str:
    return f"PJSIP_ENDPOINT({endpoint},context)"


def _setting_of(endpoint: str, setting: str) -> str:
    return f"PJSIP_ENDPOINT({endpoint},{setting})"


def _contacts_of(endpoint: str) -> str:
    return f"PJSIP_DIAL_CONTACTS({endpoint})"


def _way_to(number: str) -> str:
    return f"DIALPLAN_EXISTS({dialplan.CONTEXT_OUTSIDE},{number},1)"


def _permissions(may: Container[str], user: str) -> Iterator[Lack]:
    if lacking := tuple(needs for needs in NEEDED if needs not in may):
        yield NotAllowed(user=user, classes=lacking)
    if too_much := tuple(never for never in NEVER_DONE if never in may):
        yield AllowedTooMuch(user=user, classes=too_much)


def _number_of(version: str) -> tuple[int, int, int]:
    """The three numbers of a version; 0.0.0 for one that has none, such as a build from a repository."""
    found = _VERSION.match(version)
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else (0, 0, 0)
