"""What would a small, scripted Asterisk say on a real socket?

It keeps what the link needs of a PBX (globals, channels, queues, journal) and answers as Asterisk 22 writes it.
`scripts` replaces the answer to an action; `say` puts any bytes on the wire.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from router.calls.events import Event

LIMIT = 5.0  # seconds a test waits for what must come; reached only by a test that fails

Fields = dict[str, str]


@dataclass(eq=False)
class Connection:
    """One client on the socket."""

    writer: asyncio.StreamWriter
    logged_in: bool = False

    def say(self, data: bytes) -> None:
        self.writer.write(data)


Script = Callable[[Connection, Fields], bytes | None]


@dataclass
class FakeAsterisk:
    secret: str = "right"
    globals: Fields = field(default_factory=dict)
    places: set[str] = field(default_factory=lambda: {"router-guarded,s,1"})
    channels: Fields = field(default_factory=dict)  # name → Uniqueid
    variables: dict[tuple[str, str], str] = field(default_factory=dict)
    applications: Fields = field(default_factory=dict)  # channel → what it does
    members: dict[str, list[str]] = field(default_factory=dict)  # queue → interfaces
    paused: set[tuple[str, str]] = field(default_factory=set)  # queue and interface
    journal: Fields = field(default_factory=dict)
    scripts: dict[str, Script] = field(default_factory=dict)
    ahead: float = 0.0  # seconds its clock is ahead of ours
    mute: bool = False  # reads, answers nothing
    port: int = 0

    actions: list[Fields] = field(default_factory=list)
    connections: list[Connection] = field(default_factory=list)
    accepted: int = 0
    most_at_once: int = 0

    def __post_init__(self) -> None:
        self._moved = asyncio.Condition()

    @property
    def token(self) -> str:
        return self.globals["ROUTER_TOKEN"]

    @property
    def clock(self) -> float:
        return time.time() + self.ahead

    def asked(self, action: str, **fields: str) -> list[Fields]:
        """All actions of this name and with these fields, so far."""
        wanted = {"Action": action, **fields}
        return [one for one in self.actions if wanted.items() <= one.items()]

    async def until(self, condition: Callable[[], object]) -> None:
        """Waits until something that was asked, or a client that came or went, makes it true."""
        async with asyncio.timeout(LIMIT), self._moved:
            await self._moved.wait_for(lambda: bool(condition()))

    def say(self, data: bytes) -> None:
        for connection in self.connections:
            connection.say(data)

    def drop(self) -> None:
        """Ends every connection, as a PBX does that dies."""
        for connection in self.connections:
            connection.writer.transport.abort()

    def user_event(self, name: str, uniqueid: str = "1763759123.7", token: str | None = None, **body: str) -> bytes:
        """A UserEvent as the PBX writes it: the channel's fields, then ours."""
        ours = {"UserEvent": name, "Token": self.token if token is None else token, "Call": uniqueid, **body}
        return message(Event="UserEvent", Privilege="user,all", **channel_fields(uniqueid), **ours)

    def arrived(self, uniqueid: str = "1763759123.7", **changes: str) -> bytes:
        body = {"Dialled": "+15550100", "Caller": "+15550177", "Presented": "number", "At": f"{self.clock:.3f}"}
        return self.user_event("RouterArrived", uniqueid, **{**body, **changes})

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(writer)
        self.connections.append(connection)
        self.accepted += 1
        self.most_at_once = max(self.most_at_once, len(self.connections))
        try:
            connection.say(b"Asterisk Call Manager/9.0.0\r\n")
            while block := await reader.readuntil(b"\r\n\r\n"):
                pairs = (line.split(": ", 1) for line in block.decode().split("\r\n") if line)
                action = dict(pairs)
                self.actions.append(action)
                answer = None if self.mute else self._answer(connection, action)
                if answer is not None:
                    connection.say(answer)
                await self._wake()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.connections.remove(connection)
            writer.close()
            await self._wake()

    async def _wake(self) -> None:
        async with self._moved:
            self._moved.notify_all()

    def _answer(self, connection: Connection, action: Fields) -> bytes | None:
        name = action["Action"]
        if name in self.scripts:
            return self.scripts[name](connection, action)
        if name != "Login" and not connection.logged_in:
            return answer(action, "Error", Message="Permission denied")
        usual: Callable[[Connection, Fields], bytes] | None = getattr(self, f"_{name.lower()}", None)
        if usual is None:
            return answer(action, "Error", Message=f"Invalid/unknown command: {name}. Use Action: ListCommands")
        return usual(connection, action)

    def usual(self, connection: Connection, action: Fields) -> bytes | None:
        """What it would answer without its scripts."""
        script = self.scripts.pop(action["Action"])
        try:
            return self._answer(connection, action)
        finally:
            self.scripts[action["Action"]] = script

    def _login(self, connection: Connection, action: Fields) -> bytes:
        if action["Secret"] != self.secret:
            return answer(action, "Error", Message="Authentication failed")
        connection.logged_in = True
        return answer(action, "Success", Message="Authentication accepted")

    def _logoff(self, connection: Connection, action: Fields) -> bytes:
        connection.say(answer(action, "Goodbye", Message="Thanks for all the fish."))
        connection.writer.close()
        return b""

    def _ping(self, _: Connection, action: Fields) -> bytes:
        return answer(action, "Success", Ping="Pong", Timestamp=f"{self.clock:.6f}")

    def _setvar(self, _: Connection, action: Fields) -> bytes:
        channel, variable, value = action.get("Channel", ""), action["Variable"], action["Value"]
        if not channel:
            self.globals[variable] = value
        elif channel in self.channels:
            self.variables[channel, variable] = value
        else:
            return answer(action, "Error", Message="No such channel")
        return answer(action, "Success", Message="Variable Set")

    def _getvar(self, _: Connection, action: Fields) -> bytes:
        variable = action["Variable"]
        channel = action.get("Channel")
        if channel is None:
            return answer(action, "Success", Variable=variable, Value=self.globals.get(variable, ""))
        if channel not in self.channels:
            return answer(action, "Error", Message="No such channel")
        own = {"UNIQUEID": self.channels[channel], "CHANNEL(appname)": self.applications.get(channel, "")}
        if variable.startswith("DIALPLAN_EXISTS("):
            own[variable] = str(int(variable[len("DIALPLAN_EXISTS(") : -1] in self.places))
        value = own.get(variable) or self.variables.get((channel, variable), "")
        return answer(action, "Success", Variable=variable, Value=value)

    def _redirect(self, _: Connection, action: Fields) -> bytes:
        return answer(action, "Success", Message="Redirect successful")

    def _coreshowchannels(self, _: Connection, action: Fields) -> bytes:
        shown = [channel_item(action, channel, uniqueid) for channel, uniqueid in self.channels.items()]
        return listing(action, shown, "CoreShowChannelsComplete")

    def _queuestatus(self, _: Connection, action: Fields) -> bytes:
        queue = action["Queue"]
        items = [
            message(
                Event="QueueMember", Queue=queue, Name=name, Location=name, StateInterface="", Membership="dynamic",
                Penalty="0", CallsTaken="0", Status="1",
                Paused=str(int((queue, name) in self.paused)), ActionID=action["ActionID"],
            )
            for name in self.members.get(queue, [])
        ]  # fmt: skip
        if items:
            items.insert(0, message(Event="QueueParams", Queue=queue, Max="0", ActionID=action["ActionID"]))
            items.append(message(Event="QueueEntry", Queue=queue, CallerIDNum="1", ActionID=action["ActionID"]))
        return listing(action, items, "QueueStatusComplete")

    def _queueadd(self, _: Connection, action: Fields) -> bytes:
        self.members.setdefault(action["Queue"], []).append(action["Interface"])
        if action.get("Paused") == "true":
            self.paused.add((action["Queue"], action["Interface"]))
        return answer(action, "Success", Message="Added interface to queue")

    def _queuepause(self, _: Connection, action: Fields) -> bytes:
        place = action["Queue"], action["Interface"]
        if place[1] not in self.members.get(place[0], []):
            return answer(action, "Error", Message="Interface not found")
        (self.paused.add if action["Paused"] == "true" else self.paused.discard)(place)
        return answer(action, "Success", Message="Interface paused successfully")

    def _queueremove(self, _: Connection, action: Fields) -> bytes:
        self.members[action["Queue"]].remove(action["Interface"])
        return answer(action, "Success", Message="Removed interface from queue")

    def _dbgettree(self, _: Connection, action: Fields) -> bytes:
        tree = f"/{action['Family']}/{action['Key']}/"
        found = [(key, value) for key, value in sorted(self.journal.items()) if key.startswith(tree)]
        items = [
            message(Event="DBGetTreeResponse", Key=key, Val=value, ActionID=action["ActionID"]) for key, value in found
        ]
        return listing(action, items, "DBGetTreeComplete")


