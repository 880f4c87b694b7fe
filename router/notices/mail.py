"""How does a mail get to the mail server, and what does it mean when it doesn't?

MailFailed       not now: no server, no answer, a login that is wrong until somebody mends it
└── MailRefused  never: the address doesn't exist, or the server won't have this mail
"""

import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import parseaddr
from enum import StrEnum

import aiosmtplib

from router.notices.letters import Letter

SEND_WITHIN = 10.0  # seconds for each answer of the mail server; a mail of ours is less than 2 kB


class MailFailed(Exception):
    """The mail didn't go out this time: try again later."""


class MailRefused(MailFailed):
    """The mail will never go out: trying again is of no use."""


class Encryption(StrEnum):
    """none: only for a mail server on this machine · starttls: asked for after greeting · tls: from the first byte."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSettings:
    """Which server takes our mail, and as whose; without `username` nobody logs in."""

    host: str
    port: int
    sender: str
    username: str = ""
    password: str = ""
    encryption: Encryption = Encryption.STARTTLS


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailer:
    settings: MailSettings

    async def send(self, letter: Letter) -> None:
        """Give the letter to the mail server, within a few times SEND_WITHIN. Raises MailFailed."""
        to = self.settings
        try:
            async with self._server() as server:
                await server.send_message(self._message(letter), sender=parseaddr(to.sender)[1], recipients=[letter.to])
        except aiosmtplib.SMTPRecipientsRefused as fault:
            refusals = [refused.code for refused in fault.recipients]
            raise _failure(f"the address {letter.to} is refused: {fault}", refusals) from fault
        except aiosmtplib.SMTPDataError as fault:
            raise _failure(f"the mail is refused: {fault}", [fault.code]) from fault
        except (aiosmtplib.SMTPException, OSError, ssl.SSLError) as fault:
            raise MailFailed(f"{to.host}:{to.port}: {fault}") from fault
        except ValueError as fault:  # an address that no header can hold
            raise MailRefused(f"the address {letter.to!r} can't be written to: {fault}") from fault

    async def greet(self) -> None:
        """Connect, greet, log in and leave, within a few times SEND_WITHIN; no mail is sent. Raises MailFailed."""
        to = self.settings
        try:
            async with self._server() as server:
                await server.ehlo()
        except (aiosmtplib.SMTPException, OSError, ssl.SSLError, ValueError) as fault:
            raise MailFailed(f"{to.host}:{to.port}: {fault}") from fault

    def _server(self) -> aiosmtplib.SMTP:
        to = self.settings
        return aiosmtplib.SMTP(
            hostname=to.host,
            port=to.port,
            username=to.username or None,
            password=to.password or None,
            use_tls=to.encryption is Encryption.TLS,
            start_tls=to.encryption is Encryption.STARTTLS,
            timeout=SEND_WITHIN,
        )

    def _message(self, letter: Letter) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self.settings.sender
        message["To"] = letter.to
        message["Subject"] = letter.subject
        message["Message-ID"] = f"<router-{letter.number}@{parseaddr(self.settings.sender)[1].partition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"  # so that no absence notice answers it
        message.set_content(letter.text)
        return message


def _failure(said: str, codes: list[int]) -> MailFailed:
    never = bool(codes) and all(500 <= code < 600 for code in codes)
    return MailRefused(said) if never else MailFailed(said)
