"""How is a connection to a PBX made, and the next one when it has failed?"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ssl import SSLCertVerificationError, SSLContext, SSLError
from typing import NoReturn

from router.ami.counters import Tally
from router.ami.outbound import check
from router.ami.protocol import Answer, Wire
from router.ami.timing import Timing

# OpenSSL's X509_V_ERR_…
WRONG_NAME = frozenset({62, 63, 64})  # host name, e-mail address or IP address mismatch
WRONG_CA = frozenset({2, 7, 18, 19, 20, 21})  # no issuer to be found, a wrong signature, or signed by itself


class LinkFailed(Exception):
    """This connection is of no more use; the message says why."""


class LoginRefused(LinkFailed):
    """The PBX will have nothing to do with us until somebody changes a file of it or of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where a PBX listens and who we are there. Raises ValueError for what could not be sent."""

    host: str = "127.0.0.1"
    port: int = 5038
    username: str
    secret: str = field(repr=False)
    ssl: SSLContext | None = None

    def __post_init__(self) -> None:
        check({"Username": self.username, "Secret": self.secret})


async def keep_connected(
    one_connection: Callable[[], Awaitable[tuple[bool, LinkFailed]]], down: Callable[[str], None], timing: Timing
) -> NoReturn:
    """One connection after the other, with one socket at a time; ends only by being cancelled.

    `one_connection` says whether it was of use, and why it ended; `down` is told each time.
    """
    wait = timing.retry_first
    while True:
        of_use, failure = await one_connection()
        if (task := asyncio.current_task()) and task.cancelling():
            raise asyncio.CancelledError  # it came in the very moment the connection failed
        down(str(failure))
        if of_use:
            wait = timing.retry_first
        pause = timing.retry_refused if isinstance(failure, LoginRefused) else wait
        await asyncio.sleep(pause * random.uniform(0.8, 1.0))  # so that several routers don't knock in step
        wait = min(wait * 2, timing.retry_most)


async def connect(door: Door, wire: Callable[[], Wire], timing: Timing) -> Wire:
    """A fresh connection, not logged in yet. Raises LinkFailed."""
    within = timing.connect_within
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(within):
            _, made = await loop.create_connection(wire, door.host, door.port, ssl=door.ssl)
    except TimeoutError:
        raise LinkFailed(f"{door.host}:{door.port} did not accept within {within:g} s") from None
    except SSLCertVerificationError as error:
        raise LoginRefused(f"{door.host}:{door.port}: {_why_not_believed(error)}") from error
    except SSLError as error:
        raise LoginRefused(
            f"{door.host}:{door.port} does not speak TLS as we do ({error.reason or error}): is it tlsbindaddr's port?"
        ) from error
    except OSError as error:
        raise LinkFailed(f"{door.host}:{door.port}: {error.strerror or error}") from error
    return made


@asynccontextmanager
async def connected(door: Door, wire: Callable[[], Wire], timing: Timing) -> AsyncIterator[Wire]:
    """A connection for a few questions, not logged in yet; closed in any case. Raises LinkFailed."""
    made = await connect(door, wire, timing)
    try:
        yield made
    finally:
        made.abort("done with it")
        await made.gone()


def _why_not_believed(error: SSLCertVerificationError) -> str:
    """What is wrong with the certificate, and what to do: OpenSSL's own words name no file of ours."""
    said = error.verify_message.rstrip(".")
    if error.verify_code in WRONG_NAME:
        return f"the PBX's certificate is for another name: {said}; connect by a name that stands in it"
    if error.verify_code in WRONG_CA:
        return f"the PBX's certificate is of no CA that we believe ({said}): is ROUTER_AMI_CA_FILE the right one?"
    return f"the PBX's certificate can't be believed: {said}"


async def log_in(wire: Wire, door: Door, events: str, *, timing: Timing, tally: Tally) -> None:
    """Log in to hear events of these classes only, whatever else the AMI user may read. Raises LinkFailed."""
    login = {"Action": "Login", "Username": door.username, "Secret": door.secret, "Events": events}
    answer = await wire.ask(login, within=timing.login_within)
    if not answer.success and answer.fields:
        tally.refused_logins += 1
        raise LoginRefused(f"the PBX refused the login of {door.username}: {answer.said}")
    must(answer, "Login")
    tally.logins += 1


def must(answer: Answer, action: str) -> None:
    """Raises LinkFailed unless the PBX did as it was asked."""
    if not answer.success:
        raise LinkFailed(f"{action}: {answer.said}")
