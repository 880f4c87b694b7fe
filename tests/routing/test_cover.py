"""Do contradicting covers come to light before they are saved, and only those?"""

from datetime import UTC, datetime, timedelta
from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st

from router.routing.cover import MOST_COVERS, Circle, Overlapping, contradictions, follow, say
from router.routing.model import Cover, CoverScope
from tests.proof import many

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
NAMES = {1: "Anna", 2: "Bert", 3: "Carl"}
SINGLE = (CoverScope.LINES, CoverScope.ACCOUNTS, CoverScope.COMMITMENTS)


def cover(
    id: int, person: int, by: int | None, days: tuple[int, int | None] = (0, 7), scope: CoverScope = CoverScope.ALL
) -> Cover:
    """From one day to another; by the desk 1 when nobody is named."""
    first, last = days
    return Cover(
        id=id,
        person=person,
        by_person=by,
        by_desk=None if by else 1,
        scope=scope,
        starts_at=MONDAY + timedelta(days=first),
        ends_at=None if last is None else MONDAY + timedelta(days=last),
    )


def test_two_covers_of_one_person_at_one_time_are_an_overlap_and_said_so() -> None:
    first, second = cover(1, 1, 2), cover(2, 1, None, (6, None))

    assert contradictions([second, first]) == (Overlapping(first=first, second=second),)
    assert say(Overlapping(first=first, second=second), NAMES) == (
        "covers 1 and 2 of Anna overlap from 2026-03-08 00:00 UTC on:"
        " let one end before the other begins, or give them different scopes"
    )


def test_one_after_the_other_and_for_different_things_at_once_is_no_overlap() -> None:
    assert contradictions([cover(1, 1, 2), cover(2, 1, 3, (7, 9))]) == ()
    assert contradictions([cover(1, 1, 2, scope=CoverScope.LINES), cover(2, 1, 3, scope=CoverScope.ACCOUNTS)]) == ()


def test_a_circle_is_named_once_with_everybody_in_it() -> None:
    circle = (cover(1, 1, 2), cover(2, 2, 3, (3, 9)), cover(3, 3, 1, (6, None)))

    found = contradictions(circle)

    assert found == (Circle(covers=circle),)
    assert say(found[0], NAMES) == (
        "covers lead in a circle, from Anna to Bert to Carl to Anna: let somebody else answer for one of them"
    )


def test_covers_that_never_hold_together_make_no_circle() -> None:
    assert contradictions([cover(1, 1, 2, (0, 3)), cover(2, 2, 1, (3, 6))]) == ()
    assert contradictions([cover(1, 1, 2, scope=CoverScope.LINES), cover(2, 2, 1, scope=CoverScope.ACCOUNTS)]) == ()


def test_a_row_of_covers_is_followed_to_its_limit_and_no_further() -> None:
    row = {n: cover(n, n, n + 1) for n in range(1, MOST_COVERS + 2)}

    assert follow(2, row.get).person == MOST_COVERS + 2
    assert (follow(1, row.get).person, len(follow(1, row.get).covers)) == (None, MOST_COVERS)


@st.composite
def any_covers(draw: st.DrawFn) -> list[Cover]:
    people = st.integers(1, 4)
    ids = count(1)
    drawn = draw(
        st.lists(
            st.tuples(people, st.none() | people, st.integers(0, 6), st.none() | st.integers(1, 4), scopes), max_size=6
        )
    )
    return [
        cover(next(ids), person, by, (first, lasts and first + lasts), scope)
        for person, by, first, lasts, scope in drawn
        if by != person
    ]


scopes = st.sampled_from([CoverScope.ALL, *CoverScope])


@settings(max_examples=many(300, 3000))
@given(any_covers())
def test_covers_contradict_each_other_when_trying_every_person_on_every_day_finds_it(covers: list[Cover]) -> None:
    found = contradictions(covers)

    days = [MONDAY + timedelta(days=n) for n in range(12)]
    tried = [_goes_wrong(person, scope, day, covers) for person in range(1, 5) for scope in SINGLE for day in days]
    assert bool(found) == any(tried)


def _goes_wrong(person: int, scope: CoverScope, now: datetime, covers: list[Cover]) -> bool:
    """Whether two answer for somebody on the way, or the way comes back to where it was."""
    passed: set[int] = set()
    at: int | None = person
    while at is not None:
        if at in passed:
            return True
        passed.add(at)
        here = [c for c in covers if c.person == at and c.scope in (scope, CoverScope.ALL) and c.holds_at(now)]
        if len(here) > 1:
            return True
        at = here[0].by_person if here else None
    return False
