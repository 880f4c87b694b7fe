"""Does this machine know its own name without asking the network?

Asterisk asks for it when it starts, and for each call wherever a SIP endpoint has no `media_address`. With a DNS server
that never answers this was 20 seconds for a start; with the options below it was 2, and with `media_address` no call
asked at all.
"""

import socket
import threading
from contextlib import suppress
from functools import cache

KNOWN_WITHIN = 0.5  # seconds; a line in /etc/hosts answers in one thousandth of that
IMPATIENT = {"RES_OPTIONS": "timeout:1 attempts:1"}  # environment of a program that shall not wait for DNS


@cache
def slow_own_name() -> str | None:
    """One sentence when this machine's own name can't be looked up quickly, else None."""
    name = socket.gethostname()
    asking = threading.Thread(target=_ask, args=(name,), daemon=True)  # the look-up itself can't be given up
    asking.start()
    asking.join(KNOWN_WITHIN)
    if not asking.is_alive():
        return None
    return (
        f"this machine asks the network for its own name and waits: Asterisk starts slowly here until the line "
        f"`127.0.1.1 {name}` stands in /etc/hosts"
    )


def _ask(name: str) -> None:
    with suppress(OSError):
        socket.getaddrinfo(name, None)
