"""Is everything that happens to a call told, in its order, once?"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from router.calls.call import Call, Ending, Leg, Passing, Phase
from router.calls.events import How, LegResult, Path, Presented
from router.calls.news import WAITS_AFTER, CallNews, News, Told, news_of, who_called
from tests.storage.stories import SAMPLE_TABLE, after, answered, arrived, ringing, talking

SOON_AFTER = after(0.5)


def told(news: Iterable[News]) -> tuple[Told, ...]:
    return tuple(
        Told(kind=one.kind, ending=Ending(one.facts["ended"]) if one.kind is CallNews.ENDED else None) for one in news
    )


def story(*states: Call, at: datetime = SOON_AFTER) -> list[str]:
    """What is told when each of these states is looked at in turn."""
    so_far: tuple[Told, ...] = ()
    for state in states:
        so_far += told(news_of(state, so_far, SAMPLE_TABLE, at))
    return [one.kind.value for one in so_far]


def test_a_call_rings_is_answered_and_ends_also_when_all_of_it_is_told_at_once() -> None:
    life = arrived(), ringing(), talking(), answered()
    assert story(*life) == ["ringing", "answered", "ended"]
    assert story(answered()) == ["ringing", "answered", "ended"]
    assert story(*life, *life, answered()) == ["ringing", "answered", "ended"], "once, however often it is looked at"


def test_who_has_no_ringing_phone_for_a_second_waits_and_is_rung_again() -> None:
    in_vain = replace(ringing().legs[0], ended_at=after(20), result=LegResult.NO_ANSWER)
    alone = replace(ringing(), legs=(in_vain,))
    rung = replace(alone, legs=(in_vain, Leg(leg="1.3", step=2, phone="anna", person=1, began_at=after(40))))

    assert story(ringing(), alone, at=after(20.4)) == ["ringing"], "the next phone may ring at once"
    assert story(ringing(), alone, rung, at=after(21)) == ["ringing", "waiting", "ringing"]
    (news,) = news_of(alone, told(news_of(ringing(), (), SAMPLE_TABLE, after(1))), SAMPLE_TABLE, after(21))
    assert news.at == after(20)


def test_somebody_who_finds_nobody_free_waits_from_the_beginning() -> None:
    nobody = replace(arrived(), path=Path.PLAN, why="plan")
    assert story(nobody, at=after(0.9)) == []
    assert story(nobody, at=after(1)) == ["waiting"]


def test_a_call_that_waits_for_its_path_is_not_told_to_wait() -> None:
    assert story(arrived(), at=after(100)) == []


def test_a_hand_over_and_who_answered_then_are_told() -> None:
    passing = Passing(at=after(10), phone="jonas", person=12, to="Anna", how=How.KEY)
    handed = replace(talking(), phase=Phase.RINGING, owner_since=after(4), passings=(passing,))
    taken = replace(handed, phase=Phase.TALKING, owner_phone="anna", owner=1, owner_since=after(12))
    over = replace(taken, phase=Phase.OVER, ended_at=after(60), ending=Ending.ANSWERED, owner_since=after(60))

    assert story(talking(), handed, taken, over, at=after(10.2)) == [
        "ringing", "answered", "handed_over", "ringing", "answered", "ended",
    ]  # fmt: skip


def test_what_is_learnt_later_of_an_end_is_told() -> None:
    lost = replace(arrived(), phase=Phase.OVER, ended_at=after(60), ending=Ending.LOST)
    assert story(lost, answered(), lost) == ["ended", "answered", "ended", "ended"]


def test_a_caller_who_withholds_the_number_and_a_call_nobody_decided_are_named_as_far_as_they_are_known() -> None:
    call = replace(arrived(), presented=Presented.WITHHELD, decision=None, line=1, account=None)
    named = who_called(call, SAMPLE_TABLE)
    assert (named["caller"], named["line"], named["account"]) == ("", SAMPLE_TABLE.lines[1].label, None)


LEGS = st.lists(
    st.tuples(st.floats(0, 60), st.one_of(st.none(), st.floats(0, 30))), max_size=4
)  # when each began, and how long it rang


@given(LEGS, st.one_of(st.none(), st.floats(0, 60)), st.one_of(st.none(), st.floats(60, 90)), st.floats(0, 100))
def test_whatever_is_known_of_a_call_looking_again_brings_nothing_new(
    legs: list[tuple[float, float | None]], taken: float | None, ended: float | None, now: float
) -> None:
    rung = tuple(
        Leg(
            leg=str(place),
            step=1,
            phone="anna",
            person=1,
            began_at=after(began),
            ended_at=None if lasted is None else after(began + lasted),
        )
        for place, (began, lasted) in enumerate(legs)
    )
    call = replace(
        arrived(),
        path=Path.PLAN,
        legs=rung,
        taken_at=None if taken is None else after(taken),
        taken_phone=None if taken is None else "anna",
        owner_since=None if taken is None else after(taken),
        ended_at=None if ended is None else after(ended),
        ending=None if ended is None else Ending.ANSWERED if taken is not None else Ending.GAVE_UP,
    )
    first = told(news_of(call, (), SAMPLE_TABLE, after(now)))
    assert news_of(call, first, SAMPLE_TABLE, after(now) + WAITS_AFTER - timedelta(seconds=1)) == ()
    assert (first[-1].kind if first else None) is CallNews.ENDED or ended is None
    kinds = [one.kind for one in first]
    assert kinds.count(CallNews.ENDED) <= 1
    assert kinds.count(CallNews.ANSWERED) == (taken is not None)
