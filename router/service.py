"""Which parts make a running router, in which order do they start, and in which do they stop?"""

import asyncio
import signal
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import structlog

from router.ami.link import AmiLink, AmiSettings
from router.calls.events import LinkDown, TablePublished
from router.calls.orders import PbxOrder
from router.calls.tracker import Calls
from router.chronicle import Chronicle
from router.routing.table import Table
from router.storage.database import Database, NotMigrated, StorageError, Unavailable
from router.storage.keys import any_key
from router.storage.migrate import upgrade
from router.storage.publisher import Publisher
from router.storage.recorder import Recorder
from router.storage.records import PAGE_AT_MOST, open_calls, recent_calls
from router.switchboard import Switchboard
from router.web.app import build_app
from router.web.figures import Figure
from router.web.parts import Parts
from router.web.server import WebServer, is_loopback
from router.web.standing import Standing

log = structlog.get_logger()

DRAIN_WITHIN = (
    5.0  # seconds for the last records: a database that answers needs far less, and the journal keeps the ends
)
MIGRATE_AGAIN = 1.0  # seconds between two tries while the database is not there yet
ADOPT_WITHIN = (
    3.0  # seconds to learn which calls were open; callers are waiting, and the journal tells their ends anyway
)


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
    ) -> None:
        self._ami = ami
        self._database = database
        self._http = (http_host, http_port)
        self._db = Database(database)
        self._calls = Calls()
        self._chronicle = Chronicle(mask_numbers=mask_numbers)
        self._recorder = Recorder(self._db, zone=ZoneInfo(time_zone))
        self._publisher = Publisher(self._db, region, time_zone, self._publish)
        self._link: AmiLink | None = None
        self._switchboard = Switchboard(
            calls=self._calls, give=self._give, record=self._recorder.record, chronicle=self._chronicle
        )
        self._has_table = asyncio.Event()
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Route calls until SIGTERM or SIGINT.

        Neither the database nor the PBX need to be there yet: both are tried until they are. Raises NoKeyYet, and
        CannotListen when the web address can't be had.
        """
        try:
            web = await self._web_server()
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, self._stopping.set)
            await self._run_parts(web)
        finally:
            await self._db.close()

    async def _run_parts(self, web: WebServer) -> None:
        async with asyncio.TaskGroup() as parts:
            serving = parts.create_task(web.run(), name="web")
            migrating = parts.create_task(self._migrate(), name="migrations")
            following = parts.create_task(self._publisher.watch(), name="publisher")
            recording = parts.create_task(self._recorder.run(), name="recorder")
            speaking = parts.create_task(self._speak(), name="link")
            log.info("router started", pbx=self._ami.pbx, web=web.url)
            await self._stopping.wait()
            log.info("router stops")
            web.stop()
            # Calls are routed until the last moment: a slow database must not send them to the fallback.
            left = await self._recorder.drain(DRAIN_WITHIN)
            speaking.cancel()
            await asyncio.wait([speaking, serving])
            if not left:
                await self._recorder.drain(DRAIN_WITHIN)  # what was heard since
            for part in (migrating, following, recording):
                part.cancel()
        log.info("router stopped")

    async def _speak(self) -> None:
        """The PBX learns that we live only when we can decide: until then it doesn't wait for us."""
        await self._has_table.wait()
        self._link = AmiLink(self._ami, self._switchboard.hear, journal_since=await self._adopt())
        await self._link.run()

    async def _adopt(self) -> datetime | None:
        """Take over the calls that were open when we last stopped; up to when are the records complete?"""
        try:
            async with asyncio.timeout(ADOPT_WITHIN):
                still_open = await open_calls(self._db, self._ami.pbx)
                newest = (await recent_calls(self._db, PAGE_AT_MOST)).records
        except (StorageError, TimeoutError) as fault:
            log.warning("open calls not taken over", why=str(fault))
            return None
        self._calls.adopt(still_open)
        ends = [record.ended_at for record in newest if record.ended_at is not None]
        return min([max(ends), *(call.arrived_at for call in still_open)]) if ends else None

    async def _migrate(self) -> None:
        while True:
            try:
                await _upgraded(self._database)
                return
            except StorageError as fault:
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
                table=lambda: self._publisher.table,
                standing=self._standing,
                figures=self._figures,
                now=_now,
            )
        )
        return WebServer(app, host, port)

    async def _has_key(self) -> bool:
        try:
            return await any_key(self._db, _now())
        except NotMigrated:
            return False
        except Unavailable:
            return True  # nobody knows; and nobody is admitted as long as the keys can't be read

    def _publish(self, table: Table) -> None:
        self._switchboard.hear(TablePublished(table=table, at=_now()))
        self._has_table.set()

    def _give(self, order: PbxOrder) -> None:
        assert self._link is not None  # orders only follow what a link has told
        self._link.give(order)

    def _standing(self) -> Standing:
        table, link = self._publisher.table, self._switchboard.link
        waiting = self._recorder.pending
        return Standing(
            link_up=self._link is not None and self._link.counters.up,
            link_why=link.why if isinstance(link, LinkDown) else "",
            table_version=table.version if table else None,
            table_age=self._publisher.age(),
            table_trouble=self._publisher.trouble,
            records_waiting=waiting,
            records_age=self._recorder.oldest_age() if waiting else None,
        )

    def _figures(self) -> Iterator[Figure]:
        told, recorder, table = self._chronicle, self._recorder, self._publisher.table
        yield _count("calls_arrived", "Calls that entered the dialplan while we listened", told.arrived)
        yield _count("calls_delivered", "Calls that were given a plan", told.delivered)
        yield _count("calls_taken", "Calls that a person took", told.taken)
        yield _counts("calls_ended", "Calls by how they ended", "ending", told.endings)
        yield _counts("call_paths", "Calls by the way they took in the dialplan", "path", told.paths)
        yield _counts("legs_ended", "Phones rung, by result", "result", told.legs)
        yield _counts("plans_answered", "Plans by the answer of the PBX", "answer", told.plans)
        yield _counts("desk_members_changed", "Desk members added and removed", "change", told.members)
        yield _count("deciding_seconds", "Time from hearing of a call to having given its plan", told.deciding_seconds)
        yield _count("events_unknown", "Events of calls that nothing is known of", self._calls.unknown)
        yield _count("slips", "Events that we failed to understand: faults of the router", told.slips)
        yield _gauge("calls_open", "Calls that live", self._switchboard.open_calls())
        yield _gauge("table_version", "The table that decisions are made from", table.version if table else 0)
        if (age := self._publisher.age()) is not None:
            yield _gauge("table_age_seconds", "Since the database last said which table is the newest", age)
        yield _gauge("records_waiting", "Calls that wait to be written", recorder.pending)
        yield _gauge("records_waiting_seconds", "How long the oldest of them has waited", recorder.oldest_age())
        yield _count("records_written", "Calls written, each as often as it changed", recorder.written)
        yield _count("records_retried", "Batches of records that failed and were tried again", recorder.failures)
        yield _count("records_refused", "Calls that the database will never take", recorder.refused)
        yield _count("records_dropped", "Calls that memory had no room for", recorder.dropped)
        yield from self._link_figures()

    def _link_figures(self) -> Iterator[Figure]:
        link = self._link.counters if self._link else None
        yield _gauge("link_up", "Whether the PBX can be heard", link.up if link else 0)
        if link is None:
            return
        yield _count("link_logins", "Logins to the PBX", link.logins)
        yield _count("link_logins_refused", "Logins that the PBX refused", link.refused_logins)
        yield _count("link_losses", "Links that were lost", link.connections_lost)
        yield _count("link_actions", "Actions sent", link.actions)
        yield _count("link_actions_late", "Actions that got no answer in time", link.actions_timed_out)
        yield _count("link_actions_refused", "Actions that the PBX refused", link.actions_refused)
        yield _counts("link_events", "Events heard", "event", link.events)
        yield _counts(
            "link_dropped", "Messages that were not heard", "why", {why.value: n for why, n in link.dropped.items()}
        )
        if link.round_trip is not None and link.skew is not None:
            yield _gauge("link_round_trip_seconds", "The last Ping", link.round_trip)
            yield _gauge("link_skew_seconds", "The clock of the PBX minus ours", link.skew)


def _count(name: str, says: str, value: float) -> Figure:
    return Figure(name=name, says=says, kind="counter", value=value)


def _counts(name: str, says: str, label: str, values: Mapping[str, int]) -> Figure:
    return Figure(name=name, says=says, kind="counter", label=label, values=values)


def _gauge(name: str, says: str, value: float) -> Figure:
    return Figure(name=name, says=says, kind="gauge", value=value)


async def _upgraded(database: str) -> None:
    """Run the migrations in a thread that a stop doesn't wait for: a frozen database may hold it for ever."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def tell(fault: Exception | None) -> None:
        if done.cancelled():
            return
        if fault is None:
            done.set_result(None)
        else:
            done.set_exception(fault)

    def work() -> None:
        try:
            upgrade(database)
        except Exception as fault:
            loop.call_soon_threadsafe(tell, fault)
        else:
            loop.call_soon_threadsafe(tell, None)

    threading.Thread(target=work, name="migrations", daemon=True).start()
    await done


def _now() -> datetime:
    return datetime.now(UTC)
