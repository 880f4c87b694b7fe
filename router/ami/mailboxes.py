"""Which applications of Asterisk are mailboxes, and whose calls are guarded against them?"""

import re

# Where a caller is greeted by a machine and may leave a message.
MAILBOXES = ("VoiceMail", "MinivmGreet", "MinivmRecord")

# Where people listen to their own messages, or speak their greeting: nobody is ever taken out there.
OWN_MESSAGES = frozenset({"voicemailmain", "vmauthenticate", "voicemailplaymsg", "minivmaccmess"})

_APPLICATION = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_ENDPOINT = re.compile(r"[A-Za-z0-9._+-]{1,80}")


def check_applications(names: tuple[str, ...]) -> None:
    """Raises ValueError unless each may count as a mailbox, and there is one."""
    if not names:
        raise ValueError("without an application that counts as a mailbox there is nothing to guard")
    for name in names:
        if not _APPLICATION.fullmatch(name):
            raise ValueError(f"an application of Asterisk has letters and digits, as VoiceMail: {name!r} hasn't")
        if name.lower() in OWN_MESSAGES:
            raise ValueError(f"people listen to their own messages in {name}: nobody is taken out there")


def check_trunks(names: tuple[str, ...]) -> None:
    """Raises ValueError unless each can be an endpoint."""
    for name in names:
        if not _ENDPOINT.fullmatch(name):
            raise ValueError(f"an endpoint is named by letters, digits and ._+-, without PJSIP/: {name!r} isn't")