@asynccontextmanager
async def fake_asterisk(asterisk: FakeAsterisk | None = None) -> AsyncIterator[FakeAsterisk]:
    asterisk = asterisk or FakeAsterisk()
    server = await asyncio.start_server(asterisk.serve, "127.0.0.1", asterisk.port)
    asterisk.port = server.sockets[0].getsockname()[1]
    try:
        yield asterisk
    finally:
        server.close()
        asterisk.drop()
        await asterisk.until(lambda: not asterisk.connections)
        await server.wait_closed()


def message(**fields: str) -> bytes:
    return "".join(f"{key}: {value}\r\n" for key, value in fields.items()).encode() + b"\r\n"


def answer(action: Fields, response: str, **fields: str) -> bytes:
    return message(Response=response, ActionID=action["ActionID"], **fields)


def listing(action: Fields, items: list[bytes], complete: str) -> bytes:
    start = answer(action, "Success", EventList="start", Message="A list will follow")
    end = message(Event=complete, ActionID=action["ActionID"], EventList="Complete", ListItems=str(len(items)))
    return start + b"".join(items) + end


def channel_item(action: Fields, channel: str, uniqueid: str, **changes: str) -> bytes:
    fields = channel_fields(uniqueid, channel) | changes
    return message(Event="CoreShowChannel", ActionID=action["ActionID"], **fields, Application="Queue")


