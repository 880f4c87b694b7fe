"""Are the members of every desk those that should be, with the fewest orders?"""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from router.calls.desk_members import SAFETY_NET, Slot, differences, wanted_members
from router.calls.events import MemberSeen
from router.calls.orders import AddMember, RemoveMember
from router.routing.model import Strategy
from tests.calls.company import COORDINATORS, MONDAY_NOON, company

FIRST: Slot = (Strategy.ALL, 1)

slots = st.tuples(st.sampled_from(Strategy), st.integers(1, 3))
endpoints = st.sampled_from(["anna", "carl", "cora"])
desks = st.dictionaries(slots, st.lists(endpoints, unique=True).map(tuple))


def member(endpoint: str | None, slot: Slot = FIRST, *, name: str = "") -> MemberSeen:
    strategy, number = slot
    name = name or f"Local/{endpoint}"
    return MemberSeen(strategy=strategy, slot=number, endpoint=endpoint, member=name, paused=False)


seen_members = st.lists(st.builds(member, st.none() | endpoints, slots))


def test_a_desk_gets_its_members_in_their_order() -> None:
    orders = differences({FIRST: ("carl", "cora")}, [])

    assert orders == (
        AddMember(strategy=Strategy.ALL, slot=1, endpoint="carl"),
        AddMember(strategy=Strategy.ALL, slot=1, endpoint="cora"),
    )


def test_when_all_members_change_the_new_ones_come_before_the_old_ones_go() -> None:
    orders = differences({FIRST: ("cora",)}, [member("carl")])

    assert orders == (
        AddMember(strategy=Strategy.ALL, slot=1, endpoint="cora"),
        RemoveMember(strategy=Strategy.ALL, slot=1, member="Local/carl"),
    )


def test_members_of_a_desk_that_is_gone_are_removed() -> None:
    assert differences({}, [member("carl")]) == (RemoveMember(strategy=Strategy.ALL, slot=1, member="Local/carl"),)


def test_a_member_that_somebody_else_put_there_is_removed() -> None:
    assert differences({FIRST: ("carl",)}, [member("carl"), member(None, name="SIP/hall")]) == (
        RemoveMember(strategy=Strategy.ALL, slot=1, member="SIP/hall"),
    )


def test_the_table_says_who_is_wanted_and_the_desk_says_where() -> None:
    assert wanted_members(company(), MONDAY_NOON) == {
        (COORDINATORS.strategy, COORDINATORS.slot): ("carl", "cora"),
        SAFETY_NET: ("carl", "cora"),  # the PBX leads callers there whom it knows nothing about
    }


@given(desks, seen_members)
def test_after_the_orders_every_desk_has_whom_it_wants_once(
    wanted: dict[Slot, tuple[str, ...]], seen: list[MemberSeen]
) -> None:
    there = Counter((member.strategy, member.slot, member.member) for member in seen)
    for order in differences(wanted, seen):
        match order:
            case AddMember():
                there[order.strategy, order.slot, f"Local/{order.endpoint}"] += 1
            case RemoveMember():
                there[order.strategy, order.slot, order.member] -= 1

    assert +there == Counter(
        (strategy, slot, f"Local/{endpoint}") for (strategy, slot), names in wanted.items() for endpoint in names
    )


@given(desks)
def test_a_desk_that_is_right_is_left_alone(wanted: dict[Slot, tuple[str, ...]]) -> None:
    seen = [member(endpoint, slot) for slot, names in wanted.items() for endpoint in names]

    assert differences(wanted, seen) == ()
