"""Which parts make a running router, in which order do they start, and in which do they stop?"""

import asyncio
import gc
import signal
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import assert_never
from zoneinfo import ZoneInfo

import structlog

from router.adopting import left_by_another
from router.ami.guard import Guard, GuardSettings
from router.ami.journal import OnRecord
from router.ami.link import AmiLink, AmiSettings
from router.ami.originator import Originator
from router.bulk.company import Settings as Company
from router.bulk.imports import Imports
from router.calling_back import CallingBack
from router.calling_in import CallingIn
from router.calls.call import Call
from router.calls.events import Event, LinkUp, PresencePublished, TablePublished, Tick
from router.calls.orders import KeepAway, KeepPresence, PbxOrder, Settle
from router.calls.presence import Presences
from router.calls.tracker import Calls
from router.changes.absences import Absences
from router.changes.door import Door
from router.changes.leaving import Leavings
from router.changes.reading import Reading
from router.chronicle import Chronicle
from router.clock import KEEP, Clock
from router.commitments.commitment import Terms
from router.courier import Courier
from router.notices.mail import Mailer, MailSettings
from router.routing.hiding import without_ends
from router.routing.table import Table
from router.storage.call_schema import OrderKind
from router.storage.commitments import Keeper, KeptCounts
from router.storage.database import Database, NotMigrated, StorageError, Transaction, Unavailable
from router.storage.keys import any_key
from router.storage.listening import listen
from router.storage.migrate import upgraded
from router.storage.notices import tell_calls
from router.storage.orders import Asked, OrderBook, as_hand_over
from router.storage.presence import PresenceBook
from router.storage.publisher import Publisher
from router.storage.recorder import Recorder
from router.storage.speaker import SpeakerLock
from router.supervisor import Supervisor
from router.switchboard import Switchboard
from router.vitals import Vitals
from router.web.app import build_app
from router.web.limits import Limits
from router.web.live import Live
from router.web.parts import Parts
from router.web.server import WebServer, is_loopback
from router.web.standing import in_a_sentence

log = structlog.get_logger()

DRAIN_WITHIN = 5.0  # seconds for the last records: plenty for a database that answers, and the journal keeps the ends
MIGRATE_AGAIN = 1.0  # seconds between two tries while the database is not there yet
TICK_EVERY = 0.5  # seconds; the end of a pause, of wrapping up, of an absence or of hours counts within a second
MAKE_WAY_WITHIN = 1.5  # seconds for who stands by to take over while we still speak; a tenth of it is usual
STOPS = "Stops: the last calls are written down."  # as long as that takes


class Only(StrEnum):
    """Which half of a router a process is, where it isn't the whole one."""

    CALLS = "calls"  # hears the PBX, decides, keeps the records, minds what is due; takes no requests
    WEB = "web"  # takes requests; its changes reach the other half through the database


class NoKeyYet(ValueError):
    """The API would be open to the network before anybody has a key; the message says what to do."""