def channel_fields(uniqueid: str, channel: str = "PJSIP/trunk-00000001") -> Fields:
    return {
        "Channel": channel,
        "ChannelState": "4",
        "ChannelStateDesc": "Ring",
        "CallerIDNum": "+15550177",
        "CallerIDName": "<unknown>",
        "ConnectedLineNum": "<unknown>",
        "ConnectedLineName": "<unknown>",
        "Language": "en",
        "AccountCode": "",
        "Context": "router-arrive",
        "Exten": "s",
        "Priority": "7",
        "Uniqueid": uniqueid,
        "Linkedid": uniqueid,
    }


Kind = TypeVar("Kind", bound=Event)


class Listener:
    """Hears the link's events and lets a test wait for them, in order."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._fresh = asyncio.Event()
        self._read = 0

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        self._fresh.set()

    async def next(self, kind: type[Kind]) -> Kind:
        """The next event of this kind that was not yet waited for; those of other kinds before it are passed over."""
        async with asyncio.timeout(LIMIT):
            while True:
                while self._read < len(self.events):
                    event = self.events[self._read]
                    self._read += 1
                    if isinstance(event, kind):
                        return event
                self._fresh.clear()
                await self._fresh.wait()

    def of(self, kind: type[Kind]) -> list[Kind]:
        return [event for event in self.events if isinstance(event, kind)]
