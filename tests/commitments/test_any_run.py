"""Is nothing lost, doubled, postponed or left without an owner, whatever happens in whichever order?"""

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from router.commitments.commitment import Belongs, Commitment, Level, Party, State, Terms, Why
from router.commitments.events import Claimed, Event, Kept, Missed, Promised, TakenAfterAll, Talked, Tried, Voided
from router.commitments.ledger import Changed, look, step
from router.commitments.notice import NoticeKind
from router.commitments.owner import is_here
from router.routing.configuration import Noun, Put, Remove
from router.routing.model import Cover, Line, LineKind, Person, PersonState
from tests.commitments.office import NOON, office
from tests.proof import many
from tests.routing.small_company import (
    ANNA,
    BERT,
    CARL,
    COORDINATORS,
    DORA,
    MUSTER,
    NIGHT_DESK,
    OFFICE_HOURS,
    SALES_DESK,
    STRANGER,
    SVENS_LINE,
    TINA,
)

PEOPLE = (ANNA, BERT, CARL, DORA, TINA)
people = st.sampled_from([person.id for person in PEOPLE])
parties = st.builds(
    Party,
    account=st.sampled_from((None, 1)),
    caller=st.sampled_from((MUSTER, STRANGER, "+4930777", "")),
    line=st.sampled_from((None, 1, 2, 77)),
).filter(lambda party: party.account is None or party.caller != "")
SAID_ONCE = (NoticeKind.REMINDER, NoticeKind.LATE, NoticeKind.DESK_TOLD, NoticeKind.LEAD_TOLD)


