"""Does the record say the same, however the news of a call arrives?"""

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from router.calls.call import Call, Ending, Phase
from router.calls.events import CallEnded, CallTaken, HandedOver, LegBegan, LegEnded, LegResult, PathTaken, Promised
from router.calls.tracker import Calls
from tests.calls.company import company
from tests.calls.said import CALL, arrived, ended, handed_over, leg_began, leg_ended, link_up, path_taken, taken

News = PathTaken | LegBegan | LegEnded | CallTaken | HandedOver | CallEnded
PHONES = ("anna", "carl", "cora")
TABLE = company()


@st.composite
def lives(draw: st.DrawFn) -> list[News]:
    """All the news of one call that rang some phones and was taken by one of them, by several in turn, or by none."""
    phones = draw(st.lists(st.sampled_from(PHONES), unique=True))
    taker = draw(st.sampled_from([None, *phones]))
    # Handed over, to one who may not have been rung before, and perhaps back.
    later = draw(st.lists(st.sampled_from(PHONES), max_size=3)) if taker else []
    promise = None if taker else draw(st.sampled_from([None, *Promised]))
    others = st.sampled_from([result for result in LegResult if result is not LegResult.ANSWERED])
    news: list[News] = [path_taken(), ended(phone=taker, owner=[taker, *later][-1], promise=promise)]
    for step, phone in enumerate(phones, start=1):
        result = LegResult.ANSWERED if phone == taker else draw(others)
        news += [leg_began(phone, step=step), leg_ended(phone, result, step=step)]
    takers = [taker, *later] if taker else []
    news += [handed_over(giver, seconds=3.5 + place) for place, giver in enumerate(takers[:-1])]
    return news + [taken(phone, seconds=3 + place) for place, phone in enumerate(takers)]


def outcome(news: list[News]) -> Call | None:
    calls = Calls()
    calls.step(arrived(), TABLE)
    for event in news:
        calls.step(event, TABLE)
    return calls.get(CALL)


@given(lives(), st.data())
def test_any_order_gives_the_same_record(news: list[News], data: st.DataObject) -> None:
    assert outcome(data.draw(st.permutations(news))) == outcome(news)


@given(lives(), st.data())
def test_hearing_things_twice_changes_nothing(news: list[News], data: st.DataObject) -> None:
    again = data.draw(st.lists(st.sampled_from(news)))

    assert outcome([*news, *again]) == outcome(news)


@given(lives(), st.data())
def test_missing_that_a_phone_began_to_ring_costs_nothing(news: list[News], data: st.DataObject) -> None:
    heard = [event for event in news if not isinstance(event, LegBegan)]

    assert outcome(data.draw(st.permutations(heard))) == outcome(news)


@given(lives(), st.data())
def test_a_cut_link_and_the_journal_give_what_the_live_events_would_have(news: list[News], data: st.DataObject) -> None:
    heard = news[: data.draw(st.integers(0, len(news)))]
    journal = tuple(event for event in news if isinstance(event, LegEnded | CallEnded))
    calls = Calls()
    for event in (arrived(), path_taken(), *heard, link_up(journal=journal, seconds=10)):
        calls.step(event, TABLE)

    # who owned it last stands in the journal; the hand-overs in between are known to who was there
    missed = [event for event in news if isinstance(event, HandedOver) and event not in heard]
    assert calls.get(CALL) == outcome([event for event in news if event not in missed])


@given(st.lists(lives(), max_size=6), st.data())
def test_every_call_offered_is_answered_given_up_promised_or_lost(
    all_news: list[list[News]], data: st.DataObject
) -> None:
    calls = Calls()
    for number, news in enumerate(all_news):
        calls.step(arrived(f"pbx:{number}"), TABLE)
        for event in data.draw(st.permutations(news))[: data.draw(st.integers(0, len(news)))]:
            calls.step(_of(event, f"pbx:{number}"), TABLE)
    calls.step(link_up(seconds=10), TABLE)

    endings = Counter(call.ending for call in calls)
    assert sum(endings[ending] for ending in Ending) == len(all_news)
    assert all(call.phase is Phase.OVER and call.ended_at is not None for call in calls)


def _of(event: News, call_id: str) -> News:
    return replace(event, call_id=call_id)
