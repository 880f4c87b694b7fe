"""How do the parts of a running router stand, and what have they counted?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from router.ami.counters import Counters
from router.ami.guard import Guard, Outcome
from router.ami.link import AmiLink
from router.calls.events import LinkDown
from router.calls.figures import DEFINITIONS
from router.calls.presence import who_is_at
from router.calls.tally import BUCKETS, TALLIED, Tally
from router.calls.tracker import Calls
from router.chronicle import Chronicle
from router.clock import Clock
from router.courier import Courier
from router.storage.commitments import KeptCounts
from router.storage.publisher import Publisher
from router.storage.recorder import Recorder
from router.switchboard import Switchboard
from router.web.figures import Figure, Spread
from router.web.live import Live
from router.web.standing import Standing


@dataclass(slots=True, kw_only=True)
class Vitals:
    """Reads the parts at the moment it is asked; `link` is None until there is a table to decide by."""

    calls: Calls
    switchboard: Switchboard
    chronicle: Chronicle
    publisher: Publisher
    recorder: Recorder
    clock: Clock
    courier: Courier
    live: Live
    kept: KeptCounts
    link: AmiLink | None = None
    guard: Guard | None = None  # None when it isn't wanted
    steers: bool = True  # whether this process steers calls, or only takes requests

    def standing(self) -> Standing:
        table, last_told = self.publisher.table, self.switchboard.link
        waiting = self.recorder.pending
        link = self.link.counters if self.link else None
        return Standing(
            link_up=link is not None and link.up,
            link_why=last_told.why if isinstance(last_told, LinkDown) else "",
            table_version=table.version if table else None,
            table_age=self.publisher.age(),
            table_trouble=self.publisher.trouble,
            records_waiting=waiting,
            records_age=self.recorder.oldest_age() if waiting else None,
            guard_why=self.guard.down_because if self.guard and self.steers else "",
            steers=self.steers,
            stands_by=link is not None and link.stands_by,
            since=link.since if link else None,
        )

    def figures(self) -> Iterator[Figure | Spread]:
        yield from self._of_the_table()
        yield from _of_what_is_kept(self.kept)
        if self.steers:
            yield from self._of_steering()

    def _of_steering(self) -> Iterator[Figure | Spread]:
        yield from self._of_calls()
        yield from _of_the_tally(self.chronicle.tally)
        yield from self._of_desks()
        yield from self._of_records()
        yield from self._of_the_clock()
        yield from _of_the_stream(self.live)
        yield _gauge("link_up", "Whether the PBX can be heard", self.link.counters.up if self.link else 0)
        if self.link:
            yield from _of_the_link(self.link.counters)
        if self.guard:
            yield from _of_the_guard(self.guard)

    def _of_calls(self) -> Iterator[Figure]:
        told = self.chronicle
        yield _count("calls_arrived", "Calls that entered the dialplan while we listened", told.arrived)
        yield _count("calls_delivered", "Calls that were given a plan", told.delivered)
        yield _count("calls_taken", "Times that a person took a call, also one that was handed over", told.taken)
        yield _counts("calls_handed_over", "Hand-overs by order and by key, and orders refused", "how", told.hand_overs)
        yield _counts("calls_ended", "Calls by how they ended", "ending", told.endings)
        yield _counts("call_paths", "Calls by the way they took in the dialplan", "path", told.paths)
        yield _counts("legs_ended", "Phones rung, by result", "result", told.legs)
        yield _counts("plans_answered", "Plans by the answer of the PBX", "answer", told.plans)
        yield _counts("desk_members_changed", "Desk members added and removed, paused and not", "change", told.members)
        yield _count("deciding_seconds", "Time from hearing of a call to having given its plan", told.deciding_seconds)
        yield _count("slips", "Events that we failed to understand: faults of the router", told.slips)
        yield _count("events_unknown", "Events of calls that nothing is known of", self.calls.unknown)
        yield _gauge("calls_open", "Calls that live", self.switchboard.open_calls())

    def _of_the_table(self) -> Iterator[Figure]:
        table, age = self.publisher.table, self.publisher.age()
        yield _gauge("table_version", "The table that decisions are made from", table.version if table else 0)
        if age is not None:
            yield _gauge("table_age_seconds", "Since the database last said which table is the newest", age)

    def _of_desks(self) -> Iterator[Figure]:
        table, presences, now = self.publisher.table, self.switchboard.attendance.presences, datetime.now(UTC)
        desks = table.desks.values() if table else ()
        there = {desk.name: len(who_is_at(desk, table, presences, now)) for desk in desks if table}
        yield Figure(
            name="people_at_desk",
            says="Members of each desk who are there now; where there is nobody the next desk takes over",
            kind="gauge",
            label="desk",
            values=there,
        )
        yield _counts("codes_answered", "Codes dialled on people's phones, by answer", "word", self.chronicle.codes)

    def _of_records(self) -> Iterator[Figure]:
        recorder = self.recorder
        yield _gauge("records_waiting", "Calls that wait to be written", recorder.pending)
        yield _gauge("records_waiting_seconds", "How long the oldest of them has waited", recorder.oldest_age())
        yield _count("records_written", "Calls written, each as often as it was written", recorder.written)
        yield _count("records_retried", "Batches of records that failed and were tried again", recorder.failures)
        yield _count("records_refused", "Calls that the database will never take", recorder.refused)
        yield _count("records_dropped", "Calls that memory had no room for", recorder.dropped)

    def _of_the_clock(self) -> Iterator[Figure]:
        clock = self.clock
        if clock.owed is not None:
            yield _gauge("commitments_open", "Commitments that are open or claimed, at the last look", clock.owed)
            yield _gauge("commitments_late", "Of these, past their due time", clock.late)
        yield _count("commitment_steps", "Commitments somebody was reminded of, or that were handed over", clock.steps)
        yield _count("mails_sent", "Mails that the mail server took", clock.mails_sent)
        yield _count("mails_failed", "Tries to send a mail that failed", clock.mails_failed)
        yield _count("webhook_events_sent", "Events that arrived at webhooks", self.courier.sent)
        yield _count("webhook_events_failed", "Tries to send an event to a webhook that failed", self.courier.failed)
        yield _count("records_faded", "Old records looked through for numbers that lose their ends", clock.faded)


def _of_what_is_kept(kept: KeptCounts) -> Iterator[Figure]:
    """Of each process what it has seen to: calls that keep a commitment here, what people say where the API is."""
    yield _count(
        "commitments_kept_in_time", "Commitments kept by their due time, on word of this process", kept.in_time
    )
    yield _count("commitments_kept_late", "Commitments kept after their due time, on word of this process", kept.late)


def _of_the_tally(tally: Tally) -> Iterator[Figure | Spread]:
    """What reports say as well, of the calls that ended since our start."""
    for name in TALLIED:
        yield _count(f"ended_calls_{name}", f"Of the calls that have ended: {_said(name)}", tally.counts[name])
    yield _count("legs_machine_answered", _said("machine_legs"), tally.machine_legs)
    yield Spread(
        name="seconds_to_person",
        says="Seconds from an answered call's arrival to a person, by its way in the dialplan; told when it ends",
        label="path",
        bounds=BUCKETS,
        values={path: (waits.counts, waits.seconds) for path, waits in tally.to_person.items()},
    )


def _said(name: str) -> str:
    return DEFINITIONS.get(name, "Answered calls of a known account that has a manager")


def _of_the_stream(live: Live) -> Iterator[Figure]:
    yield _gauge("event_streams", "Streams of events that are open", live.followers)
    yield _count("events_sent", "Events sent, to all streams together", live.told)
    yield _count("event_streams_let_go", "Streams ended because nobody read them", live.let_go)


def _of_the_link(link: Counters) -> Iterator[Figure]:
    yield Figure(
        name="speaker",
        says="What this process is among those that could speak for the PBX",
        kind="gauge",
        label="role",
        values={"leader": float(link.up), "standby": float(link.stands_by)},
    )
    if link.since:
        yield _gauge("speaker_since_seconds", "When it became so, in seconds since 1970", link.since.timestamp())
    yield _count("link_take_overs", "Times that this process became the one that the PBX hears", link.took_over)
    yield _count("link_logins", "Logins to the PBX", link.logins)
    yield _count("link_logins_refused", "Logins that the PBX refused", link.refused_logins)
    yield _count("link_losses", "Links that were lost", link.connections_lost)
    yield _count("link_actions", "Actions sent", link.actions)
    yield _count("link_actions_late", "Actions that got no answer in time", link.actions_timed_out)
    yield _count("link_actions_refused", "Actions that the PBX refused", link.actions_refused)
    yield _counts("link_events", "Events heard", "event", link.events)
    yield _counts("link_dropped", "Messages not heard", "why", {why.value: n for why, n in link.dropped.items()})
    if link.round_trip is not None and link.skew is not None:
        yield _gauge("link_round_trip_seconds", "How long the last Ping took", link.round_trip)
        yield _gauge("link_skew_seconds", "The clock of the PBX minus ours", link.skew)


def _of_the_guard(guard: Guard) -> Iterator[Figure]:
    counted = guard.counters
    hints = {outcome.value: counted.hints.get(outcome, 0) for outcome in Outcome}
    yield _gauge("guard_up", "Whether the voicemail guard watches", counted.connection.up)
    yield _counts("guard_hints", "Channels said to be in a mailbox, by what came of it", "outcome", hints)
    yield _count("guard_logins", "Logins of the guard", counted.connection.logins)
    yield _count("guard_logins_refused", "Logins of the guard that the PBX refused", counted.connection.refused_logins)
    yield _count("guard_losses", "Connections of the guard that were lost", counted.connection.connections_lost)


def _count(name: str, says: str, value: float) -> Figure:
    return Figure(name=name, says=says, kind="counter", value=value)


def _counts(name: str, says: str, label: str, values: Mapping[str, int]) -> Figure:
    return Figure(name=name, says=says, kind="counter", label=label, values=values)


def _gauge(name: str, says: str, value: float) -> Figure:
    return Figure(name=name, says=says, kind="gauge", value=value)