class Service:
    """One whole router on one PBX and one database, until it is told to stop."""

    def __init__(
        self,
        *,
        ami: AmiSettings,
        database: str,
        region: str,
        time_zone: str,
        http_host: str,
        http_port: int,
        mask_numbers: bool,
        keep: timedelta = KEEP,
        external_prefixes: tuple[str, ...] = (),
        terms: Terms = Terms(),  # noqa: B008 (a frozen value)
        mail: MailSettings | None = None,
        limits: Limits = Limits(),  # noqa: B008 (a frozen value)
        guard: GuardSettings | None = None,
        only: Only | None = None,
        private_webhooks: bool = False,
        originate: AmiSettings | None = None,
        test_calls_per_hour: int = 20,
        supervisor: Supervisor = Supervisor(),  # noqa: B008 (a frozen value)
    ) -> None:
        self._only = only
        self._supervisor = supervisor
        self._ami = ami
        self._database = database
        self._http = (http_host, http_port)
        self._limits = limits
        self._db = Database(database)
        self._link: AmiLink | None = None
        self._turn = SpeakerLock(self._db, ami.pbx) if self._db.speaks_postgresql else None
        self._guard = Guard(guard, speaking=self._speaks) if guard else None
        self._calls = Calls()
        kept = KeptCounts()
        self._keeper = Keeper(terms=terms, mails=mail is not None, logs=True, counts=kept)
        self._recorder = Recorder(
            self._db, zone=ZoneInfo(time_zone), settle=self._settle, tell=self._tell, missed=self._missed
        )
        self._reading = Reading()
        self._publisher = Publisher(
            self._db, region, time_zone, self._publish, external_prefixes=external_prefixes, load=self._reading.load
        )
        self._door = Door(self._publisher, external_prefixes=external_prefixes, keeper=self._keeper)
        company = Company(region=region, time_zone=time_zone, external_prefixes=external_prefixes)
        self._imports = Imports(self._db, company, version=lambda: self._publisher.version, now=_now)
        self._courier = Courier(db=self._db, private=private_webhooks)
        self._clock = Clock(
            self._db,
            self._keeper,
            lambda: self._publisher.table,
            mailer=Mailer(settings=mail) if mail else None,
            zone=ZoneInfo(time_zone),
            keep=keep,
            leavings=Leavings(self._db, self._door),
            courier=self._courier,
        )
        self._live = Live(self._db, _now, keep=keep)
        self._presence = PresenceBook(self._db, self._publish_presence)
        chronicle = Chronicle(mask_numbers=mask_numbers)
        self._orders = OrderBook(self._db, ami.pbx, speaks=self._speaks, carry_out=self._carry_out)
        self._calling_back = CallingBack(
            self._db,
            self._keeper,
            ami.pbx,
            table=lambda: self._publisher.table,
            originator=Originator(originate) if originate else None,
            speaks=self._speaks,
            settle=lambda order, done, result: self._orders.settled(order, done=done, result=result),
        )
        self._calling_in = CallingIn(
            self._db,
            ami.pbx,
            table=lambda: self._publisher.table,
            presences=lambda: self._switchboard.attendance.presences,
            originator=Originator(originate) if originate else None,
            settle=lambda order, done, result: self._orders.settled(order, done=done, result=result),
        )
        self._test_calls_per_hour = test_calls_per_hour
        self._switchboard = Switchboard(
            calls=self._calls,
            give=self._give,
            look=self._look,
            record=self._recorder.record,
            settle=self._tell_outcome,
            keep=self._keep,
            chronicle=chronicle,
        )
        self._absences = Absences(self._door, self._switchboard.hear, _now)
        self._vitals = Vitals(
            calls=self._calls,
            switchboard=self._switchboard,
            chronicle=chronicle,
            publisher=self._publisher,
            recorder=self._recorder,
            clock=self._clock,
            courier=self._courier,
            live=self._live,
            kept=kept,
            guard=self._guard,
            steers=only is not Only.WEB,
        )
        self.started = asyncio.Event()  # from now on the API answers, at `url`
        self.url = ""
        self._has_table = asyncio.Event()
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Route calls until `stop`, SIGTERM or SIGINT.

        Neither the database nor the PBX need to be there yet: both are tried until they are. Raises NoKeyYet, and
        CannotListen when the web address can't be had.
        """
        try:
            web = await self._web_server()
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, self.stop)
            await self._run_parts(web)
        finally:
            await self._door.close()
            await self._imports.close()
            await self._reading.close()
            await self._db.close()

    def stop(self) -> None:
        """What SIGTERM does: `run` ends once the parts have stopped in order."""
        self._stopping.set()

    async def _run_parts(self, web: WebServer) -> None:
        async with asyncio.TaskGroup() as parts:
            serving = parts.create_task(web.run(), name="web")
            ending = [
                parts.create_task(self._migrate(), name="migrations"),
                parts.create_task(listen(self._db), name="wake-ups"),
                parts.create_task(self._publisher.watch(), name="publisher"),
                parts.create_task(self._presence.watch(), name="presence"),
                parts.create_task(self._live.run(), name="events"),
            ]
            if self._only is not Only.CALLS:
                ending.append(parts.create_task(self._imports.run(), name="imports"))
            speaking = None
            if self._only is not Only.WEB:
                ending += self._start_steering(parts)
                speaking = parts.create_task(self._speak(), name="link")
            self.url = web.url
            # Ready to try: whether the PBX and the database are there is told, and starts nobody anew.
            ending.append(parts.create_task(self._supervisor.follow(self._status), name="supervisor"))
            self.started.set()
            log.info("router started", pbx=self._ami.pbx, web=web.url, only=self._only)
            await self._stopping.wait()
            log.info("router stops")
            self._supervisor.stopping(STOPS)
            await self._live.close()
            web.stop()
            if speaking is not None:
                await self._stop_speaking(speaking)
            await asyncio.wait([serving])
            for part in ending:
                part.cancel()
        log.info("router stopped")

    def _status(self) -> str:
        if self._stopping.is_set():
            return STOPS
        return without_ends(in_a_sentence(self._vitals.standing()))  # anybody on this machine may read it

    def _start_steering(self, parts: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """All that steers calls and keeps account of them, but the link."""
        return [
            parts.create_task(self._recorder.run(), name="recorder"),
            parts.create_task(self._clock.run(), name="clock"),
            parts.create_task(self._absences.run(), name="absences"),
            parts.create_task(self._tick(), name="ticks"),
            parts.create_task(self._orders.follow(), name="orders"),
            parts.create_task(self._orders.write(), name="outcomes"),
            parts.create_task(self._calling_back.run(), name="call-backs"),
            parts.create_task(self._calling_in.run(), name="test calls"),
            *([parts.create_task(self._turn.run(), name="turn")] if self._turn else []),
            *([parts.create_task(self._guard.run(), name="guard")] if self._guard else []),
        ]

    async def _stop_speaking(self, speaking: asyncio.Task[None]) -> None:
        """Calls are routed until the last moment: a slow database must not send them to the fallback."""
        left = await self._recorder.drain(DRAIN_WITHIN)
        if self._link is not None:
            await self._link.make_way(MAKE_WAY_WITHIN)
        speaking.cancel()
        await asyncio.wait([speaking])
        if not left:
            await self._recorder.drain(DRAIN_WITHIN)  # what was heard since
            await self._presence.drain(DRAIN_WITHIN)

    async def _speak(self) -> None:
        """The PBX learns that we live only when we can decide: until then it doesn't wait for us."""
        await self._has_table.wait()
        self._link = AmiLink(
            self._ami, self._hear, turn=self._turn, adopt=self._adopt, hear_call_back=self._calling_back.hear
        )
        self._vitals.link = self._link
        await self._link.run()

    def _hear(self, event: Event) -> None:
        self._switchboard.hear(event)
        if isinstance(event, LinkUp):
            self._calling_back.hear(event)

    async def _adopt(self) -> OnRecord | None:
        known = await left_by_another(self._db, self._ami.pbx)
        if known is None:
            return None
        self._calls.adopt(known.calls)
        return known.on_record

    async def _migrate(self) -> None:
        while True:
            try:
                await upgraded(self._database)
                return
            except (StorageError, OSError) as fault:
                log.warning("migrations wait", why=str(fault))
            await asyncio.sleep(MIGRATE_AGAIN)

    async def _web_server(self) -> WebServer:
        host, port = self._http
        if not is_loopback(host) and not await self._has_key():
            raise NoKeyYet(
                f"nobody has an API key yet, so the API is not opened to the network on {host}: make one with"
                " 'router key new NAME --role admin', or leave ROUTER_HTTP_HOST at 127.0.0.1"
            )
        app = build_app(
            Parts(
                db=self._db,
                door=self._door,
                keeper=self._keeper,
                limits=self._limits,
                table=lambda: self._publisher.table,
                standing=self._vitals.standing,
                figures=self._vitals.figures,
                now=_now,
                bulk=self._imports,
                private_webhooks=self._courier.private,
                presences=lambda: self._switchboard.attendance.presences,
                live=self._live,
                pbx=self._ami.pbx,
                test_calls_per_hour=self._test_calls_per_hour,
            ),
            only_health=self._only is Only.CALLS,
        )
        return WebServer(app, host, port)

    async def _has_key(self) -> bool:
        try:
            return await any_key(self._db, _now())
        except NotMigrated:
            return False
        except Unavailable:
            return True  # nobody knows; and nobody is admitted as long as the keys can't be read

    def _missed(self, since: datetime) -> None:
        if self._link is not None:
            self._link.read_journal_again(since)

    async def _settle(self, transaction: Transaction, ended: Sequence[Call]) -> None:
        """What calls that ended mean for what we owe, in the transaction that records them."""
        if (table := self._publisher.table) is None:
            raise Unavailable("without a table nobody knows who owes whom a call back")  # the records wait for it
        await self._keeper.settle(transaction, ended, table)

    async def _tell(self, transaction: Transaction, batch: Sequence[Call]) -> Collection[str]:
        """What the outside shall learn of these calls, in the transaction that records them."""
        if (table := self._publisher.table) is None:
            raise Unavailable("without a table nobody knows whose calls these are")  # the records wait for it
        return await tell_calls(transaction, batch, table, _now())

    def _publish(self, table: Table) -> None:
        self._switchboard.hear(TablePublished(table=table, at=_now()))
        if not self._has_table.is_set():
            # What the start has made stays for good: walking it again at each full collection would hold up a call for
            # tens of milliseconds once a million numbers are loaded. No call waits yet.
            gc.collect()
            gc.freeze()
        self._has_table.set()

    def _publish_presence(self, presences: Presences) -> None:
        self._switchboard.hear(PresencePublished(presences=presences, at=_now()))

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_EVERY)
            self._switchboard.hear(Tick(at=_now()))

    def _keep(self, order: KeepPresence | KeepAway) -> None:
        match order:
            case KeepPresence(presence=presence):
                self._presence.keep(presence)
            case KeepAway():
                self._absences.keep(order)
            case _:
                assert_never(order)

    def _give(self, order: PbxOrder) -> None:
        assert self._link is not None  # orders only follow what a link has told
        self._link.give(order)

    def _speaks(self) -> bool:
        return self._link is not None and self._link.speaking

    def _carry_out(self, order: Asked) -> None:
        match order.kind:
            case OrderKind.HAND_OVER:
                self._switchboard.hear(as_hand_over(order, _now()))
            case OrderKind.CALL_BACK:
                self._calling_back.hear(order)
            case OrderKind.TEST_CALL:
                self._calling_in.hear(order)
            case _:
                assert_never(order.kind)

    def _tell_outcome(self, outcome: Settle) -> None:
        self._orders.settled(outcome.order, done=outcome.done, result=outcome.result)

    def _look(self) -> None:
        if self._link is not None:
            self._link.look_at_members()


def _now() -> datetime:
    return datetime.now(UTC)
