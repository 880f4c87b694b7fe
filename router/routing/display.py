"""What does the ringing phone show?"""

import re
import unicodedata

from router.routing.model import Account, Line

DISPLAY_LENGTH = 40  # characters: what a desk phone shows without scrolling
_LABEL_LENGTH = 18  # of these for the line, when the account has to stand there as well
_NOT_SHOWN = re.compile(r"[^\w .+/:-]+")  # an allow-list: no quote, comma, angle bracket, dollar or control character


def display_of(dialled: str, line: Line | None, account: Account | None) -> str:
    """What the ringing phone shows: line and account, nothing that could mean anything to a parser on the way."""
    label = (_shown(line.label) if line else "") or _shown(dialled) or "unknown number"
    if account is None:
        return label[:DISPLAY_LENGTH].rstrip()
    return f"{label[:_LABEL_LENGTH].rstrip()}: {_shown(account.name)}"[:DISPLAY_LENGTH].rstrip()


def _shown(text: str) -> str:
    composed = (text if text.isascii() else unicodedata.normalize("NFC", text)).replace("&", "+")
    return " ".join(_NOT_SHOWN.sub(" ", composed).split())
