"""Is everything that a PBX lacks found, told in words that help, and nothing changed by looking?"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from router.ami.connection import LinkFailed, LoginRefused
from router.ami.lacks import (
    AllowedTooMuch,
    CallsNobodyBack,
    EventsDisabled,
    FallsThrough,
    Lack,
    NobodyAtDesk,
    NoContexts,
    NoEndpoint,
    NoQueue,
    NoSafetyNetQueue,
    NotAllowed,
    NotRegistered,
    NoWayOutside,
    OtherVersion,
    TellsTooMuch,
    Unspeakable,
    costs_calls,
    say,
)
from router.ami.link import AmiSettings
from router.ami.survey import CONTEXTS, NOWHERE, Survey, survey
from router.routing.configuration import Configuration
from router.routing.model import Desk, Person, PersonState, Phone, PhoneKind, Strategy
from router.routing.table import Table
from tests.ami.conftest import QUICK
from tests.ami.fake_asterisk import Connection, FakeAsterisk, Fields, Script, answer

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def desk_phone(person: int, endpoint: str) -> Phone:
    return Phone(id=person, person=person, kind=PhoneKind.DESK, endpoint=endpoint)


def mobile(person: int, number: str) -> Phone:
    return Phone(id=person, person=person, kind=PhoneKind.EXTERNAL, number=number)


ANNA = Person(id=1, name="Anna", phones=(desk_phone(1, "anna"),))
BEN = Person(id=2, name="Ben", phones=(desk_phone(2, "ben"),))
FELIX = Person(id=3, name="Felix", phones=(mobile(3, "+19175550101"),))
HUGO = Person(id=4, name="Hugo", state=PersonState.LEFT, phones=(desk_phone(4, "hugo"),))

FRONT = Desk(id=1, name="Front", slot=1, safety_net=True, members=(1,))
SERVICE = Desk(id=2, name="Service", slot=3, strategy=Strategy.LONGEST_IDLE, next_desk=1, members=(2,))


def table(*people: Person, desks: tuple[Desk, ...] = (FRONT, SERVICE), prefixes: tuple[str, ...] = ("+1917",)) -> Table:
    everybody = {person.id: person for person in (ANNA, BEN, FELIX, HUGO, *people)}
    configuration = Configuration(
        region="US", time_zone="UTC", people=tuple(everybody.values()), desks=desks, external_prefixes=prefixes
    )
    return Table.build(configuration, version=1)


@dataclass
class Installed:
    """What this PBX has: a test takes something away."""

    version: str = "22.10.1+dfsg"
    contexts: set[str] = field(default_factory=lambda: {*CONTEXTS, "router-outside"})
    queues: set[str] = field(
        default_factory=lambda: {"router-safety-net", "router-ringall-01", "router-leastrecent-03"}
    )
    contacts: dict[str, str] = field(default_factory=lambda: {"anna": "PJSIP/anna/sip:a", "ben": "PJSIP/ben/sip:b"})
    endpoints: set[str] = field(default_factory=lambda: {"anna", "ben"})
    told: Mapping[str, str] = field(default_factory=dict)  # further variables
    outside: str = "+1917"
    classes: set[str] = field(default_factory=lambda: {"call", "agent", "reporting"})

    def say(self, variable: str) -> str:
        function, _, arguments = variable.removesuffix(")").partition("(")
        first, *more = arguments.split(",")
        match function:
            case _ if variable in self.told:
                return self.told[variable]
            case "DIALPLAN_EXISTS" if more:
                return str(int(first in self.contexts and more[0].startswith(self.outside)))
            case "DIALPLAN_EXISTS":
                return str(int(first in self.contexts))
            case "QUEUE_EXISTS":
                return str(int(first in self.queues))
            case "PJSIP_ENDPOINT" if first in self.endpoints:
                return "phones" if more[0] == "context" else "false"
            case "PJSIP_DIAL_CONTACTS":
                return self.contacts.get(first, "")
            case _:
                return ""

    def play(self, asterisk: FakeAsterisk) -> None:
        def getvar(_: Connection, action: Fields) -> bytes:
            return answer(action, "Success", Variable=action["Variable"], Value=self.say(action["Variable"]))

        def settings(_: Connection, action: Fields) -> bytes:
            return answer(action, "Success", AMIversion="11.0.0", AsteriskVersion=self.version)

        def by_class(name: str, refusal: str) -> Script:
            return lambda _, action: answer(
                action, "Error", Message=refusal if name in self.classes else "Permission denied"
            )

        asterisk.scripts |= {
            "Getvar": getvar,
            "Setvar": by_class("call", "No such channel"),
            "QueueRemove": by_class("agent", "Unable to remove interface from queue: No such queue"),
            "CoreSettings": settings if "reporting" in self.classes else by_class("reporting", ""),
            "Originate": by_class("originate", "Channel not specified"),
            "Command": by_class("command", "No command provided"),
        }


async def look(asterisk: FakeAsterisk, installed: Installed, of: Table | None = None) -> Survey:
    installed.play(asterisk)
    settings = AmiSettings(port=asterisk.port, secret="right")
    return await survey(settings, of or table(), NOW, timing=QUICK)


async def test_a_pbx_that_has_everything_lacks_nothing(asterisk: FakeAsterisk) -> None:
    assert await look(asterisk, Installed()) == Survey(version="22.10.1+dfsg", desks=2, phones=3, lacks=())


async def test_looking_changes_nothing_and_leaves_no_connection(asterisk: FakeAsterisk) -> None:
    await look(asterisk, Installed())

    await asterisk.until(lambda: not asterisk.connections)
    asked = {action["Action"] for action in asterisk.actions}
    assert asked == {"Login", "Getvar", "Setvar", "QueueRemove", "CoreSettings", "Originate", "Command", "Logoff"}
    assert asterisk.asked("Setvar") == asterisk.asked("Setvar", Channel=NOWHERE), "which is no channel"
    assert asterisk.asked("QueueRemove") == asterisk.asked("QueueRemove", Queue=NOWHERE), "which is no queue"
    assert {"Channel", "Command"}.isdisjoint({*asterisk.asked("Originate")[0], *asterisk.asked("Command")[0]})
    assert asterisk.asked("Login", Events="off")
    assert asterisk.globals == {}


@pytest.mark.parametrize(
    ("installed", "expected", "words"),
    [
        (Installed(version="20.5.2"), OtherVersion(version="20.5.2"), "22.10.1"),
        (Installed(version="22.10.0"), OtherVersion(version="22.10.0"), "22.10.1"),
        (Installed(version="certified/20.7-cert3"), OtherVersion(version="certified/20.7-cert3"), "22.10.1"),
        (Installed(version="GIT-master"), OtherVersion(version="GIT-master"), "22.10.1"),
        (
            Installed(classes={"call", "reporting"}),
            NotAllowed(user="router", classes=("agent",)),
            "manager.d/router.conf",
        ),
        (
            Installed(classes={"call", "agent", "reporting", "originate"}),
            AllowedTooMuch(user="router", classes=("originate",)),
            "write = call,agent,reporting,user",
        ),
        (
            Installed(contexts={*CONTEXTS[1:], "router-outside"}),
            NoContexts(contexts=("router-in",)),
            "#include extensions_router.conf",
        ),
        (
            Installed(queues={"router-ringall-01", "router-leastrecent-03"}),
            NoSafetyNetQueue(),
            "#include queues_router.conf",
        ),
        (
            Installed(queues={"router-safety-net", "router-ringall-01"}),
            NoQueue(desk="Service", queue="router-leastrecent-03", next_desk="Front"),
            "its callers go to desk Front instead",
        ),
        (
            Installed(told={"AST_CONFIG(extensions.conf,general,autofallthrough)": "yes"}),
            FallsThrough(),
            "extensions.conf",
        ),
        (
            Installed(told={"AST_CONFIG(manager.conf,general,disabledevents)": "VarSet,UserEvent"}),
            EventsDisabled(disabled="VarSet,UserEvent"),
            "manager.conf",
        ),
        (
            Installed(told={"PJSIP_ENDPOINT(ben,send_pai)": "true", "PJSIP_ENDPOINT(ben,direct_media)": "yes"}),
            TellsTooMuch(person="Ben", endpoint="ben", settings=("direct_media", "send_pai")),
            "direct_media = no, send_pai = no",
        ),
        (
            Installed(outside="+1646"),
            NoWayOutside(context=True, whose=("Felix (+19175550101)",)),
            "router_external.conf",
        ),
        (
            Installed(contexts=set(CONTEXTS)),
            NoWayOutside(context=False, whose=("Felix (+19175550101)",)),
            "router_external.conf",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Lack) else "",
)
async def test_each_lack_is_found_alone_and_says_what_to_do(
    asterisk: FakeAsterisk, installed: Installed, expected: Lack, words: str
) -> None:
    found = await look(asterisk, installed)

    assert found.lacks == (expected,)
    assert words in say(expected)
    assert re.fullmatch(r"[^\n]+", say(expected))
    warnings = (OtherVersion, AllowedTooMuch, TellsTooMuch, NotRegistered)
    assert costs_calls(expected) is not isinstance(expected, warnings)


async def test_a_desk_phone_that_the_pbx_does_not_know_leaves_its_desk_without_anybody(asterisk: FakeAsterisk) -> None:
    found = await look(asterisk, Installed(endpoints={"anna"}, contacts={"anna": "PJSIP/anna/sip:a"}))

    assert found.lacks == (
        NoEndpoint(person="Ben", endpoint="ben"),
        NobodyAtDesk(desk="Service", members=("Ben",)),
    )
    assert "[ben]" in say(found.lacks[0])


async def test_a_phone_that_is_switched_off_is_a_warning_while_somebody_else_sits_there(asterisk: FakeAsterisk) -> None:
    both = (FRONT, replace(SERVICE, members=(2, 1)))

    found = await look(asterisk, Installed(contacts={"anna": "PJSIP/anna/sip:a"}), table(desks=both))

    assert found.lacks == (NotRegistered(person="Ben", endpoint="ben"),)
    assert not costs_calls(found.lacks[0])


async def test_names_that_no_pbx_understands_are_not_sent_there(asterisk: FakeAsterisk) -> None:
    odd = Person(id=5, name="Odd", phones=(desk_phone(5, "x),SHELL(id"), mobile(5, "+1917x")))

    found = await look(asterisk, Installed(), table(odd))

    assert found.lacks == (
        Unspeakable(person="Odd", phone="x),SHELL(id"),
        Unspeakable(person="Odd", phone="+1917x"),
    )
    assert not [action for action in asterisk.actions if "SHELL" in action.get("Variable", "")]


async def test_a_slot_that_no_pool_has_is_told(asterisk: FakeAsterisk) -> None:
    found = await look(asterisk, Installed(), table(desks=(FRONT, replace(SERVICE, slot=65))))

    assert found.lacks == (NoQueue(desk="Service", queue="", next_desk="Front"),)
    assert "from 1 to 64" in say(found.lacks[0])


async def test_the_number_of_last_resort_is_looked_at_too(asterisk: FakeAsterisk) -> None:
    found = await look(asterisk, Installed(), table(desks=(replace(FRONT, last_resort="+13055550100"), SERVICE)))

    assert found.lacks == (NoWayOutside(context=True, whose=("the last resort of desk Front (+13055550100)",)),)


async def test_an_ami_user_who_may_ask_nothing_is_told_so(asterisk: FakeAsterisk) -> None:
    found = await look(asterisk, Installed(classes=set()))

    assert NotAllowed(user="router", classes=("call", "agent", "reporting")) in found.lacks
    assert not asterisk.asked("Getvar")


async def test_a_wrong_secret_says_where_to_look(asterisk: FakeAsterisk) -> None:
    with pytest.raises(LoginRefused, match=r"router_secret\.conf"):
        await survey(AmiSettings(port=asterisk.port, secret="wrong"), table(), NOW, timing=QUICK)


async def test_who_places_calls_may_do_that_and_nothing_else(asterisk: FakeAsterisk) -> None:
    router = AmiSettings(port=asterisk.port, secret="right")
    Installed().play(asterisk)  # where everybody may do what the router may

    found = await survey(router, table(), NOW, originate=replace(router, username="router-originate"), timing=QUICK)

    (nobody, too_much) = found.lacks
    assert isinstance(nobody, CallsNobodyBack)
    assert "write = originate" in say(nobody)
    assert isinstance(too_much, AllowedTooMuch)
    assert (too_much.user, too_much.classes) == ("router-originate", ("call", "agent", "reporting"))
    assert not any(costs_calls(lack) for lack in found.lacks)


async def test_who_should_place_calls_and_cannot_log_in_is_only_a_warning(asterisk: FakeAsterisk) -> None:
    router = AmiSettings(port=asterisk.port, secret="right")
    Installed().play(asterisk)

    found = await survey(router, table(), NOW, originate=replace(router, secret="wrong"), timing=QUICK)

    (nobody,) = found.lacks
    assert isinstance(nobody, CallsNobodyBack)
    assert "router_originate_secret.conf" in say(nobody)


async def test_what_is_no_asterisk_is_not_taken_for_one() -> None:
    async def web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(web, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with pytest.raises(LinkFailed, match="is no Asterisk's AMI"):
            await survey(AmiSettings(port=port, secret="right"), table(), NOW, timing=QUICK)


async def test_a_pbx_that_falls_silent_is_not_waited_for(asterisk: FakeAsterisk) -> None:
    Installed().play(asterisk)
    asterisk.scripts["CoreSettings"] = lambda connection, action: None
    timing = replace(QUICK, list_within=0.1)

    with pytest.raises(LinkFailed, match="no answer within"):
        await survey(AmiSettings(port=asterisk.port, secret="right"), table(), NOW, timing=timing)
