"""Is who asks too often told to wait, and does nobody else pay for it?"""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.storage.access_schema import Role
from router.storage.keys import new_key
from router.web.admission import Doorkeeper
from router.web.limits import Buckets, Limits, network_of
from router.web.problems import Refusal
from tests.web.conftest import Office

HERE, THERE = "192.0.2.1", "192.0.2.2"
NOBODYS = "rtr_00000000_" + "x" * 43


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def keeper_of(office: Office, clock: Clock, **limits: float) -> Doorkeeper:
    return Doorkeeper(office.db, lambda: office.now, Limits(**limits), clock)


async def refusal(keeper: Doorkeeper, key: str | None, address: str = HERE) -> Refusal | None:
    try:
        await keeper.let_in(key, address)
    except Refusal as refused:
        return refused
    return None


async def test_a_key_that_asks_too_often_is_told_when_to_go_on(office: Office) -> None:
    clock = Clock()
    keeper = keeper_of(office, clock, key_rate=5)
    crm, other = [await new_key(office.db, name, Role.SERVICE) for name in ("crm", "other")]
    first = [await refusal(keeper, crm) for _ in range(12)]

    refused = first[-1]
    assert first[:11] == [None] * 11, "the first proves whose it is, ten may come at once"
    assert refused is not None
    assert refused.problem.type == "urn:router:problem:too-many-requests"
    assert (refused.problem.status, refused.headers) == (429, {"Retry-After": "1"})
    assert await refusal(keeper, other) is None
    clock.now += 1
    assert await refusal(keeper, crm) is None


async def test_an_address_whose_keys_are_refused_again_and_again_is_not_listened_to(office: Office) -> None:
    clock = Clock()
    keeper = keeper_of(office, clock, failures=3)
    tries = [await refusal(keeper, f"{NOBODYS[:-1]}{n}") for n in range(3)] + [await refusal(keeper, None)]

    assert [one.problem.status for one in tries if one] == [401, 401, 401, 429]
    assert (tries[-1] and tries[-1].headers) == {"Retry-After": "20"}
    assert (other := await refusal(keeper, NOBODYS, THERE)) is not None
    assert other.problem.status == 401
    clock.now += 20
    assert (again := await refusal(keeper, NOBODYS)) is not None
    assert again.problem.status == 401


async def test_who_has_a_good_key_does_not_pay_for_those_who_guess_from_the_same_address(office: Office) -> None:
    keeper = keeper_of(office, Clock(), failures=3)
    good = office.keys[Role.VIEWER]
    await refusal(keeper, good)
    for _ in range(10):
        await refusal(keeper, NOBODYS)

    assert await refusal(keeper, good) is None


async def test_a_refused_request_says_so_over_http_and_the_sign_of_life_is_free(office: Office) -> None:
    office.app.state.doorkeeper = keeper_of(office, Clock(), key_rate=1)
    answers = [await office.get("/readyz") for _ in range(4)]
    alive = [await office.get("/healthz", role=None) for _ in range(20)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[-1].headers["retry-after"] == "1"
    assert answers[-1].headers["content-type"] == "application/problem+json"
    assert {answer.status_code for answer in alive} == {200}


@given(st.lists(st.floats(0, 5), min_size=1, max_size=60), st.floats(0.1, 50), st.floats(1, 20))
def test_in_any_time_no_more_pass_than_the_bucket_holds_and_gains(gaps: list[float], rate: float, size: float) -> None:
    clock = Clock()
    buckets = Buckets(rate, size, clock)
    passed, began = 0, clock.now
    for gap in gaps:
        clock.now += gap
        passed += buckets.take("a") == 0.0
        assert passed <= size + (clock.now - began) * rate + 1e-6


@given(st.floats(0.1, 50), st.floats(1, 20))
def test_who_waits_as_long_as_was_said_passes(rate: float, size: float) -> None:
    clock = Clock()
    buckets = Buckets(rate, size, clock)
    while not (wait := buckets.take("a")):
        pass
    clock.now += wait + 1e-6

    assert buckets.take("a") == 0.0


def test_what_is_remembered_has_an_end() -> None:
    buckets = Buckets(1, 1, Clock(), remembered=100)
    for name in range(1000):
        buckets.take(name)

    assert len(buckets) == 100


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1:2:3:4", "2001:db8::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_an_ipv6_customer_is_one_however_many_addresses_it_has(address: str, network: str) -> None:
    assert network_of(address) == network
