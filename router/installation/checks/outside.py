"""Do the API and the mail server answer?"""

import asyncio
import json
from collections.abc import AsyncIterator
from http.client import HTTPConnection, HTTPException

from router.installation.finding import Finding, fault, good, left_out, warning
from router.installation.premises import Premises
from router.notices.mail import Mailer, MailFailed
from router.settings_of_parts import SettingsError

API, MAIL = "API", "mail"

ANSWERS_WITHIN = 3.0  # seconds; /healthz takes a millisecond, and asks nobody else
MOST_BYTES = 1_000  # of an answer that should have 14
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # listening on all addresses, it answers on this one


async def look_at_api(premises: Premises) -> AsyncIterator[Finding]:
    """Whether a router's API answers where the settings say."""
    http = premises.settings.http
    if http.port == 0:
        yield left_out(API, "ROUTER_HTTP_PORT is 0: it takes a free port, so nobody knows where it answers")
        return
    host = EVERYWHERE.get(http.host, http.host)
    try:
        said = await asyncio.to_thread(healthz, host, http.port)
    except OSError:
        yield warning(
            API,
            f"nothing answers at {host}:{http.port}: start the router there, or correct ROUTER_HTTP_HOST and _PORT",
        )
        return
    if said == {"alive": True}:
        yield good(API, f"a router answers at {host}:{http.port}")
    else:
        yield fault(
            API,
            f"another program answers at {host}:{http.port}, so no router can: stop that one, or set ROUTER_HTTP_PORT"
            " to a free port",
        )


async def look_at_mail(premises: Premises) -> AsyncIterator[Finding]:
    """Whether the mail server takes us, where there is one; no mail is sent."""
    try:
        server = premises.settings.mail.server()
    except SettingsError as wrong:
        yield fault(MAIL, str(wrong))
        return
    if server is None:
        return
    try:
        await Mailer(settings=server).greet()
    except MailFailed as failed:
        yield fault(
            MAIL,
            f"{failed}: correct ROUTER_MAIL_* or the server; until then mail waits and is tried again",
        )
    else:
        who = f" and lets in {server.username}" if server.username else ""
        yield good(MAIL, f"{server.host}:{server.port} answers ({server.encryption.value}){who}")


def healthz(host: str, port: int) -> object:
    """What answers there, None when it is nothing of ours. Raises OSError when nothing does."""
    connection = HTTPConnection(host, port, timeout=ANSWERS_WITHIN)
    try:
        connection.request("GET", "/healthz")
        return json.loads(connection.getresponse().read(MOST_BYTES))
    except TimeoutError:
        return None  # it took the connection, and says nothing
    except (HTTPException, ValueError):
        return None
    finally:
        connection.close()
