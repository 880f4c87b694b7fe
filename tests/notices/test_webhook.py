"""Does an event reach its receiver signed, and never an address that it mustn't?"""

import asyncio
import hashlib
import hmac

import pytest

from router.notices.webhook import BadAddress, Post, PostFailed, PostGone, check_url, send
from tests.notices.receiver import HANGS, receiving

SECRET = "whs_secret"
NOW = 1772470800


def post(url: str) -> Post:
    return Post(url=url, secret=SECRET, id=42, event="call.answered", data={"id": 42, "person": "Zoë"})


async def test_a_receiver_can_verify_that_an_event_comes_from_us() -> None:
    async with receiving() as receiver:
        assert await send(post(receiver.url), NOW, private=True) == 204
    (got,) = receiver.received
    expected = hmac.new(SECRET.encode(), f"{NOW}.".encode() + got.body, hashlib.sha256).hexdigest()
    assert got.headers["router-signature"] == f"v1={expected}"
    assert (got.headers["router-timestamp"], got.headers["router-id"]) == (str(NOW), "42")
    assert got.data == {"event": "call.answered", "id": 42, "person": "Zoë"}


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
async def test_an_answer_that_is_no_success_is_a_failure(status: int) -> None:
    async with receiving() as receiver:
        receiver.status = status
        with pytest.raises(PostFailed, match=f"answered {status}"):
            await send(post(receiver.url), NOW, private=True)


async def test_a_receiver_that_says_it_is_gone_is_believed() -> None:
    async with receiving() as receiver:
        receiver.status = 410
        with pytest.raises(PostGone):
            await send(post(receiver.url), NOW, private=True)


async def test_a_redirection_is_not_followed() -> None:
    async with receiving() as receiver, receiving() as other:
        receiver.status, receiver.to = 307, other.url
        with pytest.raises(PostFailed, match="answered 307"):
            await send(post(receiver.url), NOW, private=True)
    assert other.received == []


async def test_who_hangs_is_waited_for_no_longer_than_said() -> None:
    async with receiving() as receiver, asyncio.timeout(5):
        receiver.status = HANGS
        with pytest.raises(PostFailed, match=r"no answer within 0\.2 s"):
            await send(post(receiver.url), NOW, private=True, within=0.2)


async def test_nobody_there_is_a_failure() -> None:
    async with receiving() as receiver:
        url = receiver.url
    with pytest.raises(PostFailed):
        await send(post(url), NOW, private=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "ftp://example.com/",
        "https://user:secret@example.com/",
        "https://example.com/#there",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://10.1.2.3/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::ffff:10.0.0.1]/",
        "https://0.0.0.0/",
        "https://224.0.0.1/",
        "https:///nowhere",
        f"https://{'a' * 64}.example.com/",
    ],
)
def test_an_address_that_nothing_may_be_sent_to_is_refused(url: str) -> None:
    with pytest.raises(BadAddress):
        check_url(url, private=False)


@pytest.mark.parametrize("url", ["https://example.com/", "https://example.com:8443/calls?from=router"])
def test_an_address_of_the_public_network_is_taken(url: str) -> None:
    check_url(url, private=False)


@pytest.mark.parametrize("url", ["https://169.254.169.254/", "http://0.0.0.0/", "http://[fe80::1]/"])
def test_what_clouds_tell_their_machines_is_never_asked_for(url: str) -> None:
    with pytest.raises(BadAddress):
        check_url(url, private=True)


async def test_a_name_that_leads_inside_is_refused_when_it_is_looked_up() -> None:
    with pytest.raises(PostFailed, match="no address of the public network"):
        await send(post("https://localhost/"), NOW, private=False)
