"""Are the members of every desk those that should be, with the fewest orders?"""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from router.calls.desk_members import SAFETY_NET, Wanted, after, differences, wanted_members
from router.calls.events import MemberSeen, Slot
from router.calls.orders import AddMember, PauseMember, RemoveMember
from router.calls.presence import Presence
from router.routing.model import Strategy
from tests.calls.company import CARL, COORDINATORS, MONDAY_NOON, company

FIRST: Slot = (Strategy.ALL, 1)

slots = st.tuples(st.sampled_from(Strategy), st.integers(1, 3))
endpoints = st.sampled_from(["anna", "carl", "cora"])
desks = st.dictionaries(slots, st.dictionaries(endpoints, st.booleans()))


def member(endpoint: str | None, slot: Slot = FIRST, *, name: str = "", paused: bool = False) -> MemberSeen:
    strategy, number = slot
    name = name or f"Local/{endpoint}"
    return MemberSeen(strategy=strategy, slot=number, endpoint=endpoint, member=name, paused=paused)


seen_members = st.lists(
    st.builds(
        lambda endpoint, slot, paused: member(endpoint, slot, paused=paused),
        st.none() | endpoints,
        slots,
        st.booleans(),
    )
)


def answering(*names: str) -> dict[str, bool]:
    """These phones in this order, none of them paused."""
    return dict.fromkeys(names, False)


def removed(endpoint: str | None, name: str) -> RemoveMember:
    return RemoveMember(strategy=Strategy.ALL, slot=1, member=name, endpoint=endpoint)


def test_a_desk_gets_its_members_in_their_order() -> None:
    orders = differences({FIRST: answering("carl", "cora")}, [])

    assert orders == (
        AddMember(strategy=Strategy.ALL, slot=1, endpoint="carl"),
        AddMember(strategy=Strategy.ALL, slot=1, endpoint="cora"),
    )


def test_when_all_members_change_the_new_ones_come_before_the_old_ones_go() -> None:
    orders = differences({FIRST: answering("cora")}, [member("carl")])

    assert orders == (AddMember(strategy=Strategy.ALL, slot=1, endpoint="cora"), removed("carl", "Local/carl"))


def test_members_of_a_desk_that_is_gone_are_removed() -> None:
    assert differences({}, [member("carl")]) == (removed("carl", "Local/carl"),)


def test_a_member_that_somebody_else_put_there_is_removed() -> None:
    assert differences({FIRST: answering("carl")}, [member("carl"), member(None, name="SIP/hall")]) == (
        removed(None, "SIP/hall"),
    )


def test_who_wraps_up_is_paused_and_who_is_done_is_not() -> None:
    wanted = {FIRST: {"carl": True, "cora": False}}

    assert differences(wanted, [member("carl"), member("cora", paused=True)]) == (
        PauseMember(strategy=Strategy.ALL, slot=1, endpoint="carl", paused=True),
        PauseMember(strategy=Strategy.ALL, slot=1, endpoint="cora", paused=False),
    )


def test_who_comes_while_wrapping_up_comes_paused() -> None:
    assert differences({FIRST: {"carl": True}}, []) == (
        AddMember(strategy=Strategy.ALL, slot=1, endpoint="carl", paused=True),
    )


def test_the_table_says_who_is_wanted_and_the_desk_says_where() -> None:
    assert wanted_members(company(), {}, MONDAY_NOON) == {
        (COORDINATORS.strategy, COORDINATORS.slot): answering("carl", "cora"),
        SAFETY_NET: answering("carl", "cora"),  # the PBX leads callers there whom it knows nothing about
    }


def test_who_is_signed_out_is_no_member_anywhere() -> None:
    out = {CARL.id: Presence(person=CARL.id, signed_in=False, since=MONDAY_NOON)}

    wanted = wanted_members(company(), out, MONDAY_NOON)

    assert wanted == {FIRST: answering("cora"), SAFETY_NET: answering("cora")}


def test_nobody_is_paused_where_the_pbx_leads_callers_without_us() -> None:
    wanted = wanted_members(company(), {}, MONDAY_NOON, {(COORDINATORS.id, "carl")})

    assert wanted == {FIRST: {"carl": True, "cora": False}, SAFETY_NET: answering("carl", "cora")}


@given(desks, seen_members)
def test_after_the_orders_every_desk_has_whom_it_wants_once(wanted: Wanted, seen: list[MemberSeen]) -> None:
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


@given(desks, seen_members)
def test_once_the_orders_are_carried_out_there_is_nothing_left_to_do(wanted: Wanted, seen: list[MemberSeen]) -> None:
    changed = after(seen, differences(wanted, seen))

    assert differences(wanted, changed) == ()


@given(desks)
def test_a_desk_that_is_right_is_left_alone(wanted: Wanted) -> None:
    seen = [
        member(endpoint, slot, paused=paused) for slot, names in wanted.items() for endpoint, paused in names.items()
    ]

    assert differences(wanted, seen) == ()