class AnyRun(RuleBasedStateMachine):
    """A day of calls, talks, promises, people who come and go, in the order that hypothesis likes worst."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOON
        self.table = office(
            replace(SALES_DESK, lead=TINA.id, members=(BERT.id,)),
            Line(id=2, number=SVENS_LINE, label="S", kind=LineKind.BUSINESS, desk=SALES_DESK.id, hours=OFFICE_HOURS.id),
        )
        self.kept: list[Commitment] = []  # all there ever were, each as it stands; the place is the id
        self.calls: dict[str, int] = {}
        self.said: list[tuple[int, NoticeKind]] = []

    @initialize(belongs=st.sampled_from(Belongs), reminder=st.sampled_from((0, 10, 45)))
    def begin(self, belongs: Belongs, reminder: int) -> None:
        self.terms = Terms(belongs=belongs, remind_before=timedelta(minutes=reminder))

    def owed_to(self, keys: tuple[str, ...]) -> int | None:
        return next((n for key in keys for n, one in enumerate(self.kept) if one.party == key and not one.over), None)

    def hear(self, place: int | None, event: Event) -> int | None:
        outcome = step(None if place is None else self.kept[place], event, self.table, self.terms)
        return self.take(place, outcome) if isinstance(outcome, Changed) else place

    def take(self, place: int | None, outcome: Changed) -> int:
        if place is None:
            self.kept.append(outcome.commitment)
            place = len(self.kept) - 1
        else:
            before, after = self.kept[place], outcome.commitment
            assert not before.over, "what is over stays over"
            assert after.due_at <= before.due_at, "never postponed"
            assert after.level >= before.level
            assert after.party == before.party
            if after.over:
                assert after.kept_by_call or after.void_reason or after.claimed_by, "closed by something"
            self.kept[place] = after
        self.said += [(place, notice.kind) for notice in outcome.notices]
        return place

    @rule(party=parties, waited=st.sampled_from((1, 5, 30, 600)), why=st.sampled_from(Why))
    def a_call_is_missed(self, party: Party, waited: int, why: Why) -> None:
        call = f"pbx:{len(self.calls)}.{self.now.timestamp():.0f}"
        began = self.now - timedelta(seconds=waited)
        found = self.owed_to(party.keys or (party.key,))
        place = self.hear(found, Missed(call_id=call, party=party, why=why, arrived_at=began, at=self.now))
        counts = why is not Why.GAVE_UP or self.now - began >= self.terms.gave_up_after
        if counts:
            assert place is not None
            assert not self.kept[place].over
            self.calls[call] = place

    @rule(party=parties, seconds=st.sampled_from((1, 19, 20, 900)), passed=st.integers(0, 900))
    def somebody_talks(self, party: Party, seconds: int, passed: int) -> None:
        self.now += timedelta(seconds=min(seconds, passed))  # the rest of the talk went on beside what happened before
        began = self.now - timedelta(seconds=seconds)
        for key in party.keys:
            if (place := self.owed_to((key,))) is not None:
                latest = self.kept[place].latest_at
                self.hear(place, Talked(call_id="pbx:talk", party=party, began_at=began, at=self.now))
                assert self.kept[place].over == (seconds >= 20 and began >= latest)

    @rule(party=parties, by=people, due=st.none() | st.integers(-10, 600))
    def something_is_promised(self, party: Party, by: int, due: int | None) -> None:
        due_at = None if due is None else self.now + timedelta(minutes=due)
        found = self.owed_to(party.keys or (party.key,))
        event = Promised(call_id=None, party=party, by=by, due_at=due_at, note="n", at=self.now)
        place = self.hear(found, event)
        assert place is not None
        assert due_at is None or self.kept[place].due_at <= due_at

    @rule(
        data=st.data(),
        what=st.sampled_from((Claimed, Tried, Kept, Voided, TakenAfterAll)),
        by=people,
        reason=st.sampled_from(("", "wrong number")),
    )
    def somebody_does_something(self, data: st.DataObject, what: type[Event], by: int, reason: str) -> None:
        if not self.kept:
            return
        place = data.draw(st.integers(0, len(self.kept) - 1))
        before = self.kept[place]
        events: dict[type[Event], Event] = {
            Claimed: Claimed(by=by, at=self.now),
            Tried: Tried(at=self.now),
            Kept: Kept(by=by, call_id=None, note="", at=self.now),
            Voided: Voided(reason=reason, at=self.now),
            TakenAfterAll: TakenAfterAll(call_id="pbx:late", at=self.now),
        }
        self.hear(place, events[what])
        if what is Voided and not reason:
            assert self.kept[place] == before

    @rule(person=st.sampled_from(PEOPLE), state=st.sampled_from(PersonState))
    def a_person_changes(self, person: Person, state: PersonState) -> None:
        self.table = self.table.with_change(Put(entity=replace(person, state=state)))

    @rule(person=people, by=people, desk=st.booleans())
    def somebody_is_covered(self, person: int, by: int, desk: bool) -> None:
        if person != by:
            by_person, by_desk = (None, NIGHT_DESK.id) if desk else (by, None)
            cover = Cover(id=person, person=person, by_person=by_person, by_desk=by_desk, starts_at=self.now)
            self.table = self.table.with_change(Put(entity=cover))

    @rule(person=people)
    def a_cover_ends(self, person: int) -> None:
        self.table = self.table.with_change(Remove(noun=Noun.COVER, id=person))

    @rule(desk=st.sampled_from((SALES_DESK.id, NIGHT_DESK.id)))
    def a_desk_goes(self, desk: int) -> None:
        self.table = self.table.with_change(Remove(noun=Noun.DESK, id=desk))

    @rule(minutes=st.sampled_from((0, 1, 15, 60, 2000)))
    def time_passes_and_the_clock_looks(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        for place, commitment in enumerate(self.kept):
            outcome = look(commitment, self.table, self.terms, self.now)
            if isinstance(outcome, Changed):
                self.take(place, outcome)
            self.assert_owned(self.kept[place], self.now)

    def assert_owned(self, commitment: Commitment, now: datetime) -> None:
        if not commitment.over:
            assert commitment.desk in self.table.desks
            assert commitment.owner is None or is_here(commitment.owner, self.table, now)
            assert commitment.next_step_at is None or commitment.next_step_at > now, "told of all that is due"
            assert commitment.next_step_at is not None or commitment.level is Level.LEAD_TOLD

    @invariant()
    def nothing_is_doubled(self) -> None:
        open_ones = [one.party for one in self.kept if not one.over]
        assert len(open_ones) == len(set(open_ones))
        steps = [said for said in self.said if said[1] in SAID_ONCE]
        assert len(steps) == len(set(steps)), "each step is told once"

    @invariant()
    def nothing_is_lost(self) -> None:
        for (
            place
        ) in self.calls.values():  # each call stands on a commitment that is owed, or ended in a way that is told
            one = self.kept[place]
            assert (one.closed_at is not None) == one.over
            assert one.over <= bool(one.kept_by_call or one.claimed_by or one.void_reason)
        assert all((one.state is State.CLAIMED) <= (one.claimed_by is not None) for one in self.kept)
        assert COORDINATORS.id in self.table.desks


TestAnyRun = AnyRun.TestCase
TestAnyRun.settings = settings(max_examples=many(150, 3000), stateful_step_count=40, deadline=None)
