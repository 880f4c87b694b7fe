"""How does an event get to another program, and what does it mean when it doesn't?

PostFailed    not now: nobody there, too slow, an answer that is not 2xx (a redirection is not followed)
└── PostGone  never again: 410, the receiver says that it is gone

Who may set an address could make us ask things of machines that only we can reach. So the host's name is looked up
here, every address it has is looked at, and the connection goes to the one that was looked at.
"""

import asyncio
import hashlib
import hmac
import ipaddress
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx2

SEND_WITHIN = 10.0  # seconds in all; a receiver puts away what it was told and answers, and thinks afterwards
LONGEST_URL = 2000  # characters

SIGNATURE, TIMESTAMP, IDENTITY, EVENT = "Router-Signature", "Router-Timestamp", "Router-Id", "Router-Event"

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class BadAddress(ValueError):
    """No event is sent to such an address; the message says why, and what can be."""


class PostFailed(Exception):
    """It didn't arrive this time: try again later."""


class PostGone(PostFailed):
    """It will never arrive: the receiver is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One event for one receiver; `id` is the same however often it is sent, so that a receiver takes it once."""

    url: str
    secret: str
    id: int
    event: str
    data: Mapping[str, Any]


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 of `<timestamp>.<body>`, in hexadecimal, with the scheme's name before it."""
    return "v1=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def check_url(url: str, *, private: bool) -> None:
    """Whether events may be sent there as far as its text tells. Raises BadAddress.

    With `private` also plain http, and addresses of this machine and of private networks.
    """
    _read(url, private=private)


async def send(post: Post, timestamp: int, *, private: bool, within: float = SEND_WITHIN) -> int:
    """Send it, and return the status that the receiver answered. Raises PostFailed; never waits for longer than
    `within` seconds.
    """
    body = json.dumps({"event": post.event, **post.data}, ensure_ascii=False).encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "call-router",
        IDENTITY: str(post.id),
        EVENT: post.event,
        TIMESTAMP: str(timestamp),
        SIGNATURE: signature(post.secret, str(timestamp), body),
    }
    try:
        async with asyncio.timeout(within):
            status = await _send(_read(post.url, private=private), headers, body, private=private)
    except TimeoutError:
        raise PostFailed(f"no answer within {within:g} s") from None
    except (httpx2.HTTPError, OSError, BadAddress) as fault:
        raise PostFailed(str(fault) or type(fault).__name__) from fault
    if status == HTTPStatus.GONE:
        raise PostGone("the receiver says that it is gone (410)")
    if not 200 <= status < 300:
        raise PostFailed(f"the receiver answered {status}")
    return status


async def _send(url: httpx2.URL, headers: dict[str, str], body: bytes, *, private: bool) -> int:
    address = await _look_up(url, private=private)
    async with (
        httpx2.AsyncClient(trust_env=False, follow_redirects=False, timeout=SEND_WITHIN) as client,
        client.stream(
            "POST",
            url.copy_with(host=str(address)),
            content=body,
            headers={**headers, "Host": url.netloc.decode()},
            extensions={"sni_hostname": url.host},  # the certificate is the name's, the connection the address's
        ) as answer,
    ):
        return answer.status_code  # what else it says is not read


async def _look_up(url: httpx2.URL, *, private: bool) -> Address:
    port = url.port or (443 if url.scheme == "https" else 80)
    found = await asyncio.get_running_loop().getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
    addresses = [ipaddress.ip_address(one[4][0]) for one in found]
    for address in addresses:
        _refuse_inside(address, private=private)
    return addresses[0]


def _read(url: str, *, private: bool) -> httpx2.URL:
    try:
        read = httpx2.URL(url)
    except httpx2.InvalidURL as fault:
        raise BadAddress(f"this is no address: {fault}") from None
    if len(url) > LONGEST_URL or not read.host or read.userinfo or read.fragment:
        raise BadAddress("give an address such as https://crm.example.com/calls, without a password or a fragment")
    if read.scheme != "https" and not (private and read.scheme == "http"):
        raise BadAddress("events are sent over https; over http only where ROUTER_WEBHOOK_PRIVATE allows it")
    try:
        read.host.encode("idna")  # what looking it up does first; a label has 63 characters at most
    except UnicodeError as fault:
        raise BadAddress(f"this is no name of a machine: {fault}") from None
    try:
        address = ipaddress.ip_address(read.host)
    except ValueError:
        return read  # a name, which is looked up when something is sent
    _refuse_inside(address, private=private)
    return read


def _refuse_inside(address: Address, *, private: bool) -> None:
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    seen = mapped or address
    if seen.is_global and not seen.is_multicast:
        return
    inside = (seen.is_loopback or seen.is_private) and not (seen.is_link_local or seen.is_unspecified)
    if not (private and inside):
        allowed = "" if private else " unless ROUTER_WEBHOOK_PRIVATE allows it"
        raise BadAddress(f"nothing is sent to {seen}, which is no address of the public network{allowed}")
